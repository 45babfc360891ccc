"""Rows of the tables to values and back."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, false

from mailbot.case import Case, Label, Matter, State
from mailbot.codec import to_json
from mailbot.errors import Permanent
from mailbot.ledger import utc_text
from mailbot.ports import LedgerEntry, MailRef, StoredMail

AnyRow = Any  # a row of a table: `schema` knows its columns, the types do not


def encoded(document: object) -> bytes:
    """A document as bytes to be sealed. ASCII: lone surrogates of hostile mail survive as well."""
    return json.dumps(to_json(document), separators=(",", ":"), allow_nan=False).encode("ascii")


def decoded(data: bytes) -> Any:
    """The document again, as JSON values."""
    return json.loads(data)


def clear(text: str) -> str:
    """A text that is stored as it is. Raises Permanent for one that no database would take."""
    if not storable(text):
        raise Permanent("An id, a name or a reason is no proper text.")
    return text


def storable(text: str) -> bool:
    """Whether a text can stand in a column: neither NUL nor lone surrogates, as mail may hold."""
    return "\0" not in text and text == text.encode("utf-8", "ignore").decode("utf-8")


def note_name(name: str) -> str:
    """Where a note stands in `meta`, apart from what the store itself keeps there."""
    return clear(f"note:{name}")


def maybe_utc(moment: datetime | None) -> str | None:
    """A moment as text, if there is one."""
    return None if moment is None else utc_text(moment)


def moment(text: str) -> datetime:
    """The moment that a stored text means."""
    return datetime.fromisoformat(text)


def maybe_moment(text: str | None) -> datetime | None:
    """The moment that a stored text means, if there is one."""
    return None if text is None else moment(text)


def case_of(row: AnyRow, details: Mapping[str, str]) -> Case:
    """A case; `details` are its encrypted part, empty once its key is destroyed."""
    return Case(
        id=row.id,
        number=row.number,
        mailbox=row.mailbox,
        received=moment(row.received),
        language=details.get("language", ""),
        version=row.version,
        closed=maybe_moment(row.closed),
    )


def matter_of(row: AnyRow) -> Matter:
    """A matter from its row."""
    return Matter(
        id=row.id,
        case_id=row.case_id,
        right=Label(row.right),
        state=State(row.state),
        received=moment(row.received),
        last_day=date.fromisoformat(row.last_day),
        plan_version=row.plan_version,
        marketing=row.marketing,
        due=maybe_moment(row.due),
        note=row.note,
        attempts=row.attempts,
        flags=tuple(json.loads(row.flags)),
    )


def matter_columns(matter: Matter) -> dict[str, object]:
    """A matter as its row."""
    return {
        "id": clear(matter.id),
        "case_id": matter.case_id,
        "right": matter.right.value,
        "state": matter.state.value,
        "received": utc_text(matter.received),
        "last_day": matter.last_day.isoformat(),
        "plan_version": matter.plan_version,
        "marketing": matter.marketing,
        "due": maybe_utc(matter.due),
        "note": clear(matter.note),
        "attempts": matter.attempts,
        "flags": json.dumps(list(matter.flags)),
    }


def mail_id_of(digest: str) -> str:
    """The id of a mail follows from its bytes: the same mail has the same id for ever."""
    return digest[:32]


def mail_of(row: AnyRow) -> StoredMail:
    """A mail from its row."""
    return StoredMail(
        id=row.id,
        ref=MailRef(mailbox=row.mailbox, folder=row.folder, id=row.ref),
        arrived=moment(row.arrived),
        status=row.status,
        reason=row.reason,
        case_id=row.case_id,
    )


def entry_of(row: AnyRow) -> LedgerEntry:
    """A ledger entry from its row, as it stands there: it may have been tampered with."""
    return LedgerEntry(
        seq=row.seq,
        prev=row.prev,
        utc=row.utc,
        case_id=row.case_id,
        event=row.event,
        reason=row.reason,
        facts_sha256=row.facts_sha256,
        hash=row.hash,
    )


def same(column: Column[str], text: str) -> ColumnElement[bool]:
    """Whether a column holds this text."""
    # An id may come from the header of a hostile mail: what no column can hold, none is equal to.
    return column == text if storable(text) else false()
