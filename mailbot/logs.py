"""Logs: JSON to stderr under systemd, readable otherwise; ids and named reasons, nothing else."""

import io
import logging
import sys
from collections.abc import Mapping
from typing import TextIO, cast

import structlog

from mailbot.config import Log


class _Stderr(io.TextIOBase):
    """Standard error as it is when something is written: a process may exchange it."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def set_up(log: Log, environ: Mapping[str, str]) -> None:
    """Configure structlog once for the process."""
    under_systemd = "JOURNAL_STREAM" in environ or "INVOCATION_ID" in environ
    as_json = log.format == "json" or (log.format == "auto" and under_systemd)
    level = logging.getLevelNamesMapping()[log.level.upper()]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Stderr())),
        cache_logger_on_first_use=True,
    )
    # Libraries log addresses and SQL parameters: they stay silent unless something is badly wrong.
    logging.basicConfig(level=logging.CRITICAL, stream=sys.stderr)


def kind_of(error: BaseException) -> str:
    """How an unforeseen error is logged: its type and place; its text may hold personal data."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__} at {place}"
