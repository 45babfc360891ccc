"""The kinds of value that the configuration holds, each with what is wrong and what to write.

A fault never repeats the value that it is about: it may be a password in the wrong place.
"""

import re
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, Strict
from pydantic_core import PydanticCustomError

from mailbot.case import Label
from mailbot.identifiers import email, email_domain

# One folder of templates each; a further language is registered here.
LANGUAGES = ("nb", "nn", "en", "sv", "da", "de")
# What a right may be called wherever the configuration names one.
RIGHTS = tuple(label.value for label in Label if label is not Label.NOT_PRIVACY)

_CREDENTIAL = re.compile(r"credential:([A-Za-z0-9][A-Za-z0-9._-]{0,99})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9_])?|\[?[0-9A-Fa-f:]{2,45}\]?")
_PASSWORD_KEYS = frozenset({"password", "pwd", "passwd", "sslpassword", "pass", "secret", "token"})


def fault(what: str, remedy: str) -> PydanticCustomError:
    """An error that a validator raises: what is wrong, and what to write instead."""
    return PydanticCustomError("mailbot", "{what}", {"what": what, "remedy": remedy})


def credential_name(value: str) -> str | None:
    """NAME of "credential:NAME"; None for anything else (also for names that leave the folder)."""
    found = _CREDENTIAL.fullmatch(value)
    return None if found is None or ".." in found.group(1) else found.group(1)


def has_password(url: str) -> bool:
    """Whether a URL carries a password, before the host or among its parameters."""
    try:
        parts = urlsplit(url)
        inside = parts.password is not None
        parameters = parse_qsl(parts.query, keep_blank_values=False)
    except ValueError:
        return "@" in url and ":" in url.partition("://")[2].partition("@")[0]
    named = any(name.lower() in _PASSWORD_KEYS for name, _ in parameters)
    # ODBC hands on a whole connection string of its own.
    nested = any(re.search(r"(?i)\b(?:pwd|password)\s*=", value) for _, value in parameters)
    return inside or named or nested


def _credential(value: str) -> str:
    if value and credential_name(value) is None:
        raise fault(
            "a secret does not stand in the configuration",
            'put it in a file of the secrets folder and write "credential:FILENAME"',
        )
    return value


def _address(value: str) -> str:
    trimmed = value.strip()
    local, _, _ = trimmed.rpartition("@")
    domain = email_domain(trimmed)
    if email(trimmed) is None or domain is None or re.search(r"[\s<>\"]", trimmed):
        raise fault("this is not an e-mail address", 'write one bare address: "name@example.no"')
    return f"{local}@{domain}"


def _address_or_none(value: str) -> str:
    return _address(value) if value.strip() else ""


def _domain(value: str) -> str:
    domain = email_domain(f"x@{value.strip().removeprefix('@')}")
    if domain is None:
        raise fault("this is not a domain", 'write it without @ and *: "example.no"')
    return domain


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise fault(
            "this is not a usable name",
            "use letters a-z, digits, - and _ only: it names credentials and tables elsewhere",
        )
    return value


def _host(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise fault("this is not a host name", 'write the host alone: "mail.example.no"')
    return value


def _web(value: str) -> str:
    if has_password(value):
        raise fault("a password stands in this address", "remove it and name a credential")
    parts = urlsplit(value)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or parts.scheme not in ("https", *(("http",) if local else ())):
        raise fault("this is not an https address", 'write it whole: "https://…"')
    return value.rstrip("/")


def _line(value: str) -> str:
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in value):
        raise fault("control signs or line breaks stand in this text", "write one plain line")
    return value.strip()


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError):
        raise fault("this time zone is not known", 'write e.g. "Europe/Oslo"') from None
    return value


def _time_of_day(value: str) -> str:
    if value and not re.fullmatch(r"(?:[01]\d|2[0-3]):[0-5]\d", value):
        raise fault("this is not a time of day", 'write HH:MM, e.g. "07:30", or "" for none')
    return value


def _right(value: str) -> str:
    if value not in RIGHTS:
        raise fault("this right is not known", "write one of: " + ", ".join(RIGHTS))
    return value


def _right_or_all(value: str) -> str:
    return value if value == "*" else _right(value)


Line = Annotated[str, AfterValidator(_line)]
Credential = Annotated[str, AfterValidator(_credential)]
Address = Annotated[str, AfterValidator(_address)]
AddressOrNone = Annotated[str, AfterValidator(_address_or_none)]
Domain = Annotated[str, AfterValidator(_domain)]
Name = Annotated[str, AfterValidator(_name)]
Host = Annotated[str, AfterValidator(_host)]
Web = Annotated[str, AfterValidator(_web)]
Zone = Annotated[str, AfterValidator(_zone)]
TimeOfDay = Annotated[str, AfterValidator(_time_of_day)]
Right = Annotated[str, AfterValidator(_right)]
RightOrAll = Annotated[str, AfterValidator(_right_or_all)]
Yes = Annotated[bool, Strict()]
Port = Annotated[int, Strict(), Field(ge=1, le=65535)]
Probability = Annotated[float, Strict(), Field(ge=0, le=1)]


_ONLINE = ("outlook.office365.com", "outlook.office.com", "outlook.com", "office365.us")


def at_exchange_online(endpoint: str) -> bool:
    """Whether an EWS endpoint is Exchange Online's, where EWS is refused to most apps since October
    2026 and ends on 1 April 2027."""
    host = (urlsplit(endpoint).hostname or "").lower()
    return any(host == online or host.endswith("." + online) for online in _ONLINE)
