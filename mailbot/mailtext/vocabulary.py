"""What mail programs write around people's words, in the languages that we meet.

Header labels, attributions, delimiters, footers, banners and disclaimers of Outlook, Gmail,
Apple Mail, Thunderbird and their like; Norwegian, English, Swedish, Danish, German first, then
French, Spanish, Dutch, Polish, Finnish, Italian and Portuguese.
"""

import re


def _any(*words: str) -> str:
    return "(?:" + "|".join(words) + ")"


FROM = _any(
    "from", "fra", "frå", "från", "von", "de", "van", "da", "od", "lähettäjä", "avsender",
    "avsändare", "afsender", "absender", "mittente", "remitente", "expéditeur", "afzender",
    "nadawca", "remetente", "от",
)  # fmt: skip
DATE = _any(
    "date", "sent", "sendt", "skickat", "skickad", "gesendet(?: am)?", "envoyé(?: le)?",
    "enviado(?: el)?", "verzonden", "inviato", "wysłano", "lähetetty", "dato", "datum", "fecha",
    "data", "päivämäärä", "sendt den", "sent on", "дата", "enviada em",
)  # fmt: skip
TO = _any(
    "to", "til", "till", "an", "à", "a", "para", "aan", "do", "vastaanottaja", "mottaker",
    "mottakar", "mottagare", "modtager", "empfänger", "кому", "saaja",
)  # fmt: skip
SUBJECT = _any(
    "subject", "emne", "ämne", "betreff", "objet", "asunto", "onderwerp", "oggetto", "temat",
    "aihe", "assunto", "тема",
)  # fmt: skip
OTHER = _any(
    "cc", "bcc", "kopi", "kopi til", "kopia", "kopie", "blindkopi", "svar til", "reply-to",
    "svara till", "antwort an", "importance", "viktighet", "prioritet", "vikt", "wichtigkeit",
    "priorität", "attachments?", "vedlegg", "bilagor", "vedhæftede filer", "anlagen", "anhänge",
    "sensitivity", "categories", "organization", "organisasjon", "copie", "répondre à",
    "message-id", "resent-from", "dw",
)  # fmt: skip


def _label(words: str) -> re.Pattern[str]:
    return re.compile(rf"[\s>*_]{{0,6}}{words}[\s*_]{{0,3}}:[\s*_]{{0,4}}(?P<value>.*)", re.I)


LABELS = {
    "from": _label(FROM),
    "date": _label(DATE),
    "to": _label(TO),
    "subject": _label(SUBJECT),
    "other": _label(OTHER),
}

_WROTE = _any(
    "wrote", "writes", "skrev", "skreiv", "skriver", "schrieb", "a écrit", "écrit", "escribió",
    "schreef", r"ha scritto", "escreveu", r"napisał\(?a?\)?", "napisała", "pisze", "kirjoitti",
    "написал", "пишет", "kirjutas", "het volgende geschreven", "følgende", "folgendes",
    "geschrieben", "schreef het volgende", "a scris", "skrifaði",
)  # fmt: skip
# "On … wrote:", "Den … skrev …:", "tir. 18. apr. 2017 kl. 13:09 skrev …:", "Am … schrieb …:"
ATTRIBUTION = re.compile(
    rf"(?:.{{0,300}}\b{_WROTE}(?!\w).{{0,250}}|{_WROTE}\b.{{0,250}}):[\s*]*", re.I
)
# "30.09.2017, 18.30, Kari <kari@example.no>:" and "---- On … wrote ----", without verb or colon.
ATTRIBUTION_BARE = re.compile(
    r"(?=.*\d{1,2}[:.]\d{2})(?=.*\b\d{4}\b).{8,200}<?[^\s<>@]+@[^\s<>@]+>\s*:"
    rf"|(?=.*\d{{1,2}}[:.]\d{{2}})(?=.*<[^<>@\s]+@).{{8,300}}\b{_WROTE}"
    rf"|-{{2,}}+\s?.{{8,300}}\b{_WROTE}\s?-{{2,}}+",
    re.I,
)
# A clock, or an address: what no person writes before "skrev:" in passing.
ATTRIBUTION_PROOF = re.compile(r"@|\b\d{1,2}[:.]\d{2}\b|\bkl\.?\s?\d")
ATTRIBUTION_START = re.compile(
    r"[\s*_]{0,3}(?:on|den|am|le|el|op|il|em|w dniu|dnia|dne|på|ma|ti|ke|to|pe|la|su"
    r"|(?:man|mån|mån|tir|tis|tys|ons|tor|fre|lør|laur|lau|lör|søn|sun|sön|mon|tue|wed|thu|fri|sat"
    r"|mo|di|mi|do|fr|sa|so|lun|mar|mer|mié|jeu|jue|ven|vie|sam|sáb|dim|dom|pon|wt|śr|czw|pt)"
    r"[a-zøöäé]{0,8}\.?,?)\s+(?:.*)\d|[\s*_]{0,3}(?:\d{1,2}[./]\s?[\w.]+|\d{4}-\d{1,2}-\d{1,2})\s",
    re.I,
)

