"""What a table holds: people, things about them, the staff, companies, or nothing personal."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mailbot import identifiers
from mailbot.record import Row, plain
from mailbot.sources import schema
from mailbot.sources.discovery import words
from mailbot.sources.discovery.looks import Looks
from mailbot.sources.discovery.references import Found
from mailbot.sources.discovery.study import Studied
from mailbot.sources.reading import FILLED

_PEOPLE = (
    "customer",
    "user",
    "member",
    "contact",
    "person",
    "lead",
    "patient",
    "student",
    "applicant",
    "donor",
    "guest",
    "participant",
)
_FILLERS = {"noise", "?", "second", "previous", "code", "number"}
FREE_MAIL = frozenset(
    """
    gmail.com googlemail.com hotmail.com hotmail.no outlook.com live.com live.no yahoo.com yahoo.no
    icloud.com me.com online.no getmail.no broadpark.no gmx.de gmx.net web.de t-online.de freenet.de
    telia.com proton.me protonmail.com aol.com msn.com mail.com start.no epost.no
    lyse.net altibox.no
    """.split()
)


@dataclass(frozen=True, slots=True)
class Kind:
    """person | about | own | company | none, how sure, and why. `where`: only rows like these."""

    is_: str
    confidence: float
    why: str


def keys_of(table: Studied) -> list[str]:
    """Columns by which the person of a row is known."""
    return [
        name
        for name, role in table.roles.items()
        if role.what in ("email", "phone", "first", "last", "fullname")
        and role.party not in ("staff", "actor", "other", "copy")
        or role.what == "name"
        and role.confidence >= 0.6
        and role.detail != "corporate"
    ]


def first_guess(table: Studied, own_domains: Collection[str]) -> Kind | None:
    """What a table is by its own name and columns; None: that depends on what it refers to."""
    keys = keys_of(table)
    mails = {name for name, role in table.roles.items() if role.what == "email"}
    has_name = any(table.roles[name].what != "email" for name in keys)
    about_who = _is_register(table)
    if table.called("employee") and _ends_with(table, "employee") and (keys or mails or has_name):
        return Kind("own", 0.95, "named after staff")
    if table.called("relative") and has_name:
        return Kind("person", 0.7, "other people, named by somebody")
    company = _company(table)
    if company is not None and (keys or mails or company.confidence > 0.9):
        if (divided := companies_among(table)) is not None:
            return Kind("person", 0.8, f"people and companies: {divided[1]}")
        return company
    if about_who and keys and _is_staff(table, own_domains):
        return Kind("own", 0.85, "its addresses are the organisation's own")
    if about_who in ("participant", "guest") and keys:
        return None
    if about_who and (mails & set(keys) or has_name):
        return Kind("person", 0.95, f"a register of people ({about_who}), with keys of theirs")
    if about_who == "" and _one_row_each(table, keys):
        return Kind("person", 0.75, "names and addresses, one row for each person")
    return None


def _is_register(table: Studied) -> str:
    """The kind of people that a table is named after: "kunder" yes, "kundenotater" no; "" else."""
    tags = words.tags(table.shape.name[1])
    who = [tag for part in tags for tag in _PEOPLE if tag in part]
    if not who:
        return ""
    for part in tags:
        if not part & {*_PEOPLE, *_FILLERS} and not part & {"list"}:
            return ""
    return who[-1]


def _ends_with(table: Studied, tag: str) -> bool:
    tags = [part for part in words.tags(table.shape.name[1]) if not part <= {"noise", "?"}]
    return bool(tags) and tag in tags[-1]


def _company(table: Studied) -> Kind | None:
    tags = [part for part in words.tags(table.shape.name[1]) if not part <= {"noise", "?"}]
    named = bool(tags) and bool(tags[-1] & {"company", "supplier", "reseller"})
    split = table.having("first") and table.having("last")
    shown = [
        role.looks for role in table.having("name", "fullname").values() if role.looks.count >= 5
    ]
    corporate = max((looks.corporate for looks in shown), default=0.0)
    numbered = any(words.has(name, "orgno") for name in table.roles)
    if named and not split:
        return Kind("company", 0.9 + 0.05 * (corporate > 0.2), "named after companies")
    if corporate >= 0.05 and not split:
        share = round(corporate * 100)
        return Kind(
            "company",
            0.8,
            f"{share} % of the names are companies'; sole traders and people"
            " who bear the name are found all the same",
        )
    if numbered and not split and corporate:
        return Kind("company", 0.7, "it holds organisation numbers")
    return None


def _is_staff(table: Studied, own_domains: Collection[str]) -> bool:
    domains = domains_of(table)
    return sum(domains.values()) >= 3 and sum(
        count for domain, count in domains.items() if domain in own_domains
    ) >= 0.8 * sum(domains.values())


def domains_of(table: Studied, rows: Sequence[Row] | None = None) -> Counter[str]:
    """How often each domain stands in the addresses of a table's sample, or of some rows of it."""
    return Counter(
        domain
        for name, role in table.roles.items()
        if role.what == "email"
        for row in (table.sample.rows if rows is None else rows)
        if (domain := identifiers.email_domain(plain(row.get(name)) or ""))
    )


