"""What a command shows is text: nothing in it moves a terminal's cursor, and no name of a field is a customer's."""

from pathlib import Path

import duckdb
import pytest

from leads_assets.cli.render import Grid, Refused, make_console, render
from leads_assets.demo.server.faults import Fault
from leads_assets_tests.harness.commands import Command, OpenAccount

pytestmark = pytest.mark.socket

NASTY = "before\x1b[2J\x07\x9b31m\x7f\u202eafter"
PERSON = "ada.lovelace@example.com"


class _Nasty(Refused):
    def blocks(self) -> list[str | Grid]:
        return [NASTY, Grid(columns=("a",), rows=[(NASTY,)])]


@pytest.mark.parametrize("as_json", [False, True])
def test_no_report_lets_a_control_character_through(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    render(_Nasty(NASTY), as_json=as_json)
    shown = "".join(capsys.readouterr())
    assert "after" in shown
    assert not [character for character in shown if character not in "\n\t" and not character.isprintable()]


def test_lines_that_are_shown_while_a_command_runs_let_none_through(capsys: pytest.CaptureFixture[str]) -> None:
    make_console().print(NASTY)
    shown = capsys.readouterr().err
    assert "before\\x1b[2J\\x07\\x9b31m\\x7f\\x202eafter" in shown


@pytest.mark.parametrize("name", [PERSON, "Ada Lovelace"])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_the_name_of_an_unknown_field_that_is_no_identifier_is_shown_by_no_command(
    command: Command, open_account: OpenAccount, tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    open_account(leads=30, faults=[Fault("unknown_field", "leads", name), Fault("misfit", "teams")])
    said = [command("plan", "leads", "--diff", *options), command("sync", "leads", "teams", *options)]
    said += [command("status", *options), command("doctor", *options)]
    shown = "".join(result.out + result.err for result in said)
    assert "1 further" in shown or '"fields_that_become_columns": 1' in shown
    assert name not in shown
    for path in (tmp_path / ".dagster_home").rglob("*"):
        assert not path.is_file() or name.encode() not in path.read_bytes(), path
    with duckdb.connect(tmp_path / "leads.duckdb", read_only=True) as connection:
        assert name in [column for column, *_ in connection.execute("DESCRIBE leads").fetchall()]
