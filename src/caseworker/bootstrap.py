"""The composition root: Settings -> App. The only module that knows adapters."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from caseworker.app.answers import ApprovedAnswers
from caseworker.app.intake import Intake
from caseworker.app.managers import Managers
from caseworker.app.people import People
from caseworker.app.playbooks import Playbooks, shipped
from caseworker.app.releases import Releases
from caseworker.app.replay import Replays
from caseworker.cases.release import Release
from caseworker.commerce.ports import Commerce
from caseworker.core.clock import Clock, SystemClock
from caseworker.core.errors import ConfigurationError
from caseworker.engine.drain import Drain
from caseworker.engine.executor import Executor
from caseworker.engine.failpoints import Failpoints
from caseworker.engine.hearing import Hearing
from caseworker.engine.jobs import Jobs
from caseworker.engine.lookups import LookUps
from caseworker.engine.promises import PromiseKeeper
from caseworker.engine.sender import Sender
from caseworker.engine.shadow import Shadow
from caseworker.engine.verify import Verifier
from caseworker.engine.worker import Worker
from caseworker.mail.ports import Transport
from caseworker.reading.ports import LanguageModel, Reader
from caseworker.settings import Settings
from caseworker.sop.model import Playbook
from caseworker.store.cases import PostgresCases
from caseworker.store.clock import DatabaseClock
from caseworker.store.control import PostgresControl
from caseworker.store.database import Database
from caseworker.store.decisions import PostgresDecisions
from caseworker.store.effects import PostgresEffects
from caseworker.store.intake import PostgresIntake, RawMails
from caseworker.store.people import PostgresQueue
from caseworker.store.releases import PostgresReleases
from caseworker.store.views import PostgresViews

if TYPE_CHECKING:
    from caseworker.reading.adapters.use import UseEncoder


@dataclass(slots=True)
class Overrides:
    """What a test puts in place of what the settings choose."""

    clock: Clock | None = None
    commerce: Commerce | None = None
    reader: Reader | None = None
    transport: Transport | None = None


@dataclass(slots=True)
class App:
    """Everything one process needs, wired. `worker()` makes the engine; nothing runs by itself."""

    settings: Settings
    clock: Clock
    playbooks: Playbooks
    releases: Releases
    answers: ApprovedAnswers
    intake: Intake
    people: People
    managers: Managers
    replays: Replays
    control: PostgresControl
    views: PostgresViews
    raw: RawMails
    commerce: Commerce
    jobs: Jobs
    release: Release
    cases: PostgresCases
    effects: PostgresEffects
    database: Database
    recover: Callable[[], object]
    _reader: Reader | None = None
    _transport: Transport | None = None

    def reader(self) -> Reader:
        """The reader, loaded when it is first needed (its weights take a second)."""
        if self._reader is None:
            self._reader = make_reader(self.settings, self.release)
        return self._reader

    def transport(self) -> Transport:
        """Where finished mails go."""
        if self._transport is None:
            self._transport = make_transport(self.settings)
        return self._transport

    def worker(self) -> Worker:
        """The engine of one worker process."""
        failpoints = Failpoints(self.settings.failpoints)
        sender = Sender(self.transport(), self.intake.secret, self.playbooks.signature)
        executor = Executor(self.effects, self.commerce, sender, self.clock, failpoints)
        verifier = Verifier(self.effects, self.commerce)
        lookups = LookUps(self.commerce, self.answers)
        hearing = Hearing(self.cases, self.effects, self.reader(), self.commerce, verifier, PromiseKeeper(lookups))
        drain = Drain(
            cases=self.cases,
            effects=self.effects,
            releases=self.playbooks,
            lookups=lookups,
            hearing=hearing,
            executor=executor,
            clock=self.clock,
            failpoints=failpoints,
            shadow=Shadow(self.playbooks, lookups, self.playbooks.store),
        )
        return Worker(
            jobs=self.jobs,
            drain=drain,
            cases=self.cases,
            upkeep=self.control,
            clock=self.clock,
            concurrency=self.settings.worker_concurrency,
            recover=self.recover,
        )


@asynccontextmanager
async def build(settings: Settings, overrides: Overrides | None = None, *, adopt: bool = False) -> AsyncIterator[App]:
    """The application over a database that is up to date. Raises ConfigurationError, StoreError, PlaybookError.

    `adopt`: a changed playbook folder may become live by this start, as it does for the processes that people start to work.
    """
    chosen = overrides or Overrides()
    async with AsyncExitStack() as stack:
        url, recover = await asyncio.to_thread(open_database, settings, stack)
        await asyncio.to_thread(upgrade, url)
        database = Database(url, pool_size=settings.worker_concurrency + 4)
        stack.push_async_callback(database.close)
        clock = chosen.clock or (DatabaseClock(database) if settings.clock == "database" else SystemClock())
        jobs = Jobs(url)
        await jobs.open()
        stack.push_async_callback(jobs.close)
        commerce = chosen.commerce or await _commerce(settings, url, clock, stack)
        control = PostgresControl(database, jobs.wake)
        store = PostgresReleases(database)
        playbooks = Playbooks(store, commerce, clock)
        release = await playbooks.start(shipped(settings.playbook), adopt=adopt)
        cases = PostgresCases(database, fence=settings.fence)
        views = PostgresViews(database)
        intake = Intake(
            mails=PostgresIntake(database, jobs.wake),
            control=control,
            playbooks=playbooks,
            clock=clock,
            secret=settings.secret or await asyncio.to_thread(secret_of, settings.data_dir),
        )
        await intake.refresh()
        app = App(
            settings=settings,
            clock=clock,
            playbooks=playbooks,
            releases=Releases(playbooks, store, cases, clock, release.playbook.worker.name),
            answers=ApprovedAnswers(playbooks, clock, shared_encoder),
            intake=intake,
            people=People(PostgresQueue(database, jobs.wake), clock),
            managers=Managers(views),
            replays=Replays(PostgresDecisions(database), playbooks),
            control=control,
            views=views,
            raw=RawMails(database),
            commerce=commerce,
            jobs=jobs,
            release=release,
            cases=cases,
            effects=PostgresEffects(database, cases),
            database=database,
            recover=recover,
            _reader=chosen.reader,
            _transport=chosen.transport,
        )
        yield app


def open_database(settings: Settings, stack: AsyncExitStack) -> tuple[str, Callable[[], object]]:
    """The database's URL, and what to call when it is lost.

    Without a setting the embedded server is started and held until the stack closes.
    """
    if settings.database_url:
        return settings.database_url, lambda: None
    from caseworker.store.embedded import EmbeddedServer

    server = EmbeddedServer(settings.data_dir)
    stack.callback(server.stop, wait=10.0)
    return server.start(), server.start


def upgrade(url: str) -> None:
    """Our migrations, procrastinate's own schema; safe for several processes at once."""
    from caseworker.engine.schema import upgrade_jobs
    from caseworker.store.upgrade import upgrade as upgrade_store

    upgrade_store(url)
    upgrade_jobs(url)