_FORWARD_TITLES = _any(
    "forwarded message", "videresendt melding", "videresendt e-post", "vidaresend melding",
    "vidaresendt melding", "vidarebefordrat meddelande", "vidarebefordrat brev",
    "vidarebefordrat mejl", "videresendt besked", "videresendt meddelelse", "videresendt mail",
    "weitergeleitete nachricht", "weitergeleitete e-mail", "message transféré",
    "mensaje reenviado", "doorgestuurd bericht", "messaggio inoltrato",
    "wiadomość przekazana", "przekazana wiadomość", "edelleenlähetetty viesti",
    "välitetty viesti", "mensagem encaminhada", "forwarded by .{1,60}",
)  # fmt: skip
_ORIGINAL_TITLES = _any(
    "original message", "original e-?mail", "reply message", "opprinnelig melding",
    "opphavleg melding", "opprinneleg melding", "opprinnelig e-post", "oprindelig meddelelse",
    "oprindelig besked", "oprindelig e-mail", "originalmeddelande", "ursprungligt meddelande",
    "ursprüngliche nachricht", "originalnachricht", "original-nachricht", "message d'origine",
    "message original", "mensaje original", "oorspronkelijk bericht",
    "messaggio originale", "wiadomość oryginalna", "oryginalna wiadomość",
    "alkuperäinen viesti", "mensagem original", "исходное сообщение",
)  # fmt: skip
_RULE = r"[-_=*–—]{2,}+"
FORWARD_LINE = re.compile(rf"[\s>]{{0,4}}{_RULE}\s*{_FORWARD_TITLES}\s*:?\s*(?:{_RULE})?\s*", re.I)
ORIGINAL_LINE = re.compile(
    rf"[\s>]{{0,4}}{_RULE}\s*{_ORIGINAL_TITLES}\s*:?\s*(?:{_RULE})?\s*", re.I
)
APPLE_FORWARD = re.compile(
    r"[\s>]{0,4}"
    + _any(
        "begin forwarded message", "start på videresendt melding", "videresendt melding",
        "start på vidaresend melding", "vidarebefordrat brev", "vidarebefordrat mejl",
        "start på videresendt besked", "begyndelse på videresendt besked",
        "start på videresendt meddelelse", "påbegynd videresendt besked",
        "anfang der weitergeleiteten (?:nachricht|e-mail)", "début du message (?:transféré"
        "|réexpédié)",
        "inicio del mensaje reenviado", "begin doorgestuurd bericht",
        "inizio messaggio inoltrato", "początek przekazywanej wiadomości",
        "edelleenlähetetty viesti alkaa",
    )
    + r"\s*:\s*",
    re.I,
)  # fmt: skip
UNDERSCORES = re.compile(r"\s*[_‗]{10,}\s*|\s*-{20,}\s*")

FORWARD_SUBJECT = re.compile(
    r"\s*(?:fwd?|vs|vb|wg|tr|rv|doorst|vl|i|pd|enc|videresendt|vidaresend)\s*(?:\[\d+\])?\s*:", re.I
)
REPLY_SUBJECT = re.compile(
    r"\s*(?:re|sv|aw|antw|odp|ynt|res|rif|vs|ref|antwort|svar|ad)\s*(?:\[\d+\])?\s*:", re.I
)

# "PS: …" below the name is still the writer speaking.
AFTERTHOUGHT = re.compile(r"\s*(?:p\.?\s?s\.?|n\.?b\.?|obs|merk|edit|p\.p\.s\.?)\b[\s:.,!-]", re.I)

