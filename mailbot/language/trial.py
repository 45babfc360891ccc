"""A trial of what was learnt, in a process of its own: `python -m mailbot.language.trial`.

Lessons come in as JSON, a verdict goes out. Every mail of the check set that is alike to a lesson
is judged with the lessons in force before and with the new ones. The widest reach that does no
worse in anything (privacy mail left alone, ordinary mail that bothers, wrong rights) is adopted;
if none does, nothing is. Bounded in memory and processor time; no scikit-learn.
"""

import json
import math
import os
import resource
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mailbot.case import Classification, Route
from mailbot.codec import from_json, to_json
from mailbot.errors import MailbotError
from mailbot.language.checkset import Checked, development_set, of_corpus
from mailbot.language.classifier import Classifier
from mailbot.language.corpus import read_corpus
from mailbot.language.lessons import REACHES, Layer, Trial, Verdict
from mailbot.language.reading import read
from mailbot.language.traits import Traits

MEMORY = 2 << 30  # octets of address space
SECONDS = 600  # of processor time
_EVERY = 4  # of the corpus one in so many is tried: enough to notice harm, in a quarter of a minute
_EVERYDAY = 0.01  # a trait in more than one of a hundred texts is everyday language


@dataclass(frozen=True, slots=True)
class _Found:
    mail: Checked
    traits: Traits


def common_traits(texts: Sequence[Iterable[int]]) -> tuple[tuple[int, float], ...]:
    """Traits of everyday language, each with what it counts: the less, the more common."""
    spread = Counter(trait for traits in texts for trait in traits)
    total = len(texts)
    most = -math.log(_EVERYDAY)
    return tuple(
        (trait, round(math.log(total / number) / most, 4))
        for trait, number in sorted(spread.items())
        if number > _EVERYDAY * total
    )


def wrongs(mail: Checked, found: Classification) -> tuple[int, int, int]:
    """Missed, bothered, wrong set of rights: 1 each if so."""
    if found.route is Route.LEAVE:
        return int(mail.privacy), 0, 0
    if not mail.privacy:
        return 0, 1, 0
    return 0, 0, int(frozenset(found.labels) != mail.labels)


def total(
    classifier: Classifier, layer: Layer | None, mails: Iterable[_Found]
) -> tuple[int, int, int]:
    """What is wrong among some mails under a layer."""
    taught = classifier.taught(layer)
    sums = [wrongs(each.mail, taught.classify(each.mail.subject, each.mail.text)) for each in mails]
    missed, bothered, rights = (
        (sum(column) for column in zip(*sums, strict=True)) if sums else (0, 0, 0)
    )
    return missed, bothered, rights


def try_out(trial: Trial) -> Verdict:
    """Judge lessons by the check set."""
    classifier = Classifier.load(trial.open_above, trial.ask_above)
    examples = read_corpus()
    corpus = [_traits(classifier, mail) for mail in of_corpus(examples[::_EVERY])]
    held_out = [_traits(classifier, mail) for mail in development_set()]
    common = common_traits([each.traits.all for each in corpus])
    widest = Layer(lessons=trial.lessons, reach=min(REACHES), common=common)
    before = replace(trial.before, common=common) if trial.before else None
    alike = _alike(classifier, (widest, before), corpus + held_out)
    old = total(classifier, before, alike)
    new = old
    for reach in REACHES:
        new = total(classifier, replace(widest, reach=reach), alike)
        if all(after <= earlier for after, earlier in zip(new, old, strict=True)):
            return _verdict(trial, len(corpus) + len(held_out), old, new, reach, common)
    return _verdict(trial, len(corpus) + len(held_out), old, new, None, common)


def _verdict(
    trial: Trial,
    mails: int,
    old: tuple[int, int, int],
    new: tuple[int, int, int],
    reach: float | None,
    common: tuple[tuple[int, float], ...],
) -> Verdict:
    return Verdict(
        lessons=len(trial.lessons),
        mails=mails,
        before=old,
        after=new,
        reach=reach,
        common=common if reach is not None else (),
    )


def _traits(classifier: Classifier, mail: Checked) -> _Found:
    reading = read(mail.subject, mail.text)
    language, _ = classifier.guesser.guess(reading.body)
    return _Found(mail, classifier.finder.find(reading, language))


def _alike(
    classifier: Classifier, layers: Iterable[Layer | None], mails: Sequence[_Found]
) -> list[_Found]:
    """The mails of which any layer has anything to say; all others are judged as ever."""
    correctors = [
        taught.corrector for layer in layers if (taught := classifier.taught(layer)).corrector
    ]
    return [each for each in mails if any(one and one.is_near(each.traits) for one in correctors)]


def _limit() -> None:
    os.nice(10)
    for kind, bound in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        most = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(kind, (most, most))


def main() -> int:
    """One trial from standard input to standard output; 1 with a reason if it cannot be held."""
    _limit()
    try:
        trial = from_json(Trial, json.load(sys.stdin))
        verdict = try_out(trial)
    except MailbotError as error:
        print(error, file=sys.stderr)
        return 1
    json.dump(to_json(verdict), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
