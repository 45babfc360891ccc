"""Two looks of one mail to staff: plain text, and HTML for Outlook, Gmail and Apple Mail.

A template names the parts (heading, paragraph, quotation…) and is rendered once with each look, so
that both parts of the mail always say the same. Outlook on Windows lays out with Word: tables and
inline styles only, no flex, grid, SVG, background images or hidden text.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from markupsafe import Markup, escape

from mailbot.letters.clean import one_line, shown


@dataclass(frozen=True, slots=True)
class Row:
    """One numbered line of a plan. `number` 0: not part of the plan."""

    number: int
    what: str
    note: str = ""


class Look(Protocol):
    """The parts of a mail to staff. Arguments are data: cleaned, and escaped where it is HTML."""

    def lead(self, text: str) -> str:
        """The first line: what to reply, and what that will do."""

    def head(self, text: str) -> str:
        """A heading."""

    def sub(self, text: str) -> str:
        """A heading below a heading."""

    def say(self, text: str) -> str:
        """A paragraph."""

    def warn(self, text: str) -> str:
        """A paragraph that must not be overlooked."""

    def facts(self, pairs: Iterable[tuple[str, str]]) -> str:
        """Names and values, a line each; pairs without a value are left out."""

    def points(self, lines: Iterable[str]) -> str:
        """A list."""

    def rows(self, rows: Sequence[Row]) -> str:
        """Numbered lines."""

    def quote(self, label: str, text: str) -> str:
        """Somebody's text, framed so that nobody takes it for ours."""

    def answers(self, pairs: Iterable[tuple[str, str]]) -> str:
        """What may be replied, and what each reply does."""


class Plain:
    """Plain text. Quoted text has a bar before each line, so that it cannot pose as ours."""

    def lead(self, text: str) -> str:
        return f"{one_line(text, 400)}\n\n"

    def head(self, text: str) -> str:
        line = one_line(text)
        return f"\n\n{line}\n{'=' * min(len(line), 60)}\n"

    def sub(self, text: str) -> str:
        return f"{one_line(text, 400)}\n\n"

    def say(self, text: str) -> str:
        return f"{one_line(text, 4000)}\n\n"

    def warn(self, text: str) -> str:
        return f"!! {one_line(text, 4000)}\n\n"

    def facts(self, pairs: Iterable[tuple[str, str]]) -> str:
        return "".join(f"{name}: {one_line(value, 400)}\n" for name, value in pairs if value) + "\n"

    def points(self, lines: Iterable[str]) -> str:
        return "".join(f"- {one_line(line, 600)}\n" for line in lines) + "\n"

    def rows(self, rows: Sequence[Row]) -> str:
        said = []
        for row in rows:
            number = f"{row.number}. " if row.number else "- "
            note = f" ({one_line(row.note, 600)})" if row.note else ""
            said.append(f"{number}{one_line(row.what, 400)}{note}\n")
        return "".join(said) + "\n"

    def quote(self, label: str, text: str) -> str:
        body = "\n".join(f"| {line}".rstrip() for line in shown(text).strip().split("\n"))
        return f"{one_line(label)}\n{body}\n\n"

    def answers(self, pairs: Iterable[tuple[str, str]]) -> str:
        return "".join(f"{answer}\n    {one_line(does, 400)}\n" for answer, does in pairs) + "\n"


_FONT = "font-family:'Segoe UI',Calibri,Arial,Helvetica,sans-serif"
_BODY = f"{_FONT};font-size:16px;line-height:24px;color:#1f2328"
_PARA = f"margin:0 0 12px 0;{_BODY}"


