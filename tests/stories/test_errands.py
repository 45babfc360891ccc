"""After a restore, at the periodic review, before a restriction is lifted: proposed, then done."""

import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from mailbot.case import State
from mailbot.cli import main
from mailbot.errands import Errands
from mailbot.errors import Permanent
from tests.stories.test_attacks_data import with_map
from tests.stories.test_other_rights import MARKED, RESTRICT
from tests.stories.test_straight_way import ERASE
from tests.stories.world import INGRID, World, letter, world


def errands(small: World) -> Errands:
    return Errands(small.parts.store, small.daemon.flow, small.clock)


def erased(small: World) -> None:
    """Ingrid's erasure, done and closed; then the register is restored from before."""
    backup = small.stage.folder / "backup.db"
    shutil.copy(small.stage.register, backup)
    small.write(INGRID, "Sletting", ERASE)
    small.reply(small.question(), "Godkjent")
    small.clock.pass_time(hours=25)
    small.once()
    assert small.only_matter().state is State.CLOSED
    shutil.copy(backup, small.stage.register)
    assert len(small.rows("ordrer", "kontakt_id = 1")) == 2


def test_what_a_backup_brings_back_is_erased_again_once_approved(small: World):
    erased(small)
    others = small.rows("kontakter", "id <> 1"), small.rows("ordrer", "kontakt_id <> 1")
    before = len(small.sent(INGRID))
    said = errands(small).reapply("crm")
    assert "spurt i sak" in said
    small.once()
    assert len(small.rows("ordrer", "kontakt_id = 1")) == 2  # not before somebody approves
    question = letter(small.question())
    assert "gjenopprettet fra sikkerhetskopi" in question
    assert "Brevet som sendes" not in question
    small.reply(small.question(), "Godkjent")
    assert small.rows("ordrer", "kontakt_id = 1") == []
    assert small.rows("henvendelser", "id = 31") == []
    (contact,) = small.rows("kontakter", "id = 1")
    assert contact[1:6] == (None,) * 5
    assert (small.rows("kontakter", "id <> 1"), small.rows("ordrer", "kontakt_id <> 1")) == others
    assert len(small.sent(INGRID)) == before  # nobody asked, nobody is answered
    assert {matter.state for matter in small.matters()} == {State.CLOSED}
    assert "0 slettede oppføringer" in errands(small).reapply("crm")


def test_a_number_that_is_somebody_elses_by_now_is_not_touched(small: World):
    erased(small)
    small.sql("DELETE FROM ordrer WHERE id = 11")
    small.sql("INSERT INTO ordrer VALUES (11, 4, '2026-11-01', 'Annet', 'Ingrid Solvåg', 'Vei 1')")
    small.sql("UPDATE henvendelser SET epost = 'ny@annen.example', melding = 'x' WHERE id = 31")
    said = errands(small).reapply("crm")
    assert "2 har nummeret" in said
    small.once()
    small.reply(small.question(), "Godkjent")
    assert len(small.rows("ordrer", "id = 11")) == 1
    assert len(small.rows("henvendelser", "id = 31")) == 1
    assert small.rows("ordrer", "id = 12") == []


def test_what_was_remembered_goes_with_the_backups(small: World):
    erased(small)
    small.clock.pass_time(days=31)  # backup_days = 30: by then only what is kept is still known
    assert "1 slettede oppføringer" in errands(small).reapply("crm")
    raw = b"".join(p.read_bytes() for p in small.stage.folder.rglob("mailbot.db*"))
    assert b"solvang" not in raw.lower()


def test_a_system_that_is_no_database_is_named(small: World):
    with pytest.raises(Permanent, match="there are: crm"):
        errands(small).reapply("shop")


