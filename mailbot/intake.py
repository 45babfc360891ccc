"""The first of the two entrances: a mail arrives (the other is the clock, in daemon.py).

Each stored mail is read once and settled in one transaction: left alone (its copy is deleted),
joined to a case, or set aside for a person. Nothing here acts; it makes matters due.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import NamedTuple

from mailbot.case import ENDED, Classification, Route, State
from mailbot.casefile import NOT_CLASSIFIED
from mailbot.effects import known
from mailbot.entry import Entry, rights_of
from mailbot.errors import Permanent, Transient
from mailbot.flow import Flow
from mailbot.followups import Followups
from mailbot.handin import as_handed_in, is_handed_in
from mailbot.mailtext.decisions import Words
from mailbot.mailtext.followup import FollowupWords, Listener
from mailbot.message import Automatic, Mail, Verdict
from mailbot.move import Move
from mailbot.ports import Clock, Effect, KnownMessage, Store, StoredMail
from mailbot.reader import Reader, Reading, Unreadable
from mailbot.replies import NO_REPLY_OF_STAFF, NOTHING_CHANGED, Replies
from mailbot.steps.belong import spoken
from mailbot.steps.notify import tell_approvers
from mailbot.steps.screen import after_screen

MARKED = "marked-by-hand"  # why a mail was taken in: a colleague set the category
SENT = "sentitems"  # the well-known name of the folder where colleagues' answers lie
_AT_ONCE_OCTETS = 16 * 1024 * 1024  # of mails that are being read


class Left(str):
    """The reason why a mail is nobody's business here. It is not settled yet."""


class Begun(NamedTuple):
    """A stored mail, and what will be read in it; None: its bytes are not there."""

    stored: StoredMail
    reading: "Future[Reading] | None"


