"""Approximate array models beside the exact answer, made at each build."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import tantala as tt
from tantala.array import compare
from tantala.array.approximations import APPROXIMATIONS

WIRES = (0.1, 1.0, 5.0)  # ohm a segment
SIDE = 64


def pages() -> Iterator[tuple[str, str]]:
    """(name, Markdown) of each page."""
    rng = np.random.default_rng(1000 + SIDE)
    conductance = rng.uniform(1e-5, 2e-4, (SIDE, SIDE))
    voltages = rng.uniform(0.0, 0.2, (SIDE, 64))[:, 0]
    tables = [compare(tt.Array(conductance, wire, wire), voltages).table() for wire in WIRES]
    heads = " | ".join(f"{wire:g} Ω" for wire in WIRES)
    lines = [f"| model | assumes | source | {heads} |", "|---|---|---|" + "---:|" * len(WIRES)]
    for row, name in enumerate(APPROXIMATIONS):
        model = APPROXIMATIONS[name]
        source = f"{{cite}}`{model.source}`" if model.source else "a limit"
        errors = " | ".join(f"{table['largest_error'][row]:.2%}" for table in tables)
        lines.append(f"| `{name}` | {model.assumes} | {source} | {errors} |")
    yield "array_approximations", "\n".join(lines) + "\n"
