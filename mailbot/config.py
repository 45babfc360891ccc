"""TOML → typed settings: every fault of every file at once, by key, with a remedy.

`load` reads mailbot.toml and the two files that it names. What it returns is whole and checked;
nothing else in mailbot looks at a raw configuration.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from mailbot.config_checks import advice, away_span, check_keys
from mailbot.config_datamap import check_datamap, datamap_advice
from mailbot.config_fault import problems
from mailbot.config_model import (
    Approval,
    Approver,
    Authenticity,
    Classify,
    Deadline,
    Delivery,
    Ews,
    Graph,
    Identity,
    Imap,
    Log,
    MailbotFile,
    Mailbox,
    Maildir,
    OAuth,
    SendWithoutApproval,
    Settings,
    Smtp,
    Store,
)
from mailbot.config_read import Checked, Model, check, read_toml
from mailbot.config_secrets import Secrets
from mailbot.config_types import LANGUAGES, RIGHTS, at_exchange_online
from mailbot.datamap import DataMap
from mailbot.errors import ConfigError, Problem
from mailbot.organisation import Organisation, organisation_from

__all__ = [
    "LANGUAGES",
    "RIGHTS",
    "at_exchange_online",
    "Approval",
    "Approver",
    "Authenticity",
    "Classify",
    "Deadline",
    "Delivery",
    "Ews",
    "Graph",
    "Identity",
    "Imap",
    "Log",
    "Mailbox",
    "Maildir",
    "OAuth",
    "Secrets",
    "SendWithoutApproval",
    "Settings",
    "Smtp",
    "Store",
    "away_span",
    "default_path",
    "load",
    "resolve_path",
    "resolve_url",
    "state_dir",
    "store_url",
    "warnings",
]

STORE_PASSWORD = "credential:store.password"


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """Read and check the whole configuration.

    Raises ConfigError with every fault of mailbot.toml, the organisation's facts, the data map and
    the credentials that they name. No fault repeats a value.
    """
    file = _read(MailbotFile, path, path.name)
    keys = file.model or MailbotFile()
    facts = _facts(path.parent / keys.organisation, keys.organisation)
    data = _read(DataMap, path.parent / keys.datamap, keys.datamap)
    if file.model is None:
        # Which files it names is not known: what is missing under the usual names proves nothing.
        facts, data = _if_there(facts, path, keys.organisation), _if_there(data, path, keys.datamap)
    found = [*file.problems, *facts.problems, *data.problems]
    if file.model is not None:
        faults = tuple(check_keys(keys))
        found += problems(faults, path.name, file.faulty)
        found += _folders(keys, path)
        found += _credentials(keys, path, environ)
    if data.model is not None:
        names = frozenset(mailbox.name for mailbox in keys.mailbox)
        found += problems(check_datamap(data.model, names), keys.datamap, data.faulty)
        found += _database_credentials(keys, data.model, path, environ)
    if found or facts.model is None or data.model is None:
        raise ConfigError(tuple(dict.fromkeys(found)))
    settings = _settings(keys, facts.model, data.model, path.parent)
    return settings.model_copy(update={"warnings": tuple(_advice(settings, environ))})


def warnings(settings: Settings) -> tuple[str, ...]:
    """What `check-config` says about a configuration that is sound and could be better."""
    return settings.warnings


def default_path(environ: Mapping[str, str]) -> Path:
    """Where mailbot.toml is looked for: $MAILBOT_CONFIG, systemd's folder, else ./config."""
    if named := environ.get("MAILBOT_CONFIG"):
        return Path(named)
    if folders := environ.get("CONFIGURATION_DIRECTORY"):
        return Path(folders.split(":")[0]) / "mailbot.toml"
    return Path("config") / "mailbot.toml"


def state_dir(settings: Settings, environ: Mapping[str, str]) -> Path:
    """The state folder: `state` (relative: beside mailbot.toml), systemd's, else ./var."""
    if settings.state:
        return settings.folder / settings.state
    if folders := environ.get("STATE_DIRECTORY"):
        return Path(folders.split(":")[0])
    return Path("var")


def resolve_path(path: str, state: Path) -> Path:
    """A path of the configuration that may be relative to the state folder (maildir, outbox)."""
    return state / path


