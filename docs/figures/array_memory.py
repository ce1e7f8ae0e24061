"""Figures of the model page on arrays as memories, by the package's own drawing functions."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

import tantala as tt
from tantala.array import disturb_map, margin_against_size, read_margin
from tantala.report import array_maps

CELL = tt.load_cell("hfox_64k")
LOW, HIGH = CELL.nominal.low_resistance, CELL.nominal.high_resistance
SIZES = (8, 16, 32, 64, 128)


def _wires(side: int, wire: float) -> tt.Array:
    return tt.Array(np.ones((side, side)), wire, wire)


def array_worst_read() -> str:
    """The worst read of a 64 x 64 array, all its unselected lines grounded."""
    array = _wires(64, 2.0)
    found = read_margin(array, LOW, HIGH, 0.2, search="flips")
    worst = found.worst_low
    return array_maps.state_maps(worst.solution(), worst.position, "Worst read")


def array_disturb() -> str:
    """Disturb by a hundred million writes of one cell at V/2."""
    bits = np.indices((32, 32)).sum(axis=0) % 2 == 0
    array = tt.Array(np.where(bits, LOW, HIGH), 2.0, 2.0)
    found = disturb_map(array, CELL, {(5, 20): 1e8}, 1.5, 100e-9)
    return array_maps.disturb_maps(found, array)


def array_margin() -> str:
    """Read margin against size for three wires."""
    tables = {
        f"{wire:g} Ω a segment": margin_against_size(_wires(2, wire), LOW, HIGH, 0.2, SIZES)
        for wire in (1.0, 2.0, 5.0)
    }
    return array_maps.margin_curves(tables, need=0.5)


FIGURES: tuple[Callable[[], str], ...] = (array_worst_read, array_disturb, array_margin)


def draw(folder: Path) -> None:
    """Write every figure into `folder`."""
    for figure in FIGURES:
        (folder / f"{figure.__name__}.svg").write_text(figure(), encoding="utf-8")


if __name__ == "__main__":
    # The README's picture.
    Path(sys.argv[1]).write_text(array_worst_read(), encoding="utf-8")
