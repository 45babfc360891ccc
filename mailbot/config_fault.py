"""A fault that only shows when several keys are seen together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mailbot.config_read import Location, key_of, related
from mailbot.errors import Problem


@dataclass(frozen=True, slots=True)
class Fault:
    """At which key, what is wrong, what to write, and which other keys the judgement rests on."""

    at: Location
    what: str
    remedy: str
    rests_on: tuple[Location, ...] = ()


def problems(faults: Iterable[Fault], name: str, faulty: Iterable[Location]) -> Iterator[Problem]:
    """The faults as problems of the file `name`.

    What concerns a part that is faulty in itself is left out: it was judged without that part, and
    may well be right once the part is mended.
    """
    known = tuple(faulty)
    for fault in faults:
        places = (fault.at, *fault.rests_on)
        if not any(related(place, bad) for place in places for bad in known):
            yield Problem(f"{name}: {key_of(fault.at)}", fault.what, fault.remedy)
