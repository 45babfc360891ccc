"""A firm on real servers: Dovecot, Postfix, PostgreSQL, and `mailbot run` as a process."""

import contextlib
import email
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from email.policy import default as modern
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from mailbot.cli import main
from mailbot.store import new_master_key
from tests.servers.mail import MailServers, mail_servers
from tests.servers.postgres import fresh_database, postgres

T = TypeVar("T")

SUPPORT, PER, KARI = "support@firma.test", "per@ekstern.test", "kari@firma.test"
KUNDE, OLA, FREMMED = "kunde@kunde.test", "ola@kunde.test", "fremmed@annen.test"

CRM = """
CREATE TABLE contacts (id serial PRIMARY KEY, navn text, epost text, mobil text, adresse text,
    reservert boolean NOT NULL DEFAULT false, oppdatert timestamptz DEFAULT now());
CREATE TABLE orders (id serial PRIMARY KEY, contact_id int NOT NULL REFERENCES contacts (id),
    vare text, leveringsnavn text);
CREATE TABLE invoices (id serial PRIMARY KEY, contact_id int REFERENCES contacts (id), dato date,
    belop numeric(10, 2), fakturanavn text);
CREATE TABLE notes (id serial PRIMARY KEY,
    contact_id int REFERENCES contacts (id) ON DELETE CASCADE, notat text);
INSERT INTO contacts (navn, epost, mobil, adresse) VALUES
    ('Kunde Kundesen', 'Kunde@Kunde.test', '+47 900 00 011', 'Storgata 1'),
    ('Ola Nordmann', 'ola@kunde.test', '90000012', 'Storgata 2'),
    ('Kunde Kundesen', 'annen@annen.test', NULL, 'Lillegata 3');
INSERT INTO orders (contact_id, vare, leveringsnavn) VALUES
    (1, 'Lisens', 'Kunde Kundesen'), (1, 'Kurs', 'Kunde Kundesen'), (2, 'Lisens', 'Ola Nordmann'),
    (3, 'Lisens', 'Kunde Kundesen');
INSERT INTO invoices (contact_id, dato, belop, fakturanavn) VALUES
    (1, CURRENT_DATE - 30, 4900.00, 'Kunde Kundesen'),
    (2, CURRENT_DATE - 30, 900.00, 'Ola Nordmann');
INSERT INTO notes (contact_id, notat) VALUES (1, 'Ringte om lisens'), (2, 'Vil ha kurs');
"""

MAILBOT = """
mode = "live"
state = "{state}"
secrets = "{secrets}"
[store]
url = "{store_url}"
key = "credential:store.key"
[[mailbox]]
name = "support"
address = "support@firma.test"
kind = "imap"
watch = ["inbox"]
poll_seconds = 10
mark = "Personvern"
[mailbox.imap]
host = "localhost"
port = {imap_port}
security = "tls"
user = "support@firma.test"
password = "credential:support.imap"
[mailbox.smtp]
host = "localhost"
port = {smtp_port}
security = "starttls"
user = "support@firma.test"
password = "credential:support.smtp"
[authenticity]
authserv_id = ""
trusted_hosts = ["{mx_host}"]
trust_internal = true
internal_domains = ["firma.test"]
[approval]
mailbox = "support"
language = "nb"
[[approver]]
address = "{approver}"
name = "Approver"
rights = ["*"]
controller = true
[delivery]
access = "plain"
bounce_hours = {bounce_hours}
[log]
format = "json"
"""

DATAMAP = """
[own]
domains = ["firma.test"]
default_region = "NO"
[retention]
bookkeeping = {{ law = "bokføringsloven § 13", reason = {{ nb = "Regnskapsplikt" }} }}
[[database]]
name = "crm"
title = {{ nb = "Kunderegister", en = "Customer register" }}
read_url = "{url}"
write_url = "{url}"
schema = "public"
[[database.table]]
name = "contacts"
is = "person"
identify = {{ email = ["epost"], phone = ["mobil"], name = ["navn"] }}
personal = {{ address = ["adresse"] }}
volatile = ["oppdatert"]
keep = {{ columns = ["id", "navn"], until = "kept(invoices)", rule = "bookkeeping" }}
set = {{ objection = {{ reservert = true }} }}
[[database.table]]
name = "orders"
personal = {{ name = ["leveringsnavn"] }}
[[database.table]]
name = "invoices"
keep = {{ columns = ["*"], until = "year_end(dato) + 5 years", rule = "bookkeeping" }}
[[database.table]]
name = "notes"
read = {{ notat = "text" }}
[[exchange]]
name = "mail"
title = {{ nb = "E-post", en = "E-mail" }}
account = "support"
mailboxes = ["support@firma.test"]
search = ["mail"]
"""