def own_domains(tables: Sequence[Studied], known: Sequence[str]) -> dict[str, str]:
    """The organisation's domains: those known, and the one that most of the staff have."""
    found = dict.fromkeys(known, "configured")
    for table in tables:
        if table.called("employee") and _ends_with(table, "employee"):
            domains = domains_of(table)
        elif (divided := staff_among(table)) is not None:
            column, staff, _ = divided
            wanted = staff if isinstance(staff, list) else [staff, int(bool(staff))]
            domains = domains_of(
                table, [row for row in table.sample.rows if row.get(column) in wanted]
            )
        else:
            continue
        for domain, count in domains.most_common(1):
            if domain not in FREE_MAIL and count >= 2 and count >= 0.5 * sum(domains.values()):
                found.setdefault(
                    domain, f"{count} of {sum(domains.values())} addresses in {table.label}"
                )
    return found


_STAFF = frozenset(
    "admin administrator staff employee internal superuser support operator ansatt intern"
    " mitarbeiter medarbeider agent manager owner superadmin moderator".split()
)


def staff_among(table: Studied) -> tuple[str, object, object] | None:
    """A column that tells staff from customers in one table of users, and its values for both.

    Only where every row says it: what a condition does not meet would not be searched.
    """
    columns = sorted(table.shape.columns.items(), key=lambda pair: pair[1].family != schema.BOOLEAN)
    for name, column in columns:
        tags = words.tags(name)
        values = [row.get(name) for row in table.sample.rows]
        if not values or column.nullable and any(value is None for value in values):
            continue
        if not tags or not (
            tags[-1] & {"employee", "type"}
            or words.words(name)[-1:]
            in (("role",), ("rolle",), ("intern",), ("internal",), ("superuser",))
        ):
            continue
        seen = list(dict.fromkeys(values))
        if column.family == schema.BOOLEAN and tags[-1] & {"employee"} and not column.nullable:
            return name, True, False
        if column.family != schema.TEXT or len(seen) > 8 or not table.sample.whole:
            continue
        texts = [value for value in seen if isinstance(value, str)]
        staff = [text for text in texts if text.strip().lower() in _STAFF]
        rest = [text for text in texts if text not in staff]
        if staff and rest and len(texts) == len(seen):
            return name, staff, rest
    return None


_FIRMS = frozenset(
    "firma bedrift company business b2b organisasjon organisation organization org forening lag"
    " bedriftskunde corporate unternehmen foretak foretag företag virksomhed juridisk f b".split()
)
_PERSONS = frozenset(
    "privat person private individual b2c privatperson privatkunde consumer forbruker natural"
    " privatkund p".split()
)


