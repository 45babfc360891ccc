"""A proposal goes into an existing data map without a change to a single line of it."""

import sqlite3
import tomllib
from pathlib import Path

import pytest

from mailbot.datamap import DataMap
from mailbot.errors import ConfigError
from mailbot.sources.discovery.merging import merged
from mailbot.sources.discovery.proposal import Proposal, propose
from mailbot.sources.discovery.study import study
from mailbot.sources.engines import database_url, read_engine

SCRIPT = """
CREATE TABLE kontakter (id INTEGER PRIMARY KEY, fornavn TEXT, etternavn TEXT, epost TEXT,
    mobil TEXT, notat TEXT, reservert BOOLEAN);
CREATE TABLE ordrer (id INTEGER PRIMARY KEY, kontakt_id INTEGER, dato DATE, merknad TEXT);
CREATE TABLE ansatte (id INTEGER PRIMARY KEY, navn TEXT, epost TEXT);
INSERT INTO kontakter VALUES (1, 'Ola', 'Nordmann', 'ola@privat.example', '91234567', 'x', 0);
INSERT INTO ordrer VALUES (1, 1, '2024-01-01', 'Ring ham');
INSERT INTO ansatte VALUES (1, 'Siri Selger', 'siri@firma.example'),
    (2, 'Per Support', 'per@firma.example');
"""
EDITED = '''# Ours. Do not touch!
[own]
phones  = ["+472200000*"]   # the switchboard

[[database]]
name = "crm"                # the old one
read_url = "sqlite:///crm.db"

# People
[[database.table]]
name     = "kontakter"
is       = "person"
identify = { email = ["epost"],   name = ["fornavn etternavn"] }  # mobil left out: shared phones
title    = { nb = """Kontakter
[[database.table]] is no header here""" }

[[database]]
name = "other"
read_url = "sqlite:///other.db"

[[manual]]
name = "paper"
title = { nb = "Papir" }
task = { nb = "Se i permen." }
'''


@pytest.fixture
def proposal(tmp_path: Path) -> Proposal:
    path = tmp_path / "crm.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(SCRIPT)
    connection.close()
    url = database_url(f"sqlite:///{path}", None, "crm")
    return propose([study("crm", read_engine(url, 10, "crm"), None, "NO")], DataMap(), ["crm"])


def read(text: str) -> DataMap:
    return DataMap.model_validate(tomllib.loads(text))


def test_every_line_stays_and_tables_go_to_their_database(proposal: Proposal) -> None:
    whole = merged(EDITED, proposal, read(EDITED))
    rest = iter(whole.splitlines())
    assert all(line in rest for line in EDITED.splitlines() if line)
    result = read(whole)
    assert [table.name for table in result.database[0].table] == ["kontakter", "ansatte", "ordrer"]
    assert result.database[1].table == ()
    assert result.own.domains == ("firma.example",)
    assert result.own.phones == ("+472200000*",)
    kept = result.database[0].table[0]
    assert kept == read(EDITED).database[0].table[0]  # what was decided is not changed


def test_what_is_new_about_a_known_table_is_a_comment(proposal: Proposal) -> None:
    whole = merged(EDITED, proposal, read(EDITED))
    assert '# new: identify.phone = ["mobil"]' in whole
    assert '# new: read.notat = "text"' in whole
    assert "# new: identify.email" not in whole


def test_a_second_time_adds_nothing(proposal: Proposal) -> None:
    once = merged(EDITED, proposal, read(EDITED))
    assert merged(once, proposal, read(once)) == once


def test_domains_that_stand_there_are_not_overruled(proposal: Proposal) -> None:
    text = (
        '[own]\ndomains = ["mine.example"]\n\n[[database]]\nname = "crm"\nread_url = "sqlite://"\n'
    )
    result = read(merged(text, proposal, read(text)))
    assert result.own.domains == ("mine.example",)
    assert len(result.database[0].table) == 3


def test_tables_on_one_line_are_told_and_not_touched(proposal: Proposal) -> None:
    text = '[[database]]\nname = "crm"\nread_url = "sqlite://"\ntable = [{ name = "kontakter" }]\n'
    with pytest.raises(ConfigError, match=r"\[\[database.table\]\] of its own"):
        merged(text, proposal, read(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment",
        '[[database]]\nname="crm"\nread_url="sqlite://"',
        '[[ database ]]\n"name" = \'crm\'\nread_url = "sqlite://" # [x]\n'
        '[[database.table]]\nname="kontakter"\n',
        '[key]\r\n\r\n[[database]]\r\nname = "crm"\r\nread_url = "sqlite://"\r\n',
        '[[database]]\nname = "crm"\nread_url = "sqlite://"\n[database.entra]\ntenant = "x"\n',
        '[[database]]\nname = "crm" # \u2028 x\nread_url = "sqlite://"\n'
        '[[database.table]]\nname = "kontakter"\n'
        '[[database.table.join]]\ncolumns = ["id"]\ntable = "kontakter"\nto = ["id"]\n',
    ],
)
def test_ways_of_writing_a_map(proposal: Proposal, text: str) -> None:
    result = read(merged(text, proposal, read(text)))
    if "crm" in text:
        assert {"kontakter", "ordrer", "ansatte"} == {t.name for t in result.database[0].table}