def wait_for(look: Callable[[], T], seconds: float = 20.0) -> T:
    """What `look` finds as soon as it finds something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.03)
    raise AssertionError(f"waited {seconds} s in vain")


class Firm:
    """The configuration, the servers and the running daemon."""

    def __init__(
        self, folder: Path, servers: MailServers, database: str, **options: object
    ) -> None:
        self.folder, self.servers, self.database = folder, servers, database
        self.engine = sa.create_engine(database)
        with self.engine.begin() as connection:
            for statement in CRM.split(";\n"):
                if statement.strip():
                    connection.exec_driver_sql(statement)
        self.process: subprocess.Popen[bytes] | None = None
        self.configure(**options)

    def configure(
        self,
        approver: str = PER,
        smtp_port: int = 0,
        bounce_hours: int = 24,
        store_url: str = "",
    ) -> None:
        config, secrets = self.folder / "config", self.folder / "secrets"
        config.mkdir(exist_ok=True)
        secrets.mkdir(mode=0o700, exist_ok=True)
        passwords = {
            "store.key": new_master_key(),
            "support.imap": self.servers.users[SUPPORT],
            "support.smtp": self.servers.users[SUPPORT],
        }
        for name, value in passwords.items():
            (secrets / name).touch(mode=0o600)
            (secrets / name).write_text(value)
        (config / "mailbot.toml").write_text(
            MAILBOT.format(
                state=self.folder / "state",
                secrets=secrets,
                store_url=store_url,
                imap_port=self.servers.imap_port,
                smtp_port=smtp_port or self.servers.smtp_port,
                mx_host=self.servers.mx_host,
                approver=approver,
                bounce_hours=bounce_hours,
            )
        )
        (config / "datamap.toml").write_text(DATAMAP.format(url=self.database))
        organisation = Path(__file__).parents[2] / "config" / "organisation.toml"
        (config / "organisation.toml").write_text(organisation.read_text())

    # --- the daemon

    def command(self, *arguments: str) -> list[str]:
        config = str(self.folder / "config" / "mailbot.toml")
        return [sys.executable, "-m", "mailbot.cli", "--config", config, *arguments]

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, "SSL_CERT_FILE": str(self.servers.ca_file), "PYTHONUNBUFFERED": "1"}

    @property
    def log(self) -> str:
        return (self.folder / "log.jsonl").read_text()

    def start(self) -> None:
        with (self.folder / "log.jsonl").open("ab") as log:
            self.process = subprocess.Popen(self.command("run"), env=self.environ, stderr=log)
        ready = self.log.count('"ready"') if (self.folder / "log.jsonl").exists() else 0
        wait_for(lambda: self.log.count('"ready"') > ready or self._ended())

    def _ended(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(
                f"mailbot ended with {self.process.returncode}:\n{self.log[-3000:]}"
            )
        return False

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def run_command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(*arguments), env=self.environ, capture_output=True, text=True, timeout=60
        )

    def shown(self, *arguments: str) -> str:
        """What a command that only looks prints, run here: to start one costs a second."""
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            assert main(self.command(*arguments)[3:]) == 0
        return printed.getvalue()

    # --- people

    def write(self, sender: str, subject: str, text: str, **headers: str) -> EmailMessage:
        """A mail over the internet to support@."""
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["To"], mail["Subject"] = sender, SUPPORT, subject
        mail["Message-ID"] = f"<{time.time_ns()}@{sender.rpartition('@')[2]}>"
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(text)
        envelope = headers.get("X_Envelope", sender)
        self.servers.from_internet(envelope, SUPPORT, mail.as_bytes())
        return mail

    def reply(
        self,
        question: EmailMessage,
        text: str,
        sender: str,
        envelope: str = "",
        submit: bool = False,
        **changes: str,
    ) -> None:
        """A reply to an approval mail, from outside or (submit) by a signed-in colleague."""
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["To"] = sender, SUPPORT
        mail["Subject"] = changes.get("Subject", f"SV: {question['Subject']}")
        asked = str(question["Message-ID"])
        mail["In-Reply-To"] = mail["References"] = changes.get("References", asked)
        mail["Message-ID"] = f"<{time.time_ns()}@{sender.rpartition('@')[2]}>"
        if "Auto_Submitted" in changes:
            mail["Auto-Submitted"] = changes["Auto_Submitted"]
        quoted = "\n".join(f"> {line}" for line in text_of(question).splitlines())
        mail.set_content(f"{text}\n\nDen 22. nov. 2026 skrev mailbot <{SUPPORT}>:\n{quoted}\n")
        if submit:
            self.servers.submit(sender, SUPPORT, mail.as_bytes())
        else:
            self.servers.from_internet(envelope or sender, SUPPORT, mail.as_bytes())

    def mails(self, user: str) -> list[EmailMessage]:
        return [
            email.message_from_bytes(raw, policy=modern) for raw in self.servers.mailbox_of(user)
        ]

    def questions(self, approver: str = PER) -> list[EmailMessage]:
        tag = re.compile(r"\[mailbot:\w+\]")
        return [m for m in self.mails(approver) if tag.search(str(m["Subject"]))]

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        with self.engine.begin() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]

    def sql(self, statement: str) -> None:
        with self.engine.begin() as connection:
            connection.exec_driver_sql(statement)

    def ledger(self) -> list[dict[str, object]]:
        """Every ledger entry of every case, as the sysadmin would export them."""
        entries: list[dict[str, object]] = []
        for case in json.loads(self.shown("cases", "--json")):
            entries += json.loads(self.shown("ledger", "export", case["case"]))["entries"]
        return entries

    def settled(self) -> list[str]:
        """What became of each mail, by the daemon's log: to wait by (a command is a process)."""
        lines = (json.loads(line) for line in self.log.splitlines() if line.startswith("{"))
        return [str(line["reason"]) for line in lines if line.get("event") == "mail-settled"]

    def ignored(self) -> list[str]:
        """Why replies changed nothing, as the ledger has it."""
        return [
            str(entry["reason"])
            for entry in self.ledger()
            if entry["event"] == "reply-changed-nothing"
        ]

    def states(self) -> list[str]:
        """The states of all matters."""
        cases = json.loads(self.shown("cases", "--json"))
        return [matter["state"] for case in cases for matter in case["matters"]]


def text_of(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body is not None else ""


@contextmanager
def firm(
    folder: Path, servers: MailServers, database_url: str, **options: object
) -> Iterator[Firm]:
    """A firm with a fresh database, its daemon started."""
    made = Firm(folder, servers, fresh_database(database_url), **options)
    made.start()
    try:
        yield made
    finally:
        if made.process is not None and made.process.poll() is None:
            made.stop()
        made.engine.dispose()


__all__ = ["Firm", "firm", "mail_servers", "postgres", "text_of", "wait_for"]
