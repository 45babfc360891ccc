"""The daemon: a thread per mailbox takes mail in, a small pool advances due matters.

Nothing is decided here. A failure of one mailbox or one system delays only what needs it; the
backoff is kept per mailbox and per matter.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import structlog

from mailbot.case import Matter, State
from mailbot.errands import ERRANDS, Errands
from mailbot.errors import MailbotError, Permanent, Stale, Transient
from mailbot.flow import Flow
from mailbot.handin import from_octets, take_in
from mailbot.intake import Intake
from mailbot.learning import Learning
from mailbot.logs import kind_of
from mailbot.ports import Clock, Effect, Mailbox, Store
from mailbot.requests import ask, handed_over, taken
from mailbot.steps.notify import tell_approvers
from mailbot.steps.others import LATER
from mailbot.systemd import Notifier
from mailbot.taking import LONGEST, Later, Taking, backoff

log = structlog.get_logger()

WORKERS = 4
_LOOSE = frozenset({"notice", "mark", "file", LATER})  # effects that no step waits for
_LESSONS_EVERY = 60.0  # seconds between two looks at what staff taught


class Daemon:
    """Polls, advances, stops cleanly, and lets the watchdog see that its loops turn."""

    def __init__(
        self,
        store: Store,
        flow: Flow,
        intake: Intake,
        mailboxes: Mapping[str, Mailbox],
        poll_seconds: Mapping[str, float],
        clock: Clock,
        notifier: Notifier,
        state: Path,
        learning: Learning,
        unseal: Callable[[bytes], bytes],
    ) -> None:
        self.state = state
        self.learning = learning
        self._unseal = unseal
        self._looked_at_lessons = 0.0
        self._learn_now = False
        self.store = store
        self.flow = flow
        self.intake = intake
        self.mailboxes = mailboxes
        self.poll_seconds = poll_seconds
        self.clock = clock
        self.notifier = notifier
        self.stopping = threading.Event()
        self._news = threading.Event()
        self._busy: set[str] = set()
        self._lock = threading.Lock()
        self.later = Later(clock)
        self.taking = Taking(store, intake, clock, self.later, self.stopping.is_set)
        self._turned: dict[str, float] = {}
        self._fed = 0.0

    # --- one round -----------------------------------------------------------------------------

    def once(self) -> None:
        """Fetch, read and advance until nothing more is due now. Raises what stops a mailbox."""
        failures: list[MailbotError] = []
        self.learning.refresh()
        for name, mailbox in self.mailboxes.items():
            with self.store.claim_mailbox(name) as held:
                if not held:
                    raise Transient(f"mailbox {name} is held by another daemon")
                try:
                    self.fetch(mailbox, read_on=True)
                except MailbotError as error:
                    failures.append(error)
                    log.warning("mailbox-failed", mailbox=name, why=str(error))
        for _ in range(10_000):
            moved = self.read_new()
            moved += self.perform_loose()
            for matter in self.store.due_matters(self.clock.now()):
                moved += self.advance(matter)
            if not moved:
                break
        if self.learning.due():
            self.learning.hold()
        if failures:
            raise failures[0]

    def fetch(self, mailbox: Mailbox, read_on: bool = False) -> int:
        """Take new mail in (see `taking`); how many mails came."""
        return self.taking.fetch(mailbox, read_on)

    def read_new(self, mailbox: str | None = None) -> int:
        """Settle every stored mail that is new; how many were settled."""
        return self.taking.read_new(mailbox)

    def perform_loose(self) -> int:
        """Notices, marks, filing: effects that no step waits for."""
        done = 0
        for effect in self.store.open_effects():
            if effect.kind in _LOOSE and self.later.free(effect.id):
                done += self._perform(effect)
        return done

    def _perform(self, effect: Effect) -> int:
        try:
            self.flow.performer.perform(effect)
        except Transient as error:
            self.later.delay(effect.id, error.retry_after)
            log.info("effect-later", effect=effect.id, kind=effect.kind, why=str(error))
            return 0
        except Permanent as error:
            log.warning("effect-failed", effect=effect.id, kind=effect.kind, why=str(error))
            with self.store.begin() as tx:
                tx.change_effect(effect.id, "failed", {"why": str(error)})
                tx.record(effect.case_id, "failed", effect.kind, {"effect": effect.id})
                matter = self.store.matter(effect.matter_id) if effect.kind == LATER else None
                if matter is not None:
                    # No step waits for it, and the recipient must be told all the same (art. 19).
                    ctx, reason = self.flow.context(matter), "recipient-bounced"
                    for notice in tell_approvers(
                        ctx, self.flow.tools, reason, {}, distinct=effect.id
                    ):
                        tx.intend(notice)
            return 1
        return 1

    def advance(self, matter: Matter) -> int:
        """Advance one matter as far as it goes now, under the claim of its case."""
        with self.store.claim_case(matter.case_id) as held:
            if not held:
                return 0
            fresh = self.store.matter(matter.id)
            steps = 0
            while fresh and fresh.due and fresh.due <= self.clock.now():
                before = fresh
                try:
                    fresh = self.flow.advance(fresh)
                except Transient as error:
                    self.flow.postpone(before, backoff(before.attempts, error.retry_after))
                    log.info("matter-later", matter=before.id, why=str(error))
                    break
                except Stale:
                    log.info("matter-changed", matter=before.id)
                    break
                except Exception as error:  # noqa: BLE001  a bug in one case must not stop others
                    log.error("matter-failed", matter=before.id, why=kind_of(error))
                    self.flow.stop(before, "unforeseen-error", kind_of(error))
                    break
                steps += 1
                log.info(
                    "moved",
                    matter=fresh.id,
                    before=before.state,
                    now=fresh.state,
                    reason=fresh.note,
                )
                if self.stopping.is_set():
                    break
            return steps

    # --- the loops -----------------------------------------------------------------------------

    def run(self) -> None:
        """Until `stop()`: READY once every mailbox was seen or failed once."""
        threads = [
            threading.Thread(target=self._watch, args=(mailbox,), name=name, daemon=True)
            for name, mailbox in self.mailboxes.items()
        ]
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="case") as pool:
            for thread in threads:
                thread.start()
            self.notifier.tell("READY=1\nSTATUS=watching")
            log.info("ready", mailboxes=sorted(self.mailboxes))
            while not self.stopping.is_set():
                self._turn(pool)
                self._sign_of_life(threads)
                self._news.wait(self._pause())
                self._news.clear()
            self.notifier.tell("STOPPING=1")
            for mailbox in self.mailboxes.values():
                mailbox.wake()
        for thread in threads:
            thread.join(timeout=10)
        log.info("stopped")

    def stop(self) -> None:
        """Finish the step at hand and end. Safe in a signal handler."""
        self.stopping.set()
        self._news.set()

    def _heed(self, pool: ThreadPoolExecutor) -> None:
        """What a command beside us asked for (`mailbot retry`)."""
        for words in taken(self.state):
            verb, _, case_id = words.partition(" ")
            if verb == "learn":
                self._learn_now = True
                continue
            if verb in ERRANDS:
                pool.submit(self._errand, words).add_done_callback(partial(self._done, verb))
                continue
            matters = self.store.matters(case_id) if verb == "retry" else ()
            with self.store.claim_case(case_id) as held:
                if not held:
                    ask(self.state, words)  # a worker is at this case: again at the next turn
                for matter in matters if held else ():
                    if matter.state is State.NEEDS_HUMAN:
                        self.flow.retry(matter)
                        log.info("retried", matter=matter.id)

    def _errand(self, words: str) -> int:
        try:
            Errands(self.store, self.flow, self.clock).do(words)
            log.info("errand-done", errand=words.partition(" ")[0])
        except Transient:
            ask(self.state, words)  # a worker is at the case: again at the next turn
        except MailbotError as error:
            log.error("errand-failed", errand=words.partition(" ")[0], why=str(error))
            return 0
        return 1

    def _take_over(self, pool: ThreadPoolExecutor) -> None:
        """Requests that `mailbot open` left: stored like any mail, and taken up at once."""
        for file in handed_over(self.state):
            try:
                handed = from_octets(self._unseal(file.read_bytes()))
            except (MailbotError, ValueError) as error:
                log.error("hand-in-refused", file=file.name, why=kind_of(error))
                file.rename(file.with_suffix(".refused"))
                continue
            stored = take_in(self.store, handed)
            file.unlink()
            if stored is not None:
                log.info("handed-in", mail=stored.id)
                pool.submit(self.taking.read, stored)

    def _turn(self, pool: ThreadPoolExecutor) -> None:
        self._heed(pool)
        self._take_over(pool)
        due = self.store.due_matters(self.clock.now())
        for case_id in dict.fromkeys(matter.case_id for matter in due):
            with self._lock:
                if case_id in self._busy or len(self._busy) >= WORKERS:
                    continue
                self._busy.add(case_id)
            matters = [matter for matter in due if matter.case_id == case_id]
            pool.submit(self._work, matters).add_done_callback(partial(self._done, case_id))
        self._learn(pool, quiet=not due)
        if any(
            effect.kind in _LOOSE and self.later.free(effect.id) for effect in self._open_effects()
        ):
            with self._lock:
                if "loose" in self._busy:
                    return
                self._busy.add("loose")
            pool.submit(self.perform_loose).add_done_callback(partial(self._done, "loose"))

    def _learn(self, pool: ThreadPoolExecutor, quiet: bool) -> None:
        """Once a minute: what was forgotten goes out of use; in a quiet one lessons are tried."""
        rests = time.monotonic() - self._looked_at_lessons < _LESSONS_EVERY
        if rests and not self._learn_now:
            return
        with self._lock:
            if "lessons" in self._busy:
                return
            self._busy.add("lessons")
        self._looked_at_lessons = time.monotonic()
        job = self._try_lessons if quiet or self._learn_now else self._only_true_lessons
        pool.submit(job).add_done_callback(partial(self._done, "lessons"))

    def _only_true_lessons(self) -> int:
        self.learning.refresh()
        return 0

    def _try_lessons(self) -> int:
        self.learning.refresh()
        asked, self._learn_now = self._learn_now, False
        if asked or self.learning.due():
            self.learning.hold(self.stopping)
        return 0

    def _open_effects(self) -> Sequence[Effect]:
        return self.store.open_effects()

    def _work(self, matters: Sequence[Matter]) -> int:
        return sum(self.advance(matter) for matter in matters)

    def _done(self, name: str, future: "Future[int]") -> None:
        with self._lock:
            self._busy.discard(name)
        error = future.exception()
        if error is not None:
            log.error("work-failed", name=name, why=kind_of(error))
        self._news.set()

    def _pause(self) -> float:
        """How long the main loop may sleep: until the next matter is due, at most a second."""
        due = self.store.next_due()
        if due is None:
            return 1.0
        # What is due already is being worked on (its end wakes us) or held by somebody else.
        return float(min(1.0, max(0.2, (due - self.clock.now()).total_seconds())))

    def _watch(self, mailbox: Mailbox) -> None:
        """The thread of one mailbox: fetch, read, wait; back off on failure."""
        failures = 0
        while not self.stopping.is_set():
            self._turned[mailbox.name] = time.monotonic()
            try:
                with self.store.claim_mailbox(mailbox.name) as held:
                    while held and not self.stopping.is_set():
                        self._turned[mailbox.name] = time.monotonic()
                        if self.fetch(mailbox, read_on=True):
                            self._news.set()
                        if self.read_new(mailbox.name):
                            self._news.set()
                        failures = 0
                        mailbox.wait(self._patience(mailbox.name))
                    if not held:
                        self.stopping.wait(self.poll_seconds[mailbox.name])
            except Transient as error:
                failures += 1
                pause = backoff(failures, error.retry_after)
                log.warning("mailbox-later", mailbox=mailbox.name, why=str(error), seconds=pause)
                self._rest(mailbox.name, pause)
            except Permanent as error:
                failures += 1
                log.error("mailbox-failed", mailbox=mailbox.name, why=str(error))
                self._rest(mailbox.name, min(LONGEST, 60.0 * failures))
            except Exception as error:  # noqa: BLE001  the thread of a mailbox must live on
                failures += 1
                log.error("mailbox-failed", mailbox=mailbox.name, why=kind_of(error))
                self._rest(mailbox.name, backoff(failures, None))

    def _patience(self, name: str) -> float:
        """New mails that could not be settled yet shorten the wait."""
        waiting = bool(self.store.new_mails(name))
        return min(1.0, self.poll_seconds[name]) if waiting else self.poll_seconds[name]

    def _rest(self, name: str, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self.stopping.is_set() and time.monotonic() < end:
            self._turned[name] = time.monotonic()
            self.stopping.wait(min(5.0, max(0.05, end - time.monotonic())))

    def _sign_of_life(self, threads: Sequence[threading.Thread]) -> None:
        """The watchdog is fed only while every mailbox thread turns: a hang gets us restarted."""
        if self.notifier.period is None:
            return
        now = time.monotonic()
        alive = all(thread.is_alive() for thread in threads)
        slowest = max((self.poll_seconds[name] for name in self._turned), default=0.0) + 600
        turning = alive and all(now - turned < slowest for turned in self._turned.values())
        if turning and now - self._fed >= self.notifier.period:
            self.notifier.tell("WATCHDOG=1")
            self._fed = now
