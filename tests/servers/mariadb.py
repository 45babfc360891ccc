"""A real MariaDB on loopback in a temporary folder, for tests that need one."""

import itertools
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql
import pytest
from sqlalchemy.engine import make_url

from tests.servers.process import find_binary
from tests.servers.scratch import scratch_server

_names = itertools.count(1)

# Nothing here outlives the test, so nothing needs to reach the disk.
_SETTINGS = (
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--innodb-doublewrite=0",
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=8M",
    "--max-connections=60",
    "--performance-schema=OFF",
)
_BOOT = (
    "CREATE USER mailbot@'127.0.0.1' IDENTIFIED BY 'pw'",
    "GRANT ALL ON *.* TO mailbot@'127.0.0.1' WITH GRANT OPTION",
)


@contextmanager
def mariadb() -> Iterator[str]:
    """The address of a fresh server (its database "mysql"); skips where there is no binary."""
    server, installer = find_binary("mariadbd"), find_binary("mariadb-install-db")
    if server is None or installer is None:
        pytest.skip("MariaDB is not installed here")
    fast = [found] if (found := find_binary("eatmydata")) else []

    def install(home: Path) -> list[str]:
        (home / "boot.sql").write_text("".join(f"{line};\n" for line in _BOOT))
        (home / "boot.sql").chmod(0o644)
        return [*fast, installer, "--no-defaults", f"--datadir={home / 'data'}",
                "--auth-root-authentication-method=normal", "--skip-test-db",
                "--skip-name-resolve"]  # fmt: skip

    def command(home: Path, port: int) -> list[str]:
        return [*fast, server, "--no-defaults", f"--datadir={home / 'data'}", f"--port={port}",
                f"--socket={home / 's'}", f"--pid-file={home / 'pid'}",
                f"--init-file={home / 'boot.sql'}", *_SETTINGS]  # fmt: skip

    def address(port: int) -> str:
        return f"mysql+pymysql://mailbot:pw@127.0.0.1:{port}/mysql"

    with scratch_server(
        install,
        command,
        lambda port: _connect(address(port)),
        pymysql.MySQLError,
        signal.SIGTERM,
    ) as port:
        yield address(port)


def fresh_database(url: str, charset: str = "utf8mb4") -> str:
    """The address of a new empty database on the same server."""
    name = f"test_{os.getpid()}_{next(_names)}"
    connection = _connect(url)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET {charset}")
    connection.close()
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _connect(url: str) -> "pymysql.Connection[pymysql.cursors.Cursor]":
    parts = make_url(url)
    return pymysql.connect(
        host=parts.host, port=parts.port or 3306, user=parts.username,
        password=parts.password or "", connect_timeout=2, autocommit=True,
    )  # fmt: skip
