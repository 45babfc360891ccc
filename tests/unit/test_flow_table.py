"""The lifecycle is one table: every state is in it, nothing is a dead end, the ended stay ended."""

from mailbot.case import ENDED, State
from mailbot.flow import TABLE, allowed


def test_every_state_has_a_stage():
    assert set(TABLE) == set(State)


def test_ended_matters_go_nowhere():
    for ended in ENDED:
        assert TABLE[ended].to == frozenset()
        assert not any(allowed(ended, state) for state in State)


def test_every_open_state_may_stop_for_a_person():
    for state in set(State) - ENDED:
        assert allowed(state, State.NEEDS_HUMAN)


def test_every_state_can_reach_an_end():
    reached = set(ENDED)
    while True:
        more = {state for state in State if TABLE[state].to & reached} | reached
        if more == reached:
            break
        reached = more
    assert reached == set(State)


def test_nothing_is_executed_or_sent_without_approval():
    """APPROVED is entered only from ASKED (or a person's retry), and guards what follows."""
    before = {State.EXECUTED: State.APPROVED, State.VERIFIED: State.EXECUTED}
    before[State.ANSWERED] = State.VERIFIED
    for state, guard in before.items():
        entered = {old for old in State if state in TABLE[old].to} - {State.NEEDS_HUMAN}
        assert entered == {guard}
    entered = {old for old in State if State.APPROVED in TABLE[old].to}
    # From itself: a lifting waits, approved, until the person has been warned (art. 18(3)).
    assert entered == {State.ASKED, State.NEEDS_HUMAN, State.APPROVED}
