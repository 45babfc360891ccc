"""Sending over Microsoft Graph: a draft, kept by its id, is sent and then seen in Sent Items.

`sendMail` tells no id, so a draft is made first; its id stays the same when it becomes the sent
copy. An extended property holds the effect, by which draft and copy are found again. Graph takes no
`Auto-Submitted`, only headers that begin with x-; Exchange may give the mail another Message-ID,
which is read back.
"""

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from mailbot.clients.graph import Document, GraphClient, literal, values
from mailbot.clients.graph_faults import Gone
from mailbot.clients.mime import EFFECT_HEADER, SUPPRESS, build, thread_of
from mailbot.errors import MailbotError, Permanent, Transient
from mailbot.message import Address, Outgoing, OutgoingFile, Sent
from mailbot.ports import Clock

_EFFECT = "String {6f2a1d0c-84b1-4b9e-9a53-3f7c0d5e21aa} Name mailbotEffect"
_IN_REPLY_TO, _REFERENCES = "String 0x1042", "String 0x1039"  # MS-OXOMSG 2.2.1
_MOST_HEADERS = 5
_INLINE = 3 * 1024 * 1024 - 1  # octets; from 3 MB on an upload session is needed
_CHUNK = 10 * 327_680  # octets; a piece of an upload holds 4 MB at most
_LARGEST = 150 * 1024 * 1024
_SELECT = "id,isDraft,internetMessageId,from,lastModifiedDateTime"
# A draft that Exchange is about to send still shows as a draft for a moment.
_SETTLED = 60.0
_CONFIRM = (0.0, 0.2, 0.4, 0.8, 1.6)  # seconds before each look for the sent copy


