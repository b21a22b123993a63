"""Shared by all tests: one embedded PostgreSQL per run, and no way out of this machine.

The server is started by the first test that asks for it and joined by the other xdist workers; like in production it stops
when the last process lets go, so an aborted run leaves no server behind either. Nothing here depends on `hash()` or the order
of a set, and no test may: a run is the same under every PYTHONHASHSEED.
"""

import ipaddress
import os
import shutil
import socket
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from caseworker.store.embedded import EmbeddedServer

_FOLDER = "CASEWORKER_TEST_POSTGRES"
# Test data may be lost with the machine; everything else is as in production.
_TUNING = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "1GB", "autovacuum": "off"}


def pytest_configure(config: pytest.Config) -> None:
    """The controller (or the only process) chooses the server's folder; workers inherit its name.

    Not below pytest's own temporary folder: that one is closed (0700), and as root the server runs under another account.
    """
    if not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="caseworker-tests-", dir="/tmp")
        os.chmod(folder, 0o755)  # noqa: PTH101  # the string is what goes into the environment
        os.environ[_FOLDER] = folder


def pytest_unconfigure(config: pytest.Config) -> None:
    """By now every worker has let go; wait for the server's end and remove its folder."""
    if not hasattr(config, "workerinput") and (folder := os.environ.pop(_FOLDER, "")):
        EmbeddedServer(Path(folder)).wait_stopped(seconds=20)
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedServer]:
    """The run's server. Tests want `postgres_url` or `database_url` instead."""
    with EmbeddedServer(Path(os.environ[_FOLDER]), tuning=_TUNING) as server:
        yield server


@pytest.fixture(scope="session")
def make_database(postgres_server: EmbeddedServer) -> Iterator[Callable[..., str]]:
    """`make_database(template="template0")` makes a database and returns its URL; it lives as long as the server does."""
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:

        def make(template: str = "template0") -> str:
            name = f"t_{uuid.uuid4().hex}"
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
            return postgres_server.url.replace("/caseworker?", f"/{name}?")

        yield make


@pytest.fixture
def postgres_url(postgres_server: EmbeddedServer, make_database: Callable[..., str]) -> Iterator[str]:
    """A fresh, empty database of this test's own: `postgresql://...` over a unix socket. Dropped afterwards, users or not."""
    url = make_database()
    yield url
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {urlsplit(url).path[1:]} WITH (FORCE)")


@pytest.fixture(scope="session")
def migrated_template(make_database: Callable[..., str]) -> str:
    """One migrated database per xdist worker; tests get copies of it."""
    from caseworker.bootstrap import upgrade

    url = make_database()
    upgrade(url)
    return urlsplit(url).path[1:]


@pytest.fixture
def database_url(postgres_server: EmbeddedServer, make_database: Callable[..., str], migrated_template: str) -> Iterator[str]:
    """A fresh database with the product's schema, of this test's own."""
    url = make_database(template=migrated_template)
    yield url
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {urlsplit(url).path[1:]} WITH (FORCE)")


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """A test that reaches for another machine fails at once. Loopback and unix sockets stay open."""
    connect, connect_ex, look_up = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def checked_connect(self: socket.socket, address: object) -> None:
        _require_local(self.family, address)
        return connect(self, address)

    def checked_connect_ex(self: socket.socket, address: object) -> int:
        _require_local(self.family, address)
        return connect_ex(self, address)

    def checked_look_up(host: str | bytes | None, *args: object, **kwargs: object) -> object:
        _require_local(socket.AF_INET, (host,))
        return look_up(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", checked_connect)
        patch.setattr(socket.socket, "connect_ex", checked_connect_ex)
        patch.setattr(socket, "getaddrinfo", checked_look_up)
        yield


def _require_local(family: int, address: object) -> None:
    if family not in (socket.AF_INET, socket.AF_INET6):
        return
    host = address[0] if isinstance(address, tuple) else address
    name = host.decode() if isinstance(host, bytes) else host
    if not name or name in ("localhost", socket.gethostname()):
        return
    try:
        local = ipaddress.ip_address(str(name).split("%", maxsplit=1)[0])
    except ValueError:
        local = None
    if local is None or not (local.is_loopback or local.is_unspecified):
        raise AssertionError(f"tests do not leave this machine, and this one asks for {name!r}")
