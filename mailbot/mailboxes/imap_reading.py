"""Fetching mail from an open folder, and the cursor that says how far reading has come."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from mailbot.clients import decode
from mailbot.mailboxes.imap_connection import Client

BATCH_MAILS = 50
BATCH_OCTETS = 20_000_000
LARGEST = 60_000_000  # octets; of a larger mail only the beginning is fetched
_META_AT_ONCE = 500
_META = ("INTERNALDATE", "RFC822.SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Progress in one folder.

    uid: every mail up to here was handled. old_to: mails up to here were there before reading
    began, and count only from a date on. missing: mails that the server lists but did not hand
    over, each with the number of tries; they are asked for again each time.
    """

    uidvalidity: int
    uid: int
    old_to: int = 0
    missing: Mapping[int, int] = field(default_factory=dict)

    def text(self) -> str:
        """The cursor as the store keeps it."""
        document: dict[str, object] = {"uidvalidity": self.uidvalidity, "uid": self.uid}
        if self.uid < self.old_to:
            document["old_to"] = self.old_to
        if self.missing:
            document["missing"] = {str(uid): tries for uid, tries in sorted(self.missing.items())}
        return json.dumps(document)

    def after(self, uid: int, lost: Sequence[int] = ()) -> "Cursor":
        """The cursor once all up to `uid` were handled, except the lost ones."""
        missing = dict(self.missing) | {one: self.missing.get(one, 0) + 1 for one in lost}
        return replace(self, uid=max(self.uid, uid), missing=missing)

    def without(self, uids: Sequence[int]) -> "Cursor":
        """The cursor once mails that were missing are found, or gone for good."""
        return replace(self, missing={u: n for u, n in self.missing.items() if u not in uids})


def parse_cursor(text: str | None) -> Cursor | None:
    """A kept cursor; None if there is none or it is damaged (then reading starts again)."""
    if text is None:
        return None
    try:
        document = json.loads(text)
        missing = {int(uid): int(tries) for uid, tries in document.get("missing", {}).items()}
        return Cursor(
            uidvalidity=int(document["uidvalidity"]),
            uid=int(document["uid"]),
            old_to=int(document.get("old_to", 0)),
            missing=missing,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


@dataclass(frozen=True, slots=True)
class Meta:
    """What is known of a mail before it is fetched. arrived: UTC; None if the server says not."""

    uid: int
    arrived: datetime | None
    size: int


def metas(client: Client, uids: Sequence[int]) -> list[Meta]:
    """Time and size of mails, in the order asked; those that the server does not tell are left
    out. Servers forget to answer for some now and then: they are asked twice."""
    found: dict[int, Meta] = {}
    for _try in range(2):
        left = [uid for uid in uids if uid not in found]
        for start in range(0, len(left), _META_AT_ONCE):
            answer = client.fetch(left[start : start + _META_AT_ONCE], _META)
            for uid, items in answer.items():
                found[uid] = Meta(uid, _utc(items.get(b"INTERNALDATE")), _size(items))
    return [found[uid] for uid in uids if uid in found]


def batches(listed: Sequence[Meta]) -> Iterator[list[Meta]]:
    """Groups small enough to be held in memory together."""
    batch: list[Meta] = []
    size = 0
    for meta in listed:
        if batch and (len(batch) >= BATCH_MAILS or size + meta.size > BATCH_OCTETS):
            yield batch
            batch, size = [], 0
        batch.append(meta)
        size += meta.size
    if batch:
        yield batch


def bodies(client: Client, batch: Sequence[Meta]) -> dict[int, bytes]:
    """The bytes of mails, without a trace (BODY.PEEK); each is asked for twice at most."""
    found: dict[int, bytes] = {}
    for _try in range(2):
        left = [meta for meta in batch if meta.uid not in found]
        small = [meta.uid for meta in left if meta.size <= LARGEST]
        found |= _fetched(client, small, "BODY.PEEK[]")
        for meta in left:
            if meta.size > LARGEST:
                # One octet more than the limit, so that whoever reads it sees that it is too long.
                found |= _fetched(client, [meta.uid], f"BODY.PEEK[]<0.{LARGEST + 1}>")
    return {uid: raw for uid, raw in found.items() if not is_placeholder(raw)}


def heads(client: Client, uids: Sequence[int], names: Sequence[str]) -> dict[int, bytes]:
    """Some headers of mails, without a trace. Servers keep the common ones at hand."""
    return _fetched(client, uids, f"BODY.PEEK[HEADER.FIELDS ({' '.join(names).upper()})]")


def is_placeholder(raw: bytes) -> bool:
    """Whether Exchange wrote this instead of a mail that it could not convert.

    No mail that came over the network lacks Received (RFC 5321 § 4.4), so nobody outside can make
    their mail pass for a placeholder.
    """
    if len(raw) > 20_000 or b"Retrieval using the IMAP4 protocol failed" not in raw:
        return False
    head = decode.head(raw)
    return not head.all("received") and head.text("subject").startswith("Retrieval using the IMAP4")


def _fetched(client: Client, uids: Sequence[int], item: str) -> dict[int, bytes]:
    if not uids:
        return {}
    found: dict[int, bytes] = {}
    for uid, items in client.fetch(list(uids), (item,)).items():
        raw = next((value for name, value in items.items() if name.startswith(b"BODY[")), None)
        if isinstance(raw, int):  # the library reads a body of digits alone as a number
            raw = str(raw).encode("ascii")
        if isinstance(raw, bytes):
            found[uid] = raw
    return found


def _utc(value: object) -> datetime | None:
    if not isinstance(value, datetime) or value.tzinfo is None:
        return None
    return value.astimezone(UTC)


def _size(items: Mapping[bytes, object]) -> int:
    size = items.get(b"RFC822.SIZE")
    return size if isinstance(size, int) else 0
