"""Claims of `tantala datasheet`: exit codes, what is printed where, and nothing half written."""

from __future__ import annotations

import io
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

        console = Console(width=120, record=True, file=io.StringIO())
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


@pytest.mark.parametrize("as_json", [False, True])
def test_check_prints_the_largest_differences_and_counts_the_others(
    computed, folder, tmp_path, as_json
):
    figures = json.loads((folder / f"{DESIGN}.json").read_text(encoding="utf-8"))
    latency = figures["key_figures"]["read_latency_s"]
    latency["typical"] *= 7.0
    rates = figures["error_rates"]["raw"]
    figures["error_rates"]["raw"] = [[1.001 * rate for rate in row] for row in rates]
    path = tmp_path / f"{DESIGN}.json"
    path.write_text(json.dumps(figures), encoding="utf-8")
    options = ["--json"] if as_json else []
    result = runner.invoke(app, ["datasheet", "--check", str(path), *options])
    assert result.exit_code == 1
    count = 1 + sum(len(row) for row in rates)
    if as_json:
        assert len(json.loads(result.stdout)["differences"]) == count
        return
    lines = result.stdout.splitlines()
    assert len(lines) == 1 + 2 + 20 + 1
    assert lines[1].strip() == "key_figures (1 in all)"
    assert "read_latency_s.typical" in lines[2]
    assert lines[-1] == f"  and {count - 20} smaller ones; --json lists all"


def test_check_of_an_unchanged_datasheet_is_fine(computed, folder):
    result = runner.invoke(app, ["datasheet", "--check", str(folder)])
    assert result.exit_code == 0, result.stdout
