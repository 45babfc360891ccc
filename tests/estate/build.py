"""The estate written into real databases, and sources opened over them."""

from collections.abc import Callable
from datetime import date

import sqlalchemy as sa

from mailbot.datamap import DataMap
from mailbot.sources import AllSources, open_sources
from tests.estate.people import Estate
from tests.estate.tables import CRM, SHOP, datamap

TODAY = date(2026, 11, 22)


def write(url: str, metadata: sa.MetaData, rows: dict[str, list[dict[str, object]]]) -> None:
    """Create the tables and fill them."""
    engine = sa.create_engine(url)
    metadata.create_all(engine)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            planted = rows.get(table.name, [])
            names = {name for row in planted for name in row}
            if planted:
                full = [{name: row.get(name) for name in names} for row in planted]
                connection.execute(table.insert(), full)
    engine.dispose()


def opened(datamap: DataMap, urls: dict[str, str]) -> AllSources:
    """Sources over databases at these addresses."""
    databases = tuple(
        part.model_copy(update={"read_url": urls[part.name], "write_url": urls[part.name]})
        for part in datamap.database
    )
    mapped = datamap.model_copy(update={"database": databases})
    return open_sources(mapped, {}, lambda _name, _purpose: None, lambda url: url, lambda: TODAY)


def estate(new_url: Callable[[], str], crowd: int) -> tuple[Estate, AllSources]:
    """The whole estate in two fresh databases."""
    planted = Estate(crowd=crowd)
    urls = {"crm": new_url(), "shop": new_url()}
    write(urls["crm"], CRM, planted.rows["crm"])
    write(urls["shop"], SHOP, planted.rows["shop"])
    return planted, opened(datamap(), urls)
