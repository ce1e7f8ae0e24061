"""`tantala fit`: a small table makes a cell file with plots; a bad one leaves nothing behind."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from tantala.base.bibliography import Source
from tantala.base.errors import InputError
from tantala.base.library import LIBRARY
from tantala.cell import load_cell
from tantala.cell.conduction import Conduction
from tantala.cell.fit import cell_file

TRUTH = Conduction(
    reference_voltage=0.2, gap_voltage=0.3, closed_conductance=5e-5, closing_exponent=3.0
)


def curves(cells: int = 60) -> str:
    """Current-voltage curves of cells from 5 to 150 uS, by a known law."""
    rows = ["addr\tv\ti"]
    for address, conductance in enumerate(np.geomspace(5e-6, 150e-6, cells)):
        for voltage in np.linspace(0.0, 0.35, 15):
            current = float(TRUTH.current(conductance, voltage))
            rows.append(f"{address}\t{voltage:.4f}\t{current:.6e}")
    return "\n".join(rows) + "\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "iv.tsv"
    path.write_text(curves())
    return path


def test_a_table_makes_a_cell_with_source_goodness_and_plot(table, tmp_path, command) -> None:
    out, plots = tmp_path / "mine.toml", tmp_path / "plots"
    code, text, _ = command("fit", str(table), "--cell", "mine", "--base", "hfox_64k",
        "-o", str(out), "--plots", str(plots), "--json",
    )  # fmt: skip
    assert code == 0
    summary = json.loads(text)
    assert [law["law"] for law in summary["laws"]] == ["conduction"]
    assert summary["laws"][0]["goodness"]
    (plot,) = summary["plots"]
    assert Path(plot).stat().st_size > 5_000
    cell = load_cell(out)
    assert cell.conduction.gap_voltage == pytest.approx(TRUTH.gap_voltage, rel=0.03)
    number = cell.item.number("conduction.gap_voltage")
    assert (number.kind, number.source) == ("fitted", "mine_measurements")
    assert number.range
    assert str(table) in (tmp_path / "sources.bib").read_text(encoding="utf-8")
    assert cell.item.number("set.barrier").kind == "assumed"
    assert any("set: taken from cell hfox_64k" in line for line in cell.item.not_measured)


def test_without_a_base_the_cell_says_what_it_lacks(table, tmp_path, command) -> None:
    out = tmp_path / "mine.toml"
    code, text, _ = command("fit", str(table), "--cell", "mine", "-o", str(out))
    assert code == 0
    assert "nominal: taken from cell hfox_64k" in text
    cell = load_cell(out)
    assert cell.conduction.gap_voltage == pytest.approx(TRUTH.gap_voltage, rel=0.03)
    assert cell.item.number("nominal.set_bitline").kind == "assumed"
    assert "conduction (reference_voltage): taken from cell hfox_64k" in text
    with pytest.raises(InputError, match="has no set law"):
        cell.law("set")


def test_a_second_fit_keeps_the_first_source(table, tmp_path, command) -> None:
    for name in ("one", "two", "one"):
        code, _, _ = command("fit", str(table), "--cell", name, "--base", "hfox_64k",
            "-o", str(tmp_path / f"{name}.toml"),
        )  # fmt: skip
        assert code == 0
    text = (tmp_path / "sources.bib").read_text(encoding="utf-8")
    assert text.count("@misc{") == 2
    assert load_cell(tmp_path / "one.toml").name == "one"
    assert load_cell(tmp_path / "two.toml").name == "two"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--cell", "not a name", "--base", "hfox_64k"),
        ("--cell", "mine", "--base", "hfox_46k"),
        ("--cell", "mine", "--base", "hfox_64k", "--kind", "bake"),
        ("--cell", "mine", "--base", "hfox_64k", "--source", "nobody_2031"),
        ("--cell", "mine", "--base", "hfox_64k", "--full-scale", "128 V"),
    ],
)
def test_a_bad_command_writes_nothing(arguments, table, tmp_path, command) -> None:
    code, _, error = command("fit", str(table), *arguments, "-o", str(tmp_path / "mine.toml"))
    assert code == 2
    assert error.startswith("tantala: ")
    assert "Traceback" not in error
    assert [path.name for path in tmp_path.iterdir()] == [table.name]


def test_too_few_points_write_nothing(tmp_path, command) -> None:
    table = tmp_path / "iv.tsv"
    table.write_text(curves(cells=2))
    code, _, error = command("fit", str(table), "--cell", "mine", "--base", "hfox_64k",
        "-o", str(tmp_path / "mine.toml"),
    )  # fmt: skip
    assert code == 2
    assert "iv.tsv" in error
    assert [path.name for path in tmp_path.iterdir()] == [table.name]


def test_a_folder_that_is_not_there_is_told_before_the_fit(table, tmp_path, command) -> None:
    code, _, error = command("fit", str(table), "--cell", "mine", "--base", "hfox_64k",
        "-o", str(tmp_path / "absent" / "mine.toml"),
    )  # fmt: skip
    assert code == 2
    assert "no such folder" in error
    assert [path.name for path in tmp_path.iterdir()] == [table.name]


def test_when_the_cell_cannot_be_written_the_bibliography_is_as_before(tmp_path) -> None:
    """The source is written first; a cell file that fails takes it back."""
    shipped = (LIBRARY / "cells" / "foundry_c.toml").read_text(encoding="utf-8")
    fitted = cell_file.CellFit(tomllib.loads(shipped), ())
    source = Source("mine_measurements", "misc", {"title": "t"})
    folder = tmp_path / "taken.toml"
    folder.mkdir()
    for before in (None, "@misc{other,\n  title = {o},\n}\n"):
        bibliography = tmp_path / "sources.bib"
        if before is not None:
            bibliography.write_text(before)
        with pytest.raises(InputError, match="cannot write"):
            cell_file.write_cell(fitted, folder, source)
        assert (bibliography.read_text() if bibliography.exists() else None) == before
