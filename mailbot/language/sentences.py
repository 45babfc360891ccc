"""Sentences of a mail, whatever its shape: prose, wrapped lines, bullets, chat without stops."""

import re
from collections.abc import Iterator, Sequence

MAX_CHARACTERS = 120_000  # beyond this, only the beginning and the end are read
TAIL_CHARACTERS = 30_000
MAX_SENTENCES = 1_500
LONGEST = 600  # characters; a longer run is cut at a space
_WRAPPED_FROM = 52  # a line this long without a stop was probably wrapped by a mail client

_ABBREVIATIONS = frozenset(
    """
    abs adr afd alle anl app approx art artt att attn aug av avd avs bd bedr bl bla bspw bv bzw ca
    capt cf cfr chap ci civ co corp cr ctr dag dec del dept des desember dir div doc dott dr ds dvs
    e-post ecc eg egl eks el em eng esq est et etc etg evt evtl ext f feb ff fig fk fl flg fnr forts
    fp fr fru frk ft fvt fx gem ggf gl gt hd hj hr hrn i ie ifb ifm iht inc incl ing inkl jan jf jfr
    jr jul jun jvf kap kgl kl kr l lat lic lit ltd m mag mao max mfl mht mill min mio mld mm mob mr
    mrd mrs ms msgr mtp mv mvh n nb no nov nr nro num o obs och okt op orgnr osv p pag par pga pgl
    pkt pl pnr pos pr prof proj prop ps pst rd red ref reg resp rev rk s sek sen sep sept sig sign sl
    sml sr st stk str tab techn tel telf tfn tidl tlf tlfnr tsd u ul usw utg ved vg vgl vol vs z
    zzgl ztg zz
    """.split()
)
_BEFORE_NAMES = frozenset({"mr", "mrs", "ms", "dr", "prof", "hr", "fr", "st"})
_DOTTED = re.compile(r"(?:\w{1,3}\.)+\w{1,3}")  # d.h, f.eks, o.s.v
_BULLET = re.compile(r"\s*(?:[-–—*•‣▪●○◦·>→➢✓✔]+|\(?\d{1,2}[.)]|\(?[a-zA-Z][.)])\s+")
_STOP = re.compile(r"[.!?…]+[\"'»”’)\]]*(?=\s)|[;:](?=\s*\n)")
_LAST_WORD = re.compile(r"([\w\-.]{1,20})$")
_BLANK = re.compile(r"\n\s*\n")


def within_bounds(text: str) -> tuple[str, bool]:
    """The text, or its beginning and end if it is too long; and whether anything was left out."""
    if len(text) <= MAX_CHARACTERS:
        return text, False
    head = MAX_CHARACTERS - TAIL_CHARACTERS
    return text[:head] + "\n\n" + text[-TAIL_CHARACTERS:], True


def split(text: str) -> list[str]:
    """The sentences of a cleaned text in order, without surrounding space; none is empty.

    A line break ends a sentence unless the line looks wrapped. At most MAX_SENTENCES are given:
    the first two thirds and the last third of a text that has more.
    """
    found: list[str] = []
    for paragraph in _BLANK.split(text):
        for run in _unwrap(paragraph.split("\n")):
            found.extend(_cut(run))
    if len(found) > MAX_SENTENCES:
        head = MAX_SENTENCES * 2 // 3
        return found[:head] + found[head - MAX_SENTENCES :]
    return found


def _unwrap(lines: Sequence[str]) -> Iterator[str]:
    """Join lines that a mail client wrapped; keep bullets and short lines apart."""
    held: list[str] = []
    for line in lines:
        stripped = line.strip()
        if not stripped:
            continue
        if held and not _continues(held[-1], line):
            yield " ".join(held)
            held = []
        held.append(stripped)
    if held:
        yield " ".join(held)


def _continues(before: str, line: str) -> bool:
    if _BULLET.match(line) or before.endswith((".", "!", "?", ":", ";")):
        return False
    first = line.lstrip()[:1]
    if first.islower() and len(before) > 25:
        return True
    return len(before) >= _WRAPPED_FROM


def _cut(run: str) -> Iterator[str]:
    bullet = _BULLET.match(run)
    if bullet and bullet.end() < len(run):
        run = run[bullet.end() :]
    begin = 0
    for stop in _STOP.finditer(run):
        if _is_abbreviation(run, begin, stop):
            continue
        yield from _shorten(run[begin : stop.end()])
        begin = stop.end()
    yield from _shorten(run[begin:])


def _is_abbreviation(run: str, begin: int, stop: re.Match[str]) -> bool:
    if stop.group()[:1] != "." or stop.group().startswith(".."):
        return False
    after = run[stop.end() : stop.end() + 3].lstrip()
    word = _LAST_WORD.search(run[max(begin, stop.start() - 20) : stop.start()])
    if word is None:
        return False
    last = word.group(1).lower()
    if last.isdigit():  # 3. mai, art. 15. But "i 2024. Takk"
        return len(last) <= 2 and (after[:1].islower() or after[:1].isdigit())
    if len(last) == 1 and last.isalpha():
        return True
    short = "." in last or after[:1].islower() or after[:1].isdigit() or last in _BEFORE_NAMES
    return short and (
        last.rsplit(".", 1)[-1] in _ABBREVIATIONS or _DOTTED.fullmatch(last) is not None
    )


def _shorten(sentence: str) -> Iterator[str]:
    sentence = sentence.strip()
    while len(sentence) > LONGEST:
        at = sentence.rfind(" ", LONGEST // 2, LONGEST)
        at = at if at > 0 else LONGEST
        piece = sentence[:at].strip()
        if piece:
            yield piece
        sentence = sentence[at:].strip()
    if sentence:
        yield sentence
