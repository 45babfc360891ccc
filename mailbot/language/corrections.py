"""Old and new values in a request for rectification, out of the mail's own words (GDPR art. 16).

A grammar, not a guess: what is not said in so many words is left out, and a person is asked.
"""

import re
from collections.abc import Iterable, Iterator

from mailbot import identifiers
from mailbot.plan import Correction

_LONGEST, _MOST = 20_000, 200  # characters of a mail read; of a value

# What a field is called (nb, nn, sv, da, de, en), most specific first.
_NOUNS: tuple[tuple[str, str], ...] = (
    (
        "email",
        r"e-?post(?:en|a|adress\w*)?|e-?mail(?:en|[- ]?adress?e?\w*| address)?|mail(?:en|[- ]?adress?e?\w*"
        r"| address)?|mejl(?:en|adress\w*)?",
    ),
    (
        "phone",
        r"(?:mobil|telefon|tlf|tele|handy|ruf)(?:\.|-?nummer\w*|-?nr\.?|en|nummeret)?|phone(?: number)?"
        r"|mobile(?: number| phone)?|cell(?: number)?|telephone(?: number)?",
    ),
    (
        "surname",
        r"etternavn\w*|etternamn\w*|efternamn\w*|efternavn\w*|surname|last name|family name"
        r"|nachname\w*|familienname\w*",
    ),
    ("first_name", r"fornavn\w*|fornamn\w*|förnamn\w*|first name|given name|vorname\w*"),
    ("name", r"navnet|navn|namnet|namn|full name|name"),
    (
        "workplace",
        r"arbeidssted\w*|arbeidsstad\w*|arbeidsplass\w*|arbeidsgiv\w*|arbeidsgjev\w*|workplace"
        r"|employer|arbetsplats\w*|arbetsgivar\w*|arbejdsplads\w*|arbejdsgiver\w*|arbeitgeber\w*"
        r"|arbeitsplatz|arbeitsstelle|firma(?:et)?|company",
    ),
    (
        "position",
        r"stilling(?:en|a|stittel)?|stillingsbetegnelse\w*|jobbtittel\w*|tittel(?:en)?|job title"
        r"|position|befattning\w*|titel|berufsbezeichnung",
    ),
    (
        "address",
        r"(?:post|bo(?:stad)?s?|bolig|hjemme|heime)?adress(?:e|en|a)?|(?:postal |home |street )?"
        r"address|(?:wohn)?anschrift",
    ),
)
_FIELD = "|".join(f"(?P<{name}>{nouns})" for name, nouns in _NOUNS)
_ANY = "|".join(nouns for _, nouns in _NOUNS)
_MINE = r"(?:mine?|mitt?|mi|my|mein\w*|min|din|the|den|det|die|der|das)?"
_NEW = r"(?:nye?|nytt|ny|nya|new|neue\w*|riktige?|rett|rette|rätt\w*|korrekte?|correct|right|richtige\w*)"
_OLD = r"(?:gam(?:mel|le|alt|la)|tidligere|tidlegare|forrige|förra|old|previous|former|alte\w*|frühere\w*|feil|fel|forkert\w*|wrong|falsche\w*)"
_IS = r"(?:er|is|are|är|ist|lyder|lautet|blir|bliver|blev|ble|vart|wird|var|was|war)\b"
_NOW = (
    r"(?:nå|no|nu|now|jetzt|nun|i stedet|istedenfor|instead|heretter|fremover|ab sofort|"
    r"endret til|endra til|ændret til|ändrad till|ändrat till|changed to|geändert (?:zu|in|auf))"
)
_SHOULD = (
    r"(?:skal (?:nå |no |nu )?(?:være|vere)|skulle (?:vært|vore)|må være|should (?:now )?be|must be|ska (?:nu )?vara"
    r"|(?:endres|endrast|rettes|oppdateres|oppdaterast|ændres|ändras|bytes|byttes) til{1,2}"
    r"|(?:is|has been) changed to|(?:er|har blitt|vart|blev|är) (?:endret|endra|ændret|ändrad|ändrat) till?)"
)
_FROM_TO = re.compile(
    rf"\b(?:{_FIELD})\b[^.;:?!]{{0,50}}?\b(?:fra|frå|from|från|von)\s+(?P<old>.+?)\s+"
    r"(?:til|to|till|zu|auf|in)\s+(?P<new>.+)$",
    re.IGNORECASE,
)
_STATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_NEW}\s+(?:{_FIELD})\b\s*(?:{_MINE}\s*)?(?:{_IS}(?:\s+{_NOW}\b)?|[:=])\s*[:=]?\s*(?P<new>.+)$",
        rf"\b(?:{_FIELD})\b\s*(?:{_MINE}\s*)?(?:{_IS})\s+{_NOW}\s*[:=]?\s*(?P<new>.+)$",
        rf"\b(?:{_FIELD})\b\s*(?:{_MINE}\s*)?{_SHOULD}\s*[:=]?\s*(?P<new>.+)$",
        rf"\b(?:{_FIELD})\b\s*(?:{_MINE}\s*)?{_NOW}\s*[:=]\s*(?P<new>.+)$",
        # "Bytt/endre/oppdater … til X", "Please change my … to X"
        rf"\b(?:bytt?(?:et|a)?|byt|skiftet|skifta|endret|endra|ændret|ändrat|changed|updated|endre|ändra|ændr|ändern sie|ändere|rett|ret|rätta|oppdater|uppdatera|opdater"
        rf"|change|update|correct|berichtigen sie)\b[^.;:?!]{{0,30}}?\b(?:{_FIELD})\b\s*{_MINE}"
        r"(?:\s+(?:hos dere|hos dykk|hos er|in your (?:records|system)))?\s+(?:til|to|till|zu|auf|in)\s+(?P<new>.+)$",
        # German puts the verb last: "Meine neue Adresse soll X lauten"
        rf"\b(?:{_FIELD})\b\s+(?:soll(?:te)?|muss)\s+(?P<new>.+?)\s+(?:lauten|heißen|sein)$",
    )
)
_FORMER = re.compile(
    rf"\b{_OLD}\s+(?:{_FIELD})\b\s*(?:{_MINE}\s*)?(?:{_IS}|[:=])\s*[:=]?\s*(?P<old>.+)$",
    re.IGNORECASE,
)
_SAID: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (field, re.compile(pattern, re.IGNORECASE))
    for field, pattern in (
        (
            "address",
            r"\b(?:jeg|eg|vi|jag)\s+(?:har|er|är)\s+(?:nå |no |nu |nylig |nyleg )?flytt(?:et|a|at|ad)\s+till?\s+(?P<new>.+)$",
        ),
        ("address", r"\bI(?:'ve| have)?\s+(?:now |just |recently )?moved\s+to\s+(?P<new>.+)$"),
        ("address", r"\b(?:ich bin|wir sind)\s+nach\s+(?P<new>.+?)\s+(?:um)?gezogen$"),
        ("address", r"\b(?:jeg bor|eg bur|jag bor)\s+(?:nå|no|nu)\s+(?:i|på)\s+(?P<new>.+)$"),
        ("address", r"\bI now live at\s+(?P<new>.+)$"),
        ("name", r"\b(?:jeg heter|eg heiter|jeg hedder|jag heter)\s+(?:nå|no|nu)\s+(?P<new>.+)$"),
        ("name", r"\bI(?:'m| am) now called\s+(?P<new>.+)$"),
        ("name", r"\bich heiße (?:jetzt|nun)\s+(?P<new>.+)$"),
        (
            "workplace",
            r"\b(?:jeg jobber|jeg arbeider|eg jobbar|eg arbeider|jag jobbar|jag arbetar)\s+(?:nå|no|nu)\s+(?:hos|i|ved|på|för)\s+(?P<new>.+)$",
        ),
        ("workplace", r"\bI now work (?:at|for)\s+(?P<new>.+)$"),
        ("workplace", r"\bich arbeite (?:jetzt|nun) bei\s+(?P<new>.+)$"),
    )
)
# "… er X, ikke Y": the one negation that says both values.
_NOT_OLD = re.compile(
    r"^(?P<head>.+?)\s*[,–-]?\s+(?:og |and |och |und )?(?:ikke|ikkje|inte|icke|nicht|not)\s+(?P<old>[^,;]+)$",
    re.IGNORECASE,
)
_NAMED_SO = re.compile(
    rf"\b(?:(?:{_FIELD})\b\s*(?:{_MINE}\s*)?(?:{_IS}|skrives|skrivast|stavas|staves|is spelled|is spelt)"
    r"|jeg heter|eg heiter|jag heter|jeg hedder|my name is|ich heiße|it is spelled)\s*[:=]?\s*(?P<new>.+)$",
    re.IGNORECASE,
)
_WRONG_RIGHT = re.compile(
    rf"\b(?:{_FIELD})\b[^.;:?!]{{0,40}}?\b(?:feil|galt?|wrong|incorrect|fel|felaktig|forkert|falsch)\b[^.;:?!]{{0,12}}?"
    r"[,:;–-]?\s*(?:men |but |aber )?(?:den |det |it |the |die |der |das )?"
    r"(?:riktige?|rette?|rätta?|korrekte?|right(?: one)?|correct(?: one)?|richtige?)\s+(?:er|is|är|ist|lautet)\s*[:=]?\s*(?P<new>.+)$",
    re.IGNORECASE,
)
_MISSPELT = re.compile(
    r"\b(?:det står|it says|there it says|es steht|där står)\s+[«\"“”'„]?(?P<old>[^,«»\"“”'‘’]{2,60}?)[»\"“”'‘’]?\s*,?\s+"
    r"(?:men|but|aber)\s+(?:jeg heter|eg heiter|jag heter|jeg hedder|my name is|ich heiße|"
    r"det skal være|det skal vere|it should be|det ska vara)\s+(?P<new>.+)$",
    re.IGNORECASE,
)
# What makes a sentence no statement: a negation, a question, a condition, a wish for later.
_DOUBT = re.compile(
    r"\?|\b(?:ikke|ikkje|inte|icke|nicht|kein\w*|not|never|aldri|aldrig|isn't|hvis|dersom|om jeg"
    r"|if|falls|wenn|kanskje|kanske|maybe|perhaps|vielleicht|eller|or|oder)\b",
    re.IGNORECASE,
)
_PARTS = re.compile(
    rf"\s*(?:,|;|\bog\b|\band\b|\boch\b|\bund\b|\bsamt\b)\s+"
    rf"(?=(?:(?:mine?|mitt|mi|my|meine?)\s+)?(?:{_NEW}\s+|{_OLD}\s+)?(?:{_ANY})\b[^,]{{0,25}}?"
    rf"(?:\b(?:{_IS}|{_SHOULD}|{_NOW})\b|[:=]|\bfra\b|\bfrå\b|\bfrom\b|\bfrån\b|\bvon\b))",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"[\s,;]*(?:,?\s*(?:takk|tack|tak|thanks|thank you|danke|please|vær så snill|mvh|hilsen)\b.*)$",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!])\s+(?=[A-ZÆØÅÄÖÜ\"«])|\n+|(?<=\?)\s+")
_QUOTES = " \t«»\"“”„'‘’"


def corrections(texts: Iterable[str]) -> tuple[Correction, ...]:
    """What is to be put right, by mails from oldest to newest: the latest word on a field counts.

    A field that one and the same mail gives two values is left out: which is meant is unsure.
    """
    found: dict[str, Correction] = {}
    for text in texts:
        said: dict[str, set[Correction]] = {}
        former: dict[str, str] = {}
        for one in _read(text[:_LONGEST]):
            if one.new:
                said.setdefault(one.what, set()).add(one)
            else:
                former[one.what] = one.old
        for what, each in said.items():
            values = {one.new for one in each}
            if len(values) > 1:
                found.pop(what, None)
                continue
            old = next((one.old for one in each if one.old), former.get(what, ""))
            found[what] = Correction(what=what, old=old, new=values.pop())
    whole = found.get("name")
    if whole is not None and ("surname" in found or "first_name" in found):
        del found["name"]
    return tuple(found[what] for what in sorted(found))


def _read(text: str) -> Iterator[Correction]:
    for sentence in _SENTENCE.split(text):
        for clause in _PARTS.split(sentence.strip().rstrip(".!")):
            yield from _clause(clause.strip())


def _clause(clause: str) -> Iterator[Correction]:
    both = _NOT_OLD.match(clause) if len(clause) <= 400 else None
    if both and not _DOUBT.search(both["head"]) and not _DOUBT.search(both["old"]):
        named = _NAMED_SO.search(both["head"])
        if named:
            field = next((name for name, _ in _NOUNS if named.groupdict().get(name)), "name")
            yield from _checked(_by_place(field, both["old"]), both["old"], named["new"])
        return
    if not clause or len(clause) > 400 or _DOUBT.search(clause):
        return
    misspelt = _MISSPELT.search(clause)
    if misspelt:
        # Which field it is, is told by where the old value stands.
        yield from _checked("", misspelt["old"], misspelt["new"])
        return
    change = _FROM_TO.search(clause)
    if change:
        yield from _checked(_named(change), change["old"], change["new"])
        return
    wrong = _WRONG_RIGHT.search(clause)
    if wrong:
        yield from _checked(_named(wrong), "", wrong["new"])
        return
    former = _FORMER.search(clause)
    if former:
        value = _value(_named(former), former["old"])
        if value:
            yield Correction(what=_named(former), old=value, new="")
        return
    for pattern in _STATES:
        match = pattern.search(clause)
        if match:
            yield from _checked(_named(match), "", match["new"])
            return
    for field, pattern in _SAID:
        match = pattern.search(clause)
        if match:
            yield from _checked(field, "", match["new"])
            return


def _by_place(field: str, old: str) -> str:
    """Of a name that is corrected in part ("Hanssen, not Hansen") the old word tells the place."""
    return "" if field == "name" and len(old.split()) == 1 else field


def _named(match: "re.Match[str]") -> str:
    return next(name for name, _ in _NOUNS if match.groupdict().get(name))


def _checked(field: str, old: str, new: str) -> Iterator[Correction]:
    value = _value(field, new)
    before = _value(field, old) if old else ""
    if value and (before or not old) and value.casefold() != (before or "").casefold():
        yield Correction(what=field, old=before or "", new=value)
    elif value and before and value != before:
        yield Correction(what=field, old=before, new=value)  # only capitals differ: a spelling


def _value(field: str, text: str) -> str | None:
    """A value as it is to be written; None if it does not look like one of its kind."""
    plain = _TAIL.sub("", text.strip()).strip(_QUOTES).rstrip(".,;:! ").strip(_QUOTES)
    if not plain or len(plain) > _MOST or any(ord(sign) < 32 for sign in plain):
        return None
    match field:
        case "email":
            shown = identifiers.find_emails(plain)
            return shown[0] if len(shown) == 1 and len(plain.split()) <= 2 else None
        case "phone":
            return identifiers.phone(plain)
        case "address":
            return plain if _is_address(plain) else None
        case "name" | "surname" | "first_name" | "":
            return (
                plain if _is_name(plain, 2 if field in ("surname", "first_name") else 4) else None
            )
    words = plain.split()
    return plain if len(words) <= 8 and "@" not in plain else None


def _is_name(text: str, most: int) -> bool:
    words = text.split()
    return (
        1 <= len(words) <= most
        and all(re.fullmatch(r"[^\W\d_]+(?:[-'’.][^\W\d_]*)*", word) for word in words)
        and words[0][0].isupper()
        and words[-1][0].isupper()
    )


def _is_address(text: str) -> bool:
    words = text.split()
    return 2 <= len(words) <= 14 and any(sign.isdigit() for sign in text) and "@" not in text
