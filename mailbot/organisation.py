"""The organisation's own facts: what its privacy notice says, typed from organisation.toml.

Every access letter (GDPR art. 15(1)(a)-(h), 15(2)) and every answer to a general question
(art. 13-14) is written from these, and from nothing else.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator

from mailbot.datamap import Part, Text
from mailbot.errors import ConfigError, Problem

# A person is answered in a language that he or she reads: Danes and Swedes read English more
# surely than Norwegian, and a nynorsk reader reads bokmål.
_FALLBACKS: Mapping[str, tuple[str, ...]] = {
    "nb": ("nb", "nn", "en"),
    "nn": ("nn", "nb", "en"),
    "no": ("nb", "nn", "en"),
    "en": ("en", "nb"),
    "sv": ("sv", "en", "nb"),
    "da": ("da", "en", "nb"),
    "de": ("de", "en", "nb"),
}

# The heads of art. 15(1) and 13-14 under which a general question can be answered.
TOPICS = (
    "controller",
    "purposes",
    "legal_basis",
    "categories",
    "source",
    "recipients",
    "transfers",
    "storage",
    "rights",
    "voluntary",
    "automated",
    "security",
    "cookies",
    "complaint",
)


def fallbacks(language: str) -> tuple[str, ...]:
    """The languages to try for a reader of `language`, best first; unknown ones get English."""
    return _FALLBACKS.get(language, ("en", "nb"))


def wording(text: Mapping[str, str], language: str) -> str:
    """The wording for a reader of `language`; "" if there is none at all."""
    for choice in fallbacks(language):
        if text.get(choice, "").strip():
            return text[choice].strip()
    return next((value.strip() for value in text.values() if value.strip()), "")


class Controller(Part):
    """Who decides over the processing (art. 4(7)): normally the legal person, not its manager."""

    organisation: str
    organisation_no: str = ""
    address: str = ""
    person: str = ""  # named in letters if given
    person_title: Text = {}


class Purpose(Part):
    """Why personal data is used (art. 15(1)(a)), on which basis (art. 13(1)(c)), which data."""

    what: Text
    basis: Text = {}
    article: str = ""  # "6(1)(b)": the letter of GDPR art. 6 that the basis rests on
    categories: tuple[str, ...] = ()  # names of [categories]


class Party(Part):
    """Somebody who receives personal data: a processor, or a recipient with aims of its own."""

    name: str
    kind: Literal["processor", "recipient"] = "processor"
    role: Text
    # Where it is told of erasures and corrections (art. 19). "": a processor in
    # whose systems we act ourselves needs no notice; a recipient becomes a task for staff.
    email: str = ""
    # Where data leaves the EEA: on which safeguard (art. 15(2), 46). "" = it does not.
    transfer: Text = {}


class Officer(Part):
    """The data protection officer (art. 37-39), where there is one."""

    name: str
    email: str = ""
    phone: str = ""


class Authority(Part):
    """The supervisory authority to complain to (art. 77)."""

    name: str = "Datatilsynet"
    website: str = "datatilsynet.no"
    address: str = "Postboks 458 Sentrum, 0105 Oslo"


class Signature(Part):
    """The person in whose name letters are signed."""

    name: str
    title: Text = {}


class Organisation(Part):
    """All facts. Wordings are per language; `nb` is required, the others fall back to it."""

    name: str
    website: str = ""
    contact: str  # e-mail address for privacy questions
    phone: str = ""
    controller: Controller
    signature: Signature
    categories: dict[str, Text] = {}
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)]
    source: Text
    parties: tuple[Party, ...] = ()
    third_parties: Text = {}  # the rule by which anything is shared with others
    transfers: Text = {}  # art. 15(2); the safeguards of each party come in addition
    storage: Text  # period, or the criteria for it (art. 15(1)(d))
    voluntary: Text = {}
    automated: Text  # art. 15(1)(h), 22: "none" only if true
    security: Text = {}
    cookies: Text = {}
    officer: Officer | None = None
    authority: Authority = Authority()

    @field_validator("name", "contact", mode="after")
    @classmethod
    def _said(cls, value: str) -> str:
        if not value.strip() or any(ord(sign) < 32 for sign in value):
            raise ValueError("must be one line of text")
        return value.strip()

    def category(self, name: str, language: str) -> str:
        """The readable name of a category of data; the name itself where none is given."""
        return wording(self.categories.get(name, {}), language) or name

    def warnings(self) -> tuple[str, ...]:
        """What the law wants sharper than these facts say it (for check-config)."""
        return tuple(_warnings(self))


_VAGUE = ("individuell vurdering", "individual assessment", "så lenge det er nødvendig",
          "as long as necessary", "ved behov", "when needed")  # fmt: skip
_UNNAMED = ("forhandlere", "forhandlarar", "resellers", "partnere", "partners")


def _warnings(facts: Organisation) -> list[str]:
    said: list[str] = []
    for place, purpose in enumerate(facts.purposes, 1):
        if not purpose.article.replace(" ", "").startswith("6(1)("):
            said.append(
                f"purposes {place}: no basis in GDPR art. 6 is named; "
                'write article = "6(1)(b)" or another letter of art. 6(1)'
            )
        said += [
            f"purposes {place}: category {name!r} has no readable name; add it to [categories]"
            for name in purpose.categories
            if name not in facts.categories
        ]
    storage = " ".join(facts.storage.values()).lower()
    if not any(sign.isdigit() for sign in storage) or any(word in storage for word in _VAGUE):
        said.append(
            "storage: too vague for art. 15(1)(d); name a period, or the criteria that decide it"
        )
    if not any(facts.transfers.values()):
        said.append(
            "transfers: nothing is said about transfers out of the EEA (art. 13(1)(f), 15(2)); "
            "say that there are none, or name the safeguards"
        )
    if not facts.parties:
        said.append("parties: nobody is named; art. 15(1)(c) wants recipients by name (C-154/21)")
    for party in facts.parties:
        if party.kind == "recipient" and not party.email:
            said.append(
                f"parties: {party.name!r} has no email; without it staff must tell it by hand of "
                "each erasure, correction and restriction (art. 19)"
            )
        if party.name.strip().lower() in _UNNAMED:
            said.append(
                f"parties: {party.name!r} names nobody; list each reseller by name (C-154/21)"
            )
    third = " ".join(facts.third_parties.values()).lower()
    if any(word.rstrip("es") in third for word in ("forhandler", "forhandlar", "reseller")) and (
        not any(party.kind == "recipient" for party in facts.parties)
    ):
        said.append(
            "third_parties: resellers are spoken of but none is named among the parties; "
            "letters name only those whom the data map's disclosures show"
        )
    if facts.controller.person and not facts.controller.organisation.strip():
        said.append("controller: a person is named as controller; normally it is the company")
    return said


def load_organisation(path: Path) -> Organisation:
    """Read organisation.toml. Raises ConfigError with every fault, by key, with a remedy."""
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            [Problem(path.name, "cannot be read", "check the path, rights and UTF-8")]
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            [Problem(path.name, f"is not TOML: {error}", "mend that line")]
        ) from error
    return organisation_from(raw, path.name)


def organisation_from(raw: Mapping[str, Any], where: str = "organisation.toml") -> Organisation:
    """Facts from parsed TOML. Raises ConfigError with every fault."""
    try:
        facts = Organisation.model_validate(dict(raw))
    except ValidationError as error:
        raise ConfigError(
            [
                Problem(
                    f"{where}: {'.'.join(str(part) for part in fault['loc']) or 'top'}",
                    fault["msg"].lower(),
                    "see the commented config/organisation.toml",
                )
                for fault in error.errors(include_input=False, include_url=False)
            ]
        ) from error
    missing = _without_bokmaal(facts)
    if missing:
        raise ConfigError(
            [Problem(f"{where}: {key}", "has no nb wording", 'add nb = "…"') for key in missing]
        )
    return facts


def _without_bokmaal(facts: Organisation) -> list[str]:
    texts: dict[str, Text] = {
        "source": facts.source,
        "storage": facts.storage,
        "automated": facts.automated,
        **{f"purposes {n}: what": item.what for n, item in enumerate(facts.purposes, 1)},
        **{f"categories.{name}": text for name, text in facts.categories.items()},
        **{f"parties {item.name}: role": item.role for item in facts.parties},
    }
    optional = {
        "third_parties": facts.third_parties,
        "transfers": facts.transfers,
        "voluntary": facts.voluntary,
        "security": facts.security,
        "cookies": facts.cookies,
    }
    texts |= {key: text for key, text in optional.items() if text}
    return [key for key, text in texts.items() if not text.get("nb", "").strip()]
