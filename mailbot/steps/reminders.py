"""When staff are reminded: by `approval.remind_days_left`, until the last day and after it."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from mailbot.case import Label
from mailbot.config import Settings
from mailbot.deadline import breach_deadline
from mailbot.move import Context

_BREACH_REMINDER = timedelta(hours=12)
_TASKS_AFTERWARDS = timedelta(days=6)  # more, once the last day is over: then once a week


def next_reminder(ctx: Context, settings: Settings) -> datetime:
    """The next day on which `approval.remind_days_left` calls for a reminder, at 07:00 local."""
    if ctx.matter.right is Label.BREACH_REPORT and ctx.now < breach_deadline(ctx.matter.received):
        return ctx.now + _BREACH_REMINDER
    zone = ZoneInfo(settings.deadline.timezone)
    today = ctx.now.astimezone(zone).date()
    days = sorted(
        ctx.matter.last_day - timedelta(days=left) for left in settings.approval.remind_days_left
    )
    day = next((day for day in days if day > today), today + timedelta(days=1))
    return datetime.combine(day, time(7), zone)


def next_of_tasks(ctx: Context, settings: Settings) -> datetime:
    """The same days for what is still to be done by hand; once they are over, every week."""
    soon = next_reminder(ctx, settings)
    over = ctx.now.astimezone(ZoneInfo(settings.deadline.timezone)).date() >= ctx.matter.last_day
    return soon + _TASKS_AFTERWARDS if over else soon