def resolve_url(url: str, state: Path) -> str:
    """A database URL in which a relative SQLite file lies in the state folder.

    sqlite:///crm.db becomes sqlite:////var/lib/mailbot/crm.db. Other URLs, absolute paths and
    databases in memory stay as they are.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.partition("+")[0] != "sqlite" or not rest.startswith("/"):
        return url
    file, question, parameters = rest[1:].partition("?")
    prefix = "file:" if file.startswith("file:") else ""
    name = file.removeprefix("file:")
    if not name or name == ":memory:" or Path(name).is_absolute():
        return url
    return f"{scheme}:///{prefix}{state.resolve() / name}{question}{parameters}"


def store_url(settings: Settings, environ: Mapping[str, str]) -> str:
    """Where mailbot's own store is: `store.url` with its password, "" for SQLite in `state`.

    The password comes from the credential "store.password", if there is one. Raises ConfigError if
    that cannot be read.
    """
    url = resolve_url(settings.store.url, state_dir(settings, environ))
    secrets = Secrets(environ, settings.secrets_folder)
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.startswith("sqlite") or not secrets.exists(STORE_PASSWORD):
        return url
    authority, slash, database = rest.partition("/")
    user, _, host = authority.rpartition("@")
    password = quote(secrets.read(STORE_PASSWORD), safe="")
    return f"{scheme}://{user}:{password}@{host}{slash}{database}"


def _read(model: type[Model], path: Path, name: str) -> Checked[Model]:
    document = read_toml(path, name)
    if isinstance(document, Problem):
        return Checked(None, (document,))
    return check(model, document, name)


def _if_there(checked: Checked[Model], path: Path, name: str) -> Checked[Model]:
    return checked if (path.parent / name).exists() else Checked(None)


def _facts(path: Path, name: str) -> Checked[Organisation]:
    document = read_toml(path, name)
    if isinstance(document, Problem):
        return Checked(None, (document,))
    checked = check(Organisation, document, name)
    if checked.problems:
        return checked
    try:
        return Checked(organisation_from(document, name))
    except ConfigError as error:
        return Checked(None, error.problems)


def _folders(keys: MailbotFile, path: Path) -> Iterator[Problem]:
    if keys.templates and not (path.parent / keys.templates).is_dir():
        yield Problem(
            f"{path.name}: templates",
            "there is no such folder",
            'write "" for those that come along',
        )
    for place, mailbox in enumerate(keys.mailbox):
        for section, part in _connecting(mailbox):
            if part.ca_file and not (path.parent / part.ca_file).is_file():
                yield Problem(
                    f"{path.name}: mailbox[{place}].{section}.ca_file",
                    "there is no such file",
                    'name it, or write "" for the certificates of the machine',
                )


def _credentials(keys: MailbotFile, path: Path, environ: Mapping[str, str]) -> Iterator[Problem]:
    """Each credential that will be needed is there and holds something."""
    secrets = Secrets(environ, path.parent / keys.secrets)
    for key, reference in _needed(keys):
        yield from _readable(secrets, reference, f"{path.name}: {key}")


def _database_credentials(
    keys: MailbotFile, datamap: DataMap, path: Path, environ: Mapping[str, str]
) -> Iterator[Problem]:
    """A database may need no password; a credential for it that is there must be usable."""
    secrets = Secrets(environ, path.parent / keys.secrets)
    named = {str(value) for part in datamap.database for value in part.entra.values()}
    for place, reference in _of_databases(datamap):
        if secrets.exists(reference) or reference in named:
            yield from _readable(secrets, reference, f"{keys.datamap}: database[{place}]")


def _readable(secrets: Secrets, reference: str, where: str) -> Iterator[Problem]:
    try:
        secrets.read_bytes(reference)
    except ConfigError as error:
        for problem in error.problems:
            yield Problem(where, f"{problem.where} {problem.what}", problem.remedy)


def _of_databases(datamap: DataMap) -> Iterator[tuple[int, str]]:
    for place, database in enumerate(datamap.database):
        for access in ("read", "write"):
            yield place, f"credential:{database.name}.{access}"
        for key in ("certificate", "secret", "assertion"):
            if str(reference := database.entra.get(key, "")).startswith("credential:"):
                yield place, str(reference)


def _needed(keys: MailbotFile | Settings) -> Iterator[tuple[str, str]]:
    """The keys that name a credential which their mailbox or the store will read."""
    if keys.store.key:
        yield "store.key", keys.store.key
    for place, mailbox in enumerate(keys.mailbox):
        for section, part in _connecting(mailbox):
            used = ("graph",) if mailbox.kind == "graph" else ("imap", "smtp")
            if mailbox.kind not in ("graph", "imap") or section.partition(".")[0] not in used:
                continue
            for key in ("password", "certificate", "secret", "assertion"):
                if reference := getattr(part, key, ""):
                    yield f"mailbox[{place}].{section}.{key}", reference


def _connecting(mailbox: Mailbox) -> Iterator[tuple[str, Imap | Smtp | OAuth]]:
    """Every section of a mailbox that signs in somewhere, by its key."""
    if mailbox.graph:
        yield "graph", mailbox.graph
    for section, part in (("imap", mailbox.imap), ("smtp", mailbox.smtp)):
        if part:
            yield section, part
            if part.oauth:
                yield f"{section}.oauth", part.oauth


def _settings(
    keys: MailbotFile, organisation: Organisation, datamap: DataMap, folder: Path
) -> Settings:
    values = {name: getattr(keys, name) for name in MailbotFile.model_fields}
    values |= {"organisation": organisation, "datamap": datamap, "folder": folder}
    values["mailbox"] = tuple(_with_certificates(mailbox, folder) for mailbox in keys.mailbox)
    return Settings(**values)


def _with_certificates(mailbox: Mailbox, folder: Path) -> Mailbox:
    """`ca_file` as an absolute path: adapters do not know where the configuration lies."""
    return mailbox.model_copy(
        update={
            section: part.model_copy(update={"ca_file": str((folder / part.ca_file).absolute())})
            for section, part in (("imap", mailbox.imap), ("smtp", mailbox.smtp))
            if part is not None and part.ca_file
        }
    )


def _advice(settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    yield from advice(settings)
    yield from datamap_advice(settings.datamap)
    yield from (f"organisation: {line}" for line in settings.organisation.warnings())
    secrets = Secrets(environ, settings.secrets_folder)
    references = [reference for _, reference in _needed(settings)]
    references += [reference for _, reference in _of_databases(settings.datamap)]
    for reference in dict.fromkeys(references):
        if secrets.exposed(reference):
            yield f"{reference}: other users of the machine may read its file; chmod 600 it"
