"""Read labelled replies of staff and print how their decisions are told apart.

    python -m tests.bench.replies FILE.jsonl…

Each line holds {"id", "raw", "decision", "items", "rights"}. The figure that counts first is how
many replies that approve nothing were taken for an approval: it must be none. The bounds are those
of Wilson (1927) at 95 %: what the sample allows to be said of replies like these.
"""

import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path

from mailbot.mailtext.authenticity import Trust
from mailbot.mailtext.decisions import Words, load_words, read_reply
from mailbot.steps.parse import parse

LANGUAGES = ("nb", "nn", "en", "sv", "da", "de")
TEMPLATES = Path(__file__).parents[2] / "templates"
_Z = 1.959964  # standard deviations of a two-sided 95 %


@dataclass
class Measured:
    """How many of each decision were read as which, and which replies were misread."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    by_client: Counter[tuple[str, bool]] = field(default_factory=Counter)
    by_language: Counter[tuple[str, bool]] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def right(self) -> int:
        return self.total - len(self.wrong)

    @property
    def others(self) -> int:
        """Replies that approve nothing."""
        return sum(n for (wanted, _), n in self.counts.items() if wanted != "approve")

    @property
    def false_approvals(self) -> int:
        return sum(n for (wanted, read), n in self.counts.items() if read == "approve" != wanted)


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The lower and upper bound of a share."""
    if not total:
        return 0.0, 1.0
    share, square = hits / total, _Z * _Z
    middle = share + square / (2 * total)
    spread = _Z * sqrt((share * (1 - share) + square / (4 * total)) / total)
    below, above = (middle - spread), (middle + spread)
    return max(0.0, below / (1 + square / total)), min(1.0, above / (1 + square / total))


def measure(file: Path, words: Words) -> Measured:
    """Read every reply of a file."""
    out = Measured()
    for line in file.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        raw = entry["raw"].encode("utf-8", "surrogateescape")
        reply = read_reply(parse(raw, Trust()), words)
        out.counts[entry["decision"], reply.decision] += 1
        wanted = (entry["decision"], entry.get("items", []), sorted(entry.get("rights", [])))
        right = (reply.decision, list(reply.items), sorted(reply.rights)) == wanted
        out.by_client[entry.get("client", "?"), right] += 1
        out.by_language[entry.get("language", "?"), right] += 1
        if not right:
            read = f"{entry['decision']} read as {reply.decision} {reply.why}"
            out.wrong.append(f"{entry['id']}: {read}")
    return out


def _shares(counts: Counter[tuple[str, bool]]) -> str:
    names = sorted({name for name, _ in counts})
    return "  ".join(
        f"{name} {counts[name, True]}/{counts[name, True] + counts[name, False]}" for name in names
    )


def show(file: Path, measured: Measured) -> None:
    """Print the table and the figures of one file."""
    print(f"\n{file.name}")
    for (wanted, read), count in sorted(measured.counts.items()):
        print(f"  {wanted:12} read as {read:12} {count:4}")
    low, high = wilson(measured.right, measured.total)
    print(
        f"  right: {measured.right} of {measured.total}"
        f" = {measured.right / measured.total:.1%} (95 %: {low:.1%} to {high:.1%})"
    )
    _, most = wilson(measured.false_approvals, measured.others)
    print(
        f"  taken for an approval wrongly: {measured.false_approvals} of {measured.others}"
        f" (95 %: at most {most:.2%})"
    )
    print(f"  programs:  {_shares(measured.by_client)}")
    print(f"  languages: {_shares(measured.by_language)}")
    for each in measured.wrong:
        print(f"  {each}")


def main(files: list[Path]) -> int:
    """Print every file; 1 if anything was taken for an approval wrongly."""
    words = load_words(TEMPLATES, LANGUAGES)
    false = 0
    for file in files:
        measured = measure(file, words)
        show(file, measured)
        false += measured.false_approvals
    return int(false > 0)


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))
