"""Configuration → adapters → Daemon. The only place that knows every adapter."""

import secrets as randomness
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy.engine import Engine

from mailbot.casefile import of_cases
from mailbot.clients.microsoft import SignIns
from mailbot.clock import SystemClock
from mailbot.config import OAuth, Secrets, Settings, resolve_url, state_dir, store_url
from mailbot.daemon import Daemon
from mailbot.datamap import Database, DataMap
from mailbot.effects import Performer
from mailbot.errors import Permanent
from mailbot.flow import Flow
from mailbot.intake import Intake
from mailbot.learning import Learning
from mailbot.letters import LANGUAGES, Templates, templates_root
from mailbot.mailboxes import Surroundings, open_mailbox, open_outbox
from mailbot.mailtext.decisions import Words, load_words
from mailbot.mailtext.followup import FollowupWords, load_followup_words
from mailbot.memory import Records
from mailbot.move import Tools
from mailbot.ports import Clock, Mailbox, Outbox, Sources
from mailbot.reader import Reader
from mailbot.sources import SqlSource, open_sources, sqlserver
from mailbot.sources.engines import database_url, read_engine
from mailbot.store import SQLITE_FILE, Sealer, SqlStore, load_master_key, open_store
from mailbot.systemd import Notifier
from mailbot.terminal import Say
from mailbot.trust import trust_of

if TYPE_CHECKING:
    from mailbot.sources.discovery.running import Discovered as Discovered

DISCOVERY_S = 10  # seconds for one statement that samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The adapters of one configuration, opened."""

    settings: Settings
    store: SqlStore
    mailboxes: Mapping[str, Mailbox]
    outboxes: Mapping[str, Outbox]
    sources: Sources
    tools: Tools
    clock: Clock

    def close(self) -> None:
        """Hang up everywhere."""
        for mailbox in self.mailboxes.values():
            mailbox.close()
        self.store.close()


def secrets_of(settings: Settings, environ: Mapping[str, str]) -> Secrets:
    """Where passwords and keys are read from."""
    return Secrets(environ, settings.secrets_folder)


def sign_ins_of(settings: Settings, environ: Mapping[str, str]) -> SignIns:
    """The apps by which mailboxes and databases of Microsoft are opened. Nothing connects yet.

    A process has one of each, so that it holds one set of tokens.
    """
    handed_over = environ.get("CREDENTIALS_DIRECTORY", "")
    return _sign_ins(handed_over, settings.secrets_folder, settings.folder)


@cache
def _sign_ins(handed_over: str, secrets: Path, folder: Path) -> SignIns:
    environ = {"CREDENTIALS_DIRECTORY": handed_over} if handed_over else {}
    return SignIns(Secrets(environ, secrets), folder)


def templates_of(settings: Settings) -> Templates:
    """The packaged templates, or a folder that overrides them."""
    return Templates(settings.templates_folder)


def store_of(
    settings: Settings, environ: Mapping[str, str], clock: Clock, read_only: bool = False
) -> SqlStore:
    """The daemon's own store, unlocked. `read_only`: beside a running daemon."""
    secrets = secrets_of(settings, environ)
    master_key = load_master_key(secrets.read(settings.store.key))
    url, state = store_url(settings, environ), state_dir(settings, environ)
    return open_store(url, state, master_key, clock, read_only=read_only)


def mailboxes_of(
    settings: Settings, environ: Mapping[str, str], clock: Clock
) -> tuple[dict[str, Mailbox], dict[str, Outbox]]:
    """Every [[mailbox]] and the way it sends. Nothing connects yet."""
    around = Surroundings(
        secret=secrets_of(settings, environ).read,
        sign_ins=sign_ins_of(settings, environ),
        state=state_dir(settings, environ),
        folder=settings.folder,
        clock=clock,
    )
    mailboxes: dict[str, Mailbox] = {}
    outboxes: dict[str, Outbox] = {}
    for part in settings.mailbox:
        mailboxes[part.name] = open_mailbox(part, around)
        outboxes[part.name] = open_outbox(part, mailboxes[part.name], around)
    return mailboxes, outboxes


