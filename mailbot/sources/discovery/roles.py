"""What one column holds: judged by its name, its type and the look of a few values.

Each judgement carries how sure it is and why. Where name and values disagree, values win; where
both are silent, the column has no role.
"""

from dataclasses import dataclass, field, replace

from mailbot.sources import schema
from mailbot.sources.discovery import words
from mailbot.sources.discovery.looks import Looks
from mailbot.sources.schema import Column

IDENTITY = ("email", "phone", "first", "last", "middle", "maiden", "fullname", "name")
NAMES = ("first", "last", "middle", "maiden", "fullname", "name")
ENOUGH = 5  # values, to let them overrule a name
_CATEGORIES = (
    "national_id",
    "birth",
    "address",
    "postcode",
    "city",
    "workplace",
    "position",
    "gender",
    "ip",
    "device",
    "bank",
    "credential",
    "username",
    "photo",
    "health",
    "marital",
    "income",
    "location",
    "social",
    "language",
    "fax",
    "region",
)
# Numbers of another kind, which may look like telephone numbers.
_NUMBERED = ("customer", "bank", "fax", "national_id", "ip", "postcode", "orgno")
# What letters call them: fewer words than there are tags.
_CALLED = {
    "postcode": "address",
    "city": "address",
    "region": "address",
    "fax": "phone",
    "birth": "birth",
    "ip": "online",
    "device": "online",
    "social": "online",
}
_PARTIES = (
    ("staff", ("employee",)),
    ("actor", ("actor",)),
    ("copy", ("copy",)),
    ("other", ("relative", "referrer")),
    ("delivery", ("delivery",)),
    ("to", ("to",)),
    ("sender", ("sender",)),
    ("company", ("company", "supplier", "reseller")),
    ("billing", ("billing",)),
)


@dataclass(frozen=True, slots=True)
class Role:
    """What a column is. `party`: whose key it is; "" for the person that the row is about."""

    what: str  # email … name | customer_no | user_id | personal | text | json | list | source |
    #            volatile | set | reference | none
    confidence: float
    why: str
    detail: str = ""  # category, encoding, right
    party: str = ""
    looks: Looks = field(default_factory=lambda: Looks(()), compare=False, repr=False)


NONE = Role("none", 0.5, "nothing personal in name or values")


def role(
    name: str, column: Column, looks: Looks, encoding: str = "", dialled: bool = False
) -> Role:
    """The role of a column. `encoding`: in which octets in it are text. `dialled`: the table is
    named after calls or short messages, so that bare numbers are telephone numbers."""
    found = _judge(name, column, looks)
    if dialled and found.what in ("reference", "none") and looks.digits > 0.8 and looks.length > 7:
        found = Role("phone", 0.85, "numbers in a table of calls or messages")
    return replace(
        _read_as(found, column, looks, encoding),
        looks=looks,
        party=party(name),
    )


def party(name: str) -> str:
    """To whom a key belongs by the words around it."""
    tags = words.tags(name)
    for who, wanted in _PARTIES:
        if any(part & set(wanted) for part in tags):
            return who
    return ""


def _judge(name: str, column: Column, looks: Looks) -> Role:
    family = column.family
    yes_or_no = looks.count >= ENOUGH and looks.flag == 1 and looks.distinct < 3
    if family == schema.BOOLEAN or (yes_or_no and not words.last_tag(name) & {"text"}):
        return _flag(name, column)
    if family in (schema.DATE, schema.DATETIME, schema.TIME):
        return _moment(name)
    if family == schema.UUID:
        return _key(name, looks) or Role("reference", 0.6, "a UUID")
    if family in (schema.INTEGER, schema.NUMBER):
        return _number(name, looks)
    return _text(name, column, looks)


def _read_as(found: Role, column: Column, looks: Looks, encoding: str) -> Role:
    """Octets and JSON are read as such, whatever they are called."""
    if column.family == schema.BYTES:
        if not encoding:
            if words.has(name := column.name, "photo") or words.has(name, "credential"):
                return Role("personal", 0.8, "by its name", detail="photo")
            return NONE
        detail = "text" if encoding == "utf-8" else f"text {encoding}"
        return Role("text", 0.85, f"octets that are text ({encoding})", detail)
    if column.family == schema.JSON or looks.json > 0.6:
        return Role("json", 0.9 if looks.count else 0.7, "JSON", "json")
    return found


def _flag(name: str, column: Column) -> Role:
    for what, right in (
        ("marketing", "objection"),
        ("consent", "consent_withdrawal"),
        ("blocked", "restriction"),
    ):
        if words.has(name, what):
            return Role("set", 0.7, "a yes or no, by its name", right)
    return replace(NONE, why="a yes or no")


