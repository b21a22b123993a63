"""Bring a database to this version's schema, once, whoever comes first."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from caseworker.store.database import explain, sqlalchemy_url

_LOCK = 7_201_944  # one number for all processes of all hosts that upgrade the same database
_STEPS = Path(__file__).parent / "migrations"


def upgrade(url: str) -> None:
    """Apply the migrations that are missing. Raises StoreError."""
    engine = sa.create_engine(sqlalchemy_url(url), poolclass=sa.NullPool)
    try:
        with engine.begin() as connection:
            connection.execute(sa.text("SET lock_timeout = '30s'"))
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            config = Config()
            config.set_main_option("script_location", str(_STEPS))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except (sa.exc.DBAPIError, OSError) as error:
        raise explain(error) from error
    finally:
        engine.dispose()
