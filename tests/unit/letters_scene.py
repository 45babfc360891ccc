"""A case with a bit of everything, for the tests of letters, approval mails and packages."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from mailbot.case import Classification, Evidence, Key, Label, Route, Subject
from mailbot.datamap import Database, DataMap, Exchange, Manual, Own, Retention, Table
from mailbot.letters import LetterFacts, QuestionFacts, Templates, write_letter
from mailbot.message import Address, Mail, Verdict
from mailbot.organisation import load_organisation
from mailbot.plan import Action, Do, Letter, Plan, Purpose
from mailbot.record import (
    Certainty,
    Finding,
    NotSearched,
    Recipient,
    SearchResult,
    Treatment,
    Typed,
)

ROOT = Path(__file__).parents[2]
ORGANISATION = load_organisation(ROOT / "config" / "organisation.toml")
TEMPLATES = Templates()
TOKEN = "a2b3c4d5e6f7g2h3i4j5k6l7m2n3o4p5"

DATAMAP = DataMap(
    own=Own(domains=("example.no",)),
    retention={
        "bookkeeping": Retention(
            law="bokføringsloven § 13", reason={"nb": "Regnskapsplikt", "en": "Bookkeeping duty"}
        )
    },
    database=(
        Database(
            name="crm",
            title={"nb": "Kunderegister", "en": "Customer register"},
            read_url="sqlite://",
            backup_days=30,
            table=(
                Table(name="kontakter", title={"nb": "Kontakter", "en": "Contacts"}),
                Table(name="fakturaer", title={"nb": "Fakturaer", "en": "Invoices"}),
                Table(name="ordrer", title={"nb": "Ordrer", "en": "Orders"}),
                Table(name="henvendelser", title={"nb": "Henvendelser", "en": "Inquiries"}),
            ),
        ),
    ),
    exchange=(
        Exchange(
            name="mail",
            title={"nb": "E-post", "en": "E-mail"},
            account="support",
            mailboxes=("support@example.no",),
        ),
    ),
    manual=(
        Manual(name="ga", title={"nb": "Google Analytics"}, task={"nb": "Slett bruker i GA4."}),
    ),
)

CONTACT = {"id": 17, "fornavn": "Kari", "epost": "kari@example.com", "opprettet": "2024-02-01"}


def invoice(number: int) -> dict[str, Any]:
    """A row of an invoice."""
    return {
        "id": number,
        "fakturanr": f"F-100{number}",
        "dato": Typed("date", "2026-03-15"),
        "fakturanavn": "Kari Nordmann",
    }


ERASURE = (
    Action(
        number=1, do=Do.DELETE, system="crm", table="kontakter", key={"id": 17}, before=CONTACT,
        title="Kontakter",
    ),
    Action(number=2, do=Do.DELETE, system="mail", table="Inbox", key={"id": "m2"},
           title="Spørsmål om lisens, 02.03.2025"),
    Action(number=3, do=Do.DELETE, system="mail", table="Inbox", key={"id": "m3"},
           title="Svar om lisens, 03.03.2025"),
    Action(number=4, do=Do.BLANK, system="crm", table="ordrer", key={"id": 3},
           before={"id": 3, "leveringsnavn": "Kari"}, after={"leveringsnavn": ""}, title="Ordrer"),
    *(
        Action(number=n, do=Do.KEEP, system="crm", table="fakturaer", key={"id": n},
               before=invoice(n), rule="bookkeeping", until=date(2031, 12, 31), title="Fakturaer")
        for n in (5, 6)
    ),
    Action(number=7, do=Do.NOTIFY, system="crm", title="Nordlys Data AS"),
    Action(number=8, do=Do.SUPPRESS, system="suppression"),
    Action(number=9, do=Do.MANUAL, system="ga", reason="Slett bruker i GA4.",
           title="Google Analytics"),
)  # fmt: skip

FINDINGS = (
    Finding(
        system="crm", table="kontakter", key={"id": 17}, certainty=Certainty.CERTAIN,
        reason="epost equals e-mail", trail="kontakter.id = 17", row=CONTACT,
        personal={"name": ["fornavn"], "email": ["epost"]}, source="Kampanje vår 2024",
        recipients=(Recipient(name="Nordlys Data AS", date="2025-04-01"),), title="Kontakter",
    ),
    Finding(
        system="crm", table="fakturaer", key={"id": 5}, certainty=Certainty.CERTAIN, reason="",
        trail="", row=invoice(5), personal={"name": ["fakturanavn"]}, title="Fakturaer",
        treatment=Treatment(do="keep", until=date(2031, 12, 31), rule="bookkeeping"),
    ),
)  # fmt: skip

POSSIBLE = Finding(
    system="crm", table="kontakter", key={"id": 99}, certainty=Certainty.POSSIBLE,
    reason="fornavn equals name", trail="", row={"id": 99, "fornavn": "Kari", "mobil": "91234567"},
    personal={"name": ["fornavn"], "phone": ["mobil"]}, title="Kontakter",
)  # fmt: skip

SUBJECT = Subject(
    keys=(
        Key(kind="email", value="kari@example.com", origin="header", verified=True),
        Key(kind="phone", value="+4799887766", origin="signature"),
    ),
    verdict=Verdict.PASS,
    verdict_reason="dmarc",
)

RESULT = SearchResult(
    findings=(*FINDINGS, POSSIBLE),
    searched=("crm", "mail"),
    not_searched=(NotSearched(system="Google Analytics", why="manual task for staff"),),
)


def disclosing() -> tuple[Action, ...]:
    """The plan of an access request over FINDINGS."""
    return tuple(
        Action(number=n, do=Do.DISCLOSE, system=f.system, table=f.table, key=f.key, title=f.title)
        for n, f in enumerate(FINDINGS, 1)
    )


def facts(right: str, purpose: Purpose = Purpose.ANSWER, **changes: Any) -> LetterFacts:
    """Facts of a letter, with what a test wants otherwise."""
    given: dict[str, Any] = {
        "case_number": "2026-0007",
        "language": "nb",
        "right": Label(right),
        "purpose": purpose,
        "organisation": ORGANISATION,
        "datamap": DATAMAP,
        "received": date(2026, 11, 20),
        "last_day": date(2026, 12, 21),
        "extended_last_day": date(2027, 2, 22),
        "today": date(2026, 11, 22),
        "subject_name": "Kari Nordmann",
        "searched": ("crm", "mail"),
    }
    return LetterFacts(**(given | changes))


def question(right: str = "erasure", **changes: Any) -> QuestionFacts:
    """Facts of an approval mail, with what a test wants otherwise."""
    purpose = changes.get("purpose", Purpose.ANSWER)
    actions = changes.pop("actions", ERASURE)
    draft = write_letter(facts(right, purpose, actions=actions, reason="Pågående sak."), TEMPLATES)
    letter = Letter(
        recipients=("kari@example.com",),
        subject=changes.pop("letter_subject", draft.subject),
        text=changes.pop("letter_text", draft.text),
        attachments=changes.pop("attachments", {}),
    )
    request = changes.pop("request", "Hei!\nJeg vil at dere sletter alt om meg.\n\nHilsen Kari")
    given: dict[str, Any] = {
        "token": TOKEN,
        "case_number": "2026-0007",
        "language": "nb",
        "right": Label(right),
        "purpose": purpose,
        "plan": Plan(
            case="2026-0007", matter="m", version=1, purpose=purpose, rights=(right,),
            letter=letter, actions=actions,
        ),
        "mail": Mail(
            sender=Address(address="kari@example.com", name="Kari Nordmann"),
            subject="Sletting", new_text=request,
        ),
        "classification": Classification(
            route=Route.OPEN, labels=(Label(right),), privacy=0.97, language="nb",
            evidence=(Evidence(text="Jeg vil at dere sletter alt om meg.", label="erasure",
                               weight=4.2),),
        ),
        "subject": SUBJECT,
        "result": RESULT,
        "received": datetime(2026, 11, 20, 9, 0, tzinfo=UTC),
        "last_day": date(2026, 12, 21),
        "today": date(2026, 11, 22),
        "organisation": ORGANISATION,
        "datamap": DATAMAP,
    }  # fmt: skip
    return QuestionFacts(**(given | changes))
