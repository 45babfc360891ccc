"""`mailbot scan`: requests in a mailbox's past to which no answer is found. It changes nothing.

First every watched folder is read from a date on, as new mail is, and what seems to be a request is
noted; then, for each, the whole mailbox is searched for an answer. Progress is kept, sealed, so
that an interrupted scan goes on where it was.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from mailbot.case import Label, Route
from mailbot.codec import from_json, to_json
from mailbot.config import Settings
from mailbot.deadline import days_left, deadline
from mailbot.entry import rights_of
from mailbot.message import Automatic, Mail
from mailbot.ports import Clock, Fetched, Mailbox, MailQuery, Store
from mailbot.reader import Reader, Unreadable
from mailbot.steps.belong import (
    from_a_colleague,
    is_own_address,
    is_staff,
    only_thanks,
    spoken,
)
from mailbot.steps.screen import after_screen

CANNOT_SEE = (
    "answers that a colleague sent from a mailbox of their own lie in that mailbox's Sent Items and"
    " cannot be seen here"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A mail that seems to be a request.

    `case`: the number of the case that mailbot has of it, if any. `answered`: by a reply to this
    very mail ("reply"), by a later mail to the same address ("later-mail"), not as far as can be
    seen (""), or None: not looked for yet. `unreadable`: a person must look at the mail itself.
    """

    mailbox: str
    folder: str
    ref: str
    arrived: datetime
    sender: str
    subject: str
    message_id: str
    rights: tuple[Label, ...]
    sure: bool
    case: str = ""
    answered: str | None = None
    unreadable: str = ""

    def last_day(self, timezone: str) -> date:
        """The legal ceiling (GDPR art. 12(3))."""
        return deadline(self.arrived, timezone).last_day

    def document(self, today: date, timezone: str) -> dict[str, object]:
        """For `--json`."""
        last = self.last_day(timezone)
        left = days_left(today, last)
        return {
            "mailbox": self.mailbox,
            "folder": self.folder,
            "received": self.arrived.isoformat(),
            "sender": self.sender,
            "subject": self.subject,
            "message_id": self.message_id,
            "rights": [right.value for right in self.rights],
            "sure": self.sure,
            "case": self.case or None,
            "unreadable": self.unreadable or None,
            "last_day": last.isoformat(),
            "days_left": left,
            "overdue": left < 0,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a scan has come: cursors of folders, folders that are through, what was found."""

    since: datetime
    cursors: Mapping[str, str]
    read: tuple[str, ...] = ()
    mails: int = 0
    found: tuple[Request, ...] = ()


def to_text(progress: Progress) -> bytes:
    """Progress as it is sealed."""
    return json.dumps(to_json(progress)).encode()


def from_text(text: bytes) -> Progress:
    """Progress again. Raises Permanent if another version wrote it."""
    return from_json(Progress, json.loads(text))


class Scan:
    """One scan. `keep` is called with the progress after each step that need not be repeated."""

    def __init__(
        self,
        settings: Settings,
        mailboxes: Mapping[str, Mailbox],
        reader: Reader,
        store: Store | None,
        clock: Clock,
        progress: Progress,
        keep: Callable[[Progress], None],
    ) -> None:
        self.settings = settings
        self.mailboxes = mailboxes
        self.reader = reader
        self.store = store
        self.clock = clock
        self.progress = progress
        self._keep = keep

    def folders(self) -> list[tuple[Mailbox, str]]:
        """What is read."""
        return [(box, folder) for box in self.mailboxes.values() for folder in box.watched()]

    def read(self) -> Iterator[tuple[str, datetime, int]]:
        """Read every folder: after each batch its name, how far it is, how many mails it held."""
        for mailbox, folder in self.folders():
            name = f"{mailbox.name}/{folder}"
            if name in self.progress.read:
                continue
            cursor = self.progress.cursors.get(name)
            for mails, after in mailbox.fetch(folder, cursor, self.progress.since):
                found = [request for mail in mails if (request := self._request(mail))]
                known = {(one.mailbox, one.message_id) for one in self.progress.found}
                fresh = [
                    one
                    for one in found
                    if not one.message_id or (one.mailbox, one.message_id) not in known
                ]
                self._note(
                    cursors={**self.progress.cursors, name: after},
                    mails=self.progress.mails + len(mails),
                    found=(*self.progress.found, *fresh),
                )
                if mails:
                    yield name, mails[-1].arrived, len(mails)
            self._note(read=(*self.progress.read, name))

    def look_for_answers(self) -> Iterator[Request]:
        """Look for an answer to each request; yields each when that is done."""
        for at, request in enumerate(self.progress.found):
            if request.answered is None:
                looked = replace(request, answered=self._answer(request))
                found = self.progress.found
                self._note(found=(*found[:at], looked, *found[at + 1 :]))
                yield looked

    def unanswered(self) -> list[Request]:
        """Requests with no answer found, the most urgent first."""
        open_ones = [one for one in self.progress.found if not one.answered]
        return sorted(open_ones, key=lambda one: (one.arrived, one.ref))

    def _note(self, **changes: object) -> None:
        self.progress = replace(self.progress, **changes)  # type: ignore[arg-type]
        self._keep(self.progress)

    def _request(self, fetched: Fetched) -> Request | None:
        request = Request(
            mailbox=fetched.ref.mailbox,
            folder=fetched.ref.folder,
            ref=fetched.ref.id,
            arrived=fetched.arrived,
            sender="",
            subject="",
            message_id="",
            rights=(),
            sure=False,
        )
        try:
            reading = self.reader.read(fetched.raw)
        except Unreadable as error:
            return replace(request, unreadable=error.reason)
        mail, found = reading.mail, reading.classification
        if "unparsable" in mail.notes:
            return replace(request, unreadable="unparsable")
        if found is None or mail.automatic not in (Automatic.NO, Automatic.LIST):
            return None
        found = after_screen(mail, found)
        if found.route is Route.LEAVE or only_thanks(mail):
            return None
        word = spoken(mail, self.settings)
        sender = word.sender.address if word.sender else ""
        if sender and word is mail and is_own_address(sender, self.settings):
            return None
        case = self._case(mail)
        if case is None:
            return None
        return replace(
            request,
            sender=sender,
            subject=word.subject[:200],
            message_id=mail.message_id,
            rights=tuple(rights_of(found)),
            sure=found.route is Route.OPEN,
            case=case,
        )

    def _case(self, mail: Mail) -> str | None:
        """The number of the open case of a mail; "" for none; None: that case is closed."""
        if self.store is None or not mail.message_id:
            return ""
        for message in self.store.known_messages([mail.message_id]):
            case = self.store.case(message.case_id)
            if case is not None and message.kind == "request":
                return None if case.closed else case.number
        return ""

    def _answer(self, request: Request) -> str:
        """How a request was answered, as far as the mailbox shows."""
        mailbox = self.mailboxes[request.mailbox]
        queries = []
        if request.message_id:
            queries.append(MailQuery(header=("In-Reply-To", f"<{request.message_id}>")))
        if request.sender:
            queries.append(MailQuery(addresses=(request.sender,)))
        best = ""
        for query in queries:
            for fetched in mailbox.search(query):
                kind = self._answers(request, fetched)
                if kind == "reply":
                    return kind
                best = best or kind
        return best

    def _answers(self, request: Request, fetched: Fetched) -> str:
        try:
            mail = self.reader.read(fetched.raw).mail
        except Unreadable:
            return ""
        if mail.automatic is not Automatic.NO or mail.sender is None:
            return ""  # a receipt is no answer (art. 12(3) asks for what was done)
        if not from_a_colleague(mail, self.settings):
            return ""
        people = {each.address.casefold() for each in (*mail.to, *mail.cc)}
        outward = any(not is_staff(one, self.settings) for one in people)
        if request.message_id and request.message_id in mail.known_ids and outward:
            return "reply"
        later = fetched.arrived > request.arrived
        return "later-mail" if later and request.sender.casefold() in people else ""


def summary(requests: Sequence[Request]) -> dict[str, int]:
    """How many were found, and how they were answered."""
    return {
        "requests": len(requests),
        "answered_by_reply": sum(one.answered == "reply" for one in requests),
        "answered_by_a_later_mail": sum(one.answered == "later-mail" for one in requests),
        "no_answer_found": sum(not one.answered for one in requests),
    }
