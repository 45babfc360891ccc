"""What must hold between the keys of mailbot.toml. Nothing here connects to anything."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from urllib.parse import urlsplit

from mailbot.config_fault import Fault
from mailbot.config_model import (
    SIGN_IN_WAYS,
    Approver,
    Ews,
    Graph,
    Imap,
    Keys,
    Mailbox,
    OAuth,
    Settings,
    Smtp,
)
from mailbot.config_read import Location
from mailbot.config_types import RIGHTS, at_exchange_online, has_password
from mailbot.identifiers import email, email_domain


def check_keys(keys: Keys) -> Iterator[Fault]:
    """Every fault between the keys of mailbot.toml."""
    for checked in _CHECKS:
        yield from checked(keys)


def _ways(settings: Keys) -> Iterator[Fault]:
    for place, mailbox in enumerate(settings.mailbox):
        if mailbox.ews is not None and at_exchange_online(mailbox.ews.endpoint):
            yield Fault(
                ("mailbox", place, "ews", "endpoint"),
                "EWS ends in Exchange Online on 1 April 2027",
                'use kind = "graph" there; ews is for Exchange Server',
            )


def away_span(text: str) -> tuple[date, date] | None:
    """The first and the last day of "2026-12-20/2027-01-03", or of one day; None if malformed."""
    first, slash, last = text.strip().partition("/")
    try:
        span = date.fromisoformat(first), date.fromisoformat(last if slash else first)
    except ValueError:
        return None
    return span if span[0] <= span[1] else None


def _modes(keys: Keys) -> Iterator[Fault]:
    if keys.mode == "shadow" and not keys.approval.shadow_to:
        yield Fault(
            ("approval", "shadow_to"),
            'mode is "shadow" and nobody is named to receive its approval mails',
            "name the address that looks at what mailbot would have done",
            (("mode",),),
        )
    if not 0 < keys.classify.ask_above < keys.classify.open_above < 1:
        yield Fault(
            ("classify",),
            "the thresholds do not lie in order: 0 < ask_above < open_above < 1",
            "write e.g. ask_above = 0.15, open_above = 0.85",
        )


def _store(keys: Keys) -> Iterator[Fault]:
    url, at = keys.store.url, ("store", "url")
    if has_password(url):
        yield Fault(
            at,
            "a password stands in this address",
            'remove it: the password is read from the credential "store.password"',
        )
    elif url and urlsplit(url).scheme not in ("sqlite", "postgresql+psycopg"):
        yield Fault(
            at,
            "mailbot keeps its own store in SQLite or PostgreSQL only",
            'write "" or "postgresql+psycopg://USER@HOST/DATABASE"',
        )
    if not keys.store.key:
        yield Fault(("store", "key"), "the store has no master key", 'write "credential:store.key"')


def _mailboxes(keys: Keys) -> Iterator[Fault]:
    if not keys.mailbox:
        yield Fault(("mailbox",), "there is no mailbox to watch", "add a [[mailbox]]")
    yield from _twice(keys, "name", lambda mailbox: mailbox.name)
    yield from _twice(keys, "address", lambda mailbox: email(mailbox.address) or "")
    yield from _twice(
        keys, "maildir", lambda mailbox: mailbox.maildir.path if mailbox.maildir else ""
    )
    for place, mailbox in enumerate(keys.mailbox):
        yield from _mailbox(mailbox, ("mailbox", place))


def _twice(keys: Keys, key: str, of: Callable[[Mailbox], str]) -> Iterator[Fault]:
    counted = Counter(value for mailbox in keys.mailbox if (value := of(mailbox)))
    seen: set[str] = set()
    for place, mailbox in enumerate(keys.mailbox):
        value = of(mailbox)
        if value in seen:
            yield Fault(
                ("mailbox", place, key),
                f"{counted[value]} mailboxes have the same {key}",
                "give each its own: the same mail would be handled twice",
            )
        if value:
            seen.add(value)


def _mailbox(mailbox: Mailbox, at: Location) -> Iterator[Fault]:
    for section in _NEEDED[mailbox.kind]:
        if getattr(mailbox, section) is None:
            why = "sends by SMTP" if section == "smtp" else f'has kind = "{mailbox.kind}"'
            yield Fault(
                (*at, section),
                f"mailbox {mailbox.name} {why} and has no section for it",
                f"add [mailbox.{section}] below it",
            )
    if mailbox.file_into and mailbox.file_into in mailbox.watch:
        yield Fault(
            (*at, "file_into"),
            "privacy mail would be filed into a folder that is watched",
            "name another folder",
        )
    for section, part in (
        ("imap", mailbox.imap), ("smtp", mailbox.smtp), ("ews", mailbox.ews),
        ("graph", mailbox.graph),
    ):  # fmt: skip
        if part is not None:
            yield from _sign_in(part, (*at, section))


_NEEDED = {"maildir": ("maildir",), "imap": ("imap", "smtp"), "graph": ("graph",), "ews": ("ews",)}


def _sign_in(part: Imap | Smtp | Ews | Graph, at: Location) -> Iterator[Fault]:
    if isinstance(part, Graph):
        yield from _oauth(part, at)
        return
    oauth = None if isinstance(part, Ews) else part.oauth
    if part.password and oauth:
        yield Fault(at, "there are two ways to sign in", "keep either password or oauth")
    elif not part.password and not oauth:
        yield Fault(
            (*at, "password"), "there is no way to sign in", 'write password = "credential:NAME"'
        )
    if oauth:
        yield from _oauth(oauth, (*at, "oauth"))


def _oauth(part: OAuth, at: Location) -> Iterator[Fault]:
    ways = [way for way in SIGN_IN_WAYS if getattr(part, way)]
    if len(ways) != 1:
        yield Fault(
            at,
            "two ways to sign in are named" if ways else "no way to sign in is named",
            "write one of certificate, secret, assertion (each a credential) and "
            "managed_identity = true",
        )
    if not part.managed_identity and not (part.tenant and part.client_id):
        yield Fault(at, "tenant or client_id is missing", "write the two ids of the app")


def _approvers(keys: Keys) -> Iterator[Fault]:
    addresses = [email(approver.address) for approver in keys.approver]
    own = {email(mailbox.address) for mailbox in keys.mailbox}
    if not addresses:
        yield Fault(("approver",), "nobody may approve anything", "add an [[approver]]")
    for place, (approver, address) in enumerate(zip(keys.approver, addresses, strict=True)):
        at: Location = ("approver", place)
        if address in addresses[:place]:
            yield Fault((*at, "address"), "this approver is listed twice", "keep one entry")
        if address in own:
            yield Fault(
                (*at, "address"),
                "a watched mailbox cannot approve: everyone who reads it could",
                "name a person's own address",
            )
        yield from _stand_in(approver, at, addresses)


def _stand_in(approver: Approver, at: Location, addresses: list[str | None]) -> Iterator[Fault]:
    deputy = email(approver.deputy)
    if deputy and deputy == email(approver.address):
        yield Fault((*at, "deputy"), "nobody can be their own deputy", "name somebody else")
    elif deputy and deputy not in addresses:
        yield Fault(
            (*at, "deputy"),
            "the deputy is no approver",
            "add an [[approver]] with this address",
            (("approver",),),
        )
    for number, span in enumerate(approver.away):
        if away_span(span) is None:
            yield Fault(
                (*at, "away", number),
                "this is no span of days",
                'write first and last day: "2026-12-20/2027-01-03"',
            )


def _approvals(keys: Keys) -> Iterator[Fault]:
    names = {mailbox.name for mailbox in keys.mailbox}
    if keys.approval.mailbox and keys.approval.mailbox not in names:
        yield Fault(
            ("approval", "mailbox"),
            "there is no [[mailbox]] of this name",
            "write one of: " + ", ".join(sorted(names)),
            (("mailbox",),),
        )
    if not keys.approver:
        return
    alone: list[str] = []
    for right in RIGHTS:
        able = {email(approver.address) for approver in keys.approver if approver.may(right)}
        needed = keys.approval.required.get(right)
        if needed is not None and needed > len(able):
            yield Fault(
                ("approval", "required", right),
                f"{needed} approvals are required and {len(able)} of the approvers may give one",
                "require fewer, or give more approvers this right",
                (("approver",),),
            )
        elif not able:
            alone.append(right)
    if alone:
        yield Fault(
            ("approver",),
            "no approver may decide on: " + ", ".join(alone),
            'add these to the rights of one, or write rights = ["*"]',
        )


def _authenticity(keys: Keys) -> Iterator[Fault]:
    part = keys.authenticity
    for place, pattern in enumerate(part.trusted_hosts):
        fixed = pattern.removeprefix("*.")
        if "*" in fixed or "?" in fixed or "[" in fixed or "." not in fixed.strip("."):
            yield Fault(
                ("authenticity", "trusted_hosts", place),
                "this pattern would take strangers' servers for ours",
                'write a host, or "*." before a domain of ours: "*.mail.example.no"',
            )
    if part.trust_internal and not part.internal_domains:
        yield Fault(
            ("authenticity", "internal_domains"),
            "trust_internal is true and no domain is named for which it counts",
            "name the organisation's own domains",
        )
    yield from _unheard_approvers(keys)


def _unheard_approvers(keys: Keys) -> Iterator[Fault]:
    """Approvers whose mail could never be believed: inside the tenant no DMARC verdict is given."""
    part = keys.authenticity
    approvals = keys.approval.mailbox
    kinds = {box.kind for box in keys.mailbox if not approvals or box.name == approvals}
    if part.authserv_id and not kinds & {"graph", "ews"}:
        return  # our own server judges internal mail as well
    inside = set(part.internal_domains) | {email_domain(box.address) for box in keys.mailbox}
    for place, approver in enumerate(keys.approver):
        domain = email_domain(approver.address)
        if domain not in inside or (part.trust_internal and domain in part.internal_domains):
            continue
        yield Fault(
            ("approver", place, "address"),
            "this approver's mail stays inside the organisation and carries no DMARC verdict, so "
            "that no approval of theirs could be believed",
            "write authenticity.trust_internal = true and add the domain to internal_domains",
            (("authenticity",), ("mailbox",)),
        )


_CHECKS: tuple[Callable[[Keys], Iterator[Fault]], ...] = (
    _modes,
    _store,
    _mailboxes,
    _ways,
    _approvers,
    _approvals,
    _authenticity,
)


def advice(settings: Settings) -> Iterator[str]:
    """What is allowed and yet worth a second look."""
    for place, mailbox in enumerate(settings.mailbox):
        unused = [
            section
            for section in ("graph", "imap", "smtp", "ews", "maildir")
            if getattr(mailbox, section) is not None and section not in _NEEDED[mailbox.kind]
        ]
        for section in unused:
            yield f'mailbox[{place}].{section}: not used while kind = "{mailbox.kind}"'
        for section, part in (("imap", mailbox.imap), ("smtp", mailbox.smtp)):
            if part and _USUAL.get(part.port, part.security) != part.security:
                yield (
                    f"mailbox[{place}].{section}.security: port {part.port} usually speaks "
                    f'"{_USUAL[part.port]}"'
                )
    if not any(approver.controller for approver in settings.approver):
        yield "approver: none is marked controller = true, so that escalations reach no one person"
    for place, approver in enumerate(settings.approver):
        deputy = next(
            (a for a in settings.approver if email(a.address) == email(approver.deputy)), None
        )
        lacking = [r for r in RIGHTS if deputy and approver.may(r) and not deputy.may(r)]
        if lacking:
            yield f"approver[{place}].deputy: may not decide on {', '.join(lacking)}"
    if settings.identity.code_for and not settings.send_without_approval.identity_code:
        yield (
            "identity.code_for: codes are asked for, but send_without_approval.identity_code is "
            "false: each waits for a person"
        )
    if settings.store.keep_case_years > 5:
        yield "store.keep_case_years: more than five years is hard to defend (GDPR art. 5(1)(e))"


_USUAL = {993: "tls", 143: "starttls", 465: "tls", 587: "starttls"}
