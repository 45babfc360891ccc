"""Octets as atheris (libFuzzer) makes them, guided by what code they reach.

    python -m tests.fuzz.octets [libFuzzer's options] [CORPUS FOLDER…]

A process of its own, since libFuzzer ends the process that it runs in.
"""

import sys

import atheris

with atheris.instrument_imports(include=["mailbot.mailtext", "mailbot.steps.parse"]):
    from tests.fuzz.checks import check, peak_megabytes

MOST_MEGABYTES = 800


def one(data: bytes) -> None:
    """One mail."""
    check(data)
    assert peak_megabytes() < MOST_MEGABYTES


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
