"""Two estates of another make, to measure `discover` on; what it got wrong here was mended since.

SaaS: English, UUIDs, staff among the users. Legacy: German and Norwegian, cryptic, no foreign keys.
The truth beside each row says whose it is for certain; rows of which good people may differ are
left out of it by `open_to_doubt`.
"""

import json
import random
import uuid
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, Date, ForeignKey, Integer, MetaData, String, Table, Text

Planted = tuple[str, str, tuple[tuple[str, Any], ...]]
_FIRST = (
    "Emma",
    "Lukas",
    "Sigrun",
    "Jürgen",
    "Olivia",
    "Torbjørn",
    "Heike",
    "Oskar",
    "Freya",
    "Dieter",
    "Marthe",
    "Gregor",
    "Alva",
    "Ruben",
    "Ingeborg",
    "Casper",
)
_LAST = (
    "Whitfield",
    "Krämer",
    "Tveiten",
    "Baumann",
    "Okafor",
    "Rønning",
    "Schuster",
    "Pettersen",
    "Novak",
    "Lindqvist",
    "Halvorsen",
    "Weiß",
    "Ashworth",
    "Myklebust",
    "Vogel",
)


@dataclass
class One:
    """Somebody, and what is theirs."""

    first: str
    last: str
    email: str
    phone: str
    certain: set[Planted] = field(default_factory=set)

    @property
    def name(self) -> str:
        """As people write it."""
        return f"{self.first} {self.last}"


@dataclass
class World:
    """A database of another style. columns: table → column → what it holds ("" for nothing)."""

    system: str
    metadata: MetaData
    identity: dict[str, set[str]]
    personal: dict[str, set[str]]
    either: dict[str, set[str]]
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    people: list[One] = field(default_factory=list)
    open_to_doubt: set[Planted] = field(default_factory=set)

    def plant(
        self, table: str, row: dict[str, Any], *owners: One, doubt: bool = False
    ) -> dict[str, Any]:
        """Put a row in; `owners` own it, with `doubt` perhaps others as well."""
        self.rows.setdefault(table, []).append(row)
        shape = self.metadata.tables[table]
        names = [column.name for column in shape.primary_key] or [c.name for c in shape.columns]
        place = (self.system, table, tuple(sorted((name, row.get(name)) for name in names)))
        for owner in owners:
            owner.certain.add(place)
        if doubt:
            self.open_to_doubt.add(place)
        return row


