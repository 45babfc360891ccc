"""OPENED → CLASSIFIED, or a question to staff: is this a privacy request at all?"""

from mailbot.case import Label, State
from mailbot.letters import TriageFacts, write_triage
from mailbot.move import Act, Context, Move, Outcome, Tools
from mailbot.steps import approvers, outgoing

TRIAGE = "triage"  # the flag of a matter whose question is whether it is one


def classify(ctx: Context, tools: Tools) -> Outcome:
    """Go on with a clear request; ask staff about the rest (the clock runs from receipt)."""
    if TRIAGE not in ctx.matter.flags:
        return Move(
            to=State.CLASSIFIED,
            reason="words-matched",
            facts={
                "labels": [label.value for label in ctx.classification.labels],
                "privacy": round(ctx.classification.privacy, 4),
            },
        )
    effects = []
    tokens = []
    # Whatever the model guessed, this is asked of those who may decide on any right it might be.
    for approver in approvers.asked_about(ctx, tools.settings):
        token, hashed, stands_for = outgoing.issue(
            ctx, approver, ctx.matter.plan_version, tools.random(outgoing.TOKEN_OCTETS)
        )
        question = write_triage(
            TriageFacts(
                token=token,
                case_number=ctx.case.number,
                language=tools.settings.approval.language,
                mail=ctx.mail,
                classification=ctx.classification,
                received=ctx.case.received,
                last_day=ctx.matter.last_day,
                today=ctx.now.date(),
            ),
            tools.templates,
        )
        tokens.append((hashed, stands_for))
        effects.append(
            outgoing.to_approver(
                ctx,
                tools.settings,
                approver,
                "question",
                hashed,
                question.subject,
                question.text,
                question.html,
            )
        )
    return Act(
        effects=tuple(effects),
        tokens=tuple(tokens),
        then=lambda done: Move(
            to=State.ASKED, reason="is-this-privacy", facts={"questions": len(done)}
        ),
    )


def likely_right(labels: tuple[Label, ...]) -> Label:
    """The right under which a doubtful mail is registered until staff say."""
    return next((label for label in labels if label is not Label.NOT_PRIVACY), Label.INFO)
