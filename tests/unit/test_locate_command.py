"""`mailbot locate` on the command line: its JSON, what people see, and what it refuses."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from mailbot.cli import main

SHIPPED = Path(__file__).parents[2] / "config"
SCRIPT = """
CREATE TABLE kontakter (id INTEGER PRIMARY KEY, navn TEXT, epost TEXT, tlf TEXT, kundenr TEXT);
CREATE TABLE linjer (kontakt_id INTEGER, tekst TEXT);
INSERT INTO kontakter VALUES (1, 'Ola Nordmann', 'Ola@Privat.example', '912 34 567', 'K-10001'),
    (2, 'Ola Nordmann', 'annen@privat.example', NULL, 'K-10002');
INSERT INTO linjer VALUES (1, '[red]\x1b[31mx');
"""
MAP = """
[[database]]
name = "crm"
read_url = "sqlite:///crm.db"
[[database.table]]
name = "kontakter"
is = "person"
identify = { email = ["epost"], phone = ["tlf"], name = ["navn"], customer_no = ["kundenr"] }
[[database.table]]
name = "linjer"
join = [{ columns = ["kontakt_id"], table = "kontakter", to = ["id"] }]
[[database]]
name = "gone"
read_url = "sqlite:///gone.db"
[[database.table]]
name = "x"
[[manual]]
name = "paper"
title = { nb = "Papir" }
task = { nb = "Se i permen." }
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    folder = tmp_path / "config"
    shutil.copytree(SHIPPED, folder)
    (folder / "secrets").mkdir(mode=0o700)
    key = folder / "secrets" / "store.key"
    key.write_text("not a real key\n")
    key.chmod(0o600)
    (folder / "datamap.toml").write_text(MAP, encoding="utf-8")
    text = (folder / "mailbot.toml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("state")]
    (folder / "mailbot.toml").write_text(f'state = "{tmp_path}"\n' + "\n".join(lines))
    with sqlite3.connect(tmp_path / "crm.db") as connection:
        connection.executescript(SCRIPT)
    connection.close()
    return str(folder / "mailbot.toml")


def test_the_json_is_as_it_is_fixed(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    keys = ["--email", "OLA@privat.example", "--name", "Nordmann, Ola"]
    assert main(["--config", config, "locate", *keys, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"findings", "searched", "not_searched"}
    certain = [one for one in found["findings"] if one["certainty"] == "certain"]
    assert {"table": "kontakter", "key": {"id": 1}}.items() <= certain[-1].items()
    assert certain[0]["key"] == {
        "kontakt_id": 1,
        "tekst": "[red]\x1b[31mx",
    }  # no primary key: all columns
    for one in found["findings"]:
        assert set(one) == {"system", "table", "key", "certainty", "action", "reason", "trail"}
    assert found["searched"] == ["crm"]
    assert {"gone", "Papir"} <= {part["system"] for part in found["not_searched"]}
    assert all(set(part) == {"system", "why"} for part in found["not_searched"])


def test_each_option_may_be_given_several_times(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = ["--email", "a@b.example", "--email", "annen@privat.example", "--customer-no", "k 10001"]
    assert main(["--config", config, "locate", *keys, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["key"] for one in found["findings"] if one["table"] == "kontakter"] == [
        {"id": 1},
        {"id": 2},
    ]


def test_what_people_see(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    keys = ["--email", "ola@privat.example", "--name", "Ola Nordmann"]
    assert main(["--config", config, "locate", *keys]) == 0
    shown = capsys.readouterr()
    assert "crm: 3 found," in shown.out
    assert "Not searched:" in shown.out
    assert "gone: " in shown.out
    assert "2 certain, 1 possible" in shown.out
    assert "[red]" in shown.out
    assert "\x1b" not in shown.out  # nothing that a terminal would obey
    assert shown.err == ""


@pytest.mark.parametrize(
    "keys",
    [
        [],
        ["--email", "nobody"],
        ["--email", "a@b.example", "--phone", "call me"],
        ["--name", "Ola"],
        ["--customer-no", " "],
        ["--email", "a" * 5000 + "@b.example"],
    ],
)
def test_what_is_no_key_is_refused_in_one_sentence(
    config: str, keys: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--config", config, "locate", *keys]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.strip().splitlines()) == 1
    assert not any(key in shown.err for key in keys if not key.startswith("--") and key.strip())
