"""Matters that no mail began: see errands.py. Their plans never search, and some tell nobody."""

from datetime import timedelta

from mailbot.move import Context

REAPPLY, REVIEW, LIFTING = "reapply", "review", "lifting"
ERRANDS = frozenset({REAPPLY, REVIEW, LIFTING})
# Art. 18(3): whoever got a restriction is told before it is lifted, with time to object.
WARNING = timedelta(days=14)


def errand(ctx: Context) -> str:
    """Which errand a matter is; "" for one that a mail began."""
    return next((flag for flag in ctx.matter.flags if flag in ERRANDS), "")
