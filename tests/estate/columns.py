"""The estate's columns as a person marks them, to judge `discover` by.

Identity: what names or reaches the person of a row (or staff, or a firm). Personal: what else is
about somebody, free text included. Either: of which good people differ.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Marks:
    """Columns by "system.table"."""

    identity: dict[str, set[str]]
    personal: dict[str, set[str]]
    either: dict[str, set[str]]


def estate_marks() -> Marks:
    """The marks of the two databases of `tables`."""
    return Marks(
        identity={
            "crm.kontakter": {
                "fornavn",
                "etternavn",
                "pikenavn",
                "epost",
                "epost2",
                "mobil",
                "telefon",
                "kundenr",
                "bruker_id",
            },
            "crm.firmaer": {"navn", "epost", "telefon"},
            "crm.ansatte": {"navn", "epost", "telefon"},
            "crm.ordrer": {"leveringsepost"},
            "crm.nyhetsbrev": {"epost", "navn"},
            "crm.sms_logg": {"nummer"},
            "crm.henvendelser": {"navn", "epost", "telefon"},
            "crm.saksmeldinger": {"avsender"},
            "crm.sammenslaatt": {"gammel_epost"},
            "crm.skjemasvar": {"svar"},
            "crm.arkiv": {"navn", "epost"},
            "crm.innlogginger": {"bruker_id"},
            "crm.deltakere": {"epost"},
            "shop.kunder": {"navn", "e_post", "tlf"},
            "shop.kurver": {"epost"},
            "shop.gavekort": {"kjoper"},
        },
        personal={
            "crm.kontakter": {"adresse", "stilling", "notat"},
            "crm.ordrer": {"leveringsnavn"},
            "crm.ordrelinjer": {"gravering"},
            "crm.fakturaer": {"fakturanavn"},
            "crm.sms_logg": {"tekst"},
            "crm.henvendelser": {"melding"},
            "crm.saker": {"emne"},
            "crm.saksmeldinger": {"kopi_til", "tekst"},
            "crm.kort": {"kort"},
            "crm.revisjon": {"gammel"},
            "crm.notater": {"tekst"},
            "crm.deltakere": {"merknad"},
            "shop.gavekort": {"hilsen"},
            "shop.logg": {"linje"},
        },
        either={
            "crm.leverandorer": {"navn", "epost"},
            "crm.vedlegg": {"filnavn"},
            "shop.kurver": {"innhold"},
            "crm.revisjon": {"felt"},
        },
    )