def companies_among(table: Studied) -> tuple[dict[str, object], str] | None:
    """The condition that tells a register's companies from its people, and how; None: nothing does.

    What does not meet it is taken for a person, so that nobody's record is missed.
    """
    columns = [name for name, role in table.having("name", "fullname").items() if role.looks.count]
    if not columns or table.having("first"):
        return None

    def looks(rows: Sequence[Row]) -> Looks:
        return Looks([text for row in rows for n in columns if (text := plain(row.get(n)) or "")])

    for name in table.shape.columns:
        if not words.last_tag(name) & {"type", "company", "orgno"}:
            continue
        groups: dict[object, list[Row]] = {}
        for row in table.sample.rows:
            value = row.get(name)
            groups.setdefault(None if plain(value) in (None, "") else value, []).append(row)
        filled = [value for value in groups if value is not None]
        if filled and all(_NUMBER.search(str(value)) for value in filled):
            # A number of the company's own: who has none is a person.
            with_one = [row for value in filled for row in groups[value]]
            if _are_people("", looks(groups.get(None, ()))) and _are_firms("", looks(with_one)):
                return {name: FILLED}, f"companies have {name}"
            continue
        firms = [v for v in filled if _are_firms(v, looks(groups[v]))]
        people = [v for v, rows in groups.items() if _are_people(v, looks(rows))]
        plainly = all(isinstance(value, str | int) for value in firms)
        if firms and people and plainly and len(groups) <= 8:
            return {name: firms[0] if len(firms) == 1 else firms}, f"{name} tells companies"
    return None


_NUMBER = re.compile(r"\d[\d .]{5,}\d")


def _are_firms(value: object, looks: Looks) -> bool:
    said = str(value).strip().lower() in _FIRMS and looks.person < 0.5
    return looks.person < 0.3 and (looks.corporate >= 0.3 or said)


def _are_people(value: object, looks: Looks) -> bool:
    said = str(value).strip().lower() in _PERSONS
    return looks.corporate == 0 and looks.count > 0 and (looks.person >= 0.3 or said)


def _one_row_each(table: Studied, keys: Sequence[str]) -> bool:
    mails = [name for name in keys if table.roles[name].what == "email"]
    named = [
        name for name in keys if table.roles[name].what in ("first", "last", "fullname", "name")
    ]
    if not mails or not named or table.having("text"):
        return False
    if table.called(
        "order", "invoice", "orderline", "subscription", "text", "marketing", "consent", "merge"
    ):
        return False
    texts = table.sample.texts(mails[0])
    other = any(role.party in ("delivery", "billing", "to") for role in table.roles.values())
    return len(texts) >= 8 and len({t.lower() for t in texts}) >= 0.95 * len(texts) and not other


def settle(
    tables: Sequence[Studied], guesses: dict[tuple[str, str], Kind], references: Sequence[Found]
) -> dict[tuple[str, str], Kind]:
    """The kind of every table: what belongs to people is about them, the rest is not."""
    kinds = dict(guesses)
    for table in tables:
        if table.place not in kinds and (reason := _own_reason(table)):
            kinds[table.place] = Kind("about", *reason)
    changed = True
    while changed:
        changed = False
        for one in references:
            parent = kinds.get(one.parent.place)
            if one.child.place in kinds or parent is None or parent.is_ in ("own", "none"):
                continue
            if parent.is_ == "company" and not one.child.called("order", "invoice", "orderline"):
                continue  # a supplier's goods are nobody's; a sole trader's orders are
            kinds[one.child.place] = Kind(
                "about", min(0.9, one.confidence), f"belongs to {one.parent.label}"
            )
            changed = True
    for table in tables:
        kinds.setdefault(table.place, Kind("none", 0.8, "nothing personal in names or values"))
    return kinds


def _own_reason(table: Studied) -> tuple[float, str] | None:
    if keys_of(table):
        return 0.85, "keys of people stand in its rows"
    if any(role.what in ("email", "phone", "list") for role in table.roles.values()):
        return 0.6, "addresses or numbers of people stand in its rows"
    if any(role.what in ("email", "phone", "fullname") for role in table.leaves.values()):
        return 0.85, "keys of people stand in its JSON"
    if table.having("customer_no", "user_id"):
        return 0.85, "a customer number or user id stands in its rows"
    if any(role.what == "text" and role.looks.shows_keys >= 0.02 for role in table.roles.values()):
        return 0.8, "its text shows addresses or numbers of people"
    if any(role.what == "json" and role.looks.shows_keys >= 0.02 for role in table.roles.values()):
        return 0.8, "its JSON shows addresses or numbers of people"
    return None
