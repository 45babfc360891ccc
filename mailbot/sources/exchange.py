"""The mail of shared mailboxes as a source of records, through whatever mailbox adapter there is.

A record is one mail where it lies. Its row is what a person reads: addresses, subject, text and
attachments, decoded, so that flags, folders' own marks and a server's way of encoding are no part
of its fingerprint.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from mailbot import identifiers
from mailbot.case import Label, Subject
from mailbot.clients import decode
from mailbot.clients.mime import EFFECT_HEADER
from mailbot.datamap import Exchange, KeyPattern, Own, PersonalMailbox
from mailbot.errors import Permanent, Stale, Transient
from mailbot.plan import Action, Correction, Do
from mailbot.ports import ActionReceipt, Fetched, Mailbox, MailQuery, MailRef
from mailbot.record import (
    Certainty,
    Finding,
    NotSearched,
    Row,
    SearchResult,
    Treatment,
    Typed,
    fingerprint,
)
from mailbot.sources.edge import Edge
from mailbot.sources.exchange_judging import WROTE, Judgement, Person, Us, judge, person

MOST_TEXT = 20_000  # characters of a mail kept in its row; the digest is of the whole
_PERSONAL = {"e-mail": ("from", "reply_to", "to", "cc", "bcc", "subject", "text")}
_WRITTEN = ("from", "to", "cc", "subject", "date", "text", "attachments")
OWNERS_TASK = "manual task for its owner"
_READ_ON = "text inside attachments is not read"


class ExchangeSource:
    """The mailboxes of one [[exchange]] entry, each searched by itself: one that fails is named.

    mailbox: the adapter of the [[mailbox]] that `part.account` names. reach: opens another mailbox
    by its address, by the same sign-in or one of its own; None where neither reaches it. keys:
    patterns of the organisation's own keys, to find a customer number in text.

    An employee's own mailbox is searched only if `personal` names the legal basis and the day on
    which the employee was told has come (forskrift om arbeidsgivers innsyn i e-postkasse, law.md
    § 5); else it is a task for its owner.
    """

    def __init__(
        self,
        part: Exchange,
        mailbox: Mailbox,
        own: Own,
        keys: Mapping[str, KeyPattern] | None = None,
        reach: Callable[[str], Mailbox | None] = lambda address: None,
        today: Callable[[], date] = date.today,
    ) -> None:
        self.name = part.name
        self._part = part
        self._mailbox = mailbox
        self._today = today
        self._reach = reach
        self._others: dict[str, Mailbox | None] = {}
        owners = (owner.address for owner in part.personal)
        self._us = Us(own, (mailbox.address, *part.mailboxes, *owners))
        self._keys = dict(keys or {})

    def check(self) -> Sequence[str]:
        """Warnings of each mailbox, and which of them cannot be reached."""
        warnings: list[str] = []
        for box in self._boxes():
            warnings += box.check()
        return [*warnings, *(f"{self.name}: {part.why}" for part in self._not_searched())]

    def find(self, subject: Subject) -> SearchResult:
        """Every mail from, to or about the person. Own mails (with their effect) and what staff
        answered to them are the case file and no findings."""
        one = person(subject, self._us)
        missing = list(self._not_searched())
        boxes = self._boxes()
        if not boxes:
            return SearchResult(not_searched=tuple(missing))
        if not one.known:
            why = "no key of the person that mail can be searched by"
            return SearchResult(not_searched=(NotSearched(system=self.name, why=why), *missing))
        found: list[tuple[Finding, frozenset[str]]] = []
        ours: set[str] = set()
        searched = 0
        for box in boxes:
            with Edge() as edge:
                # Whole or not at all: half an answer would look like a whole one.
                mails, effects = self._search(box, one)
                found += mails
                ours |= effects
                searched += 1
            if edge.why:
                why = f"mailbox {box.address}: {edge.why}"
                missing.append(NotSearched(system=self.name, why=why, failed=True))
        findings = [
            finding
            for finding, answers in found
            if finding.reason == WROTE or not answers & ours  # a reply of staff to our question
        ]
        findings.sort(key=lambda finding: (finding.title, finding.identity))
        return SearchResult(
            findings=tuple(findings),
            searched=(self.name,) if searched else (),
            not_searched=tuple(missing),
        )

    def _search(
        self, box: Mailbox, one: Person
    ) -> tuple[list[tuple[Finding, frozenset[str]]], set[str]]:
        """The mails of one mailbox with what each answers, and the ids of our own."""
        found: list[tuple[Finding, frozenset[str]]] = []
        ours: set[str] = set()
        for mail in box.search(self._query(one)):
            content = decode.read(mail.raw)
            if content.head.all(EFFECT_HEADER):
                ours.update(content.head.ids("message-id"))
            elif verdict := judge(content, one, self._us, self._keys):
                found.append((self._finding(box, mail, content, verdict), _answers(content)))
        return found, ours

    def actions(
        self, right: Label, findings: Sequence[Finding], corrections: Sequence[Correction] = ()
    ) -> Sequence[Action]:
        """Erasure deletes each certain mail; access hands it over. Portability covers what the
        person provided (GDPR art. 20(1)): the mails that they wrote. An employee's own mailbox
        that may not be searched is a task for its owner."""
        certain = [one for one in findings if one.certainty is Certainty.CERTAIN]
        match right:
            case Label.ERASURE:
                return [*(_action(Do.DELETE, finding) for finding in certain), *self._tasks()]
            case Label.ACCESS:
                return [*(_action(Do.DISCLOSE, finding) for finding in certain), *self._tasks()]
            case Label.PORTABILITY:
                wrote = [finding for finding in certain if finding.reason == WROTE]
                return [_action(Do.DISCLOSE, finding) for finding in wrote]
            case Label.RESTRICTION if certain:
                # One task for the mailbox, not one for each of hundreds of mails.
                task = replace(_action(Do.MANUAL, certain[0]), key={}, before={}, title="")
                return [replace(task, reason="mail cannot be marked: leave it unused")]
        return []

    def _tasks(self) -> list[Action]:
        return [
            Action(
                number=0,
                do=Do.MANUAL,
                system=self.name,
                title=owner.address,
                reason=f"{OWNERS_TASK} ({owner.address})",
            )
            for owner in self._part.personal
            if not self._may_search(owner)
        ]

    def apply(self, actions: Sequence[Action], key: bytes) -> Sequence[ActionReceipt]:
        """Delete mails. All are compared with what was approved before the first is deleted.

        A mail that a colleague moved meanwhile is found again by its Message-ID and counts if its
        content is as approved. Raises Stale if any mail is there but changed.
        """
        acted = [action for action in actions if action.changes]
        for action in acted:
            if action.do is not Do.DELETE:
                raise Permanent(f"{self.name}: action {action.number} cannot be done to mail")
        places = [(action, box, self._places(box, action, key)) for action, box in self._at(acted)]
        receipts = [
            ActionReceipt(number=action.number, outcome="already", detail="nothing to change")
            for action in actions
            if not action.changes
        ]
        for action, box, refs in places:
            for ref in refs:
                # Once more, since checking the others took its time.
                if not self._is_as_approved(box.raw(ref), action, key):
                    # Never receipted as deleted: the next attempt looks where it is now.
                    raise Transient(f"{self.name}: the mail of action {action.number} has moved")
                box.delete(ref, purge=self._part.erase == "purge")
            outcome = "done" if refs else "already"
            receipts.append(ActionReceipt(number=action.number, outcome=outcome))
        return receipts

    def _at(self, actions: Sequence[Action]) -> Iterator[tuple[Action, Mailbox]]:
        """The mailbox in which each mail was found. Permanent: it is no longer searched."""
        boxes = {box.address: box for box in self._boxes()}
        for action in actions:
            address = str(action.key.get("mailbox", self._mailbox.address))
            if address not in boxes:
                raise Permanent(
                    f"{self.name}: the mailbox of action {action.number} is no longer reached"
                )
            yield action, boxes[address]

    def _places(self, box: Mailbox, action: Action, key: bytes) -> list[MailRef]:
        """Where the mail of an action lies now: nowhere, if it is gone."""
        ref = MailRef(mailbox=box.name, folder=action.table, id=str(action.key.get("id", "")))
        raw = box.raw(ref)
        if raw is not None:
            if not self._is_as_approved(raw, action, key):
                raise Stale(f"{self.name}: the mail of action {action.number} has changed")
            return [ref]
        message_id = action.before.get("message_id")
        if not isinstance(message_id, str) or not message_id:
            return []
        moved = box.search(MailQuery(header=("message-id", f"<{message_id}>")))
        return [found.ref for found in moved if self._is_as_approved(found.raw, action, key)]

    def _is_as_approved(self, raw: bytes | None, action: Action, key: bytes) -> bool:
        if raw is None:
            return False
        return fingerprint(key, row(decode.read(raw)), action.volatile) == action.fingerprint

    def _query(self, one: Person) -> MailQuery:
        region = self._us.own.default_region
        phones = (
            form for phone in one.phones for form in identifiers.phone_variants(phone, region)
        )
        # Without a pattern a customer number is a mere number, which could be anything in text.
        numbers = one.customer_nos if "customer_no" in self._keys else ()
        bare = (
            identifiers.own_key(value, self._keys["customer_no"].pattern) or value
            for value in numbers
        )
        phrases = (*one.emails, *phones, *one.names, *numbers, *bare)
        return MailQuery(addresses=one.emails, phrases=tuple(dict.fromkeys(phrases)))

    def _finding(
        self, box: Mailbox, mail: Fetched, content: decode.Content, verdict: Judgement
    ) -> Finding:
        day = mail.arrived.date().isoformat()
        subject = content.head.text("subject")
        ids = content.head.ids("message-id")
        elsewhere = {} if box is self._mailbox else {"mailbox": box.address}
        return Finding(
            system=self.name,
            table=mail.ref.folder,
            key={**elsewhere, "id": mail.ref.id},
            certainty=verdict.certainty,
            reason=verdict.reason,
            arrived=mail.arrived,
            trail=f"{box.address}: {mail.ref.folder}, {day}",
            row=row(content),
            personal=_PERSONAL,
            provided=_WRITTEN,
            treatment=Treatment(do="delete"),
            message_id=ids[0] if ids else "",
            title=_writable(f"{day} {subject}").strip(),
        )

    def _boxes(self) -> list[Mailbox]:
        """Every mailbox that is searched here and now."""
        if "mail" not in self._part.search:
            return []
        return [box for address in self._addresses() if (box := self._box(address)) is not None]

    def _addresses(self) -> list[str]:
        allowed = (owner.address for owner in self._part.personal if self._may_search(owner))
        return list(dict.fromkeys((*self._part.mailboxes, *allowed)))

    def _box(self, address: str) -> Mailbox | None:
        if identifiers.same_email(address, self._mailbox.address) is Certainty.CERTAIN:
            return self._mailbox
        if address not in self._others:
            self._others[address] = self._reach(address)
        return self._others[address]

    def _may_search(self, owner: PersonalMailbox) -> bool:
        try:
            told = date.fromisoformat(owner.noticed)
        except ValueError:
            return False
        return bool(owner.basis.strip()) and told <= self._today()

    def _not_searched(self) -> tuple[NotSearched, ...]:
        """What of the entry is not searched (never hidden: DESIGN § 1.5)."""
        mail = "mail" in self._part.search
        why = [
            f"mailbox {address}: no sign-in that is configured opens it"
            for address in self._addresses()
            if mail and self._box(address) is None
        ]
        why += [
            f"mailbox {owner.address}: {OWNERS_TASK}"
            for owner in self._part.personal
            if not self._may_search(owner)
        ]
        why += [
            f"{kind}: this kind of mailbox reaches mail only"
            for kind in self._part.search
            if kind != "mail"
        ]
        if self._boxes():
            why.append(_READ_ON)
        return tuple(NotSearched(system=self.name, why=reason) for reason in why)


def row(content: decode.Content) -> Row:
    """A mail as a record: what its fingerprint covers. Flags, folder and route are no part."""
    head = content.head
    attachments = [
        {"name": file.name, "type": file.media_type, "size": file.size, "sha256": file.sha256}
        for file in content.attachments
    ]
    found: dict[str, str] = {
        "from": _people(head, "from"),
        "reply_to": _people(head, "reply-to"),
        "to": _people(head, "to"),
        "cc": _people(head, "cc"),
        "bcc": _people(head, "bcc"),
        "subject": head.text("subject"),
        "date": head.text("date"),
        "message_id": next(iter(head.ids("message-id")), ""),
        "text": content.body[:MOST_TEXT],
        "text_sha256": content.body_sha256,
    }
    listed = json.dumps(attachments, ensure_ascii=False, sort_keys=True)
    return {
        **{name: _writable(text) for name, text in found.items()},
        "attachments": Typed("json", _writable(listed)),
    }


def _writable(text: str) -> str:
    """Half characters (UTF-7 can spell them) cannot be written down: one hostile mail that names
    the person would stop their whole case."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _people(head: decode.Head, name: str) -> str:
    return ", ".join(
        f"{address.name} <{address.address}>" if address.name else address.address
        for address in head.addresses(name)
    )


def _answers(content: decode.Content) -> frozenset[str]:
    return frozenset((*content.head.ids("in-reply-to"), *content.head.ids("references")))


def _action(do: Do, finding: Finding) -> Action:
    return Action(
        number=0,
        do=do,
        system=finding.system,
        table=finding.table,
        key=finding.key,
        before=finding.row,
        volatile=finding.volatile,
        trail=finding.trail,
        title=finding.title,
        order=finding.order,
    )
