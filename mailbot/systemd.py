"""Telling systemd how we are (sd_notify(3)): ready, alive, stopping. A no-op elsewhere."""

import os
import socket
from collections.abc import Mapping


class Notifier:
    """Sends datagrams to $NOTIFY_SOCKET. `period`: seconds between signs of life, if asked for."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._path = environ.get("NOTIFY_SOCKET", "")
        microseconds = environ.get("WATCHDOG_USEC", "")
        meant = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.period = int(microseconds) / 3e6 if meant and microseconds.isdigit() else None

    def tell(self, message: str) -> None:
        """Send one message, e.g. READY=1 or WATCHDOG=1. A vanished socket is not our trouble."""
        if not self._path:
            return
        address = "\0" + self._path[1:] if self._path.startswith("@") else self._path
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            try:
                sock.sendto(message.encode(), address)
            except OSError:
                self._path = ""  # systemd went away (container torn down): nobody to tell
