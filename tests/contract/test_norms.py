# ruff: noqa: E501 (rows are read as a table, one a line)
"""The norms of matching, cell by cell, on every engine: what is certain, possible, and neither.

Each case plants its rows among all the others' and says, for some keys, exactly which rows are
found. The letters of a case name its rows in the order in which they are planted.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa

from mailbot.case import Key, Subject
from mailbot.datamap import DataMap
from mailbot.sources import AllSources, SqlSource
from tests.estate.build import opened
from tests.servers.databases import NewUrl

MAP = r"""
[own]
domains = ["firmaet.no"]
phones = ["+472200000*"]
shared_local_parts = ["post", "kontakt", "familie"]
[key]
customer_no = { pattern = 'K-?\d{5,7}', ignore = " -" }
[[database]]
name = "crm"
read_url = "x"
[[database.table]]
name = "kunder"
is = "person"
identify = { email = ["epost", "epost2"], phone = ["mobil"], name = ["fornavn etternavn", "pikenavn"], customer_no = ["kundenr"], user_id = ["bruker"] }
[[database.table]]
name = "ansatte"
is = "own"
identify = { email = ["epost"], phone = ["mobil"], name = ["navn"] }
[[database.table]]
name = "parter"
is = "person"
where = { slag = ["P", "p"] }
identify = { email = ["epost"], name = ["navn"], phone = ["mobil"] }
[[database.table]]
name = "parter"
is = "company"
where = { slag = "F" }
identify = { email = ["epost"], name = ["navn"], phone = ["mobil"] }
[[database.table]]
name = "parter"
is = "own"
where = { slag = "A" }
identify = { email = ["epost"], name = ["navn"], phone = ["mobil"] }
[[database.table]]
name = "skjema"
identify = { email = ["epost"], name = ["navn"], phone = ["mobil"] }
[[database.table]]
name = "logg"
identify = { email = ["fra", "til"] }
[[database.table]]
name = "sms"
identify = { phone = ["nummer"] }
[[database.table]]
name = "ordre"
join = [{ columns = ["kunde"], table = "kunder", to = ["id"] }]
identify = { email = ["til_epost"], user_id = ["bruker"] }
read = { notat = "text" }
[[database.table]]
name = "linje"
join = [{ columns = ["ordre"], table = "ordre", to = ["id"] }]
[[database.table]]
name = "tekst"
read = { fri = "text", dok = "json", "dok.felt[k=Tlf].v" = "text", gammel = "text latin-1", kopi = "list" }
join = [{ columns = ["kunde"], table = "kunder", to = ["id"] }]
[[database.table]]
name = "slatt_sammen"
join = [{ columns = ["beholdt"], table = "kunder", to = ["id"], as = "same" }, { columns = ["slettet"], table = "kunder", to = ["id"], as = "same" }]
identify = { email = ["gammel"] }
[[database.table]]
name = "vedlegg"
join = [{ columns = ["eier"], table = "kunder", to = ["id"], where = { eier_type = "kunde" } }, { columns = ["eier"], table = "nett:handel", to = ["nr"], where = { eier_type = ["handel", "kjop"] } }]
[[database.table]]
name = "leverandor"
is = "none"
identify = { email = ["epost"] }
[[database]]
name = "nett"
read_url = "x"
[[database.table]]
name = "handel"
join = [{ columns = ["kunde"], table = "crm:kunder", to = ["id"] }, { columns = ["kurer"], table = "crm:leverandor", to = ["id"] }]
[[database.table]]
name = "konto"
is = "person"
identify = { email = ["json.kontakt[].epost"], name = ["json.navn"], user_id = ["guid"] }
[[database.table]]
name = "okt"
join = [{ columns = ["konto"], table = "konto", to = ["guid"] }]
"""
COLUMNS: Mapping[str, Sequence[str]] = {
    "kunder": ("fornavn", "etternavn", "pikenavn", "epost", "epost2", "mobil", "kundenr", "bruker"),
    "ansatte": ("navn", "epost", "mobil"),
    "parter": ("slag", "navn", "epost", "mobil", "orgform", "land"),
    "skjema": ("navn", "epost", "mobil"),
    "logg": ("fra", "til"),
    "sms": ("nummer",),
    "ordre": ("kunde", "til_epost", "bruker", "notat"),
    "linje": ("ordre",),
    "tekst": ("fri", "dok", "gammel", "kopi", "kunde"),
    "slatt_sammen": ("beholdt", "slettet", "gammel"),
    "vedlegg": ("eier", "eier_type"),
    "leverandor": ("epost",),
}
SHOP_COLUMNS: Mapping[str, Sequence[str]] = {
    "handel": ("nr", "kunde", "kurer"),
    "konto": ("guid", "json"),
    "okt": ("konto",),
}
NUMBERS = {("ordre", "kunde"), ("linje", "ordre"), ("tekst", "kunde"), ("slatt_sammen", "beholdt"),
           ("slatt_sammen", "slettet"), ("handel", "kurer")}  # fmt: skip
Planted = tuple[str, dict[str, object]]


@dataclass
class Case:
    """Rows, and what some keys find of them: (keys, certain, possible), rows by their letters."""

    rows: Sequence[Planted]
    asked: Sequence[tuple[dict[str, str], str, str]]
    names: dict[tuple[str, int], str] = field(default_factory=dict)


def row(table: str, **values: object) -> Planted:
    """One row of a case. A value "@b" is the id of the case's row b."""
    return table, values


