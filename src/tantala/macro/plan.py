"""A worked-out organisation: how cells are cut into sub-arrays, banks and a floorplan.

Every field of a `Plan` is a number or an array; arrays broadcast against each other, so one plan
can stand for a single macro or for a block of a million candidates, and the same equations serve
both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from tantala.base.errors import InputError, Problem
from tantala.macro.design import AUTO, Design, Organisation

GATES = (0.5, 1.0, 2.0)
SENSES = (1.0, 2.0, 4.0, 8.0)
DROPS = (0.5, 1.0, 2.0)
PARALLEL = (1, 2, 4, 8, 16, 32, 64, 128)


@dataclass(frozen=True, slots=True)
class Plan:
    """One organisation, or many.

    Attributes:
        banks: independent banks.
        bank_columns: banks side by side.
        sets: groups of sub-arrays in a bank; one group holds rows x mux words.
        side: groups side by side in a bank.
        together: sub-arrays of a group, read side by side for one word.
        rows, columns: data rows and columns of a sub-array, without spares.
        mux: columns that share a sense amplifier.
        gate: size of the read pass gates, relative to the standard one.
        sense: size of the sense amplifier's devices, relative to the standard one.
        drop: voltage which pass gates and write drivers may take, relative to the standard one; a
            larger one makes them smaller and the pump higher.
        parallel: bits of a word that are pulsed together.
    """

    banks: Any
    bank_columns: Any
    sets: Any
    side: Any
    together: Any
    rows: Any
    columns: Any
    mux: Any
    gate: Any
    sense: Any
    drop: Any
    parallel: Any

    @property
    def sense_amps(self) -> Any:
        """Sense amplifiers of one sub-array."""
        return self.columns / self.mux

    @property
    def subarrays(self) -> Any:
        """Sub-arrays of the macro."""
        return self.banks * self.sets * self.together

    @property
    def across(self) -> Any:
        """Sub-arrays side by side over the whole width of the macro."""
        return self.bank_columns * self.side * self.together

    @property
    def down(self) -> Any:
        """Sub-arrays above each other over the whole height of the macro."""
        return (self.banks / self.bank_columns) * (self.sets / self.side)

    def at(self, index: Any) -> Plan:
        """The single plan at an index of the common shape."""
        shape = np.broadcast_shapes(*(np.shape(getattr(self, f.name)) for f in fields(self)))
        values = {}
        for field in fields(self):
            value = np.broadcast_to(getattr(self, field.name), shape)[index]
            values[field.name] = float(value)
        return Plan(**values)


@dataclass(frozen=True, slots=True)
class Space:
    """All candidates of a search: structures times circuit sizes.

    Attributes:
        structure: the first eight fields of `Plan` as equal-length arrays, one entry a structure.
        gate, sense, drop, parallel: the choices of these sizes.
    """

    structure: dict[str, np.ndarray]
    gate: np.ndarray
    sense: np.ndarray
    drop: np.ndarray
    parallel: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """Choices of gate, sense, drop and parallel: the shape of one structure's candidates."""
        return len(self.gate), len(self.sense), len(self.drop), len(self.parallel)

    @property
    def structures(self) -> int:
        """Number of structures."""
        return len(self.structure["rows"])

    @property
    def size(self) -> int:
        """Number of candidates."""
        return self.structures * math.prod(self.shape)

    def block(self, start: int, stop: int) -> Plan:
        """Candidates whose structure lies in start..stop, as a plan of shape (n, *shape)."""
        cut = {
            name: values[start:stop, None, None, None, None]
            for name, values in self.structure.items()
        }
        return Plan(
            **cut,
            gate=self.gate[None, :, None, None, None],
            sense=self.sense[None, None, :, None, None],
            drop=self.drop[None, None, None, :, None],
            parallel=self.parallel[None, None, None, None, :],
        )

    def candidate(self, index: int) -> Plan:
        """One candidate by its position in the enumeration, with plain numbers."""
        s, g, a, d, p = (int(i) for i in np.unravel_index(index, (self.structures, *self.shape)))
        cut = {name: float(values[s]) for name, values in self.structure.items()}
        return Plan(
            **cut,
            gate=float(self.gate[g]),
            sense=float(self.sense[a]),
            drop=float(self.drop[d]),
            parallel=float(self.parallel[p]),
        )


