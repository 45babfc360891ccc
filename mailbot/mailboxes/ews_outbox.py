"""Sending by EWS: a draft is made, kept by its effect, sent, and then seen in Sent Items.

The mail goes to Exchange as MIME, so thread and headers are ours. A named property holds the
effect; draft and sent copy are found by it. Exchange may write another Message-ID, which is read
back from the copy.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mailbot.clients.ews import CALL_SECONDS, WATCHDOG_SECONDS, EwsClient
from mailbot.clients.mime import build
from mailbot.errors import Permanent
from mailbot.mailboxes import ews_folders
from mailbot.mailboxes.ews_finding import register
from mailbot.mailboxes.ews_reading import utc
from mailbot.message import Outgoing, Sent
from mailbot.ports import Clock

if TYPE_CHECKING:
    from exchangelib import Account

# Seconds after which a draft that is still one was surely not sent: longer than a request that the
# watchdog gave up may still be on its way.
_SETTLED = WATCHDOG_SECONDS + CALL_SECONDS
_CONFIRM = (0.0, 0.3, 0.6, 1.2, 2.4)  # seconds before each look for the sent copy
_LARGEST = 35 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Trace:
    """What is known of an effect: a draft, or what left."""

    draft: bool
    message_id: str
    changed: datetime | None


class EwsOutbox:
    """Sends from one mailbox. sleep: how the looks for the sent copy are spaced."""

    def __init__(
        self,
        client: EwsClient,
        clock: Clock,
        *,
        sleep: Callable[[float], None] = time.sleep,
        settled: float = _SETTLED,
    ) -> None:
        self._client = client
        self._clock = clock
        self._sleep = sleep
        self._settled = settled

    def certain(self, effect: str) -> bool:
        """True while the draft lies there, unsent for so long that it is not on its way. No trace
        at all proves nothing: somebody may have deleted the copy."""
        traces = self._client.call("looking for a draft", lambda a: _traces(a, effect))
        now = self._clock.now()
        return bool(traces) and all(
            trace.draft
            and trace.changed is not None
            and (now - trace.changed).total_seconds() >= self._settled
            for trace in traces
        )

    def send(self, mail: Outgoing, begun: Callable[[], None]) -> Sent:
        """Send one mail. Before `begun()` nothing has left, and a draft of an earlier try is used
        no more."""
        now = self._clock.now()
        raw = build(mail, now)
        if len(raw) > _LARGEST:
            raise Permanent(f"outgoing mail {mail.effect}: larger than Exchange takes by EWS")
        earlier = self._client.call("making a draft", lambda a: _clean(a, mail.effect))
        if earlier is not None:
            return self._receipt(mail.effect, earlier, now)
        item = self._client.call("making a draft", lambda a: _draft(a, raw, mail.effect))
        begun()
        self._client.call("sending", lambda a: item.send(save_copy=True, copy_to_folder=a.sent))
        sent = Sent(effect=mail.effect, message_ids=(mail.message_id,), at=now)
        for pause in _CONFIRM:
            self._sleep(pause)
            copy = self._client.call("confirming", lambda a: _sent(a, mail.effect))
            if copy is not None:
                ids = dict.fromkeys((mail.message_id, *filter(None, [copy.message_id])))
                return Sent(effect=mail.effect, message_ids=tuple(ids), at=now)
        return sent  # its copy comes late: replies are still known by our own id and token

    def find(self, effect: str) -> Sent | None:
        """The receipt of a mail by its sent copy."""
        copy = self._client.call("looking for the sent copy", lambda a: _sent(a, effect))
        return None if copy is None else self._receipt(effect, copy, self._clock.now())

    def _receipt(self, effect: str, trace: _Trace, now: datetime) -> Sent:
        ids = (trace.message_id,) if trace.message_id else ()
        return Sent(effect=effect, message_ids=ids, at=trace.changed or now)


def _draft(account: "Account", raw: bytes, effect: str) -> Any:
    from exchangelib import Message

    register()
    item = Message(account=account, folder=account.drafts, mime_content=raw, mailbot_effect=effect)
    item.save()
    return item


def _found(account: "Account", effect: str) -> list[Any]:
    from exchangelib.folders import FolderCollection

    register()
    places = [folder for _, folder in ews_folders.of_mail(account)]
    asked = FolderCollection(account=account, folders=places)
    fields = ("is_draft", "message_id", "last_modified_time", "parent_folder_id", "id", "changekey")
    return list(asked.filter(mailbot_effect=effect).only(*fields))


def _traces(account: "Account", effect: str) -> list[_Trace]:
    return [
        _Trace(
            bool(item.is_draft),
            str(item.message_id or "").strip("<> "),
            utc(item.last_modified_time),
        )
        for item in _found(account, effect)
    ]


def _sent(account: "Account", effect: str) -> _Trace | None:
    return next((trace for trace in _traces(account, effect) if not trace.draft), None)


def _clean(account: "Account", effect: str) -> _Trace | None:
    """What left already; else drafts of earlier tries are deleted."""
    sent = _sent(account, effect)
    if sent is None:
        for item in _found(account, effect):
            item.delete()
    return sent
