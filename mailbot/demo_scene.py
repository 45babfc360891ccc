"""The demo's small world: a customer register, four mails, and people who reply. All invented."""

import sqlite3
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

SUPPORT = "support@example.no"
APPROVER = "leder@example.no"

SCHEMA = """
CREATE TABLE kontakter (
    id INTEGER PRIMARY KEY, fornavn TEXT, etternavn TEXT, epost TEXT, mobil TEXT, adresse TEXT,
    postnr TEXT, poststed TEXT, arbeidssted TEXT, stilling TEXT, kundenr TEXT, kilde TEXT,
    reservert INTEGER NOT NULL DEFAULT 0, opprettet TEXT, oppdatert TEXT);
CREATE TABLE ordrer (
    id INTEGER PRIMARY KEY, kontakt_id INTEGER NOT NULL REFERENCES kontakter (id), dato TEXT,
    vare TEXT, leveringsnavn TEXT, leveringsadresse TEXT);
CREATE TABLE fakturaer (
    id INTEGER PRIMARY KEY, kontakt_id INTEGER REFERENCES kontakter (id), dato TEXT, belop REAL,
    fakturanavn TEXT, fakturaadresse TEXT);
CREATE TABLE henvendelser (id INTEGER PRIMARY KEY, epost TEXT, melding TEXT, dato TEXT);
CREATE TABLE forhandlere (id INTEGER PRIMARY KEY, navn TEXT, epost TEXT);
CREATE TABLE utleveringer (
    id INTEGER PRIMARY KEY, kontakt_id INTEGER REFERENCES kontakter (id),
    forhandler_id INTEGER REFERENCES forhandlere (id), delt_dato TEXT);
CREATE TABLE ansatte (id INTEGER PRIMARY KEY, navn TEXT, epost TEXT);
CREATE INDEX kontakter_epost ON kontakter (epost);
CREATE INDEX ordrer_kontakt ON ordrer (kontakt_id);
CREATE INDEX fakturaer_kontakt ON fakturaer (kontakt_id);
"""

_CONTACTS = (
    (1, "Ingrid", "Solvang", "Ingrid.Solvang@solvang-bygg.no", "+4790000001", "Fjordveien 4",
     "5003", "Bergen", "Solvang Bygg AS", "Daglig leder", "K-100231", "Messe i Bergen 2024"),
    (2, "Martin", "Keller", "martin.keller@keller-design.example", "+4790000002", "Hafenstrasse 9",
     "20457", "Hamburg", "Keller Design", "Designer", "K-100232", "Kontaktskjema 3. mars 2025"),
    (3, "Torbjørg", "Haukeli", "torbjorg@haukeli.example", "+4790000003", "Skulevegen 12", "3890",
     "Vinje", "Haukeli Sag", "Rekneskapsførar", "K-100233", "Kampanje vår 2025"),
    (4, "Ingrid", "Solvåg", "ingrid@solvaag.example", "+4790000004", "Fjordveien 40", "5003",
     "Bergen", "Solvåg Foto", "Fotograf", "K-100234", "Kontaktskjema 9. januar 2026"),
)  # fmt: skip


def build_register(path: Path, today: datetime) -> None:
    """The customer register as an SQLite file."""
    then = (today - timedelta(days=300)).date().isoformat()
    with sqlite3.connect(path) as db:
        db.executescript(SCHEMA)
        db.executemany(
            "INSERT INTO kontakter (id, fornavn, etternavn, epost, mobil, adresse, postnr,"
            " poststed, arbeidssted, stilling, kundenr, kilde, opprettet, oppdatert)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            [(*contact, then, then) for contact in _CONTACTS],
        )
        db.executemany(
            "INSERT INTO ordrer VALUES (?,?,?,?,?,?)",
            [
                (11, 1, then, "Byggeplan Pro", "Ingrid Solvang", "Fjordveien 4"),
                (12, 1, then, "Byggeplan Felt", "Ingrid Solvang", "Fjordveien 4"),
                (13, 2, then, "Byggeplan Pro", "Martin Keller", "Hafenstrasse 9"),
            ],
        )
        db.executemany(
            "INSERT INTO fakturaer VALUES (?,?,?,?,?,?)",
            [
                (501, 1, then, 14900.0, "Ingrid Solvang", "Fjordveien 4"),
                (502, 2, then, 14900.0, "Martin Keller", "Hafenstrasse 9"),
            ],
        )
        db.executemany(
            "INSERT INTO henvendelser VALUES (?,?,?,?)",
            [
                (31, "ingrid.solvang@solvang-bygg.no", "Kan dere ringe meg om Byggeplan?", then),
                (32, "ingrid@solvaag.example", "Jeg lurer på pris for fotografer.", then),
            ],
        )
        db.execute(
            "INSERT INTO forhandlere VALUES (7, 'Vestland Programvare AS', 'post@vpv.example')"
        )
        db.execute("INSERT INTO utleveringer VALUES (71, 2, 7, ?)", (then,))
        db.execute("INSERT INTO ansatte VALUES (1, 'Kari Leder', ?)", (APPROVER,))
    db.close()