def _moment(name: str) -> Role:
    if words.has(name, "birth"):
        return Role("personal", 0.97, "a date, by its name", "birth")
    if words.has(name, "volatile"):
        return Role("volatile", 0.9, "a moment that changes by itself, by its name")
    return replace(NONE, why="a date")


def _key(name: str, looks: Looks) -> Role | None:
    """A number that the organisation itself gave a person."""
    tags = words.tags(name)
    if not tags or looks.count and (looks.email > 0.5 or looks.date > 0.5 or looks.prose > 0.3):
        return None
    kinds = [part & {"customer", "user", "member", "patient", "student"} for part in tags]
    who = next((kind for kind in kinds if kind), None)
    numbered = any(part & {"number", "id", "code"} for part in tags)
    if who is None or not numbered:
        return None
    last = words.last_tag(name)
    by_id = bool(last & {"id"}) and not last & {"number"}
    if "customer" in who and not by_id:
        return Role("customer_no", 0.93, "by its name")
    if "user" in who and by_id:
        return Role("user_id", 0.8, "by its name")
    if "customer" in who:
        return Role("reference", 0.7, "an id, by its name", "customer_no")
    if by_id:
        return Role("reference", 0.7, "an id, by its name")
    return Role("personal", 0.85, "by its name", next(iter(sorted(who))) + "_no")


def _number(name: str, looks: Looks) -> Role:
    tags = words.tags(name)
    last = words.last_tag(name)
    dialled = looks.count < ENOUGH or looks.phone > 0.5 or looks.digits > 0.5
    called = any("phone" in part for part in tags) and not last & {"id", "code", "flag", "type"}
    if called and dialled:
        return Role("phone", 0.9, _said(looks.phone, looks, "telephone numbers"))
    if any("national_id" in part for part in tags):
        return Role("personal", 0.95, "by its name", "national_id")
    found = _key(name, looks)
    if found is not None:
        return found
    if last & {"id", "number"} or len(tags) == 1 and last & {"id"}:
        for category in ("postcode", "bank", "address"):
            if any(category in part for part in tags) and not last & {"id"}:
                return _personal(category, 0.85, "by its name")
        return Role("reference", 0.6, "a number that may refer to a row")
    for category in ("postcode", "bank", "birth", "location", "income", "address"):
        if any(category in part for part in tags):
            return _personal(category, 0.85, "by its name")
    if any("volatile" in part for part in tags):
        return Role("volatile", 0.85, "a number that changes by itself, by its name")
    if not tags or tags[-1] & {"?"}:
        return Role("reference", 0.3, "a number that may refer to a row")
    if any(part & {"actor", "employee", "sender", *words.PEOPLE} for part in tags):
        return Role("reference", 0.5, "a number that may refer to a row")
    return replace(NONE, why="a number")


def _personal(category: str, confidence: float, why: str) -> Role:
    return Role("personal", confidence, why, _CALLED.get(category, category))


def _said(share: float, looks: Looks, what: str) -> str:
    """How name and values agree, in words for the map."""
    if not looks.count:
        return "by its name; no values to look at"
    some = min(looks.count, 120)
    return f"by its name, and {round(share * some)} of {some} values are {what}"


def _text(name: str, column: Column, looks: Looks) -> Role:
    found = _by_values(name, looks)
    if found is not None:
        return found
    tags = words.tags(name)
    last = words.last_tag(name)
    enough = looks.count >= ENOUGH
    if any("email" in part for part in tags) and not last & {
        "flag",
        "type",
        "state",
        "amount",
        "code",
    }:
        if not enough or looks.emails > 0.3:
            return Role("email", 0.9, _said(looks.emails, looks, "addresses"))
        return _free(name, looks) or NONE
    dialled = not enough or looks.phone > 0.4 or looks.digits > 0.5
    called = any("phone" in part for part in tags) and not last & {"flag", "type", "state", "code"}
    if called and dialled:
        return Role("phone", 0.93, _said(looks.phone, looks, "telephone numbers"))
    named = _named(name, tags, last, looks)
    if named is not None:
        return named
    own = _key(name, looks)
    if own is not None:
        return own if own.what != "reference" or looks.count == 0 else _reference(own, looks)
    return _other(name, column, tags, last, looks)


def _reference(own: Role, looks: Looks) -> Role:
    if own.detail == "customer_no" and looks.own_key > 0.8:
        return Role("customer_no", 0.85, "by its name, and its values look like customer numbers")
    return own


