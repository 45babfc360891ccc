"""The access package: everything found about a person, to read (PDF) and for programs (JSON).

GDPR art. 15(3): a copy of the data, not a summary of it; art. 20: machine-readable. The same
findings give the same bytes, so that the digest approved is the digest of what leaves.
"""

import base64
import csv
import hashlib
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
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

FORMAT, PORTABLE = "mailbot-access/1", "mailbot-portability/1"


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


def as_json(package: Package, format_: str = FORMAT) -> bytes:
    """The machine-readable copy: UTF-8 JSON, dates in ISO 8601, files in base64."""
    document = {
        "format": format_,
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
    return _unicode(text) + b"\n"


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


def portable(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings with what the person provided alone (GDPR art. 20(1))."""
    return tuple(
        replace(
            finding,
            row={c: finding.row[c] for c in finding.provided if c in finding.row},
            recipients=(),
            source="",
        )
        for finding in findings
    )


def build_portable(
    findings: Sequence[Finding],
    subject: Subject,
    case_number: str,
    language: str,
    today: date,
    datamap: DataMap,
    organisation: Organisation,
    templates: Templates,
) -> tuple[OutgoingFile, ...]:
    """The JSON of what the person provided, and a CSV for each table (RFC 4180, UTF-8)."""
    package = collect(
        portable(findings), subject, case_number, language, today, datamap, organisation, templates
    )
    stem = templates.words(language)("package", "portable", case=case_number)
    files = [_file(f"{stem}.json", "application/json", as_json(package, PORTABLE))]
    taken: set[str] = set()
    for section in package.sections:
        name = f"{stem}-{_plain_name(section.table or section.system)}"
        while name in taken:
            name += "-2"
        taken.add(name)
        files.append(_file(f"{name}.csv", "text/csv", as_csv(section)))
    return tuple(files)


def as_csv(section: Section) -> bytes:
    """One table as programs and spreadsheets read it: a column for each field, a row for each
    record. With the mark by which Excel knows UTF-8."""
    columns = list(dict.fromkeys(name for entry in section.entries for name in entry.values))
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    for entry in section.entries:
        writer.writerow([_cell(entry.values.get(name)) for name in columns])
    return b"\xef\xbb\xbf" + _unicode(out.getvalue())


def _cell(value: Value) -> str:
    shown = _plain(value)
    if shown is None:
        return ""
    if isinstance(shown, bool):
        return "true" if shown else "false"
    return shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)


def _plain_name(text: str) -> str:
    return re.sub(r"[^\w-]+", "-", text.lower()).strip("-")[:40] or "data"


def _unicode(text: str) -> bytes:
    # A lone surrogate is no Unicode text (RFC 8259 § 8.2): shown as the replacement sign.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
