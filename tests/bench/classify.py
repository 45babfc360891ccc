"""Measure the classifier on labelled mails: `python tests/bench/classify.py FILE.jsonl…`.

Each line: {"id", "from", "subject", "body", "html"?, "headers"?, "labels": […], "language",
"primary"?}; the letters of the shared data ("label", "lang") are understood as well. Beside our
figures stand two references judged on the same mails: the published rule of a commercial
product, and plain TF-IDF fitted to the same corpus. No text of a mail is printed unless
`--errors` is given.
"""

import argparse
import json
import math
import re
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from mailbot.case import Label
from mailbot.language.classifier import Classifier

NORDIC = ("nb", "nn", "da", "sv")


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled mail."""

    id: str
    subject: str
    text: str
    labels: frozenset[str]
    primary: str
    language: str
    attachments: bool

    @property
    def privacy(self) -> bool:
        return "not_privacy" not in self.labels


@dataclass(frozen=True, slots=True)
class Guess:
    """What a classifier said; `route` is open, ask or leave."""

    route: str
    labels: frozenset[str]
    language: str
    privacy: float


class _Text(HTMLParser):
    """The visible text of simple HTML (the daemon's own parser is judged elsewhere)."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("style", "script", "head"):
            self.hidden += 1
        if tag in ("br", "p", "div", "li", "tr", "h1", "h2", "h3", "blockquote"):
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("style", "script", "head"):
            self.hidden = max(0, self.hidden - 1)
        if tag in ("p", "div", "table", "ul", "blockquote"):
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)


def text_of(record: dict[str, object]) -> str:
    body = str(record.get("body") or record.get("text") or "")
    if body.strip() or not record.get("html"):
        return body
    reader = _Text()
    reader.feed(str(record["html"]))
    return "".join(reader.parts)


def read_samples(path: Path) -> list[Sample]:
    found = []
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if not line.strip():
                continue
            record = json.loads(line)
            raw = record.get("labels", record.get("label"))
            labels = [label.split(":")[0] for label in ([raw] if isinstance(raw, str) else raw)]
            found.append(
                Sample(
                    id=str(record["id"]),
                    subject=str(record.get("subject") or ""),
                    text=text_of(record),
                    labels=frozenset(labels),
                    primary=str(record.get("primary") or labels[0]).split(":")[0],
                    language=str(record.get("language") or record.get("lang") or ""),
                    attachments=bool(record.get("attachments")),
                )
            )
    return found


def wilson_upper(hits: int, total: int, z: float = 1.6449) -> float:
    """The upper end of the one-sided 95 % Wilson interval of a rate."""
    if total == 0:
        return float("nan")
    rate = hits / total
    centre = rate + z * z / (2 * total)
    spread = z * math.sqrt(rate * (1 - rate) / total + z * z / (4 * total * total))
    return min(1.0, (centre + spread) / (1 + z * z / total))


def _rate(name: str, wrong: int, total: int, goal: str) -> str:
    if not total:
        return f"  {name:<44} no such mails"
    return (
        f"  {name:<44} {wrong / total:7.2%}  (≤ {wilson_upper(wrong, total):6.2%} with 95 %)"
        f"  {wrong}/{total}   {goal}"
    )


def report(title: str, samples: Sequence[Sample], guesses: Sequence[Guess]) -> None:
    pairs = list(zip(samples, guesses, strict=True))
    privacy = [pair for pair in pairs if pair[0].privacy]
    ordinary = [pair for pair in pairs if not pair[0].privacy]
    print(f"\n{title}")
    missed = sum(guess.route == "leave" for _, guess in privacy)
    bother = sum(guess.route != "leave" for _, guess in ordinary)
    primary = sum(sample.primary not in guess.labels for sample, guess in privacy)
    exact = sum(sample.labels != guess.labels for sample, guess in privacy)
    known = [pair for pair in pairs if pair[0].language and pair[1].language]
    language = sum(sample.language != guess.language for sample, guess in known)
    print(_rate("missed (privacy mail left alone)", missed, len(privacy), "goal 1 %"))
    print(_rate("bother (ordinary mail opened or asked)", bother, len(ordinary), "goal 5 %"))
    asked = sum(guess.route == "ask" for _, guess in privacy)
    print(_rate("privacy mail asked, not opened", asked, len(privacy), ""))
    opened = sum(guess.route == "open" for _, guess in ordinary)
    print(_rate("ordinary mail opened", opened, len(ordinary), ""))
    print(_rate("primary right not among the labels", primary, len(privacy), "goal 4 %"))
    print(_rate("label set not exact", exact, len(privacy), "goal 15 %"))
    if known:
        print(_rate("language wrong", language, len(known), "goal 3 %"))


