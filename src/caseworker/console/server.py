"""The console as a web application: pages on FastAPI, told everything by the facade."""

import asyncio
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI, Request, Response
from nicegui import ui
from starlette.middleware.trustedhost import TrustedHostMiddleware

from caseworker.console.case import add_case_page
from caseworker.console.cases import add_cases_page
from caseworker.console.facade import Facade
from caseworker.console.queues import add_queues_page
from caseworker.console.releases import add_releases_page
from caseworker.console.unassigned import add_unassigned_page
from caseworker.core.errors import ConfigurationError

log = logging.getLogger("caseworker.console")
_ICON = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6" fill="#0b6e66"/></svg>'
_HEADERS = {"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def create(facade: Facade, *, hosts: tuple[str, ...] = ("127.0.0.1", "localhost")) -> FastAPI:
    """The application; once a process, because NiceGUI keeps its pages in one place. Answers to requests for `hosts` only.

    A page of another site that has its name point to this machine is thereby turned away.
    """
    web = FastAPI(title="Caseworker", docs_url=None, redoc_url=None, openapi_url=None)
    web.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))

    @web.middleware("http")
    async def protect(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        response.headers.update(_HEADERS)
        return response

    add_cases_page(facade)
    add_case_page(facade)
    add_queues_page(facade)
    add_releases_page(facade)
    add_unassigned_page(facade)
    ui.run_with(web, title="Caseworker", dark=None, tailwind=False, favicon=_ICON, show_welcome_message=False)
    return web


async def serve(facade: Facade, *, host: str, port: int, public_url: str = "") -> None:
    """Serve until cancelled. Raises ConfigurationError where the port is taken."""
    names = {host, "127.0.0.1", "localhost", urlsplit(public_url).hostname or host}
    if not _is_loopback(host):
        log.warning("The console on %s has no login of its own: put it behind one, or bind it to 127.0.0.1", host)
    config = uvicorn.Config(
        create(facade, hosts=tuple(sorted(names))), host=host, port=port, log_level="warning", timeout_graceful_shutdown=2
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        server.should_exit = True
        await asyncio.wait({task}, timeout=10.0)
        raise
    except SystemExit as error:  # how uvicorn says that it cannot bind
        raise ConfigurationError(
            f"The console cannot listen on {host}:{port}.",
            remedy="End the program that listens there, or choose another port with CASEWORKER_CONSOLE_PORT.",
        ) from error


class _Server(uvicorn.Server):
    """Signals are the command's business: it ends everything in order."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
