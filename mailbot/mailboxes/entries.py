"""How contacts and appointments are written down, whatever server they come from."""

import json
from collections.abc import Iterable, Mapping


def tidy(columns: Mapping[str, str]) -> dict[str, str]:
    """Without empty columns, and without half characters, which cannot be written down."""
    found = {
        name: text.strip().encode("utf-8", "replace").decode() for name, text in columns.items()
    }
    return {name: text for name, text in found.items() if text}


def listed(texts: Iterable[str], between: str = "; ") -> str:
    """Several texts as one; empty ones are left out."""
    return between.join(text.strip() for text in texts if text and text.strip())


def person(name: str, address: str) -> str:
    """A person as a mail shows them; a name that only repeats the address says nothing."""
    if not address:
        return name
    return f"{name} <{address}>" if name and name.casefold() != address.casefold() else address


def as_json(found: object) -> str:
    """What has no other form for people; empty if there is nothing."""
    return json.dumps(found, sort_keys=True, ensure_ascii=False, default=str) if found else ""