_HILSEN = (
    r"(?:hilsen(?:er)?|hilsn(?:er|en)|helsing(?:ar|er)?|hälsning(?:ar)?|hels\.?|hils\.?|hlsn\.?)"
)
_KIND = (
    r"(?:vennlig|vennleg|venleg|venlig|vänliga?|beste?|bästa|hjert[ae]lige?|hjerteleg|hjärtliga"
    r"|god|gode"
    r"|kjær|varme?|mange|mvh|de beste|snill|kollegial|kærlig|venskabelig|med|stor)"
)
_SIGN_OFFS = (
    rf"(?:med\s+)?(?:(?:ei|en)\s+)?(?:{_KIND}\s+){{1,2}}{_HILSEN}(?:\s+(?:fra|frå|från))?",
    rf"{_HILSEN}(?:\s+(?:fra|frå|från))?",
    r"m\.?\s?v\.?\s?h\.?|v\.?\s?h\.?|bvh|vlh|m\.v\.h|d\.s\.|allt gott|alt godt",
    r"(?:mit\s+)?(?:freundlich|best|herzlich|lieb|viel|schön|sonnig)\w{0,2}\s+(?:gr(?:ü|ue)(?:ß"
    r"|ss)en?)"
    r"|mfg|m\.f\.g\.|lg|vg|gr(?:ü|ue)(?:ß|ss)e?|hochachtungsvoll",
    r"(?:with\s+)?(?:best|kind|kindest|warm|warmest|many)\s+(?:regards|wishes)|regards|cheers"
    r"|sincerely(?:\s+yours)?|yours(?:\s+(?:sincerely|faithfully|truly))?|all the best|best|br|kr"
    r"|rgds|kind rgds|(?:many )?thanks (?:&|and) (?:best |kind )?regards",
    r"cordialement|bien (?:à vous|cordialement)|salutations|saludos(?: cordiales)?|un saludo"
    r"|atentamente|met vriendelijke groet(?:en)?|groet(?:en|jes)?|mvg|cordiali saluti"
    r"|distinti saluti|saluti|z poważaniem|pozdrawiam|pozdrowienia|ystävällisin terveisin"
    r"|terveisin|atenciosamente",
)
SIGN_OFF = re.compile(rf"[\s*_]{{0,3}}(?:{'|'.join(_SIGN_OFFS)})(?P<rest>(?:[\s,.!*_–-].*)?)", re.I)

MOBILE_FOOTER = re.compile(
    r"\s*(?:[-–—*_]{0,3}\s*)?(?:"
    + "|".join(
        (
            r"(?:sent|sendt|skickat|skickad|send|gesendet|envoyé|enviado|inviato|verzonden"
            r"|verstuurd|wysłane"
            r"|lähetetty|verschickt)\s+(?:securely\s+)?(?:from|via|fra|frå|från|mit|von|depuis"
            r"|de|desde|da|dal|vanaf|à partir de"
            r"|van|met|z|with|using|by|on)\b(?:\s+(?:my|min|mitt|meinem|meiner|mijn|mon|mi"
            r"|il mio|mio|the|der|vår))?"
            r"(?:\s+[\w.,'’()/+&-]{1,30}){1,6}",
            r"von\s+(?:meinem|meiner|unterwegs|mobile)\b.{0,40}(?:gesendet)?",
            r"(?:get|hent|få|skaff(?:\s+deg)?|hämta|ladda ner|holen sie sich|laden sie|obtenir"
            r"|obtenez|télécharger"
            r"|obtener|download|scarica|pobierz|hanki)\s+outlook\s+\w+\s+(?:ios|android|mac"
            r"|windows).{0,40}",
            r"outlook\s+(?:for|für|til|till|pour|voor|per|para)\s+(?:ios|android|mac"
            r"|windows)(?:\s+\w+)?",
            r"(?:sendt|sent|skickat)\s+(?:from|fra|från)\s+outlook.{0,40}",
        )
    )
    + r")[\s.!<>]*(?:<?https?://\S*>?\s*)?",
    re.I,
)

