"""`tantala show` on every item of the library."""

import json

import pytest
from typer.testing import CliRunner

from tantala.base.library import FOLDERS, names
from tantala.cli import app

ITEMS = [(kind, name) for kind in FOLDERS for name in names(kind)]


@pytest.mark.parametrize(("kind", "name"), ITEMS, ids=lambda part: part)
def test_every_library_item_is_shown(kind: str, name: str) -> None:
    shown = CliRunner().invoke(app, ["show", name, "--json"])
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.output)["kind"] == kind


def test_a_shown_design_is_a_copy_of_it(tmp_path) -> None:
    shown = CliRunner().invoke(app, ["show", "spi_8mb"])
    copy = tmp_path / "copy.toml"
    copy.write_text(shown.output, encoding="utf-8")
    assert CliRunner().invoke(app, ["check", str(copy)]).exit_code == 0


@pytest.mark.parametrize(("kind", "name"), ITEMS, ids=lambda part: part)
def test_a_file_shown_is_taken_as_the_item_that_it_copies(kind: str, name: str, tmp_path) -> None:
    copy = tmp_path / f"{name}.toml"
    copy.write_text(CliRunner().invoke(app, ["show", name, "--file"]).output, encoding="utf-8")
    again, first = (
        CliRunner().invoke(app, ["show", path, "--json"]).output for path in (str(copy), name)
    )
    assert again == first
