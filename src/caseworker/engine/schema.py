"""procrastinate's own schema: applied once, migrated by its own scripts in later versions."""

import procrastinate
import psycopg

_LOCK = 7_201_945  # one number for all processes that upgrade the same database


def upgrade_jobs(url: str) -> None:
    """Make procrastinate's tables where they are missing."""
    with psycopg.connect(url, autocommit=True) as guard:
        guard.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        row = guard.execute("SELECT to_regclass('procrastinate_jobs')").fetchone()
        if row is not None and row[0] is None:
            app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=url))
            with app.open():
                app.schema_manager.apply_schema()
