"""A real PostgreSQL on loopback in a temporary folder, for tests that need one."""

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

import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests.servers.process import free_ports

STARTS_WITHIN = 30.0  # seconds
_names = itertools.count(1)

# Nothing here outlives the test, so nothing needs to reach the disk.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "16MB",
}


def binaries() -> Path | None:
    """The folder of the newest PostgreSQL on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found else None


@contextmanager
def postgres() -> Iterator[str]:
    """The address of a fresh server (its database "postgres"); skips where there is no binary."""
    folder = binaries()
    if folder is None:
        pytest.skip("PostgreSQL is not installed here")
    home = Path(tempfile.mkdtemp(prefix="mailbot-pg-"))
    user = _unprivileged(home)
    try:
        _run(user, str(folder / "initdb"), "-D", str(home / "data"), "-U", "mailbot", "-A", "trust",
             "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")  # fmt: skip
        (port,) = free_ports(1)
        options = [part for item in _SETTINGS.items() for part in ("-c", "=".join(item))]
        command = [str(folder / "postgres"), "-D", str(home / "data"), "-p", str(port)]
        with (home / "log").open("wb") as log:
            server = subprocess.Popen(
                [*command, "-k", str(home), *options],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=home, user=user,
                group=_group(user), extra_groups=[] if user else None, start_new_session=True,
            )  # fmt: skip
        try:
            url = f"postgresql+psycopg://mailbot@127.0.0.1:{port}/postgres"
            _until_ready(url, server, home / "log")
            yield url
        finally:
            _stop(server)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def fresh_database(url: str) -> str:
    """The address of a new empty database on the same server."""
    name = f"test_{os.getpid()}_{next(_names)}"
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def plain(url: str) -> str:
    """The address as psycopg itself wants it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _unprivileged(home: Path) -> str | None:
    """PostgreSQL refuses to run as root: then it is run as nobody."""
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
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=60,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stdout.decode(errors="replace")[-2000:])


def _until_ready(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    give_up = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < give_up and server.poll() is None:
        try:
            psycopg.connect(plain(url), connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(log.read_text(errors="replace")[-2000:])


def _stop(server: "subprocess.Popen[bytes]") -> None:
    if server.poll() is None:
        server.send_signal(signal.SIGINT)  # "fast": sessions are ended, nothing waits for them
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait(10)
