"""Constants of assembling a macro, from the library's circuit item `macro`."""

from __future__ import annotations

from dataclasses import dataclass, field

from tantala.base.binding import bind, quantity
from tantala.base.library import load_item
from tantala.base.record import Item


@dataclass(frozen=True)
class Layout:
    """What surrounds the data cells of a sub-array."""

    edge_rows: float = quantity("1", "dummy rows of a sub-array", minimum=0)
    edge_columns: float = quantity("1", "dummy columns of a sub-array", minimum=0)
    reference_columns: float = quantity("1", "reference columns of a sub-array", minimum=0)
    strap: float = quantity("1", "lengthening of rows by taps and straps", minimum=0, maximum=1)


@dataclass(frozen=True)
class Read:
    """Choices of the sensing budget."""

    error_share: float = quantity(
        "1", "share of the code's raw error budget that sensing may use", minimum=0, maximum=1
    )
    least_contrast: float = quantity(
        "1", "least (low - high) / (low + high) of the tail currents", minimum=0.01, maximum=1
    )
    sense_loss: float = quantity("1", "dies lost to sense amplifiers", minimum=0, maximum=1)


@dataclass(frozen=True)
class WriteSequence:
    """Write sequencing."""

    tail: float = quantity("1", "share of words beyond the tail figure", minimum=0, maximum=1)
    recovery: float = quantity("s", "from the end of a pulse to its verify", minimum=0)
    settled: float = quantity("s", "age of a level that is called fresh", minimum=0)


@dataclass(frozen=True)
class Standby:
    """Power gating."""

    gated_residue: float = quantity(
        "1", "leakage of a gated block over its own", minimum=0, maximum=1
    )
    largest_gated: float = quantity("m", "coarsest node with power switches", minimum=0)


@dataclass(frozen=True)
class Defects:
    """Defect densities and what they hit."""

    array: float = quantity("1/m^2", "electrical defects of the array", minimum=0)
    periphery: float = quantity("1/m^2", "killing defects of the periphery", minimum=0)
    clustering: float = quantity("1", "alpha of the negative binomial law", minimum=0.05)
    row_share: float = quantity("1", "array defects that hit a row", minimum=0, maximum=1)
    column_share: float = quantity("1", "array defects that hit a column", minimum=0, maximum=1)


@dataclass(frozen=True)
class Assembly:
    """All of them; `item` is the library item they come from."""

    layout: Layout
    read: Read
    write: WriteSequence
    standby: Standby
    defects: Defects
    item: Item = field(compare=False, repr=False)


def load_assembly(item: Item | None = None) -> Assembly:
    """The library's constants, or those of another item with the same numbers."""
    item = load_item("circuit", "macro") if item is None else item
    return Assembly(
        bind(Layout, item, "layout"),
        bind(Read, item, "read"),
        bind(WriteSequence, item, "write"),
        bind(Standby, item, "standby"),
        bind(Defects, item, "defects"),
        item,
    )
