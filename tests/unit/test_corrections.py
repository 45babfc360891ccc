"""Old and new values out of a mail's own words; what is not said surely is left out."""

import pytest

from mailbot.language.corrections import corrections


def read(*texts: str) -> dict[str, tuple[str, str]]:
    return {one.what: (one.old, one.new) for one in corrections(texts)}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Ny adresse er Storgata 5, 0155 Oslo.", {"address": ("", "Storgata 5, 0155 Oslo")}),
        ("Hei!\nI have moved to 12 High Street, London N1 9GU.\nThanks",
         {"address": ("", "12 High Street, London N1 9GU")}),
        ("E-posten min er endret fra ola@a.no til ola.ny@b.no.",
         {"email": ("ola@a.no", "ola.ny@b.no")}),
        ("Mitt etternavn er nå Berg", {"surname": ("", "Berg")}),
        ("Telefonnummeret skal være 912 34 567", {"phone": ("", "+4791234567")}),
        ("Eg heiter no Kari Ås Vik.", {"name": ("", "Kari Ås Vik")}),
        ("My phone number should be +44 20 7946 0018, thanks!",
         {"phone": ("", "+442079460018")}),
        ("Please change my e-mail address to kari@ny.example", {"email": ("", "kari@ny.example")}),
        ("Det står Hansen, men jeg heter Hanssen.", {"": ("Hansen", "Hanssen")}),
        ("Min nya adress är Kungsgatan 4, 111 43 Stockholm.",
         {"address": ("", "Kungsgatan 4, 111 43 Stockholm")}),
        ("Min e-mailadresse er ændret fra a@x.dk til b@y.dk", {"email": ("a@x.dk", "b@y.dk")}),
        ("Meine neue Adresse ist Hauptstraße 7, 10115 Berlin.",
         {"address": ("", "Hauptstraße 7, 10115 Berlin")}),
        ("Mein Nachname ist jetzt Müller", {"surname": ("", "Müller")}),
        ("Jag har flyttat till Storgatan 3, 411 38 Göteborg",
         {"address": ("", "Storgatan 3, 411 38 Göteborg")}),
        ("Ny adresse er Storgata 5, 0155 Oslo, og nytt telefonnummer er 99 88 77 66.",
         {"address": ("", "Storgata 5, 0155 Oslo"), "phone": ("", "+4799887766")}),
        ("Adresse: feil.\nRiktig adresse er Storgata 1, 0155 Oslo.\nGammel adresse: Fjordveien 4",
         {"address": ("Fjordveien 4", "Storgata 1, 0155 Oslo")}),
        ("Ny e-post: ola@ny.no\nNy mobil: 91234567",
         {"email": ("", "ola@ny.no"), "phone": ("", "+4791234567")}),
        ("I now work at Solvang Bygg AS.", {"workplace": ("", "Solvang Bygg AS")}),
        ("Jeg heter Hanssen, ikke Hansen.", {"": ("Hansen", "Hanssen")}),
        ("My surname is Smyth, not Smith", {"surname": ("Smith", "Smyth")}),
        ("Telefonnummeret mitt er 912 34 567, ikke 900 00 001.",
         {"phone": ("+4790000001", "+4791234567")}),
        ("Adressen min er feil, den riktige er Storgata 5, 0155 Oslo.",
         {"address": ("", "Storgata 5, 0155 Oslo")}),
        ("I have changed my last name to Berg.", {"surname": ("", "Berg")}),
        ("Jeg har skiftet etternavn fra Vik til Berg.", {"surname": ("Vik", "Berg")}),
        ("Please update my phone number to +47 912 34 567.", {"phone": ("", "+4791234567")}),
        ("Stillingen min er nå daglig leder.", {"position": ("", "daglig leder")}),
    ],
)  # fmt: skip
def test_what_is_said_is_read(text: str, wanted: dict[str, tuple[str, str]]):
    assert read(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "Dere har feil telefonnummer på meg.",
        "Jeg har flyttet, oppdater adressen min.",
        "Er ny adresse Storgata 5, 0155 Oslo?",
        "Adressen er ikke Storgata 5 lenger.",
        "Ny e-post er ola@a.no eller ola@b.no.",
        "Hvis etternavnet mitt er nå Berg",
        "My new address is here",
        "Ny adresse er bedre enn den gamle.",
        "Navnet mitt er skrevet feil.",
        "Adressen er ikke riktig, og ikke telefonnummeret heller.",
        "Jeg heter ikke Hansen lenger.",
        "Min adresse er hemmelig, ikke gi den til noen.",
        "Telefonnummeret skal være 12",
        "Ny adresse er St. Olavs gate.",
        "Etternavnet skal være skrevet med to s-er som i passet mitt fra 2019",
    ],
)
def test_what_is_unsure_is_left_out(text: str):
    assert read(text) == {}


def test_two_values_in_one_mail_are_no_value_and_a_later_mail_counts():
    assert read("Ny e-post er a@x.no.\nNy e-post er b@x.no.") == {}
    assert read("Ny e-post er a@x.no.", "Beklager. Ny e-post er b@x.no.") == {
        "email": ("", "b@x.no")
    }


def test_hostile_text_takes_no_time():
    import time

    begun = time.process_time()
    read("ny adresse er " * 3000, "fra til " * 5000, "a" * 50_000, "navn er nå " + "x " * 20_000)
    assert time.process_time() - begun < 1.0
