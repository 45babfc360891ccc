# ruff: noqa: E501 (rows are read as a table, one a line)
"""A second estate, unlike the first: a car workshop and its web shop, in English and Swedish words.

Every row bears a tag, and the truth is told by tags. It was written down before any search was run.
"""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

MAP = r"""
[own]
domains = ["bilverk.example"]
phones = ["+4773000*", "815 00 999"]
shared_local_parts = ["verksted", "kontakt"]
default_region = "NO"
[key]
card_no = { pattern = 'M\d{2}[ -]?\d{4}', ignore = " -./" }
customer_no = { pattern = 'BV\d{6}', ignore = " -" }
[retention]
books = { law = "bokføringsloven § 13", reason = { nb = "Regnskap" } }

[[database]]
name = "garage"
read_url = "GARAGE_READ"
write_url = "GARAGE_WRITE"
[[database.table]]
name = "owners"
is = "person"
identify = { email = ["mail", "mail2"], phone = ["tel", "mobile"], name = ["given family", "maiden"], card_no = ["card"], user_id = ["login"] }
personal = { address = ["street", "town"] }
volatile = ["seen"]
source = { column = "origin" }
keep = { columns = ["branch", "no", "tag"], until = "kept(repairs, market:payments)", rule = "books" }
set = { restriction = { locked = true }, objection = { no_ads = true } }
[[database.table]]
name = "owners_old"
join = [{ columns = ["branch", "no"], table = "owners", to = ["branch", "no"], as = "same" }]
identify = { email = ["mail"], name = ["given family"] }
[[database.table]]
name = "repairs"
read = { note = "text" }
keep = { columns = ["*"], until = "year_end(done) + 5 years", rule = "books" }
[[database.table]]
name = "repair_lines"
[[database.table]]
name = "mechanics"
is = "own"
identify = { email = ["mail"], phone = ["tel"], name = ["name"] }
[[database.table]]
name = "parties"
is = "person"
where = { kind = ["P", "p"] }
identify = { email = ["mail"], phone = ["tel"], name = ["name"] }
[[database.table]]
name = "parties"
is = "company"
where = { kind = "C" }
identify = { email = ["mail"], phone = ["tel"], name = ["name"] }
[[database.table]]
name = "parties"
is = "own"
where = { kind = "S" }
identify = { email = ["mail"], phone = ["tel"], name = ["name"] }
[[database.table]]
name = "invoices"
join = [{ columns = ["party"], table = "parties", to = ["id"] }]
[[database.table]]
name = "forms"
identify = { email = ["payload.contact.mail"], phone = ["payload.fields[k=Tlf].v"], name = ["payload.fields[k=Full name].v"] }
read = { payload = "json" }
[[database.table]]
name = "tips"
read = { answers = "json", "more.fields[k=Tlf].v" = "text", "more.fields[k=Navn].v" = "text", "more.fields[k=Hvem].v" = "text" }
[[database.table]]
name = "old_letters"
read = { body = "text latin-1", cc = "list" }
[[database.table]]
name = "mail_view"
identify = { email = ["mail"] }
[[database.table]]
name = "visits"
identify = { email = ["mail"] }
[[database.table]]
name = "suppliers"
is = "none"
identify = { email = ["mail"] }
[[database.table]]
name = "deliveries"
join = [{ columns = ["supplier"], table = "suppliers", to = ["id"] }]
[[database.table]]
name = "disclosed"
join = [{ columns = ["branch", "owner_no"], table = "owners", to = ["branch", "no"] }]
disclosure = { recipient = { column = "to_id", table = "market:partners", to = "id", name = "title", email = "mail" }, date = "day" }

[[database]]
name = "market"
read_url = "MARKET_READ"
write_url = "MARKET_WRITE"
[[database.table]]
name = "accounts"
is = "person"
identify = { email = ["mail"], card_no = ["member"], user_id = ["uid"] }
join = [{ columns = ["referred_by"], table = "accounts", to = ["uid"], as = "none" }]
[[database.table]]
name = "payments"
join = [{ columns = ["account"], table = "accounts", to = ["uid"] }, { columns = ["branch", "owner"], table = "garage:owners", to = ["branch", "no"] }]
personal = { bank = ["iban"] }
keep = { columns = ["id", "amount", "tag"], until = "paid + 3 years", rule = "books" }
[[database.table]]
name = "tickets"
join = [{ columns = ["branch", "owner"], table = "garage:owners", to = ["branch", "no"] }]
read = { subject = "text", body = "text" }
[[database.table]]
name = "messages"
join = [{ columns = ["ticket"], table = "tickets", to = ["id"] }]
identify = { email = ["sender"] }
read = { body = "text", cc = "list" }
[[database.table]]
name = "files"
join = [{ columns = ["of"], table = "accounts", to = ["n"], where = { kind = "account" } },
        { columns = ["of"], table = "tickets", to = ["id"], where = { kind = ["ticket", "sak"] } },
        { columns = ["of"], table = "garage:forms", to = ["id"], where = { kind = "form" } }]
[[database.table]]
name = "merges"
join = [{ columns = ["kept"], table = "accounts", to = ["uid"], as = "same" }, { columns = ["gone"], table = "accounts", to = ["uid"], as = "same" }]
identify = { email = ["old_mail"] }
[[database.table]]
name = "newsletter"
identify = { email = ["mail"], name = ["name"] }
erase = "replace"
replace = { mail = "(slettet)", name = "(slettet)" }
[[database.table]]
name = "reviews"
join = [{ columns = ["account"], table = "accounts", to = ["uid"] }]
personal = { name = ["shown_as"] }
erase = "blank"
[[database.table]]
name = "partners"
is = "none"
[[database.table]]
name = "calls"
identify = { phone = ["number"] }
"""

