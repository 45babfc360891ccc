"""Marks on mail in a Maildir: the file `mailbot-marks`, one `UNIQUE<tab>WORD` line each.

Keywords in file names would change the flags that colleagues see. A colleague, or a program of
theirs, may add a line as well.
"""

import threading
from pathlib import Path

MARKS = "mailbot-marks"  # beside cur/ and new/, as Dovecot keeps its keyword names


class Marks:
    """The marks of one mailbox with one word; safe to use from several threads."""

    def __init__(self, root: Path, word: str) -> None:
        self._file = root / MARKS
        self.word = word.translate({ord(sign): "_" for sign in "\t\r\n"})
        self._writing = threading.Lock()

    def add(self, unique: str) -> None:
        """Mark a mail. Twice is harmless."""
        line = f"{unique}\t{self.word}\n"
        with self._writing:
            known = self._text()
            if line not in known.splitlines(keepends=True):
                with self._file.open("a", encoding="utf-8") as file:
                    file.write(line if not known or known.endswith("\n") else f"\n{line}")

    def names(self) -> frozenset[str]:
        """Unique names of marked mails; the case of the word's letters does not matter."""
        pairs = (line.partition("\t") for line in self._text().splitlines())
        own = self.word.casefold()
        return frozenset(unique for unique, _tab, word in pairs if word.strip().casefold() == own)

    def _text(self) -> str:
        if not self._file.exists():
            return ""
        return self._file.read_text(encoding="utf-8", errors="replace")
