"""Is a mail from whom it says? Answered from what our own server wrote, and from nothing else.

Everything in a mail was written by its sender, but for what our own server put above it. So of all
Authentication-Results (RFC 8601) only the topmost is read, only if it is in our server's hand, and
only if it stands above the line where the mail came from outside. In doubt the verdict is NONE.
"""

import re
from dataclasses import dataclass

from mailbot.mailtext.addresses import ascii_domain
from mailbot.mailtext.headers import Headers
from mailbot.mailtext.received import Border, find_border, own_patterns
from mailbot.message import Authentication, Verdict

RESULTS = "authentication-results"
AUTH_AS = "x-ms-exchange-organization-authas"
# Only these may stand above the results in a mail without any Received: local delivery adds them.
_LOCAL = frozenset({"return-path", "delivered-to", "x-original-to", "envelope-to"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whose word counts ([authenticity] in mailbot.toml).

    authserv_id: our server's id in Authentication-Results; "" means Exchange Online's form, which
    has none. trusted_hosts: patterns of host names or addresses that write Received lines for us.
    own_addresses: the addresses that mailbot itself sends from.
    """

    authserv_id: str = ""
    trusted_hosts: tuple[str, ...] = ("*.protection.outlook.com",)
    trust_internal: bool = False
    internal_domains: tuple[str, ...] = ()
    own_addresses: tuple[str, ...] = ()


Method = tuple[str, str, tuple[tuple[str, str], ...]]  # name, result, properties


@dataclass(frozen=True, slots=True)
class Results:
    """One Authentication-Results field: its authserv-id ("" for none), its methods in order."""

    authserv_id: str
    methods: tuple[Method, ...]

    def outcomes(self, method: str) -> tuple[str, ...]:
        """What was said of one method, each time that it was."""
        return tuple(result for name, result, _ in self.methods if name == method)

    def properties(self, method: str, name: str) -> tuple[str, ...]:
        """A property (header.from…) of one method."""
        return tuple(
            value
            for found, _, properties in self.methods
            if found == method
            for key, value in properties
            if key == name
        )


def border_of(headers: Headers, trust: Trust) -> Border:
    """Where the mail came from outside."""
    return find_border(headers.fields, own_patterns(trust.trusted_hosts, trust.authserv_id))


def verdict(
    headers: Headers, from_domain: str, trust: Trust, border: Border | None = None
) -> Authentication:
    """The verdict on a mail whose one From address has the domain `from_domain` ("": none).

    `border`: what `border_of` found, where the caller has it already.
    """
    domain = ascii_domain(from_domain) if from_domain else ""
    if not domain:
        return Authentication(reason="unknown-sender")
    border = border or border_of(headers, trust)
    index = next((i for i, (name, _) in enumerate(headers.fields) if name == RESULTS), None)
    if index is None:
        if _internal(headers, domain, trust, border):
            return Authentication(verdict=Verdict.PASS, reason="internal", domain=domain)
        return Authentication(reason="no-trusted-header", domain=domain)
    said = _from_results(headers, index, domain, trust, border)
    if said.verdict is Verdict.NONE and _internal(headers, domain, trust, border):
        return Authentication(verdict=Verdict.PASS, reason="internal", domain=domain)
    return said


def _from_results(
    headers: Headers, index: int, domain: str, trust: Trust, border: Border
) -> Authentication:
    def none(reason: str) -> Authentication:
        return Authentication(reason=reason, domain=domain)

    if border.index is None:
        if not _alone_on_top(headers, index):
            return none("no-received")
    elif index > border.index:
        return none("below-foreign-received")
    elif not border.ours:
        return none("no-own-received")
    results = read_results(headers.fields[index][1])
    if results is None:
        return none("unreadable-results")
    if results.authserv_id != trust.authserv_id.lower():
        return none("foreign-authserv-id" if results.authserv_id else "no-authserv-id")
    return _judge(results, domain)


def _alone_on_top(headers: Headers, index: int) -> bool:
    """A mail without any Received never came over the network (a Maildir that is fed locally).

    Its results count if they are the only ones and stand at the very top, where a server writes.
    """
    above = {name for name, _ in headers.fields[:index]}
    return above <= _LOCAL and len(headers.all(RESULTS)) == 1


def _judge(results: Results, domain: str) -> Authentication:
    def said(verdict: Verdict, reason: str) -> Authentication:
        return Authentication(verdict=verdict, reason=reason, domain=domain)

    dmarc = results.outcomes("dmarc")
    compauth = results.outcomes("compauth")
    if "fail" in dmarc:
        return said(Verdict.FAIL, "dmarc-fail")
    if "fail" in compauth:
        return said(Verdict.FAIL, "compauth-fail")
    if not dmarc:
        return said(Verdict.NONE, "no-dmarc")
    if len(dmarc) > 1 or len(compauth) > 1:
        # Our server says each thing once; a second one was smuggled in by a folded header line.
        return said(Verdict.NONE, "ambiguous-results")
    if dmarc[0] == "bestguesspass":
        return said(Verdict.NONE, "dmarc-bestguess")
    if dmarc[0] != "pass":
        known = {"none": "dmarc-none", "temperror": "dmarc-error", "permerror": "dmarc-error"}
        return said(Verdict.NONE, known.get(dmarc[0], "dmarc-unknown"))
    spoken_for = results.properties("dmarc", "header.from")
    if len(spoken_for) != 1 or ascii_domain(spoken_for[0].rpartition("@")[2]) != domain:
        return said(Verdict.NONE, "header-from-mismatch")
    return said(Verdict.PASS, "dmarc-pass")


def _internal(headers: Headers, domain: str, trust: Trust, border: Border) -> bool:
    """Mail inside the organisation, which often carries no results at all.

    Exchange strips the header at the border of the organisation, and writes it for whoever signed
    in; it is forged in mail on the open net, hence all the conditions.
    """
    if not trust.trust_internal:
        return False
    if domain not in {ascii_domain(each) for each in trust.internal_domains}:
        return False
    values = headers.all(AUTH_AS)
    if len(values) != 1 or values[0].strip().lower() != "internal":
        return False
    place = next(i for i, (name, _) in enumerate(headers.fields) if name == AUTH_AS)
    if not border.inside and (border.index is None or place > border.index):
        return False
    return not any(_says_fail(value) for value in headers.all(RESULTS))


def _says_fail(value: str) -> bool:
    return _FAIL.search(value) is not None


_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f]")
_PIECES = re.compile(r'[\\"()]|[^\\"()]+')  # signs that mean something, and what is between them
_FAIL = re.compile(r"\b(?:dmarc|compauth|spf|dkim)\s*=\s*(?:hard|soft)?fail\b", re.I)
# A value may hold "=" (SRS and BATV addresses do), and may be empty.
_PAIR = re.compile(
    r'\s*([^\s;="]+)\s*=(?:[ \t]+(?![^\s;="]+=))?'
    r'("(?:[^"\\]|\\.)*"(?:@[^\s;"]*)?|[^\s;"]*)(?=\s|$)'
)
_ID = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^\s;="]+)(?:\s+\d+)?\s*')


def read_results(value: str) -> Results | None:
    """An Authentication-Results field (RFC 8601 § 2.2), or None if it breaks the rules anywhere.

    Exchange Online leaves the authserv-id out and begins with the first method. An unclosed
    comment, a stray quote or a control character is how results are forged: no part counts then.
    """
    plain = _without_comments(value)
    if plain is None:
        return None
    statements = _statements(plain)
    authserv_id = ""
    first = _ID.fullmatch(statements[0])
    if first is not None:
        authserv_id = _unquoted(first[1]).lower()
        statements = statements[1:]
    methods: list[Method] = []
    for statement in statements:
        if statement.strip() and statement.strip().lower() != "none":
            method = _method(statement)
            if method is None:
                return None
            methods.append(method)
    return Results(authserv_id, tuple(methods)) if methods or authserv_id else None


def _without_comments(value: str) -> str | None:
    """The value without (comments), which may nest; None if they do not close."""
    if _CONTROL.search(value):
        return None
    out: list[str] = []
    depth, quoted, escaped = 0, False, False
    for c in _PIECES.findall(value):
        if escaped:
            escaped = False
            if not depth:
                out.append(c)
        elif c == "\\":
            escaped = True
            if not depth:
                out.append(c)
        elif c == '"' and not depth:
            quoted = not quoted
            out.append(c)
        elif c == "(" and not quoted:
            depth += 1
            out.append(" ")
        elif c == ")" and not quoted:
            depth -= 1
            if depth < 0:
                return None
        elif not depth:
            out.append(c)
    return None if depth or quoted or escaped else "".join(out)


def _statements(text: str) -> list[str]:
    """The text between semicolons that stand outside quotes."""
    pieces = re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^";])+|;', text)
    out = [""]
    for piece in pieces:
        if piece == ";":
            out.append("")
        else:
            out[-1] += piece
    return out


def _method(statement: str) -> Method | None:
    """`method=result key=value …`; None if it is anything else."""
    pairs: list[tuple[str, str]] = []
    text = statement.rstrip()
    at = 0
    while at < len(text):
        match = _PAIR.match(text, at)
        if match is None:
            return None
        pairs.append((match[1].lower(), _unquoted(match[2])))
        at = match.end()
    name, result = pairs[0]
    return name.partition("/")[0], result.lower(), tuple(pairs[1:])


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if quoted else text
