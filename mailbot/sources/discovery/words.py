"""What the names of columns and tables mean: words of six languages, abbreviated and run together.

A name is taken apart (camelCase, underscores, compounds such as "leveringsadresse") and each part
gets a tag. What no word explains is tagged "?" and left to the values.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

# Tag → words in Norwegian, English, Swedish, Danish and German, with usual abbreviations.
_WORDS = {
    # Keys of a person.
    "email": "epost eposten epostadr epostadresse mail email emailaddress mailadresse mailadr eml"
    " emailadr emailadresse emailadress mejl epostadress elpost emailadres emails mailaddress",
    "phone": "telefon telefonnr telefonnummer tlf tlfnr telf tel telephone phone phonenumber"
    " phoneno mobil mobilnr mobilnummer mobiltelefon mob mobile mobiltlf cell cellphone msisdn"
    " handy gsm telnr fon tlfmobil mobilephone rufnummer handynummer telefonnumber ph tele",
    "fax": "fax faks telefaks telefax faxnr",
    "first": "fornavn forenavn firstname fname givenname given vorname vornam fornamn førenamn first"
    " forname rufname tilltalsnamn fnavn fornvn",
    "last": "etternavn lastname lname surname familyname nachname efternavn efternamn etternamn last"
    " family familienname slektsnavn enavn etternvn nachnam zuname sname",
    "maiden": "pikenavn maiden maidenname ugiftnavn geburtsname flicknamn pigenavn formername"
    " birthname jentenavn",
    "middle": "mellomnavn middlename middle mellemnavn mellannamn mname zwischenname",
    "fullname": "fullname fulltnavn visningsnavn displayname personnavn kundenavn kontaktnavn"
    " kontaktperson contactname contactperson ansprechpartner kontaktpers fulltnamn fullstendignavn"
    " personname customername clientname kundennam kundenname medlemsnavn innsender bestiller"
    " kundnamn ansprechpartnerin inhaber innehaver eiernavn ownername cardholder kortholder",
    "name": "navn name namn nam nom nvn bezeichnung benevnelse",
    # Numbers and ids.
    "number": "nr no num nummer number nbr nmr number",
    "id": "id ids guid uuid oid key ref fk pk ident identifier idnr kennung identifikator sub rowid"
    " uid objectid hashid cid",
    "code": "kode code kod kennzeichen schlussel kortkode kz",
    "type": "type typ art sort kind klasse class klass model tabell table tabelle entity entitet"
    " objekt object objekttype",
    # Who.
    "customer": "kunde kunder kunden kund kunder customer customers client clients klient klienter"
    " knd kdn kd cust kndn kunds abonnent abonnenter subscriber subscribers abo kjøper kjøpere buyer"
    " buyers debitor debitorer debitoren payer betaler besteller shopper kundekort kundestamm"
    " kundenstamm kundedata kunderegister debtor",
    "user": "bruker brukere brukar brukarar user users bruger brugere användare benutzer usr"
    " konto kontoer account accounts profil profiler profile profiles login logins anvender nutzer"
    " useraccount userprofile konten",
    "member": "medlem medlemmer medlemer member members mitglied mitglieder medlemmar medl mgl"
    " membership",
    "contact": "kontakt kontakter kontakte kontaktar contact contacts kont adressbuch addressbook"
    " kontaktpersoner",
    "person": "person personer personar persons people pers prs individ individual individuals"
    " private privatperson privatpersoner natperson personen enkeltperson human",
    "lead": "lead leads prospekt prospekter prospect prospects interessent interessenter"
    "  interessenten",
    "patient": "pasient pasienter patient patients patienten pas",
    "student": "student students studenter elev elever pupil pupils schueler schüler kursist"
    " kursister learner learners",
    "applicant": "søker søkere applicant applicants candidate candidates kandidat kandidater"
    " bewerber ansøger sökande",
    "guest": "gjest gjester guest guests gast gäste passasjer passasjerer passenger passengers"
    " visitor visitors besøkende reisende traveler travelers",
    "participant": "deltaker deltakere deltaker participant participants attendee attendees"
    " teilnehmer deltager deltagere deltagare påmeldt påmelding påmeldinger registration"
    " registrations anmeldung anmeldungen signup signups",
    "donor": "giver givere donor donors spender sponsor tenant leietaker leietakere mieter beboer"
    " beboere resident residents borrower låner lånere eier eiere owner forsikringstaker",
    "employee": "ansatt ansatte tilsett tilsette employee employees staff medarbeider medarbeidere"
    " mitarbeiter personale personal personell anställd anställda emp selger selgere seljar salgsrep"
    " salesperson salesrep salespeople seller vertreter verkäufer saksbehandler saksbehandlere"
    " sachbearbeiter behandler behandlere agent agents agenter operator operators operatør"
    " operatører admin admins administrator administrators administratorer kundebehandler"
    " rådgiver rådgivere konsulent konsulenter handler assignee mab techniker tekniker teknikere"
    " technician lege leger fastlege doctor doctors therapist terapeut lærer lærere teacher teachers trener trenere trainer instruktør instruktører coach arzt tannlege advokat megler sjåfør driver sælger sælgere säljare handläggare backoffice ansvarlig ansvarleg tilordnet"
    " assigned kundeansvarlig kundenbetreuer betreuer mita",
    "company": "firma firmaer firmaet company companies organisasjon organisasjoner organization"
    " organizations organisation organisations org orgs bedrift bedrifter virksomhet virksomheter"
    " foretak føretak unternehmen gesellschaft företag corporation business businesses employer"
    " arbeidsgiver arbeidsgivar arbeitgeber kundebedrift fma butikk butikker store stores filial"
    " merchant merchants agency agencies firmen betrieb betriebe selskap selskaper",
    "supplier": "leverandør leverandører supplier suppliers vendor vendors lieferant lieferanten"
    " leverantör leverantörer lev leverandor kreditor kreditorer kreditoren",
    "reseller": "forhandler forhandlere forhandlarar reseller resellers dealer dealers händler"
    " partner partners partnere återförsäljare distributør distributor",
    "relative": "pårørende parorende relative relatives nextofkin kin emergency nødkontakt"
    " ektefelle spouse foresatt foresatte verge guardian guardians parent mother father mor far barn"
    " child children notfall familie familiemedlem dependent dependents ehepartner ehegatte elternteil"
    " beneficiary begunstiget",
    "referrer": "verver vervet referrer referred referral anbefalt tipser recommended werber henvist"
    " invited inviter invitert invitedby geworben",
    # Roles of a party in a record.
    "delivery": "lief levering leverings delivery shipping ship shipto lieferung liefer leverans"
    " mottaker mottakar recipient receiver empfänger modtager mottagare utlevering consignee"
    " gavemottaker lieferadresse",
    "billing": "faktura fakturering billing bill billto rechnungs invoicing fakturamottaker"
    " regningsmottaker betaling payment",
    "sender": "avsender avsendar sender from fra frå von absender afsender avsändare author forfatter"
    " forfattar autor skrevetav postedby opphav verfasser innsendt reporter melder rapportør"
    " requester submitter anmelder innmelder",
    "to": "til to an till tiladresse recipients",
    "copy": "kopi cc bcc kopitil copy kopie blindkopi cclist cced",
    "actor": "opprettet created creator createdby oppretter updatedby endret modified modifiedby"
    " changedby approver approved godkjent godkjenner registrert registrertav erstellt erfasst"
    " geändert changed deletedby slettet edited editor redaktør host organizer organiser arrangør"
    " oprettet skapad ändrad erfasser uploadedby uploaded lastet",
    "by": "av by von durch",
    # What is personal beside the keys.
    "address": "adresse adresser address addresses adress anschrift adr addr gate gateadr gateadresse"
    " street streetaddress veiadresse vei gatenavn strasse straße str gata hausnr husnr housenumber"
    " postadresse besøksadresse bostedsadresse besoksadresse wohnort hjemmeadresse line1 line2"
    " adresselinje adressezeile coadresse postbox postboks",
    "postcode": "postnr pnr2 postn postnummer postkode postcode zip zipcode plz postalcode zipkode pnr postnum"
    " postno postleitzahl",
    "city": "poststed psted by city town ort stadt sted postort kommune bosted postadr municipality"
    " bostad",
    "region": "fylke county state province region landkode country land countrycode nation"
    " nationality nasjonalitet statsborgerskap bundesland län",
    "birth": "født fødselsdato fødselsdag fødselsår fdato fodt birthdate birthday dateofbirth dob"
    " birth born geburtsdatum gebdat geburtstag födelsedatum fødselsdag geb gebdatum fødd alder age"
    " birthyear fdt birthplace geburtsort fødested",
    "national_id": "fødselsnummer fødselsnr fnr personnummer personnr persnr cpr cprnr ssn"
    " socialsecurity nationalid nino passport passnr passport passno passnummer steuerid"
    " sozialversicherungsnummer svnr dnummer dnr førerkort driverslicense taxid personalausweis",
    "gender": "kjønn kjonn gender sex geschlecht kön køn pronouns pronomen anrede salutation tiltale"
    " tittel",
    "workplace": "arbeidssted arbeidsplass arbeidsstad workplace arbeitsplatz arbeitsort arbejdsplads"
    " arbetsplats work arbeidsgivernavn companyname firmanavn firmenname",
    "position": "stilling stillingstittel jobtitle position occupation yrke beruf erhverv job"
    " jobbtittel rolletittel profession funktion stillingar jobbtitel titel beruf",
    "ip": "ip ipadresse ipaddress ipaddr ipadr remoteaddr clientip ipv4 ipv6 remoteip",
    "device": "useragent deviceid device cookie cookieid sessionid session fingerprint mac macadresse"
    " imei browser enhetsid visitorid anonymousid pushtoken gaid gaclientid",
    "bank": "kontonr kontonummer bankkonto iban bic bankaccount accountnumber kontonum bankkontonr"
    " kontoinhaber kortnr kortnummer cardnumber pan kidnr bankverbindung last4 cardlast",
    "credential": "pass userpass passord passordhash password passwordhash passwd pwd kennwort passwort lösenord"
    " adgangskode hashedpassword token accesstoken apikey secret refreshtoken pin otp salt",
    "username": "brukernavn username nicename loginname benutzername användarnamn brugernavn nick nickname"
    " screenname handle alias loginnavn kallenavn kortnavn",
    "photo": "bilde bilete foto photo picture avatar portrett profilbilde image bild selfie signatur"
    " signature unterschrift",
    "health": "helse health diagnose diagnosis allergi allergier allergy allergies diett diet"
    " sykdom legemiddel medisin blodtype krankheit",
    "language": "språk language sprache locale målform sprog",
    "location": "lat lon lng latitude longitude gps koordinat koordinater breitengrad längengrad"
    " geo posisjon geolocation",
    "social": "facebook twitter linkedin instagram skype telegram whatsapp",
    "income": "inntekt income lønn salary gehalt",
    "marital": "sivilstand sivilstatus maritalstatus familienstand civilstånd",
    # Text about anybody.
    "text": "notat notater notis notiser note notes merknad merknader kommentar kommentarer comment"
    " comments beskrivelse description beschreibung beskjed melding meldinger message messages"
    " tekst text texte txt txtfld fritxt innhold content inhalt body brødtekst fritekst freetext bemerkung bemerkungen"
    " anmerkung anmerkungen anmerkning anm bem remark remarks memo beskrivning bemærkning bemærkninger"
    " meddelande anteckning anteckningar nachricht hilsen greeting feedback tilbakemelding review"
    " reviews anmeldelse omtale bewertung question spørsmål answer svar antwort transcript referat"
    " logg log linje line gravering engraving inscription dedikasjon emne subject betreff ämne"
    " gammel old ny new oldvalue newvalue gammelverdi nyverdi before after alt neu altwert neuwert"
    " årsak reason begrunnelse grund details detaljer detalj detail forespørsel request inquiry"
    " henvendelse anfrage bio about omtale presentasjon interesser interests query søk search"
    " melding vermerk info tilleggsinfo ytterligere instruks instructions ønske ønsker wish"
    " endring endringer changes diff snapshot payload data metadata meta svarene answers"
    " skjemasvar vedlagt journal historikk historie verlauf snippet utdrag stikkord",
    # What tells of the row and not of the person.
    "source": "kilde source opphavskilde herkunft quelle källa utmsource campaign kampanje kampagne"
    " leadsource origin kildekode kanal channel hentetfra innhentet acquisition",
    "volatile": "oppdatert oppdatertdato updated updatedat updatedon lastupdated sistoppdatert"
    " sistsett lastseen lastlogin lastloggedin sistinnlogget sistinnlogging lastmodified modifiedat"
    " modified sistendret endretdato endret aktualisiert geaendert geaendertam letzteänderung"
    " letzterlogin lastactivity lastactive rowversion timestamp synced syncedat sistbesøk"
    " lastvisit logincount besøk visits senast uppdaterad opdateret ändrat antallinnlogginger"
    " lastaccess lastaccessed lastlogon sistaktiv",
    "date": "dato date datum tid time dag day tidspunkt zeit zeitpunkt tidsstempel at am den når"
    " timestamp datetime opprettetdato createdat createdon created år year måned month",
    "amount": "beløp belop amount sum total pris price preis betrag antall count quantity qty menge"
    " saldo balance rabatt discount moms mva vat netto brutto valuta currency",
    "state": "status state tilstand zustand aktiv active inaktiv inactive enabled disabled slettet"
    " deleted archived arkivert",
    "thing": "vare varer produkt produkter product products artikkel artikler artikel item items"
    " fil file files dokument dokumenter document documents kategori kategorier category categories"
    " land side page pages mal maler template templates gruppe grupper group groups rolle roller"
    " role roles prosjekt prosjekter project projects avdeling department avdelinger kurs course"
    " courses hendelse event events arrangement arrangementer tabell kolonne column field feature"
    " plan plans lager warehouse merke brand innstilling innstillinger setting settings config"
    " konfigurasjon oppskrift server host host tag tags modell db database skjema form forms"
    " kampanjenavn rute serie abteilung gruppen warengruppe tittel title titel boktittel overskrift"
    " heading filnavn filename dateiname varenavn produktnavn",
    "list": "liste list liste verteiler mailingliste newsletterliste",
    "flag": "er is har has kan can må wants sendt sent gesendet verified bekreftet confirmed"
    " verifisert opt count template enabled",
    # Kinds of tables.
    "invoice": "faktura fakturaer invoice invoices rechnung rechnungen bilag bilager voucher vouchers"
    " kvittering kvitteringer receipt receipts regnskap regning regninger buchung buchungen"
    " kreditnota kreditnotaer creditnote creditnotes beleg belege hovedbok ledger posteringer"
    " betaling betalinger payment payments zahlung zahlungen innbetaling transaksjon transaksjoner"
    " transaction transactions fakt rech betalningar verifikat",
    "order": "ordre ordrer order orders bestilling bestillinger bestellung bestellungen beställning"
    " kjøp purchase purchases auftrag aufträge auftraege salg sale sales ord booking bookings"
    " reservasjon reservation reservations reservasjoner kurv kurver cart carts basket baskets"
    " checkout ordredata",
    "orderline": "ordrelinje ordrelinjer orderline orderlines orderitem orderitems",
    "subscription": "abonnement abonnementer subscription subscriptions nyhetsbrev newsletter"
    " newsletters mailingliste",
    "disclosure": "utlevering utleveringer disclosure disclosures delt shared delinger"
    " weitergabe overlevering videreformidling videreformidlinger offenlegung transfers",
    "merge": "sammenslått sammenslåing sammenslåinger sammenslaatt merge merged merges duplikat"
    " duplikater duplicate duplicates dubletten dublette zusammenführung dedupe tidligere aliases"
    " alias canonical successor erstattet erstattetav replaced",
    "marketing": "reservert reservasjon marketing markedsføring optout unsubscribed unsubscribe"
    " avmeldt abgemeldet donotcontact donotemail nomarketing robinson werbesperre",
    "consent": "samtykke samtykket consent optin subscribed einwilligung samtycke newsletteroptin"
    " ønskernyhetsbrev acceptsmarketing nyhetsbrevsamtykke",
    "blocked": "sperret sperra blocked locked gesperrt spärrad restricted begrenset frosset frozen"
    " låst",
    "call": "sms anrop call calls samtale samtaler telefoni whatsapp voice ring ringt anruf anrufe mms"
    " opkald samtal tekstmelding",
    "orgno": "orgnr organisasjonsnr organisasjonsnummer orgnummer orgform organisasjonsform vatno"
    " vatnumber ustid cvr ein companynumber registrationnumber hrb handelsregister foretaksnr"
    " registernummer cvrnr vatid umsatzsteuerid selskapsform",
    "noise": "tbl tab t x dbo stamm register registeret tabelle data base dim fact stg tmp app core"
    " my the xref map link rel i s en et e z old1 a b c",
    "second": "alt2 alternativ alternative second secondary sekundær sekundar privat private privat"
    " jobb work home hjem arbeid dienstlich ekstra extra andre other annen primary primær main"
    " hoved hovedepost current gyldig",
    "previous": "gammel gamle tidligere forrige former previous prev old alte altes vorherige"
    " opprinnelig original",
}  # fmt: skip
# Whoever a row may be about.
PEOPLE = frozenset(
    ("customer", "user", "member", "contact", "person", "lead", "patient", "student", "applicant",
     "donor", "guest", "participant")
)  # fmt: skip
_PARTS = re.compile(
    r"[A-ZÆØÅÄÖÜ]+(?=[A-ZÆØÅÄÖÜ][a-zæøåäöüß])|[A-ZÆØÅÄÖÜ]?[a-zæøåäöüß]+|[A-ZÆØÅÄÖÜ]+|\d+"
)
_LINKS = ("s", "e", "n", "en", "es", "")
_SHORT = frozenset(("nr", "no", "id", "kd", "ip", "av", "by", "cc", "ph"))
_LONGEST = 128


def _spellings(word: str) -> Iterator[str]:
    """As people write it without its letters: å as a or aa, ö as o or oe."""
    plain = {"ø": "o", "å": "a", "æ": "a", "ä": "a", "ö": "o", "ü": "u", "ß": "ss"}
    pairs = {"ø": "oe", "å": "aa", "æ": "ae", "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"}
    yield "".join(plain.get(sign, sign) for sign in word)
    yield "".join(pairs.get(sign, sign) for sign in word)


@lru_cache(maxsize=1)
def _meanings() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for tag, words in _WORDS.items():
        for word in words.split():
            for spelt in _spellings(word):
                if tag not in found.setdefault(spelt, []):
                    found[spelt].append(tag)
    return {word: tuple(tags) for word, tags in found.items()}


def words(name: str) -> tuple[str, ...]:
    """The parts of a name in lower case without diacritics: "KundeEpost2" is kunde, epost, 2."""
    tokens = [next(_spellings(part.lower())) for part in _PARTS.findall(name[:_LONGEST])]
    joined: list[str] = []
    place = 0
    while place < len(tokens):
        # e_post, e-mail, first_name, last_seen: one word, written apart.
        for size in (3, 2, 1):
            whole = "".join(tokens[place : place + size])
            if size == 1 or (whole in _meanings() and place + size <= len(tokens)):
                joined += [whole] if size > 1 else _split(whole)
                place += size
                break
    return tuple(joined)


@lru_cache(maxsize=10_000)
def _split(token: str) -> list[str]:
    """A compound into the words that it is made of; what no word explains stays as it is."""
    if token in _meanings() or len(token) < 5 or token.isdigit():
        if len(token) != 4 or token in _meanings():
            return [token]
        return _pair(token) if token[2:] in ("nr", "no", "id") else [_abbreviated(token) or token]
    best = _cover(token)
    if best is not None:
        return best
    longer = _abbreviated(token)
    if longer:
        return [longer]
    for size in range(len(token) - 2, 3, -1):
        if token[-size:] in _meanings() and not token[-size:].isdigit():
            return [token[:-size], token[-size:]]
    for size in range(len(token) - 2, 4, -1):
        if token[:size] in _meanings():
            return [token[:size], token[size:]]
    return [token]


def _abbreviated(token: str) -> str:
    """STRAS, MERKN: the beginning of known words that all mean one thing; "" if of none."""
    whole = [word for word in _meanings() if word.startswith(token)]
    if not whole or len(token) < 4:
        return ""
    common = set.intersection(*(set(_meanings()[word]) for word in whole))
    return min(whole, key=len) if common else ""


def _pair(token: str) -> list[str]:
    """KDNR, BENR: an abbreviation and the number or id of it."""
    if token[2:] in ("nr", "no", "id"):
        return [token[:2], token[2:]]
    return [token]


def _cover(token: str) -> list[str] | None:
    """The fewest known words that make up a token, with linking letters between them."""
    best: list[list[str] | None] = [[], *([None] * len(token))]
    for end in range(2, len(token) + 1):
        for start in range(end):
            before = best[start]
            if before is None:
                continue
            for link in _LINKS if start else ("",):
                if not token.startswith(link, start):
                    continue
                word = token[start + len(link) : end]
                if not _is_word(word):
                    continue
                current = best[end]
                if current is None or len(before) + 1 < len(current):
                    best[end] = [*before, word]
    return best[len(token)]


def _is_word(word: str) -> bool:
    return word in _meanings() and (len(word) > 2 or word in _SHORT)


def tags(name: str) -> tuple[frozenset[str], ...]:
    """The meanings of each part of a name; {"?"} for what no word explains, digits left out."""
    meanings = _meanings()
    return tuple(
        frozenset(meanings.get(word, ("?",))) for word in words(name) if not word.isdigit()
    )


def has(name: str, *wanted: str) -> bool:
    """Whether any part of a name has any of these meanings."""
    return any(part & set(wanted) for part in tags(name))


def last_tag(name: str) -> frozenset[str]:
    """The meaning of the last part, which in compounds is what the thing is."""
    found = tags(name)
    return found[-1] if found else frozenset()


def stem(word: str) -> str:
    """A word without the endings of plural and case, for comparing "kontakt_id" and "kontakter"."""
    for ending in ("erne", "ene", "ies", "ene", "er", "en", "es", "et", "ar", "or", "e", "s", "n"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def same_thing(one: Sequence[str], other: Sequence[str]) -> float:
    """How surely two runs of words name one thing: 1 the same words, 0.7 the same meaning, 0."""
    mine = [word for word in one if not word.isdigit() and not _is_noise(word)]
    theirs = [word for word in other if not word.isdigit() and not _is_noise(word)]
    if not mine or not theirs:
        return 0.0
    if len(mine) == len(theirs) and all(map(_alike, mine, theirs)):
        return 1.0
    if _alike("".join(mine), "".join(theirs)):
        return 1.0
    if all(map(_alike, reversed(mine), reversed(theirs))):
        return 0.85
    meanings = _meanings()
    who = {"customer", "user", "member", "contact", "person", "employee", "company", "supplier",
           "reseller", "patient", "student", "guest", "lead", "applicant", "order", "invoice",
           "participant", "subscription", "donor"}  # fmt: skip
    first = {tag for word in one for tag in meanings.get(word, ()) if tag in who}
    second = {tag for word in other for tag in meanings.get(word, ()) if tag in who}
    return 0.7 if first & second else 0.0


def _alike(one: str, other: str) -> bool:
    """One word in two forms: "ticket" and "tickets", "kontakt" and "kontakter"."""
    return bool({one, stem(one)} & {other, stem(other)})


def _is_noise(word: str) -> bool:
    return "noise" in _meanings().get(word, ())
