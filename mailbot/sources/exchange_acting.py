"""One record of a mailbox, be it a mail, a contact or an appointment: as it is now, and deleted."""

from mailbot.clients import decode
from mailbot.errors import Permanent
from mailbot.plan import Action
from mailbot.ports import HoldsEntries, Mailbox, MailRef
from mailbot.record import Row, fingerprint
from mailbot.sources.exchange_entries import EntryRef
from mailbot.sources.exchange_rows import row


def holding(box: Mailbox) -> HoldsEntries:
    """The mailbox as one that holds contacts. Raises Permanent if it is none."""
    if not isinstance(box, HoldsEntries):
        raise Permanent(f"mailbox {box.address}: this kind of mailbox reaches mail only")
    return box


def row_at(box: Mailbox, ref: MailRef | EntryRef) -> Row | None:
    """A record as it is now, None if it is gone from its place."""
    if isinstance(ref, EntryRef):
        entry = holding(box).entry(ref.kind, ref.id)
        return None if entry is None else entry.columns
    raw = box.raw(ref)
    return None if raw is None else row(decode.read(raw))


def delete(box: Mailbox, ref: MailRef | EntryRef, purge: bool) -> None:
    """Delete a record; gone is harmless. `purge`: past the bin, where the server can."""
    if isinstance(ref, EntryRef):
        holding(box).delete_entry(ref.kind, ref.id, purge)
    else:
        box.delete(ref, purge)


def is_as_approved(there: Row | None, action: Action, key: bytes) -> bool:
    """Whether a record is there, and still what was approved (DESIGN § 8)."""
    return there is not None and fingerprint(key, there, action.volatile) == action.fingerprint
