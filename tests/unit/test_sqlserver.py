"""SQL Server without a server: every statement compiles as T-SQL, tokens and errors are read."""

import struct
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.mssql import base as mssql

from mailbot.datamap import Database, DataMap
from mailbot.errors import Permanent, Transient
from mailbot.sources import engines, sqlserver
from mailbot.sources.mapping import Entry, lay
from mailbot.sources.matching import Rules, Wanted
from mailbot.sources.scanning import scan
from mailbot.sources.schema import Catalog, Column, Shape
from mailbot.sources.statements import by_key, by_values, key_match

META = sa.MetaData()
TABLE = sa.Table(
    "kunder",
    META,
    sa.Column("id", sa.BigInteger),
    sa.Column("order", sa.Unicode(80)),
    sa.Column("epost", sa.Unicode(200)),
    sa.Column("tlf", mssql.NTEXT()),
    sa.Column("kundenr", sa.Integer),
    sa.Column("guid", mssql.UNIQUEIDENTIFIER()),
    sa.Column("kort", mssql.VARBINARY("max")),
    sa.Column("dato", mssql.DATETIME2()),
    sa.Column("aktiv", mssql.BIT()),
    schema="dbo",
)
FAMILIES = ("integer", "text", "text", "text", "integer", "uuid", "bytes", "datetime", "boolean")
SHAPE = Shape(
    ("dbo", "kunder"),
    {
        c.name: Column(c.name, f, c.name != "id", None, False)
        for c, f in zip(TABLE.c, FAMILIES, strict=True)
    },
    ("id",),
    frozenset(("id",)),
    False,
    TABLE,
)
DATABASE = Database.model_validate(
    {
        "name": "crm",
        "schema": "dbo",
        "read_url": "mssql+mssqlpython://server.database.windows.net/crm",
        "table": [
            {
                "name": "kunder",
                "is": "person",
                "identify": {
                    "email": ["epost"], "phone": ["tlf"], "name": ["order"],
                    "customer_no": ["kundenr"], "user_id": ["guid"],
                },
                "read": {"order": "text"},
            }
        ],
    }
)  # fmt: skip
RULES = Rules(DataMap(database=(DATABASE,)))


def entry() -> Entry:
    return lay(DATABASE, Catalog({("dbo", "kunder"): SHAPE}, (), "dbo")).entries[0]


def tsql(statement: sa.Executable) -> str:
    """The statement as SQL Server gets it."""
    return str(statement.compile(dialect=mssql.MSDialect()))  # type: ignore[attr-defined, no-untyped-call] # every statement here compiles


def statements() -> Iterator[sa.Executable]:
    wanted = Wanted(
        frozenset(("ola@x.no",)), frozenset(("+4791234567",)), frozenset(("Ola Bråten",)),
        frozenset((("customer_no", "12345"), ("user_id", "0000aaaa00004000800000000000001f"))),
    )  # fmt: skip
    found = scan(entry(), wanted, RULES, "mssql")
    assert found is not None
    yield found
    yield from by_values(SHAPE, ("epost",), [("a@b.no",)] * 3, {"aktiv": True}, "mssql")
    yield from by_values(SHAPE, ("id", "epost"), [("1", "a@b.no")], {}, "mssql")
    yield by_key(SHAPE, {"id": 7}, "mssql")
    whole = dict.fromkeys(SHAPE.columns)
    yield by_key(SHAPE, whole, "mssql")
    match = key_match(SHAPE, {"id": 7}, "mssql")
    yield sa.delete(TABLE).where(*match)
    yield sa.update(TABLE).where(*match).values(order=None, epost="(slettet)")


def test_every_statement_is_t_sql() -> None:
    for statement in statements():
        text = tsql(statement)
        assert "[order]" in text or "order" not in text.lower().replace("order by", "")
        for foreign in (
            " ILIKE ",
            " LIMIT ",
            "::",
            "`",
            " REGEXP",
            "regexp_",
            " ~ ",
            " FOR UPDATE",
        ):
            assert foreign not in text, text
        assert "dbo.kunder" in text


