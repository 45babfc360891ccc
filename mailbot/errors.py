"""The few ways in which things fail, named so that the daemon knows what to do about each."""

from collections.abc import Sequence
from dataclasses import dataclass


class MailbotError(Exception):
    """Something went wrong; the text is one sentence for a person, without personal data.

    `undone`: although an effect had begun, the other side said for certain that nothing was done
    (an SMTP server that refuses a mail after its last line); it may be tried again.
    """

    undone: bool = False


class Transient(MailbotError):
    """May succeed later. `retry_after`: seconds that the other side asked us to wait, if it did."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Permanent(MailbotError):
    """Will fail the same way each time until a person changes something."""


class NotAllowed(Permanent):
    """The sign-in may not do this; somebody must grant it first."""


class Stale(MailbotError):
    """A record or a case changed since it was read: look again before acting."""


class Tampered(MailbotError):
    """The ledger or a stored secret does not verify."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in the configuration: where it stands, what is wrong, what to write instead."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.remedy}"


class ConfigError(MailbotError):
    """Every fault of the configuration at once (exit code 2)."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)