def sources_of(
    settings: Settings,
    environ: Mapping[str, str],
    mailboxes: Mapping[str, Mailbox],
    today: Callable[[], date],
    watch: Callable[[str, str], None] | None = None,
) -> Sources:
    """Every system of the data map. Nothing connects yet. `watch`: told what each one is at."""
    secrets = secrets_of(settings, environ)
    state = state_dir(settings, environ)
    sources = open_sources(
        settings.datamap,
        mailboxes,
        secrets.database_password,
        lambda url: resolve_url(url, state),
        today,
        token_of(settings, environ),
        _Beside(settings, environ).open,
        settings.approval.language,
    )
    if watch is not None:
        sources.watch = watch
    return sources


class _Beside:
    """Mailboxes that a sign-in opens beside its own: shared ones, by an app that may read them.

    Graph and EWS open any mailbox within the app's scope, IMAP those of an app (OAuth); a password
    opens one mailbox alone. Each is opened once and kept.
    """

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        self._known: dict[tuple[str, str], Mailbox] = {}

    def open(self, account: str, address: str) -> Mailbox | None:
        """The mailbox of an address by the sign-in of a [[mailbox]]. Nothing connects yet."""
        part = next(part for part in self._settings.mailbox if part.name == account)
        by_app = part.kind in ("graph", "ews") or (part.imap is not None and part.imap.oauth)
        if not by_app:
            return None
        if (account, address) not in self._known:
            changes: dict[str, object] = {"name": f"{account}:{address}", "address": address}
            if part.imap is not None:
                changes["imap"] = part.imap.model_copy(update={"user": address})
            settings = self._settings.model_copy(
                update={"mailbox": (part.model_copy(update=changes),)}
            )
            opened, _ = mailboxes_of(settings, self._environ, SystemClock())
            self._known[account, address] = next(iter(opened.values()))
        return self._known[account, address]


def token_of(settings: Settings, environ: Mapping[str, str]) -> Callable[[Database, str], str]:
    """Access tokens for databases that are signed in to by Entra. Nothing connects yet."""
    sign_ins = sign_ins_of(settings, environ)

    def token(database: Database, client_id: str) -> str:
        # Reading and erasing may be two apps with one certificate: the URL's user names the other.
        other = {"client_id": client_id} if client_id else {}
        part = OAuth.model_validate({**database.entra, **other})
        host = urlsplit(database.read_url).hostname or ""
        return sign_ins.of(part).token(sqlserver.scope(host))

    return token


def discovered_in(
    settings: Settings, environ: Mapping[str, str], wanted: Sequence[str], say: Say
) -> "Discovered":
    """Proposals for databases of the data map; the others are read to find references into them."""
    from mailbot.sources.discovery.running import discover  # its word lists are slow to load

    secrets, state = secrets_of(settings, environ), state_dir(settings, environ)
    datamap, token = settings.datamap, token_of(settings, environ)

    def reading(database: Database) -> Engine:
        limit = min(database.statement_timeout_s, DISCOVERY_S)
        where = f"datamap.toml: database {database.name}: read_url"
        password = secrets.database_password(database.name, "read")
        url = database_url(resolve_url(database.read_url, state), password, where)
        fresh = partial(token, database, url.username or "") if database.entra else None
        return read_engine(url, limit, database.name, fresh)

    return discover(datamap.database, datamap, wanted, reading, say)


def discovered_of(
    databases: Sequence[Database],
    datamap: DataMap,
    wanted: Sequence[str],
    urls: Mapping[str, str],
    say: Say,
) -> "Discovered":
    """Proposals for databases that are not configured, by their URLs."""
    from mailbot.sources.discovery.running import discover

    def reading(database: Database) -> Engine:
        where = f"database {database.name}"
        return read_engine(database_url(urls[database.name], None, where), DISCOVERY_S, where)

    return discover(databases, datamap, wanted, reading, say)


