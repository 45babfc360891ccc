"""The access package: everything found about a person, to read (PDF) and for programs (JSON).

GDPR art. 15(3): a copy of the data, not a summary of it; art. 20: machine-readable. The same
findings give the same bytes, so that the digest approved is the digest of what leaves.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import date

from mailbot.case import Subject
from mailbot.datamap import DataMap
from mailbot.letters import tally
from mailbot.letters.clean import one_line
from mailbot.letters.contents import Entry, Package, Section
from mailbot.letters.redact import redactor
from mailbot.letters.templates import Templates
from mailbot.message import OutgoingFile
from mailbot.organisation import Organisation
from mailbot.record import Finding, Typed, Value

FORMAT = "mailbot-access/1"


def collect(
    findings: Sequence[Finding],
    subject: Subject,
    case_number: str,
    language: str,
    today: date,
    datamap: DataMap,
    organisation: Organisation,
    templates: Templates,
) -> Package:
    """Bring the findings into the order in which a person reads them, other persons masked."""
    words = templates.words(language)
    language = words.language
    titles = tally.Titles(datamap, language)
    hide = redactor(subject, findings, datamap, words("package", "masked"))
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        table = titles.table(finding.system, finding.table, finding.title)
        groups.setdefault((finding.system, finding.table, table), []).append(finding)
    sections = []
    masked = 0
    for (system, name, table), members in groups.items():
        entries = []
        for finding in members:
            seen = hide.record(finding)
            masked += seen.places
            entries.append(_entry(finding, seen.values, system in titles.exchange))
        mail = system in titles.exchange
        columns = {
            column: words("columns", "mail")
            if mail
            else organisation.category(category, words.language)
            for finding in members
            for category, named in finding.personal.items()
            for column in named
        }
        sections.append(
            Section(
                titles.system(system),
                table or one_line(name, 80),
                name,
                tuple(dict.fromkeys(columns.values())),
                columns,
                tuple(entries),
                mail,
            )
        )
    sections.sort(key=lambda section: section.system)  # stable: tables stay as they were found
    return Package(case_number, language, today, organisation.name, tuple(sections), masked)


def _entry(finding: Finding, values: dict[str, Value], mail: bool) -> Entry:
    return Entry(
        one_line(finding.title, 200) if mail else "",
        one_line(finding.source, 200),
        tuple((one_line(r.name, 120), one_line(r.date, 30)) for r in finding.recipients),
        values,
    )


def build_package(
    findings: Sequence[Finding],
    subject: Subject,
    case_number: str,
    language: str,
    today: date,
    datamap: DataMap,
    organisation: Organisation,
    templates: Templates,
) -> tuple[OutgoingFile, ...]:
    """The PDF (with the JSON embedded) and the JSON by itself, neither encrypted yet."""
    from mailbot.letters.pdf import draw  # fpdf2 and its fonts are slow to load, and seldom needed

    package = collect(
        findings, subject, case_number, language, today, datamap, organisation, templates
    )
    words = templates.words(language)
    stem = words("package", "file", case=case_number)
    machine = as_json(package)
    pdf = draw(package, words, f"{stem}.json", machine)
    return (
        _file(f"{stem}.pdf", "application/pdf", pdf),
        _file(f"{stem}.json", "application/json", machine),
    )


def count_masked(findings: Sequence[Finding], subject: Subject, datamap: DataMap) -> int:
    """In how many places of these records other persons will be masked (told in the letter)."""
    hide = redactor(subject, findings, datamap, "")
    return sum(hide.record(finding).places for finding in findings)


def _file(name: str, media_type: str, content: bytes) -> OutgoingFile:
    return OutgoingFile(
        name=name,
        media_type=media_type,
        content=content,
        plain_sha256=hashlib.sha256(content).hexdigest(),
    )


def as_json(package: Package) -> bytes:
    """The machine-readable copy: UTF-8 JSON, dates in ISO 8601, files in base64."""
    document = {
        "format": FORMAT,
        "case": package.case,
        "date": package.made.isoformat(),
        "language": package.language,
        "controller": package.organisation,
        "tables": [
            {
                "system": section.system,
                "table": section.name,
                "title": section.table,
                "categories": section.labels,
                "records": [
                    {
                        "source": entry.source or None,
                        "recipients": [
                            {"name": name, "date": day or None} for name, day in entry.recipients
                        ],
                        "data": {name: _plain(value) for name, value in entry.values.items()},
                    }
                    for entry in section.entries
                ],
            }
            for section in package.sections
        ],
    }
    text = json.dumps(document, ensure_ascii=False, indent=1)
    # A lone surrogate is no Unicode text (RFC 8259 § 8.2): shown as the replacement sign.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode() + b"\n"


def _plain(value: Value) -> object:
    """A value as another program expects it."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    if not isinstance(value, Typed):
        return value
    match value.type:
        case "bytes":
            try:
                return base64.b64encode(bytes.fromhex(value.text)).decode()
            except ValueError:
                return value.text
        case "json":
            try:
                return json.loads(value.text)
            except (ValueError, RecursionError):
                return value.text
    return value.text
