"""An installation from before releases had states: none is live until a start says so, and its cases are decided as before."""

from pathlib import Path

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import caseworker.store
from caseworker.bootstrap import upgrade
from caseworker.store.database import sqlalchemy_url


def test_releases_that_were_there_count_as_retired(postgres_url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(caseworker.store.__file__).parent / "migrations"))
    engine = sa.create_engine(sqlalchemy_url(postgres_url), poolclass=sa.NullPool)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.execute(sa.text("insert into releases (hash, worker, created_at) values ('a', 'retail', '2026-11-01Z')"))
    engine.dispose()
    upgrade(postgres_url)
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute("select state, people, successor, since = created_at, live_at = created_at from releases")
        assert row.fetchall() == [("retired", 1, "", True, True)]
