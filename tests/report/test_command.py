"""Claims of `tantala datasheet`: exit codes, what is printed where, and nothing half written."""

from __future__ import annotations

import json
import os

import pytest
from typer.testing import CliRunner

import tantala.report.compute as compute
from tantala.cli import app
from tantala.report.figures import Outcome

from .conftest import DESIGN

runner = CliRunner()


@pytest.fixture
def computed(sheet, monkeypatch):
    """The command with the computing done already."""
    monkeypatch.setattr(compute, "datasheet", lambda *args, **kwargs: sheet)
    return sheet


def test_writes_files_and_a_summary(computed, tmp_path):
    result = runner.invoke(app, ["datasheet", DESIGN, "-o", str(tmp_path), "--no-pdf"])
    assert result.exit_code == (1 if computed.missed else 0)
    assert sorted(os.listdir(tmp_path)) == [f"{DESIGN}.html", f"{DESIGN}.json"]
    assert "requirement" in result.stdout
    assert "Read access time" in result.stdout
    assert len(result.stdout.splitlines()) < 50


def test_json_alone_writes_no_file(computed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = runner.invoke(app, ["datasheet", DESIGN, "--json"])
    assert json.loads(result.stdout)["identity"]["name"] == DESIGN
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("met", [True, False])
def test_exit_code_tells_a_missed_requirement(sheet, monkeypatch, tmp_path, met):
    import dataclasses

    row = Outcome("area_m2", "Macro area", "m^2", "max", 1e-6, 2e-6, "everywhere", met, -1.0)
    changed = dataclasses.replace(sheet, requirements=(row,))
    monkeypatch.setattr(compute, "datasheet", lambda *args, **kwargs: changed)
    result = runner.invoke(app, ["datasheet", DESIGN, "--json"])
    assert result.exit_code == (0 if met else 1)
    if not met:
        from rich.console import Console

        from tantala.report.summary import summary

        console = Console(width=120, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
        console.print(summary(changed))
        assert "MISSED by 100" in console.export_text()


def test_no_design_is_misuse():
    assert runner.invoke(app, ["datasheet"]).exit_code == 2


def test_unknown_design_names_the_nearest(tmp_path):
    from tantala.base.errors import InputError

    with pytest.raises(InputError, match="embedded_8mb_28nm"):
        compute.datasheet("embedded_8mb_28nn")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_misuse(seed):
    from tantala.base.errors import InputError

    with pytest.raises(InputError, match="bad seed"):
        compute.datasheet(DESIGN, seed=seed)
