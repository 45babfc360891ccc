"""New mail of a folder by SyncFolderItems, page by page, each with a cursor of its own."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mailbot.clients.ews import GONE, LATER, StaleState, classes

if TYPE_CHECKING:
    from exchangelib import Account

PAGE = 50  # mails at a time: what is held in memory
_AT_ONCE = 10  # mails asked for in one request
_MOST_MISSING = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a folder was read. `missing`: mails that the server listed and did not hand over,
    and how often they were asked for."""

    state: str = ""
    missing: Mapping[str, int] = field(default_factory=dict)

    def text(self) -> str:
        """As it is stored."""
        return json.dumps({"state": self.state, "missing": dict(self.missing)}, sort_keys=True)


def parse(text: str | None) -> Cursor | None:
    """The cursor of a stored text; None for one that is none of ours."""
    try:
        found = json.loads(text or "")
        state, missing = found["state"], found["missing"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(state, str) or not state or not isinstance(missing, dict):
        return None
    tries = {str(key): value for key, value in missing.items() if isinstance(value, int)}
    return Cursor(state=state, missing=tries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A mail as the server holds it."""

    id: str
    raw: bytes
    arrived: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of changes: ids and times of mails that came, the state after it."""

    came: Sequence[tuple[str, datetime | None]]
    state: str
    last: bool


def page(account: "Account", folder: Any, state: str, most: int = PAGE) -> Page:
    """The next changes of a folder. Only what was created counts: other programs' reading, marking
    and deleting brings nothing again."""
    from exchangelib import Message
    from exchangelib.fields import FieldPath
    from exchangelib.items import BaseItem
    from exchangelib.services import SyncFolderItems

    service = SyncFolderItems(account=account)
    received = FieldPath(field=Message.get_field_by_fieldname("datetime_received"))
    try:
        changes = list(
            service.call(
                folder=folder,
                shape="IdOnly",
                additional_fields={received},
                sync_state=state or None,
                ignore=None,
                max_changes_returned=most,
                sync_scope=None,
            )
        )
    except AttributeError:
        # The library looks for a state in the answer before it looks whether that is an error.
        raise StaleState("the server answers without a state") from None
    came = [
        (str(item.id), utc(getattr(item, "datetime_received", None)))
        for change, item in changes
        if change == service.CREATE and isinstance(item, BaseItem)
    ]
    again = service.sync_state == state  # seen in the field: an end that does not call itself one
    return Page(
        came=came,
        state=str(service.sync_state or state),
        last=bool(service.includes_last_item_in_range) or again,
    )


def read(account: "Account", ids: Sequence[str]) -> tuple[list[Read], list[str]]:
    """Mails whole, and the ids that are there but were not handed over; what is gone is neither."""
    found: list[Read] = []
    held_back: list[str] = []
    for at in range(0, len(ids), _AT_ONCE):
        for key, item in _answers(account, ids[at : at + _AT_ONCE]):
            raw = getattr(item, "mime_content", None)
            if item is None:
                continue
            if not isinstance(raw, bytes):
                held_back.append(key)
                continue
            arrived = utc(getattr(item, "datetime_received", None)) or datetime.now(UTC)
            found.append(Read(id=key, raw=raw, arrived=arrived))
    return found, held_back


def _answers(account: "Account", ids: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """What the server says of each id: the item, None if it is gone, else an error. One mail that
    cannot be converted fails the request of all; then each is asked for by itself."""
    from exchangelib import errors

    fields = ["mime_content", "datetime_received"]
    try:
        answers = list(account.fetch([(key, None) for key in ids], only_fields=fields))
    except errors.ResponseMessageError as error:
        if isinstance(error, (errors.ErrorServerBusy, *classes(errors, LATER))):
            raise
        if len(ids) > 1:
            for key in ids:
                yield from _answers(account, [key])
            return
        answers = [error]
    for key, item in zip(ids, answers, strict=True):
        yield key, None if isinstance(item, classes(errors, GONE)) else item


def missed(before: Mapping[str, int], again: Sequence[str], tried: Sequence[str]) -> dict[str, int]:
    """The mails still missing: each try counted, the oldest forgotten when there are too many."""
    left = {key: count for key, count in before.items() if key not in tried}
    left |= {key: before.get(key, 0) + 1 for key in again}
    return dict(list(left.items())[-_MOST_MISSING:])


def utc(moment: Any) -> datetime | None:
    """A time of the library as a plain one in UTC."""
    if not isinstance(moment, datetime):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return datetime.fromtimestamp(aware.timestamp(), UTC)
