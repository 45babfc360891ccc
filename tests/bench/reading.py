"""How fast mails are parsed and screened, against Python's own parser over the same mails.

    python -m tests.bench.reading [--folder RAWMAILS] [--mails 2000] [--rounds 5]

The reference does less: it parses with `policy=default` and takes the body out, and neither looks
for quotes, hidden text, senders that deceive, machines, nor at attachments. Both run in turns in
this process, round after round, and the best round of each counts.
"""

import argparse
import email
import email.policy
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mailbot.mailtext.authenticity import Trust
from mailbot.steps.parse import parse
from mailbot.steps.screen import screen
from tests.bench import corpus

TARGET = 0.70


def reference(raw: bytes) -> str:
    """Bare `email`: the mail, and the text of its body."""
    try:
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        body = mail.get_body(("plain", "html"))
        return str(body.get_content()) if body is not None else ""
    except (LookupError, ValueError, AttributeError, TypeError, RecursionError):
        return ""  # hostile mails defeat it; the time until then counts


def ours(trust: Trust) -> Callable[[bytes], object]:
    """Parse and screen."""
    return lambda raw: screen(parse(raw, trust))


def seconds(read: Callable[[bytes], object], mails: Sequence[bytes]) -> float:
    """Processor time for all of them."""
    start = time.process_time()
    for raw in mails:
        read(raw)
    return time.process_time() - start


def compare(mails: Sequence[bytes], rounds: int) -> tuple[float, float]:
    """Mails a second: the reference, and ours."""
    trust = Trust()
    theirs, own = [], []
    for _ in range(rounds):
        theirs.append(seconds(reference, mails))
        own.append(seconds(ours(trust), mails))
    return len(mails) / min(theirs), len(mails) / min(own)


def main() -> int:
    """Print both rates and their ratio; 1 if the ratio misses the target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--mails", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    sets = {"generated": list(corpus.mails(options.mails))}
    if options.folder is not None and options.folder.is_dir():
        sets["collected"] = [path.read_bytes() for path in sorted(options.folder.glob("*.eml"))]
        sets["together"] = [raw for each in list(sets.values()) for raw in each]
    worst = 9.9
    for name, mails in sets.items():
        theirs, own = compare(mails, options.rounds)
        worst = min(worst, own / theirs)
        size = sum(map(len, mails)) / len(mails) / 1000
        print(
            f"{name:10} {len(mails):5} mails of {size:5.1f} kB: email {theirs:6.0f}/s,"
            f" parse + screen {own:6.0f}/s, ratio {own / theirs:.2f} (wanted {TARGET:.2f})"
        )
    return int(worst < TARGET)


if __name__ == "__main__":
    raise SystemExit(main())