def _people(count: int, chance: random.Random, plus: str) -> list[One]:
    found = []
    for number in range(count):
        first = _FIRST[number % len(_FIRST)]
        last = _LAST[(number * 7 + number // len(_FIRST)) % len(_LAST)]
        email = (
            f"{first[0].lower()}{number}@{chance.choice(('mail', 'home', 'post'))}{number}.example"
        )
        found.append(One(first, last, email, f"{plus}{number:02d}{chance.randrange(10**2, 10**3)}"))
    return found


def saas(count: int = 30) -> World:
    """A web application's database."""
    meta = MetaData()
    uid = lambda: Column("id", String(36), primary_key=True)  # noqa: E731 (one word for one column)
    ref = lambda name, table: Column(name, String(36), ForeignKey(f"{table}.id"))  # noqa: E731
    Table(
        "organizations",
        meta,
        uid(),
        Column("name", Text),
        Column("domain", Text),
        Column("billing_email", Text),
        Column("plan", String(20)),
    )
    Table(
        "users",
        meta,
        uid(),
        ref("organization_id", "organizations"),
        Column("email", String(200), unique=True),
        Column("full_name", Text),
        Column("phone", Text),
        Column("role", String(20)),
        Column("is_staff", sa.Boolean, nullable=False),
        Column("password_hash", Text),
        Column("last_login_at", sa.DateTime),
        Column("marketing_opt_out", sa.Boolean),
        Column("created_at", sa.DateTime),
    )
    Table(
        "user_profiles",
        meta,
        Column("user_id", String(36), ForeignKey("users.id"), primary_key=True),
        Column("bio", Text),
        Column("job_title", Text),
        Column("birth_date", Date),
        Column("backup_email", Text),
    )
    Table(
        "projects",
        meta,
        uid(),
        ref("organization_id", "organizations"),
        Column("name", Text),
        ref("created_by", "users"),
    )
    Table(
        "tasks",
        meta,
        uid(),
        ref("project_id", "projects"),
        ref("assignee_id", "users"),
        Column("title", Text),
        Column("description", Text),
    )
    Table(
        "comments",
        meta,
        uid(),
        ref("task_id", "tasks"),
        ref("author_id", "users"),
        ref("parent_id", "comments"),
        Column("body", Text),
    )
    Table(
        "support_tickets",
        meta,
        Column("id", Integer, primary_key=True),
        Column("requesterEmail", Text),
        Column("requesterName", Text),
        Column("subject", Text),
        Column("body", Text),
        Column("ccEmails", Text),
        ref("assigned_to", "users"),
    )
    Table(
        "audit_events",
        meta,
        Column("id", Integer, primary_key=True),
        Column("actor_id", String(36)),
        Column("entity_type", Text),
        Column("entity_id", Text),
        Column("payload", sa.JSON),
        Column("ip_address", Text),
    )
    Table(
        "invoices",
        meta,
        Column("id", Integer, primary_key=True),
        ref("user_id", "users"),
        Column("billing_name", Text),
        Column("billing_address", Text),
        Column("total", sa.Numeric(10, 2)),
        Column("issued_on", Date),
    )
    Table(
        "newsletter_subscribers",
        meta,
        Column("id", Integer, primary_key=True),
        Column("email", Text),
        Column("source", Text),
        Column("updated_at", sa.DateTime),
    )
    Table(
        "leads",
        meta,
        Column("id", Integer, primary_key=True),
        Column("firstName", Text),
        Column("lastName", Text),
        Column("emailAddress", Text),
        Column("mobilePhone", Text),
        Column("company", Text),
        Column("utm_source", Text),
        Column("notes", Text),
    )
    Table(
        "sessions",
        meta,
        uid(),
        Column("user_id", String(36)),
        Column("user_agent", Text),
        Column("ip", Text),
    )
    Table("webhook_log", meta, Column("id", Integer, primary_key=True), Column("payload", Text))
    Table("countries", meta, Column("code", String(2), primary_key=True), Column("name", Text))
    Table(
        "feature_flags",
        meta,
        Column("key", String(40), primary_key=True),
        Column("enabled", sa.Boolean),
    )
    Table(
        "email_templates",
        meta,
        Column("id", Integer, primary_key=True),
        Column("subject", Text),
        Column("body", Text),
    )
    world = World(
        "app",
        meta,
        identity={
            "users": {"email", "full_name", "phone"},
            "user_profiles": {"backup_email"},
            "support_tickets": {"requesterEmail", "requesterName"},
            "newsletter_subscribers": {"email"},
            "leads": {"firstName", "lastName", "emailAddress", "mobilePhone"},
            "organizations": {"name", "billing_email"},
            "webhook_log": {"payload"},
        },
        personal={
            "user_profiles": {"bio", "job_title", "birth_date"},
            "users": {"password_hash"},
            "tasks": {"description", "title"},
            "comments": {"body"},
            "support_tickets": {"subject", "body", "ccEmails"},
            "audit_events": {"payload", "ip_address"},
            "invoices": {"billing_name", "billing_address"},
            "leads": {"company", "notes"},
            "sessions": {"user_agent", "ip"},
        },
        either={
            "tasks": {"title"},
            "users": {"password_hash"},
            "leads": {"company"},
            "audit_events": {"payload"},
            "email_templates": {"body", "subject"},
            "projects": {"name"},
        },
    )
    chance = random.Random(11)
    new = lambda: str(uuid.UUID(int=chance.getrandbits(128), version=4))  # noqa: E731
    world.people = _people(count, chance, "+44 7700 9")
    org = [new(), new()]
    for place, name in enumerate(("Northwind Ltd", "Brightloom GmbH")):
        world.plant(
            "organizations",
            {
                "id": org[place],
                "name": name,
                "domain": f"b{place}.example",
                "billing_email": f"accounts@b{place}.example",
                "plan": "pro",
            },
        )
    staff = []
    for number, (first, last) in enumerate(
        (("Ruth", "Admin"), ("Neil", "Support"), ("Ida", "Ops"))
    ):
        staff.append(new())
        world.plant(
            "users",
            {
                "id": staff[-1],
                "email": f"{first.lower()}@acme-app.example",
                "full_name": f"{first} {last}",
                "phone": f"+44 20 7946 000{number}",
                "role": "admin",
                "is_staff": True,
                "created_at": None,
            },
        )
    for code, name in (("NO", "Norway"), ("DE", "Germany"), ("GB", "United Kingdom")):
        world.plant("countries", {"code": code, "name": name})
    world.plant("feature_flags", {"key": "dark_mode", "enabled": True})
    world.plant(
        "email_templates",
        {"id": 1, "subject": "Welcome", "body": "Hi {{ name }}, welcome aboard to our app."},
    )
    serial = iter(range(1, 10**6))
    ids: dict[int, str] = {}
    for number, one in enumerate(world.people):
        ids[number] = new()
        upper = one.email.upper() if number % 3 == 0 else one.email
        world.plant(
            "users",
            {
                "id": ids[number],
                "organization_id": org[number % 2],
                "email": upper,
                "full_name": one.name,
                "phone": one.phone,
                "role": "member",
                "is_staff": False,
                "password_hash": f"$2b${number}xyz",
                "marketing_opt_out": False,
            },
            one,
        )
        backup = f"{one.first.lower()}.alt{number}@other{number}.example"
        world.plant(
            "user_profiles",
            {
                "user_id": ids[number],
                "bio": "Likes long walks and tea.",
                "job_title": "Engineer",
                "birth_date": date(1980, 1, 1 + number % 28),
                "backup_email": backup,
            },
            one,
        )
        world.plant(
            "newsletter_subscribers", {"id": next(serial), "email": backup, "source": "footer"}, one
        )
        world.plant(
            "invoices",
            {
                "id": next(serial),
                "user_id": ids[number],
                "billing_name": one.name,
                "billing_address": "1 High St",
                "total": 9,
                "issued_on": date(2025, 2, 3),
            },
            one,
        )
        world.plant(
            "sessions",
            {
                "id": new(),
                "user_id": ids[number],
                "user_agent": "Mozilla/5.0",
                "ip": f"10.0.0.{number}",
            },
            one,
        )
        world.plant(
            "support_tickets",
            {
                "id": next(serial),
                "requesterEmail": one.email,
                "requesterName": one.name,
                "subject": "Cannot log in",
                "body": "Please help me with this.",
                "ccEmails": f"boss{number}@b.example, it{number}@b.example"
                if number % 4 == 0
                else None,
                "assigned_to": staff[number % 3],
            },
            one,
        )
        world.plant(
            "audit_events",
            {
                "id": next(serial),
                "actor_id": ids[number],
                "entity_type": "User",
                "entity_id": ids[number],
                "payload": {"field": "phone"},
                "ip_address": f"10.1.0.{number}",
            },
            one,
        )
        world.plant(
            "webhook_log",
            {
                "id": next(serial),
                "payload": json.dumps(
                    {"event": "signup", "user": {"email": one.email.title(), "name": one.name}}
                ),
            },
            one,
        )
        if number % 2:
            world.plant(
                "leads",
                {
                    "id": next(serial),
                    "firstName": one.first,
                    "lastName": one.last,
                    "emailAddress": one.email,
                    "mobilePhone": one.phone,
                    "company": "Self",
                    "utm_source": "ads",
                    "notes": f"Met {one.first} at the fair, wants a demo.",
                },
                one,
            )
    for number in range(0, count, 6):
        boss = world.people[number]
        project = new()
        world.plant(
            "projects",
            {"id": project, "organization_id": org[0], "name": "Launch", "created_by": ids[number]},
            boss,
        )
        for other in range(number, min(number + 6, count)):
            task = new()
            world.plant(
                "tasks",
                {
                    "id": task,
                    "project_id": project,
                    "assignee_id": ids[other],
                    "title": "Do it",
                    "description": "A longer description of the work to do.",
                },
                world.people[other],
            )
            writer = (other + 1) % count
            first = new()
            world.plant(
                "comments",
                {
                    "id": first,
                    "task_id": task,
                    "author_id": ids[writer],
                    "parent_id": None,
                    "body": "I have looked at this one.",
                },
                world.people[writer],
            )
            third = (other + 2) % count
            world.plant(
                "comments",
                {
                    "id": new(),
                    "task_id": task,
                    "author_id": ids[third],
                    "parent_id": first,
                    "body": "So have I, see above.",
                },
                world.people[third],
            )
    return world


def legacy(count: int = 30) -> World:
    """An old system in German, with a Norwegian branch's tables beside it."""
    meta = MetaData()
    text = lambda *names: [Column(name, Text) for name in names]  # noqa: E731
    Table(
        "KUNDEST",
        meta,
        Column("KDNR", String(8), primary_key=True),
        *text(
            "ANRED",
            "NAME1",
            "VORNAM",
            "STRAS",
            "PLZ",
            "ORT",
            "TELNR",
            "TELMOB",
            "EMAILADR",
            "GEBDAT",
        ),
        Column("WERBSP", String(1)),
        Column("LAEND", Date),
    )
    Table(
        "AUFKOPF",
        meta,
        Column("AUFNR", Integer, primary_key=True),
        *text("KDNR", "VTRNR"),
        Column("AUFDAT", Date),
        *text("LIEFNAM", "LIEFSTR"),
    )
    Table(
        "AUFPOS", meta, Column("AUFNR", Integer), Column("POSNR", Integer), *text("ARTNR", "TEXT1")
    )
    Table(
        "RECHKOPF",
        meta,
        Column("RECHNR", Integer, primary_key=True),
        *text("KDNR"),
        Column("RECHDAT", Date),
        Column("BETRAG", sa.Numeric(10, 2)),
    )
    Table(
        "VERTRETER",
        meta,
        Column("VTRNR", String(4), primary_key=True),
        *text("NAME", "MAIL", "TEL"),
    )
    Table(
        "LIEFERANT",
        meta,
        Column("LIEFNR", Integer, primary_key=True),
        *text("FIRMA", "ANSPR", "MAIL", "TEL"),
    )
    Table(
        "ARTIKEL",
        meta,
        Column("ARTNR", String(8), primary_key=True),
        *text("BEZ"),
        Column("PREIS", sa.Numeric(8, 2)),
    )
    Table("NOTIZ", meta, Column("NR", Integer, primary_key=True), *text("KDNR", "TXT", "ERFVON"))
    Table(
        "NEWSL", meta, Column("LFD", Integer, primary_key=True), *text("ADR"), Column("ANGEM", Date)
    )
    Table("TB07", meta, Column("F01", Integer, primary_key=True), *text("F02", "F03", "F04"))
    Table("PLZVERZ", meta, Column("PLZ", String(5), primary_key=True), *text("ORT"))
    Table(
        "tbl_medl",
        meta,
        Column("mnr", Integer, primary_key=True),
        *text("fnavn", "enavn", "adr", "pnr", "psted", "mob", "e_adr", "kategori"),
    )
    Table(
        "tbl_innb",
        meta,
        Column("lnr", Integer, primary_key=True),
        Column("mnr", Integer),
        Column("dato", Date),
        Column("belop", Integer),
    )
    Table("tbl_kurs", meta, Column("kid", Integer, primary_key=True), *text("tittel"))
    Table("tbl_kpam", meta, Column("kid", Integer), Column("mnr", Integer), *text("merkn"))
    world = World(
        "alt",
        meta,
        identity={
            "KUNDEST": {"KDNR", "NAME1", "VORNAM", "TELNR", "TELMOB", "EMAILADR"},
            "VERTRETER": {"NAME", "MAIL", "TEL"},
            "LIEFERANT": {"FIRMA", "ANSPR", "MAIL", "TEL"},
            "NEWSL": {"ADR"},
            "TB07": {"F02", "F03", "F04"},
            "tbl_medl": {"fnavn", "enavn", "mob", "e_adr"},
        },
        personal={
            "KUNDEST": {"ANRED", "STRAS", "PLZ", "ORT", "GEBDAT"},
            "AUFKOPF": {"LIEFNAM", "LIEFSTR"},
            "AUFPOS": {"TEXT1"},
            "NOTIZ": {"TXT"},
            "tbl_medl": {"adr", "pnr", "psted"},
            "tbl_kpam": {"merkn"},
        },
        either={
            "KUNDEST": {"KDNR", "ANRED"},
            "LIEFERANT": {"FIRMA", "ANSPR"},
            "AUFPOS": {"TEXT1"},
            "tbl_medl": {"mnr", "kategori"},
            "PLZVERZ": {"PLZ", "ORT"},
            "NOTIZ": {"ERFVON"},
        },
    )
    chance = random.Random(12)
    world.people = _people(2 * count, chance, "+49 151 234")
    for number, (name, mail) in enumerate(
        (("Uwe Vertrieb", "uwe"), ("Petra Kontor", "petra"), ("Ralf Büro", "ralf"))
    ):
        world.plant(
            "VERTRETER",
            {
                "VTRNR": f"V{number}",
                "NAME": name,
                "MAIL": f"{mail}@altfirma.example",
                "TEL": f"+49 30 1234560{number}",
            },
        )
    for number in range(1, 9):
        world.plant(
            "LIEFERANT",
            {
                "LIEFNR": number,
                "FIRMA": f"Werk{number} GmbH",
                "ANSPR": "Jan Muster",
                "MAIL": f"info@werk{number}.example",
                "TEL": f"+49 89 55500{number}",
            },
        )
        world.plant("ARTIKEL", {"ARTNR": f"A-{number:04d}", "BEZ": "Schraube M8", "PREIS": 2})
        world.plant("PLZVERZ", {"PLZ": f"{10115 + number}", "ORT": "Berlin"})
        world.plant("tbl_kurs", {"kid": number, "tittel": f"Kurs {number}"})
    serial = iter(range(1000, 10**6))
    for number, one in enumerate(world.people[:count]):
        customer = f"{700000 + number:08d}"
        world.plant(
            "KUNDEST",
            {
                "KDNR": customer,
                "ANRED": "Frau",
                "NAME1": one.last.upper(),
                "VORNAM": one.first,
                "STRAS": "Ring 5",
                "PLZ": "10115",
                "ORT": "Berlin",
                "TELNR": "030 4567890" if number == 0 else "",
                "TELMOB": one.phone,
                "EMAILADR": one.email.upper(),
                "GEBDAT": f"19{60 + number}0203",
                "WERBSP": "N",
                "LAEND": date(2024, 1, 1),
            },
            one,
        )
        order = next(serial)
        world.plant(
            "AUFKOPF",
            {
                "AUFNR": order,
                "KDNR": customer,
                "VTRNR": f"V{number % 3}",
                "AUFDAT": date(2024, 2, 2),
                "LIEFNAM": "Nachbar Schmidt",
                "LIEFSTR": "Ring 7",
            },
            one,
        )
        world.plant(
            "AUFPOS",
            {"AUFNR": order, "POSNR": 1, "ARTNR": "A-0001", "TEXT1": f"Gravur {number}"},
            one,
        )
        world.plant(
            "RECHKOPF",
            {"RECHNR": next(serial), "KDNR": customer, "RECHDAT": date(2024, 3, 3), "BETRAG": 5},
            one,
        )
        world.plant(
            "NOTIZ",
            {
                "NR": next(serial),
                "KDNR": customer,
                "TXT": "Kunde bittet um Rückruf am Montag.",
                "ERFVON": "V1",
            },
            one,
        )
        world.plant(
            "NEWSL", {"LFD": next(serial), "ADR": one.email, "ANGEM": date(2023, 1, 1)}, one
        )
        world.plant(
            "TB07",
            {
                "F01": next(serial),
                "F02": f"{one.last}, {one.first}",
                "F03": one.email,
                "F04": one.phone.replace(" ", "-"),
            },
            one,
        )
    for number, one in enumerate(world.people[count:]):
        member = 50 + number
        world.plant(
            "tbl_medl",
            {
                "mnr": member,
                "fnavn": one.first,
                "enavn": one.last,
                "adr": "Vei 1",
                "pnr": "0150",
                "psted": "Oslo",
                "mob": one.phone,
                "e_adr": f" {one.email} ",
                "kategori": "A",
            },
            one,
        )
        world.plant(
            "tbl_innb",
            {"lnr": next(serial), "mnr": member, "dato": date(2025, 1, 1), "belop": 300},
            one,
        )
        world.plant(
            "tbl_kpam",
            {"kid": 1 + number % 8, "mnr": member, "merkn": "Vegetarianer, kommer sent"},
            one,
        )
    return world
