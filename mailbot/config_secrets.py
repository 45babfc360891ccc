"""Credentials: from systemd, else from a folder of files. Their values never reach a message."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from mailbot.config_types import credential_name
from mailbot.errors import ConfigError, Problem

_LARGEST = 1_000_000  # octets: a key or a certificate chain is far smaller


class Secrets:
    """Reads credentials: $CREDENTIALS_DIRECTORY/NAME (systemd.exec(5)), then `folder`/NAME.

    Nothing is kept in memory: a renewed credential is used from the next sign-in on.
    """

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        handed_over = environ.get("CREDENTIALS_DIRECTORY", "")
        self._folder = folder
        self._folders = (*((Path(handed_over),) if handed_over else ()), folder)

    def read(self, reference: str) -> str:
        """The text of "credential:NAME" without the line break at its end.

        Raises ConfigError, naming the credential and never its value, if there is none, or it is
        empty, unreadable or not text.
        """
        try:
            return self.read_bytes(reference).decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise _unusable(reference, "is not text", "save it as UTF-8") from None

    def read_bytes(self, reference: str) -> bytes:
        """The octets of "credential:NAME", for certificates in binary form. Raises as `read`."""
        name = credential_name(reference)
        if name is None:
            raise _unusable("a credential", "is not named properly", 'write "credential:NAME"')
        path = self._path(name)
        if path is None:
            raise _unusable(reference, "is missing", f"put it in the file {name} of `secrets`")
        try:
            content = path.read_bytes() if path.stat().st_size <= _LARGEST else b""
        except OSError:
            raise _unusable(reference, "cannot be read", "let mailbot's user read it") from None
        if not content.strip():
            raise _unusable(reference, "is empty or too large", "write the secret into the file")
        return content

    def database_password(self, name: str, access: str) -> str | None:
        """The password of a database for "read" or "write", from credential NAME.read, NAME.write.

        None if there is no such credential: the database then asks for none. Raises ConfigError
        if there is one that cannot be used.
        """
        reference = f"credential:{name}.{access}"
        return self.read(reference) if self.exists(reference) else None

    def exists(self, reference: str) -> bool:
        """Whether there is a file for "credential:NAME"."""
        name = credential_name(reference)
        return name is not None and self._path(name) is not None

    def exposed(self, reference: str) -> bool:
        """Whether others than its owner may read the credential in the secrets folder.

        What systemd hands over is guarded by systemd.
        """
        name = credential_name(reference)
        path = None if name is None else self._path(name)
        if path is None or path.parent != self._folder or os.name != "posix":
            return False
        return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))

    def _path(self, name: str) -> Path | None:
        candidates = (folder / name for folder in self._folders)
        return next((path for path in candidates if _is_there(path)), None)


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return True  # in a folder that is closed to us: reading it will say so


def _unusable(reference: str, what: str, remedy: str) -> ConfigError:
    return ConfigError([Problem(reference, what, remedy)])
