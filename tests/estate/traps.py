"""The awkward cases: each says in its name what must not happen."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.estate.people import Estate


def plant(estate: "Estate") -> None:
    """All of them."""
    for trap in (
        _namesakes, _shared_address, _family_number, _recycled_number, _unnamed_number,
        _other_persons_ticket, _text_of_others, _merged, _married, _spellings, _companies,
        _referred, _polymorphic, _same_id_elsewhere, _staff_private, _orphans, _gmail, _tagged,
        _archive, _bare_names, _several_in_one,
    ):  # fmt: skip
        trap(estate)


def _namesakes(estate: "Estate") -> None:
    one, two = estate.add("ole1", "Ole", "Bakken"), estate.add("ole2", "Ole", "Bakken")
    for person, other in ((one, two), (two, one)):
        estate.contact(person, kundenr=f"K-77{person.number:03d}")
        row = {"navn": "Ole Bakken", "epost": person.email, "melding": "Hei"}
        estate.plant("crm", "henvendelser", row, person, maybe=(other,))
    row = {"navn": "Bakken, Ole", "epost": None, "melding": "Hei"}
    estate.plant("crm", "henvendelser", row, maybe=(one, two))


def _shared_address(estate: "Estate") -> None:
    shared = "post@bygdelaget.no"
    one = estate.add("shared1", "Liv", "Fossum", shared)
    two = estate.add("shared2", "Arne", "Tveit", shared)
    for person in (one, two):
        estate.contact(person)
        row = {"epost": shared.upper(), "navn": person.name}
        estate.plant("crm", "nyhetsbrev", row, person)
    estate.plant("crm", "nyhetsbrev", {"epost": shared, "navn": None}, maybe=(one, two))
    home = "familien@hytta.no"
    three = estate.add("couple1", "Nina", "Rød", home)
    four = estate.add("couple2", "Geir", "Rød", home)
    for person in (three, four):
        contact = estate.contact(person)
        estate.plant("crm", "saker", {"kontakt_id": contact, "emne": "x"}, person)
    estate.plant("crm", "nyhetsbrev", {"epost": home, "navn": None}, maybe=(three, four))
    estate.plant("shop", "logg", {"linje": f"login {home}"}, maybe=(three, four))


def _family_number(estate: "Estate") -> None:
    number = "+47 922 33 441"
    one = estate.add("family1", "Stian", "Lund", phone=number)
    two = estate.add("family2", "Hilde", "Lund", phone=number)
    for person in (one, two):
        estate.contact(person)
    estate.plant("crm", "sms_logg", {"nummer": "92233441"}, maybe=(one, two))


def _recycled_number(estate: "Estate") -> None:
    number = "+47 933 11 221"
    old = estate.add("recycled1", "Vegard", "Myhre", phone=number)
    new = estate.add("recycled2", "Berit", "Foss", phone="+47 944 11 221")
    estate.contact(old)
    estate.contact(new)
    row = {"navn": "Berit Foss", "telefon": "933 11 221", "melding": "Nytt nummer"}
    estate.plant("crm", "henvendelser", row, maybe=(new,))


def _unnamed_number(estate: "Estate") -> None:
    person = estate.add("only-number", "Jorunn", "Kvam", phone="+47 955 66 778")
    estate.contact(person)
    estate.plant("crm", "sms_logg", {"nummer": "0047-955-66-778"}, person)
    row = {"navn": "Jorunn Kvam", "telefon": "95566778", "melding": "Hei"}
    estate.plant("crm", "henvendelser", row, person)


def _other_persons_ticket(estate: "Estate") -> None:
    owner, writer = estate.add("owner", "Marit", "Eide"), estate.add("writer", "Leif", "Solli")
    copied = estate.add("copied", "Unni", "Grøn")
    contact = estate.contact(owner)
    estate.contact(writer)
    estate.contact(copied)
    case = estate.plant("crm", "saker", {"kontakt_id": contact, "emne": "Feil"}, owner)
    row = {"sak_id": case, "avsender": writer.email.upper(), "tekst": "Jeg fikk det samme."}
    estate.plant("crm", "saksmeldinger", row, owner, writer)
    row = {"sak_id": case, "avsender": owner.email, "kopi_til": f"x@y.no; {copied.email}",
           "tekst": f"Snakk med {copied.name}, {copied.phone}"}  # fmt: skip
    estate.plant("crm", "saksmeldinger", row, owner)


def _text_of_others(estate: "Estate") -> None:
    one, two = estate.add("noted", "Randi", "Holte"), estate.add("notes", "Egil", "Brekke")
    contact = estate.contact(one, notat=f"Gift med {two.name}, {two.email}")
    estate.contact(two)
    row = {"kontakt_id": contact, "tekst": f"Tipset av {two.email}"}
    estate.plant("crm", "notater", row, one)
    row = {"navn": one.name, "epost": one.email, "melding": f"Kontakt {two.name} {two.phone}"}
    estate.plant("crm", "henvendelser", row, one)
    row = {"kjoper": one.email, "hilsen": f"Til {two.name} {two.email}"}
    estate.plant("shop", "gavekort", row, one)
    # Longer addresses and numbers that only contain the person's.
    estate.plant("shop", "logg", {"linje": f"mail to x{two.email} and {two.email}.evil.com"})
    digits = "".join(sign for sign in two.phone if sign.isdigit())
    estate.plant("crm", "notater", {"tekst": f"{two.name} konto 1{digits}77"}, maybe=(two,))


def _merged(estate: "Estate") -> None:
    person = estate.add("merged", "Trine", "Wold")
    contact = estate.contact(person)
    old = "trine.gammel@forrige.no"
    row = {"kontakt_id": contact, "gammel_epost": old.upper()}
    estate.plant("crm", "sammenslaatt", row, person)
    estate.plant("crm", "nyhetsbrev", {"epost": old, "navn": None}, person)
    estate.plant("shop", "kurver", {"epost": old}, person)


def _married(estate: "Estate") -> None:
    person = estate.add("married", "Hege", "Sandvik")
    estate.contact(person, etternavn="Sandvik", pikenavn="Rustad")
    row = {"navn": "Hege Rustad", "telefon": person.phone, "melding": "Hei"}
    estate.plant("crm", "henvendelser", row, person)
    estate.plant("crm", "arkiv", {"navn": "Rustad, Hege", "epost": person.email}, person)


def _spellings(estate: "Estate") -> None:
    person = estate.add("spelt", "Bjørg", "Åmås", "bjørg.åmås@blåbær.no")
    estate.contact(person)
    for shown in ("BJØRG.ÅMÅS@BLÅBÆR.NO", "bjørg.åmås@xn--blbr-roah.no",
                  "bjÃ¸rg.Ã¥mÃ¥s@blÃ¥bÃ¦r.no", "bjørg.åmås@blåbær.no"):  # fmt: skip
        estate.plant("crm", "nyhetsbrev", {"epost": shown, "navn": None}, person)
    row = {"navn": "AAMAAS BJOERG", "telefon": person.phone, "melding": ""}
    estate.plant("crm", "henvendelser", row, person)


def _companies(estate: "Estate") -> None:
    sole = estate.add("sole", "Dag", "Ruud", "dag@ruudsnekker.no")
    estate.contact(sole)
    row = {"navn": "Ruud Snekkerservice", "orgform": "ENK", "epost": "Dag@RuudSnekker.no"}
    firm = estate.plant("crm", "firmaer", row, sole)
    estate.plant("crm", "ordrer", {"firma_id": firm, "dato": None}, sole)
    boss = estate.add("boss", "Wenche", "Koll", "wenche@kollbygg.no")
    row = {"navn": "Koll Bygg AS", "orgform": "AS", "epost": "wenche@kollbygg.no"}
    firm = estate.plant("crm", "firmaer", row)
    estate.contact(boss, firma_id=firm)
    estate.plant("crm", "ordrer", {"firma_id": firm, "dato": None})
    mate = estate.add("mate", "Roar", "Enger")
    estate.contact(mate, firma_id=firm)


def _referred(estate: "Estate") -> None:
    one = estate.add("referrer", "Tone", "Aune")
    contact = estate.contact(one)
    estate.contact(estate.add("referred", "Finn", "Dybdal"), vervet_av=contact)


def _polymorphic(estate: "Estate") -> None:
    person = estate.add("poly", "Sissel", "Nes")
    contact = estate.contact(person, id=5001)
    row = {"eier_type": "kontakt", "eier_id": str(contact), "filnavn": "min.pdf"}
    estate.plant("crm", "vedlegg", row, person)
    row = {"eier_type": "faktura", "eier_id": str(contact), "filnavn": "annen.pdf"}
    estate.plant("crm", "vedlegg", row)
    other = estate.add("poly-basket", "Kåre", "Nes")
    estate.plant("shop", "kurver", {"id": 5001, "epost": other.email}, other)
    row = {"eier_type": "kurv", "eier_id": "5001", "filnavn": "hans.pdf"}
    estate.plant("crm", "vedlegg", row, other)


def _same_id_elsewhere(estate: "Estate") -> None:
    person = estate.add("same-id", "Grete", "Lien")
    estate.contact(person, id=6001, kundenr="K-60010")
    estate.contact(estate.add("same-id2", "Odd", "Lien"), id=6002, kundenr="K-60020")
    estate.plant("shop", "bestillinger", {"id": 6001, "kunde_id": None, "dato": "2025"})
    estate.plant("crm", "innlogginger", {"bruker_id": "6001", "tid": ""})
    estate.plant("crm", "notater", {"tekst": "Gjelder K-600100 og XK-60010."})
    estate.plant("crm", "notater", {"tekst": "Gjelder k60010, haster"}, person)


def _staff_private(estate: "Estate") -> None:
    """Staff are out by all keys, also by a private address."""
    row = {"epost": "mona.privat@example.net", "navn": "Mona Medarbeider"}
    estate.plant("crm", "nyhetsbrev", row)
    person = estate.add("seller-friend", "Randi", "Vold")
    estate.contact(person, selger_id=3)
    row = {"tekst": f"{person.email} ringte siri@firmaet.no på 22 00 00 01", "ansatt_id": 1}
    estate.plant("crm", "notater", row, person)


def _orphans(estate: "Estate") -> None:
    person = estate.add("orphan", "Inga", "Stokke")
    estate.contact(person)
    estate.plant("crm", "vedlegg", {"eier_type": "kontakt", "eier_id": "99999", "filnavn": "c"})
    row = {"kontakt_id": 99999, "felt": "x", "gammel": "y", "nr": 2}
    estate.plant("crm", "revisjon", row, key=())


def _gmail(estate: "Estate") -> None:
    person = estate.add("gmail", "Petter", "Sunde", "petter.sunde@gmail.com")
    estate.contact(person)
    for shown in ("pettersunde@gmail.com", "Petter.Sunde+butikk@googlemail.com"):
        estate.plant("crm", "nyhetsbrev", {"epost": shown, "navn": None}, person)
    estate.plant("shop", "logg", {"linje": "ok p.etter.sunde@gmail.com"}, person)
    estate.plant("crm", "nyhetsbrev", {"epost": "pettersundet@gmail.com", "navn": None})


def _tagged(estate: "Estate") -> None:
    person = estate.add("tagged", "Vidar", "Torp", "vidar@torp.no")
    estate.contact(person)
    row = {"epost": "vidar+nyheter@torp.no", "navn": None}
    estate.plant("crm", "nyhetsbrev", row, maybe=(person,))
    estate.plant("crm", "nyhetsbrev", {"epost": "v.idar@torp.no", "navn": None})
    estate.plant("crm", "nyhetsbrev", {"epost": "vidar@torp.no.com", "navn": None})


def _archive(estate: "Estate") -> None:
    person = estate.add("archived", "Asle", "Grimstad")
    row = {"navn": "GRIMSTAD, ASLE", "epost": person.email.upper(), "slettet": "2020-01-01"}
    estate.plant("crm", "arkiv", row, person)


def _bare_names(estate: "Estate") -> None:
    person = estate.add("bare", "Kjersti", "Hovland")
    estate.contact(person)
    for shown in ("K. Hovland", "Hovland Kjersti"):
        row = {"epost": None, "navn": shown}
        estate.plant("crm", "nyhetsbrev", row, maybe=(person,))
    estate.plant("crm", "nyhetsbrev", {"epost": None, "navn": "Hovland"})
    estate.plant("crm", "notater", {"tekst": "Ring Kjersti Hovland."}, maybe=(person,))


def _several_in_one(estate: "Estate") -> None:
    person = estate.add("several", "Mads", "Aker")
    estate.contact(person, epost=f"{person.email}; mads@kontoret.no", mobil=None,
                   telefon="22 33 44 56 / 966 77 881")  # fmt: skip
    estate.plant("crm", "nyhetsbrev", {"epost": "mads@kontoret.no", "navn": None}, person)
    estate.plant("crm", "sms_logg", {"nummer": "96677881"}, person)
