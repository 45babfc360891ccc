"""Commands that read texts and touch nothing: classify, parse, read-reply, deadline."""

import base64
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from mailbot.config import Settings, load
from mailbot.errors import ConfigError, Problem
from mailbot.mailtext.authenticity import Trust
from mailbot.trust import trust_of


def _print(document: Mapping[str, object]) -> None:
    print(json.dumps(document, ensure_ascii=False), flush=True)


def _raw_files(files: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    if not files:
        yield "-", sys.stdin.buffer.read()
    for file in files:
        try:
            yield str(file), file.read_bytes()
        except OSError as error:
            raise ConfigError(
                [Problem(str(file), error.strerror or "unreadable", "name a mail file to read")]
            ) from None


def _lines(files: Sequence[Path]) -> Iterator[dict[str, object]]:
    """The objects of JSON lines. Raises ConfigError for the bad lines, after the good ones."""
    problems = []
    for name, text in _raw_files(files):
        # Split by hand: str.splitlines would also break at U+2028 within a JSON string.
        for number, line in enumerate(text.split(b"\n"), start=1):
            if not line.strip():
                continue
            try:
                item = json.loads(line)
            except (ValueError, RecursionError):
                item = None
            if isinstance(item, dict):
                yield item
                continue
            where = f"line {number}" if name == "-" else f"{name}, line {number}"
            problems.append(Problem(where, "not a JSON object", "write one object a line"))
    if problems:
        raise ConfigError(problems)


def raw_of(item: Mapping[str, object]) -> bytes:
    """A mail from the fields of a JSON line (from, subject, body, html, headers)."""
    mail = EmailMessage(policy=SMTP)
    given = item.get("headers")
    own = {"From": item.get("from"), "Subject": _encoded(str(item.get("subject") or ""))}
    # A line's own fields win over headers of the same name: two From lines would be nobody.
    taken = {"mime-version", *(name.lower() for name, value in own.items() if value)}
    beside = [
        (str(name), value)
        for name, value in (given.items() if isinstance(given, dict) else ())
        if str(name).lower() not in taken and not str(name).lower().startswith("content-")
    ]
    head = "".join(
        f"{name}: {' '.join(str(value).split())}\r\n"
        for name, value in (*beside, *own.items())
        if value
    )
    body, html = item.get("body"), item.get("html")
    if body or not html:
        mail.set_content(str(body or ""), cte="base64")
        if html:
            mail.add_alternative(str(html), subtype="html", cte="base64")
    else:
        mail.set_content(str(html), subtype="html", cte="base64")
    return head.encode("utf-8", "surrogateescape") + mail.as_bytes()


def _encoded(text: str) -> str:
    if text.isascii() and "=?" not in text:
        return " ".join(text.split())
    encoded = base64.b64encode(text.encode("utf-8", "replace")).decode()
    return f"=?utf-8?b?{encoded}?="


def classify(files: Sequence[Path], jsonl: bool, config: Path | None) -> int:
    """Which right, on which route, in which words; a JSON line per mail."""
    from mailbot.language.classifier import Classifier
    from mailbot.reader_child import understood
    from mailbot.steps.parse import parse as parse_mail
    from mailbot.steps.screen import after_screen

    trust, (open_above, ask_above) = _trust(config), _thresholds(config)
    classifier = Classifier.load(open_above, ask_above)
    mails = (
        ((str(item.get("id", "")), raw_of(item)) for item in _lines(files))
        if jsonl
        else _raw_files(files)
    )
    for name, raw in mails:
        mail = parse_mail(raw, trust)
        found = after_screen(mail, understood(mail, classifier))
        _print(
            {
                "id": name,
                "route": found.route.value,
                "labels": [label.value for label in found.labels],
                "privacy": round(found.privacy, 4),
                "language": found.language,
                "evidence": [
                    {"text": part.text, "label": part.label, "weight": round(part.weight, 3)}
                    for part in found.evidence
                ],
            }
        )
    return 0


def parse(files: Sequence[Path], config: Path | None) -> int:
    """A mail as mailbot reads it; a JSON line per mail."""
    from mailbot.steps.parse import parse as parse_mail

    trust = _trust(config)
    for _, raw in _raw_files(files):
        mail = parse_mail(raw, trust)
        _print(
            {
                "message_id": mail.message_id,
                "from": mail.sender.address if mail.sender else None,
                "date": mail.date.isoformat() if mail.date else None,
                "subject": mail.subject,
                "new_text": mail.new_text,
                "quoted_text": mail.quoted_text,
                "attachments": [
                    {
                        "name": part.name,
                        "type": part.media_type,
                        "size": part.size,
                        "sha256": part.sha256,
                    }
                    for part in mail.attachments
                ],
                "automatic": mail.automatic.value or None,
                "authentication": {
                    "verdict": mail.authentication.verdict.value,
                    "reason": mail.authentication.reason,
                    "domain": mail.authentication.domain,
                },
                "notes": list(mail.notes),
            }
        )
    return 0


def read_replies(files: Sequence[Path], jsonl: bool, config: Path | None) -> int:
    """What replies of staff decide; a JSON line per reply."""
    from mailbot.letters import LANGUAGES, templates_root
    from mailbot.mailtext.decisions import load_words, read_reply
    from mailbot.steps.parse import parse as parse_mail

    trust = _trust(config)
    words = load_words(templates_root(), LANGUAGES)
    mails = (
        (
            (str(item.get("id", "")), str(item.get("raw", "")).encode("utf-8", "surrogateescape"))
            for item in _lines(files)
        )
        if jsonl
        else _raw_files(files)
    )
    for name, raw in mails:
        reply = read_reply(parse_mail(raw, trust), words)
        _print(
            {
                "id": name,
                "decision": reply.decision,
                "items": list(reply.items),
                "rights": list(reply.rights),
                "reason": reply.reason,
                "edited_text": reply.edited_text,
            }
        )
    return 0


def deadline(received: str, extended: bool) -> int:
    """The last day of a request, as JSON."""
    from mailbot.deadline import deadline as count
    from mailbot.deadline import parse_received

    try:
        moment = parse_received(received)
    except ValueError as error:
        what, _, remedy = str(error).rstrip(".").partition(": ")
        raise ConfigError([Problem("RECEIVED", what.lower(), remedy)]) from None
    _print(count(moment, extended=extended).document())
    return 0


def _settings(config: Path | None) -> Settings | None:
    """The configuration, where one is named; these commands work without any."""
    path = config or (
        Path(os.environ["MAILBOT_CONFIG"]) if "MAILBOT_CONFIG" in os.environ else None
    )
    return load(path, os.environ) if path else None


def _trust(config: Path | None) -> Trust:
    settings = _settings(config)
    if settings is None:
        return Trust(trusted_hosts=("*.protection.outlook.com",))
    return trust_of(settings)


def _thresholds(config: Path | None) -> tuple[float | None, float | None]:
    settings = _settings(config)
    if settings is None:
        return None, None
    return settings.classify.open_above, settings.classify.ask_above