class GraphOutbox:
    """Sends from one mailbox. sleep: how the looks for the sent copy are spaced; settled: seconds
    after which a draft that is still a draft was surely not sent."""

    def __init__(
        self,
        client: GraphClient,
        clock: Clock,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        settled: float = _SETTLED,
    ) -> None:
        self._client = client
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._settled = settled
        self._first_seen: dict[str, float] = {}  # effect -> when its draft was seen unsent

    def certain(self, effect: str) -> bool:
        """True while the draft lies there, unsent for so long that it is surely not on its way.

        No trace at all proves nothing: the copy may come late, or somebody may have deleted it.
        """
        found = self._found(effect, "looking for a draft")
        if not found or not all(one.get("isDraft") for one in found):
            self._first_seen.pop(effect, None)
            return False
        now = self._monotonic()
        seen = now - self._first_seen.setdefault(effect, now)
        lain = min((self._clock.now() - _moment(one)).total_seconds() for one in found)
        # Two minutes by the server's own clock, which may differ from ours.
        return seen >= self._settled or lain >= 2 * self._settled

    def send(self, mail: Outgoing, begun: Callable[[], None]) -> Sent:
        """Send one mail. Before `begun()` nothing has left, and a draft that was made is deleted by
        the next try. After it, an error whose `undone` is true means: surely not sent.
        """
        now = self._clock.now()
        build(replace(mail, files=()), now)  # raises Permanent for what cannot be written
        message = self._message(mail)
        sent = self._clean(mail.effect)
        if sent is not None:
            return sent
        draft = self._draft(mail, message)
        key = str(draft["id"])
        for file in mail.files:
            self._attach(key, file)
        begun()
        self._first_seen.pop(mail.effect, None)
        self._client.post(self._client.url(f"/messages/{key}/send"), "sending")
        ids = dict.fromkeys((mail.message_id, *_ids([draft]), *self._confirmed(key)))
        return Sent(effect=mail.effect, message_ids=tuple(ids), at=now)

    def find(self, effect: str) -> Sent | None:
        """The receipt of a mail by its sent copy."""
        found = self._found(effect, "looking for the sent copy")
        return self._receipt(effect, [one for one in found if not one.get("isDraft")])

    # --- the draft

    def _message(self, mail: Outgoing) -> Document:
        headers = {EFFECT_HEADER: mail.effect, SUPPRESS[0]: SUPPRESS[1]}
        # The others cannot be sent by Graph, which drops them without a word.
        headers |= {n: v for n, v in mail.headers.items() if n.lower().startswith("x-")}
        if len({name.lower() for name in headers}) > _MOST_HEADERS:
            raise Permanent(f"outgoing mail {mail.effect}: more than five x- headers")
        body = {"contentType": "html", "content": mail.html} if mail.html else None
        message: Document = {
            "subject": " ".join(
                "".join(s if s.isprintable() else " " for s in mail.subject).split()
            ),
            "body": body or {"contentType": "text", "content": mail.text},
            "toRecipients": [_recipient(one) for one in mail.to],
            "ccRecipients": [],
            "bccRecipients": [],
            "replyTo": [],
            "internetMessageId": f"<{mail.message_id}>",
            "internetMessageHeaders": [
                {"name": name, "value": value} for name, value in headers.items()
            ],
            "singleValueExtendedProperties": [{"id": _EFFECT, "value": mail.effect}],
        }
        if mail.sender.address.casefold() != self._client.address.casefold():
            message["from"] = _recipient(mail.sender)
        return message

    def _draft(self, mail: Outgoing, message: Document) -> Document:
        """A draft in its thread, where the mail that it answers is still there."""
        answered, references = thread_of(mail)
        parent = self._parent(answered)
        if parent:
            try:
                url = self._client.url(f"/messages/{parent}/createReply")
                return self._checked(
                    self._client.post(url, "making a draft", {"message": message}), message
                )
            except Gone:
                pass
        threading = {_IN_REPLY_TO: [answered], _REFERENCES: references}
        message["singleValueExtendedProperties"] += [
            {"id": tag, "value": " ".join(f"<{one}>" for one in ids if one)}
            for tag, ids in threading.items()
            if any(ids)
        ]
        url = self._client.url("/messages")
        return self._checked(self._client.post(url, "making a draft", message), message)

    def _parent(self, message_id: str) -> str:
        if not message_id:
            return ""
        url = self._client.url(
            "/messages",
            filter=f"internetMessageId eq {literal(f'<{message_id}>')}",
            select="id,isDraft",
            top=1,
        )
        found = values(self._client.get(url, "looking for the mail to answer"))
        return next((str(one["id"]) for one in found if not one.get("isDraft")), "")

    def _checked(self, draft: Document, message: Document) -> Document:
        """A reply's draft would go to whom the answered mail names: it goes where was approved."""
        wanted = {name: message[name] for name in _SHOWN}
        if not all(_same(draft.get(name), wanted[name]) for name in _PEOPLE) or (
            draft.get("subject") != message["subject"]
        ):
            url = self._client.url(f"/messages/{draft['id']}")
            draft = {**draft, **self._client.patch(url, "addressing a draft", wanted)}
        if not all(_same(draft.get(name), wanted[name]) for name in _PEOPLE):
            raise Permanent(
                f"mailbox {self._client.name}: the server addresses a draft otherwise than asked; "
                "nothing was sent"
            )
        return draft

    def _clean(self, effect: str) -> Sent | None:
        """Delete what an earlier try left in Drafts, where it may have been edited since; the
        receipt, if it left after all."""
        found = self._found(effect, "looking for a draft")
        sent = self._receipt(effect, [one for one in found if not one.get("isDraft")])
        if sent is not None:
            return sent
        for one in found:
            url = self._client.url(f"/messages/{one['id']}")
            try:
                self._client.delete(url, "removing a draft")
            except Gone:
                raise Transient(
                    f"mailbox {self._client.name}: a draft has moved while it was removed", 2.0
                ) from None
        return None

    # --- attachments

    def _attach(self, key: str, file: OutgoingFile) -> None:
        size = len(file.content)
        if size > _LARGEST:
            raise Permanent(
                f"mailbox {self._client.name}: a file is larger than the server takes (150 MB); "
                "send a smaller access package or deliver it by hand"
            )
        doing = "attaching a file"
        if size <= _INLINE:
            document = {
                "@odata.type": "#microsoft.graph.fileAttachment",
                "name": file.name,
                "contentType": file.media_type,
                "contentBytes": base64.b64encode(file.content).decode("ascii"),
            }
            url = self._client.url(f"/messages/{key}/attachments")
            self._client.post(url, doing, document)
            return
        url = self._client.url(f"/messages/{key}/attachments/createUploadSession")
        item = {"attachmentType": "file", "name": file.name, "size": size,
                "contentType": file.media_type}  # fmt: skip
        session = self._client.post(url, doing, {"AttachmentItem": item})
        address = str(session.get("uploadUrl", ""))
        if not address.startswith("https://"):
            raise Permanent(f"mailbox {self._client.name}, {doing}: no address to upload to")
        for start in range(0, size, _CHUNK):
            piece = file.content[start : start + _CHUNK]
            self._client.put_chunk(address, piece, start, size, doing)

    # --- what became of it

    def _confirmed(self, key: str) -> list[str]:
        """The Message-ID of the sent copy, if it shows up soon; a late one is found by `find`."""
        url = self._client.url(f"/messages/{key}", select=_SELECT)
        for pause in _CONFIRM:
            if pause:
                self._sleep(pause)
            try:
                copy = self._client.get(url, "looking for the sent copy")
            except Gone:
                continue
            except MailbotError:
                return []  # the server has taken the mail: that is what counts
            if not copy.get("isDraft"):
                return _ids([copy])
        return []

    def _found(self, effect: str, doing: str) -> list[Document]:
        """Drafts and sent copies of an effect, from our own address."""
        tag, value = literal(_EFFECT), literal(effect)
        url = self._client.url(
            "/messages",
            filter=f"singleValueExtendedProperties/any(p: p/id eq {tag} and p/value eq {value})",
            select=_SELECT,
            top=50,
        )
        found = [one for page in self._client.pages(url, doing) for one in page]
        return [one for one in found if one.get("isDraft") or self._ours(one)]

    def _ours(self, one: Document) -> bool:
        sender = one.get("from")
        inner = sender.get("emailAddress") if isinstance(sender, dict) else None
        shown = str(inner.get("address", "")) if isinstance(inner, dict) else ""
        return shown.casefold() == self._client.address.casefold()

    def _receipt(self, effect: str, copies: list[Document]) -> Sent | None:
        if not copies:
            return None
        at = min(_moment(one) for one in copies)
        return Sent(effect=effect, message_ids=tuple(_ids(copies)), at=at)


_PEOPLE = ("toRecipients", "ccRecipients", "bccRecipients", "replyTo")
_SHOWN = ("subject", "body", *_PEOPLE)


def _recipient(address: Address) -> Mapping[str, Any]:
    name = " ".join("".join(s if s.isprintable() else " " for s in address.name).split())
    inner = {"address": address.address, **({"name": name} if name else {})}
    return {"emailAddress": inner}


def _addresses(people: object) -> list[str]:
    if not isinstance(people, list):
        return []
    return sorted(str(one["emailAddress"]["address"]).casefold() for one in people)


def _same(there: object, wanted: object) -> bool:
    return _addresses(there) == _addresses(wanted)


def _ids(documents: list[Document]) -> list[str]:
    shown = (str(one.get("internetMessageId") or "").strip("<> \r\n\t") for one in documents)
    return list(dict.fromkeys(one for one in shown if one))


def _moment(document: Document) -> datetime:
    return datetime.fromisoformat(str(document["lastModifiedDateTime"]))
