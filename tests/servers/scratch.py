"""A database server for the time of a test: its own folder, its own port, its own end."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers.process import free_ports

STARTS_WITHIN = 60.0  # seconds
_ENDS_WITHIN = 15.0


@contextmanager
def scratch_server(
    install: Callable[[Path], Sequence[str]],
    command: Callable[[Path, int], Sequence[str]],
    connect: Callable[[int], Any],
    refusal: type[Exception],
    stop: signal.Signals,
) -> Iterator[int]:
    """Install a server into a temporary folder and run it there; its port on loopback.

    `install` and `command` give the command lines for the folder and the port, `connect` opens a
    connection and raises `refusal` as long as the server is not ready. Raises RuntimeError with the
    end of the log if it does not come up.
    """
    home = Path(tempfile.mkdtemp(prefix="mailbot-db-"))
    user = _unprivileged(home)
    try:
        _run(user, install(home))
        (port,) = free_ports(1)
        with (home / "log").open("wb") as log:
            server = subprocess.Popen(
                command(home, port), stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=home,
                start_new_session=True, **_rights(user),
            )  # fmt: skip
        try:
            _until_ready(lambda: connect(port), refusal, server, home / "log")
            yield port
        finally:
            _end(server, stop)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _unprivileged(home: Path) -> str | None:
    """Database servers refuse to run as root: then they are run as nobody."""
    if os.getuid() != 0:
        return None
    os.chown(home, pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)
    return "nobody"


def _rights(user: str | None) -> dict[str, Any]:
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _run(user: str | None, command: Sequence[str]) -> None:
    done = subprocess.run(
        command, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        timeout=120, **_rights(user),
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stdout.decode(errors="replace")[-2000:])


def _until_ready(
    connect: Callable[[], Any],
    refusal: type[Exception],
    server: "subprocess.Popen[bytes]",
    log: Path,
) -> None:
    give_up = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < give_up and server.poll() is None:
        try:
            connect().close()
        except refusal:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(log.read_text(errors="replace")[-2000:])


def _end(server: "subprocess.Popen[bytes]", stop: signal.Signals) -> None:
    if server.poll() is None:
        server.send_signal(stop)
    try:
        server.wait(_ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait(_ENDS_WITHIN)
