"""What a person must confirm: what is kept by law, what tells of disclosures, what a right sets."""

from collections.abc import Iterator, Sequence

from mailbot.sources import schema
from mailbot.sources.discovery import words
from mailbot.sources.discovery.references import Found
from mailbot.sources.discovery.study import Studied

Comment = tuple[str, object, float, str]  # key, value, confidence, why


def comments(table: Studied, kind: str, references: Sequence[Found]) -> Iterator[Comment]:
    """Lines that are proposed as comments only."""
    day = _day(table)
    if kind == "about" and table.called("invoice") and day:
        value = {"columns": ["*"], "until": f"year_end({day}) + 5 years", "rule": "bookkeeping"}
        yield "keep", value, 0.8, "bokføringsloven § 13, if these are accounting records"
    if kind == "about" and table.called("disclosure") and day:
        value = {"columns": ["*"], "until": f"{day} + 3 years", "rule": "disclosures"}
        yield "keep", value, 0.6, "a record of disclosure (GDPR art. 5(2), 19)"
        recipient = _recipient(table, references)
        if recipient:
            yield (
                "disclosure",
                {"recipient": recipient, "date": day},
                0.7,
                "it tells to whom data went",
            )
    if kind == "person":
        kept = [
            one.child.label
            for one in references
            if one.parent is table
            and one.child.called("invoice")
            and one.child.system == table.system
        ]
        if kept:
            number = list(table.having("customer_no"))[:1]
            value = {
                "columns": [*table.shape.key, *number],
                "until": f"kept({', '.join(dict.fromkeys(kept))})",
                "rule": "bookkeeping",
            }
            yield (
                "keep",
                value,
                0.6,
                "as long as its invoices are kept, their reference must lead somewhere",
            )
    for name, role in table.having("set").items():
        if table.shape.columns[name].family not in (schema.BOOLEAN, schema.INTEGER, schema.TEXT):
            continue
        on = role.detail != "consent_withdrawal"
        yield f"set.{role.detail}", {name: _written(table, name, on)}, role.confidence, role.why


def _written(table: Studied, name: str, on: bool) -> object:
    column = table.shape.columns[name]
    if column.family == schema.BOOLEAN:
        return on
    if column.family == schema.INTEGER:
        return int(on)
    seen = {text.lower() for text in table.roles[name].looks.texts}
    pairs = (("J", "N"), ("ja", "nei"), ("Y", "N"), ("yes", "no"), ("true", "false"), ("1", "0"))
    yes, no = next(
        (pair for pair in pairs if seen & {pair[0].lower(), pair[1].lower()} == seen), ("1", "0")
    )
    return yes if on else no


def _day(table: Studied) -> str:
    """The column that dates a record: a date by its type, best one by its name."""
    dates = [
        name
        for name, column in table.shape.columns.items()
        if column.family in (schema.DATE, schema.DATETIME)
        or (words.has(name, "date") and table.roles[name].looks.date > 0.8)
    ]
    dates = [name for name in dates if table.roles[name].what not in ("volatile", "personal")]
    named = [name for name in dates if words.has(name, "invoice", "billing", "disclosure")]
    plain = [name for name in dates if words.words(name) in (("dato",), ("date",), ("datum",))]
    return next(iter([*plain, *named, *dates]), "")


def _recipient(table: Studied, references: Sequence[Found]) -> dict[str, str]:
    for one in references:
        if (
            one.child is table
            and one.parent.called("company", "supplier", "reseller")
            and len(one.columns) == 1
        ):
            found = {"column": one.columns[0], "table": one.parent.label, "to": one.to[0]}
            for what, key in (("name", "name"), ("fullname", "name"), ("email", "email")):
                column = next(iter(one.parent.having(what)), None)
                if column:
                    found.setdefault(key, column)
            return found
    for name in table.roles:
        if (
            words.has(name, "reseller", "company", "delivery")
            and table.roles[name].what != "reference"
        ):
            return {"name": name}
    return {}