def _by_values(name: str, looks: Looks) -> Role | None:
    """Values that speak for themselves, whatever the column is called."""
    if not looks.count:
        return None
    called = words.has(name, "email")
    sure = 0.99 if called else 0.9
    if looks.emails >= 0.8:
        if looks.several_emails > 0.3 and not called or words.has(name, "copy"):
            return Role("list", 0.9, "several addresses in one value", "list")
        some = min(looks.count, 120)
        return Role("email", sure, f"{round(looks.emails * some)} of {some} values are addresses")
    if words.has(name, "copy") and looks.several_emails + looks.emails > 0.3:
        return Role("list", 0.9, "addresses, by its name", "list")
    if looks.count < ENOUGH or looks.phone < 0.8 or called or looks.distinct < 3:
        return None
    dialled = looks.dialled >= 0.3 and not words.has(name, *_NUMBERED)
    if words.has(name, "phone") or dialled:
        some = min(looks.count, 120)
        why = f"{round(looks.phone * some)} of {some} values are telephone numbers"
        return Role("phone", 0.95 if words.has(name, "phone") else 0.8, why)
    return None


def _named(
    name: str, tags: tuple[frozenset[str], ...], last: frozenset[str], looks: Looks
) -> Role | None:
    enough = looks.count >= ENOUGH
    if any(part & {"thing"} for part in tags) and looks.person < 0.6:
        return None
    for what in ("first", "last", "maiden", "middle"):
        if any(what in part for part in tags) and not looks.email > 0.3:
            if enough and (looks.prose > 0.5 or looks.number > 0.3 or looks.date > 0.3):
                return None
            if what in ("first", "last") and not last & {what, "name"}:
                continue
            return Role(
                what, 0.95, "by its name" + (", and values are names" if looks.given > 0.5 else "")
            )
    called = any(part & {"fullname"} for part in tags) or (
        "name" in last and party(name) in ("delivery", "billing", "sender", "to", "other")
    )
    if not called and any("name" in part for part in tags) or called:
        if enough and looks.person < 0.15 and not called:
            return Role(
                "name",
                0.3,
                "called a name, but values are no people's",
                detail="corporate" if looks.corporate > 0.2 else "thing",
            )
        if enough and looks.corporate > 0.6:
            return Role("name", 0.6, "names of companies", detail="corporate")
        sure = 0.95 if looks.person >= 0.3 else (0.85 if called else 0.6)
        if looks.count and not looks.person and not called:
            return Role("name", 0.4, "called a name; whether of people does not show")
        why = f"by its name, and {round(looks.person * 100)} % of values are people's names"
        return Role("fullname" if called else "name", sure, why if looks.count else "by its name")
    who = last & {
        "customer",
        "contact",
        "member",
        "person",
        "sender",
        "delivery",
        "billing",
        "guest",
        "participant",
        "donor",
        "applicant",
        "patient",
        "student",
        "employee",
        "actor",
    }
    if looks.count >= ENOUGH and looks.person >= (0.4 if who else 0.6) and "text" not in last:
        return Role("fullname", 0.85, f"{round(looks.person * 100)} % of values are people's names")
    if looks.count >= 12 and looks.given >= 0.7 and looks.distinct > 5 and "?" in last:
        return Role("first", 0.75, "values are first names")
    return None


def _other(
    name: str, column: Column, tags: tuple[frozenset[str], ...], last: frozenset[str], looks: Looks
) -> Role:
    thing = bool(last & {"thing", "type", "state", "amount", "flag"})
    for category in _CATEGORIES:
        if any(category in part for part in tags):
            if last & {"type", "flag", "state"}:
                continue
            if category in ("photo", "language", "region", "city", "location", "bank") and thing:
                continue
            if (
                category == "ip"
                and looks.count
                and not any("." in t or ":" in t for t in looks.texts[:9])
            ):
                continue
            if category in ("workplace", "position") and looks.flag > 0.5:
                continue
            return _personal(category, 0.9, "by its name")
    if any("source" in part for part in tags) and looks.prose < 0.5:
        return Role("source", 0.8, "by its name")
    if any("volatile" in part for part in tags):
        return Role("volatile", 0.85, "by its name")
    return _free(name, looks) or (
        Role("reference", 0.5, "may refer to a row")
        if (last & {"id", "number", "code", "type"} or looks.uuid > 0.8 or looks.number > 0.9)
        or any(
            part & {"customer", "user", "contact", "member", "person", "company"} for part in tags
        )
        else NONE
    )


def _free(name: str, looks: Looks) -> Role | None:
    """Text in which anything may stand."""
    if looks.shows_keys >= 0.05 and looks.length > 12:
        return Role("text", 0.9, "text in which addresses or numbers stand", "text")
    short = looks.count >= ENOUGH and max(looks.flag, looks.date, looks.uuid) > 0.5
    if words.has(name, "text") and not short:
        last = words.last_tag(name)
        if (
            last & {"id", "number", "type", "flag", "state", "amount", "date"}
            and "text" not in last
        ):
            return None
        if looks.count >= ENOUGH and looks.number > 0.9:
            return None
        return Role("text", 0.8 if looks.count else 0.65, "text, by its name", "text")
    if looks.count >= 3 and looks.prose > 0.4 and looks.length > 25 and not looks.few:
        return Role("text", 0.7, "values are sentences", "text")
    return None