T, N = sa.Text, sa.Integer


def _table(
    metadata: sa.MetaData, name: str, *columns: sa.schema.SchemaItem, key: str = "id"
) -> None:
    first = [sa.Column(key, N, primary_key=True, autoincrement=False)] if key else []
    sa.Table(name, metadata, *first, *columns, sa.Column("tag", T))


GARAGE, MARKET = sa.MetaData(), sa.MetaData()
_C = sa.Column
sa.Table(
    "owners", GARAGE, _C("branch", sa.String(8), primary_key=True), _C("no", N, primary_key=True, autoincrement=False),
    _C("given", T), _C("family", T), _C("maiden", T), _C("mail", T), _C("mail2", T), _C("tel", sa.BigInteger), _C("mobile", T),
    _C("card", T), _C("login", T), _C("street", T), _C("town", T), _C("origin", T), _C("seen", sa.DateTime), _C("deleted_at", sa.DateTime),
    _C("locked", sa.Boolean), _C("no_ads", sa.Boolean), _C("tag", T),
)  # fmt: skip
_table(
    GARAGE,
    "owners_old",
    _C("branch", T),
    _C("no", T),
    _C("given", T),
    _C("family", T),
    _C("mail", T),
    key="",
)
_table(GARAGE, "mechanics", _C("name", T), _C("mail", T), _C("tel", T))
_table(GARAGE, "repairs", _C("branch", sa.String(8)), _C("owner_no", N), _C("mechanic", N, sa.ForeignKey("mechanics.id")), _C("done", sa.Date), _C("note", T),
       sa.ForeignKeyConstraint(["branch", "owner_no"], ["owners.branch", "owners.no"]))  # fmt: skip
_table(GARAGE, "repair_lines", _C("repair", N, sa.ForeignKey("repairs.id")), _C("what", T))
_table(GARAGE, "parties", _C("kind", T), _C("name", T), _C("mail", T), _C("tel", T), _C("form", T))
_table(GARAGE, "invoices", _C("party", T))
_table(GARAGE, "forms", _C("payload", sa.JSON))
_table(GARAGE, "tips", _C("answers", T), _C("more", T))
_table(GARAGE, "old_letters", _C("body", sa.LargeBinary), _C("cc", T))
_table(GARAGE, "visits", _C("mail", T), _C("page", T), key="")
_table(GARAGE, "suppliers", _C("mail", T))
_table(GARAGE, "deliveries", _C("supplier", N))
_table(GARAGE, "disclosed", _C("branch", T), _C("owner_no", T), _C("to_id", T), _C("day", T))
sa.Table(
    "accounts",
    MARKET,
    _C("uid", sa.String(40), primary_key=True),
    _C("n", N),
    _C("mail", T),
    _C("member", T),
    _C("referred_by", sa.String(40), sa.ForeignKey("accounts.uid")),
    _C("tag", T),
)
_table(
    MARKET,
    "payments",
    _C("account", T),
    _C("branch", T),
    _C("owner", T),
    _C("paid", T),
    _C("amount", sa.Numeric(10, 2)),
    _C("iban", T),
)
_table(MARKET, "tickets", _C("branch", T), _C("owner", T), _C("subject", T), _C("body", T))
_table(MARKET, "messages", _C("ticket", N), _C("sender", T), _C("body", T), _C("cc", T))
_table(MARKET, "files", _C("of", T), _C("kind", T))
_table(MARKET, "merges", _C("kept", T), _C("gone", T), _C("old_mail", T), key="")
_table(MARKET, "newsletter", _C("mail", T), _C("name", T))
_table(MARKET, "reviews", _C("account", T), _C("shown_as", T))
_table(MARKET, "partners", _C("title", T), _C("mail", T))
_table(MARKET, "calls", _C("number", T))