def secret_of(data_dir: Path) -> str:
    """The installation's secret, made once; it signs thread tokens, so it must outlive every mail."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / "secret"
    try:
        with path.open("x") as file:
            path.chmod(0o600)
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    text = path.read_text().strip()
    if len(text) < 32:
        raise ConfigurationError(
            f"{path} is damaged.", remedy="Restore it from a backup, or delete it: old threads lose their token."
        )
    return text


@lru_cache(maxsize=1)
def shared_encoder() -> "UseEncoder":
    """The process's one sentence encoder, for the reader and for approved answers; its weights load at the first use."""
    from caseworker.reading.adapters.use import UseEncoder

    return UseEncoder()


def make_reader(settings: Settings, release: Release) -> Reader:
    """The reader that the settings choose. Raises ConfigurationError or ReadingError for weights that cannot be used."""
    if settings.reader != "embedded":
        raise ConfigurationError(f"CASEWORKER_READER={settings.reader!r} is no reader.", remedy="Use `embedded`.")
    from caseworker.reading import heads
    from caseworker.reading.adapters.embedded import EmbeddedReader

    encoder = shared_encoder()
    encoder.check()
    worker = release.playbook.worker
    return EmbeddedReader(encoder, heads.load(weights_of(settings, worker.name), "use", encoder), languages=worker.languages)


