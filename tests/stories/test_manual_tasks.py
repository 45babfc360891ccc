"""A system that only a person can search: a task in the plan, its outcome told by reply."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailbot.case import State
from tests.stories.test_straight_way import ERASE
from tests.stories.world import INGRID, KARI, World, letter, world


@pytest.fixture
def small(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def task_number(small: World) -> int:
    """The number of the task by hand in the plan that is asked."""
    matter = small.only_matter()
    plan = small.daemon.flow.context(matter).plan
    assert plan is not None
    (number,) = [action.number for action in plan.actions if action.do.value == "manual"]
    return number


def outcomes(small: World) -> list[dict[str, object]]:
    """What the ledger says of tasks by hand."""
    return [
        dict(facts or {})
        for entry, facts in small.parts.store.ledger()
        if entry.event == "manual-task"
    ]


def approved(small: World) -> int:
    small.write(INGRID, "Sletting", ERASE)
    number = task_number(small)
    small.reply(small.question(), "Godkjent")
    return number


def test_the_task_is_asked_done_by_staff_and_never_claimed_before(small: World) -> None:
    small.write(INGRID, "Sletting", ERASE)
    number = task_number(small)
    question = letter(small.question())
    assert "Google Analytics" in question
    assert f"UTFØRT {number}" in question
    small.reply(small.question(), "Godkjent")
    answer = letter(small.sent(INGRID)[-1])
    assert "søker en medarbeider for hånd: Google Analytics" in answer
    assert outcomes(small) == []
    sent = len(small.sent(INGRID))
    small.reply(small.question(), f"UTFØRT {number}: fant én bruker og slettet den.\n\nHilsen Kari")
    (told,) = outcomes(small)
    assert told["items"] == [number]
    assert str(told["outcome"]).startswith("fant én bruker og slettet den.")
    assert told["approver"] == KARI
    assert len(small.sent(INGRID)) == sent  # nothing is sent by that
    assert small.only_matter().state is State.ANSWERED


def test_the_only_task_needs_no_number_and_the_case_may_be_closed(small: World) -> None:
    number = approved(small)
    small.clock.pass_time(hours=25)
    small.once()
    assert small.only_matter().state is State.CLOSED
    small.reply(small.question(), "Utført.")
    assert [told["items"] for told in outcomes(small)] == [[number]]
    assert small.only_matter().state is State.CLOSED


@pytest.mark.parametrize(
    "text",
    [
        "Godkjent",
        "Utført? Nei, ikke ennå.",
        "Ikke utført",
        "Blir utført i morgen",
        "UTFØRT 9999: et annet nummer",
        "Takk, er dette utført nå?",
    ],
)
def test_anything_else_tells_nothing(small: World, text: str) -> None:
    approved(small)
    small.reply(small.question(), text)
    assert outcomes(small) == []


def test_nobody_else_tells_it(small: World) -> None:
    number = approved(small)
    said = f"UTFØRT {number}: slettet"
    small.reply(small.question(), said, sender=INGRID, name="Ingrid")
    small.reply(small.question(), said, sender="kari@stranger.example")
    small.reply(small.question(), said, dmarc="fail")
    assert outcomes(small) == []


def test_before_the_approval_it_approves_nothing(small: World) -> None:
    small.write(INGRID, "Sletting", ERASE)
    small.reply(small.question(), f"UTFØRT {task_number(small)}: slettet i GA4")
    assert outcomes(small) == []
    assert small.only_matter().state is State.ASKED
    assert len(small.rows("ordrer", "kontakt_id = 1")) == 2
