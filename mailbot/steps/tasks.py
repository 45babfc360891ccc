"""CLOSED, with tasks by hand that nobody has told the outcome of: staff are reminded of them."""

from zoneinfo import ZoneInfo

from mailbot.letters.tally import Titles
from mailbot.move import Context, Outcome, Tools, Wait
from mailbot.plan import Action
from mailbot.steps.notify import ask_back
from mailbot.steps.others import open_tasks
from mailbot.steps.reminders import next_of_tasks

TASKS_OPEN = "tasks-open"


def remind_of_tasks(ctx: Context, tools: Tools) -> Outcome:
    """On the days of the deadline's reminders, and weekly after the last day, until each is told.

    The answer is out by then; whatever the person was promised that staff do by hand is not.
    """
    tasks, settings = open_tasks(ctx), tools.settings
    if not tasks or settings.mode == "shadow":
        return Wait(until=None, reason="no-tasks-open")
    today = ctx.now.astimezone(ZoneInfo(settings.deadline.timezone)).date()
    titles = Titles(settings.datamap, settings.approval.language)
    effects, tokens = ask_back(
        ctx, tools, TASKS_OPEN, _told(tasks, titles), f"{TASKS_OPEN}/{today}"
    )
    return Wait(
        until=next_of_tasks(ctx, settings), reason=TASKS_OPEN, effects=effects, tokens=tokens
    )


def _told(tasks: tuple[Action, ...], titles: Titles) -> str:
    """Numbers and systems: what a task is about stands in the approval mail alone."""
    named = (
        f"{task.number} ({titles.system(task.system)})" if task.system else str(task.number)
        for task in tasks
    )
    return ", ".join(named)
