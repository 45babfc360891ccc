"""The command on an estate unlike the one that the locator grew up with: each key of the data map,
two databases, on every engine, through `mailbot locate --json`."""

import io
import json
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from contextlib import redirect_stdout
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from mailbot.case import Key, Subject
from mailbot.cli import main
from mailbot.datamap import DataMap
from tests.estate import garage
from tests.estate.build import opened, write
from tests.servers.databases import NewUrl

SHIPPED = Path(__file__).parents[2] / "config"
PLANTED = garage.rows()


class Located:
    """What the command says, with rows named by their tags."""

    def __init__(self, config: str, urls: dict[str, str]) -> None:
        self.config, self.urls = config, urls
        self.run = _in_here
        self.tags = {
            (table, str(sorted(_key(table, values).items()))): tag
            for table, tag, values in PLANTED
            if _key(table, values)
        }

    def ask(self, options: Sequence[str], refused: str = "") -> dict[str, dict[str, str]]:
        """Certainty → tag → action."""
        said = json.loads(self.run(["--config", self.config, "locate", "--json", *options]))
        assert sorted(said["searched"]) == ["garage", "market"]
        missing = [part["why"] for part in said["not_searched"]]
        assert len(missing) == (2 if refused else 0)
        assert all(refused in why for why in missing)
        found: dict[str, dict[str, str]] = {"certain": {}, "possible": {}}
        for one in said["findings"]:
            tag = self._tag(one["table"], one["key"])
            assert tag not in found[one["certainty"]]
            found[one["certainty"]][tag] = one["action"]
        return found

    def _tag(self, table: str, key: dict[str, object]) -> str:
        if "tag" in key:  # no primary key: all columns
            return str(key["tag"]).replace("besøk", "vis" if table == "mail_view" else "besøk")
        return self.tags[(table, str(sorted(key.items())))]


def _in_here(arguments: list[str]) -> str:
    said = io.StringIO()
    with redirect_stdout(said):
        assert main(arguments) == 0
    return said.getvalue()


def _as_a_process(arguments: list[str]) -> str:
    command = [sys.executable, "-m", "mailbot.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _key(table: str, values: dict[str, object]) -> dict[str, object]:
    columns = (garage.GARAGE.tables.get(table), garage.MARKET.tables.get(table))
    (found,) = (one for one in columns if one is not None)
    return {column.name: values[column.name] for column in found.primary_key}


@pytest.fixture(scope="module")
def located(new_url: NewUrl, tmp_path_factory: pytest.TempPathFactory) -> Located:
    """The estate in two databases, and a configuration that names them."""
    folder = tmp_path_factory.mktemp("garage") / "config"
    urls = {"GARAGE": new_url(), "MARKET": new_url()}
    parts = {"GARAGE": garage.GARAGE, "MARKET": garage.MARKET}
    for name, metadata in parts.items():
        rows: dict[str, list[dict[str, object]]] = {}
        for table, tag, values in PLANTED:
            if table in metadata.tables:
                rows.setdefault(table, []).append({**values, "tag": tag})
        write(urls[name], metadata, rows)
    engine = sa.create_engine(urls["GARAGE"])
    with engine.begin() as connection:
        connection.exec_driver_sql(garage.VIEW)
    engine.dispose()
    return Located(_configured(folder, urls), urls)


def _configured(folder: Path, urls: dict[str, str]) -> str:
    shutil.copytree(SHIPPED, folder)
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700)
    text = garage.MAP
    kept = {"store.key": "not a real key"}
    for name, url in urls.items():
        parts = make_url(url)
        for use in ("read", "write"):
            kept[f"{name.lower()}.{use}"] = parts.password or ""
            bare = parts._replace(password=None).render_as_string()
            text = text.replace(f"{name}_{use.upper()}", bare)
    for name, secret in kept.items():
        if secret:
            (secrets / name).write_text(f"{secret}\n")
            (secrets / name).chmod(0o600)
    (folder / "datamap.toml").write_text(text, encoding="utf-8")
    settings = (folder / "mailbot.toml").read_text(encoding="utf-8")
    lines = [line for line in settings.splitlines() if not line.startswith("state")]
    (folder / "mailbot.toml").write_text(f'state = "{folder.parent}"\n' + "\n".join(lines))
    return str(folder / "mailbot.toml")


@pytest.mark.parametrize("asked", garage.ASKS, ids=lambda asked: " ".join(asked.options))
def test_exactly_the_persons_rows(located: Located, asked: garage.Ask) -> None:
    found = located.ask(asked.options, asked.refused)
    assert Counter(found["certain"].keys()) == Counter(asked.certain.split())
    assert Counter(found["possible"].keys()) == Counter(asked.possible.split())
    told = found["certain"]
    assert {tag: told[tag] for tag in garage.ACTIONS if tag in told} == {
        tag: action for tag, action in garage.ACTIONS.items() if tag in told
    }


def test_the_command_as_a_process(located: Located) -> None:
    asked = garage.ASKS[0]
    by_process = Located(located.config, located.urls)
    by_process.run = _as_a_process
    assert by_process.ask(asked.options) == located.ask(asked.options)


def test_what_the_map_says_of_what_is_found(located: Located) -> None:
    urls = {name.lower(): url for name, url in located.urls.items()}
    sources = opened(DataMap.model_validate(tomllib.loads(garage.MAP)), urls)
    keys = [("aase.bjornstad@fjell.example", "email"), ("lars@oberg.example", "email")]
    found = {
        str(finding.row["tag"]): finding
        for value, kind in keys
        for finding in sources.find(
            Subject(keys=(Key(kind=kind, value=value, origin="staff", verified=True),))
        ).findings
        if finding.table != "mail_view"
    }
    owner = found["åse"]
    assert (owner.source, owner.volatile) == ("skranke", ("seen",))
    assert owner.settings["restriction"] in ({"locked": True}, {"locked": 1})
    assert owner.settings["objection"] in ({"no_ads": True}, {"no_ads": 1})
    # A repair of 2024, to the end of that year and five more; its payment goes sooner.
    assert owner.treatment.until == date(2029, 12, 31)
    assert {"given", "family", "maiden", "mail", "tel", "card", "login"} <= set(
        owner.treatment.after
    )
    assert set(owner.treatment.after.values()) <= {None, ""}
    assert not {"branch", "no", "tag", "origin"} & set(owner.treatment.after)
    assert found["bet-åse"].treatment.until == date(2027, 12, 31)
    assert found["bet-åse"].treatment.after == {"iban": None}
    assert found["rep-åse"].treatment.until == date(2029, 12, 31)
    assert found["rep-åse"].treatment.after == {}
    (recipient,) = found["utlevert-åse"].recipients
    assert (recipient.name, recipient.email) == ("Forsikring AS", "post@forsikring.example")
    assert found["nyhet-lars"].treatment.after == {"mail": "(slettet)", "name": "(slettet)"}
    assert found["omtale-åse"].treatment.after == {"shown_as": None}
    assert found["rep-åse"].order < owner.order  # children go first
