"""The column that the sense amplifier meets, against the whole array solved."""

from __future__ import annotations

import numpy as np
import pytest

import tantala as tt
from tantala.array import GatedArray
from tantala.macro.read_path import ReadPath, read_paths

MACRO = tt.load_design("embedded_8mb_28nm").macro()


@pytest.mark.parametrize("celsius", [-40, 125])
@pytest.mark.parametrize("row", [0, 0.3, 1])
def test_a_path_is_the_solved_column(celsius, row):
    """Any cell conductance, any selected row: the three numbers give the whole ladder's answer."""
    setting = MACRO.setting("fast", celsius + 273.15)
    rows, wire = 200, 350.0
    low, high = read_paths(setting, rows, wire)
    leak = float(setting.process.io.off_current(setting.cell.access_width))
    leak /= setting.cell.read_voltage
    for cell in (1e-7, setting.high_tail, setting.low_tail, 1e-3):
        conductance = np.full((rows, 1), setting.low_tail)
        place = int(row * (rows - 1))
        conductance[place] = cell
        gates = np.arange(rows) == place
        column = GatedArray(conductance, wire / rows, wire / rows, off=leak)
        solved = column.solve(gates, 1.0).column_conductance[0]
        assert low.column(cell) == pytest.approx(solved, rel=1e-3)
        assert low.column(cell) <= solved * (1 + 1e-9) or cell != setting.low_tail
        assert high.column(cell) >= solved * (1 - 1e-9) or cell != setting.high_tail
        assert low.cell(low.column(cell)) == pytest.approx(cell, rel=1e-6)


def test_without_leakage_it_is_the_series_resistance():
    """At -40 degC leakage is nothing: one line's length and one segment in series."""
    setting = MACRO.setting("typical", 233.15)
    path, _ = read_paths(setting, 100, 500.0)
    assert 1.0 / path.column(50e-6) == pytest.approx(1.0 / 50e-6 + 505.0, rel=1e-6)


def test_many_organisations_are_each_their_own():
    """Arrays of rows and wires give what single calls give."""
    setting = MACRO.setting("typical", 398.15)
    rows, wire = np.array([64, 256, 64])[:, None], np.array([90.0, 400.0, 120.0])[:, None]
    low, high = read_paths(setting, rows, wire)
    assert low.column(1e-4).shape == (3, 1)
    for k in range(3):
        one, other = read_paths(setting, int(rows[k, 0]), float(wire[k, 0]))
        assert low.column(1e-4)[k, 0] == one.column(1e-4)
        assert high.column(1e-5)[k, 0] == other.column(1e-5)


def test_a_hot_column_leaks():
    """Leakage adds to every read, and a column that conducts less than it holds no cell at all."""
    cold, hot = (read_paths(MACRO.setting("fast", t), 516, 400.0)[1] for t in (233.15, 423.15))
    assert hot.column(5e-5) > 1.05 * cold.column(5e-5)
    assert hot.cell(0.5 * hot.leak) == 0.0


def test_no_cell_conducts_beyond_a_short():
    """A wanted column conductance above what a shorted cell gives is out of reach."""
    path = ReadPath(1e-6, 1.0, 1e3)
    assert path.cell(1e-6 + 1e-3 * 0.999) > 0.1
    assert path.cell(2e-3) == np.inf