def ask(certain: str, possible: str = "", **keys: str) -> tuple[dict[str, str], str, str]:
    """What is found by some keys."""
    return keys, certain, possible


OLA = {"fornavn": "Ola", "etternavn": "Å. Nordlid"}
CASES: Mapping[str, Case] = {
    "e-mail: case, space, Unicode form, punycode, misreading": Case(
        [
            row("skjema", epost="BJØRN.aas@Blåbær1.NO"),
            row("skjema", epost="\u00a0 bjørn.aas@bla\u030abær1.no\t"),
            row("skjema", epost="bjørn.aas@xn--blbr1-nrai.no"),
            row("skjema", epost="bjÃ¸rn.aas@blÃ¥bÃ¦r1.no"),
            row("skjema", epost="Bjørn Aas <bjørn.aas@blåbær1.no>"),
            row("skjema", epost="bjorn.aas@blåbær1.no"),
            row("skjema", epost="bjørnaas@blåbær1.no"),
            row("skjema", epost="bjørn.aas@blåbær1.no.com"),
            row("skjema", epost="xbjørn.aas@blåbær1.no"),
        ],
        [ask("abcde", email="bjørn.aas@blåbær1.no"), ask("abcde", email=" BJØRN.AAS@BLÅBÆR1.NO ")],
    ),
    "e-mail: odd capitals": Case(
        [row("skjema", epost="oDd.CaPiTaLs@Two.Example"), row("logg", fra="ODD.capitals@two.example")],
        [ask("ab", email="odd.capitals@two.example")],
    ),
    "e-mail: tags and dots": Case(
        [
            row("skjema", epost="per.ek+avis@gmail.com"), row("skjema", epost="P.E.R.ek@GoogleMail.com"),
            row("skjema", epost="perekk@gmail.com"), row("skjema", epost="per+avis@ek.no"),
            row("skjema", epost="per@ek.no"), row("skjema", epost="p.er@ek.no"),
            row("skjema", epost="per-avis@ek.no"),
        ],
        [
            ask("ab", email="perek@gmail.com"), ask("e", "d", email="per@ek.no"),
            ask("d", "e", email="per+avis@ek.no"), ask("", "de", email="per+x@ek.no"),
        ],
    ),
    "phone: one number in any format, and nobody else uses it": Case(
        [
            row("kunder", fornavn="Siv", etternavn="Moe", mobil="+47 401 00 001"),
            row("sms", nummer="40100001"), row("sms", nummer="0047 40 10 00 01"),
            row("sms", nummer="(+47) 401.00.001"), row("sms", nummer="4740100001"),
            row("skjema", navn="Moe, Siv", mobil="401 00 001"), row("sms", nummer="+46401000001"),
            row("sms", nummer="401000019"),
        ],
        [ask("abcdef", phone="40100001", name="Siv Moe"), ask("abcdef", phone="+4740100001")],
    ),
    "phone: another name uses it": Case(
        [
            row("kunder", fornavn="Tor", etternavn="Lie", mobil="40200002", epost="tor@lie2.no"),
            row("kunder", fornavn="Eva", etternavn="Lie", mobil="40200002", epost="eva@lie2.no"),
            row("sms", nummer="+4740200002"), row("ordre", kunde="@a"), row("ordre", kunde="@b"),
            row("skjema", navn="T. Lie", mobil="402 00 002"),
        ],
        [
            ask("ad", "cf", phone="40200002", name="Tor Lie"), ask("ad", "cf", email="tor@lie2.no"),
            ask("", "abcf", phone="40200002"), ask("be", "c", email="eva@lie2.no", name="Eva Lie"),
        ],
    ),
    "phone: a recycled number": Case(
        [
            row("skjema", navn="Gammel Eier", mobil="40300003"), row("sms", nummer="40300003"),
            row("kunder", fornavn="Ny", etternavn="Eier Hansen", epost="ny@eier3.no"),
        ],
        [
            ask("c", "b", email="ny@eier3.no", phone="40300003", name="Ny Eier Hansen"),
            ask("", "b", phone="40300003", name="Noen Annen"),
        ],
    ),
    "shared address: a role": Case(
        [
            row("skjema", epost="Post@lag4.no", navn="Liv Foss"),
            row("skjema", epost="post@lag4.no", navn="Arne Tveit"),
            row("skjema", epost="post@lag4.no"), row("logg", fra="post@lag4.no"),
            row("tekst", fri="Fra post@lag4.no: hei, Liv Foss"), row("tekst", fri="post@lag4.no"),
        ],
        [
            ask("ae", "cdf", email="post@lag4.no", name="Liv Foss"),
            ask("", "abcdef", email="post@lag4.no"),
        ],
    ),
    "shared address: several names under it": Case(
        [
            row("kunder", fornavn="Nina", etternavn="Rød", epost="oss@hytta5.no"),
            row("kunder", fornavn="Geir", etternavn="Rød", epost="oss@hytta5.no"),
            row("logg", fra="oss@hytta5.no"), row("ordre", kunde="@a"), row("ordre", kunde="@b"),
            row("linje", ordre="@d"), row("skjema", epost="oss@hytta5.no", navn="RØD NINA"),
        ],
        [
            ask("adfg", "c", email="oss@hytta5.no", name="Nina Rød"),
            ask("be", "c", email="oss@hytta5.no", name="Geir Rød"),
        ],
    ),
    "name: only ever possible": Case(
        [
            row("kunder", fornavn="Åse Marie", etternavn="Bjørnsæter", epost="aase@b6.no"),
            row("skjema", navn="BJOERNSAETER, AASE MARIE"), row("skjema", navn="Åse Bjørnsæter"),
            row("skjema", navn="A. M. Bjornsaeter"), row("skjema", navn="Åse Marie"),
            row("skjema", navn="Bjørnsæter"), row("skjema", navn="Åse Marie Berg"),
            row("skjema", navn="Ã…se Marie BjÃ¸rnsÃ¦ter", epost="en.annen@b6.no"),
            row("skjema", navn="Ove Bjørnsæter"), row("tekst", fri="Ring Åse Marie Bjørnsæter."),
            row("tekst", fri="Ring Ove Bjørnsæter, Åse Marie Bjørnsæters mann", kunde="@a"),
        ],
        [
            ask("", "abcdehj", name="Åse Marie Bjørnsæter"),
            ask("ak", "bcdehj", email="aase@b6.no", name="Bjørnsæter Åse Marie"),
        ],
    ),
    "customer number: case, hyphens, own kind alone": Case(
        [
            row("kunder", fornavn="Kim", etternavn="Dal", kundenr="k-70007"),
            row("ordre", kunde="@a"), row("kunder", kundenr="K-700070"), row("kunder", bruker="70007"),
            row("tekst", fri="Gjelder K 70007!"), row("tekst", fri="K-700070, XK-70007, K-70007B"),
            row("tekst", fri="70007"), row("tekst", fri="K-70007", kunde="@c"),
            row("skjema", navn="Kim Dal"),
        ],
        [ask("abe", customer_no="K70007"), ask("abe", "i", customer_no="k 70-007", name="Kim Dal")],
    ),
    "user id: learnt, and only where it is one": Case(
        [
            row("kunder", fornavn="Ian", etternavn="Holt", epost="ian@h8.no", bruker="U-88"),
            row("ordre", bruker="u88"), row("ordre", bruker="U-888"),
            row("konto", guid="u-88", json='{"navn": "Annen Mann"}'), row("linje", ordre="@b"),
        ],
        [ask("abde", email="ian@h8.no")],
    ),
    "learnt: second address, old number, merged records": Case(
        [
            row("kunder", fornavn="Trine", etternavn="Wold", epost="t@w9.no", epost2="T@jobb9.no",
                mobil="40900009", kundenr="K-90009"),
            row("kunder", fornavn="Trine", etternavn="W. Wold", epost="trine@gammel9.no"),
            row("slatt_sammen", beholdt="@a", slettet="@b", gammel="aller.eldst@w9.no"),
            row("logg", til="t@JOBB9.no"), row("logg", fra="Trine@Gammel9.no"),
            row("skjema", epost="aller.eldst@w9.no"), row("sms", nummer="40900009"),
            row("tekst", fri="se K90009"), row("ordre", kunde="@b"),
        ],
        [ask("abcdefghi", email=key) for key in ("t@w9.no", "trine@gammel9.no", "aller.eldst@w9.no")],
    ),
    "learnt: from what the person sent in": Case(
        [
            row("skjema", navn="Per Ås", epost="per@a10.no", mobil="41000010"),
            row("sms", nummer="+47 410 00 010"), row("skjema", navn="Per Aas", mobil="41000010"),
            row("logg", fra="per@a10.no", til="annen@a10.no"), row("skjema", epost="annen@a10.no"),
            row("sms", nummer="41000110"),
        ],
        [ask("abcd", email="per@a10.no", name="Per Ås"), ask("abcd", email="per@a10.no")],
    ),
    "text: who owns the row": Case(
        [
            row("kunder", fornavn="Egil", etternavn="Brekke", epost="egil@b11.no", mobil="41100011"),
            row("kunder", fornavn="Randi", etternavn="Holte", epost="randi@b11.no"),
            row("tekst", fri="Skriv til EGIL@b11.no"), row("tekst", fri="Egil Brekke, 411 00 011"),
            row("tekst", fri="Egil Brekke sitter i 41 10 00 12"), row("tekst", fri="41100011"),
            row("tekst", fri="egil@b11.no og 41100011, Egil Brekke", kunde="@b"),
            row("tekst", kopi="x@y.no;egil@b11.no"), row("tekst", kopi="egil@b11.no", kunde="@b"),
            row("ordre", kunde="@b", til_epost="Egil@b11.no"), row("tekst", fri="xegil@b11.no"),
            row("tekst", kunde="@a", fri="randi@b11.no"), row("linje", ordre="@j"),
        ],
        [
            ask("acdhjlm", "ef", email="egil@b11.no", name="Egil Brekke"),
            ask("bgijm", email="randi@b11.no", name="Randi Holte"),
        ],
    ),
    "text: every way of reading": Case(
        [
            row("tekst", dok='{"felt": [{"k": "E", "v": "Tom@Berg12.no"}]}'),
            row("tekst", dok='{"tom@berg12.no": {"sett": true}}'),
            row("tekst", dok='{"felt": [{"k": "Tlf", "v": "412 00 012"}, {"k": "N", "v": "Tom Berg"}]}'),
            row("tekst", gammel="Tom Bergs k\u00e5pe, 41200012"), row("tekst", dok="no json tom@berg12.no"),
            row("tekst", fri="a", dok='{"x": ["om@berg12.no"]}', kopi="t"),
            row("tekst", fri="<a href='mailto:tom%40berg12.no'>"), row("tekst", fri="tom&#64;berg12.no"),
            row("tekst", dok='{"m": "tom@berg12.no, bl\\u00e5"}'),
        ],
        [ask("abcdeghi", email="tom@berg12.no", phone="41200012", name="Tom Berg")],
    ),
    "always out: staff and their private keys": Case(
        [
            row("ansatte", navn="Mona Moen", epost="mona@privat13.no", mobil="41300013"),
            row("parter", slag="A", navn="Rolf Rud", epost="rolf@privat13.no"),
            row("skjema", epost="mona@privat13.no"), row("sms", nummer="41300013"),
            row("logg", fra="rolf@privat13.no"), row("logg", fra="mona@firmaet.no"),
            row("sms", nummer="22000001"), row("leverandor", epost="kurer@l13.no"),
            row("kunder", epost="kurer@l13.no"),
        ],
        [
            ask("", email="mona@privat13.no"), ask("", email="rolf@privat13.no"), ask("", phone="41300013"),
            ask("", email="mona@firmaet.no"), ask("", phone="+47 22 00 00 01"), ask("i", email="kurer@l13.no"),
        ],
    ),
    "companies: out, but for a sole trader": Case(
        [
            row("parter", slag="F", navn="Ruud Service", orgform="ENK", epost="dag@ruud14.no", land="SE"),
            row("parter", slag="F", navn="Ruud Bygg AS", orgform="AS", epost="dag@ruud14.no"),
            row("parter", slag="P", navn="Dag Ruud", epost="dag@ruud14.no", land="AS"),
            row("parter", slag="F", navn="Dag Ruud", epost="DAG@ruud14.no", land="SE"),
            row("parter", slag="F", navn="Heltannet AS", epost="dag@ruud14.no"),
        ],
        [ask("acd", email="dag@ruud14.no", name="Dag Ruud")],
    ),
    "polymorphic references: only with their type, across databases": Case(
        [
            row("kunder", fornavn="Sissel", etternavn="Nes", epost="sissel@nes15.no"),
            row("vedlegg", eier="@a", eier_type="kunde"), row("vedlegg", eier="@a", eier_type="faktura"),
            row("vedlegg", eier="@a", eier_type="handel"), row("handel", nr="H-15", kunde="@a"),
            row("vedlegg", eier="H-15", eier_type="kjop"), row("vedlegg", eier="H-15", eier_type="kunde"),
            row("handel", nr="H-150", kunde="15150", kurer=1),
        ],
        [ask("abef", email="sissel@nes15.no")],
    ),
    "identity in leaves, and ids that differ in case": Case(
        [
            row("konto", guid="0000AAAA-0000-4000-8000-0000000000FF",
                json='{"navn": "Uno Vik", "kontakt": [{"epost": "x@y16.no"}, {"epost": "Uno@vik16.no"}]}'),
            row("okt", konto="0000aaaa-0000-4000-8000-0000000000ff"),
            row("okt", konto="0000aaaa-0000-4000-8000-0000000000fe"), row("logg", fra="x@Y16.no"),
        ],
        [ask("abd", email="uno@vik16.no"), ask("abd", email="x@y16.no", name="Uno Vik")],
    ),
    "a name that changed": Case(
        [
            row("kunder", fornavn="Hege", etternavn="Sandvik", pikenavn="Rustad", epost="hege@s17.no",
                mobil="41700017"),
            row("skjema", navn="Hege Rustad", mobil="41700017"), row("skjema", navn="Rustad Hege"),
            row("logg", fra="hege@s17.no"), row("skjema", navn="Hege Lunde", epost="hege@s17.no"),
        ],
        [ask("abde", "c", email="hege@s17.no", name="Hege Rustad")],
    ),
}  # fmt: skip


