"""How long operations on words take, and what energy: the service times behind a replayed trace.

A read takes the same time for every word. A write takes rounds of pulses: bits that are pulsed
together wait for the slowest of them, groups of bits and words follow one another. With u_k the
share of cells that k pulses leave unfinished (`PulseTrain`), a group whose bit i needs the train
with probability s_i is done by then with probability prod_i (1 - s_i u_k), and rounds add up by
convolution. A trace tells no data, so a share c of the data bits changes, each by itself, half of
them in each direction. Check bits follow from the code: one that adds up w changing data bits
changes with probability (1 - (1 - 2c)**w) / 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tantala.base.errors import InputError, Problem
from tantala.base.schema import validate_model
from tantala.chip.chip import suitable
from tantala.chip.replay_state import GUIDES, Rounds
from tantala.chip.specification import Direction, Specification, pulse_trains, specification
from tantala.circuit.ecc import make_code
from tantala.macro.design import Controller, Design
from tantala.macro.write_verify import PulseTrain

Floats = NDArray[np.float64]
REST = 1e-12  # share of a distribution that is cut off beyond its end


@dataclass(frozen=True)
class Timing:
    """Times [s] and energies [J] of a design's operations, for a share of changed bits.

    changed: of the data bits that a write brings. word: bytes of a word; line: words of a line.
    set, reset: rounds of pulses of 1 ... line whole words, then of a word of which 1 ... word - 1
    bytes are written, then of a line that wear levelling copies onto another; cells: mean joules
    which their cells and drivers take, in the same order.
    """

    specification: Specification
    changed: float
    word: int
    line: int
    set: Rounds
    reset: Rounds
    cells: Floats

    @property
    def design(self) -> Design:
        """The design whose operations these are."""
        return self.specification.design

    @property
    def levels(self) -> bool:
        """Whether wear levelling copies lines."""
        return self.design.controller.wear_levelling == "start_gap"

    @property
    def size(self) -> int:
        """Bytes of user data."""
        return self.design.capacity // 8

    @property
    def lines(self) -> int:
        """Lines of user data."""
        return -(-self.specification.words // self.line)


def timing(design: Design, changed: float | None = None, **controller: Any) -> Timing:
    """The service times of a design.

    Args:
        design: whose macro is searched and compiled, unless that was done before in this process.
        changed: share of the data bits of a write that differ from what is stored; None: the
            design's `write.changed`.
        controller: keys of the design's `[controller]` to replace.

    Raises:
        InputError: a share outside 0 to 1; a controller that cannot be; no organisation fits.
    """
    share = design.write.changed if changed is None else changed
    if not 0.0 <= share <= 1.0:
        raise InputError(Problem("bad share of changed bits", got=f"{share:g}", allowed="0 to 1"))
    stated = {**design.controller.model_dump(), **controller}
    chosen = validate_model(Controller, stated, f"{design.origin}: controller")
    design = design.model_copy(update={"controller": chosen})
    suitable(design)
    spec, trains = specification(design), pulse_trains(design)
    word, line = design.word // 8, design.controller.line // design.word
    bits = [_changing(design, share, count) for count in range(1, word + 1)]
    if design.controller.order == "ones_first":
        # All that is 0 goes to 1 first, and what is to be 0 back, whatever the data.
        bits = [np.ones(design.code.word_bits)] * word
    copied = np.full(design.code.word_bits, 0.5)
    tables = {}
    for name in ("set", "reset"):
        train = trains[name]
        one = [_word_rounds(train, 0.5 * part, spec.parallel) for part in bits]
        whole = _sums(one[-1], line)
        copy = _sums(_word_rounds(train, 0.5 * copied, spec.parallel), line)[-1]
        tables[name] = _rounds([*whole, *one[:-1], copy])
    switched = [count * bits[-1].sum() for count in range(1, line + 1)]
    switched += [float(part.sum()) for part in (*bits[:-1], line * copied)]
    per_bit = 0.5 * sum(_cell_energy(getattr(spec, name), trains[name]) for name in tables)
    cells = per_bit * np.array(switched)
    return Timing(spec, share, word, line, tables["set"], tables["reset"], cells)


def _changing(design: Design, share: float, count: int) -> Floats:
    """Probability that each bit of a word changes when its first `count` bytes are written."""
    code = make_code(design.correction.code, design.word)
    data = np.where(np.arange(design.word) < 8 * count, share, 0.0)
    if code is None:
        return data
    feeds = code.columns[: 8 * count, None] >> np.arange(code.r, dtype=np.uint64) & np.uint64(1)
    check = 0.5 * (1.0 - (1.0 - 2.0 * share) ** feeds.sum(axis=0).astype(np.int64))
    return np.concatenate([data, check])


def _cell_energy(direction: Direction, train: PulseTrain) -> float:
    """Mean energy of a cell that switches in one direction, its driver's included, J."""
    return train.cell_energy * direction.draw + train.mean_pulses * direction.cell_energy


def _word_rounds(train: PulseTrain, bits: Floats, parallel: int) -> Floats:
    """Distribution of the rounds of a word whose bits need the train with these probabilities."""
    starts = np.arange(0, len(bits), parallel)
    with np.errstate(divide="ignore"):
        missed = np.log1p(-bits[:, None] * train.unfinished)
    done = np.exp(np.add.reduceat(missed, starts))
    done[:, -1] = 1.0  # the train ends after its last pulse, finished or not
    groups = np.diff(done, axis=1, prepend=0.0)
    length = _length(len(starts) * (len(train.unfinished) - 1) + 1)
    return _back(np.fft.rfft(groups, length).prod(axis=0), length)


def _sums(one: Floats, count: int) -> list[Floats]:
    """Distributions of the sums of 1 ... `count` draws."""
    length = _length(count * (len(one) - 1) + 1)
    transform = np.fft.rfft(one, length)
    return [_back(transform**number, length) for number in range(1, count + 1)]


def _length(least: int) -> int:
    """A length of transforms that is quick."""
    return 1 << (least - 1).bit_length()


def _back(transform: Any, length: int) -> Floats:
    """The distribution of a transform; rounding leaves about 1e-16 where it has nothing."""
    return _cut(np.maximum(np.fft.irfft(transform, length), 0.0))


def _cut(distribution: Floats) -> Floats:
    """Without the far end, which no draw reaches."""
    return distribution[: int(np.searchsorted(np.cumsum(distribution), 1.0 - REST)) + 1]


def _rounds(distributions: list[Floats]) -> Rounds:
    cumulative = [np.cumsum(one) for one in distributions]
    for one in cumulative:
        one[-1] = 1.0
    first = np.cumsum([0, *(len(one) for one in cumulative[:-1])])
    starts = np.arange(GUIDES) / GUIDES
    guide = np.stack([np.searchsorted(one, starts) for one in cumulative])
    mean = np.array([float(np.arange(len(one)) @ one) for one in distributions])
    return Rounds(np.concatenate(cumulative), first, guide.astype(np.int64), mean)