def rows(path: Path) -> dict[str, int]:
    """How many rows each table of the register holds."""
    with sqlite3.connect(path) as db:
        tables = ["kontakter", "ordrer", "fakturaer", "henvendelser", "utleveringer"]
        counts = {
            table: int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608
            for table in tables
        }
    db.close()
    return counts


def mail(
    sender: str,
    name: str,
    subject: str,
    text: str,
    at: datetime,
    message_id: str,
    *,
    answers: str = "",
    dmarc: str = "pass",
    to: str = SUPPORT,
) -> bytes:
    """A mail as Exchange Online hands it over: its verdict on top, above the line of our border."""
    domain = sender.rpartition("@")[2]
    message = EmailMessage(policy=SMTP)
    message["From"] = f'"{name}" <{sender}>'
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{message_id}>"
    if answers:
        message["In-Reply-To"] = f"<{answers}>"
        message["References"] = f"<{answers}>"
    message.set_content(text)
    verdict = (
        f"Authentication-Results: spf={dmarc} (sender IP is 192.0.2.7) smtp.mailfrom={domain};\r\n"
        f" dkim={dmarc} (signature was verified) header.d={domain};dmarc={dmarc} action=none\r\n"
        f" header.from={domain};compauth={dmarc} reason=100\r\n"
        f"Received: from mail.{domain} (192.0.2.7) by\r\n"
        " AMS0EPF000001.mail.protection.outlook.com (10.167.16.133) with Microsoft SMTP Server\r\n"
        f" id 15.20.1; {format_datetime(at)}\r\n"
    )
    return verdict.encode() + message.as_bytes()


def requests(now: datetime) -> list[tuple[str, bytes]]:
    """The four mails that arrive, each with a word on what it is."""
    return [
        (
            "an erasure request in bokmål",
            mail(
                "ingrid.solvang@solvang-bygg.no",
                "Ingrid Solvang",
                "Sletting",
                "Hei!\n\nJeg har sluttet med byggeprosjekter og vil ikke stå i registeret deres"
                " lenger.\nKan dere slette det dere har lagret om meg?\n\n"
                "Vennlig hilsen\nIngrid Solvang\n",
                now,
                "erasure.1@solvang-bygg.no",
            ),
        ),
        (
            "an access request in English",
            mail(
                "martin.keller@keller-design.example",
                "Martin Keller",
                "What do you store about me?",
                "Hello,\n\nplease send me a copy of all the personal data you hold about me, and"
                " tell me who you have shared it with.\n\nKind regards\nMartin Keller\n",
                now,
                "access.1@keller-design.example",
            ),
        ),
        (
            "a marketing stop in nynorsk",
            mail(
                "torbjorg@haukeli.example",
                "Torbjørg Haukeli",
                "Reklame",
                "Hei\n\nEg vil ikkje ha fleire tilbod og reklame frå dykk på e-post. Ver venleg å"
                " stoppe det.\n\nHelsing\nTorbjørg Haukeli\n",
                now,
                "stop.1@haukeli.example",
            ),
        ),
        (
            "an ordinary support mail",
            mail(
                "ingrid@solvaag.example",
                "Ingrid Solvåg",
                "Får ikke slettet et prosjekt",
                "Hei,\n\njeg får feilmelding når jeg prøver å slette et gammelt prosjekt i"
                " Byggeplan. Hvordan gjør jeg det?\n\nMvh Ingrid\n",
                now,
                "support.1@solvaag.example",
            ),
        ),
    ]


def reply(
    question: EmailMessage, sender: str, name: str, text: str, at: datetime, dmarc: str = "pass"
) -> bytes:
    """A reply to an approval mail, as Outlook writes it."""
    asked = str(question["Message-ID"]).strip("<> ")
    quoted = f"\n\nFra: mailbot <{SUPPORT}>\nSendt: {format_datetime(at)}\nTil: {sender}\n"
    return mail(
        sender,
        name,
        f"SV: {question['Subject']}",
        f"{text}{quoted}Emne: {question['Subject']}\n\n(…)\n",
        at,
        f"reply.{at.timestamp()}.{abs(hash(text)) % 10**6}@{sender.rpartition('@')[2]}",
        answers=asked,
        dmarc=dmarc,
    )
