"""What holds for every mail whatever its octets: it is read, in time, within memory."""

import re
import time
from pathlib import Path

from mailbot.codec import from_json, to_json
from mailbot.mailtext.authenticity import Trust
from mailbot.message import Mail, Verdict
from mailbot.steps.parse import parse
from mailbot.steps.screen import screen

MOST_SECONDS = 2.0  # of processor time
TRUST = Trust(
    authserv_id="mx.firma.test",
    trusted_hosts=("*.firma.test", "*.protection.outlook.com"),
    trust_internal=True,
    internal_domains=("firma.test",),
    own_addresses=("support@firma.test",),
)


def check(raw: bytes) -> Mail:
    """Read a mail. Raises AssertionError for what must never be, and whatever parsing raises."""
    start = time.process_time()
    mail = parse(raw, TRUST)
    screening = screen(mail)
    spent = time.process_time() - start
    assert spent < MOST_SECONDS, f"{spent:.1f} s for {len(raw)} octets"
    assert from_json(Mail, to_json(mail)) == mail
    assert screening.reason
    assert "unparsable" not in mail.notes, "a part of it raised what was caught"
    if mail.sender is None:
        assert mail.authentication.verdict is not Verdict.PASS
    else:
        assert mail.sender.address.count("@") == 1
        assert mail.sender.address.isprintable()
    for text in (mail.subject, mail.text, mail.new_text):
        assert "\0" not in text
    assert len(mail.text) < 3_000_000
    return mail


def peak_megabytes() -> float:
    """The most memory that this process ever held."""
    # Not ru_maxrss: it counts what the parent held when this process was started (Linux keeps it
    # across exec).
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    (peak,) = re.findall(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    return int(peak) / 1024