VIEW = "CREATE VIEW mail_view AS SELECT mail, tag FROM visits"


def _fields(**values: str) -> list[dict[str, str]]:
    return [{"k": name.replace("_", " "), "v": value} for name, value in values.items()]


def _json(document: object) -> str:
    return json.dumps(document)


U1, U2, U3, U4 = (f"{n}f0e8a52-0c1b-4d2e-9f3a-5b6c7d8e9f0{n}" for n in range(1, 5))
Planted = tuple[str, str, dict[str, object]]


def rows() -> list[Planted]:
    """(table, tag, values)"""
    d = dt.date
    return [
        # Åse, who was Hagen before; two branches, one record soft-deleted.
        ("owners", "åse", {"branch": "TRD", "no": 17, "given": "Åse Marie", "family": "Bjørnstad-Øye", "maiden": "Hagen", "mail": "Aase.Bjornstad@Fjell.Example", "tel": 41234567, "card": "m12-3456", "login": "aasebj", "origin": "skranke"}),
        ("owners", "åse-slettet", {"branch": "OSL", "no": 17, "given": "AASE", "family": "HAGEN", "mail": None, "mail2": " aase.bjornstad@fjell.example ", "mobile": "+47 412 34 567", "deleted_at": dt.datetime(2020, 1, 1)}),
        ("owners", "åse-navnesøster", {"branch": "TRD", "no": 18, "given": "Åse Marie", "family": "Bjørnstad-Øye", "mail": "annen.aase@sjo.example", "tel": 48899000, "card": "M12-3457"}),
        ("owners", "bare-likt-nummer", {"branch": "BGO", "no": 17, "given": "Nils", "family": "Vang", "mail": "nils@vang.example", "login": "nilsv"}),
        ("owners_old", "åse-gammel", {"branch": "TRD", "no": "17", "given": "Åse", "family": "Hagen", "mail": "åse@hagen.example"}),
        ("owners_old", "navnesøster-gammel", {"branch": "TRD", "no": "18", "given": "Åse", "family": "Lind", "mail": "aase.lind@sjo.example"}),
        ("mechanics", "mek", {"id": 1, "name": "Ole Mek", "mail": "ole.mek@privat.example", "tel": "90909090"}),
        ("repairs", "rep-åse", {"id": 17, "branch": "TRD", "owner_no": 17, "mechanic": 1, "done": d(2024, 3, 1), "note": None}),
        ("repairs", "rep-åse-2018", {"id": 18, "branch": "TRD", "owner_no": 17, "mechanic": 1, "done": d(2018, 3, 1), "note": "ok"}),
        ("repairs", "rep-nils", {"id": 19, "branch": "BGO", "owner_no": 17, "mechanic": 1, "done": d(2024, 3, 1), "note": "Ring Åse Marie Bjørnstad-Øye 41234567 om felles bil"}),
        ("repairs", "rep-ingen", {"id": 20, "branch": None, "owner_no": None, "mechanic": 1, "done": d(2024, 3, 1), "note": "Drop-in: kort M12 3456, hentes fredag"}),
        ("repairs", "rep-kortlikt", {"id": 21, "branch": None, "owner_no": None, "mechanic": 1, "done": d(2024, 3, 1), "note": "delenr XM12-34567 og M12-34569"}),
        ("repair_lines", "linje-åse", {"id": 1, "repair": 17, "what": "olje"}),
        ("repair_lines", "linje-nils", {"id": 2, "repair": 19, "what": "olje"}),
        ("repair_lines", "linje-ingen", {"id": 3, "repair": 20, "what": "dekk"}),
        ("parties", "part-åse", {"id": 17, "kind": "p", "name": "Bjørnstad-Øye, Åse M.", "mail": None, "tel": "0047 41 23 45 67"}),
        ("parties", "part-resirkulert", {"id": 18, "kind": "P", "name": "Trond Dahl", "mail": "trond@dahl.example", "tel": "+47 48 33 44 55"}),
        ("parties", "firma-as", {"id": 19, "kind": "C", "name": "Tveit Maskin AS", "mail": "jon.tveit@post.example", "tel": None, "form": "AS"}),
        ("parties", "firma-enk", {"id": 20, "kind": "C", "name": "Rørlegger Jon Tveit", "mail": "Jon.Tveit@post.example", "tel": None, "form": "ENK"}),
        ("parties", "ansatt", {"id": 21, "kind": "S", "name": "Jon Tveit", "mail": "jon@bilverk.example", "tel": "73000123"}),
        ("parties", "part-jon", {"id": 22, "kind": "P", "name": "Jon Tveit", "mail": "jon.tveit@post.example", "tel": "55 11 22 33"}),
        ("parties", "part-moe-k", {"id": 23, "kind": "P", "name": "Karl Moe", "mail": "moe@hjem.example", "tel": "73 50 11 11"}),
        ("parties", "part-moe-b", {"id": 24, "kind": "P", "name": "Berit Moe", "mail": "MOE@hjem.example", "tel": "73501111"}),
        ("invoices", "fakt-åse", {"id": 1, "party": "17"}), ("invoices", "fakt-enk", {"id": 2, "party": "20"}),
        ("invoices", "fakt-as", {"id": 3, "party": "19"}), ("invoices", "fakt-moe-k", {"id": 4, "party": "23"}),
        ("invoices", "fakt-ansatt", {"id": 5, "party": "21"}),
        ("forms", "skjema-åse", {"id": 17, "payload": {"contact": {"mail": "ÅSE@HAGEN.EXAMPLE"}, "fields": _fields(Full_name="Hagen Åse", Tlf="412.34.567")}}),
        ("forms", "skjema-lars", {"id": 18, "payload": {"contact": {"mail": "l.a.r.s.oberg@googlemail.com"}, "fields": _fields(Full_name="Lars Öberg", Tlf="+46 (0)70-123 45 67")}}),
        ("forms", "skjema-tlf", {"id": 19, "payload": {"contact": {}, "fields": _fields(Full_name="Öberg Lars", Tlf="0046701234567")}}),
        ("forms", "skjema-annen", {"id": 20, "payload": {"contact": {"mail": "x@y.example"}, "fields": _fields(Full_name="X Yng", Tlf="22334455"), "melding": "Hils Lars Öberg 0701234567 lars.oberg@gmail.com"}}),
        ("forms", "skjema-resirkulert", {"id": 21, "payload": {"contact": {"mail": "kjersti@lund.example"}, "fields": _fields(Full_name="Kjersti Lund", Tlf="48334455")}}),
        ("tips", "tips-åse", {"id": 1, "answers": _json([[{"who": [{"m": "aase.bjornstad@fjell.example"}]}]]), "more": None}),
        ("tips", "tips-lars", {"id": 2, "answers": None, "more": _json({"fields": _fields(Navn="Lars Oeberg", Tlf="+46701234567")})}),
        ("tips", "tips-søppel", {"id": 3, "answers": "{ikke json", "more": "[]"}),
        ("old_letters", "brev-åse", {"id": 1, "body": "Hei fra åse@hagen.example\nHilsen Åse".encode("latin-1"), "cc": None}),
        ("old_letters", "brev-cc", {"id": 2, "body": "Møte".encode("latin-1"), "cc": "x@y.example;  LARS.OBERG@GMAIL.COM,z@y.example"}),
        ("old_letters", "brev-tomt", {"id": 3, "body": None, "cc": "NULL"}),
        ("visits", "besøk-åse-1", {"mail": "aase.bjornstad@fjell.example", "page": "/"}), ("visits", "besøk-åse-2", {"mail": "AASE.BJORNSTAD@FJELL.EXAMPLE\t", "page": None}),
        ("visits", "besøk-tagg", {"mail": "aase.bjornstad+avis@fjell.example", "page": "/"}), ("visits", "besøk-annen", {"mail": "aase.bjornstad@fjell.example.com", "page": "/"}),
        ("visits", "besøk-mojibake", {"mail": "Ã¥se@hagen.example", "page": "/"}),
        ("suppliers", "lev", {"id": 17, "mail": "aase.bjornstad@fjell.example"}), ("deliveries", "lev-inn", {"id": 1, "supplier": 17}),
        ("disclosed", "utlevert-åse", {"id": 1, "branch": "TRD", "owner_no": "17", "to_id": "3", "day": "2026-02-01"}),
        # The web shop.
        ("accounts", "konto-nils", {"uid": U2, "n": 18, "mail": "nils@vang.example", "member": None, "referred_by": None}),
        ("accounts", "konto-åse", {"uid": U1, "n": 17, "mail": None, "member": "M 12 3456", "referred_by": U2}),
        ("accounts", "konto-lars", {"uid": U3, "n": 19, "mail": "lars.oberg+bil@gmail.com", "member": "M99-0001", "referred_by": None}),
        ("accounts", "konto-lars-2", {"uid": U4, "n": 20, "mail": "lars@oberg.example", "member": None, "referred_by": None}),
        ("payments", "bet-åse", {"id": 1, "account": U1.upper(), "branch": None, "owner": None, "paid": "31.12.2024", "amount": 10, "iban": "NO1"}),
        ("payments", "bet-åse-gammel", {"id": 2, "account": None, "branch": "TRD", "owner": "17", "paid": "2019-01-01", "amount": 10, "iban": "NO1"}),
        ("payments", "bet-bgo", {"id": 3, "account": None, "branch": "BGO", "owner": "17", "paid": "2025-01-01", "amount": 10, "iban": "NO2"}),
        ("tickets", "sak-åse", {"id": 17, "branch": "OSL", "owner": "17", "subject": "Hei", "body": "x"}),
        ("tickets", "sak-nils", {"id": 18, "branch": "BGO", "owner": "17", "subject": "cc aase.bjornstad@fjell.example", "body": "x"}),
        ("tickets", "sak-løs", {"id": 19, "branch": None, "owner": None, "subject": "Fra Åse Hagen", "body": "Ring meg på (+47) 412 34 567"}),
        ("tickets", "sak-navn", {"id": 20, "branch": None, "owner": None, "subject": "Fra Åse Hagen", "body": "Ring meg"}),
        ("messages", "meld-i-nils", {"id": 1, "ticket": 18, "sender": "Åse B <aase.bjornstad@fjell.example>", "body": "ja", "cc": None}),
        ("messages", "meld-cc", {"id": 2, "ticket": 18, "sender": "nils@vang.example", "body": "hei aase.bjornstad@fjell.example", "cc": "aase.bjornstad@fjell.example"}),
        ("messages", "meld-i-åse", {"id": 3, "ticket": 17, "sender": "kari@bilverk.example", "body": "Hei", "cc": None}),
        ("files", "fil-konto-åse", {"id": 1, "of": "17", "kind": "account"}), ("files", "fil-sak-åse", {"id": 2, "of": "17", "kind": "sak"}),
        ("files", "fil-ukjent-slag", {"id": 3, "of": "17", "kind": "invoice"}), ("files", "fil-skjema-åse", {"id": 4, "of": "17", "kind": "form"}),
        ("files", "fil-konto-nils", {"id": 5, "of": "18", "kind": "account"}), ("files", "fil-skjema-lars", {"id": 6, "of": "18", "kind": "form"}),
        ("files", "fil-null", {"id": 7, "of": None, "kind": "account"}),
        ("merges", "slått-lars", {"kept": U3, "gone": U4, "old_mail": "lasse@oberg.example"}),
        ("newsletter", "nyhet-lars", {"id": 1, "mail": "Lasse@Oberg.example", "name": None}),
        ("newsletter", "nyhet-moe", {"id": 2, "mail": "moe@hjem.example", "name": "Moe Karl"}),
        ("newsletter", "nyhet-moe-uten", {"id": 3, "mail": "moe@hjem.example", "name": None}),
        ("newsletter", "nyhet-ole-mek", {"id": 4, "mail": "ole.mek@privat.example", "name": "Ole Mek"}),
        ("reviews", "omtale-åse", {"id": 1, "account": U1, "shown_as": "Åse fra Trøndelag"}), ("reviews", "omtale-nils", {"id": 2, "account": U2, "shown_as": "N"}),
        ("partners", "partner", {"id": 3, "title": "Forsikring AS", "mail": "post@forsikring.example"}),
        ("calls", "anrop-åse", {"id": 1, "number": "4741234567"}), ("calls", "anrop-lars", {"id": 2, "number": "0046 70-123 45 67"}),
        ("calls", "anrop-moe", {"id": 3, "number": "73 50 11 11"}), ("calls", "anrop-resirkulert", {"id": 4, "number": "4833 4455"}),
        ("calls", "anrop-lars-uten-pluss", {"id": 6, "number": "46701234567"}), ("calls", "anrop-nær", {"id": 5, "number": "412345678"}),
    ]  # fmt: skip


