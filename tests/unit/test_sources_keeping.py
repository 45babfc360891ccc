"""What is kept, until when, and what becomes of the rest."""

import pytest

from mailbot.case import Label
from mailbot.plan import Do
from tests.estate.small import by_table, person, sources

MAP = """
[retention]
book = { law = "§ 13", reason = { nb = "Regnskapsplikt" } }
[[database]]
name = "crm"
read_url = "sqlite://"
write_url = "sqlite://"
[[database.table]]
name = "folk"
is = "person"
identify = { email = ["epost"], name = ["navn"], customer_no = ["kundenr"] }
keep = { columns = ["id", "kundenr"], until = "kept(faktura, shop:betaling)", rule = "book" }
[[database.table]]
name = "ordre"
join = [{ columns = ["folk_id"], table = "folk", to = ["id"] }]
[[database.table]]
name = "faktura"
join = [{ columns = ["ordre_id"], table = "ordre", to = ["id"] }]
keep = { columns = ["*"], until = "UNTIL", rule = "book" }
[[database]]
name = "shop"
read_url = "sqlite://"
[[database.table]]
name = "betaling"
join = [{ columns = ["kunde"], table = "crm:folk", to = ["id"] }]
keep = { columns = ["*"], until = "dag + 3 years", rule = "book" }
"""
CRM = """
CREATE TABLE folk (id INTEGER PRIMARY KEY, navn TEXT, epost TEXT, kundenr TEXT);
CREATE TABLE ordre (id INTEGER PRIMARY KEY, folk_id INTEGER);
CREATE TABLE faktura (id INTEGER PRIMARY KEY, ordre_id INTEGER, dato TEXT);
INSERT INTO folk VALUES (1, 'Ola Li', 'ola@x.no', 'K1');
"""
SHOP = "CREATE TABLE betaling (id INTEGER PRIMARY KEY, kunde TEXT, dag TEXT);"


def treatment(tmp_path, table, *, until="year_end(dato) + 5 years", crm="", shop=SHOP):
    world = sources(tmp_path, MAP.replace("UNTIL", until), crm=CRM + crm, shop=shop)
    return by_table(world.find(person(email="ola@x.no")))[table].treatment


@pytest.mark.parametrize(
    ("until", "date", "last_day"),
    [
        ("year_end(dato) + 5 years", "2026-03-15", "2031-12-31"),
        ("year_end(dato) + 5 years", "2021-01-01", "2026-12-31"),
        ("year_end(dato) + 5 years", "2020-12-31", None),
        ("dato", "2026-11-22", "2026-11-22"),  # today is the last day
        ("dato", "2026-11-21", None),
        ("dato + 1 year + 2 months", "2026-01-31", "2027-03-31"),
        ("dato + 1 month", "2026-10-31", "2026-11-30"),
        ("dato + 10 days", "2026-11-12", "2026-11-22"),
    ],
)
def test_the_last_day(tmp_path, until, date, last_day):
    rows = f"INSERT INTO ordre VALUES (5, 1); INSERT INTO faktura VALUES (9, 5, '{date}');"
    found = treatment(tmp_path, "faktura", until=until, crm=rows)
    assert found.do == ("keep" if last_day else "delete")
    assert (found.until.isoformat() if found.until else None) == last_day


@pytest.mark.parametrize("date", ["NULL", "'i fjor'", "'32.01.2026'", "''"])
def test_a_date_that_cannot_be_read_keeps_the_record(tmp_path, date):
    rows = f"INSERT INTO ordre VALUES (5, 1); INSERT INTO faktura VALUES (9, 5, {date});"
    found = treatment(tmp_path, "faktura", crm=rows)
    assert (found.do, found.until, found.reason) == ("keep", None, "unreadable date")
    assert treatment(tmp_path, "folk", crm=rows).do == "keep"


def test_what_kept_records_need_stays_as_long_as_the_last_of_them(tmp_path):
    rows = """INSERT INTO ordre VALUES (5, 1); INSERT INTO faktura VALUES (9, 5, '2022-01-01');
              INSERT INTO faktura VALUES (10, 5, '2010-01-01');"""
    paid = SHOP + "INSERT INTO betaling VALUES (3, '1', '2026-05-05');"
    found = treatment(tmp_path, "folk", crm=rows, shop=paid)
    assert (found.do, found.until.isoformat(), found.rule) == ("keep", "2029-05-05", "book")
    assert found.after == {"navn": None, "epost": None}


def test_nothing_kept_below_means_nothing_kept(tmp_path):
    rows = "INSERT INTO ordre VALUES (5, 1); INSERT INTO faktura VALUES (9, 5, '2010-01-01');"
    assert treatment(tmp_path, "folk", crm=rows).do == "delete"


def test_a_system_that_could_not_be_searched_may_hold_what_must_be_kept(tmp_path):
    world = sources(tmp_path, MAP.replace("UNTIL", "dato"), crm=CRM, shop=SHOP)
    (tmp_path / "shop.db").unlink()
    found = by_table(world.find(person(email="ola@x.no")))["folk"].treatment
    assert (found.do, found.until) == ("keep", None)
    assert found.reason == "shop could not be searched for what must be kept"


FORM_MAP = """
[[database]]
name = "crm"
read_url = "sqlite://"
write_url = "sqlite://"
[[database.table]]
name = "skjema"
erase = "blank"
identify = { email = ["svar.epost"] }
personal = { phone = ["svar.tlf"] }
"""


def test_blanking_a_leaf_of_json_leaves_the_rest(tmp_path):
    script = """CREATE TABLE skjema (id INTEGER PRIMARY KEY, svar TEXT);
        INSERT INTO skjema VALUES (1, '{"epost": "Ola@x.no", "tlf": "90012345", "vare": "Bok"}');"""
    world = sources(tmp_path, FORM_MAP, crm=script)
    crm = world.get("crm")
    found = world.find(person(email="ola@x.no")).findings
    (action,) = crm.actions(Label.ERASURE, found)
    assert action.do is Do.BLANK
    assert action.after == {"svar": '{"epost": null, "tlf": null, "vare": "Bok"}'}
