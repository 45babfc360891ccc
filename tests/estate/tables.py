"""The estate's two databases and their data map."""

import tomllib

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, Text

from mailbot.datamap import DataMap

CRM, SHOP = MetaData(), MetaData()


def _id() -> "Column[int]":
    return Column("id", Integer, primary_key=True)


def _contact(**options: bool) -> "Column[int]":
    return Column("kontakt_id", Integer, ForeignKey("kontakter.id"), **options)


Table(
    "kontakter",
    CRM,
    _id(),
    *(
        Column(name, Text)
        for name in (
            "fornavn",
            "etternavn",
            "pikenavn",
            "epost",
            "epost2",
            "mobil",
            "telefon",
            "kundenr",
            "adresse",
            "stilling",
            "kilde",
            "notat",
            "oppdatert",
        )
    ),
    Column("bruker_id", sa.Uuid(as_uuid=False)),
    Column("firma_id", Integer, ForeignKey("firmaer.id")),
    Column("selger_id", Integer, ForeignKey("ansatte.id")),
    Column("vervet_av", Integer, ForeignKey("kontakter.id")),
    Column("reservert", sa.Boolean),
)
Table(
    "firmaer",
    CRM,
    _id(),
    Column("navn", Text),
    Column("orgform", Text),
    Column("epost", Text),
    Column("telefon", Text),
)
Table("ansatte", CRM, _id(), Column("navn", Text), Column("epost", Text), Column("telefon", Text))
Table(
    "ordrer",
    CRM,
    _id(),
    _contact(nullable=True),
    Column("selger_id", Integer, ForeignKey("ansatte.id")),
    Column("firma_id", Integer, ForeignKey("firmaer.id")),
    Column("dato", sa.Date),
    Column("leveringsnavn", Text),
    Column("leveringsepost", Text),
)
Table(
    "ordrelinjer",
    CRM,
    Column("ordre_id", Integer, ForeignKey("ordrer.id", ondelete="CASCADE"), primary_key=True),
    Column("linje", Integer, primary_key=True),
    Column("vare", Text),
    Column("gravering", Text),
)
Table("fakturaer", CRM, _id(), _contact(), Column("dato", sa.Date), Column("fakturanavn", Text))
Table("nyhetsbrev", CRM, _id(), Column("epost", Text), Column("navn", Text))
Table("sms_logg", CRM, _id(), Column("nummer", Text), Column("tekst", Text))
Table(
    "henvendelser",
    CRM,
    _id(),
    Column("navn", Text),
    Column("epost", Text),
    Column("telefon", Text),
    Column("melding", Text),
)
Table(
    "saker",
    CRM,
    _id(),
    _contact(),
    Column("behandler_id", Integer, ForeignKey("ansatte.id")),
    Column("emne", Text),
)
Table(
    "saksmeldinger",
    CRM,
    _id(),
    Column("sak_id", Integer, ForeignKey("saker.id")),
    Column("avsender", Text),
    Column("kopi_til", Text),
    Column("tekst", Text),
)
Table("sammenslaatt", CRM, _id(), Column("kontakt_id", Integer), Column("gammel_epost", Text))
Table("skjemasvar", CRM, _id(), Column("svar", sa.JSON))
Table("kort", CRM, _id(), Column("kort", sa.LargeBinary))
Table(
    "vedlegg",
    CRM,
    _id(),
    Column("eier_type", Text),
    Column("eier_id", Text),
    Column("filnavn", Text),
)
Table(
    "revisjon",
    CRM,
    Column("kontakt_id", Integer),
    Column("felt", Text),
    Column("gammel", Text),
    Column("nr", Integer),
)
Table(
    "notater",
    CRM,
    _id(),
    _contact(nullable=True),
    Column("ansatt_id", Integer),
    Column("tekst", Text),
)
Table("arkiv", CRM, _id(), Column("navn", Text), Column("epost", Text), Column("slettet", Text))
Table("innlogginger", CRM, _id(), Column("bruker_id", Text), Column("tid", Text))
Table(
    "deltakere",
    CRM,
    Column("arrangement", Integer, primary_key=True),
    Column("epost", sa.String(200), primary_key=True),
    Column("merknad", Text),
)
Table("leverandorer", CRM, _id(), Column("navn", Text), Column("epost", Text))

Table(
    "kunder",
    SHOP,
    _id(),
    Column("crm_id", Text),
    Column("navn", Text),
    Column("e_post", Text),
    Column("tlf", Text),
)
Table(
    "bestillinger",
    SHOP,
    _id(),
    Column("kunde_id", Integer, ForeignKey("kunder.id")),
    Column("dato", Text),
)
Table(
    "bestillingslinjer",
    SHOP,
    _id(),
    Column("bestilling_id", Integer, ForeignKey("bestillinger.id")),
    Column("vare", Text),
)
Table("kurver", SHOP, _id(), Column("epost", Text), Column("innhold", Text))
Table(
    "betalinger",
    SHOP,
    _id(),
    Column("crm_kontakt", Text),
    Column("dato", Text),
    Column("belop", sa.Numeric(10, 2)),
)
Table("gavekort", SHOP, _id(), Column("kjoper", Text), Column("hilsen", Text))
Table("logg", SHOP, _id(), Column("linje", Text))

