"""Arrays as ngspice netlists: one element a line, nodes named by row and column.

    u<i>_<j>, v<i>_<j>   row and column wire of a cross-point at cell (i, j)
    s<i>_<j>, t<i>_<j>   source and bit rail of a gated array at cell (i, j)
    m<i>_<j>             between a transistor and its cell

Where a wire is ideal the whole line is one node: u<i>, v<j>, s<j>, t<j>, or that of its source.
Numbers carry 17 digits. Open cells and open ends are left out, dead shorts are sources of 0 V.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.array.sources import checked_sources
from tantala.base.errors import InputError, Problem

if TYPE_CHECKING:
    from tantala.array.crosspoint import Array
    from tantala.array.gated import GatedArray

# Tight enough for 1e-9 of the currents, also where cells are nonlinear.
OPTIONS = ".options reltol=1e-9 abstol=1e-18 vntol=1e-12"
TOLERANCE = 1e-9
Switches = NDArray[np.bool_]


@dataclass(frozen=True)
class Line:
    """A wire with its source. In `nodes` and `elements` a place along the line is written {}.

    `ideal` names its one node where the wire has no resistance; `first` and `last` are ohm behind
    the ends called `ends`.
    """

    source: str
    nodes: str
    ideal: str
    elements: str
    ends: tuple[str, str]
    length: int
    wire: float
    first: float
    last: float

    @property
    def driven(self) -> bool:
        """Whether it has a source at all."""
        return min(self.first, self.last) < np.inf

    def node(self, place: int) -> str:
        """The node at `place`."""
        if self.wire > 0.0:
            return self.nodes.format(place)
        return self.source if min(self.first, self.last) == 0.0 else self.ideal


@dataclass
class Netlist:
    """Elements of a netlist in the order in which they were added, and the currents to print."""

    title: str
    lines: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)

    def comment(self, text: str) -> None:
        """A line for the reader."""
        self.lines.append(f"* {text}")

    def resistor(self, name: str, plus: str, minus: str, ohm: float) -> None:
        """`ohm` between two nodes; 0 is a source of 0 V, inf nothing."""
        if ohm == 0.0:
            self.lines.append(f"v{name} {plus} {minus} 0")
        elif ohm < np.inf:
            self.lines.append(f"r{name} {plus} {minus} {ohm:.17g}")

    def cell(self, name: str, plus: str, minus: str, siemens: float) -> None:
        """A cell; inf is a dead short, 0 nothing."""
        self.resistor(name, plus, minus, 1.0 / siemens if siemens > 0.0 else np.inf)

    def line(self, line: Line, volts: float) -> None:
        """A line's source, its current printed, its end resistances and its segments."""
        if line.driven:
            self.lines.append(f"v{line.source} {line.source} 0 {volts:.17g}")
            self.printed.append(f"i(v{line.source})")
        far = line.length - 1
        for end, ohm, place, segment in (
            (line.ends[0], line.first, 0, 0),
            (line.ends[1], line.last, far, line.length),
        ):
            inner = line.source
            if line.wire == 0.0 and line.node(0) == inner:
                continue
            if 0.0 < ohm < np.inf:
                inner = f"{line.source}_{end}" if line.wire > 0.0 else line.node(place)
                self.resistor(line.elements.format(end), line.source, inner, ohm)
            if line.wire > 0.0 and ohm < np.inf:
                self.resistor(line.elements.format(segment), inner, line.node(place), line.wire)
        if line.wire > 0.0:
            for k in range(1, line.length):
                self.resistor(line.elements.format(k), line.node(k - 1), line.node(k), line.wire)

    def text(self) -> str:
        """The netlist with an operating point that prints the currents."""
        prints = (f"print {name}" for name in self.printed)
        # Without `quit`, batch mode misses a dot card and reports failure.
        control = [".control", "set numdgt=16", "op", *prints, "quit", ".endc", ".end"]
        return "\n".join([self.title, *self.lines, OPTIONS, *control]) + "\n"