def details(samples: Sequence[Sample], guesses: Sequence[Guess]) -> None:
    pairs = list(zip(samples, guesses, strict=True))
    print("\nper label:       precision  recall    in truth")
    for label in Label:
        truth = sum(label in sample.labels for sample, _ in pairs)
        said = sum(label in guess.labels for _, guess in pairs)
        both = sum(label in sample.labels and label in guess.labels for sample, guess in pairs)
        if truth or said:
            print(
                f"  {label.value:<20} {both / said if said else 0:7.1%} "
                f"{both / truth if truth else 0:7.1%} {truth:8d}"
            )
    confusion: Counter[tuple[str, str]] = Counter()
    for sample, guess in pairs:
        for lost in sample.labels - guess.labels:
            for instead in (guess.labels - sample.labels) or {"(nothing else)"}:
                confusion[(lost, instead)] += 1
    print("\nmost confused (meant → said):")
    for (meant, said_instead), number in confusion.most_common(14):
        print(f"  {meant} → {said_instead}: {number}")
    tongues: Counter[str] = Counter(
        f"{sample.language}→{guess.language}"
        for sample, guess in pairs
        if sample.language != guess.language and sample.language in NORDIC
    )
    if tongues:
        print("\nNordic languages confused:", dict(tongues.most_common()))
    by_language: dict[str, list[bool]] = {}
    for sample, guess in pairs:
        good = (guess.route != "leave") == sample.privacy
        by_language.setdefault(sample.language, []).append(good)
    print("\nprivacy told from ordinary, by language:")
    for language, marks in sorted(by_language.items()):
        print(f"  {language:<4} {sum(marks) / len(marks):7.1%} of {len(marks)}")


def by_us(classifier: Classifier, samples: Iterable[Sample]) -> list[Guess]:
    found = []
    for sample in samples:
        said = classifier.classify(sample.subject, sample.text, sample.attachments)
        found.append(
            Guess(
                said.route.value,
                frozenset(label.value for label in said.labels),
                said.language,
                said.privacy,
            )
        )
    return found


_RULE_ERASURE = re.compile(
    r"delet|remov|eras|forget|slett|fjern|gløym|glem|radera|ta bort|glöm|slet|lösch|entfern|"
    r"vergess|supprim|effac|oubli|borr|elimin|suprim|olvid|verwijder|wis|vergeet|usun|zapomn|"
    r"poist|unohd|cancell|dimentic",
    re.IGNORECASE,
)
_RULE_PRIVACY = re.compile(
    r"gdpr|dsgvo|rgpd|avg\b|rodo|personvern|personopplysning|persondata|personuppgift|dataskydd|"
    r"privacy|personal data|my data|datenschutz|personenbezogen|données personnelles|"
    r"datos personales|persoonsgegevens|dane osobowe|danych osobowych|henkilötie|dati personali|"
    r"innsyn|opplysningene mine|uppgifter om mig",
    re.IGNORECASE,
)


def by_published_rule(samples: Iterable[Sample]) -> list[Guess]:
    """ "Contains delete/remove/erase/forget → deletion, otherwise access"; a trigger added.

    The rule as published presumes a privacy inbox, so that every mail is a request. Here a mail
    must hold one of the deletion words or a word of privacy to count as one at all.
    """
    found = []
    for sample in samples:
        text = f"{sample.subject}\n{sample.text}"
        if _RULE_ERASURE.search(text):
            found.append(Guess("open", frozenset({"erasure"}), "", 1.0))
        elif _RULE_PRIVACY.search(text):
            found.append(Guess("open", frozenset({"access"}), "", 1.0))
        else:
            found.append(Guess("leave", frozenset({"not_privacy"}), "", 0.0))
    return found


