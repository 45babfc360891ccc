"""Parse the collected raw mails and print how their kinds are told apart.

    python -m tests.bench.rawmails FOLDER

FOLDER holds index.jsonl and the mails that it names. Their `kind` is a heuristic label.
"""

import json
import sys
from collections import Counter
from pathlib import Path

from mailbot.mailtext.authenticity import Trust
from mailbot.message import Automatic, Mail
from mailbot.steps.parse import parse

MACHINE = {"bounce": (Automatic.BOUNCE, Automatic.REPORT), "autoreply": (Automatic.AUTO_REPLY,)}


def read(folder: Path) -> list[tuple[str, str, Mail]]:
    """Name, kind and parsed mail of every entry of the index."""
    entries = (json.loads(line) for line in (folder / "index.jsonl").open(encoding="utf-8"))
    return [
        (entry["file"], entry["kind"], parse((folder / entry["file"]).read_bytes(), Trust()))
        for entry in entries
    ]


def confusions(mails: list[tuple[str, str, Mail]]) -> Counter[tuple[str, str]]:
    """How many mails of each kind were taken for what."""
    return Counter((kind, mail.automatic.value or "person") for _, kind, mail in mails)


def share_recognised(mails: list[tuple[str, str, Mail]]) -> dict[str, float]:
    """For each machine's kind, the share of its mails that was taken for one."""
    return {
        kind: sum(mail.automatic in right for _, given, mail in mails if given == kind)
        / max(1, sum(given == kind for _, given, _ in mails))
        for kind, right in MACHINE.items()
    }


def main(folder: Path) -> None:
    """Print the table and the mails that were taken for something else."""
    mails = read(folder)
    for (kind, taken), count in sorted(confusions(mails).items()):
        print(f"{kind:10} taken for {taken:10} {count:4}")
    for kind, share in share_recognised(mails).items():
        print(f"{kind}: {share:.1%} recognised")
    for name, kind, mail in mails:
        wrong = mail.automatic not in MACHINE.get(kind, (Automatic.NO,))
        if wrong and kind != "malformed":
            print(f"  {kind}: {name}: {mail.automatic.value or 'person'} {mail.automatic_reason}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