def add_crosspoint(
    net: Netlist,
    array: Array,
    voltages: ArrayLike,
    columns: ArrayLike | str = 0.0,
    on: Switches | None = None,
    *,
    mark: str = "",
) -> None:
    """The elements of a cross-point with its rows at `voltages` and its columns at `columns` V.

    on      which threshold selectors conduct, (N, M), as `Solution.selectors_on` has it
    mark    appended to every name, to tell arrays of one netlist apart

    Raises InputError for several vectors or wrong shapes.
    """
    n, m = array.shape
    rows, ends, single = checked_sources(array.shape, voltages, columns, TOLERANCE)
    if not single:
        raise InputError(Problem("a netlist is of one vector", got=f"{rows.shape[1]} vectors"))
    words = [
        Line(
            f"d{i}{mark}", f"u{i}_{{}}{mark}", f"u{i}{mark}", f"w{i}_{{}}{mark}",
            ("left", "right"), m, array.row_wire, array.row_driver[i], array.row_far[i],
        )
        for i in range(n)
    ]  # fmt: skip
    bits = [
        Line(
            f"o{j}{mark}", f"v{{}}_{j}{mark}", f"v{j}{mark}", f"b{{}}_{j}{mark}",
            ("top", "bottom"), n, array.column_wire, array.column_far[j], array.column_sense[j],
        )
        for j in range(m)
    ]  # fmt: skip
    net.comment(f"{n} rows driven at the left, {m} columns read at the bottom")
    net.comment(f"wire {array.row_wire:g} ohm a row segment, {array.column_wire:g} a column's")
    for i in range(n):
        net.comment(f"row {i}")
        net.line(words[i], rows[i, 0])
    for j in range(m):
        net.comment(f"column {j}: i(vo{j}{mark}) is the current out of it")
        net.line(bits[j], ends[j, 0])
    net.comment("cells")
    # Cells with a law of their own write themselves; ohmic arrays have no device.
    device = array.device
    for i in range(n):
        for j in range(m):
            place, plus, minus = f"{i}_{j}{mark}", words[i].node(j), bits[j].node(i)
            if device is None:
                net.cell(f"c{place}", plus, minus, array.conductance[i, j])
            else:
                conducts = on is not None and bool(on[i, j])
                net.lines += device.spice((i, j), f"c{place}", plus, minus, conducts)


def add_gated(
    net: Netlist,
    array: GatedArray,
    gates: ArrayLike,
    sources: ArrayLike | str,
    bits: ArrayLike | str = 0.0,
    *,
    mark: str = "",
) -> None:
    """The elements of a gated array under one pattern, its rails at `sources` and `bits` V.

    Raises InputError for several patterns or wrong shapes.
    """
    n, m = array.shape
    patterns, high, low, _ = array.checked_conditions(gates, sources, bits)
    if patterns.shape[-1] != 1:
        raise InputError(Problem("a netlist is of one pattern", got=f"{patterns.shape[-1]}"))
    on = np.broadcast_to(patterns.reshape(n, -1), array.shape)
    access = np.broadcast_to(array.access, array.shape)
    net.comment(f"{n} rows, {m} columns of a source rail and a bit rail")
    net.comment(f"wire {array.source_wire:g} ohm a source segment, {array.bit_wire:g} a bit's")
    for j in range(m):
        source = Line(
            f"i{j}{mark}", f"s{{}}_{j}{mark}", f"s{j}{mark}", f"a{{}}_{j}{mark}",
            ("top", "bottom"), n, array.source_wire, array.source_top[j], array.source_bottom[j],
        )  # fmt: skip
        bit = Line(
            f"o{j}{mark}", f"t{{}}_{j}{mark}", f"t{j}{mark}", f"b{{}}_{j}{mark}",
            ("top", "bottom"), n, array.bit_wire, array.bit_top[j], array.bit_bottom[j],
        )  # fmt: skip
        net.comment(f"column {j}: i(vo{j}{mark}) is the current out of its bit rail")
        net.line(source, high[j, 0])
        net.line(bit, low[j, 0])
        for i in range(n):
            behind = access[i, j] if on[i, j] else (1.0 / array.off if array.off else np.inf)
            if behind == np.inf or array.conductance[i, j] == 0.0:
                continue
            inner = f"m{i}_{j}{mark}" if behind > 0.0 else source.node(i)
            if behind > 0.0:
                net.resistor(f"t{i}_{j}{mark}", source.node(i), inner, behind)
            net.cell(f"c{i}_{j}{mark}", inner, bit.node(i), array.conductance[i, j])
