"""What three decisions of staff are worth: `python -m tests.bench.learning`.

For each kind of ordinary mail that the shipped model may be unsure of, staff say "not privacy" to
three; then others of the same kind come, in other words, and requests in much the same words.
All lessons are tried together, as the daemon does it, in a process of its own.
"""

import resource
import sys
import threading
import time
from datetime import UTC, datetime

from mailbot.case import Route
from mailbot.language.checkset import development_set
from mailbot.language.classifier import Classifier
from mailbot.language.lessons import Layer, Lesson, Trial
from mailbot.learning import hold_trial

# kind: (what staff saw, what comes later)
KINDS = {
    "an employee has left": (
        (
            "Vennligst deaktiver og slett brukeren til Ola, han er ikke lenger ansatt her.",
            "Vennligst slett brukeren til Marte Olsen, hun er ikke lenger ansatt hos oss.",
            "Kan dere slette brukeren til Jon? Han er ikke ansatt lenger.",
        ),
        (
            "Vennligst slett brukeren til Per Tangen, han er ikke lenger ansatt.",
            "Slett brukerne til Pål og Anne, de er ikke lenger ansatt her.",
            "Hei, brukeren til Siri kan slettes. Hun er ikke lenger ansatt hos oss.",
            "Kan dere deaktivere brukeren til Knut, han er ikke ansatt her lenger?",
        ),
    ),
    "export of a project": (
        (
            "Hi, how can I export all my data from the dashboard to Excel?",
            "Can you help me export my project data to a csv file? The button does nothing.",
            "I would like to export my data from the dashboard to csv, how?",
        ),
        (
            "How can I export all data from my dashboard as csv?",
            "How do I export all my data to Excel?",
            "Can you help me export my data from the dashboard?",
            "I would like to export my project data to Excel, how?",
        ),
    ),
    "merging accounts": (
        (
            "Hei. Jeg har to kontoer hos dere. Kan dere slå dem sammen? Den ene kan gå ut.",
            "Vi har visst to kontoer. Kan dere slå dem sammen, så kan den gamle gå ut?",
            "Kan dere slå sammen de to kontoene mine? Den på jobbadressen kan gå ut.",
        ),
        (
            "Hei, vi har to kontoer hos dere. Kan de slås sammen til én? Den eldste kan gå ut.",
            "Kan dere slå sammen kontoene våre? Den gamle kan gå ut.",
            "Jeg har visst to kontoer. Slå dem sammen, så kan den ene gå ut.",
            "Hei! To kontoer på samme firma. Kan de slås sammen, og den ene gå ut?",
        ),
    ),
    "access to invoices": (
        (
            "Jeg ser bare to år tilbake i portalen. Revisor vil ha innsyn i alle fakturaene.",
            "Kan dere gi oss innsyn i alle fakturaene i portalen? Vi ser bare de siste to årene.",
            "Revisor trenger innsyn i de eldre fakturaene i portalen.",
        ),
        (
            "Revisoren vår vil ha innsyn i fakturaene fra i fjor. Vi finner dem ikke i portalen.",
            "Kan vi få innsyn i alle fakturaene i portalen? Vi ser bare de siste.",
            "Hvor er de eldre fakturaene i portalen? Revisor vil ha innsyn i alle.",
            "Trenger innsyn i fakturaene fra 2022 i portalen til revisor.",
        ),
    ),
}
REQUESTS = (
    "Kan dere slette brukeren min og alt dere vet om meg?",
    "Jeg er ikke lenger ansatt hos Malm. Slett brukeren min og alle opplysninger om meg.",
    "Please export all the personal data you hold about me.",
    "Jeg vil ha innsyn i alt dere har lagret om meg.",
    "Jeg har to kontoer hos dere. Slett begge og alt dere har om meg.",
    "I want a copy of my personal data, not only what the dashboard shows.",
)


def bothers(classifier: Classifier, texts: tuple[str, ...]) -> int:
    """How many are opened or asked about."""
    return sum(classifier.classify("", text).route is not Route.LEAVE for text in texts)


def said(classifier: Classifier, text: str) -> tuple[object, ...]:
    """Route and rights of a mail."""
    found = classifier.classify("", text)
    return found.route, found.labels


def main() -> int:
    """Print what changed; 1 if anything got worse."""
    plain = Classifier.load(0.85, 0.15)
    now = datetime.now(UTC)
    lessons = tuple(
        Lesson(
            id=f"{kind}/{number}",
            at=now,
            traits=plain.traits("", text),
            sender=f"{kind}/{number}",
            proven=True,
            privacy=False,
        )
        for kind, (seen, _) in KINDS.items()
        for number, text in enumerate(seen)
    )
    began = time.monotonic()
    trial = Trial(lessons=lessons, before=None, open_above=0.85, ask_above=0.15)
    verdict = hold_trial(trial, threading.Event())
    seconds = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"trial: {seconds:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of processor,"
        f" {used.ru_maxrss / 1024:.0f} MB; {verdict.mails} check mails"
    )
    print(f"missed, bothered, wrong rights among alike: {verdict.before} -> {verdict.after}")
    if verdict.reach is None:
        print("not adopted")
        return 1
    taught = plain.taught(Layer(lessons=lessons, reach=verdict.reach, common=verdict.common))
    print(f"adopted, reach {verdict.reach}")
    totals = [0, 0, 0]
    for kind, (_, later) in KINDS.items():
        before, after = bothers(plain, later), bothers(taught, later)
        totals = [totals[0] + len(later), totals[1] + before, totals[2] + after]
        print(f"  {kind}: {before} of {len(later)} asked about before, {after} after")
    same = sum(said(plain, text) == said(taught, text) for text in REQUESTS)
    print(f"alike mail asked about: {totals[1]} of {totals[0]} before, {totals[2]} after")
    print(f"requests in like words, same route and rights as before: {same} of {len(REQUESTS)}")
    return int(totals[2] >= totals[1] or same < len(REQUESTS) or not poisoned(plain, now))


def poisoned(plain: Classifier, now: datetime) -> bool:
    """Whether lessons that call real requests ordinary are found out and not used."""
    doubtful = [
        mail
        for mail in development_set()
        if mail.privacy and plain.classify(mail.subject, mail.text).route is Route.ASK
    ][:40]
    lessons = tuple(
        Lesson(
            id=f"{number}/{again}",
            at=now,
            traits=plain.traits(mail.subject, mail.text),
            sender=f"{number}/{again}",
            proven=True,
            privacy=False,
        )
        for number, mail in enumerate(doubtful)
        for again in range(3)
    )
    trial = Trial(lessons=lessons, before=None, open_above=0.85, ask_above=0.15)
    verdict = hold_trial(trial, threading.Event())
    refused = verdict.reach is None
    print(
        f"{len(doubtful)} real requests called ordinary three times each: {verdict.before} ->"
        f" {verdict.after}: {'not used' if refused else 'USED'}"
    )
    return refused


if __name__ == "__main__":
    sys.exit(main())