class Intake:
    """Settles stored mails one at a time, in the order in which they came."""

    def __init__(
        self,
        store: Store,
        flow: Flow,
        reader: Reader,
        words: Words,
        followups: FollowupWords,
        clock: Clock,
    ) -> None:
        self.store = store
        self.flow = flow
        self.tools = flow.tools
        self.reader = reader
        self.replies = Replies(store, flow, words, clock)
        self.entry = Entry(store, flow.tools, clock)
        self.followups = Followups(store, flow, self.entry, Listener(words, followups), clock)
        self.clock = clock

    def begin(
        self, mails: Sequence[StoredMail], raws: Mapping[str, bytes] | None = None
    ) -> list[Begun]:
        """Have the first of some mails read, as many as memory bears; `settle` each in turn.

        raws: their bytes, where the caller has them all at hand.
        """
        if raws is None:
            raws = self.store.raws([stored.id for stored in mails], _AT_ONCE_OCTETS)
            mails = mails[: max(1, len(raws))]
        return [
            Begun(
                stored,
                self.reader.submit(raws[stored.id], traits=_asked_for(stored))
                if stored.id in raws
                else None,
            )
            for stored in mails
        ]

    def leave(self, left: Sequence[tuple[StoredMail, Left]]) -> None:
        """Let go of ordinary mails, all in one transaction: their copies are deleted."""
        with self.store.begin() as tx:
            tx.leave_all({stored.id: str(reason) for stored, reason in left})

    def take(self, stored: StoredMail) -> str:
        """Read and settle one mail; returns the named reason (for the log)."""
        (begun,) = self.begin([stored])
        reason = self.settle(begun)
        if isinstance(reason, Left):
            self.leave([(stored, reason)])
        return reason

    def settle(self, begun: Begun) -> str:
        """Settle one mail, once it is read; returns the named reason. Where that is `Left`, the
        caller must `leave` the mail, by itself or together with others."""
        reason = self._settle(begun)
        if isinstance(reason, Left) and begun.stored.reason == MARKED:
            # It bears the mark and yet says nothing. Left alone, each look would find it anew.
            with self.store.begin() as tx:
                tx.settle_mail(begun.stored.id, "done", reason)
            return str(reason)
        return reason

    def _settle(self, begun: Begun) -> str:
        stored = begun.stored
        if begun.reading is None:
            raise RuntimeError(f"mail {stored.id} is new but has no bytes")
        try:
            reading = begun.reading.result()
        except Unreadable as unreadable:
            return self.set_aside(stored, unreadable.reason)
        except Permanent as error:  # no reader can be had: no mail is to blame for that
            raise Transient(str(error)) from None
        mail, classification = reading.mail, reading.classification or NOT_CLASSIFIED
        if "unparsable" in mail.notes:
            return self.set_aside(stored, "unparsable")
        if is_handed_in(stored) and mail.automatic is not Automatic.OWN:
            word, named = as_handed_in(stored, reading, classification, self.tools.settings)
            return self._written(stored, word, (), named, reading.traits)
        if mail.automatic is Automatic.OWN:
            effect = self.store.effect(mail.effect)
            # One that this store does not know was sent by an earlier installation: nobody asks
            # for anything from our own address. Nor does a forged one teach us other ids.
            if effect is None or mail.authentication.verdict is Verdict.FAIL:
                return Left("own-mail")
            return self._witness(stored, mail, effect)
        messages = self.store.known_messages(mail.known_ids)
        if stored.ref.folder == SENT:
            return self._sent_by_hand(stored, mail, messages)
        if mail.automatic in (Automatic.BOUNCE, Automatic.REPORT):
            return self._bounce(stored, mail)
        answered = self.replies.answered(mail, messages)
        if answered is not None:
            reason = self.replies.take(stored, mail, answered, classification)
            if reason != NO_REPLY_OF_STAFF:
                return reason
        if mail.automatic in (Automatic.AUTO_REPLY, Automatic.CALENDAR):
            return self._automatic(stored, mail, messages)
        if self.followups.is_of_recipient(mail, messages):
            return self.followups.from_recipient(stored, mail, messages)
        classification = after_screen(mail, classification)
        if stored.reason == MARKED:
            classification = _as_marked(classification)
        word = spoken(mail, self.tools.settings)
        if word is not mail:
            messages = ()  # the thread is that of whoever passed it on
        return self._person(stored, word, messages, classification, reading.traits)

    # --- ordinary mail and new requests -------------------------------------------------------

    def _person(
        self,
        stored: StoredMail,
        mail: Mail,
        messages: Sequence[KnownMessage],
        classification: Classification,
        traits: Sequence[int],
    ) -> str:
        by_hand = self.followups.by_hand(stored, mail, messages)
        if by_hand is not None:
            return by_hand
        return self._written(stored, mail, messages, classification, traits)

    def _written(
        self,
        stored: StoredMail,
        mail: Mail,
        messages: Sequence[KnownMessage],
        classification: Classification,
        traits: Sequence[int],
    ) -> str:
        """What a person wrote: part of their case, a new case, or ordinary mail."""
        leave = classification.route is Route.LEAVE
        case = self.followups.case_of(stored, mail, messages, ordinary=leave)
        if case is not None:
            return self.followups.take(stored, mail, classification, case, traits)
        if leave and self.followups.concerns(mail, messages):
            # Their own case, which the mail may not join: at least a person reads it.
            classification = replace(classification, route=Route.ASK)
        elif leave:
            return Left("ordinary-mail")
        with self.store.begin() as tx:
            self.entry.open(tx, stored, mail, classification, traits)
        return f"case-{classification.route.value}"

    def _sent_by_hand(
        self, stored: StoredMail, mail: Mail, messages: Sequence[KnownMessage]
    ) -> str:
        """What lies in Sent is no request and no decision; it may be a colleague's answer."""
        if mail.automatic is Automatic.NO:
            by_hand = self.followups.by_hand(stored, mail, messages, sent=True)
            if by_hand is not None:
                return by_hand
        return Left("sent-mail")

    def set_aside(self, stored: StoredMail, why: str) -> str:
        """Kept raw and shown to a person: as a question with no text to quote."""
        with self.store.begin() as tx:
            self.entry.open(tx, stored, None, NOT_CLASSIFIED)
            tx.record(None, "mail-set-aside", why, {"mail": stored.id})
        return f"set-aside-{why}"

    # --- machines -----------------------------------------------------------------------------

    def _witness(self, stored: StoredMail, mail: Mail, effect: Effect) -> str:
        """Our own mail, seen again: the id it really got (a server may replace ours) is kept."""
        with self.store.begin() as tx:
            if mail.message_id:
                tx.know_message(known(effect, mail.message_id))
            tx.settle_mail(stored.id, "left", "own-mail")
        return "own-mail"

    def _bounce(self, stored: StoredMail, mail: Mail) -> str:
        """A letter of ours did not arrive: the case says so and a person is asked."""
        if mail.automatic is Automatic.REPORT:
            return Left("report")
        messages = [
            message
            for message in self.store.known_messages(mail.failed_message_ids + mail.known_ids)
            if message.kind != "request"
        ]
        if not messages:
            return Left("bounce-of-other-mail")
        message = messages[0]
        matter = self.store.matter(message.matter_id)
        with self.store.begin() as tx:
            tx.settle_mail(stored.id, "done", f"bounce-of-{message.kind}", message.case_id)
            tx.record(message.case_id, "bounced", message.kind, {"mail": stored.id})
            if matter is not None and message.kind == "letter" and matter.state not in ENDED:
                self.flow.move(matter, Move(to=State.NEEDS_HUMAN, reason="letter-bounced"), tx)
            elif matter is not None and message.kind != "notice":
                # (A notice about a notice that did not arrive would not arrive either.)
                reason = f"{message.kind}-bounced"
                ctx = self.flow.context(matter)
                for effect in tell_approvers(ctx, self.tools, reason, {}, distinct=stored.id):
                    tx.intend(effect)
        return f"bounce-of-{message.kind}"

    def _automatic(self, stored: StoredMail, mail: Mail, messages: Sequence[KnownMessage]) -> str:
        """An auto-reply never changes a case; if it answers us, the ledger knows that it came."""
        reason = f"automatic-{mail.automatic.value}"
        if not messages:
            return Left(reason)
        with self.store.begin() as tx:
            tx.settle_mail(stored.id, "left", reason)
            tx.record(messages[0].case_id, NOTHING_CHANGED, reason, {"mail": stored.id})
        return reason


def _asked_for(stored: StoredMail) -> bool:
    """Whether a person says that this is privacy mail, however ordinary it seems."""
    return is_handed_in(stored) or stored.reason == MARKED


def _as_marked(found: Classification) -> Classification:
    """A colleague says that it is privacy mail: what the words only hint at is opened, and of what
    they say nothing staff are asked which right it is."""
    asked = found.route is Route.LEAVE or not rights_of(found)
    return replace(found, route=Route.ASK if asked else Route.OPEN)
