"""Mail, contacts and calendar of shared mailboxes as a source of records, through whatever mailbox
adapter there is.

A record is one mail, contact or appointment where it lies. Its row is what a person reads.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from mailbot import identifiers
from mailbot.case import Key, Label, Subject
from mailbot.clients import decode
from mailbot.clients.mime import EFFECT_HEADER
from mailbot.datamap import Exchange, KeyPattern, Own, PersonalMailbox
from mailbot.errors import NotAllowed, Permanent, Stale, Transient
from mailbot.plan import Action, Correction, Do
from mailbot.ports import (
    ActionReceipt,
    Fetched,
    HoldsEntries,
    Mailbox,
    MailQuery,
    MailRef,
)
from mailbot.record import (
    Certainty,
    Finding,
    NotSearched,
    SearchResult,
    Treatment,
)
from mailbot.sources import exchange_entries as entries
from mailbot.sources.edge import Edge
from mailbot.sources.exchange_acting import delete, holding, is_as_approved, row_at
from mailbot.sources.exchange_entries import KINDS, EntryRef
from mailbot.sources.exchange_judging import WROTE, Judgement, Person, Us, judge, person
from mailbot.sources.exchange_rows import answers_of, row, writable

_PERSONAL = {"e-mail": ("from", "reply_to", "to", "cc", "bcc", "subject", "text")}
_WRITTEN = ("from", "to", "cc", "subject", "date", "text", "attachments")
OWNERS_TASK = "manual task for its owner"
_READ_ON = "text inside attachments is not read"
_NO_BIN = "contacts and appointments in the bin, and single changed dates of a series, are not read"
_MOST_ROUNDS = 3  # of addresses learnt from contacts


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
        """Warnings of each mailbox, which of them cannot be reached, and what may not be read."""
        warnings: list[str] = []
        for box in self._boxes():
            warnings += box.check()
            for holder, kind in self._holders(box):
                try:
                    next(iter(holder.entries(KINDS[kind])), None)
                except NotAllowed as error:
                    warnings.append(f"{self.name}: {kind} are not searched: {error}")
        return [*warnings, *(f"{self.name}: {part.why}" for part in self._not_searched())]

    def find(self, subject: Subject) -> SearchResult:
        """Every mail from, to or about the person, every contact and appointment of theirs. Own
        mails (with their effect) and what staff answered to them are the case file and no
        findings."""
        one = person(subject, self._us)
        missing = list(self._not_searched())
        boxes = self._boxes()
        if not boxes:
            return SearchResult(not_searched=tuple(missing))
        if not one.known:
            why = "no key of the person that mail can be searched by"
            return SearchResult(not_searched=(NotSearched(system=self.name, why=why), *missing))
        rows, learnt, failures = self._entries(boxes, one)
        one = replace(one, emails=_together(one.emails, (key.value for key in learnt)))
        missing += failures
        found: list[tuple[Finding, frozenset[str]]] = []
        ours: set[str] = set()
        searched = len(rows)
        for box in boxes if "mail" in self._part.search else ():
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
        findings += (finding for place in rows for finding in place)
        findings.sort(key=lambda finding: (finding.title, finding.identity))
        return SearchResult(
            findings=tuple(findings),
            searched=(self.name,) if searched else (),
            not_searched=tuple(missing),
            learnt=learnt,
        )

    def _entries(
        self, boxes: Sequence[Mailbox], one: Person
    ) -> tuple[list[list[Finding]], tuple[Key, ...], list[NotSearched]]:
        """Contacts and appointments by mailbox and kind, addresses learnt, what was left out."""
        rows: list[list[Finding]] = []
        learnt: tuple[Key, ...] = ()
        missing: list[NotSearched] = []
        stated = one.emails
        for _round in range(_MOST_ROUNDS):
            rows, missing = [], []
            for box in boxes:
                for holder, kind in self._holders(box):
                    why, failed, refused = "", False, False
                    with Edge() as edge:
                        try:
                            rows.append(self._judged(box, holder, kind, one))
                        except NotAllowed as error:  # nothing to try again, until it is granted
                            why, refused = str(error), True
                    if edge.why:
                        why, failed = edge.why, True
                    if why:
                        told = f"{kind} of mailbox {box.address}: {why}"
                        part = NotSearched(
                            system=self.name, why=told, failed=failed, refused=refused
                        )
                        missing.append(part)
            learnt = entries.learnt((f for place in rows for f in place), one, self._us)
            emails = _together(one.emails, (key.value for key in learnt))
            learnt = tuple(key for key in learnt if key.value not in stated)
            if emails == one.emails:
                break
            one = replace(one, emails=emails)
        return rows, learnt, missing

    def _judged(self, box: Mailbox, holder: HoldsEntries, kind: str, one: Person) -> list[Finding]:
        return [
            entries.finding(self.name, box.address, self._elsewhere(box), entry, verdict)
            for entry in holder.entries(KINDS[kind])
            if (verdict := entries.judge(entry, one, self._us, self._keys))
        ]

    def _holders(self, box: Mailbox) -> Iterator[tuple[HoldsEntries, str]]:
        """What of a mailbox is searched beside its mail."""
        if isinstance(box, HoldsEntries):
            yield from ((box, kind) for kind in self._part.search if kind in KINDS)

    def _elsewhere(self, box: Mailbox) -> dict[str, str]:
        return {} if box is self._mailbox else {"mailbox": box.address}

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
                found.append((self._finding(box, mail, content, verdict), answers_of(content)))
        return found, ours

    def actions(
        self, right: Label, findings: Sequence[Finding], corrections: Sequence[Correction] = ()
    ) -> Sequence[Action]:
        """Erasure deletes each certain record; access hands it over. A meeting is a task: a server
        may write to those invited when it is deleted. Portability covers what the person provided
        (GDPR art. 20(1)): the mails that they wrote. An employee's own mailbox that may not be
        searched is a task for its owner."""
        certain = [one for one in findings if one.certainty is Certainty.CERTAIN]
        match right:
            case Label.ERASURE:
                return [*map(_erasing, certain), *self._tasks()]
            case Label.ACCESS:
                return [*(Action.on(finding, Do.DISCLOSE) for finding in certain), *self._tasks()]
            case Label.PORTABILITY:
                wrote = [finding for finding in certain if finding.reason == WROTE]
                return [Action.on(finding, Do.DISCLOSE) for finding in wrote]
            case Label.RECTIFICATION:
                wrong = entries.to_correct(certain, corrections)
                return [
                    replace(Action.on(finding, Do.MANUAL), reason=entries.CORRECT_BY_HAND)
                    for finding in wrong
                ]
            case Label.RESTRICTION if certain:
                # One task for the mailbox, not one for each of hundreds of mails.
                task = replace(Action.on(certain[0], Do.MANUAL), key={}, before={}, title="")
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
        """Delete records. All are compared with what was approved before the first is deleted.

        A mail that a colleague moved meanwhile is found again by its Message-ID and counts if its
        content is as approved. Raises Stale if any mail is there but changed.
        """
        acted = [action for action in actions if action.changes]
        for action in acted:
            if action.do is not Do.DELETE:
                raise Permanent(f"{self.name}: action {action.number} cannot be done here")
        places = [(action, box, self._places(box, action, key)) for action, box in self._at(acted)]
        receipts = [
            ActionReceipt(number=action.number, outcome="already", detail="nothing to change")
            for action in actions
            if not action.changes
        ]
        for action, box, refs in places:
            for ref in refs:
                # Once more, since checking the others took its time.
                if not is_as_approved(row_at(box, ref), action, key):
                    # Never receipted as deleted: the next attempt looks where it is now.
                    raise Transient(f"{self.name}: the record of action {action.number} has moved")
                delete(box, ref, purge=self._part.erase == "purge")
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

    def _places(self, box: Mailbox, action: Action, key: bytes) -> Sequence[MailRef | EntryRef]:
        """Where the record of an action lies now: nowhere, if it is gone."""
        entry = entries.ref(action.key)
        ref = entry or MailRef(
            mailbox=box.name, folder=action.table, id=str(action.key.get("id", ""))
        )
        there = row_at(box, ref)
        if there is not None:
            if not is_as_approved(there, action, key):
                raise Stale(f"{self.name}: the record of action {action.number} has changed")
            return [ref]
        if entry:
            # On Exchange Server an entry that was moved has another id.
            return [
                EntryRef(kind=one.kind, id=one.id)
                for one in holding(box).entries(entry.kind)
                if is_as_approved(one.columns, action, key)
            ][:1]
        message_id = action.before.get("message_id")
        if not isinstance(message_id, str) or not message_id:
            return []
        moved = box.search(MailQuery(header=("message-id", f"<{message_id}>")))
        return [one.ref for one in moved if is_as_approved(row(decode.read(one.raw)), action, key)]

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
        return Finding(
            system=self.name,
            table=mail.ref.folder,
            key={**self._elsewhere(box), "id": mail.ref.id},
            certainty=verdict.certainty,
            reason=verdict.reason,
            arrived=mail.arrived,
            trail=f"{box.address}: {mail.ref.folder}, {day}",
            row=row(content),
            personal=_PERSONAL,
            provided=_WRITTEN,
            treatment=Treatment(do="delete"),
            message_id=ids[0] if ids else "",
            title=writable(f"{day} {subject}").strip(),
        )

    def _boxes(self) -> list[Mailbox]:
        """Every mailbox that is searched here and now."""
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
        boxes = self._boxes()
        why = [
            f"mailbox {address}: no sign-in that is configured opens it"
            for address in self._addresses()
            if self._box(address) is None
        ]
        why += [
            f"mailbox {owner.address}: {OWNERS_TASK}"
            for owner in self._part.personal
            if not self._may_search(owner)
        ]
        kinds = [kind for kind in self._part.search if kind in KINDS]
        mere = [box.address for box in boxes if not isinstance(box, HoldsEntries)]
        if mere or not boxes:
            of = f" of mailbox {', '.join(mere)}" if len(mere) < len(boxes) else ""
            why += [f"{kind}{of}: this kind of mailbox reaches mail only" for kind in kinds]
        if boxes and "mail" in self._part.search:
            why.append(_READ_ON)
        if kinds and len(mere) < len(boxes):
            why.append(_NO_BIN)
        return tuple(NotSearched(system=self.name, why=reason) for reason in why)


def _together(have: Sequence[str], new: Iterable[str]) -> tuple[str, ...]:
    """The addresses, and the new ones that are none of them."""
    known = list(have)
    for address in new:
        if not any(identifiers.same_email(address, one) is Certainty.CERTAIN for one in known):
            known.append(address)
    return tuple(known)


def _erasing(finding: Finding) -> Action:
    if finding.treatment.do == "manual":
        return replace(Action.on(finding, Do.MANUAL), reason=finding.treatment.reason)
    return Action.on(finding, Do.DELETE)
