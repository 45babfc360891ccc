"""Words left for a running daemon by a command beside it: small files in the state folder."""

import os
import secrets
from pathlib import Path

FOLDER = "requests"
_LONGEST = 200
_SEALED = ".sealed"


def ask(state: Path, words: str) -> None:
    """Leave a request, e.g. "retry CASE"; the daemon takes it within a second or so."""
    folder = state / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    name = secrets.token_hex(8)
    draft = folder / f".{name}"
    draft.write_text(words, encoding="utf-8")
    os.rename(draft, folder / name)


def hand_over(state: Path, sealed: bytes) -> None:
    """Leave something for the daemon that only it may read."""
    folder = state / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    name = secrets.token_hex(8)
    draft = folder / f".{name}"
    draft.touch(mode=0o600)
    draft.write_bytes(sealed)
    os.rename(draft, folder / f"{name}{_SEALED}")


def handed_over(state: Path) -> list[Path]:
    """The files that were left; whoever takes one in for good removes it."""
    folder = state / FOLDER
    return sorted(folder.glob(f"*{_SEALED}")) if folder.is_dir() else []


def taken(state: Path) -> tuple[str, ...]:
    """Take what was asked since the last look; each request is taken once."""
    folder = state / FOLDER
    if not folder.is_dir():
        return ()
    found = []
    for file in sorted(folder.iterdir()):
        if "." in file.name or not file.is_file():
            continue
        found.append(file.read_text(encoding="utf-8", errors="replace")[:_LONGEST])
        file.unlink()
    return tuple(found)
