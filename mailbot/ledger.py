"""The ledger: a chain of hashes over everything that happened, so that it can be proved later.

GDPR art. 5(2) asks the controller to be able to demonstrate what was done. An entry's hash is

    SHA-256( "mailbot-ledger/1" NUL canonical-JSON )                       as 64 hex digits

where the canonical JSON (sorted keys, no spaces, UTF-8) is the object of exactly these members:

    case           the internal id of the case, "" if none
    event          what happened, a name
    facts_sha256   SHA-256 of the *encrypted* facts, so that the chain outlives the case's key
    prev           the hash of the entry before, 64 zeros for the first
    reason         why, a name
    seq            1, 2, 3, … without gaps
    utc            when, as 2026-03-01T12:00:00.000000Z

The hash of the entry before stands inside what is hashed, so each hash vouches for everything up
to it. A chain alone cannot show that its tail was cut off or written anew: for that one needs an
anchor, the number and hash of an entry as they were once witnessed elsewhere (DESIGN § 10).
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from types import MappingProxyType

from mailbot.errors import Permanent
from mailbot.ports import LedgerEntry
from mailbot.record import canonical

FORMAT = "mailbot-ledger/1"
GENESIS = "0" * 64  # `prev` of the first entry
_PREFIX = FORMAT.encode() + b"\0"
_ANCHOR = re.compile(r"\bmailbot-ledger/1 +([0-9]{1,18}) +([0-9a-f]{64})\b")
_NO_ANCHORS: Mapping[int, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What became of checking a chain.

    `entries` and `head`: how many entries are good, and the hash of the last of them. If one is
    bad, `bad_seq` is the first and `why` the named reason: changed (the entry does not have its
    hash), unlinked (it does not follow from the one before), gap, reordered, repeated, truncated
    (an anchor lies beyond the end), anchor (another hash was witnessed), facts (the encrypted
    facts are not those that were entered), head (the store's own note of the end was tampered
    with).
    """

    entries: int
    head: str
    bad_seq: int | None = None
    why: str = ""

    @property
    def ok(self) -> bool:
        """Whether the whole chain is as it was written."""
        return self.bad_seq is None

    def __str__(self) -> str:
        if self.ok:
            return f"The ledger is whole: {self.entries} entries, head {self.head}."
        return f"The ledger is not as it was written: entry {self.bad_seq} ({self.why})."


def utc_text(moment: datetime) -> str:
    """A moment as the ledger and the store write it: UTC, microseconds, "Z".

    Every such text has the same length, so texts sort as times do. Raises Permanent without zone.
    """
    if moment.utcoffset() is None:
        raise Permanent("A time without its zone cannot be stored.")
    try:
        return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except OverflowError:
        raise Permanent("A time beyond the calendar cannot be stored.") from None


def entry_hash(entry: LedgerEntry) -> str:
    """The hash that an entry must have, from all its other members."""
    document = {
        "seq": entry.seq,
        "prev": entry.prev,
        "utc": entry.utc,
        "case": entry.case_id,
        "event": entry.event,
        "reason": entry.reason,
        "facts_sha256": entry.facts_sha256,
    }
    try:
        return hashlib.sha256(_PREFIX + canonical(document)).hexdigest()
    except (UnicodeEncodeError, TypeError):
        raise Permanent("An event, a reason or a case id is no proper text.") from None


def next_entry(
    seq: int, prev: str, *, utc: str, case_id: str, event: str, reason: str, facts_sha256: str
) -> LedgerEntry:
    """The entry that follows number `seq` with hash `prev` (0 and GENESIS before the first)."""
    unsigned = LedgerEntry(
        seq=seq + 1,
        prev=prev,
        utc=utc,
        case_id=case_id,
        event=event,
        reason=reason,
        facts_sha256=facts_sha256,
        hash="",
    )
    return replace(unsigned, hash=entry_hash(unsigned))


