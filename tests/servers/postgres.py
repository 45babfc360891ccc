"""A real PostgreSQL on loopback in a temporary folder, for tests that need one."""

import itertools
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests.servers.scratch import scratch_server

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

    def install(home: Path) -> list[str]:
        return [str(folder / "initdb"), "-D", str(home / "data"), "-U", "mailbot", "-A", "trust",
                "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]  # fmt: skip

    def command(home: Path, port: int) -> list[str]:
        options = [part for item in _SETTINGS.items() for part in ("-c", "=".join(item))]
        return [str(folder / "postgres"), "-D", str(home / "data"), "-p", str(port),
                "-k", str(home), *options]  # fmt: skip

    def address(port: int) -> str:
        return f"postgresql+psycopg://mailbot@127.0.0.1:{port}/postgres"

    with scratch_server(
        install,
        command,
        lambda port: psycopg.connect(plain(address(port)), connect_timeout=2),
        psycopg.OperationalError,
        signal.SIGINT,  # "fast": sessions are ended, nothing waits for them
    ) as port:
        yield address(port)


def fresh_database(url: str) -> str:
    """The address of a new empty database on the same server."""
    name = f"test_{os.getpid()}_{next(_names)}"
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def plain(url: str) -> str:
    """The address as psycopg itself wants it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
