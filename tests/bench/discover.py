"""How well `mailbot discover` reads a schema, and what a search finds by its map alone.

    python -m tests.bench.discover

Precision and recall of identity and of personal columns against the columns as people marked
them, then recall and wrong rows of the search with the proposed map, on estates of three hands.
"""

import argparse
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailbot.datamap import DataMap
from mailbot.record import Certainty
from mailbot.sources.discovery.proposal import Proposal, propose
from mailbot.sources.discovery.study import study
from mailbot.sources.engines import database_url, read_engine
from tests.estate.build import opened, write
from tests.estate.columns import Marks, estate_marks
from tests.estate.foreign import World, legacy, saas
from tests.estate.people import Estate
from tests.estate.small import person
from tests.estate.tables import CRM, SHOP
from tests.servers.databases import ENGINES, NewUrl, engine


@dataclass
class Score:
    """Right, found and wanted, of one kind of thing."""

    right: int = 0
    found: int = 0
    wanted: int = 0

    def count(self, found: set[Any], wanted: set[Any], either: set[Any]) -> None:
        """Add a comparison; what is in `either` may be found or not."""
        self.right += len(found & (wanted - either))
        self.found += len(found - either)
        self.wanted += len(wanted - either)

    @property
    def precision(self) -> float:
        """Of what was found, the share that is right."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Of what is right, the share that was found."""
        return self.right / self.wanted if self.wanted else 1.0


def proposed(urls: Mapping[str, str], region: str = "NO") -> Proposal:
    """What discover alone proposes for databases at these addresses."""
    studies = [
        study(name, read_engine(database_url(url, None, name), 10, name), None, region)
        for name, url in urls.items()
    ]
    return propose(studies, DataMap(), list(urls))


def datamap_of(proposal: Proposal, urls: Mapping[str, str]) -> DataMap:
    """The proposal as the data map that it would be."""
    return DataMap.model_validate(
        {
            "own": {"domains": list(proposal.domains)},
            "key": {k: {"pattern": p, "ignore": " -"} for k, (p, _) in proposal.keys.items()},
            "database": [
                {"name": name, "read_url": urls[name], "table": [b.document() for b in blocks]}
                for name, blocks in proposal.blocks.items()
            ],
        }
    )


