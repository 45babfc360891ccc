"""Read labelled replies and print how their decisions are told apart.

    python -m tests.bench.replies FILE.jsonl

Each line holds {"id", "raw", "decision", "items", "rights"}. The figure that counts first is how
many replies that approve nothing were taken for an approval: it must be none.
"""

import json
import sys
from collections import Counter
from pathlib import Path

from mailbot.mailtext.authenticity import Trust
from mailbot.mailtext.decisions import Words, load_words, read_reply
from mailbot.steps.parse import parse

LANGUAGES = ("nb", "nn", "en", "sv", "da", "de")
TEMPLATES = Path(__file__).parents[2] / "templates"


def measure(file: Path, words: Words) -> tuple[Counter[tuple[str, str]], list[str]]:
    """How many of each decision were read as which, and the ids of those that were misread."""
    counts: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        raw = entry["raw"].encode("utf-8", "surrogateescape")
        reply = read_reply(parse(raw, Trust()), words)
        counts[entry["decision"], reply.decision] += 1
        wanted = (entry["decision"], entry.get("items", []), sorted(entry.get("rights", [])))
        if (reply.decision, list(reply.items), sorted(reply.rights)) != wanted:
            wrong.append(f"{entry['id']}: {entry['decision']} read as {reply.decision} {reply.why}")
    return counts, wrong


def main(file: Path) -> None:
    """Print the table, the two figures, and the ids of what was misread."""
    counts, wrong = measure(file, load_words(TEMPLATES, LANGUAGES))
    for (wanted, read), count in sorted(counts.items()):
        print(f"{wanted:12} read as {read:12} {count:4}")
    total = sum(counts.values())
    false = sum(n for (wanted, read), n in counts.items() if read == "approve" != wanted)
    print(f"{total - len(wrong)} of {total} read rightly; {false} taken for an approval wrongly")
    print("\n".join(wrong))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