class Html:
    """HTML with inline styles; every value is escaped by Markup.format."""

    def lead(self, text: str) -> Markup:
        return Markup(
            '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">'
            '<tr><td class="lead" bgcolor="#e6f0ea" style="padding:16px 20px;'
            'background-color:#e6f0ea;border-left:6px solid #1d6b43">'
            '<h1 class="t" style="margin:0;{font};font-size:20px;line-height:28px;'
            'font-weight:bold;color:#1f2328">{text}</h1></td></tr></table>'
            '<div style="height:16px;line-height:16px;font-size:1px">&nbsp;</div>\n'
        ).format(font=Markup(_FONT), text=one_line(text, 400))

    def head(self, text: str) -> Markup:
        return Markup(
            '<h2 class="t" style="margin:28px 0 10px 0;{font};font-size:18px;line-height:26px;'
            'font-weight:bold;color:#1f2328">{text}</h2>\n'
        ).format(font=Markup(_FONT), text=one_line(text))

    def sub(self, text: str) -> Markup:
        return Markup(
            '<h3 class="t" style="margin:16px 0 6px 0;{style};font-weight:bold">{text}</h3>\n'
        ).format(style=Markup(_BODY), text=one_line(text, 400))

    def say(self, text: str) -> Markup:
        return Markup('<p class="t" style="{style}">{text}</p>\n').format(
            style=Markup(_PARA), text=one_line(text, 4000)
        )

    def warn(self, text: str) -> Markup:
        return Markup(
            '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">'
            '<tr><td class="warn t" bgcolor="#fff3d6" style="padding:10px 16px;{style};'
            'background-color:#fff3d6;border-left:6px solid #9a5b00"><strong>{text}</strong>'
            "</td></tr></table>"
            '<div style="height:12px;line-height:12px;font-size:1px">&nbsp;</div>\n'
        ).format(style=Markup(_BODY), text=one_line(text, 4000))

    def facts(self, pairs: Iterable[tuple[str, str]]) -> Markup:
        return self._pairs([(name, one_line(value, 400)) for name, value in pairs if value], "")

    def points(self, lines: Iterable[str]) -> Markup:
        items = Markup("").join(
            Markup('<li class="t" style="margin:0 0 6px 0;{style}">{text}</li>').format(
                style=Markup(_BODY), text=one_line(line, 600)
            )
            for line in lines
        )
        return Markup('<ul style="margin:0 0 12px 0;padding:0 0 0 24px">{items}</ul>\n').format(
            items=items
        )

    def rows(self, rows: Sequence[Row]) -> Markup:
        cells = Markup("").join(self._row(row) for row in rows)
        return Markup(
            '<table width="100%" cellpadding="0" cellspacing="0" border="0" '
            'style="border-collapse:collapse;margin:0 0 12px 0">{cells}</table>\n'
        ).format(cells=cells)

    def _row(self, row: Row) -> Markup:
        note = (
            Markup(
                '<br><span class="n" style="font-size:14px;line-height:20px;color:#4b5358">'
                "{note}</span>"
            ).format(note=one_line(row.note, 600))
            if row.note
            else ""
        )
        return Markup(
            '<tr><td class="t r" width="44" valign="top" align="right" '
            'style="padding:8px 12px 8px 0;border-bottom:1px solid #d5d9dd;{style};'
            'font-weight:bold">'
            "{number}</td>"
            '<td class="t r" valign="top" style="padding:8px 0;'
            'border-bottom:1px solid #d5d9dd;{style}">'
            "{what}{note}</td></tr>"
        ).format(
            style=Markup(_BODY),
            number=str(row.number) if row.number else "–",
            what=one_line(row.what, 400),
            note=note,
        )

    def quote(self, label: str, text: str) -> Markup:
        body = Markup("<br>").join(escape(line) for line in shown(text).strip().split("\n"))
        return Markup(
            '<p class="n" style="margin:0 0 4px 0;{font};font-size:14px;line-height:20px;'
            'color:#4b5358">{label}</p>'
            '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">'
            '<tr><td class="quote t" bgcolor="#f4f5f7" style="padding:14px 16px;{style};'
            'background-color:#f4f5f7;border:1px solid #8a9299;word-break:break-word">'
            "{body}</td></tr></table>"
            '<div style="height:12px;line-height:12px;font-size:1px">&nbsp;</div>\n'
        ).format(font=Markup(_FONT), style=Markup(_BODY), label=one_line(label), body=body)

    def answers(self, pairs: Iterable[tuple[str, str]]) -> Markup:
        return self._pairs(
            [(name, one_line(does, 400)) for name, does in pairs], "font-weight:bold;"
        )

    def _pairs(self, pairs: Sequence[tuple[str, str]], weight: str) -> Markup:
        cells = Markup("").join(
            Markup(
                '<tr><th class="n" scope="row" width="34%" align="left" valign="top" style="'
                "padding:5px 12px 5px 0;{font};font-size:15px;line-height:22px;font-weight:normal;"
                '{weight}color:#4b5358">{name}</th>'
                '<td class="t" valign="top" style="padding:5px 0;{style}">{value}</td></tr>'
            ).format(
                font=Markup(_FONT),
                weight=Markup(weight),
                style=Markup(_BODY),
                name=name,
                value=value,
            )
            for name, value in pairs
        )
        return Markup(
            '<table width="100%" cellpadding="0" cellspacing="0" border="0" '
            'style="margin:0 0 12px 0">{cells}</table>\n'
        ).format(cells=cells)


_PAGE = Markup(
    '<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    '<meta name="color-scheme" content="light dark">\n'
    '<meta name="supported-color-schemes" content="light dark">\n<title>{title}</title>\n'
    "<style>\n@media (prefers-color-scheme: dark) {{\n"
    ".page {{ background-color: #17191c !important; }}\n"
    ".t {{ color: #e8eaed !important; }} .n {{ color: #b4bac0 !important; }}\n"
    ".lead {{ background-color: #16382a !important; }}\n"
    ".warn {{ background-color: #40300c !important; }}\n"
    ".quote {{ background-color: #25282c !important; }}\n"
    ".r {{ border-color: #454a50 !important; }}\n}}\n</style>\n</head>\n"
    '<body class="page" style="margin:0;padding:0;background-color:#ffffff">\n'
    '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">'
    '<tr><td class="page" align="left" bgcolor="#ffffff" style="padding:16px;'
    'background-color:#ffffff">\n'
    '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" '
    'style="max-width:720px"><tr><td>\n{body}\n</td></tr></table>\n'
    "</td></tr></table>\n</body>\n</html>\n"
)


def page(language: str, title: str, body: str) -> str:
    """A whole HTML mail around a body that a template made with the Html look."""
    return str(_PAGE.format(language=language, title=one_line(title), body=Markup(body)))