def records_of(sources: Sources, system: str) -> Records:
    """A database of the data map, as what goes through its records one by one."""
    source = sources.get(system)
    if not isinstance(source, SqlSource):
        raise Permanent(f"{system} is no database of the data map")
    return source


@contextmanager
def open_parts(
    settings: Settings, environ: Mapping[str, str], clock: Clock | None = None
) -> Iterator[Parts]:
    """Open everything that the daemon needs, and close it again."""
    clock = clock or SystemClock()
    mailboxes, outboxes = mailboxes_of(settings, environ, clock)
    sources = sources_of(settings, environ, mailboxes, lambda: clock.now().date())
    templates = templates_of(settings)
    store = store_of(settings, environ, clock)
    tools = Tools(
        settings=settings,
        sources=sources,
        templates=templates,
        random=randomness.token_bytes,
        of_cases=lambda ids: of_cases(store, ids),
    )
    parts = Parts(
        settings=settings,
        store=store,
        mailboxes=mailboxes,
        outboxes=outboxes,
        sources=sources,
        tools=tools,
        clock=clock,
    )
    try:
        yield parts
    finally:
        parts.close()


def flow_of(parts: Parts) -> Flow:
    """The state machine over opened parts."""
    performer = Performer(
        parts.store,
        parts.clock,
        parts.sources,
        parts.outboxes,
        parts.mailboxes,
        shadow=parts.settings.mode == "shadow",
    )
    return Flow(parts.store, parts.tools, performer, parts.clock)


def store_if_any(settings: Settings, environ: Mapping[str, str], clock: Clock) -> SqlStore | None:
    """The store to look at, beside a running daemon too; None where none was made yet."""
    if not settings.store.url and not (state_dir(settings, environ) / SQLITE_FILE).is_file():
        return None
    return store_of(settings, environ, clock, read_only=True)


def sealer_of(settings: Settings, environ: Mapping[str, str], purpose: str) -> Sealer:
    """Seals what a command keeps in the state folder, under a key from the master key."""
    secrets = secrets_of(settings, environ)
    return Sealer(load_master_key(secrets.read(settings.store.key)), purpose)


def reader_of(settings: Settings, traits: bool = True) -> Reader:
    """The process apart that reads mail. Nothing is started yet. `traits`: for learning."""
    return Reader(
        trust_of(settings),
        open_above=settings.classify.open_above,
        ask_above=settings.classify.ask_above,
        traits=traits and settings.classify.learn,
    )


@cache
def decision_words() -> Words:
    """The packaged words of decision: read once, they do not change while a process lives."""
    return load_words(templates_root(), LANGUAGES)


@cache
def followup_words() -> FollowupWords:
    """The packaged phrases of people who write again."""
    return load_followup_words(templates_root(), LANGUAGES)


@contextmanager
def open_daemon(
    parts: Parts, environ: Mapping[str, str], lent: Reader | None = None
) -> Iterator[Daemon]:
    """The daemon over opened parts, with its reader process. `lent`: a reader of such settings
    that outlives the daemon; its process starts with its first mail."""
    settings = parts.settings
    words = decision_words()
    reader = lent or reader_of(settings)
    flow = flow_of(parts)
    intake = Intake(parts.store, flow, reader, words, followup_words(), parts.clock)
    learning = Learning(parts.store, reader, settings.classify, parts.clock)
    learning.refresh()
    if lent is None:
        reader.start()
    try:
        yield Daemon(
            parts.store,
            flow,
            intake,
            parts.mailboxes,
            {part.name: float(part.poll_seconds) for part in settings.mailbox},
            parts.clock,
            Notifier(environ),
            state_dir(settings, environ),
            learning,
            sealer_of(settings, environ, "hand-in").unseal,
        )
    finally:
        if lent is None:
            reader.close()
