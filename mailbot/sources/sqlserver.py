"""SQL Server and Azure SQL: sign-in by a token, and what its errors mean.

Two drivers: mssql-python (dialect mssql+mssqlpython) and pyodbc with Microsoft's ODBC driver. From
learn.microsoft.com/azure/azure-sql/database/troubleshoot-common-errors-issues (transient errors),
learn.microsoft.com/sql/connect/odbc/using-azure-active-directory (access token). Not tested live.
"""

import re
import struct
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Engine

Token = Callable[[], str]  # of Microsoft Entra, fresh whenever it is called

ACCESS_TOKEN = 1256  # SQL_COPT_SS_ACCESS_TOKEN
LOGIN_TIMEOUT = 103  # SQL_ATTR_LOGIN_TIMEOUT

# Passing by themselves: a serverless database wakes up (40613), moves (40197), is throttled (40501,
# 49918-49920), has no worker or session free (10928, 10929, 10936), cannot be opened yet (4060,
# 4221), deadlocks (1205), locks (1222), connections that broke.
TRANSIENT = frozenset(
    {1205, 1222, 4060, 4221, 10928, 10929, 10936, 10053, 10054, 10060, 40143, 40197, 40501, 40540,
     40613, 42108, 42109, 49918, 49919, 49920, 233, 64, 20, 121}
)  # fmt: skip
# mssql-python hands over the server's words without their number.
_WORDS = (
    (40613, "is not currently available"),
    (40197, "encountered an error processing your request"),
    (40501, "service is currently busy"),
    (49918, "not enough resources to process request"),
    (49919, "too many create or update operations in progress"),
    (49920, "too many operations in progress"),
    (10928, "limit for the database is"),
    (10929, "minimum guarantee is"),
    (10936, "limit for the elastic pool is"),
    (1205, "was deadlocked on"),
    (1222, "lock request time out period exceeded"),
    (4060, "requested by the login"),
    (42109, "warming up"),
    (18456, "login failed for user"),
    (229, "permission was denied"),
    (230, "permission was denied on the column"),
    (547, "conflicted with the"),
)
_STATES = {
    "client unable to establish connection": "08001",
    "server rejected the connection": "08004",
    "connection failure during transaction": "08007",
    "communication link failure": "08S01",
    "connection not open": "08003",
    "timeout expired": "HYT00",
    "connection timeout expired": "HYT01",
    "serialization failure": "40001",
    "integrity constraint violation": "23000",
    "invalid authorization specification": "28000",
    "operation canceled": "HY008",
}
_NUMBER = re.compile(r"\((\d{1,6})\)(?=\s*\(SQL)")  # pyodbc: "… (40613) (SQLDriverConnect)"
_TRUSTED = re.compile(r";?Trusted_Connection=Yes", re.IGNORECASE)
_READS = re.compile(r"\s*(?:SELECT|WITH|SET\s+LOCK_TIMEOUT|EXEC\s+sp_columns)\b", re.IGNORECASE)


def connect_args(driver: str, connect_s: int) -> dict[str, object]:
    """How long signing in may take, in seconds."""
    return {"timeout": connect_s} if driver in ("mssqlpython", "pyodbc") else {}


def prepared(url: URL, *, writes: bool, token: Token | None) -> URL:
    """The URL as the driver wants it: reading goes to a replica where there is one, and a user in
    the URL is no user where a token signs in."""
    query = dict(url.query)
    if not writes:
        query.setdefault("ApplicationIntent", "ReadOnly")
    found = url.set(query=query)
    if token is None:
        return found
    query.pop("authentication", None)
    return URL.create(
        found.drivername, host=found.host, port=found.port, database=found.database, query=query
    )


def equip(
    engine: Engine, timeout_s: int, lock_s: int, *, writes: bool, token: Token | None
) -> None:
    """Sign in by token, bound each statement, and refuse to write where nothing may be written."""
    if token is not None:

        @event.listens_for(engine, "do_connect")
        def _signed(_dialect: Any, _record: Any, arguments: Any, options: dict[str, Any]) -> None:
            # A token lives an hour and connections are renewed: each asks for one of its own.
            # Without a user, SQLAlchemy has pyodbc sign in as Windows does: no token then.
            arguments[0] = _TRUSTED.sub("", arguments[0])
            before = dict(options.get("attrs_before") or {})
            options["attrs_before"] = {**before, ACCESS_TOKEN: packed(token())}

    @event.listens_for(engine, "connect")
    def _bounded(connection: Any, _record: Any) -> None:
        connection.timeout = timeout_s  # seconds for one statement, in both drivers
        cursor = connection.cursor()
        cursor.execute(f"SET LOCK_TIMEOUT {lock_s * 1000}")
        cursor.close()
        connection.commit()

    if not writes:
        # SQL Server knows no session that cannot write. The user's rights are the guard; this is
        # the second one, beside never committing.
        @event.listens_for(engine, "before_cursor_execute")
        def _reads(_connection: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
            if not _READS.match(statement):
                raise ValueError("a statement that does not read")


def packed(token: str) -> bytes:
    """A token as the driver takes it: its length in octets, then UTF-16 (little-endian)."""
    octets = token.encode("utf-16-le")
    return struct.pack(f"<I{len(octets)}s", len(octets), octets)


def scope(host: str) -> str:
    """What a token for a database is asked for, by the cloud of its server."""
    for ending, resource in (
        ("usgovcloudapi.net", "https://database.usgovcloudapi.net"),
        ("chinacloudapi.cn", "https://database.chinacloudapi.cn"),
    ):
        if host.lower().endswith(f".{ending}"):
            return f"{resource}/.default"
    return "https://database.windows.net/.default"


def is_cause(cause: object) -> bool:
    """Whether an exception is one of the two drivers'."""
    return type(cause).__module__.partition(".")[0] in ("mssql_python", "pyodbc")


def meaning(cause: object) -> tuple[str, int]:
    """SQLSTATE and error number of what either driver raised; "" and 0 where it does not say."""
    args = getattr(cause, "args", ())
    said = " ".join(str(part) for part in args[:2])
    lower = said.lower()
    state = args[0] if args and isinstance(args[0], str) and len(args[0]) == 5 else ""
    driver = str(getattr(cause, "driver_error", "")).lower()
    state = state or _STATES.get(driver, "")
    numbers = [int(number) for number in _NUMBER.findall(said)]
    code = next((number for number in numbers if number), 0)
    return state, code or next((number for number, words in _WORDS if words in lower), 0)
