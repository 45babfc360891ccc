"""The access package as a PDF: A4, an embedded font, one table of fields per record."""

import importlib.resources
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, time

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from mailbot.letters.clean import one_line, shown
from mailbot.letters.contents import Entry, Package, Section, shown_value
from mailbot.letters.templates import Words
from mailbot.record import Typed

_BOX = "\u25a1"  # for signs that the font has no picture of
_LABEL = 52.0  # width of the column of labels, mm
_GREY = (84, 90, 96)
_INK = (24, 28, 32)
_LINE = (205, 210, 215)
_FONT = "DejaVu"


class _Page(FPDF):
    """Adds the case and the page number at the foot."""

    def __init__(self, foot: str, numbered: str) -> None:
        super().__init__(format="A4")
        self._foot = foot
        self._numbered = numbered

    def footer(self) -> None:
        self.set_y(-14)
        self.set_font(_FONT, size=8)
        self.set_text_color(*_GREY)
        self.cell(0, 5, self._foot)
        self.set_x(self.l_margin)
        self.cell(0, 5, self._numbered.format(page=self.page_no(), pages="{nb}"), align="R")


class _Pen:
    """Writes headings, paragraphs and fields on a document."""

    def __init__(self, pdf: FPDF, signs: frozenset[int]) -> None:
        self.pdf = pdf
        self._signs = signs

    def clean(self, text: str) -> str:
        """What the font can show. Said here, since fpdf would log the signs that it lacks."""
        return "".join(s if s == "\n" or ord(s) in self._signs else _BOX for s in shown(text))

    def line(self, text: str, size: float, *, bold: bool = False, grey: bool = False) -> None:
        """A paragraph over the whole width."""
        self.pdf.set_font(_FONT, "B" if bold else "", size)
        self.pdf.set_text_color(*(_GREY if grey else _INK))
        self.pdf.multi_cell(
            0, size * 0.5, self.clean(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT
        )

    def gap(self, height: float) -> None:
        """White space."""
        self.pdf.ln(height)

    def rule(self) -> None:
        """A thin line across."""
        self.pdf.set_draw_color(*_LINE)
        self.pdf.set_line_width(0.2)
        self.pdf.line(self.pdf.l_margin, self.pdf.y, self.pdf.w - self.pdf.r_margin, self.pdf.y)

    def room(self, height: float) -> None:
        """Begin a new page unless so much is left of this one."""
        if self.pdf.y + height > self.pdf.h - self.pdf.b_margin:
            self.pdf.add_page()

    def field(self, label: str, value: str) -> None:
        """A label and, beside it, a value that may run over several lines and pages."""
        self.room(8)
        pdf = self.pdf
        top, page = pdf.y, pdf.page
        pdf.set_font(_FONT, size=8.5)
        pdf.set_text_color(*_GREY)
        pdf.multi_cell(
            _LABEL - 3, 4.6, self.clean(label), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT
        )
        under, under_page = pdf.y, pdf.page
        pdf.page, pdf.y = page, top
        pdf.set_x(pdf.l_margin + _LABEL)
        pdf.set_font(_FONT, size=9.5)
        pdf.set_text_color(*_INK)
        pdf.multi_cell(0, 4.6, self.clean(value), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        if (under_page, under) > (pdf.page, pdf.y):
            pdf.page, pdf.y = under_page, under
        pdf.y += 0.8


def draw(package: Package, words: Words, json_name: str, machine: bytes) -> bytes:
    """The PDF, with the JSON copy embedded. The same package gives the same bytes."""
    made = datetime.combine(package.made, time(), UTC)
    # Title and file name hold nothing but the case number: they show in the mail client.
    title = one_line(words("package", "title"))
    with ExitStack() as stack:
        pdf = _document(package, words, stack)
        pdf.set_title(f"{title}, {package.case}")
        pdf.set_author(package.organisation)
        pdf.set_lang(package.language)
        pdf.set_creation_date(made)
        pdf.embed_file(
            bytes=machine,
            basename=json_name,
            mime_type="application/json",
            creation_date=made,
            modification_date=made,
            compress=True,
        )
        pen = _Pen(pdf, _signs(pdf))
        pdf.add_page()
        _front(pen, package, words, json_name)
        system = ""
        for section in package.sections:
            if section.system != system:
                system = section.system
                pen.room(40)
                pen.gap(8)
                pen.line(system, 15, bold=True)
            _section(pen, section, words)
        return bytes(pdf.output())


def _document(package: Package, words: Words, stack: ExitStack) -> FPDF:
    foot = words(
        "package",
        "for_whom",
        case=package.case,
        date=words.date(package.made),
        organisation=package.organisation,
    )
    numbered = words("package", "page", page="{page}", pages="{pages}")
    pdf = _Page("", numbered)
    fonts = importlib.resources.files("mailbot.letters") / "fonts"
    for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
        path = stack.enter_context(importlib.resources.as_file(fonts / name))
        pdf.add_font(_FONT, style, path)
    pdf._foot = "".join(s for s in one_line(foot, 110) if ord(s) in _signs(pdf))
    pdf.set_margins(20, 18, 20)
    pdf.set_auto_page_break(True, margin=20)
    return pdf


def _signs(pdf: FPDF) -> frozenset[int]:
    """The code points that both cuts of the font can show."""
    maps = [set(getattr(font, "cmap", {})) for font in pdf.fonts.values()]
    return frozenset(set.intersection(*maps)) if maps else frozenset()


def _front(pen: _Pen, package: Package, words: Words, json_name: str) -> None:
    said = words(
        "package",
        "for_whom",
        case=package.case,
        date=words.date(package.made),
        organisation=package.organisation,
    )
    pen.line(words("package", "title"), 22, bold=True)
    pen.gap(2)
    pen.line(said, 10, grey=True)
    pen.gap(5)
    pen.line(words("package", "intro"), 10.5)
    pen.gap(1)
    pen.line(words("package", "embedded", name=json_name), 10.5)
    if any(section.mail for section in package.sections):
        pen.gap(1)
        pen.line(words("package", "attachments_note"), 10.5)
    if package.masked:
        pen.gap(1)
        pen.line(words("package", "masked_note", mask=words("package", "masked")), 10.5)
    pen.gap(6)
    pen.line(words("package", "contents"), 13, bold=True)
    pen.gap(1)
    for section in package.sections:
        pen.field(_place(section), _counted(len(section.entries), words))


def _place(section: Section) -> str:
    return f"{section.system}: {section.table}" if section.table else section.system


def _counted(count: int, words: Words) -> str:
    return words("package", "records_one" if count == 1 else "records_many", count=count)


def _section(pen: _Pen, section: Section, words: Words) -> None:
    pen.room(30)
    pen.gap(4)
    pen.line(f"{section.table} ({_counted(len(section.entries), words)})", 12, bold=True)
    if section.categories:
        pen.gap(0.5)
        pen.line(f"{words('package', 'categories')}: {', '.join(section.categories)}", 9, grey=True)
    for number, entry in enumerate(section.entries, 1):
        pen.gap(3)
        pen.room(18)
        pen.rule()
        pen.gap(2)
        pen.line(entry.title or words("package", "record", number=number), 10, bold=True)
        pen.gap(0.5)
        for label, value in _fields(section, entry, words):
            pen.field(label, value)


def _fields(section: Section, entry: Entry, words: Words) -> Iterator[tuple[str, str]]:
    for column, value in entry.values.items():
        if section.mail and value in (None, "", Typed("json", "[]")):
            continue
        yield _label(section, column, words), shown_value(value, words)
    if entry.source:
        yield words("package", "source"), entry.source
    if entry.recipients:
        yield (
            words("package", "recipients"),
            "\n".join(f"{name}, {day}" if day else name for name, day in entry.recipients),
        )


def _label(section: Section, column: str, words: Words) -> str:
    """A column by its category and name; a mail's parts by their usual names."""
    plain = one_line(column.replace("_", " "), 60)
    if section.mail:
        return words.get("columns", column.lower(), default=plain)
    category = section.labels.get(column, "")
    return f"{category} ({plain})" if category and category.lower() != plain.lower() else plain