_TITLE = (
    r"(?:caution|warning|advarsel|varning|vorsicht|achtung|obs|merk|ekstern(?:\s+e-?post)?"
    r"|external(?:\s+e-?mail|\s+sender|\s+message)?|externt?(?:\s+e-?post|\s+avsändare)?"
    r"|eksternt?|externe e-?mail|e[kx]stern[at]?\s+(?:avsend[ae]r|afsender|avsändare|mail"
    r"|melding|absender|mottatt))"
)
_THIS_MAIL = (
    r"(?:this|the|denne|dette|det här|den här|detta|diese|dieser)\s+(?:\w+\s+)?(?:e-?mail\w*"
    r"|message"
    r"|e-?post\w*|melding\w*|meddelande\w*|mejl\w*|mail\w*|besked\w*|nachricht\w*|sender)"
)
# What a company's server writes above mail that came from outside.
BANNER_TITLE = re.compile(rf"[\s*_!⚠️\[(-]*{_TITLE}[\s*_!:\]).-]*", re.I)
BANNER = re.compile(
    rf"[\s*_!⚠️\[(-]*(?:{_TITLE}[\s*_!:\]).-]+)?"
    rf"(?:{_THIS_MAIL}.{{0,40}}\b(?:originate\w*|kommer|kom|er sendt|sendt|skickad\w*|stammt"
    rf"|came|was"
    r" sent|is from|er frå|er fra|är från|wurde)\b.{0,80}\b(?:outside|utenfor|utanfor|utanför"
    r"|utsida|utsiden|utsidan"
    r"|utifrån"
    r"|utanifrån|ekstern\w*|extern\w*|uden for|udenfor|utenifra|außerhalb)"
    r"|(?:you don't|you do not|you dont) often get e?-?mail from|du får ikke ofte e-post fra"
    r"|du får ikkje ofte e-post frå|du får inte ofta e-post från|du får ikke ofte mails? fra"
    r"|sie erhalten nicht (?:häufig|oft) e-?mails? von|(?:some|noen|några|nogle|einige).{1,60}"
    r"(?:don't often get|får ikke ofte|får inte ofta|erhalten nicht))",
    re.I,
)
BANNER_ADVICE = re.compile(
    r"[\s*_!-]*(?:(?:please )?(?:do not|don't|ikke|ikkje|klikk ikke|klikk ikkje|klicka inte"
    r"|klik ikke"
    r"|öppna inte|åpne ikke|klicken sie)\b.{0,100}(?:click|klikk|klick|klik|open|åpn|öppn|åbn"
    r"|links?"
    r"|lenk\w+|länk\w+|vedlegg|attachments?|bilag\w*|anhänge)|learn why this is important|finn ut"
    r" (?:hvorfor|kvifor) dette er viktig|läs om varför|få mere at vide om,? hvorfor|erfahren sie,"
    r" warum|<?https?://aka\.ms/learnaboutsender)",
    re.I,
)

# A disclaimer says at least two of these things at once; no person does in a plain sentence.
DISCLAIMER_SIGNS = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r"\b(?:denne|dette|this|den här|detta|diese|dieser|the)\s+(?:\w+\s+)?(?:e-?post\w*"
        r"|e-?mail\w*|mail\w*|message"
        r"|melding\w*|meddelande\w*|meddelelse\w*|besked\w*|nachricht\w*|communication"
        r"|transmission|mejl\w*)",
        r"konfidensiel|confidential|konfidentiell|fortrolig|vertraulich|sekretess|privileged"
        r"|taushetsplikt|teieplikt"
        r"|tystnadsplikt|tavshedspligt|legally protected|proprietary",
        r"intended (?:solely |only |recipient|for)|(?:tiltenkt|rette|riktig|angitte"
        r"|oppgitte)\s+(?:adressat|mottaker)"
        r"|adressat|avsedd|avsedda|mottagare|tiltænkt|modtager|bestimmt|empfänger"
        r"|named addressee|addressee"
        r"|mottaker|mottakar|solely for",
        r"(?:ved en feil|feilsend|ved feil|by mistake|in error|av misstag|felaktigt|ved en fejl"
        r"|ved fejl|irrtümlich"
        r"|versehentlich|received this (?:e-?mail|message) in)",
        r"(?:notify|varsle|underrett|kontakt|meddela|meddel|informieren|return|gi beskjed"
        r"|orientere|inform)\b.{0,40}"
        r"(?:sender|avsender\w*|avsändare\w*|afsender\w*|absender|us|oss)",
        r"(?:unauthori[sz]ed|uautorisert|obehörig|uberettiget|unbefugt).{0,60}(?:use|bruk"
        r"|disclosure|copy|kopi"
        r"|weitergabe|spredning|användning)|strictly prohibited|er forbudt|är förbjud"
        r"|ist nicht gestattet|nicht gestattet",
        r"(?:virus|scanned|skannet|skannad)\b.{0,60}(?:free|fri|scan|kontroll|mimecast|avast|by"
        r"|av)",
        r"(?:liability|ansvar|haftung)\b.{0,40}(?:accept|for|from|übernommen|påta)",
    )
)
PRINT_PLEA = re.compile(
    r"(?:think|consider|tenk|tänk|tænk|denken sie|vær snill|please|bitte|spar|miljø\w*"
    r"|umwelt\w*)\b.{0,80}"
    r"\b(?:print\w*|skriver? ut|utskrift\w*|skriv ut|skriva? ut|skriver du ut|udskriv\w*"
    r"|ausdruck\w*|drucken)",
    re.I,
)
LOOKS_LIKE_DETAILS = re.compile(
    r"@|https?://|www\.|\+?\d[\d\s()./-]{5,}\d|\b(?:tlf|tel|mob|phone|fax|org\.?\s?nr|telefon"
    r"|mobil|telephone)\b"
    r"|\b[\w-]+\.(?:no|com|se|dk|de|org|net|eu)\b",
    re.I,
)
LEGAL_SIGNS = (1, 2, 5)  # of these signs at least one must be there: secrecy, addressee, misuse
