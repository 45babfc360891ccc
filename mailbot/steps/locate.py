"""IDENTIFIED → LOCATED: search every system; what the mail merely claims makes nothing certain."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from mailbot.case import State, Subject
from mailbot.errors import Transient
from mailbot.move import Context, Move, Outcome, Tools
from mailbot.ports import Sources
from mailbot.record import Certainty, SearchResult
from mailbot.steps.execute import carried_out
from mailbot.steps.identify import NO_SEARCH

PATIENCE = 3  # searches, seconds apart, before a plan is made without what could not be searched
CLAIMED = "found only by what the mail claims"


def search(
    subject: Subject,
    sources: Sources,
    case_file: frozenset[str],
    until: datetime,
    of_cases: Callable[[Iterable[str]], frozenset[str]] = lambda ids: frozenset(),
) -> SearchResult:
    """Search by what is proven; then by what is claimed, whose finds are only ever possible.

    Left out: the file of this case and of others (DESIGN § 8: kept for their own time), and mail
    that came after the request (`until`): the day of receipt is the day for which a request is
    answered (law.md § 5).

    A stranger who signs with another's telephone or customer number must not have that person's
    records erased or sent out, so only the authentic From address (or one proven by a code) and
    the keys learnt from its records make a finding certain.
    """
    proven = tuple(key for key in subject.keys if key.verified)
    claimed = tuple(key for key in subject.keys if not key.verified)
    certain = sources.find(replace(subject, keys=proven)) if proven else SearchResult()
    found = {finding.identity: finding for finding in certain.findings}
    not_searched = certain.not_searched
    searched = certain.searched
    if claimed:
        more = sources.find(subject)
        for finding in more.findings:
            found.setdefault(
                finding.identity,
                replace(
                    finding,
                    certainty=Certainty.POSSIBLE,
                    reason=f"{finding.reason}; {CLAIMED}",
                ),
            )
        # Reached is only what was reached with the keys that make a finding certain: a system that
        # failed then, and answers now, has not shown what is the person's.
        failed = {part.system for part in not_searched if part.failed}
        searched = tuple(
            name
            for name in dict.fromkeys((*searched, *more.searched))
            if name not in failed or name in certain.searched
        )
        known = {(part.system, part.why) for part in not_searched}
        not_searched += tuple(
            part for part in more.not_searched if (part.system, part.why) not in known
        )
    case_file |= of_cases([one.message_id for one in found.values() if one.message_id])
    return SearchResult(
        findings=tuple(
            finding
            for finding in found.values()
            if (not finding.message_id or finding.message_id not in case_file)
            and (finding.arrived is None or finding.arrived <= until)
        ),
        searched=searched,
        not_searched=not_searched,
        learnt=certain.learnt,
    )


def locate(ctx: Context, tools: Tools) -> Outcome:
    """Search, and say what was and what was not searched."""
    if ctx.matter.right in NO_SEARCH:
        return Move(to=State.LOCATED, reason="no-search-asked")
    subject = ctx.subject
    earlier = ctx.result.learnt if carried_out(ctx) else ()
    if earlier:
        # The records that taught these keys are gone; others are found by nothing else.
        learnt = tuple(replace(key, verified=True) for key in earlier)
        subject = replace(subject, keys=(*subject.keys, *learnt))
    result = search(subject, tools.sources, ctx.correspondence, ctx.matter.received, tools.of_cases)
    if ctx.matter.attempts < PATIENCE and any(part.failed for part in result.not_searched):
        # A server that starts anew must not make the plan, and so the answer, incomplete.
        raise Transient("a system could not be searched")
    result = replace(result, learnt=tuple(dict.fromkeys((*earlier, *result.learnt))))
    certain = sum(finding.certainty is Certainty.CERTAIN for finding in result.findings)
    return Move(
        to=State.LOCATED,
        reason="searched" if not result.not_searched else "searched-in-part",
        facts={
            "certain": certain,
            "possible": len(result.findings) - certain,
            "searched": list(result.searched),
            "not_searched": [
                {"system": part.system, "why": part.why} for part in result.not_searched
            ],
        },
        documents={f"{ctx.matter.id}/found": result},
    )