def _metadata(columns: Mapping[str, Sequence[str]], is_mysql: bool) -> sa.MetaData:
    meta = sa.MetaData()
    words = sa.String(200) if is_mysql else sa.Text()
    for table, names in columns.items():
        kinds = [sa.Integer() if (table, name) in NUMBERS else words for name in names]
        kinds = [
            sa.LargeBinary() if name == "gammel" and table == "tekst" else kind
            for name, kind in zip(names, kinds, strict=True)
        ]
        sa.Table(
            table, meta, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
            *(sa.Column(name, kind) for name, kind in zip(names, kinds, strict=True)),
        )  # fmt: skip
    return meta


@pytest.fixture(scope="module", params=["one pass", "by index"])
def world(new_url: NewUrl, request: pytest.FixtureRequest) -> AllSources:
    """All cases in one pair of databases. A row's id tells its case and its letter."""
    sources = opened(DataMap.model_validate(tomllib.loads(MAP)), planted(new_url))
    if request.param == "by index":
        for name in ("crm", "nett"):
            source = sources.get(name)
            assert isinstance(source, SqlSource)
            source.large = -1  # rows: as if each table had millions
            indexed(source)
    return sources


def indexed(source: SqlSource) -> None:
    """An index on every column that takes one, on LOWER of it where the engine can."""
    assert source.write is not None
    with source.write.begin() as connection:
        on_lower = connection.dialect.name == "postgresql"
        for table in sa.inspect(connection).get_table_names():
            for column in sa.inspect(connection).get_columns(table):
                if isinstance(column["type"], sa.LargeBinary):
                    continue
                name = f"x_{table}_{column['name']}"
                text = on_lower and isinstance(column["type"], sa.String)
                on = f"lower({column['name']})" if text else column["name"]
                connection.exec_driver_sql(f"CREATE INDEX {name} ON {table} ({on})")


