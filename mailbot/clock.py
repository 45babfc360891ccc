"""The real clock."""

from datetime import UTC, datetime


class SystemClock:
    """The machine's time (ports.Clock)."""

    def now(self) -> datetime:
        """The present moment, in UTC and aware."""
        return datetime.now(UTC)