def test_the_review_proposes_what_is_past_its_rule_and_staff_may_keep(small: World):
    small.sql("UPDATE fakturaer SET dato = '2018-03-15' WHERE id = 501")
    small.sql("INSERT INTO fakturaer VALUES (503, 3, '2019-12-31', 1.0, 'T H', 'Vei')")
    said = errands(small).review()
    assert "2 er eldre enn reglene sier" in said
    small.once()
    assert errands(small).review() == said  # not asked twice
    assert len(small.cases()) == 1
    question = letter(small.question())
    assert "Jevnlig gjennomgang" in question
    number = next(line.strip().split(".")[0] for line in question.splitlines() if "id 503" in line)
    small.reply(small.question(), f"BEHOLD {number}: Det er en tvist om den.")
    small.reply(small.question(), "Godkjent")
    assert small.rows("fakturaer", "id = 501") == []
    assert len(small.rows("fakturaer", "id = 503")) == 1
    assert len(small.rows("fakturaer", "id = 502")) == 1
    assert (
        "ingenting er eldre enn reglene sier" in errands(small).review()
    )  # kept on an approver's word


def test_what_a_plan_kept_is_proposed_when_its_time_is_up(small: World):
    small.write(INGRID, "Sletting", ERASE)
    small.reply(small.question(), "Godkjent")
    assert "ingenting er eldre enn reglene sier" in errands(small).review()
    small.clock.pass_time(days=365 * 6 + 40)
    said = errands(small).review()
    assert "er eldre enn reglene sier" in said
    small.once()
    small.reply(small.question(), "Godkjent")
    assert small.rows("fakturaer", "id = 501") == []
    assert small.rows("kontakter", "id = 1") == []


def test_a_rejected_errand_changes_nothing_and_writes_to_nobody(small: World):
    small.sql("UPDATE fakturaer SET dato = '2018-03-15' WHERE id = 501")
    errands(small).review()
    small.once()
    small.reply(small.question(), "AVVIS: vent til etter årsmøtet")
    assert len(small.rows("fakturaer", "id = 501")) == 1
    assert small.only_matter().state is State.CLOSED


def test_a_restriction_is_lifted_after_a_warning(tmp_path: Path):
    with world(tmp_path, with_map(tmp_path, "", "set      = { objection", MARKED)) as small:
        small.write(INGRID, "Begrensning", RESTRICT)
        small.reply(small.question(), "Godkjent")
        small.clock.pass_time(hours=25)
        small.once()
        case = small.cases()[0]
        errands(small).lift(case.id)
        small.once()
        assert "oppheves 14 dager senere" in letter(small.question())
        small.reply(small.question(), "Godkjent")
        warning = letter(small.sent(INGRID)[-1])
        assert "oppheve begrensningen" in warning
        assert len(small.rows("kontakter", "reservert = 1")) == 1
        small.clock.pass_time(hours=timedelta(days=14) / timedelta(hours=1) + 1)
        small.once()
        assert small.rows("kontakter", "reservert = 1") == []
        assert len(small.sent(INGRID)) == 2
        small.clock.pass_time(hours=25)
        small.once()
        assert {matter.state for matter in small.matters()} == {State.CLOSED}


def test_a_dry_run_prints_statements_and_counts(small: World, capsys: pytest.CaptureFixture[str]):
    small.write(INGRID, "Sletting", ERASE)
    number = small.cases()[0].number
    config = str(small.stage.folder / "config" / "mailbot.toml")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in small.stage.environ.items():
            patch.setenv(name, value)
        assert main(["--config", config, "show", number, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "ordrer: delete 2" in out
    assert "DELETE FROM ordrer WHERE" in out
    assert "UPDATE kontakter SET" in out
    assert len(small.rows("ordrer", "kontakt_id = 1")) == 2


@pytest.mark.parametrize(("language", "words"), [("nn", "komne attende"), ("en", "there again")])
def test_the_summary_speaks_the_language_of_staff(tmp_path, language: str, words: str):
    def edit(text: str) -> str:
        return re.sub(r'language( *)= "nb"', rf'language\1= "{language}"', text)

    with world(tmp_path, edit) as made:
        assert words in errands(made).reapply("crm")
