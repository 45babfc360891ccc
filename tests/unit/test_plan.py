"""What an approver approves: every mail that leaves and every action is part of the digest."""

from dataclasses import replace
from datetime import date

import pytest

from mailbot.plan import Action, Do, Letter, Plan, Purpose

LETTER = Letter(recipients=("ola@x.no",), subject="Svar", text="Hei")
NOTICE = Letter(recipients=("post@reseller.no",), subject="Beskjed", text="Vi har slettet")
ACTIONS = (
    Action(number=1, do=Do.DELETE, system="crm", table="people", key={"id": 1}, before={"id": 1}),
    Action(number=2, do=Do.NOTIFY, system="", title="R", after={"email": "post@reseller.no"}),
    Action(number=3, do=Do.SUPPRESS, system="", after={"email": "ola@x.no"}),
    Action(number=4, do=Do.KEEP, system="", reason="case-file", until=date(2029, 12, 29)),
)
PLAN = Plan(
    case="2026-0001", matter="m", version=1, purpose=Purpose.ANSWER, rights=("erasure",),
    letter=LETTER, actions=ACTIONS, notices={"2": NOTICE},
)  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAN, version=2),
        replace(PLAN, letter=replace(LETTER, text="Hei!")),
        replace(PLAN, letter=replace(LETTER, recipients=("per@x.no",))),
        replace(PLAN, notices={}),
        replace(PLAN, notices={"2": replace(NOTICE, text="Vi har rettet")}),
        replace(PLAN, notices={"2": replace(NOTICE, recipients=("ond@x.no",))}),
        replace(PLAN, notices={"3": NOTICE}),
        replace(PLAN, actions=ACTIONS[:2]),
        replace(PLAN, actions=(*ACTIONS[:2], replace(ACTIONS[2], after={"email": "a@x.no"}))),
        replace(PLAN, actions=(*ACTIONS[:3], replace(ACTIONS[3], until=date(2030, 1, 1)))),
        replace(PLAN, actions=ACTIONS[::-1]),
    ],
)
def test_anything_that_differs_is_another_plan(other: Plan):
    assert other.digest != PLAN.digest


def test_the_same_plan_has_the_same_digest_and_reads_in_order():
    many = {str(number): replace(NOTICE, subject=str(number)) for number in (10, 9, 2)}
    plan = replace(PLAN, notices=many)
    assert replace(plan, notices=dict(reversed(many.items()))).digest == plan.digest
    letters = plan.document()["letters"]
    assert isinstance(letters, list)
    assert [one.get("action") for one in letters] == [None, 2, 9, 10]
