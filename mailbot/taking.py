"""Mail on its way in: fetched, stored raw together with the cursor, read, settled.

Many are fetched, read and let go of together, since each transaction waits for the disk; each is
settled by itself, so that a bad one never stops the others.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from mailbot.errors import Stale, Transient
from mailbot.intake import MARKED, SENT, Begun, Intake, Left
from mailbot.logs import kind_of
from mailbot.ports import Clock, Mailbox, MailRef, Store, StoredMail

log = structlog.get_logger()

# On the very first look, mail that came within the month a request may still be running is read;
# older mail is for `mailbot scan`.
FIRST_LOOK = timedelta(days=31)
FIRST, LONGEST = 2.0, 600.0  # seconds until the next try
_EVERYWHERE = timedelta(minutes=15)  # between two looks for marks in folders that are not watched
_NEVER = datetime.min.replace(tzinfo=UTC)
_TOGETHER = 50  # mails that are given to the reader ahead
_TRIES = 5  # of a mail whose handling fails unforeseen, before it is set aside


def backoff(attempts: int, asked: float | None) -> float:
    """Seconds until the next try: what the other side asked for, or doubling with jitter."""
    seconds = min(LONGEST, FIRST * 2 ** min(attempts, 10))
    return float(max(asked or 0.0, seconds * random.uniform(0.75, 1.25)))


class Later:
    """What failed and when it is tried again, by name."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._not_before: dict[str, datetime] = {}
        self._failures: dict[str, int] = {}

    def free(self, name: str) -> bool:
        """Whether it may be tried now."""
        at = self._not_before.get(name)
        return at is None or at <= self._clock.now()

    def delay(self, name: str, asked: float | None) -> None:
        """It failed; `asked`: seconds that the other side asked for."""
        self._failures[name] = self.failures(name) + 1
        seconds = backoff(self._failures[name] - 1, asked)
        self._not_before[name] = self._clock.now() + timedelta(seconds=seconds)

    def failures(self, name: str) -> int:
        """How often it failed."""
        return self._failures.get(name, 0)

    def forget(self, name: str) -> None:
        """It is done."""
        self._failures.pop(name, None)
        self._not_before.pop(name, None)


class Taking:
    """Takes mail in. `stopped`: whether to end after the mail at hand."""

    def __init__(
        self,
        store: Store,
        intake: Intake,
        clock: Clock,
        later: Later,
        stopped: Callable[[], bool],
    ) -> None:
        self.store = store
        self.intake = intake
        self.clock = clock
        self.later = later
        self.stopped = stopped
        self._looked_everywhere: dict[str, datetime] = {}

    def fetch(self, mailbox: Mailbox, read_on: bool = False) -> int:
        """Take new mail in, raw, together with the cursor.

        Nothing is interpreted yet, unless so much has come that it takes several batches: then,
        with `read_on`, one is read and settled while the next is fetched.
        """
        taken = 0
        for folder in folders_of(mailbox):
            cursor = self.store.cursor(mailbox.name, folder)
            since = self.clock.now() - FIRST_LOOK
            held: tuple[Sequence[StoredMail], Mapping[str, bytes]] | None = None
            ahead: list[Begun] = []
            for mails, after in mailbox.fetch(folder, cursor, since):
                with self.store.begin() as tx:
                    new = tx.take_in_all(mails)
                    tx.set_cursor(mailbox.name, folder, after)
                taken += len(new)
                if not read_on or self.stopped():
                    continue
                if held is not None:
                    begun = self.intake.begin(*held)
                    self._settle(ahead)
                    ahead = begun
                by_ref = {mail.ref: mail.raw for mail in mails}
                held = new, {stored.id: by_ref[stored.ref] for stored in new}
            self._settle(ahead)
        taken += self._marked_by_hand(mailbox)
        if taken:
            log.info("mail-taken-in", mailbox=mailbox.name, mails=taken)
        return taken

    def _marked_by_hand(self, mailbox: Mailbox) -> int:
        """Mail on which a colleague set the category, even if it was left alone before."""
        taken = 0
        now = self.clock.now()
        everywhere = self._looked_everywhere.get(mailbox.name, _NEVER) + _EVERYWHERE <= now

        def known(ref: MailRef) -> bool:
            stored = self.store.mail_at(ref)
            if stored is None or stored.status == "left":
                return False
            return stored.status != "new" or stored.reason == MARKED

        for mail in mailbox.marked(everywhere, known):
            with self.store.begin() as tx:
                taken += tx.take_in(mail, again=True, why=MARKED) is not None
        if everywhere:
            self._looked_everywhere[mailbox.name] = now
        return taken

    def read_new(self, mailbox: str | None = None) -> int:
        """Settle every stored mail that is new. One bad mail never stops the others."""
        waiting = [one for one in self.store.new_mails(mailbox) if self.later.free(_name(one))]
        settled = 0
        at = 0
        ahead: list[Begun] = []
        while (at < len(waiting) or ahead) and not self.stopped():
            # The next ones are read while these are settled.
            begun = self.intake.begin(waiting[at : at + _TOGETHER]) if at < len(waiting) else []
            at += len(begun)
            settled += self._settle(ahead)
            ahead = begun
        return settled

    def read(self, stored: StoredMail) -> int:
        """Settle one stored mail; 1 if that was possible."""
        return self._settle(self.intake.begin([stored])) if self.later.free(_name(stored)) else 0

    def _settle(self, begun: Sequence[Begun]) -> int:
        """Settle mails in their order. Those that are left alone go together at the end."""
        left: list[tuple[StoredMail, Left]] = []
        settled = 0
        for each in begun:
            if self.stopped():
                break
            reason = self._read(each)
            settled += bool(reason)
            if isinstance(reason, Left):
                left.append((each.stored, reason))
        if left:
            try:
                self.intake.leave(left)
            except (Transient, Stale) as error:
                log.info("mails-later", mails=len(left), why=type(error).__name__)
                for stored, _ in left:
                    self.later.delay(_name(stored), getattr(error, "retry_after", None))
                return settled - len(left)
        return settled

    def _read(self, begun: Begun) -> str:
        """Settle one mail, but for leaving it. Returns the reason; "" if it must wait."""
        stored = begun.stored
        name = _name(stored)
        try:
            reason = self.intake.settle(begun)
        except (Transient, Stale) as error:
            self.later.delay(name, getattr(error, "retry_after", None))
            log.info("mail-later", mail=stored.id, why=type(error).__name__)
            return ""
        except Exception as error:  # noqa: BLE001  one mail must never stop the loop (DESIGN § 1.3)
            log.error("mail-failed", mail=stored.id, why=kind_of(error))
            self.later.delay(name, None)
            if self.later.failures(name) >= _TRIES:
                return self.intake.set_aside(stored, "handling-failed")
            return ""
        self.later.forget(name)
        if reason:
            log.info("mail-settled", mail=stored.id, reason=reason)
        return reason


def folders_of(mailbox: Mailbox) -> Sequence[str]:
    """The watched folders, and Sent, where the answers of colleagues are seen."""
    watched = mailbox.watched()
    return watched if SENT in watched else (*watched, SENT)


def _name(stored: StoredMail) -> str:
    return f"mail/{stored.id}"
