"""Mail as a support mailbox gets it, made for measuring speed: the same for the same seed.

Around the words stands what real mail carries: trace and authentication headers, both renditions,
quotes, signatures, attachments, machines' mail. Nothing here is measured for being right.
"""

import base64
import html
import json
import quopri
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LETTERS = Path(__file__).parents[1] / "language"
US = "support@firma.test"
# The everyday letters of a support mailbox. (Those of the development set are as hard as could be
# thought of, and every third is asked about: a mailbox of them says nothing about speed.)
EVERYDAY = (
    "Hei, jeg får ikke logget inn i nettbutikken. Passordet blir avvist hver gang, og jeg har"
    " prøvd både på mobil og PC. Kan dere se på det?",
    "Vi venter fortsatt på varene fra bestilling 20417. Sporingen har stått stille siden fredag."
    " Når kan vi regne med levering?",
    "Fakturaen fra november har feil beløp. Vi bestilte to lisenser og er fakturert for tre. Send"
    " en ny, takk.",
    "Programmet krasjer når jeg åpner store tegninger. Skjermbilde og logg ligger ved. Versjonen er"
    " 12.4 på Windows 11.",
    "Takk for hyggelig samtale i går! Vi går for løsningen dere foreslo og ser fram til oppstart"
    " i uke 3.",
    "Kan dere sende et tilbud på 15 plasser med kurs i Bergen? Helst før jul.",
    "Eg lurer på om de har opningstider i romjula, og om verkstaden tek imot utan avtale.",
    "The export to PDF drops the last page since the update on Monday. Could you please advise?",
    "We would like to renew the maintenance contract for another year under the same terms.",
    "Please find the signed order attached. The delivery address is the same as last time.",
    "Hej, jag undrar när den nya modellen kommer in i lager och vad frakten kostar till Umeå.",
    "Fakturan är betald idag. Hör av er om något saknas. Med vänlig hälsning",
    "Hej, min skærm flimrer efter den sidste opdatering. Hvad gør jeg?",
    "Guten Tag, die Lieferung kam heute beschädigt an. Bitte senden Sie uns Ersatz für Position 3.",
    "Wie lange ist die Garantie auf das Gerät, und wer bezahlt den Rückversand?",
    "Møtet på torsdag må flyttes til kl. 13. Passer det for dere? Vi blir fire stykker.",
)
Letter = dict[str, Any]


def letters() -> list[Letter]:
    """Subject, body and writer of every letter of the development set."""
    paths = sorted(LETTERS.glob("dev-*.jsonl"))
    found = [json.loads(line) for path in paths for line in path.open(encoding="utf-8")]
    return [letter for letter in found if letter["body"]]


def mails(count: int, seed: int = 4, privacy: float = 0.03) -> Iterator[bytes]:
    """So many mails, of which a share are privacy requests (few, as in a support mailbox)."""
    dice = random.Random(seed)
    requests = [letter for letter in letters() if "not_privacy" not in letter["labels"]]
    makers = (plain, both, both, both, html_only, answered, answered, with_file, absence, news)
    for number in range(count):
        letter = dice.choice(requests) if dice.random() < privacy else _everyday(dice)
        head, body = dice.choice(makers)(letter, dice)
        lines = [*_trace(dice, number), *_names(letter, number), *head]
        yield "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _everyday(dice: random.Random) -> Letter:
    said = dice.sample(EVERYDAY, dice.randint(1, 3))
    name = dice.choice(("Kari Hansen", "Ola Bø", "Åse Lie", "Erik Svensson", "Jens Holm"))
    body = "Hei!\n\n" + "\n\n".join(said) + f"\n\nMed vennlig hilsen\n{name}\nTlf. 902 11 874\n"
    writer = f"{name} <{name[:2].lower()}{dice.randrange(9999)}@kunde.test>"
    return {"from": writer, "subject": said[0][:40], "body": body}


def _trace(dice: random.Random, number: int) -> list[str]:
    """What servers on the way wrote on top."""
    seal = base64.b64encode(dice.randbytes(256)).decode()
    folded = "\r\n ".join(seal[at : at + 70] for at in range(0, len(seal), 70))
    hosts = [f"host{dice.randrange(99)}.eurprd0{dice.randrange(9)}.prod.outlook.com" for _ in "abc"]
    lines = [
        f"Received: from {one} (2603:10a6:20b:{number % 9999:x}::5) by\r\n {other} with HTTPS;"
        f" Mon, 23 Nov 2026 10:0{at}:00 +0000"
        for at, (one, other) in enumerate(zip(hosts, hosts[1:], strict=False))
    ]
    lines += [
        f"ARC-{name}: i=1; a=rsa-sha256; s=arcselector10001; d=microsoft.com; cv=none; b={folded}"
        for name in ("Seal", "Message-Signature")
    ]
    lines += [
        "Authentication-Results: spf=pass (sender IP is 192.0.2.7) smtp.mailfrom=kunde.test;"
        "\r\n dkim=pass (signature was verified) header.d=kunde.test;dmarc=pass action=none"
        "\r\n header.from=kunde.test;compauth=pass reason=100",
        "Received-SPF: Pass (protection.outlook.com: domain of kunde.test designates 192.0.2.7)",
        "Received: from mx.kunde.test (192.0.2.7) by AM5EUR03FT012.mail.protection.outlook.com"
        " (10.152.16.1)\r\n with Microsoft SMTP Server; Mon, 23 Nov 2026 10:00:00 +0000",
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=kunde.test; s=s1; b={folded}",
        "X-MS-Exchange-Organization-SCL: 1",
        "X-Forefront-Antispam-Report: CIP:192.0.2.7;CTRY:NO;LANG:nb;SCL:1;SRV:;IPV:NLI;SFV:NSPM;",
        f"X-Microsoft-Antispam-Message-Info: {folded}",
    ]
    return lines


