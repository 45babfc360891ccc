"""Server processes of the tests: free ports, temporary folders, started and ended by process id."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

STARTS_WITHIN = 15.0  # seconds; a loaded machine is slow, a broken configuration is noticed sooner


class CannotStart(RuntimeError):
    """A server did not come up; the text is the end of its log."""


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nobody listens to now."""
    taken = [socket.socket() for _ in range(count)]
    try:
        for one in taken:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in taken]
    finally:
        for one in taken:
            one.close()


def temporary_folder() -> Path:
    """A folder that servers without privileges can enter, with a path short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="mailbot-"))
    folder.chmod(0o755)
    return folder


def remove(folder: Path) -> None:
    """Remove a temporary folder, whoever owns what lies in it."""
    shutil.rmtree(folder, ignore_errors=True)


def find_binary(*names: str) -> str | None:
    """The path of the first of these programs that the machine has."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


class Started:
    """A server that runs from when it is made until `stop()`, or the end of a `with` block."""

    def stop(self) -> None:
        """End it."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Process:
    """A server in the foreground of a process group of its own."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id, which is its process group as well."""
        return self._process.pid

    def until_listening(self, port: int, *logs: Path) -> None:
        """Return when the port answers; raise CannotStart if the process ends or takes too long."""
        give_up = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < give_up:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
            except OSError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.01)
            else:
                return
        self.stop()
        raise CannotStart("\n".join(_tail(log) for log in (self._log, *logs)))

    def stop(self) -> None:
        """End the process and its children; harmless when it has ended."""
        for sign, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
            if self._process.poll() is None:
                os.killpg(self._process.pid, sign)
                try:
                    self._process.wait(patience)
                except subprocess.TimeoutExpired:
                    continue


def _tail(log: Path, size: int = 2_000) -> str:
    return log.read_text(errors="replace")[-size:] if log.exists() else ""
