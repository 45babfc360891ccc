"""What staff or the clock set going without a mail: erasing again after a restore, the periodic
review, lifting a restriction. Each is proposed, asked and approved like everything else.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from mailbot.assigning import assign
from mailbot.case import Case, Classification, Label, Matter, Route, State, Subject
from mailbot.codec import from_json, to_json
from mailbot.errors import Permanent
from mailbot.flow import Flow, new_matter
from mailbot.memory import Records
from mailbot.plan import Action, Do, Plan, Proposal, Purpose
from mailbot.ports import Clock, Store, Tx
from mailbot.steps.errand import LIFTING, REAPPLY, REVIEW
from mailbot.steps.propose import numbered

ERRANDS = frozenset({"reapply", "review", "lift", "assign"})
MOST = 200  # records in one proposal: more than a person judges at once


class Errands:
    """Opens the matters; the daemon advances them."""

    def __init__(self, store: Store, flow: Flow, clock: Clock) -> None:
        self.store = store
        self.flow = flow
        self.clock = clock

    def do(self, words: str) -> str:
        """Carry out one errand by its words, e.g. "reapply crm". Raises Permanent."""
        verb, _, about = words.partition(" ")
        match verb:
            case "reapply":
                return self.reapply(about)
            case "review":
                return self.review()
            case "lift":
                return self.lift(about)
            case "assign":
                case_id, _, address = about.partition(" ")
                return assign(self.store, self.flow, case_id, address)
        raise Permanent(f"{verb} is no errand")

    def reapply(self, system: str) -> str:
        """Propose to erase again what a restored database brought back. Returns a sentence.

        Raises Permanent if the system is no database of the map.
        """
        records = self._records(system)
        memory = self.store.recall(system, self.clock.now())
        actions, unsure = records.came_back(memory)
        said = [self._say("came_back", system=system, count=len(actions))]
        if actions:
            said.append(self._say("asked", case=self._propose(REAPPLY, system, actions)))
        if unsure:
            said.append(self._say("unsure", count=unsure))
        return "; ".join(said)

    def review(self) -> str:
        """Propose to erase what is past its retention rule, one case for each database."""
        lines = []
        for name in self.flow.tools.sources.names():
            if not any(part.name == name for part in self.flow.tools.settings.datamap.database):
                continue
            memory = self.store.recall(name, self.clock.now())
            actions, more = self._records(name).time_is_up(memory, MOST)
            if not actions:
                lines.append(self._say("nothing", system=name))
                continue
            said = [self._say("time_up", system=name, count=len(actions))]
            said.append(self._say("asked", case=self._propose(REVIEW, name, actions)))
            if more:
                said.append(self._say("more", count=more))
            lines.append("; ".join(said))
        return "\n".join(lines) or self._say("no_database")

    def _say(self, what: str, **values: object) -> str:
        """Part of a summary, in the language of the other mail to staff."""
        templates = self.flow.tools.templates
        spoken = templates.language(self.flow.tools.settings.approval.language, "notice.txt")
        return templates.words(spoken)("errand_said", what, **values)

    def lift(self, case_id: str) -> str:
        """Propose to lift the restrictions of a case; the person is warned first (art. 18(3))."""
        case = self.store.case(case_id)
        if case is None:
            raise Permanent(f"there is no case {case_id}")
        matters = self.store.matters(case_id)
        open_ones = [m for m in matters if LIFTING in m.flags and m.state is not State.CLOSED]
        if open_ones:
            raise Permanent(f"case {case.number}: lifting is asked already")
        actions: list[Action] = []
        for matter in matters:
            if matter.right is Label.RESTRICTION and LIFTING not in matter.flags:
                actions += self._marked(matter)
        if not actions:
            raise Permanent(f"case {case.number} has no restriction that mailbot has set")
        data = self.store.get(case_id, "request")
        mail_id = str(data["mail_id"]) if isinstance(data, dict) else ""
        mail = self.store.get(case_id, f"mail/{mail_id}")
        sender = mail.get("sender") if isinstance(mail, dict) else None
        to = (str(sender["address"]),) if isinstance(sender, dict) else ()
        with self.store.begin() as tx:
            self._begin(tx, case, Label.RESTRICTION, (LIFTING,), actions, to)
        return f"case {case.number}: lifting is asked"

    def _marked(self, matter: Matter) -> list[Action]:
        """The records that a plan of restriction marked and that still bear the mark."""
        data = self.store.get(matter.case_id, f"{matter.id}/plan/{matter.plan_version}")
        found: list[Action] = []
        for action in from_json(Plan, data).actions if data else ():
            if action.do is not Do.SET:
                continue
            row = self._records(action.system).row(action.table, action.key)
            if row is None or any(row.get(name) != value for name, value in action.after.items()):
                continue
            back = {name: action.before.get(name) for name in action.after}
            found.append(replace(action, before=row, after=back, number=0, done=False))
        return found

    def _records(self, system: str) -> Records:
        if all(part.name != system for part in self.flow.tools.settings.datamap.database):
            names = ", ".join(part.name for part in self.flow.tools.settings.datamap.database)
            raise Permanent(f"{system} is no database of the data map; there are: {names}")
        source = self.flow.tools.sources.get(system)
        return source  # type: ignore[return-value]  # every [[database]] is one

    def _propose(self, flag: str, system: str, actions: Sequence[Action]) -> str:
        """A case without a person who asks: its question goes to staff, its answer to nobody."""
        now = self.clock.now()
        for earlier in self.store.cases():
            if earlier.closed is None and any(
                set(_flags(flag, system)) <= set(matter.flags)
                for matter in self.store.matters(earlier.id)
            ):
                return earlier.number  # asked already, and not answered yet
        case_id = hashlib.sha256(f"{flag}\0{system}\0{now.isoformat()}".encode()).hexdigest()[:16]
        settings = self.flow.tools.settings
        with self.store.begin() as tx:
            case = Case(
                id=case_id,
                number=tx.next_case_number(now.year),
                mailbox=settings.mailbox[0].name,
                received=now,
                language=settings.approval.language,
            )
            tx.open_case(case, None)
            nothing = Classification(
                route=Route.OPEN, labels=(Label.ERASURE,), privacy=1.0, language=case.language
            )
            tx.put(case_id, "classification", to_json(nothing))
            tx.put(case_id, "subject", to_json(Subject(language=case.language)))
            self._begin(tx, case, Label.ERASURE, _flags(flag, system), actions, ())
        return case.number

    def _begin(
        self,
        tx: Tx,
        case: Case,
        right: Label,
        flags: tuple[str, ...],
        actions: Sequence[Action],
        recipients: tuple[str, ...],
    ) -> None:
        now = self.clock.now()
        matter = new_matter(
            case.id, f"{case.id}-{flags[0]}-{now:%Y%m%d%H%M%S}", right, now, now, self.flow.tools,
            flags=flags,
        )  # fmt: skip
        key = self.store.case_key(case.id)
        proposal = Proposal(
            purpose=Purpose.ANSWER, actions=numbered(actions, key), recipients=recipients
        )
        # It is known already what is to be done: nothing has to be understood or searched.
        tx.add_matter(replace(matter, state=State.PROPOSED, note=flags[0]))
        tx.put(case.id, f"{matter.id}/proposal", to_json(proposal))
        counts = {
            table: len(list(each))
            for table, each in groupby(sorted(action.table for action in actions))
        }
        tx.record(case.id, "errand", flags[0], {"matter": matter.id, "records": counts})


def _flags(flag: str, system: str) -> tuple[str, ...]:
    return flag, f"system:{system}"
