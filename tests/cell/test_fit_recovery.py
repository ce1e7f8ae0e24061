"""The example of docs/fitting.md: what made its table is found again, or named as left open."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tantala.cell import load_cell
from tantala.cell.fit import plots, set_sweep
from tantala.cell.fit.identification import (
    columns_without_effect,
    compare,
    largest_errors,
    null_model,
)
from tantala.cell.fit.reset_state import ResetState, simulate
from tantala.cell.fit.reset_sweep import explained
from tantala.cell.fit.result import Curve, FitResult, FittedNumber
from tantala.cell.fit.set_moments import PARAMETERS, SetMoments
from tantala.cell.fit.simulated_moments import measure, refine
from tantala.cell.fit.tables import MeasurementTable, read_table

COMMAND = ["fit", "set_sweep.csv", "--cell", "mine", "--base", "hfox_64k", "-o", "mine.toml"]
TRUTH = load_cell("hfox_64k")
LEFT_OPEN = {"set.closed_resistance", "set.closed_exponent", "set.transistor_threshold"}
TOLD = {"set.barrier", "set.lowering", "set.barrier_slope", "set.minimum_resistance"}


@pytest.fixture(scope="module")
def example(tmp_path_factory) -> Path:
    """A folder with the table that the documentation makes."""
    page = (Path(__file__).parents[2] / "docs" / "fitting.md").read_text(encoding="utf-8")
    script = page.split("```python\n")[1].split("```")[0]
    folder = tmp_path_factory.mktemp("example")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(compile(script, "docs/fitting.md", "exec"), {})
    return folder


@pytest.fixture(scope="module")
def fitted(example: Path) -> FitResult:
    return set_sweep.fit_set(read_table(example / "set_sweep.csv"), standing)


def standing(path: str, unit: str) -> float | None:
    return TRUTH.item.value(path, unit)


def shuffled(example: Path, folder: Path, column: str) -> Path:
    lines = (example / "set_sweep.csv").read_text().splitlines()
    cells = [line.split(",") for line in lines[1:]]
    at = lines[0].split(",").index(column)
    order = np.random.default_rng(11).permutation(len(cells))
    for row, value in zip(cells, [cells[k][at] for k in order], strict=True):
        row[at] = value
    path = folder / "set_sweep.csv"
    path.write_text("\n".join([lines[0], *(",".join(row) for row in cells)]) + "\n")
    return path


def test_every_number_is_found_within_its_error_or_named_as_open(fitted: FitResult) -> None:
    found, held = {n.path for n in fitted.numbers}, {n.path for n in fitted.left_open}
    assert found | held == {name for name, *_ in PARAMETERS}
    assert not found & held
    assert found >= TOLD
    assert held >= LEFT_OPEN
    misses = [(n.value - standing(n.path, n.unit)) / n.uncertainty for n in fitted.numbers]
    assert max(map(abs, misses)) < 3.0, dict(zip(sorted(found), misses, strict=True))
    assert np.mean(np.square(misses)) < 2.5


def test_stated_errors_are_of_use(fitted: FitResult) -> None:
    """Control of the test above: errors so wide that they say nothing would pass it."""
    for number in fitted.numbers:
        assert number.uncertainty < 0.5 * number.value, number.path
    barrier = next(n for n in fitted.numbers if n.path == "set.barrier")
    assert 0.03 < barrier.uncertainty < 0.3  # eV; the widths span kT ln 33 = 0.09 eV


def test_the_model_explains_its_own_table(fitted: FitResult) -> None:
    assert fitted.goodness[0].value < 1.0
    assert fitted.explained is not None
    assert fitted.explained.share > 0.7
    assert not fitted.warnings


def test_the_report_and_the_cell_file_tell_what_was_found(
    example, fitted, monkeypatch, command
) -> None:
    """The command of the documentation; the fit itself is the one made above."""
    monkeypatch.chdir(example)
    monkeypatch.setattr(set_sweep, "fit_set", lambda table, standing: fitted)
    code, text, _ = command(*COMMAND)
    assert code == 0
    assert "explained by the pulse: 81%" in text
    barrier = next(n for n in fitted.numbers if n.path == "set.barrier")
    assert f"set.barrier = {barrier.value:.4g} ± {barrier.uncertainty:.2g} eV" in text
    assert "left open, assumed from another cell: set.closed_exponent" in text
    code, text, _ = command(*COMMAND, "--json", "--plots", "plots")
    assert code == 0
    (law,) = json.loads(text)["laws"]
    assert law["explained"] > 0.7
    cell = load_cell(example / "mine.toml")
    for number in law["left_open"]:
        record = cell.item.number(number["path"])
        assert (record.kind, record.value) == ("assumed", TRUTH.item.number(number["path"]).value)
    for number in law["fitted"]:
        record = cell.item.number(number["path"])
        assert record.kind == "fitted"
        assert record.uncertainty == pytest.approx(number["error"], rel=1e-4)
    assert (example / "plots" / "set.png").stat().st_size > 5_000


def test_a_shuffled_table_is_refused_and_nothing_written(
    example, tmp_path, monkeypatch, command
) -> None:
    shuffled(example, tmp_path, "resistance_after")
    monkeypatch.chdir(tmp_path)
    code, _, error = command(*COMMAND)
    assert code == 2
    assert "no better than a model without any pulse" in error
    assert [path.name for path in tmp_path.iterdir()] == ["set_sweep.csv"]


@pytest.mark.parametrize("column", ["pulse_width", "wordline"])
def test_a_shuffled_column_is_found(column, example, tmp_path) -> None:
    assert idle_columns(read_table(shuffled(example, tmp_path, column))) == (column,)
    assert idle_columns(read_table(example / "set_sweep.csv")) == ()


def idle_columns(table: MeasurementTable) -> tuple[str, ...]:
    """Columns on which the outcome does not depend, by the law that made the table."""
    measured = SetMoments(table)
    x = np.array([standing(name, unit) for name, unit, *_ in PARAMETERS])
    return columns_without_effect(
        measured.rows,
        ("pulse_width", "wordline", "bitline"),
        measured.ranks(measured.after),
        lambda rows: measured.expected(x, rows, ranked=True),
        seed=5,
    )


def test_a_warning_is_printed(example, fitted, monkeypatch, command) -> None:
    warned = replace(fitted, warnings=("the resistance after does not depend on wordline",))
    monkeypatch.chdir(example)
    monkeypatch.setattr(set_sweep, "fit_set", lambda table, standing: warned)
    code, text, _ = command(*COMMAND)
    assert code == 0
    assert "WARNING: the resistance after does not depend on wordline" in text


def test_widths_in_nanoseconds_without_suffix_are_refused(
    example, tmp_path, monkeypatch, command
) -> None:
    lines = (example / "set_sweep.csv").read_text().splitlines()
    rows = [line.split(",", 1) for line in lines[1:]]
    inner = [f"{float(width) * 1e9:g},{rest}" for width, rest in rows]
    (tmp_path / "set_sweep.csv").write_text("\n".join([lines[0], *inner]) + "\n")
    monkeypatch.chdir(tmp_path)
    code, _, error = command(*COMMAND)
    assert code == 2
    assert "pulse_width_ns" in error
    assert [path.name for path in tmp_path.iterdir()] == ["set_sweep.csv"]


def test_no_cells_about_a_change_leave_it_open(example) -> None:
    measured = SetMoments(read_table(example / "set_sweep.csv"))
    assert measured.is_small
    truth = np.array([standing(name, unit) for name, unit, *_ in PARAMETERS])
    assert set(measured.beyond_rows(truth)) == {"set.closed_resistance", "set.closed_exponent"}


def test_curves_are_fine_and_no_panel_is_empty(fitted: FitResult, tmp_path) -> None:
    for curve in fitted.curves:
        assert np.isfinite(curve.data).all()
        assert curve.model_x is not None
        assert len(curve.model_x) == len(curve.model) > 30
    assert {curve.panel for curve in fitted.curves} >= {
        "resistance after SET against compliance, bit line 1.4 V and above"
    }
    nothing = np.array([])
    empty = FitResult("set", (), curves=(Curve("a", "", "x", "y", nothing, nothing, nothing),))
    assert plots.plot_fits([empty], tmp_path / "plots", "t") == ()


def test_an_error_beyond_half_the_value_is_loose() -> None:
    told, loose = FittedNumber("a", 1.0, "1", 0.4), FittedNumber("b", 1.0, "1", 0.6)
    assert FitResult("set", (told, loose)).loose == (loose,)


def staircase(x: Any) -> Any:
    """Residuals of two parameters of which only the sum is told well, rounded to a stair."""
    exact = np.concatenate([30.0 * np.full(9, x[0] + x[1] - 2.2), [0.5 * (x[0] - x[1])]])
    return np.round(exact + np.linspace(0.0, 0.5, 10), 1)


def test_a_valley_of_stairs_is_walked_and_its_width_told() -> None:
    low, high = np.zeros(2), np.full(2, 5.0)
    found = refine(staircase, np.array([1.0, 1.0]), low, high)
    assert found.x.sum() == pytest.approx(2.2, abs=0.02)
    jacobian = measure(staircase, found.x, low, high).jacobian
    curvature = np.linalg.eigvalsh(jacobian.T @ jacobian)
    assert curvature[0] == pytest.approx(0.5, rel=0.5)
    assert curvature[1] == pytest.approx(9 * 30**2 * 2, rel=0.2)


def test_the_limits_of_errors() -> None:
    values, low, high = np.array([10.0, 0.0, 90.0]), np.array([1.0, 0.0, 1.0]), np.full(3, 100.0)
    np.testing.assert_allclose(largest_errors(values, low, high), [5.0, 2.0, 45.0])


def test_noise_explains_nothing() -> None:
    before, after, guess = np.random.default_rng(3).normal(size=(3, 2000))
    null = null_model(before, after)
    assert not compare(after - 0.02 * guess, null, 5).is_better
    assert compare(0.5 * after, null, 5).is_better


def test_the_verdict_on_reset() -> None:
    """The law explains what it made itself, not the same rows shuffled."""
    law = TRUTH.reset
    assert law is not None
    state = ResetState(asdict(law), {})
    rng, count = np.random.default_rng(3), 4000
    rows = {
        "resistance_before": rng.uniform(8e3, 1.1e4, count),
        "sourceline": rng.choice([2.0, 2.5, 3.0, 3.5], count),
        "wordline": np.full(count, 3.0),
        "pulse_width": rng.choice([2e-7, 1e-6, 1e-5], count),
    }
    after = np.exp(simulate(state, rows, 1))
    assert explained(state, {**rows, "resistance_after": after}).share > 0.3
    mixed = rng.permutation(after)
    assert not explained(state, {**rows, "resistance_after": mixed}).is_better