def weights_of(settings: Settings, playbook: str) -> Path:
    """What the reader has learnt: the folder of the setting, else the playbook's own in the data directory, else the shipped.

    `playbook` is the name in its worker.yaml. Raises ConfigurationError where the setting names no such folder.
    """
    from caseworker.reading import heads

    if settings.weights:
        folder = Path(settings.weights).expanduser()
        if not (folder / "use.json").is_file():
            raise ConfigurationError(
                f"CASEWORKER_WEIGHTS={settings.weights!r} cannot be used: there are no weights.",
                remedy="Give a folder that `caseworker train --out FOLDER` wrote, or leave it empty.",
            )
        return folder
    own = trained_for(settings, playbook)
    return own if (own / "use.json").is_file() else heads.SHIPPED


def trained_for(settings: Settings, playbook: str) -> Path:
    """Where `caseworker train` keeps what it made for a playbook of this name."""
    return settings.data_dir / "weights" / "".join(char if char.isalnum() or char in "-_" else "_" for char in playbook)


def not_taught(settings: Settings, playbook: Playbook) -> tuple[str, ...]:
    """The playbook's intents that the reader does not know: no mail is ever read as one of them. Raises as `make_reader`."""
    from caseworker.reading import heads

    known = heads.labels_in(weights_of(settings, playbook.worker.name), "use")
    return tuple(spec.name for spec in playbook.intents.values() if spec.name not in known and known.isdisjoint(spec.risks))


def make_language_model(settings: Settings) -> LanguageModel:
    """The language model that the settings choose. Raises ConfigurationError that says which settings to make."""
    if not settings.model.removeprefix("openai:") or not settings.model_url:
        raise ConfigurationError(
            "No language model is set.",
            remedy="Set CASEWORKER_MODEL=openai:NAME and CASEWORKER_MODEL_URL, and CASEWORKER_MODEL_KEY or "
            "CASEWORKER_MODEL_KEY_FILE where the server wants a key. For a server on this machine, for example: "
            "CASEWORKER_MODEL=openai:qwen3 CASEWORKER_MODEL_URL=http://127.0.0.1:11434/v1",
        )
    from caseworker.reading.adapters.llm import OpenAiModel

    name = settings.model.removeprefix("openai:")
    return OpenAiModel(url=settings.model_url, name=name, key=_model_key(settings), timeout=settings.model_timeout)


def _model_key(settings: Settings) -> str:
    if settings.model_key or not settings.model_key_file:
        return settings.model_key
    try:
        return Path(settings.model_key_file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"CASEWORKER_MODEL_KEY_FILE={settings.model_key_file!r} cannot be read.", remedy="Give a text file with the key."
        ) from error


def make_transport(settings: Settings) -> Transport:
    """The way out that the settings choose: `smtp://host:port`, `maildir:FOLDER`, or a maildir under the data directory."""
    from urllib.parse import urlsplit

    from caseworker.mail.adapters.maildir_out import MaildirTransport
    from caseworker.mail.adapters.smtp_out import SmtpTransport

    relay = settings.relay or f"maildir:{settings.data_dir / 'outbox'}"
    if relay.startswith("maildir:"):
        return MaildirTransport(Path(relay.removeprefix("maildir:")))
    parts = urlsplit(relay)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ConfigurationError(f"CASEWORKER_RELAY={relay!r} is no relay.", remedy="Write smtp://host:port or maildir:FOLDER.")
    return SmtpTransport(
        parts.hostname,
        parts.port or 25,
        username=parts.username,
        password=parts.password,
        use_tls=parts.scheme == "smtps",
    )


async def _commerce(settings: Settings, url: str, clock: Clock, stack: AsyncExitStack) -> Commerce:
    if settings.commerce != "sandbox":
        raise ConfigurationError(f"CASEWORKER_COMMERCE={settings.commerce!r} is no connection.", remedy="Use `sandbox`.")
    from caseworker.commerce.adapters.sandbox import Sandbox

    sandbox = Sandbox(url, clock, timeout=settings.sandbox_timeout)
    await stack.enter_async_context(sandbox)
    await sandbox.install()
    return sandbox
