"""How far reading a folder over Graph has come."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

_DIGEST_OCTETS = 8
_MOST_SEEN = 2_000  # ids remembered: pages repeat items, and a resync brings recent ones again


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Progress in one folder.

    link: the server's address of what comes next; "" begins anew. since: on the first round only
    mail from then on counts. seen: digests of the ids handled last. missing: mails that the server
    lists but did not hand over, each with the number of tries.
    """

    link: str = ""
    since: datetime | None = None
    seen: tuple[bytes, ...] = ()
    missing: Mapping[str, int] = field(default_factory=dict)

    def text(self) -> str:
        """The cursor as the store keeps it."""
        document: dict[str, object] = {"version": 1, "link": self.link}
        if self.since is not None:
            document["since"] = self.since.isoformat()
        if self.seen:
            document["seen"] = base64.b64encode(b"".join(self.seen)).decode("ascii")
        if self.missing:
            document["missing"] = dict(self.missing)
        return json.dumps(document)

    def has(self, item: str) -> bool:
        """Whether a mail was handled lately."""
        return _digest(item) in self.seen

    def handled(self, items: Iterable[str], lost: Iterable[str] = ()) -> "Cursor":
        """The cursor after these mails; the lost ones are asked for again."""
        items = list(items)
        missing = {item: tries for item, tries in self.missing.items() if item not in items}
        for item in lost:
            missing[item] = self.missing.get(item, 0) + 1
        seen = dict.fromkeys((*self.seen, *(_digest(item) for item in items)))
        return replace(self, seen=tuple(seen)[-_MOST_SEEN:], missing=missing)


def parse(text: str | None) -> Cursor | None:
    """A kept cursor; None if there is none or it is damaged (then reading starts again)."""
    if text is None:
        return None
    try:
        document = json.loads(text)
        joined = base64.b64decode(document.get("seen", ""), validate=True)
        since = document.get("since")
        starts = range(0, len(joined), _DIGEST_OCTETS)
        if not isinstance(document["link"], str) or not document["link"]:
            return None
        return Cursor(
            link=document["link"],
            since=datetime.fromisoformat(since) if since else None,
            seen=tuple(joined[start : start + _DIGEST_OCTETS] for start in starts),
            missing={str(item): int(n) for item, n in document.get("missing", {}).items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _digest(item: str) -> bytes:
    return hashlib.sha256(item.encode()).digest()[:_DIGEST_OCTETS]
