"""Whose a row is, in the awkward cases that an estate seldom shows."""

from mailbot.record import Certainty
from tests.estate.small import by_table, person, rows, sources

HEAD = """
[own]
domains = ["firma.no"]
[key]
customer_no = { pattern = 'K-?\\d{5}', ignore = " -" }
[[database]]
name = "crm"
read_url = "sqlite://"
write_url = "sqlite://"
"""
MIXED = (
    HEAD
    + """
[[database.table]]
name = "parter"
is = "person"
where = { type = ["privat", "kontakt"] }
identify = { email = ["epost"], name = ["navn"] }
[[database.table]]
name = "parter"
is = "company"
where = { type = "firma" }
identify = { email = ["epost"], name = ["navn"] }
[[database.table]]
name = "parter"
is = "own"
where = { type = "ansatt" }
identify = { email = ["epost"], name = ["navn"] }
[[database.table]]
name = "saker"
join = [{ columns = ["part"], table = "parter", to = ["id"] }]
"""
)


def test_a_table_that_mixes_kinds(tmp_path):
    world = sources(tmp_path, MIXED, crm="""
        CREATE TABLE parter (id INTEGER PRIMARY KEY, type TEXT, navn TEXT, epost TEXT);
        CREATE TABLE saker (id INTEGER PRIMARY KEY, part INTEGER);
        INSERT INTO parter VALUES (1, 'privat', 'Ola Li', 'ola@x.no'),
            (2, 'firma', 'Li Bygg AS', 'OLA@x.no'), (3, 'ansatt', 'Per Li', 'per@x.no'),
            (4, 'annet', 'Ola Li', 'ola@x.no'), (5, 'kontakt', 'Per Li', 'per@x.no');
        INSERT INTO saker VALUES (11, 1), (12, 2), (13, 3), (14, 4), (15, 5);
    """)  # fmt: skip
    found = world.find(person(email="ola@x.no", name="Ola Li"))
    assert rows(found) == {("parter", 1), ("saker", 11)}
    assert rows(world.find(person(email="per@x.no"))) == set()


PEOPLE = (
    HEAD
    + """
[[database.table]]
name = "folk"
is = "person"
identify = { email = ["epost"], phone = ["tlf"], name = ["navn"], customer_no = ["kundenr"] }
read = { notat = "text" }
[[database.table]]
name = "sms"
identify = { phone = ["til"] }
join = [{ columns = ["folk"], table = "folk", to = ["id"] }]
[[database.table]]
name = "brev"
identify = { email = ["epost"] }
read = { tekst = "text" }
join = [{ columns = ["folk"], table = "folk", to = ["id"] }]
"""
)
TABLES = """
CREATE TABLE folk (
    id INTEGER PRIMARY KEY, navn TEXT, epost TEXT, tlf TEXT, kundenr TEXT, notat TEXT
);
CREATE TABLE sms (id INTEGER PRIMARY KEY, til TEXT, folk INTEGER);
CREATE TABLE brev (id INTEGER PRIMARY KEY, epost TEXT, tekst TEXT, folk INTEGER);
"""


def test_a_number_on_another_persons_row_is_not_the_persons(tmp_path):
    world = sources(tmp_path, PEOPLE, crm=TABLES + """
        INSERT INTO folk VALUES (1, 'Ola Li', 'ola@x.no', '90012345', NULL, NULL),
                                (2, NULL, 'kari@x.no', NULL, NULL, NULL);
        INSERT INTO sms VALUES (1, '90012345', NULL), (2, '90012345', 2), (3, '90012345', 99);
    """)  # fmt: skip
    found = world.find(person(email="ola@x.no"))
    assert rows(found) == {("folk", 1), ("sms", 1), ("sms", 3)}


def test_keys_of_one_certain_row_lead_to_the_next(tmp_path):
    world = sources(tmp_path, PEOPLE, crm=TABLES + """
        INSERT INTO folk VALUES (1, 'Ola Li', 'ola@x.no', NULL, 'K-10001', NULL),
                                (2, 'Ola Li', NULL, '900 12 345', 'k10001', NULL),
                                (3, 'Ola Li', 'ola@jobb.no', '+4790012345', NULL, NULL);
        INSERT INTO brev VALUES (7, 'OLA@jobb.no', NULL, NULL);
    """)  # fmt: skip
    found = world.find(person(email="ola@x.no"))
    assert rows(found) == {("folk", 1), ("folk", 2), ("folk", 3), ("brev", 7)}
    letter = by_table(found)["brev"]
    assert letter.reason == "epost equals e-mail learnt from folk.id = 3"
    assert {(key.kind, key.value) for key in found.learnt} >= {
        ("email", "ola@jobb.no"), ("phone", "+4790012345"), ("customer_no", "K10001"),
    }  # fmt: skip


def test_another_name_under_the_address_given_is_only_possible(tmp_path):
    world = sources(tmp_path, PEOPLE, crm=TABLES + """
        INSERT INTO folk VALUES (1, 'Kari Vik', 'felles@x.no', NULL, NULL, NULL);
    """)  # fmt: skip
    found = world.find(person(email="felles@x.no", name="Ola Li"))
    assert rows(found) == set()
    assert rows(found, Certainty.POSSIBLE) == {("folk", 1)}
    assert rows(world.find(person(email="felles@x.no", name="Kari Berg"))) == {("folk", 1)}


