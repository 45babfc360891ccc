"""A system that only a person can search: a task in the plan, its outcome told by reply."""

from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from mailbot.case import State
from mailbot.errors import Permanent
from mailbot.message import Outgoing, Sent
from mailbot.ports import Outbox
from mailbot.steps.others import WHEN_CORRECTED
from tests.stories.test_beyond_the_records import ERASE_EN, RESELLER
from tests.stories.test_straight_way import ERASE
from tests.stories.world import INGRID, KARI, MARTIN, World, letter, world


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


def test_a_task_worded_as_an_erasure_deletes_nothing_where_a_copy_is_asked_for(small: World):
    small.write(INGRID, "Innsyn", "Hei, hva har dere lagret om meg? Send meg en kopi.")
    small.write(MARTIN, "Erasure", ERASE)
    copied, erased = map(letter, small.questions())
    assert "Slett ingenting" in copied
    assert "Slett ingenting" not in erased


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


# --- reminded of --------------------------------------------------------------------------------


def reminders(small: World) -> list[EmailMessage]:
    return [mail for mail in small.notices() if "ikke meldt utført" in str(mail["Subject"])]


def test_an_open_task_is_reminded_of_with_the_deadline_and_then_weekly(small: World) -> None:
    number = approved(small)
    small.clock.pass_time(hours=25)
    small.once()
    assert small.only_matter().state is State.CLOSED
    assert reminders(small) == []
    days = [
        day
        for day in range(1, 60)
        for before in [len(reminders(small))]
        if not small.clock.pass_time(days=1) and not small.once() and len(reminders(small)) > before
    ]
    assert len(days) >= 5
    assert days[-1] - days[-2] == 7  # after the last day no oftener
    reminder = reminders(small)[-1]
    text = letter(reminder)
    assert f"{number} (Google Analytics)" in text
    assert "BESVART" not in text
    assert small.only_matter().state is State.CLOSED
    small.reply(reminder, f"UTFØRT {number}: ingen treff")
    assert [told["items"] for told in outcomes(small)] == [[number]]
    count = len(reminders(small))
    small.clock.pass_time(days=30)
    small.once()
    assert len(reminders(small)) == count
    assert small.parts.store.verify_ledger().ok


def test_the_reminder_decides_nothing(small: World) -> None:
    approved(small)
    small.clock.pass_time(hours=25)
    small.once()
    small.clock.pass_time(days=30)
    small.once()
    small.clock.pass_time(days=8)
    small.once()
    for text in ("Godkjent", "BESVART", "AVVIS: nei", "SPØR: hvem er du?"):
        small.reply(reminders(small)[-1], text)
        assert small.only_matter().state is State.CLOSED
    assert outcomes(small) == []
    assert len(small.sent(INGRID)) == 1


# --- recipients of what is changed by hand (art. 19) --------------------------------------------


@pytest.fixture
def reading_only(tmp_path: Path) -> Iterator[World]:
    """No write access: each change is a task for staff."""

    def edit(text: str) -> str:
        datamap = tmp_path / "config" / "datamap.toml"
        kept = [line for line in datamap.read_text().splitlines() if "write_url" not in line]
        datamap.write_text("\n".join(kept) + "\n")
        return text

    with world(tmp_path, edit) as made:
        yield made


def test_recipients_are_told_once_staff_have_erased_by_hand_and_not_before(
    reading_only: World,
) -> None:
    made = reading_only
    made.write(MARTIN, "Erase my data", ERASE_EN)
    question = letter(made.question())
    assert "varsler 1 mottaker" in question.splitlines()[0]
    assert "Hele beskjeden" in question
    made.reply(made.question(), "Godkjent")
    (answer,) = made.sent(MARTIN)
    assert "We tell them as soon as it is done: Vestland Programvare AS" in letter(answer)
    assert "have told these recipients" not in letter(answer)
    assert "We have not erased anything" not in letter(answer)  # staff will, by hand
    assert "What we keep" in letter(answer)
    assert made.sent(RESELLER) == []
    plan = made.daemon.flow.context(made.only_matter()).plan
    assert plan is not None
    tasks = [a.number for a in plan.actions if a.do.value == "manual" and a.table]
    assert len(tasks) > 1
    made.reply(made.question(), f"UTFØRT {tasks[0]}: slettet")
    assert made.sent(RESELLER) == []
    rest = ", ".join(map(str, tasks[1:]))
    made.reply(made.question(), f"UTFØRT {rest}: slettet")
    (notice,) = made.sent(RESELLER)
    assert "Martin Keller" in letter(notice)
    made.reply(made.question(), f"UTFØRT {rest}: slettet")
    assert len(made.sent(RESELLER)) == 1  # once
    made.write(
        RESELLER, f"SV: {notice['Subject']}", "Vi har slettet alt om Martin Keller.",
        answers=str(notice["Message-ID"]).strip("<>"),
    )  # fmt: skip
    assert "recipient-answered" in [entry.event for entry, _ in made.parts.store.ledger()]
    assert made.parts.store.verify_ledger().ok


class Refusing:
    """An outbox whose server refuses one recipient for good; everything else goes its way."""

    def __init__(self, outbox: Outbox, address: str) -> None:
        self.certain, self.find = outbox.certain, outbox.find
        self._outbox, self._address = outbox, address

    def send(self, mail: Outgoing, begun: Callable[[], None]) -> Sent:
        if any(to.address == self._address for to in mail.to):
            raise Permanent("the server refused a recipient")
        return self._outbox.send(mail, begun)


def test_a_notice_that_cannot_leave_is_told_to_staff(reading_only: World) -> None:
    made = reading_only
    performer = made.daemon.flow.performer
    performer.outboxes = {
        name: Refusing(outbox, RESELLER) for name, outbox in performer.outboxes.items()
    }
    made.write(MARTIN, "Erase my data", ERASE_EN)
    made.reply(made.question(), "Godkjent")
    plan = made.daemon.flow.context(made.only_matter()).plan
    assert plan is not None
    tasks = ", ".join(str(a.number) for a in plan.actions if a.do.value == "manual" and a.table)
    made.reply(made.question(), f"UTFØRT {tasks}: slettet")
    made.once()
    assert made.sent(RESELLER) == []
    assert "mottaker kom ikke fram" in str(made.notices()[-1]["Subject"])


def test_nobody_but_the_approver_sets_the_notices_going(reading_only: World) -> None:
    made = reading_only
    made.write(MARTIN, "Erase my data", ERASE_EN)
    plan = made.daemon.flow.context(made.only_matter()).plan
    assert plan is not None
    numbers = ", ".join(str(a.number) for a in plan.actions if a.do.value == "manual")
    made.reply(made.question(), f"UTFØRT {numbers}: slettet")  # not approved yet
    made.reply(made.question(), "Godkjent")
    made.reply(made.question(), f"UTFØRT {numbers}: slettet", sender="x@stranger.example")
    made.reply(made.question(), f"UTFØRT {numbers}: slettet", dmarc="fail")
    assert made.sent(RESELLER) == []


def test_who_got_values_that_staff_correct_is_a_task_as_well(reading_only: World) -> None:
    made = reading_only
    made.write(
        MARTIN, "My address",
        "Hello, please correct my address: I have moved to Parkweg 12, 20144 Hamburg.\n\nMartin",
    )  # fmt: skip
    matter = made.only_matter()
    plan = made.daemon.flow.context(matter).plan
    assert plan is not None
    assert plan.notices == {}
    assert [a.title for a in plan.actions if a.reason == WHEN_CORRECTED] == [
        "Vestland Programvare AS"
    ]
    assert "gi beskjed når det er rettet" in letter(made.question())
