"""A system that only a person can search: paper, web statistics, a reseller's register."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mailbot.case import Label, Subject
from mailbot.datamap import Manual
from mailbot.errors import Permanent
from mailbot.plan import Action, Correction, Do
from mailbot.ports import ActionReceipt
from mailbot.record import Finding, NotSearched, SearchResult
from mailbot.sources.finding import worded


@dataclass(slots=True)
class ManualSource:
    """One [[manual]] system: a task for staff in each plan that it concerns."""

    system: Manual
    language: str = "nb"  # staff's, for the wording of the task
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.system.name

    def check(self) -> Sequence[str]:
        """Nothing to connect to."""
        return ()

    def find(self, subject: Subject) -> SearchResult:
        """Says that a person must look."""
        title = worded(self.system.title, subject.language) or self.name
        missing = NotSearched(system=title, why="manual task for staff")
        return SearchResult(not_searched=(missing,))

    def actions(
        self, right: Label, findings: Sequence[Finding], corrections: Sequence[Correction] = ()
    ) -> Sequence[Action]:
        """The task, if the system is concerned by the right."""
        if right.value not in self.system.rights:
            return ()
        task = Action(
            number=0,
            do=Do.MANUAL,
            system=self.name,
            title=worded(self.system.title, self.language) or self.name,
            reason=worded(self.system.task, self.language),
        )
        return (task,)

    def apply(self, actions: Sequence[Action], key: bytes) -> Sequence[ActionReceipt]:
        """Raises Permanent: only a person can act here."""
        raise Permanent(f"{self.name}: only a person can act here")
