"""What the write-verify kernels work on: a population's arrays, a task, constants, and buffers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class CellState(NamedTuple):
    """Arrays of a population that a write changes."""

    conductance: NDArray[np.float32]
    written: NDArray[np.float32]
    age: NDArray[Any]
    writes: NDArray[np.uint32]
    cycles: NDArray[np.uint32]
    damage: NDArray[np.float32]
    flags: NDArray[np.uint8]


class Ladder(NamedTuple):
    """A `write_scheme.Knob`: V, and the steps from the first voltage to the largest."""

    start: float
    step: float
    stop: float
    steps: float


class Task(NamedTuple):
    """What is to be written: positions and addresses of the selected cells, their windows [S], and
    the SET word line [V] where the train of FPPV or RADAR begins, which RADAR changes.
    """

    place: NDArray[np.int64]
    address: NDArray[np.uint64]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    landing: NDArray[np.float32]


class WriteConstants(NamedTuple):
    """What a write needs of scheme and laws.

    set, reset, noise: the values of `SetConstants`, `ResetConstants` and `NoiseConstants`, as
    arrays: numba takes longer to unbox so many float32 scalars than a small write takes.

    near: RADAR's. set_width, reset_width: s. read_voltage: V. verify_time: s. conduction:
    V_ref [V], V_gap [V], G_closed [S], p. life: eta_0, V_0 [V], s [V], beta. now: the age
    of a cell just pulsed. drift: log2 of the drift's period. reach: `noise.reach` [S], or inf where
    a decision asks for more than the conductance.
    """

    kind: int
    set_wordline: Ladder
    set_bitline: Ladder
    reset_wordline: Ladder
    reset_sourceline: Ladder
    near: float
    set_width: float
    reset_width: float
    read_voltage: float
    verify_time: float
    conduction: tuple[float, float, float, float]
    noise: NDArray[np.float32]
    noisy: bool
    set: NDArray[np.float32]
    reset: NDArray[np.float32]
    wears: bool
    life: tuple[float, float, float, float]
    now: Any
    drift: int
    read_purpose: int
    reads: int
    reach: NDArray[np.float32]
    k0: int
    k1: int


class Counts(NamedTuple):
    """What each cell took: as `write_loop.WriteOutcome`."""

    sets: NDArray[np.uint32]
    resets: NDArray[np.uint32]
    reads: NDArray[np.uint32]
    ok: NDArray[np.bool_]
    energy: NDArray[np.float32]


class PulseLog(NamedTuple):
    """Every pulse of a loop: the position of its cell among the selected, the round (0, 1, ...),
    +1 SET or -1 RESET, the energy [J], line and gate voltage [V].
    """

    cell: NDArray[np.int64]
    round: NDArray[np.uint16]
    direction: NDArray[np.int8]
    energy: NDArray[np.float32]
    line: NDArray[np.float32]
    gate: NDArray[np.float32]

    @property
    def charge(self) -> NDArray[np.float32]:
        """What flowed in each pulse, C."""
        return (self.energy / np.maximum(self.line, 1e-30)).astype(np.float32)


class Train(NamedTuple):
    """Where each cell of a task is in its train of pulses: +1 SET, -1 RESET, 0 before the first,
    and the steps of its knobs.
    """

    direction: NDArray[np.int8]
    coarse: NDArray[np.float32]
    fine: NDArray[np.float32]


class Block(NamedTuple):
    """Cells in the making, a buffer each.

    active: positions in the task that need more. seen, rises: of each active, what its last verify
    read [S] and whether a SET comes next. unsure, near: actives whose verify noise may decide, and
    what they read. All others: of the cells of one pulse.
    """

    active: NDArray[np.int64]
    seen: NDArray[np.float32]
    rises: NDArray[np.bool_]
    unsure: NDArray[np.int64]
    near: NDArray[np.float32]
    turn: NDArray[np.int64]
    position: NDArray[np.int64]
    at: NDArray[np.int64]
    address: NDArray[np.uint64]
    conductance: NDArray[np.float32]
    writes: NDArray[np.uint32]
    cycles: NDArray[np.uint32]
    movable: NDArray[np.uint8]
    line: NDArray[np.float32]
    gate: NDArray[np.float32]
    width: NDArray[np.float32]
    energy: NDArray[np.float32]
    switched: NDArray[np.uint8]
    used: NDArray[np.float64]
    numbers: NDArray[np.float32]
    words: NDArray[np.uint32]