def test_values_are_parameters_and_never_text() -> None:
    for statement in statements():
        text = tsql(statement)
        assert "ola@" not in text.lower()
        assert "a@b.no" not in text


def test_old_text_types_are_cast_before_they_are_compared() -> None:
    text = tsql(next(iter(statements())))
    assert "CAST(dbo.kunder.tlf AS NVARCHAR(max))" in text


def test_a_record_is_held_while_its_fingerprint_is_checked() -> None:
    # As `acting` builds it: the hint is T-SQL's own FOR UPDATE, and keeps phantoms out as well.
    one = by_key(SHAPE, {"id": 7}, "mssql")
    one = one.with_hint(TABLE, "WITH (UPDLOCK, HOLDLOCK)", "mssql").with_for_update()
    text = tsql(one)
    assert "FROM dbo.kunder WITH (UPDLOCK, HOLDLOCK)" in text
    assert "FOR UPDATE" not in text


def test_samples_are_cut_by_the_server() -> None:
    from mailbot.sources.discovery.sampling import _statements

    texts = [tsql(one) for one in _statements(SHAPE, "mssql")]
    assert all("TOP" in text and "substring(" in text for text in texts)
    assert "ORDER BY dbo.kunder.id DESC" in texts[1]


# Sign-in.


def test_a_token_goes_to_the_driver_packed_and_anew_for_each_connection() -> None:
    issued = iter(("first-å", "second"))
    url = sa.make_url("mssql+mssqlpython://client@server.database.windows.net/crm?Encrypt=yes")
    engine = engines.read_engine(url, 7, "crm", lambda: next(issued))
    seen: list[tuple[str, dict[str, object]]] = []

    @sa.event.listens_for(engine, "do_connect")
    def _connect(_dialect: object, _record: object, arguments: object, options: object) -> None:
        assert isinstance(arguments, list | tuple)
        assert isinstance(options, dict)
        seen.append((str(arguments[0]), dict(options)))
        raise OSError("no server here")

    for _ in range(2):
        with pytest.raises(Transient), engines.translated("crm", "connecting"), engine.connect():
            pass
    text, options = seen[0]
    assert "UID" not in text
    assert "ApplicationIntent=ReadOnly" in text
    assert "Encrypt=yes" in text
    assert options["timeout"] == 10
    before = options["attrs_before"]
    assert isinstance(before, dict)
    octets = before[sqlserver.ACCESS_TOKEN]
    size = struct.unpack("<I", octets[:4])[0]
    assert octets[4 : 4 + size].decode("utf-16-le") == "first-å"
    assert seen[1][1]["attrs_before"] != before


def test_a_refused_sign_in_is_told_as_the_sign_in_tells_it() -> None:
    def token() -> str:
        raise Permanent("sign-in to Microsoft as app: refused; check the app")

    url = sa.make_url("mssql+mssqlpython://server.database.windows.net/crm")
    engine = engines.write_engine(url, 7, "crm", token)
    with (
        pytest.raises(Permanent, match="refused; check the app"),
        engines.translated("crm", "connecting"),
        engine.connect(),
    ):
        pass


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("x.database.windows.net", "https://database.windows.net/.default"),
        ("x.database.usgovcloudapi.net", "https://database.usgovcloudapi.net/.default"),
        ("x.database.chinacloudapi.cn", "https://database.chinacloudapi.cn/.default"),
        ("localhost", "https://database.windows.net/.default"),
    ],
)
def test_the_token_is_for_the_cloud_of_the_server(host: str, expected: str) -> None:
    assert sqlserver.scope(host) == expected


# Errors.

ODBC = (
    "[{state}] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]{text} ({code})"
    " (SQLDriverConnect)"
)


