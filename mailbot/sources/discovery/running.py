"""The whole of a discovery: open read-only, study each database, propose."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Engine

from mailbot.datamap import Database, DataMap
from mailbot.errors import MailbotError
from mailbot.sources.discovery.grants import grants
from mailbot.sources.discovery.merging import merged
from mailbot.sources.discovery.proposal import Proposal, propose
from mailbot.sources.discovery.study import Study, study

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Discovered:
    """What came of it. `dialects`: database → engine, for the grants."""

    proposal: Proposal
    dialects: dict[str, str]

    def merged(self, text: str, datamap: DataMap, new: Sequence[tuple[str, str]] = ()) -> str:
        """The text of a data map with the proposal added. Raises ConfigError (see `merging`)."""
        return merged(text, self.proposal, datamap, new)

    def grants(self, system: str, database: str) -> list[str]:
        """SQL that makes the two users which mailbot needs; `database`: its name on the server."""
        blocks = self.proposal.blocks.get(system, ())
        return list(grants(self.dialects.get(system, ""), database, blocks))


def discover(
    databases: Sequence[Database],
    datamap: DataMap,
    wanted: Sequence[str],
    open_reading: Callable[[Database], Engine],
    progress: Progress = lambda text: None,
) -> Discovered:
    """Propose entries for the databases `wanted`; the others are only referred to.

    Raises what connecting to one of the wanted ones raises; another one that fails is left out.
    """
    studies: list[Study] = []
    left_out: list[str] = []
    for database in databases:
        progress(f"reading {database.name}")
        engine = open_reading(database)
        try:
            default = database.schema_ or None
            studies.append(study(database.name, engine, default, datamap.own.default_region))
        except MailbotError as error:
            if database.name in wanted:
                raise
            left_out.append(f"references into {database.name} were not looked for: {error}")
        finally:
            engine.dispose()
    progress("looking for references")
    proposal = propose(studies, datamap, wanted)
    proposal.todo += left_out
    return Discovered(proposal, {one.system: one.dialect for one in studies})