@dataclass(frozen=True)
class Ask:
    """A question to `mailbot locate`, and what it finds, by tags."""

    options: Sequence[str]
    certain: str
    possible: str = ""
    refused: str = ""  # why keys were not searched


_ÅSE = (
    "åse åse-slettet åse-gammel rep-åse rep-åse-2018 rep-ingen linje-åse linje-ingen part-åse fakt-åse"
    " skjema-åse tips-åse brev-åse besøk-åse-1 besøk-åse-2 besøk-mojibake vis-åse-1 vis-åse-2 vis-mojibake"
    " utlevert-åse konto-åse bet-åse bet-åse-gammel sak-åse sak-løs meld-i-nils meld-i-åse fil-konto-åse"
    " fil-sak-åse fil-skjema-åse omtale-åse anrop-åse"
)
_LARS = (
    "skjema-lars skjema-tlf tips-lars brev-cc konto-lars konto-lars-2 slått-lars nyhet-lars fil-skjema-lars"
    " anrop-lars anrop-lars-uten-pluss"
)
ASKS = (
    Ask(("--email", "aase.bjornstad@fjell.example"), _ÅSE, "besøk-tagg vis-tagg"),
    Ask(("--customer-no", "unknown-1", "--email", "AASE.Bjornstad@fjell.example"), _ÅSE, "besøk-tagg vis-tagg"),
    Ask(("--email", "åse@hagen.example", "--name", "Åse Hagen"), _ÅSE, "besøk-tagg vis-tagg sak-navn"),
    Ask(("--phone", "+47 41 23 45 67", "--name", "Åse Bjørnstad-Øye"), _ÅSE, "åse-navnesøster besøk-tagg vis-tagg"),
    Ask(("--name", "Øye Bjørnstad, Åse Marie"), "", "åse åse-navnesøster part-åse tips-åse"),  # an address may bear the name
    Ask(("--email", "larsoberg@gmail.com"), _LARS),
    Ask(("--email", "lars@oberg.example"), _LARS),
    Ask(("--email", "jon.tveit@post.example"), "part-jon firma-enk fakt-enk"),
    Ask(("--email", "moe@hjem.example", "--name", "Karl Moe"), "part-moe-k fakt-moe-k nyhet-moe", "nyhet-moe-uten anrop-moe"),
    Ask(("--phone", "48334455", "--name", "Kjersti Lund"), "skjema-resirkulert", "anrop-resirkulert"),
    Ask(("--email", "trond@dahl.example"), "part-resirkulert", "anrop-resirkulert"),
    Ask(("--email", "ole.mek@privat.example"), "", refused="belong to the organisation itself or its staff"),
    Ask(("--email", "nils@vang.example"), "bare-likt-nummer rep-nils linje-nils konto-nils bet-bgo sak-nils meld-cc meld-i-nils fil-konto-nils omtale-nils"),
)  # fmt: skip
# What becomes of some of them at an erasure, as `action` tells it.
ACTIONS = {
    "åse": "keep", "åse-slettet": "delete", "rep-åse": "keep", "rep-åse-2018": "delete", "bet-åse": "keep",
    "bet-åse-gammel": "delete", "omtale-åse": "blank", "nyhet-lars": "replace", "vis-åse-1": "manual",
    "besøk-åse-1": "delete", "konto-åse": "delete", "bare-likt-nummer": "keep",
}  # fmt: skip
