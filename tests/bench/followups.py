"""Read labelled follow-ups of data subjects and print how what they say is told apart.

    python -m tests.bench.followups FILE.jsonl…

Each line holds {"id", "raw", "says"}. The figure that counts first is how many mails that say more
than thanks were taken for thanks, and so would leave an old plan standing: it must be none.
"""

import json
import sys
from collections import Counter
from pathlib import Path

from mailbot.mailtext.authenticity import Trust
from mailbot.mailtext.decisions import load_words
from mailbot.mailtext.followup import load_followup_words, says
from mailbot.steps.parse import parse
from tests.bench.replies import LANGUAGES, TEMPLATES, Measured, wilson


def measure(file: Path) -> Measured:
    """Read every follow-up of a file."""
    words, followups = load_words(TEMPLATES, LANGUAGES), load_followup_words(TEMPLATES, LANGUAGES)
    out = Measured()
    for line in file.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        mail = parse(entry["raw"].encode("utf-8", "surrogateescape"), Trust())
        said = "automatic" if mail.automatic else says(mail.new_text, words, followups).value
        out.counts[entry["says"], said] += 1
        out.by_client[entry["client"], said == entry["says"]] += 1
        out.by_language[entry["language"], said == entry["says"]] += 1
        if said != entry["says"]:
            out.wrong.append(f"{entry['id']}: {entry['says']} read as {said}")
    return out


def left_standing(counts: Counter[tuple[str, str]]) -> int:
    """Mails that would have left the plan as it is, though they say something."""
    return sum(n for (wanted, said), n in counts.items()
               if wanted != "thanks" and said in ("thanks", "automatic"))  # fmt: skip


def main(files: list[Path]) -> int:
    """Print every file; 1 if a mail that says something was passed over."""
    lost = 0
    for file in files:
        measured = measure(file)
        print(f"\n{file.name}")
        for (wanted, said), count in sorted(measured.counts.items()):
            print(f"  {wanted:10} read as {said:10} {count:4}")
        low, high = wilson(measured.right, measured.total)
        print(
            f"  right: {measured.right} of {measured.total}"
            f" = {measured.right / measured.total:.1%} (95 %: {low:.1%} to {high:.1%})"
        )
        here = left_standing(measured.counts)
        print(f"  passed over although they say something: {here}")
        for each in measured.wrong:
            print(f"  {each}")
        lost += here
    return int(lost > 0)


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))
