"""A small grammar for what statistics miss: who speaks, to whom, and whether they ask at all.

It works on cleaned text in six languages and knows four things: which lines of a mail are quoted
or forwarded, which sentences are a footer, where a mail only points at an attachment, and
sentences that name a right without asking for it ("I don't want you to delete anything").
"""

import re
from dataclasses import dataclass

# ---- layers: what was written now, and what was quoted below -----------------------------------

_QUOTE_MARK = re.compile(r"^\s{0,3}(?:>|\|\s|│)")
_SEPARATOR = re.compile(
    r"^\s*(?:"
    r"[-_*=]{2,}\s*(?:opprinnelig|opphavleg|original|ursprungl|oprindelig|urspr|message d|mensaje|"
    r"oorspronkelijk|messaggio|alkuper|videresend|vidaresend|forwarded|vidarebefordr|"
    r"weitergeleit|doorgestuurd|transf|reenviad|inoltrat|przekaz|begynn|start)[^\n]{0,60}"
    r"|begin forwarded message|start på videresendt|anfang der weitergeleiteten"
    r"|_{10,}|-{10,}"
    r")\s*:?\s*-*\s*$",
    re.IGNORECASE,
)
_FORWARD_WORD = re.compile(
    r"forward|videresend|vidaresend|vidarebefordr|weitergeleit|doorgestuurd|transf|reenviad|"
    r"inoltrat|przekaz",
    re.IGNORECASE,
)
_INTRODUCTION = re.compile(
    r"^\s*(?:on|den|am|le|el|op|il|w dniu|dnia|tir|man|ons|tor|fre|lør|søn|tirs|mand|torsd|fred|"
    r"mån|tis|lör|sön|\d)[^\n]{5,160}\b(?:wrote|writes|skrev|skreiv|schrieb|a écrit|escribió|"
    r"schreef|ha scritto|napisał\(?a?\)?|kirjoitti)\b[^\n]{0,100}:?\s*$",
    re.IGNORECASE,
)
_HEADER_LINE = re.compile(
    r"^\s*\*?(?:from|fra|frå|från|von|de|van|da|od|lähettäjä|sent|sendt|skickat|gesendet|envoyé|"
    r"enviado|verzonden|inviato|wysłano|lähetetty|to|til|till|an|à|para|aan|a|do|vastaanottaja|"
    r"subject|emne|ämne|betreff|objet|asunto|onderwerp|oggetto|temat|aihe|dato|date|datum|cc|kopi|"
    r"kopia)\*?\s?:\*?\s+\S",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Layers:
    """`new`: what the sender wrote; `older`: what stands quoted; `forwarded`: marked as such."""

    new: str
    older: str
    forwarded: bool


def layers(text: str) -> Layers:
    """Divide a cleaned text. Inline answers between quoted lines count as new."""
    lines = text.split("\n")
    cut = _first_separator(lines)
    new = [line for line in lines[:cut] if not _QUOTE_MARK.match(line)]
    older = [line for line in lines[:cut] if _QUOTE_MARK.match(line)] + lines[cut:]
    if older and new and _INTRODUCTION.match(new[-1] or " "):
        older.insert(0, new.pop())
    forwarded = any(_SEPARATOR.match(line) and _FORWARD_WORD.search(line) for line in older[:3])
    return Layers(
        "\n".join(new),
        "\n".join(re.sub(r"^[\s>|│]+", "", line) for line in older),
        forwarded,
    )


def _first_separator(lines: list[str]) -> int:
    for at, line in enumerate(lines):
        if len(line) > 300:
            continue
        if _SEPARATOR.match(line) and (at or _FORWARD_WORD.search(line)):
            if re.fullmatch(r"\s*[_\-]{10,}\s*", line) and not _headers_follow(lines, at + 1):
                continue
            return at
        if _INTRODUCTION.match(line) and at + 1 < len(lines):
            return at
        if _HEADER_LINE.match(line) and _headers_follow(lines, at, 3):
            return at
    return len(lines)


def _headers_follow(lines: list[str], at: int, wanted: int = 2) -> bool:
    ahead = [line for line in lines[at : at + wanted + 3] if line.strip()]
    return sum(1 for line in ahead[: wanted + 1] if _HEADER_LINE.match(line)) >= wanted


# An answer to what stands quoted ("Yes, both") or a reminder of it ("Six weeks now. Is it done?")
# means nothing by itself. Thanks and refusals leave the quoted request where it is.
_TAKEN_UP = re.compile(
    r"^\W*(?:ja|jo|jau|yes|yep|yeah|sure|gjerne|gärna|gerne|gern|alt|alle|allt|alles|alltihop|"
    r"everything|both|begge|båda|beide|beides|all of it|please do|stemmer|korrekt|correct|riktig|"
    r"rätt|richtig|stimmt|det hele|the lot|oui|sí|si|tak|kyllä)\b|"
    r"\b(?:purr\w*|påminn\w*|reminder|remind\w*|chasing|rykker\w*|erinner\w*|fortsatt|framleis|"
    r"fremdeles|stadig|fortfarande|still|immer noch|ennå|enno|ännu|hør(?:er|t)|høyr\w*|hört|heard|"
    r"frist(?:en)?|deadline|uker|veker|veckor|uger|weeks?|wochen|måneder|månader|months?|monate\w*|"
    r"when|når|wann|hvornår|hvor langt|kor langt|how far|hur långt|wie weit|status|glemt|gløymt|"
    r"forgotten|glömt|vergessen)\b",
    re.IGNORECASE,
)
_NOT_TAKEN_UP = re.compile(
    r"\b(?:nei|nej|nein|no|nope|non|ikke|ikkje|inte|ik|nicht|not|don't|keep|behold\w*|behåll\w*|"
    r"behalten|vent|vänta|halt|stop|stopp|takk|tack|tak for|danke|thanks|thank you|thx|merci|"
    r"fikk|fekk|fick|mottatt|received|got it|i orden|perfect|perfekt|supert?|super|toppen|flott)\b",
    re.IGNORECASE,
)
_MOST_WORDS_TAKEN_UP = 25


def declines_quoted(new: str) -> bool:
    """Whether the words above a quote thank, refuse or call back."""
    return bool(_NOT_TAKEN_UP.search(new))


def takes_up_quoted(new: str) -> bool:
    """Whether the few words above a quote only make sense together with it."""
    return (
        len(new.split()) <= _MOST_WORDS_TAKEN_UP
        and bool(_TAKEN_UP.search(new))
        and not declines_quoted(new)
    )


# ---- footers and pointers ------------------------------------------------------------------------

_SIGNATURE_MARK = re.compile(r"^\s*--\s?$")
_FOOTER = re.compile(
    r"confidential|vertraulich|konfidensiel|konfidentiel|fortrolig|fortroleg|taushets|"
    r"sekretess|intended (?:only |solely )?for|intended recipient|rett(?:e)? mottaker|"
    r"received this (?:e-?mail|message) in error|mottatt denne (?:e-posten|meldingen) ved|"
    r"fått denne e-posten ved|fått detta (?:mail|meddelande)|modtaget denne (?:e-)?mail ved|"
    r"diese (?:e-)?mail (?:ist|enthält|kann)|nicht der (?:richtige|beabsichtigte) |"
    r"(?:vi|we|wir) (?:behandler|behandlar|handsamar|process|verarbeiten)\b.{0,80}"
    r"(?:personopplysninger|personopplysningar|personuppgifter|personoplysninger|personal data|"
    r"personenbezogene)|"
    r"(?:les|read|läs|læs|lesen sie|see|se|siehe)\b.{0,40}(?:personvernerklæring|privacy "
    r"(?:policy|notice|statement)|integritetspolicy|privatlivspolitik|persondatapolitik|"
    r"datenschutzerkl|datenschutzhinweis)|"
    r"(?:personvern|privacy|datenschutz|gdpr)\w*\s*:?\s*(?:https?://|www\.)|"
    r"(?:to|click here to|if you (?:no longer )?(?:wish|want) to) unsubscribe|"
    r"(?:meld deg av|avregistrer deg|avmeld dig|avsluta prenumeration|abmelden)\s*(?:her|här|hier|"
    r":|\||$)|think before you print|tenk på miljøet|consider the environment|"
    r"virus(?:fri|-free|scan)|scanned (?:for|by)|org\.?\s?nr|all rights reserved",
    re.IGNORECASE,
)
_CHECKBOX = re.compile(r"\W{0,3}(?:\[[ xX✓]?\]|[☐☑☒✓✔])")
_PRIVACY_TERMS = re.compile(
    r"personvern\w*|privacy|integritet\w*|privatliv\w*|persondata\w*|datenschutz\w*|vilkår\w*|villkor\w*",
    re.IGNORECASE,
)
# Nothing but these beside the name of the terms: the consent line of a form.
_CONSENT_WORDS = frozenset(
    """
    jeg eg jag i ich have har habe hat lest lese läst læst read gelesen forstått forstår förstått
    understand understood verstanden godtar godtek godkänner godkjenner accepterer accept agree
    agreed akzeptiere samtykker samtykkjer samtycker consent stimme zu zur kenntnis genommen og och
    und and to the with med deres dykkar jeres er ert ihre ihrer die der den det it sie ihr policy
    notice terms conditions statement erklæring politik erklärung til till at att dette detta this
    you your our vår våre our unsere unserer mit bin einverstanden hereby herved
    """.split()
)
_FOOTER_REST = re.compile(
    r"e-?mail|message|attachment|recipient|sender|privileged|unauthori[sz]ed|disseminat|"
    r"e-?posten|meldingen|avsender|avsändar|afsender|mottaker|mottagar|modtager|vedlegg|bilag|"
    r"nachricht|absender|empfänger|anhäng|unbefugt|uvedkommende|obehörig",
    re.IGNORECASE,
)
_FIRST_PERSON = re.compile(
    r"\b(?:jeg|eg|jag|ich|(?-i:I)(?:'[mdv]\w*)?|my|meg|mig|min|mitt|mine|mina|mein|meine|meinen|me|mich)\b",
    re.IGNORECASE,
)
_POINTER_WORDS = frozenset(
    """
    se vedlagt vedlagte vedlegg vedlegget attached attachment see find please brev brevet letter
    bifogat bifogad bilaga vedhæftet vedhaeftet vedhaftet bilag bilaget anbei anhang siehe angehangt
    beigefugt angehängt beigefügt brief schreiben dokument document fil fila filen file hei hallo hej
    hello hi dear god dag goddag mvh hilsen vennlig med the a an er is i and og och und im der die
    das den det dette this here her här hier kommer comes kjære guten tag sehr geehrte damen herren
    skjema form pdf my min mitt mein meine bitte vennligst takk tack tak danke thanks thank you ci
    joint veuillez trouver adjunto bijlage zie allegato zalaczniku zalacznik liitteena regards best
    kind vänliga hälsningar freundliche freundlichen grüße grussen mit beste of enclosed enclosure
    sender sendt sent skickar sende send jeg eg jag ich we vi leser les read las lesen oversender
    """.split()
)


def footer_from(sentences: list[str]) -> int:
    """Where the footer begins (disclaimers, privacy notices), or len(sentences).

    A footer stands at the very end, sounds like one and does not speak in the first person; a
    request below a disclaimer is a request.
    """
    first = len(sentences)
    for at in range(len(sentences) - 1, 0, -1):
        sentence = sentences[at]
        if _SIGNATURE_MARK.match(sentence):
            first = at
            continue
        if _FIRST_PERSON.search(sentence):
            break
        if _FOOTER.search(sentence):
            first = at
        elif len(sentence.split()) > 6 and not _FOOTER_REST.search(sentence):
            break
    return first


def is_checkbox(sentence: str) -> bool:
    """Whether a line is a ticked box or the consent line of a web form: nobody wrote it."""
    if len(sentence) > 200:
        return False
    if _CHECKBOX.match(sentence):
        return True
    rest, terms = _PRIVACY_TERMS.subn(" ", sentence.lower())
    return terms > 0 and all(word in _CONSENT_WORDS for word in re.findall(r"[^\W\d_]+", rest))


def only_points(words: list[str]) -> bool:
    """Whether a text of few words only says that something is attached."""
    return len(words) <= 25 and sum(1 for word in words if word not in _POINTER_WORDS) <= 4


# ---- a right named without being asked for -------------------------------------------------------

_DELETE = (
    r"(?:slett|fjern|ta bort|radera|slet\b|slette|löschen|lösch|gelöscht|delete|erase|remove|"
    r"forget|glemme|gløyme|sletta|raderar)"
)
_NOT_WANTED = re.compile(
    r"(?:"
    r"(?:ikke|ikkje|inte)\s+(?:at\s+(?:dere|de|du|i|ni)\s+(?:skal\s+)?|att\s+ni\s+(?:ska\s+)?|"
    r"under\s+noen\s+omstendighet\w*\s+|bare\s+)?" + _DELETE + r"|"
    r"(?:do not|don't|dont|never|not to|please not|not want(?: you)? to)\s+(?:just\s+)?"
    + _DELETE
    + r"|(?:nicht|keinesfalls|auf keinen fall)\s+(?:\w+\s+){0,3}(?:löschen|gelöscht)|"
    r"(?:löschen sie|bitte)\s+(?:\w+\s+){0,5}(?:nicht|keinesfalls)\s+(?:löschen)?|"
    r"(?:må|skal|bør|får|ska|skall|må)\s+(?:absolutt\s+)?(?:ikke|ikkje|inte|aldri|aldrig)\s+"
    + _DELETE
    + r")",
    re.IGNORECASE,
)


def refuses_erasure(sentence: str) -> bool:
    """Whether a sentence says that something must *not* be deleted."""
    return len(sentence) < 700 and bool(_NOT_WANTED.search(sentence))