def planted(new_url: NewUrl) -> dict[str, str]:
    """The addresses of the two databases, filled."""
    urls = {"crm": new_url(), "nett": new_url()}
    is_mysql = urls["crm"].startswith("mysql")
    for system, columns in (("crm", COLUMNS), ("nett", SHOP_COLUMNS)):
        meta = _metadata(columns, is_mysql)
        engine = sa.create_engine(urls[system])
        meta.create_all(engine)
        with engine.begin() as connection:
            for number, case in enumerate(CASES.values(), start=1):
                for place, (table, values) in enumerate(case.rows):
                    if table in columns:
                        written = {n: _value(table, n, v, number) for n, v in values.items()}
                        written["id"] = number * 100 + place
                        connection.execute(meta.tables[table].insert().values(**written))
        engine.dispose()
    return urls


def _value(table: str, name: str, value: object, number: int) -> object:
    if isinstance(value, str) and value.startswith("@") and len(value) == 2:
        known = number * 100 + ord(value[1]) - ord("a")
        return known if (table, name) in NUMBERS else str(known)
    if (table, name) == ("tekst", "gammel"):
        return str(value).encode("latin-1")
    return value


@pytest.mark.parametrize("name", list(CASES))
def test_a_norm_holds(world: AllSources, name: str) -> None:
    number = list(CASES).index(name) + 1
    for keys, certain, possible in CASES[name].asked:
        given = tuple(Key(kind=k, value=v, origin="staff", verified=True) for k, v in keys.items())
        result = world.find(Subject(keys=given))
        found: dict[str, list[str]] = {"certain": [], "possible": []}
        for finding in result.findings:
            place: Any = finding.key["id"]
            letter = chr(ord("a") + place % 100)
            found[finding.certainty.value].append(
                letter if place // 100 == number else f"{finding.table} {place}"
            )
        shown = {certainty: "".join(sorted(letters)) for certainty, letters in found.items()}
        assert shown == {"certain": certain, "possible": possible}, keys
        assert not [part for part in result.not_searched if part.failed]
