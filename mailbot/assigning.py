"""A case is handed to one approver: from then on they are the one who is asked."""

from mailbot.case import ENDED, Matter, State
from mailbot.config import Approver, Settings
from mailbot.errors import Permanent, Transient
from mailbot.flow import Flow
from mailbot.move import Move
from mailbot.ports import Store, Tx
from mailbot.steps.classify import TRIAGE

_SOON_SECONDS = 2.0


def assign(store: Store, flow: Flow, case_id: str, address: str) -> str:
    """Hand a case to an approver; open questions are put to them anew. Returns a sentence.

    Raises Permanent for a case or an approver that there is not, Transient while a worker is at
    the case.
    """
    case = store.case(case_id)
    if case is None or case.closed is not None:
        raise Permanent(f"there is no open case {case_id}: `mailbot cases` lists them")
    approver = approver_of(flow.tools.settings, address)
    with store.claim_case(case_id) as held:
        if not held:
            raise Transient(f"case {case.number} is being worked on", _SOON_SECONDS)
        barred = rights_barred(store, case_id, approver)
        if barred:
            raise Permanent(f"this approver may not decide on {', '.join(barred)}")
        with store.begin() as tx:
            hand_to(store, tx, flow, case_id, approver)
    return f"case {case.number}: {approver.address} is asked from now on"


def rights_barred(store: Store, case_id: str, approver: Approver) -> tuple[str, ...]:
    """The rights of a case's open matters, if the approver may decide on none of them."""
    rights = {m.right.value for m in store.matters(case_id) if m.state not in ENDED}
    return () if any(approver.may(right) for right in rights) else tuple(sorted(rights))


def hand_to(store: Store, tx: Tx, flow: Flow, case_id: str, approver: Approver) -> None:
    """Within a transaction, by whoever holds the case."""
    tx.put(case_id, "assigned", approver.address)
    tx.record(case_id, "assigned", "", {"approver": approver.address})
    for matter in store.matters(case_id):
        again = _again(matter)
        if again is not None:
            flow.move(matter, again, tx)


def approver_of(settings: Settings, address: str) -> Approver:
    """The approver with an address or a name. Raises Permanent naming those that there are."""
    wanted = address.strip().casefold()
    named = [
        each
        for each in settings.approver
        if wanted and wanted in (each.address.casefold(), each.name.casefold())
    ]
    found = named[0] if len(named) == 1 else None
    if found is None:
        known = ", ".join(each.address for each in settings.approver)
        raise Permanent(f"{address[:80]!r} is no approver; there are: {known}")
    return found


def _again(matter: Matter) -> Move | None:
    """How an open question is asked anew; earlier tokens are void."""
    if matter.state is not State.ASKED:
        return None
    if TRIAGE in matter.flags:
        # The same question under a new version: the old one counts as sent.
        return Move(
            to=State.OPENED,
            reason="assigned",
            changes={"plan_version": matter.plan_version + 1},
            void_tokens=True,
        )
    return Move(to=State.PROPOSED, reason="assigned", void_tokens=True)
