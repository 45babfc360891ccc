"""THE state machine: one table, one advance().

Nobody else assigns a state. Every change of state and its ledger entry are one transaction; every
effect is written down before it is done and receipted after; what a crash left undone is found
again by its effect.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mailbot.case import ENDED, RESTING, Classification, Label, Matter, State
from mailbot.casefile import context_of
from mailbot.codec import to_json
from mailbot.deadline import deadline
from mailbot.effects import Performer, Unknown
from mailbot.errors import Permanent, Stale
from mailbot.lessons import forget_person
from mailbot.move import Act, Context, Move, Outcome, Tools, Wait
from mailbot.ports import Clock, Effect, Store, Tx
from mailbot.steps.ask import ask, remind
from mailbot.steps.classify import classify
from mailbot.steps.code import give_up
from mailbot.steps.draft import draft
from mailbot.steps.execute import execute
from mailbot.steps.identify import identify
from mailbot.steps.locate import locate
from mailbot.steps.notify import ask_back
from mailbot.steps.propose import propose
from mailbot.steps.reminders import next_reminder
from mailbot.steps.respond import close, respond
from mailbot.steps.tasks import remind_of_tasks
from mailbot.steps.verify import verify

Step = Callable[[Context, Tools], Outcome]
S = State


@dataclass(frozen=True, slots=True)
class Stage:
    """What is done in a state when the clock makes the matter due, and where it may go."""

    step: Step | None
    to: frozenset[State]


def _stage(step: Step | None, *to: State) -> Stage:
    return Stage(step, frozenset(to))


# Where `mailbot retry` may take a stopped matter: to what it was about to do, or to a fresh look.
GOES_ON = (S.OPENED, S.CLASSIFIED, S.DRAFTED, S.APPROVED, S.EXECUTED, S.VERIFIED)

# Reasons after which a retry goes on where it stopped; after all others it looks afresh.
_MENDED = frozenset({"outcome-unknown", "cannot-go-on", "could-not-verify", "unforeseen-error"})

# The lifecycle of a matter. A reply of staff moves it on from ASKED; a person's retry, from
# NEEDS_HUMAN. Every state but the ended ones may also go to NEEDS_HUMAN (see `allowed`).
TABLE: Mapping[State, Stage] = {
    S.OPENED: _stage(classify, S.CLASSIFIED, S.ASKED),
    S.CLASSIFIED: _stage(identify, S.IDENTIFIED, S.CLASSIFIED),
    S.IDENTIFIED: _stage(locate, S.LOCATED, S.CLASSIFIED),
    S.LOCATED: _stage(propose, S.PROPOSED, S.WAITING_FOR_IDENTITY, S.CLASSIFIED),
    S.WAITING_FOR_IDENTITY: _stage(give_up, S.LOCATED, S.CLASSIFIED, S.WITHDRAWN),
    S.PROPOSED: _stage(draft, S.DRAFTED, S.CLASSIFIED),
    S.DRAFTED: _stage(ask, S.ASKED, S.CLASSIFIED),
    S.ASKED: _stage(
        remind, S.ASKED, S.APPROVED, S.PROPOSED, S.OPENED, S.CLASSIFIED, S.CLOSED, S.WITHDRAWN
    ),
    S.APPROVED: _stage(execute, S.EXECUTED, S.CLASSIFIED, S.APPROVED),
    S.EXECUTED: _stage(verify, S.VERIFIED, S.CLASSIFIED),
    S.VERIFIED: _stage(respond, S.ANSWERED, S.CLASSIFIED),
    S.ANSWERED: _stage(close, S.CLOSED, S.REFUSED),
    S.NEEDS_HUMAN: _stage(remind, S.NEEDS_HUMAN, *GOES_ON, S.CLOSED),
    S.CLOSED: _stage(remind_of_tasks),
    S.REFUSED: _stage(None),
    S.WITHDRAWN: _stage(None),
}


def allowed(old: State, new: State) -> bool:
    """Whether the table lets a matter go from one state to another."""
    return new in TABLE[old].to or (new is S.NEEDS_HUMAN and old not in ENDED)


class Flow:
    """Carries out what steps return."""

    def __init__(self, store: Store, tools: Tools, performer: Performer, clock: Clock) -> None:
        self.store = store
        self.tools = tools
        self.performer = performer
        self.clock = clock

    def context(self, matter: Matter) -> Context:
        """All that a step may know of a matter, read from the store."""
        return context_of(self.store, matter, self.clock.now())

    def advance(self, matter: Matter) -> Matter:
        """Do one step of a due matter. Transient errors pass through to the daemon.

        A Permanent error stops the matter for a person; nothing is repeated blindly.
        """
        stage = TABLE[matter.state]
        if stage.step is None:
            return self._later(matter, None)
        ctx = self.context(matter)
        try:
            outcome = stage.step(ctx, self.tools)
            match outcome:
                case Wait():
                    return self._wait(matter, outcome)
                case Act():
                    return self._act(matter, outcome)
                case Move():
                    return self.move(matter, outcome)
        except Unknown as unknown:
            return self.stop(matter, "outcome-unknown", str(unknown))
        except Permanent as error:
            return self.stop(matter, "cannot-go-on", str(error))

    def move(self, matter: Matter, move: Move, tx: Tx | None = None) -> Matter:
        """Change the state as the table allows, with its ledger entry, in one transaction."""
        if not allowed(matter.state, move.to):
            raise Permanent(f"no way from {matter.state.value} to {move.to.value}")
        if tx is None:
            with self.store.begin() as own:
                return self._write(own, matter, move)
        return self._write(tx, matter, move)

    def _write(self, tx: Tx, matter: Matter, move: Move) -> Matter:
        now = self.clock.now()
        stops = move.to is S.NEEDS_HUMAN and matter.state is not S.NEEDS_HUMAN
        due = move.due or (None if move.to in RESTING else now)
        if stops:
            # Nothing lies still until its deadline has passed: staff are reminded as of a question.
            due = next_reminder(self.context(matter), self.tools.settings)
        new = replace(matter, state=move.to, note=move.reason, due=due, attempts=0, **move.changes)
        tx.change_matter(matter, new)
        for name, document in move.documents.items():
            tx.put(matter.case_id, name, to_json(document))
        for effect in move.effects:
            tx.intend(effect)
        # A token by which a stopped matter may be ended approves nothing once it goes on.
        goes_on = matter.state is S.NEEDS_HUMAN and move.to is not S.NEEDS_HUMAN
        if move.void_tokens or goes_on:
            tx.void_tokens(matter.id)
            self._cancel(tx, matter)
        for token_hash, token in move.tokens:
            tx.issue_token(token_hash, token)
        tx.record(
            matter.case_id,
            "moved",
            move.reason,
            {
                "matter": matter.id,
                "right": new.right.value,
                "from": matter.state.value,
                "to": new.state.value,
                **move.facts,
            },
        )
        self._open_more(tx, matter, move.opens)
        if stops:
            stopped = {"in": matter.state.value, "why": move.reason}
            tx.put(matter.case_id, f"{matter.id}/stopped", stopped)
            detail = str(move.facts.get("why", ""))
            effects, tokens = ask_back(
                self.context(matter), self.tools, move.reason, detail, f"{move.reason}/{now}"
            )
            for effect in effects:
                tx.intend(effect)
            for token_hash, token in tokens:
                tx.issue_token(token_hash, token)
        if new.right is Label.ERASURE and new.state is S.EXECUTED:
            self._forget_lessons(tx, matter)
        if new.state in ENDED:
            self._after_end(tx, new)
        return new

    def _forget_lessons(self, tx: Tx, matter: Matter) -> None:
        """The person's data were erased: nothing of their mail is learnt from any more."""
        ctx = self.context(matter)
        learnt = (key.value for key in ctx.result.learnt if key.kind == "email")
        addresses = {*ctx.subject.values("email"), *learnt}
        forget_person(self.store, tx, matter.case_id, addresses)

    def _cancel(self, tx: Tx, matter: Matter) -> None:
        """Questions of a plan that is no longer asked, and not yet sent, are not sent."""
        for effect in self.store.effects(matter.id):
            if effect.status == "intended" and effect.kind == "question":
                tx.change_effect(effect.id, "cancelled")

    def _open_more(self, tx: Tx, matter: Matter, rights: tuple[Label, ...]) -> None:
        for number, right in enumerate(rights, start=1):
            tx.add_matter(
                new_matter(
                    matter.case_id,
                    f"{matter.id}-{number}{right.value}",
                    right,
                    matter.received,
                    self.clock.now(),
                    self.tools,
                )
            )

    def _after_end(self, tx: Tx, ended: Matter) -> None:
        """A matter ended: wake those that waited for it; the last one closes the case."""
        now = self.clock.now()
        siblings = [m for m in self.store.matters(ended.case_id) if m.id != ended.id]
        for sibling in siblings:
            if sibling.state is S.CLASSIFIED and sibling.due and sibling.due > now:
                tx.change_matter(sibling, replace(sibling, due=now))
        case = self.store.case(ended.case_id)
        # Closed already, where a restriction was lifted later.
        if case and case.closed is None and all(sibling.state in ENDED for sibling in siblings):
            tx.close_case(ended.case_id, now)

    def _wait(self, matter: Matter, wait: Wait) -> Matter:
        new = replace(matter, due=wait.until)
        with self.store.begin() as tx:
            tx.change_matter(matter, new)
            for token_hash, token in wait.tokens:
                tx.issue_token(token_hash, token)
            for effect in wait.effects:
                tx.intend(effect)
            if wait.effects:
                tx.record(matter.case_id, "reminded", wait.reason, {"matter": matter.id})
        return new

    def _later(self, matter: Matter, due: datetime | None) -> Matter:
        new = replace(matter, due=due)
        with self.store.begin() as tx:
            tx.change_matter(matter, new)
        return new

    def retry(self, matter: Matter) -> Matter:
        """A person says: go on. An effect set aside as unknown is done again, on their word."""
        if matter.state is not S.NEEDS_HUMAN:
            raise Permanent(f"matter {matter.id} is {matter.state.value}: nothing to retry")
        stopped = self.store.get(matter.case_id, f"{matter.id}/stopped")
        to = S.CLASSIFIED
        if isinstance(stopped, dict) and stopped.get("why") in _MENDED:
            was = State(stopped["in"])
            to = was if was in GOES_ON else S.CLASSIFIED
        with self.store.begin() as tx:
            for effect in self.store.effects(matter.id, matter.plan_version):
                if effect.status in ("unknown", "failed"):
                    tx.change_effect(effect.id, "intended")
            return self.move(matter, Move(to=to, reason="retried"), tx)

    def postpone(self, matter: Matter, seconds: float) -> Matter:
        """After a Transient failure: again later; the state stays, the attempt is counted."""
        new = replace(
            matter,
            attempts=matter.attempts + 1,
            due=self.clock.now() + timedelta(seconds=seconds),
        )
        with self.store.begin() as tx:
            tx.change_matter(matter, new)
        return new

    def stop(self, matter: Matter, reason: str, why: str) -> Matter:
        """Stop for a person; `why` holds no personal data."""
        if matter.state is S.APPROVED:
            why = f"{why}. {self._so_far(matter)}"
        return self.move(matter, Move(to=S.NEEDS_HUMAN, reason=reason, facts={"why": why}))

    def _so_far(self, matter: Matter) -> str:
        """What of an approved plan was done and what was not, by system."""
        said: dict[str, list[str]] = {"Done": [], "Not done": []}
        for effect in self.store.effects(matter.id, matter.plan_version):
            if effect.kind == "apply":
                actions = effect.payload.get("actions")
                count = len(actions) if isinstance(actions, list) else 0
                name = f"{effect.payload.get('system')} ({count})"
                said["Done" if effect.status == "done" else "Not done"].append(name)
        return "; ".join(f"{what}: {', '.join(names) or '-'}" for what, names in said.items())

    def _act(self, matter: Matter, act: Act) -> Matter:
        """Intend, perform, settle, then move. After a crash: go on with what is written."""
        written = self._intended(matter, act)
        done: list[Effect] = []
        for effect in written:
            if effect.status == "done":
                done.append(effect)
                continue
            try:
                done.append(self.performer.perform(effect))
            except Stale:
                if act.stale is None:
                    raise
                with self.store.begin() as tx:
                    tx.change_effect(effect.id, "failed", {"why": "record changed"})
                    settled = {effect.id, *(one.id for one in done)}
                    for other in written:
                        if other.id not in settled and other.status == "intended":
                            tx.change_effect(other.id, "cancelled")  # the new plan has its own
                    return self.move(matter, act.stale, tx)
        return self.move(matter, act.then(done))

    def _intended(self, matter: Matter, act: Act) -> list[Effect]:
        kinds = {effect.kind for effect in act.effects}
        earlier = [
            effect
            for effect in self.store.effects(matter.id, matter.plan_version)
            if effect.kind in kinds and effect.status in ("intended", "begun", "done", "unknown")
        ]
        if earlier:
            # Written before a crash: the same payloads, tokens included, are gone on with.
            return earlier
        with self.store.begin() as tx:
            for token_hash, token in act.tokens:
                tx.issue_token(token_hash, token)
            for name, document in act.documents.items():
                tx.put(matter.case_id, name, to_json(document))
            for effect in act.effects:
                tx.intend(effect)
                tx.record(
                    matter.case_id,
                    "intended",
                    effect.kind,
                    {"effect": effect.id, "version": effect.plan_version},
                )
        return list(act.effects)


def new_matter(
    case_id: str,
    matter_id: str,
    right: Label,
    received: datetime,
    now: datetime,
    tools: Tools,
    classification: Classification | None = None,
    flags: tuple[str, ...] = (),
) -> Matter:
    """A matter at its beginning, with the last day that the law allows."""
    marketing = bool(classification and classification.marketing and right is Label.OBJECTION)
    automated = bool(classification and classification.automated and right is Label.INFO)
    return Matter(
        id=matter_id,
        case_id=case_id,
        right=right,
        state=S.OPENED,
        received=received,
        last_day=deadline(received, tools.settings.deadline.timezone).last_day,
        marketing=marketing,
        due=now,
        flags=(*flags, "automated") if automated else flags,
    )