def test_text_counts_only_where_nobody_else_owns_the_row(tmp_path):
    world = sources(tmp_path, PEOPLE, crm=TABLES + """
        INSERT INTO folk VALUES (1, 'Ola Li', 'ola@x.no', '90012345', 'K-10001', NULL),
                                (2, 'Kari Vik', 'kari@x.no', NULL, NULL, 'bror: ola@x.no');
        INSERT INTO brev VALUES (1, NULL, 'Skriv til Ola@X.no', NULL),
            (2, NULL, 'Skriv til ola@x.no', 2), (3, 'kari@x.no', 'cc ola@x.no', NULL),
            (4, 'post@firma.no', 'fra ola@x.no', NULL), (5, NULL, 'ola@x.no', 98),
            (6, NULL, 'K 10001 ringte', NULL), (7, NULL, 'Ola Li, 900 12 345', NULL),
            (8, NULL, 'Ola Li ringte', NULL), (9, NULL, 'ring 90012345', NULL),
            (10, NULL, 'ola@x.no.evil.com, xola@x.no, K-100012', NULL);
    """)  # fmt: skip
    found = world.find(person(email="ola@x.no", name="Ola Li"))
    letters = {number for table, number in rows(found) if table == "brev"}
    assert letters == {1, 4, 5, 6, 7}
    maybe = {number for table, number in rows(found, Certainty.POSSIBLE) if table == "brev"}
    assert maybe == {8, 9}


def test_text_that_is_not_utf_8_is_read_all_the_same(tmp_path):
    world = sources(tmp_path, PEOPLE, crm=TABLES + """
        INSERT INTO folk VALUES (1, 'Bjørn Åse', 'ola@x.no', '90012345', NULL, NULL);
        INSERT INTO brev (id, tekst)
            VALUES (1, CAST(X'426af8726e20c5736520393030313233343520' AS TEXT));
    """)  # fmt: skip
    assert rows(world.find(person(email="ola@x.no"))) == {("folk", 1), ("brev", 1)}


def test_a_word_for_nobody_is_no_name(tmp_path):
    world = sources(tmp_path, PEOPLE, crm=TABLES + """
        INSERT INTO folk VALUES (1, 'Ola Li', 'ola@x.no', '90012345', NULL, NULL),
            (2, 'Ukjent', 'ola@x.no', NULL, NULL, NULL), (3, '-', NULL, '90012345', NULL, NULL);
    """)  # fmt: skip
    found = world.find(person(email="ola@x.no", name="Ola Li"))
    assert rows(found) == {("folk", 1), ("folk", 2), ("folk", 3)}


def test_odd_values_break_nothing(tmp_path):
    world = sources(tmp_path, PEOPLE, crm=TABLES + """
        INSERT INTO folk VALUES (1, 'Ola Li', 'ola@x.no', 90012345, 10001.0, NULL),
            (2, X'00', X'6f6c6140782e6e6f', 9e999, NULL, NULL), (3, 17, 17, 17, 17, 17);
        INSERT INTO brev VALUES (1, 'ola@x.no', zeroblob(9), 'ikke et tall');
    """)  # fmt: skip
    found = world.find(person(email="ola@x.no"))
    assert rows(found) == {("folk", 1), ("folk", 2), ("brev", 1)}
    assert found.searched == ("crm",)


LINKED = (
    HEAD
    + """
[[database.table]]
name = "folk"
is = "person"
identify = { email = ["epost"] }
[[database.table]]
name = "ledd"
[[database.table]]
name = "utsyn"
identify = { email = ["epost"] }
"""
)


def test_long_chains_circles_and_views(tmp_path):
    world = sources(tmp_path, LINKED, crm="""
        CREATE TABLE folk (id INTEGER PRIMARY KEY, epost TEXT);
        CREATE TABLE ledd (id INTEGER PRIMARY KEY, folk INTEGER REFERENCES folk (id),
                           over INTEGER REFERENCES ledd (id));
        CREATE VIEW utsyn AS SELECT id, upper(epost) AS epost FROM folk;
        INSERT INTO folk VALUES (1, 'ola@x.no'), (2, 'kari@x.no');
        INSERT INTO ledd VALUES (10, 1, 30), (20, NULL, 10), (30, NULL, 20), (40, 2, NULL);
    """)  # fmt: skip
    found = world.find(person(email="ola@x.no"))
    assert rows(found) == {("folk", 1), ("ledd", 10), ("ledd", 20), ("ledd", 30), ("utsyn", 1)}
    assert by_table(found)["utsyn"].treatment.reason == "a view: it shows rows of other tables"


def test_words_of_the_map_come_in_the_persons_language(tmp_path):
    text = LINKED.replace(
        'identify = { email = ["epost"] }\n[[database.table]]\nname = "ledd"',
        'identify = { email = ["epost"] }\nsource = { text = { nb = "Skjema", en = "Form" } }\n'
        'title = { nb = "Folk", en = "People" }\n[[database.table]]\nname = "ledd"',
    )
    script = """CREATE TABLE folk (id INTEGER PRIMARY KEY, epost TEXT);
        CREATE TABLE ledd (id INTEGER); CREATE TABLE utsyn (id INTEGER, epost TEXT);
        INSERT INTO folk VALUES (1, 'ola@x.no');"""
    world = sources(tmp_path, text, crm=script)
    for language, title, source in (("nn", "Folk", "Skjema"), ("de", "People", "Form")):
        (finding,) = world.find(person(language, email="ola@x.no")).findings
        assert (finding.title, finding.source) == (title, source)