def raised(error: Exception) -> type[Exception]:
    """What an error of a driver becomes, wrapped as SQLAlchemy wraps it."""
    kind = getattr(sa.exc, type(error).__name__, sa.exc.ProgrammingError)
    with pytest.raises((Transient, Permanent)) as told, engines.translated("crm", "reading"):
        raise kind("SELECT 1", {}, error)
    assert "secret" not in str(told.value)
    return told.type


class PyodbcError(Exception):
    """Bears the driver's name, as its real one does, which needs a library of the system."""


PyodbcError.__module__ = "pyodbc"


@pytest.mark.parametrize(
    "code",
    [40613, 40197, 40501, 49918, 49919, 49920, 10928, 10929, 1205, 1222, 4060, 10054, 10060],
)
def test_what_passes_by_itself_is_transient(code: int) -> None:
    text = ODBC.format(state="42000", text="secret", code=code)
    assert raised(PyodbcError("42000", text)) is Transient


@pytest.mark.parametrize("code", [18456, 208, 207, 229, 2627, 547])
def test_what_a_person_must_mend_is_permanent(code: int) -> None:
    text = ODBC.format(state="42000", text="The value is (40613). secret", code=code)
    assert raised(PyodbcError("42000", text)) is Permanent


def test_the_microsoft_driver_tells_by_words() -> None:
    from mssql_python.exceptions import OperationalError, ProgrammingError

    waking = (
        "[Microsoft][SQL Server]Database 'crm' on server 's' is not currently available. "
        "Please retry the connection later. secret"
    )
    busy = "[Microsoft][SQL Server]The service is currently busy. Retry the request after 10 s."
    assert raised(ProgrammingError("Syntax error or access violation", waking)) is Transient
    assert raised(OperationalError("General error", busy)) is Transient
    assert raised(OperationalError("Timeout expired", "Query timeout expired")) is Transient
    assert raised(OperationalError("Communication link failure", "x")) is Transient
    refused = "[Microsoft][SQL Server]Login failed for user 'secret'."
    assert raised(OperationalError("Invalid authorization specification", refused)) is Permanent
    missing = "[Microsoft][SQL Server]Invalid object name 'x'."
    assert raised(ProgrammingError("Base table or view not found", missing)) is Permanent


def test_reading_refuses_to_write() -> None:
    url = sa.make_url("mssql+mssqlpython://u@127.0.0.1:1/crm")
    engine = engines.read_engine(url, 1, "crm")
    for listener in list(engine.dispatch.before_cursor_execute):
        for statement in ("DELETE FROM x", "UPDATE x SET a=1", "EXEC p", "DROP TABLE x", "MERGE x"):
            with pytest.raises(ValueError, match="does not read"):
                listener(None, None, statement, (), None, False)
        listener(None, None, "  SELECT 1", (), None, False)


# Configuration.


@pytest.mark.parametrize(
    "entra",
    [
        {"tenant": "t", "client_id": "c"},
        {"tenant": "t", "client_id": "c", "certificate": "-----BEGIN"},
        {"tenant": "t", "client_id": "c", "certificate": "credential:x", "secret": "credential:y"},
        {"client_id": "c", "certificate": "credential:x"},
        {"tenant": "t", "client_id": "c", "certificate": "credential:x", "colour": "red"},
        {"managed_identity": "yes"},
    ],
)
def test_a_sign_in_that_cannot_work_is_a_fault(entra: dict[str, str]) -> None:
    from mailbot.config_datamap import check_datamap

    part = DATABASE.model_copy(update={"entra": entra})
    faults = list(check_datamap(DataMap(database=(part,)), frozenset()))
    assert any("entra" in fault.at for fault in faults)
    assert not any("-----BEGIN" in str(fault) for fault in faults)


def test_a_sound_sign_in_is_none() -> None:
    from mailbot.config_datamap import check_datamap

    for entra in (
        {"tenant": "t", "client_id": "c", "certificate": "credential:x"},
        {"managed_identity": True},
    ):
        part = DATABASE.model_copy(update={"entra": entra})
        assert not list(check_datamap(DataMap(database=(part,)), frozenset()))