def plain_tfidf() -> Callable[[Iterable[Sample]], list[Guess]]:
    """TF-IDF of words and word pairs with logistic regression, fitted to our own corpus."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    from mailbot.language.corpus import read_corpus

    examples = read_corpus()
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    rows = vectors.fit_transform([f"{each.subject} {each.text}" for each in examples])
    names = [label.value for label in Label if label is not Label.NOT_PRIVACY]

    def fitted(target: list[bool]) -> LogisticRegression:
        return LogisticRegression(C=10, solver="liblinear").fit(rows, target)

    privacy = fitted([each.privacy for each in examples])
    rights = [fitted([Label(name) in each.labels for each in examples]) for name in names]

    def judge(samples: Iterable[Sample]) -> list[Guess]:
        row = vectors.transform([f"{each.subject} {each.text}" for each in samples])
        odds = privacy.predict_proba(row)[:, 1]
        each_right = [right.predict_proba(row)[:, 1] for right in rights]
        found = []
        for at, chance in enumerate(odds):
            said = {name for name, p in zip(names, each_right, strict=True) if p[at] >= 0.5}
            said = said or {max(zip(each_right, names, strict=True), key=lambda p: p[0][at])[1]}
            route = "open" if chance >= 0.85 else "ask" if chance >= 0.15 else "leave"
            labels = {"not_privacy"} if route == "leave" else said
            found.append(Guess(route, frozenset(labels), "", float(chance)))
        return found

    return judge


def speed(classifier: Classifier, samples: Sequence[Sample]) -> None:
    """Mails a second on one core, memory of this process, and whether scikit-learn is loaded."""
    begun = time.process_time()
    rounds = max(1, 2000 // max(1, len(samples)))
    for _ in range(rounds):
        by_us(classifier, samples)
    spent = time.process_time() - begun
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    heavy = [name for name in ("sklearn", "scipy") if name in sys.modules]
    print(
        f"\nspeed: {rounds * len(samples) / spent:.0f} mails/s on one core; {memory:.0f} MB "
        f"resident at most; scikit-learn in memory: {'yes' if heavy else 'no'}"
    )


def errors(samples: Sequence[Sample], guesses: Sequence[Guess]) -> None:
    """Each mail that was routed or labelled wrongly, with its text (development sets only)."""
    for sample, guess in zip(samples, guesses, strict=True):
        routed = (guess.route != "leave") == sample.privacy
        if not routed or (sample.privacy and sample.labels != guess.labels):
            kind = "LABEL" if routed else "MISSED" if sample.privacy else "BOTHER"
            print(
                f"{kind} {sample.id} {guess.privacy:.3f} {sample.language} "
                f"{sorted(sample.labels)} → {sorted(guess.labels)}\n    "
                f"{sample.subject!r} || {sample.text[:500]!r}"
            )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("files", nargs="+", type=Path)
    options.add_argument("--errors", action="store_true", help="print what was judged wrongly")
    options.add_argument("--ask-above", type=float)
    options.add_argument("--open-above", type=float)
    options.add_argument("--baselines", action="store_true", help="the two references as well")
    chosen = options.parse_args()
    begun = time.perf_counter()
    classifier = Classifier.load(chosen.open_above, chosen.ask_above)
    print(f"model loaded in {time.perf_counter() - begun:.3f} s")
    samples = [sample for path in chosen.files for sample in read_samples(path)]
    guesses = by_us(classifier, samples)
    report(f"mailbot, {len(samples)} mails", samples, guesses)
    details(samples, guesses)
    speed(classifier, samples)
    if chosen.baselines:
        report("reference: the published rule", samples, by_published_rule(samples))
        report("reference: plain TF-IDF, same corpus", samples, plain_tfidf()(samples))
    if chosen.errors:
        errors(samples, guesses)


if __name__ == "__main__":
    main()