def _divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def _choices(value: int | str, default: list[int]) -> list[int]:
    return default if value == AUTO else [int(value)]


def space(design: Design) -> Space:
    """Every organisation that holds the design's capacity exactly and obeys what the file fixes.

    Rows are the powers of two, and three times them, from 64 to 4096; a word is spread over a
    divisor of its bits; banks and groups are laid out in every rectangle. Shapes whose longer side
    is more than 64 sub-arrays are left out.

    Raises:
        InputError: nothing fits.
    """
    org, bits, words = design.organisation, design.code.word_bits, design.words
    twos = [2**k for k in range(6, 13)]
    row_choices = _choices(org.rows, sorted({*twos, *(3 * t // 2 for t in twos)}))
    mux_choices = _choices(org.mux, [2**k for k in range(0, 8)])
    bank_choices = _choices(org.banks, [2**k for k in range(0, 6)])
    found: list[tuple[int, ...]] = []
    for rows in row_choices:
        for mux in mux_choices:
            if words % (rows * mux):
                continue
            for together, columns in _splits(org.columns, bits, mux):
                for banks in bank_choices:
                    found.extend(
                        _layouts(org.subarrays, words, rows, mux, together, columns, banks)
                    )
    if not found:
        raise InputError(
            Problem(
                "no organisation holds the capacity",
                f"{design.origin}: organisation",
                _stated(org) or "all on auto",
                f"rows x mux that divides {words} words of {bits} stored bits each",
                hint="leave more of [organisation] to 'auto'",
            )
        )
    table = np.array(sorted(found), dtype=float).T
    names = ("banks", "bank_columns", "sets", "side", "together", "rows", "columns", "mux")
    parallel = [p for p in PARALLEL if p < bits] + [bits]
    return Space(
        dict(zip(names, table, strict=True)),
        np.array(GATES),
        np.array(SENSES),
        np.array(DROPS),
        np.array(_choices(design.write.parallel_bits, parallel), dtype=float),
    )


def _splits(columns: int | str, bits: int, mux: int) -> list[tuple[int, int]]:
    """Ways to spread a word over sub-arrays: (sub-arrays, columns of each)."""
    if columns != AUTO:
        amps = int(columns) // mux
        return [(-(-bits // amps), int(columns))] if amps else []
    splits = [(d, mux * bits // d) for d in _divisors(bits) if d <= 32]
    return [(together, width) for together, width in splits if 32 <= width <= 4096]


def _layouts(
    subarrays: int | str, words: int, rows: int, mux: int, together: int, columns: int, banks: int
) -> list[tuple[int, ...]]:
    """Rectangles of groups within banks and of banks within the macro."""
    groups = words // (rows * mux)
    if groups % banks:
        return []
    sets = groups // banks
    if subarrays != AUTO and sets * together != int(subarrays):
        return []
    found = []
    for side in _divisors(sets):
        for bank_columns in _divisors(banks):
            across = bank_columns * side * together
            down = (banks // bank_columns) * (sets // side)
            if max(across, down) <= 64:
                found.append((banks, bank_columns, sets, side, together, rows, columns, mux))
    return found


def _stated(organisation: Organisation) -> str:
    """The counts that the design fixes, as it writes them."""
    fixed = ("banks", "subarrays", "rows", "columns", "mux")
    values = {name: getattr(organisation, name) for name in fixed}
    return ", ".join(f"{name} = {value}" for name, value in values.items() if value != "auto")
