"""Words left for a running daemon by a command beside it: small files in the state folder."""

import os
import secrets
from pathlib import Path

FOLDER = "requests"
_LONGEST = 200


def ask(state: Path, words: str) -> None:
    """Leave a request, e.g. "retry CASE"; the daemon takes it within a second or so."""
    folder = state / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    name = secrets.token_hex(8)
    draft = folder / f".{name}"
    draft.write_text(words, encoding="utf-8")
    os.rename(draft, folder / name)


def taken(state: Path) -> tuple[str, ...]:
    """Take what was asked since the last look; each request is taken once."""
    folder = state / FOLDER
    if not folder.is_dir():
        return ()
    found = []
    for file in sorted(folder.iterdir()):
        if file.name.startswith(".") or not file.is_file():
            continue
        found.append(file.read_text(encoding="utf-8", errors="replace")[:_LONGEST])
        file.unlink()
    return tuple(found)