def verify(
    entries: Iterable[LedgerEntry], anchors: Mapping[int, str] = _NO_ANCHORS
) -> Verification:
    """Check a chain from its first entry on, in the order given, against anchors {seq: hash}.

    Stops at the first entry that is not as it was written. An anchor beyond the end means that
    the tail was cut off.
    """
    good, head = 0, GENESIS
    remaining = iter(entries)
    for entry in remaining:
        why = _fault(entry, good, head, anchors)
        if why:
            if why == "gap" and any(later.seq == good + 1 for later in remaining):
                why = "reordered"
            # A missing entry is named by its own number, not by that of its successor.
            bad = entry.seq if why == "repeated" else good + 1
            return Verification(entries=good, head=head, bad_seq=bad, why=why)
        good, head = entry.seq, entry.hash
    if any(seq > good for seq in anchors):
        return Verification(entries=good, head=head, bad_seq=good + 1, why="truncated")
    return Verification(entries=good, head=head)


def _fault(entry: LedgerEntry, good: int, head: str, anchors: Mapping[int, str]) -> str:
    if entry.seq <= good:
        return "repeated"
    if entry.seq > good + 1:
        return "gap"
    if not _hash_holds(entry):
        return "changed"
    if entry.prev != head:
        return "unlinked"
    if anchors.get(entry.seq, entry.hash) != entry.hash:
        return "anchor"
    return ""


def _hash_holds(entry: LedgerEntry) -> bool:
    try:
        return entry.hash == entry_hash(entry)
    except Permanent:
        return False


def export(
    entries: Iterable[tuple[LedgerEntry, Mapping[str, object] | None]],
) -> dict[str, object]:
    """The chain, or a case's part of it, as a JSON document that explains itself.

    Each entry has its facts in the clear, or null where the key was destroyed. An entry's hash
    can be computed anew from its members; only the whole chain can be verified as one.
    """
    listed = [(_exported(entry), facts) for entry, facts in entries]
    return {
        "format": FORMAT,
        "hash": (
            "SHA-256 of the format's name, a NUL and the canonical JSON (sorted keys, compact, "
            "UTF-8) of case, event, facts_sha256, prev, reason, seq and utc; facts_sha256 is that "
            "of the facts as encrypted."
        ),
        "entries": [{**entry, "facts": facts} for entry, facts in listed],
    }


def _exported(entry: LedgerEntry) -> dict[str, object]:
    return {
        "seq": entry.seq,
        "prev": entry.prev,
        "utc": entry.utc,
        "case": entry.case_id,
        "event": entry.event,
        "reason": entry.reason,
        "facts_sha256": entry.facts_sha256,
        "hash": entry.hash,
    }


def exported_entries(document: object) -> Iterator[LedgerEntry]:
    """The entries of an exported document again, to verify them. Raises Permanent if malformed."""
    if not isinstance(document, Mapping) or document.get("format") != FORMAT:
        raise Permanent(f"This is no exported ledger of the format {FORMAT}.")
    try:
        for entry in document["entries"]:
            texts = ("prev", "utc", "event", "reason", "facts_sha256", "hash")
            yield LedgerEntry(
                seq=int(entry["seq"]),
                case_id=str(entry["case"]),
                **{name: str(entry[name]) for name in texts},
            )
    except (KeyError, TypeError, ValueError):
        raise Permanent("An entry of the exported ledger lacks a member.") from None


def anchor_line(seq: int, head: str) -> str:
    """The line by which a mailbox witnesses the end of the chain (daily summary)."""
    return f"{FORMAT} {seq} {head}"


def anchors_in(texts: Iterable[str]) -> dict[int, str]:
    """The anchors witnessed in texts, {seq: hash}. The first mention of a number wins.

    Texts must be ones that mailbot itself sent: whoever can forge a text can forge an anchor.
    """
    anchors: dict[int, str] = {}
    for found in chain.from_iterable(_ANCHOR.finditer(text) for text in texts):
        anchors.setdefault(int(found.group(1)), found.group(2))
    return anchors
