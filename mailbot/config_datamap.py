"""What must hold between the keys of datamap.toml. Whether it fits the databases, they tell."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from urllib.parse import urlsplit

import phonenumbers

from mailbot.config_fault import Fault
from mailbot.config_model import SIGN_IN_WAYS, OAuth
from mailbot.config_pattern import BadPattern, check_pattern
from mailbot.config_read import Location
from mailbot.config_types import LANGUAGES, RIGHTS, has_password
from mailbot.config_until import parse_until
from mailbot.datamap import Database, DataMap, Exchange, Own, Table, Text
from mailbot.identifiers import email, email_domain

_KINDS = ("email", "phone", "name", "customer_no", "user_id")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_SERIES = re.compile(r"\+?[\d ]{3,20}\*?")


def check_datamap(data: DataMap, mailboxes: frozenset[str]) -> Iterator[Fault]:
    """Every fault between the keys of the data map; `mailboxes`: names of the [[mailbox]]es."""
    yield from _own(data.own)
    yield from _named(data)
    for name, spec in data.key.items():
        try:
            check_pattern(spec.pattern)
        except BadPattern as error:
            yield Fault(("key", name, "pattern"), str(error), r"write e.g. 'K-?\d{5,7}'")
    for name, rule in data.retention.items():
        at: Location = ("retention", name)
        yield from _text(rule.reason, (*at, "reason"), needed=True)
        if not rule.law.strip():
            yield Fault((*at, "law"), "no law is named", "letters must name it: write it")
    for place, database in enumerate(data.database):
        yield from _database(data, database, ("database", place))
    for place, exchange in enumerate(data.exchange):
        yield from _exchange(exchange, ("exchange", place), mailboxes)
    for place, manual in enumerate(data.manual):
        at = ("manual", place)
        yield from _text(manual.title, (*at, "title"), needed=True)
        yield from _text(manual.task, (*at, "task"), needed=True)
        for number, right in enumerate(manual.rights):
            yield from _right(right, (*at, "rights", number))


def _own(own: Own) -> Iterator[Fault]:
    for place, domain in enumerate(own.domains):
        if email_domain(f"x@{domain}") is None:
            yield Fault(("own", "domains", place), "this is not a domain", 'write "example.no"')
    for place, number in enumerate(own.phones):
        if not _SERIES.fullmatch(number):
            yield Fault(
                ("own", "phones", place),
                "this is neither a number nor a series of them",
                'write "+4722000000", or "+472200*" for all that begin so',
            )
    if own.default_region.upper() not in phonenumbers.SUPPORTED_REGIONS:
        yield Fault(("own", "default_region"), "this country is not known", 'write e.g. "NO"')


def _named(data: DataMap) -> Iterator[Fault]:
    """Databases, Exchange and manual systems share one set of names: plans and letters use them."""
    names = [("database", place, part.name) for place, part in enumerate(data.database)]
    names += [("exchange", place, part.name) for place, part in enumerate(data.exchange)]
    names += [("manual", place, part.name) for place, part in enumerate(data.manual)]
    seen: set[str] = set()
    for kind, place, name in names:
        at: Location = (kind, place, "name")
        if name in seen:
            yield Fault(at, "two systems have this name", "give each its own")
        if not _NAME.fullmatch(name):
            yield Fault(
                at,
                "this is not a usable name",
                "use letters a-z, digits, - and _ only: credentials are named after it",
            )
        seen.add(name)


def _text(text: Text, at: Location, needed: bool = False) -> Iterator[Fault]:
    for language in text:
        if language not in LANGUAGES:
            yield Fault(
                (*at, language), "this language is not known", "write: " + ", ".join(LANGUAGES)
            )
    if needed and not any(wording.strip() for wording in text.values()):
        yield Fault(at, "there is no wording", 'write e.g. { nb = "…", en = "…" }')


def _right(right: str, at: Location) -> Iterator[Fault]:
    if right not in RIGHTS:
        yield Fault(at, "this right is not known", "write one of: " + ", ".join(RIGHTS))


def _database(data: DataMap, database: Database, at: Location) -> Iterator[Fault]:
    yield from _text(database.title, (*at, "title"))
    for access in ("read", "write"):
        url = database.read_url if access == "read" else database.write_url
        yield from _url(url, (*at, f"{access}_url"), f"{database.name}.{access}", access)
    read, write = urlsplit(database.read_url).scheme, urlsplit(database.write_url).scheme
    if write and read.partition("+")[0] != write.partition("+")[0]:
        yield Fault(
            (*at, "write_url"), "it names another kind of database than read_url", "mend one"
        )
    yield from _entra(database, at)
    if not 0 <= database.backup_days <= 3650:
        yield Fault((*at, "backup_days"), "this is no number of days", "write 0 for no backups")
    for place, table in enumerate(database.table):
        yield from _table(data, database, table, (*at, "table", place))
        others = database.table[:place]
        if any(t.name == table.name and t.where == table.where for t in others):
            yield Fault(
                (*at, "table", place),
                f"table {table.name} is listed twice",
                "join the entries, or give all but one a `where` of its own",
            )


def _entra(database: Database, at: Location) -> Iterator[Fault]:
    """Sign-in to Azure SQL by an app: the keys of a [mailbox.graph] sign-in, tokens in no URL."""
    if not database.entra:
        return
    place: Location = (*at, "entra")
    if urlsplit(database.read_url).scheme.partition("+")[0] != "mssql":
        yield Fault(
            place, "only SQL Server is signed in to by Entra", "remove it, or mend read_url"
        )
    for key, value in database.entra.items():
        if key not in OAuth.model_fields:
            remedy = "write one of: " + ", ".join(OAuth.model_fields)
            yield Fault((*place, key), "this key is not known", remedy)
        elif isinstance(value, bool) != (key in ("managed_identity", "environment")):
            yield Fault((*place, key), "this is no such value", "write text, or true")
        elif key in ("certificate", "secret", "assertion") and not str(value).startswith(
            "credential:"
        ):
            yield Fault((*place, key), "a secret stands in the file", 'write "credential:NAME"')
    ways = [way for way in SIGN_IN_WAYS if database.entra.get(way)]
    ids = database.entra.get("tenant") and database.entra.get("client_id")
    if len(ways) != 1 or not (ids or database.entra.get("managed_identity")):
        yield Fault(
            place,
            "this is no way to sign in",
            "write tenant, client_id and one of certificate, secret, assertion (each a credential),"
            " or managed_identity = true",
        )


def _url(url: str, at: Location, credential: str, access: str) -> Iterator[Fault]:
    if has_password(url):
        yield Fault(
            at,
            "a password stands in this address",
            f'remove it: the password is read from the credential "{credential}"',
        )
    elif "://" not in url and (url or access == "read"):
        yield Fault(
            at, "this is not the address of a database", 'write e.g. "postgresql+psycopg://…"'
        )


def _table(data: DataMap, database: Database, table: Table, at: Location) -> Iterator[Fault]:
    for checked in _OF_A_TABLE:
        yield from checked(table, at)
    yield from _identify(table, at, (*_KINDS, *data.key))
    yield from _keep(data, database, table, at)
    for number, join in enumerate(table.join):
        place = (*at, "join", number)
        if not join.columns or len(join.columns) != len(join.to):
            yield Fault(
                (*place, "to"),
                f"{len(join.columns)} columns refer to {len(join.to)}",
                "name as many in `to` as in `columns`",
            )
        yield from _refers(data, database, join.table, (*place, "table"))


def _refers(data: DataMap, database: Database, name: str, at: Location) -> Iterator[Fault]:
    system, colon, table = name.rpartition(":")
    known = {
        other.name: {entry.name for entry in other.table}
        for other in data.database
        if other.name == (system if colon else database.name)
    }
    if colon and system not in known:
        yield Fault(at, f"there is no database {system}", "add it, or mend the name before the :")
    elif table not in set().union(*known.values()):
        yield Fault(
            at, f"there is no table {table} in the map", "add a [[database.table]] of this name"
        )


def _keep(data: DataMap, database: Database, table: Table, at: Location) -> Iterator[Fault]:
    if table.keep is None:
        return
    place = (*at, "keep")
    if table.keep.rule not in data.retention:
        yield Fault(
            (*place, "rule"),
            f"table {table.name} is kept by a rule that is not defined",
            "add [retention] with its law and reason, or write one of: "
            + (", ".join(data.retention) or "(none is defined)"),
            (("retention",),),
        )
    if not table.keep.columns or ("*" in table.keep.columns and len(table.keep.columns) > 1):
        yield Fault(
            (*place, "columns"),
            "these are no columns to keep",
            'name them, or write ["*"] alone for the whole row',
        )
    try:
        until = parse_until(table.keep.until)
    except ValueError as error:
        yield Fault((*place, "until"), "this is not understood", str(error))
        return
    for other in until.kept:
        yield from _refers(data, database, other, (*place, "until"))


def _identify(table: Table, at: Location, kinds: tuple[str, ...]) -> Iterator[Fault]:
    for kind, columns in table.identify.items():
        if kind not in kinds:
            yield Fault(
                (*at, "identify", kind),
                "no person is found by such a key",
                "write one of: " + ", ".join(dict.fromkeys(kinds)),
            )
        if not all(column.strip() for column in columns) or not columns:
            yield Fault((*at, "identify", kind), "no column is named", "name at least one")
    if table.is_ == "person" and not (table.identify or table.join):
        yield Fault(
            (*at, "identify"),
            f"table {table.name} holds persons and nothing to know them by",
            'write e.g. identify = { email = ["epost"], name = ["navn"] }',
        )


def _read(table: Table, at: Location) -> Iterator[Fault]:
    for column, how in table.read.items():
        kind, _, encoding = how.partition(" ")
        remedy = 'write "text", "json", "list", or "text" and an encoding ("text latin-1")'
        if kind not in ("text", "json", "list") or (encoding and kind != "text"):
            yield Fault((*at, "read", column), "this way of reading is not known", remedy)
        elif encoding and not _is_encoding(encoding):
            yield Fault((*at, "read", column), "this encoding is not known", remedy)


def _is_encoding(name: str) -> bool:
    try:
        # Codecs such as "zip" or "base64" are known as well; they are no encodings of text.
        return bool(name.strip()) and "a".encode(name) is not None
    except (LookupError, UnicodeError, ValueError, TypeError):
        return False


def _erase(table: Table, at: Location) -> Iterator[Fault]:
    if table.erase == "replace" and not table.replace:
        yield Fault(
            (*at, "replace"),
            f'table {table.name} has erase = "replace" and says not with what',
            'write e.g. replace = { navn = "(slettet)" }',
        )
    for right, values in table.set.items():
        yield from _right(right, (*at, "set", right))
        if not values:
            yield Fault((*at, "set", right), "nothing is set", "write { column = value }")


def _source(table: Table, at: Location) -> Iterator[Fault]:
    if not table.source:
        return
    column, text = table.source.get("column"), table.source.get("text")
    sound = isinstance(column, str) or (
        isinstance(text, dict) and text and all(isinstance(word, str) for word in text.values())
    )
    if len(table.source) != 1 or not sound:
        yield Fault(
            (*at, "source"),
            "this tells no source",
            'write { column = "kilde" } or { text = { nb = "Kontaktskjema" } }',
        )
    elif isinstance(text, dict):
        yield from _text(text, (*at, "source", "text"))


def _disclosure(table: Table, at: Location) -> Iterator[Fault]:
    if table.disclosure is None:
        return
    keys = set(table.disclosure.recipient)
    elsewhere = {"column", "table", "to", "name"}
    if keys - {"email"} not in ({"name"}, elsewhere):
        yield Fault(
            (*at, "disclosure", "recipient"),
            "this names no recipient",
            "write { name = COLUMN } in the row itself, or column, table, to and name",
        )


def _titles(table: Table, at: Location) -> Iterator[Fault]:
    yield from _text(table.title, (*at, "title"))
    if not table.name.strip():
        yield Fault((*at, "name"), "the table has no name", "write it")


_OF_A_TABLE: tuple[Callable[[Table, Location], Iterator[Fault]], ...] = (
    _titles,
    _read,
    _erase,
    _source,
    _disclosure,
)


def _exchange(exchange: Exchange, at: Location, mailboxes: frozenset[str]) -> Iterator[Fault]:
    yield from _text(exchange.title, (*at, "title"))
    if exchange.account not in mailboxes:
        yield Fault(
            (*at, "account"),
            "there is no [[mailbox]] of this name",
            "write one of: " + ", ".join(sorted(mailboxes)),
        )
    shared = {email(address) for address in exchange.mailboxes}
    for place, address in enumerate(exchange.mailboxes):
        if email(address) is None:
            yield Fault((*at, "mailboxes", place), "this is not an e-mail address", "mend it")
    for place, mailbox in enumerate(exchange.personal):
        here = (*at, "personal", place)
        if email(mailbox.address) is None:
            yield Fault((*here, "address"), "this is not an e-mail address", "mend it")
        elif email(mailbox.address) in shared:
            yield Fault((*here, "address"), "it is listed as shared as well", "keep one of them")
        if not mailbox.basis.strip() and not mailbox.noticed.strip():
            continue  # a task for its owner
        if not mailbox.basis.strip():
            yield Fault(
                (*here, "basis"),
                "an employee's own mailbox is searched on no named basis",
                "name it, or leave out both it and noticed: then its owner is asked to search",
            )
        if not _is_date(mailbox.noticed):
            yield Fault(
                (*here, "noticed"),
                "there is no date on which the employee was told",
                'write it: "2026-11-01"',
            )


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def datamap_advice(data: DataMap) -> Iterator[str]:
    """What is allowed in a data map and yet worth a second look."""
    if not (data.database or data.exchange or data.manual):
        yield "datamap: no system is listed, so that nothing is ever found"
    for place, database in enumerate(data.database):
        if not database.write_url:
            yield f"database[{place}]: no write_url; what is found there staff must change by hand"
        elif database.write_url == database.read_url and "sqlite" not in database.read_url:
            yield f"database[{place}]: searches use the account that may erase; give them their own"
        for number, table in enumerate(database.table):
            if table.replace and table.erase != "replace":
                yield (
                    f"database[{place}].table[{number}].replace: "
                    f'unused while erase = "{table.erase}"'
                )
