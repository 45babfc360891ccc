"""A real MariaDB on loopback in a temporary folder, for tests that need one."""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql
import pytest
from sqlalchemy.engine import make_url

from tests.servers.process import find_binary, free_ports

STARTS_WITHIN = 60.0  # seconds
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
    server, install = find_binary("mariadbd"), find_binary("mariadb-install-db")
    if server is None or install is None:
        pytest.skip("MariaDB is not installed here")
    home = Path(tempfile.mkdtemp(prefix="mailbot-my-"))
    user = _unprivileged(home)
    fast = [found] if (found := find_binary("eatmydata")) else []
    try:
        _run(user, *fast, install, "--no-defaults", f"--datadir={home / 'data'}",
             "--auth-root-authentication-method=normal", "--skip-test-db",
             "--skip-name-resolve")  # fmt: skip
        (home / "boot.sql").write_text("".join(f"{line};\n" for line in _BOOT))
        (home / "boot.sql").chmod(0o644)
        (port,) = free_ports(1)
        command = [*fast, server, "--no-defaults", f"--datadir={home / 'data'}", f"--port={port}",
                   f"--socket={home / 's'}", f"--pid-file={home / 'pid'}",
                   f"--init-file={home / 'boot.sql'}", *_SETTINGS]  # fmt: skip
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=home, user=user,
                group=_group(user), extra_groups=[] if user else None, start_new_session=True,
            )  # fmt: skip
        try:
            url = f"mysql+pymysql://mailbot:pw@127.0.0.1:{port}/mysql"
            _until_ready(url, process, home / "log")
            yield url
        finally:
            _stop(process)
    finally:
        shutil.rmtree(home, ignore_errors=True)


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


def _unprivileged(home: Path) -> str | None:
    """MariaDB refuses to run as root: then it is run as nobody."""
    if os.getuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    return "nobody"


def _group(user: str | None) -> int | None:
    return pwd.getpwnam(user).pw_gid if user else None


def _run(user: str | None, *command: str) -> None:
    done = subprocess.run(
        command, user=user, group=_group(user), extra_groups=[] if user else None, cwd="/",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=120,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stdout.decode(errors="replace")[-2000:])


def _until_ready(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    give_up = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < give_up and server.poll() is None:
        try:
            _connect(url).close()
        except pymysql.MySQLError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(log.read_text(errors="replace")[-2000:])


def _stop(server: "subprocess.Popen[bytes]") -> None:
    if server.poll() is None:
        server.send_signal(signal.SIGTERM)
    try:
        server.wait(15)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait(10)