def columns_of(proposal: Proposal) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Identity columns, and all personal ones, by "system.table"."""
    identity: dict[str, set[str]] = {}
    personal: dict[str, set[str]] = {}
    for system, blocks in proposal.blocks.items():
        for block in blocks:
            place = f"{system}.{block.table.label}"
            for line in block.lines:
                head, _, rest = line.key.partition(".")
                if not line.active or head not in ("identify", "personal", "read"):
                    continue
                texts = [rest] if head == "read" else list(line.value)  # type: ignore[call-overload] # a list
                names = {
                    _column(part) for text in texts for part in _apart(text, block.table.roles)
                }
                (identity if head == "identify" else personal).setdefault(place, set()).update(
                    names
                )
    return identity, personal


def _apart(text: str, columns: Iterable[str]) -> list[str]:
    return [text] if text in set(columns) or "[" in text else text.split()


def _column(text: str) -> str:
    return text.partition(".")[0].partition("[")[0] if "." in text or "[" in text else text


def marks_score(proposal: Proposal, marks: Marks) -> tuple[Score, Score, list[str]]:
    """Identity and personal columns against the marks, and what is wrong, by name."""
    identity, personal = columns_of(proposal)
    scores = Score(), Score()
    wrong: list[str] = []
    places = {*marks.identity, *marks.personal, *identity, *personal}
    for place in sorted(places):
        either = marks.either.get(place, set())
        keys, wanted = identity.get(place, set()), marks.identity.get(place, set())
        scores[0].count(keys, wanted, either)
        everything = keys | personal.get(place, set())
        # A personal column is found whichever of the map's ways names it.
        every_wanted = wanted | marks.personal.get(place, set())
        scores[1].count(everything, every_wanted, either)
        wrong += [f"{place}.{c}: no identity" for c in sorted(keys - wanted - either)]
        wrong += [f"{place}.{c}: identity missed" for c in sorted(wanted - keys - either)]
        wrong += [f"{place}.{c}: not personal" for c in sorted(everything - every_wanted - either)]
        wrong += [
            f"{place}.{c}: personal missed" for c in sorted(every_wanted - everything - either)
        ]
    return (*scores, wrong)


def rows_score(
    datamap: DataMap, urls: Mapping[str, str], people: Sequence[Any], doubt: set[Any]
) -> tuple[Score, list[str]]:
    """Certain rows found with a map, against the truth."""
    sources = opened(datamap, dict(urls))
    score, wrong = Score(), []
    for one in people:
        result = sources.find(person(email=one.email, name=one.name))
        certain = {
            (f.system, f.table, tuple(sorted(f.key.items())))
            for f in result.findings
            if f.certainty is Certainty.CERTAIN
        }
        score.count(certain, set(one.certain), doubt)
        wrong += [f"{row[0]}.{row[1]}: wrong" for row in certain - one.certain - doubt]
        wrong += [f"{row[0]}.{row[1]}: missed" for row in one.certain - certain - doubt]
    return score, wrong


def measure(
    name: str,
    proposal: Proposal,
    urls: Mapping[str, str],
    marks: Marks,
    people: Sequence[Any],
    doubt: set[Any],
    verbose: bool = False,
) -> tuple[Score, Score, Score]:
    """Print and return what one estate comes to."""
    identity, personal, odd = marks_score(proposal, marks)
    rows, lost = rows_score(datamap_of(proposal, urls), urls, people, doubt)
    print(
        f"{name}: identity columns: precision {identity.precision:.3f},"
        f" recall {identity.recall:.3f};"
        f" personal columns: precision {personal.precision:.3f}, recall {personal.recall:.3f};"
        f" rows by this map alone: recall {rows.recall:.4f} ({rows.right}/{rows.wanted}),"
        f" wrong {rows.found - rows.right}"
    )
    if verbose:
        for line in [*odd, *sorted(set(lost))]:
            print(f"    {line}")
    return identity, personal, rows


def of_world(world: World) -> Marks:
    """The marks of an estate of another hand."""

    def placed(marks: Mapping[str, set[str]]) -> dict[str, set[str]]:
        return {f"{world.system}.{table}": set(names) for table, names in marks.items()}

    return Marks(placed(world.identity), placed(world.personal), placed(world.either))


def main() -> int:
    """Print the measures; 1 if one of them misses what the issue asks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--sqlite-only", action="store_true")
    options = parser.parse_args()
    failed = False

    def run(made_by: str, new_url: NewUrl) -> None:
        nonlocal failed
        planted = Estate(crowd=45)
        urls = {"crm": new_url(), "shop": new_url()}
        write(urls["crm"], CRM, planted.rows["crm"])
        write(urls["shop"], SHOP, planted.rows["shop"])
        found = [
            measure(
                f"{made_by}, estate",
                proposed(urls),
                urls,
                estate_marks(),
                list(planted.people.values()),
                set(),
                options.verbose,
            )
        ]
        for world, region in ((saas(), "GB"), (legacy(), "NO")):
            urls = {world.system: new_url()}
            write(urls[world.system], world.metadata, world.rows)
            found.append(
                measure(
                    f"{made_by}, {world.system}",
                    proposed(urls, region),
                    urls,
                    of_world(world),
                    world.people,
                    world.open_to_doubt,
                    options.verbose,
                )
            )
        for identity, personal, rows in found:
            failed |= (
                min(
                    identity.precision,
                    identity.recall,
                    personal.precision,
                    personal.recall,
                    rows.recall,
                )
                < 0.95
            )
            failed |= rows.found > rows.right

    with tempfile.TemporaryDirectory() as folder:
        for name in ENGINES[:1] if options.sqlite_only else ENGINES:
            with engine(name, Path(folder)) as new_url:
                run(name, new_url)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
