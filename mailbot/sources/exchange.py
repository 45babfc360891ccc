"""The mail of shared mailboxes as a source of records, through whatever mailbox adapter there is.

A record is one mail where it lies. Its row is what a person reads: addresses, subject, text and
attachments, decoded, so that flags, folders' own marks and a server's way of encoding are no part
of its fingerprint.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mailbot import identifiers
from mailbot.case import Label, Subject
from mailbot.clients import decode
from mailbot.clients.mime import EFFECT_HEADER
from mailbot.datamap import Exchange, KeyPattern, Own
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
from mailbot.sources.exchange_judging import WROTE, Judgement, Person, Us, judge, person

MOST_TEXT = 20_000  # characters of a mail kept in its row; the digest is of the whole
_PERSONAL = {"e-mail": ("from", "reply_to", "to", "cc", "bcc", "subject", "text")}
_WRITTEN = ("from", "to", "cc", "subject", "date", "text", "attachments")
_READ_ON = "text inside attachments is not read"


class ExchangeSource:
    """The mailboxes of one [[exchange]] entry that one sign-in reaches.

    mailbox: the adapter of the [[mailbox]] that `part.account` names; its address is the one that
    is searched. keys: patterns of the organisation's own keys, to find a customer number in text.
    """

    def __init__(
        self,
        part: Exchange,
        mailbox: Mailbox,
        own: Own,
        keys: Mapping[str, KeyPattern] | None = None,
    ) -> None:
        self.name = part.name
        self._part = part
        self._mailbox = mailbox
        self._us = Us(own, (mailbox.address, *part.mailboxes))
        self._keys = dict(keys or {})

    def check(self) -> Sequence[str]:
        """The mailbox's own warnings, and which of the mailboxes mapped cannot be reached."""
        unreached = [f"{self.name}: {part.why}" for part in self._not_searched()]
        return [*self._mailbox.check(), *unreached]

    def find(self, subject: Subject) -> SearchResult:
        """Every mail from, to or about the person. Own mails (with their effect) and what staff
        answered to them are the case file and no findings."""
        one = person(subject, self._us)
        missing = self._not_searched()
        if not self._reaches_mail():
            return SearchResult(not_searched=missing)
        if not one.known:
            why = "no key of the person that mail can be searched by"
            return SearchResult(not_searched=(NotSearched(system=self.name, why=why), *missing))
        found: list[tuple[Finding, frozenset[str]]] = []
        ours: set[str] = set()
        for mail in self._mailbox.search(self._query(one)):
            content = decode.read(mail.raw)
            if content.head.all(EFFECT_HEADER):
                ours.update(content.head.ids("message-id"))
            elif verdict := judge(content, one, self._us, self._keys):
                found.append((self._finding(mail, content, verdict), _answers(content)))
        findings = [
            finding
            for finding, answers in found
            if finding.reason == WROTE or not answers & ours  # a reply of staff to our question
        ]
        findings.sort(key=lambda finding: (finding.title, finding.identity))
        return SearchResult(findings=tuple(findings), searched=(self.name,), not_searched=missing)

    def actions(
        self, right: Label, findings: Sequence[Finding], corrections: Sequence[Correction] = ()
    ) -> Sequence[Action]:
        """Erasure deletes each certain mail; access hands it over. Portability covers what the
        person provided (GDPR art. 20(1)): the mails that they wrote."""
        certain = [one for one in findings if one.certainty is Certainty.CERTAIN]
        match right:
            case Label.ERASURE:
                return [_action(Do.DELETE, finding) for finding in certain]
            case Label.ACCESS:
                return [_action(Do.DISCLOSE, finding) for finding in certain]
            case Label.PORTABILITY:
                wrote = [finding for finding in certain if finding.reason == WROTE]
                return [_action(Do.DISCLOSE, finding) for finding in wrote]
            case Label.RESTRICTION if certain:
                # One task for the mailbox, not one for each of hundreds of mails.
                task = replace(_action(Do.MANUAL, certain[0]), key={}, before={}, title="")
                return [replace(task, reason="mail cannot be marked: leave it unused")]
        return []

    def apply(self, actions: Sequence[Action], key: bytes) -> Sequence[ActionReceipt]:
        """Delete mails. All are compared with what was approved before the first is deleted.

        A mail that a colleague moved meanwhile is found again by its Message-ID and counts if its
        content is as approved. Raises Stale if any mail is there but changed.
        """
        acted = [action for action in actions if action.changes]
        for action in acted:
            if action.do is not Do.DELETE:
                raise Permanent(f"{self.name}: action {action.number} cannot be done to mail")
        places = [(action, self._places(action, key)) for action in acted]
        receipts = [
            ActionReceipt(number=action.number, outcome="already", detail="nothing to change")
            for action in actions
            if not action.changes
        ]
        for action, refs in places:
            for ref in refs:
                # Once more, since checking the others took its time.
                if not self._is_as_approved(self._mailbox.raw(ref), action, key):
                    # Never receipted as deleted: the next attempt looks where it is now.
                    raise Transient(f"{self.name}: the mail of action {action.number} has moved")
                self._mailbox.delete(ref, purge=self._part.erase == "purge")
            outcome = "done" if refs else "already"
            receipts.append(ActionReceipt(number=action.number, outcome=outcome))
        return receipts

    def _places(self, action: Action, key: bytes) -> list[MailRef]:
        """Where the mail of an action lies now: nowhere, if it is gone."""
        ref = MailRef(
            mailbox=self._mailbox.name, folder=action.table, id=str(action.key.get("id", ""))
        )
        raw = self._mailbox.raw(ref)
        if raw is not None:
            if not self._is_as_approved(raw, action, key):
                raise Stale(f"{self.name}: the mail of action {action.number} has changed")
            return [ref]
        message_id = action.before.get("message_id")
        if not isinstance(message_id, str) or not message_id:
            return []
        moved = self._mailbox.search(MailQuery(header=("message-id", f"<{message_id}>")))
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

    def _finding(self, mail: Fetched, content: decode.Content, verdict: Judgement) -> Finding:
        day = mail.arrived.date().isoformat()
        subject = content.head.text("subject")
        ids = content.head.ids("message-id")
        return Finding(
            system=self.name,
            table=mail.ref.folder,
            key={"id": mail.ref.id},
            certainty=verdict.certainty,
            reason=verdict.reason,
            arrived=mail.arrived,
            trail=f"{self._mailbox.address}: {mail.ref.folder}, {day}",
            row=row(content),
            personal=_PERSONAL,
            treatment=Treatment(do="delete"),
            provided=_WRITTEN,
            message_id=ids[0] if ids else "",
            title=_writable(f"{day} {subject}").strip(),
        )

    def _reaches_mail(self) -> bool:
        mapped = any(
            identifiers.same_email(address, self._mailbox.address)
            for address in self._part.mailboxes
        )
        return mapped and "mail" in self._part.search

    def _not_searched(self) -> tuple[NotSearched, ...]:
        """What of the entry lies beyond this sign-in (never hidden: DESIGN § 1.5)."""
        why = [
            f"mailbox {address}: this sign-in opens {self._mailbox.address} alone"
            for address in self._part.mailboxes
            if not identifiers.same_email(address, self._mailbox.address)
        ]
        # An employee's own mailbox: law.md § 5. Even where its basis is configured, this sign-in
        # does not reach it.
        why += [
            f"mailbox {mailbox.address}: manual task for its owner"
            for mailbox in self._part.personal
        ]
        why += [
            f"{kind}: this kind of mailbox reaches mail only"
            for kind in self._part.search
            if kind != "mail"
        ]
        if self._reaches_mail():
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
