"""Processor time of a piece of work."""

import time
from collections.abc import Callable


def quickest(work: Callable[[], object], tries: int = 3) -> float:
    """Processor seconds of the quickest of some tries: what else a machine does at the same time
    slows the caches down as well, but seldom three times in a row."""
    taken = []
    for _ in range(tries):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return min(taken)