MAP = r"""
[own]
domains = ["firmaet.no"]
phones = ["+472200000*"]
shared_local_parts = ["post", "firmapost", "kontakt", "faktura"]

[key]
customer_no = { pattern = 'K-?\d{5,7}', ignore = " -" }

[retention]
bookkeeping = { law = "bokføringsloven § 13", reason = { nb = "Regnskapsplikt" } }

[[database]]
name = "crm"
read_url = "sqlite://"
write_url = "sqlite://"
table = [
  { name = "kontakter", is = "person", volatile = ["oppdatert"], source = { column = "kilde" },
    identify = { email = ["epost", "epost2"], phone = ["mobil", "telefon"],
                 name = ["fornavn etternavn", "pikenavn"], customer_no = ["kundenr"],
                 user_id = ["bruker_id"] },
    personal = { address = ["adresse"], position = ["stilling"] }, read = { notat = "text" },
    set = { objection = { reservert = true } } },
  { name = "firmaer", is = "company",
    identify = { email = ["epost"], phone = ["telefon"], name = ["navn"] } },
  { name = "ansatte", is = "own",
    identify = { email = ["epost"], phone = ["telefon"], name = ["navn"] } },
  { name = "ordrer", identify = { email = ["leveringsepost"] },
    personal = { name = ["leveringsnavn"] } },
  { name = "ordrelinjer", personal = { text = ["gravering"] } },
  { name = "fakturaer", personal = { name = ["fakturanavn"] },
    keep = { columns = ["*"], until = "year_end(dato) + 5 years", rule = "bookkeeping" } },
  { name = "nyhetsbrev", identify = { email = ["epost"], name = ["navn"] } },
  { name = "sms_logg", identify = { phone = ["nummer"] } },
  { name = "henvendelser", read = { melding = "text" },
    identify = { email = ["epost"], phone = ["telefon"], name = ["navn"] } },
  { name = "saker" },
  { name = "saksmeldinger", identify = { email = ["avsender"] },
    read = { kopi_til = "list", tekst = "text" } },
  { name = "sammenslaatt", identify = { email = ["gammel_epost"] },
    join = [{ columns = ["kontakt_id"], table = "kontakter", to = ["id"], as = "same" }] },
  { name = "skjemasvar", identify = { email = ["svar.felt[k=E-post].v"], name = ["svar.navn"] },
    read = { svar = "json" } },
  { name = "kort", read = { kort = "text latin-1" } },
  { name = "vedlegg", join = [
    { columns = ["eier_id"], table = "kontakter", to = ["id"], where = { eier_type = "kontakt" } },
    { columns = ["eier_id"], table = "shop:kurver", to = ["id"],
      where = { eier_type = "kurv" } }] },
  { name = "revisjon", join = [{ columns = ["kontakt_id"], table = "kontakter", to = ["id"] }] },
  { name = "notater", read = { tekst = "text" },
    join = [{ columns = ["ansatt_id"], table = "ansatte", to = ["id"] }] },
  { name = "arkiv", is = "person", identify = { email = ["epost"], name = ["navn"] } },
  { name = "innlogginger", identify = { user_id = ["bruker_id"] } },
  { name = "deltakere", identify = { email = ["epost"] }, personal = { text = ["merknad"] } },
  { name = "leverandorer", is = "none" },
]

[[database]]
name = "shop"
read_url = "sqlite://"
write_url = "sqlite://"
table = [
  { name = "kunder", is = "person",
    identify = { email = ["e_post"], phone = ["tlf"], name = ["navn"] },
    join = [{ columns = ["crm_id"], table = "crm:kontakter", to = ["id"], as = "same" }] },
  { name = "bestillinger" },
  { name = "bestillingslinjer" },
  { name = "kurver", identify = { email = ["epost"] } },
  { name = "betalinger",
    join = [{ columns = ["crm_kontakt"], table = "crm:kontakter", to = ["id"] }],
    keep = { columns = ["*"], until = "year_end(dato) + 5 years", rule = "bookkeeping" } },
  { name = "gavekort", identify = { email = ["kjoper"] }, read = { hilsen = "text" } },
  { name = "logg", read = { linje = "text" } },
]
"""


def datamap(text: str = MAP) -> DataMap:
    """The estate's data map, typed. TOML 1.0 wants an inline table on one line; this joins them."""
    return DataMap.model_validate(tomllib.loads(_inline(text)))


def _inline(text: str) -> str:
    lines: list[str] = []
    open_ = 0
    for line in text.splitlines():
        if open_ > 0:
            lines[-1] += " " + line.strip()
        else:
            lines.append(line)
        if not line.strip().startswith("customer_no"):
            open_ += line.count("{") - line.count("}")
    return "\n".join(lines)
