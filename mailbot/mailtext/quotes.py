"""What the sender wrote now, apart from what was quoted, signed or added by servers.

Markup and ">" are believed first; then the words by which mail programs announce a quote. Where
the words are not proof enough the line stays with the sender: to read a quote as new is a nuisance
(staff are asked), to read a request as quote would lose it.

The library mail-parser-reply was measured beside this: on 680 replies in six languages it found the
new text of 425, these rules of 667, and it knows no Norwegian. Nowhere was it right where these
rules err, but for an unmarked quote below "On <date> you wrote:", which is left with the sender.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mailbot.mailtext import vocabulary as words
from mailbot.mailtext.lines import Line, Mark, joined, without_marks

MAX_LINES = 20_000
_LONG = 400  # characters of a line that are looked at
_LIKE_SIGNATURE_LINES = 14
_BLOCK = 10  # lines among which the labels of a header block stand
_MARK_OF_ATTRIBUTION = re.compile(r">(?:\s*:|:)|> wrote:")
_ENDS_IN_COLON = re.compile(r":[\s*]*$")
_DELIMITER = re.compile(r"[-–—_*=]{2,60}|—|–")
_DATED = re.compile(r"(?=.*\b\d{1,2}[:.]\d{2}\b).*\b\d{4}\b")
_AMBIGUOUS_SIGN_OFF = re.compile(
    r"[\s*_]*(?:best|br|kr|lg|vg|v\.?\s?h|med|yours|cheers|saluti)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Split:
    """The parts of a text, and named oddities about where the new words stand."""

    new: str
    quoted: str
    signature: str
    text: str
    notes: tuple[str, ...] = ()


def split(lines: Sequence[Line]) -> Split:
    """Tell new text, quote and signature apart."""
    notes: list[str] = []
    if len(lines) > MAX_LINES:
        lines = lines[:MAX_LINES]
        notes.append("truncated")
    whole = joined(line.text for line in lines)
    marked = _mark_signatures(_without_banner(_mark_quotes(list(lines))))
    notes += _where(marked)
    return Split(
        new=_new_text(marked),
        quoted=joined(without_marks(line.text) for line in marked if line.mark is Mark.QUOTE),
        signature=joined(line.text for line in marked if line.mark is Mark.SIGNATURE),
        text=whole,
        notes=tuple(notes),
    )


def _new_text(lines: Sequence[Line]) -> str:
    """New lines, with an empty line where a quote stood between them."""
    out: list[str] = []
    for line in lines:
        out.append(line.text if line.mark is Mark.NEW else "")
    return joined(out)


def _where(lines: Sequence[Line]) -> list[str]:
    """Whether the new text stands below the quote, or in pieces between quotes."""
    shape = ""
    for line in lines:
        if line.text.strip() and line.mark is not Mark.SIGNATURE:
            kind = "n" if line.mark is Mark.NEW else "q"
            if not shape.endswith(kind):
                shape += kind
    if "qn" not in shape:
        return []
    return ["below-quote"] if shape == "qn" else ["interleaved"]


# --- quotes ----------------------------------------------------------------------------------


def _mark_quotes(lines: list[Line]) -> list[Line]:
    lines = _mend_split_marks(lines)
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.mark is Mark.NEW and line.text.strip():
            if is_cut(lines, at):
                return lines[:at] + [_quoted(each) for each in lines[at:]]
            start = _attribution(lines, at)
            if start is not None:
                for i in range(start, at + 1):
                    lines[i] = _quoted(lines[i])
                following = _next_filled(lines, at + 1)
                proof = " ".join(each.text for each in lines[start : at + 1])
                if (
                    following is not None
                    and lines[following].mark is Mark.NEW
                    and words.ATTRIBUTION_PROOF.search(proof)
                ):
                    # The quote below is not marked line by line: it reaches to the end.
                    return lines[: at + 1] + [_quoted(each) for each in lines[at + 1 :]]
        at += 1
    return lines


def _quoted(line: Line) -> Line:
    return Line(line.text, Mark.QUOTE, line.sure)


def _mend_split_marks(lines: list[Line]) -> list[Line]:
    """An attribution broken before its ">:" looks like a quote: put it together again."""
    out: list[Line] = []
    for line in lines:
        if (
            line.text[:1] == ">"
            and out
            and out[-1].mark is Mark.NEW
            and _MARK_OF_ATTRIBUTION.match(line.text)
        ):
            out[-1] = replace(out[-1], text=out[-1].text + line.text)
        else:
            out.append(line)
    return out


def is_cut(lines: Sequence[Line], at: int) -> bool:
    """Whether from this line on everything is an older mail, as Outlook quotes."""
    text = lines[at].text[:_LONG]
    if words.ORIGINAL_LINE.fullmatch(text) or words.FORWARD_LINE.fullmatch(text):
        return True
    if words.APPLE_FORWARD.fullmatch(text):
        following = _next_filled(lines, at + 1)
        return following is not None and (
            header_block(lines, following) or lines[following].mark is Mark.QUOTE
        )
    if words.UNDERSCORES.fullmatch(text):
        following = _next_filled(lines, at + 1)
        return following is not None and header_block(lines, following)
    return header_block(lines, at)


def header_block(lines: Sequence[Line], at: int) -> bool:
    """Whether From, Sent, To, Subject of an older mail begin here, in any of the languages.

    A form on a web site may mail "From:" and "Subject:" too: it takes a date and a third label.
    """
    first = _label(lines[at].text)
    if first not in ("from", "subject", "date", "to"):
        return False
    seen = {first}
    strangers = 0
    for line in lines[at + 1 : at + 1 + 2 * _BLOCK]:
        if not line.text.strip():
            continue
        label = _label(line.text)
        if label is None:
            strangers += 1
            if strangers > 3:
                break
        else:
            strangers = 0
            seen.add(label)
        if {"from", "date"} <= seen and ("to" in seen or "subject" in seen):
            return True
    return False


def _label(text: str) -> str | None:
    if ":" not in text[:60]:
        return None
    short = text[:_LONG]
    return next((name for name, label in words.LABELS.items() if label.match(short)), None)


def _attribution(lines: Sequence[Line], at: int) -> int | None:
    """Where the attribution that ends on this line begins; None if it ends none."""
    text = lines[at].text.strip()
    if len(text) > _LONG:
        return None
    if words.ATTRIBUTION_BARE.fullmatch(text):
        return at
    if not _ENDS_IN_COLON.search(text[-20:]):
        return None
    following = _next_filled(lines, at + 1)
    if following is not None and lines[following].mark is Mark.QUOTE and _DATED.search(text):
        return at  # a language that we do not know
    pieces: list[str] = []
    fallback: int | None = None
    for start in range(at, max(at - 4, -1), -1):
        if start < at and (lines[start].mark is not Mark.NEW or not lines[start].text.strip()):
            break
        pieces.insert(0, lines[start].text[:_LONG].strip())
        text = " ".join(pieces)
        if not words.ATTRIBUTION.fullmatch(text):
            continue
        if words.ATTRIBUTION_START.match(text):
            return start if _quote_follows(lines, at, text) else None
        if fallback is None and words.ATTRIBUTION_PROOF.search(text):
            fallback = start
    if fallback is not None and _quote_follows(lines, at, lines[fallback].text):
        return fallback
    return None


def _quote_follows(lines: Sequence[Line], at: int, text: str) -> bool:
    following = _next_filled(lines, at + 1)
    if following is None or lines[following].mark is Mark.QUOTE:
        return True
    return words.ATTRIBUTION_PROOF.search(text) is not None


def _next_filled(lines: Sequence[Line], at: int) -> int | None:
    return next((i for i in range(at, min(at + 50, len(lines))) if lines[i].text.strip()), None)


# --- what servers write above ----------------------------------------------------------------


def _without_banner(lines: list[Line]) -> list[Line]:
    """The warning that a company's server puts above mail from outside is nobody's words."""
    filled = [i for i, line in enumerate(lines[:40]) if line.text.strip()][:6]
    drop: set[int] = set()
    for place, i in enumerate(filled):
        text = lines[i].text[:_LONG].strip()
        if lines[i].mark is Mark.QUOTE:
            break
        if words.BANNER.match(text) or (drop and words.BANNER_ADVICE.match(text)):
            drop.add(i)
        elif words.BANNER_TITLE.fullmatch(text) and len(text) > 3:
            behind = [lines[j].text[:_LONG] for j in filled[place + 1 : place + 2]]
            told = text.startswith(("[", "*")) or text.isupper()
            if told or any(words.BANNER.match(each) for each in behind):
                drop.add(i)
    return [line for i, line in enumerate(lines) if i not in drop]


# --- signatures and disclaimers --------------------------------------------------------------


def _mark_signatures(lines: list[Line]) -> list[Line]:
    out = list(lines)
    start = 0
    first_run = True
    for at in range(len(out) + 1):
        if at == len(out) or out[at].mark is Mark.QUOTE:
            if any(line.text.strip() for line in out[start:at]):
                out[start:at] = _sign_run(out[start:at], first_run)
                first_run = False
            start = at + 1
    return out


def _sign_run(run: list[Line], first: bool) -> list[Line]:
    """One stretch of new text: its disclaimers, its footer, its signature."""
    signed = set(_disclaimers(run, first))
    for i, line in enumerate(run):
        if line.mark is Mark.NEW and words.MOBILE_FOOTER.fullmatch(line.text[:_LONG].strip(" -*_")):
            signed.add(i)
    begin = _signature_start(run, signed)
    if begin is not None:
        signed.update(range(begin, len(run)))
    if not signed:
        return run
    return [
        Line(line.text, Mark.SIGNATURE, line.sure) if i in signed else line
        for i, line in enumerate(run)
    ]


def _signature_start(run: Sequence[Line], signed: set[int]) -> int | None:
    """Where the signature begins: at its delimiter, or at the earliest fitting sign-off."""
    for i, line in enumerate(run):
        if line.mark is not Mark.NEW:
            continue
        text = line.text[:_LONG]
        if text == "-- " and _fits(run, i + 1, signed, strict=False):
            return i
        if _DELIMITER.fullmatch(text.rstrip() or "x") and _is_card(run, i + 1, signed):
            return i
        if _signs_off(text) and _fits(run, i + 1, signed, strict=True):
            return i
    return None


def _is_card(run: Sequence[Line], at: int, signed: set[int]) -> bool:
    """Whether a name or an address stands below a rule, which people also draw between thoughts."""
    if not _fits(run, at, signed, strict=True):
        return False
    below = [run[i].text.strip() for i in range(at, len(run)) if run[i].text.strip()]
    if not below or any(words.LOOKS_LIKE_DETAILS.search(text) for text in below):
        return True
    return all(word[:1].isupper() for word in below[0].split())


def _signs_off(text: str) -> bool:
    """Whether a line is a sign-off, alone or with a name behind it."""
    twice = text.strip().split("/")  # "Med vennlig hilsen / Best regards"
    if len(twice) == 2 and all(words.SIGN_OFF.fullmatch(each.strip()) for each in twice):
        return True
    match = words.SIGN_OFF.fullmatch(text.strip())
    if match is None:
        return False
    rest = match["rest"].strip(" ,.!*_–-\t")
    if not rest:
        return True
    names = [word for word in rest.split() if any(c.isalnum() for c in word)]
    if len(names) > 6 or re.search(r"[?:]", rest):
        return False
    if _AMBIGUOUS_SIGN_OFF.match(text):
        return all(name[:1].isupper() for name in names)
    return len(names) <= 3 or sum(name[:1].isupper() for name in names) * 2 >= len(names)


def _fits(run: Sequence[Line], at: int, signed: set[int], strict: bool) -> bool:
    """Whether all that follows looks like a name, a title, addresses; not like sentences."""
    count, most = 0, _LIKE_SIGNATURE_LINES if strict else 40
    for i in range(at, len(run)):
        text = run[i].text.strip()
        if not text or i in signed or run[i].mark is Mark.SIGNATURE:
            continue
        count += 1
        if count > most or words.AFTERTHOUGHT.match(text):
            return False
        if not strict:
            continue
        details = words.LOOKS_LIKE_DETAILS.search(text) is not None
        if text.endswith(("?", ":")) or (len(text.split()) > 7 and not details) or len(text) > 200:
            return False
    return True


def _disclaimers(run: Sequence[Line], first: bool) -> list[int]:
    """The lines of paragraphs that lawyers wrote, below what a person did."""
    found: list[int] = []
    paragraphs = _paragraphs(run)
    for place, paragraph in enumerate(paragraphs):
        if place == 0 and first:
            continue
        text = " ".join(run[i].text.strip() for i in paragraph)[:4000]
        if is_disclaimer(text):
            found += paragraph
    return found


def is_disclaimer(text: str) -> bool:
    """Whether a paragraph is a confidentiality notice, or the plea to spare paper."""
    if len(text) < 200 and words.PRINT_PLEA.search(text):
        return True
    # Hardly any paragraph bears a legal sign: the others are looked for only beside one.
    if not any(words.DISCLAIMER_SIGNS[i].search(text) for i in words.LEGAL_SIGNS):
        return False
    signs = sum(sign.search(text) is not None for sign in words.DISCLAIMER_SIGNS)
    return signs >= 3 or (signs == 2 and len(text) > 120)


def _paragraphs(run: Sequence[Line]) -> list[list[int]]:
    paragraphs: list[list[int]] = []
    inside = False
    for i, line in enumerate(run):
        if not line.text.strip():
            inside = False
            continue
        if inside:
            paragraphs[-1].append(i)
        else:
            paragraphs.append([i])
        inside = True
    return paragraphs
