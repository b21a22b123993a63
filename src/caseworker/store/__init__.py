"""Where everything is kept: PostgreSQL through SQLAlchemy Core. The only room that imports sqlalchemy and alembic."""