def _names(letter: Letter, number: int) -> list[str]:
    name, _, address = letter["from"].rpartition("<")
    shown = base64.b64encode(name.strip().encode()).decode()
    subject = base64.b64encode(letter["subject"][:40].encode()).decode()
    return [
        f"From: =?UTF-8?B?{shown}?= <{address.strip('<> ') or 'a@kunde.test'}>",
        f"To: Support <{US}>",
        f"Subject: =?utf-8?B?{subject}?=",
        f"Message-ID: <{number}.{len(shown)}@kunde.test>",
        "Date: Mon, 23 Nov 2026 11:00:00 +0100",
        "MIME-Version: 1.0",
    ]


Made = tuple[list[str], bytes]


def plain(letter: Letter, dice: random.Random) -> Made:
    """A text in Latin-1, 8bit."""
    body = letter["body"].encode("latin-1", "replace").replace(b"\n", b"\r\n")
    return ["Content-Type: text/plain; charset=iso-8859-1", "Content-Transfer-Encoding: 8bit"], body


def _text(text: str) -> bytes:
    octets = quopri.encodestring(text.encode()).replace(b"\n", b"\r\n")
    head = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable"
    return head + b"\r\n\r\n" + octets


def _page(text: str) -> bytes:
    lines = "".join(
        f'<p class="MsoNormal"><span style="font-size:11.0pt;font-family:&quot;Calibri&quot;,'
        f'sans-serif;color:#1F497D">{html.escape(line) or "<o:p>&nbsp;</o:p>"}</span></p>\n'
        for line in text.split("\n")
    )
    style = "p.MsoNormal, li.MsoNormal {margin:0cm; font-size:11.0pt; font-family:Calibri;}\n" * 12
    page = f"<html><head><style><!--\n{style}--></style></head><body>{lines}</body></html>"
    octets = quopri.encodestring(page.encode()).replace(b"\n", b"\r\n")
    head = b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable"
    return head + b"\r\n\r\n" + octets


def _parts(kind: str, *parts: bytes) -> Made:
    mark = "_000_AM0PR05MB5" + kind[:3]
    body = b"".join(b"--" + mark.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    return [f'Content-Type: multipart/{kind};\r\n boundary="{mark}"'], (
        body + b"--" + mark.encode() + b"--\r\n"
    )


def both(letter: Letter, dice: random.Random) -> Made:
    """Text and HTML, as most programs write."""
    return _parts("alternative", _text(letter["body"]), _page(letter["body"]))


def html_only(letter: Letter, dice: random.Random) -> Made:
    """No text beside the HTML."""
    head, _, body = _page(letter["body"]).partition(b"\r\n\r\n")
    return head.decode().split("\r\n"), body


def answered(letter: Letter, dice: random.Random) -> Made:
    """A reply above what it answers."""
    earlier = "\n".join("> " + line for line in letter["body"].split("\n"))
    text = f"{letter['body']}\n\nman. 23. nov. 2026 kl. 09:12 skrev Support <{US}>:\n{earlier}\n"
    head, body = _parts("alternative", _text(text), _page(text))
    return [*head, "In-Reply-To: <1@firma.test>", "References: <0@firma.test> <1@firma.test>"], body


def with_file(letter: Letter, dice: random.Random) -> Made:
    """Text and an attachment."""
    octets = base64.encodebytes(dice.randbytes(dice.randrange(2_000, 60_000)))
    head = (
        b'Content-Type: application/pdf; name="faktura.pdf"\r\nContent-Transfer-Encoding: base64'
        b'\r\nContent-Disposition: attachment; filename="faktura.pdf"\r\n\r\n'
    )
    return _parts("mixed", _text(letter["body"]), head + octets.replace(b"\n", b"\r\n"))


def absence(letter: Letter, dice: random.Random) -> Made:
    """A machine's answer."""
    head, body = both({"body": "Jeg er på ferie og er tilbake på kontoret den 3."}, dice)
    return [*head, "Auto-Submitted: auto-replied", "X-Auto-Response-Suppress: All"], body


def news(letter: Letter, dice: random.Random) -> Made:
    """A newsletter."""
    head, body = html_only({"body": letter["body"] * 4}, dice)
    leave = "List-Unsubscribe: <https://news.test/u>"
    return [*head, leave, "Feedback-ID: a:b:c", "Precedence: bulk"], body
