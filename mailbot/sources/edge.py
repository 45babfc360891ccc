"""The edge of a thread: whatever fails there is one system's failure alone, and is told."""

from dataclasses import dataclass
from types import TracebackType

from mailbot.errors import MailbotError


@dataclass(slots=True)
class Edge:
    """Swallows an exception and keeps in `why` what may be told of it; "" if nothing failed.

    Never the text of a foreign exception: it may quote values of the database.
    """

    why: str = ""

    def __enter__(self) -> "Edge":
        """The block that may fail."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if isinstance(error, MailbotError):
            self.why = str(error)
        elif isinstance(error, Exception):
            self.why = f"unexpected {type(error).__name__}"
        return isinstance(error, Exception)
