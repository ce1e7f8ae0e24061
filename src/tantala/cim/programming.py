"""Cells of a weight matrix: written by write-verify, aged, read out as conductances.

All cells of a matrix are one population, in the order (part, polarity, slice, row, output); rows
that only pad a part have no cells. Every level is verified from both sides, the lowest too: most
digits are zero, and the spread of zeros adds up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tantala.base.errors import InputError, Problem
from tantala.cell.noise import ROOM
from tantala.cim.tile import Tile
from tantala.cim.weights import Digits, Placement, level_conductance

# The arrays of a population that change.
_STATE = ("conductance", "written", "age", "writes", "cycles", "damage", "flags")
Conductances = NDArray[np.float32]


@dataclass(frozen=True)
class WriteCost:
    """What programming took: cells, failed cells, mean pulses, energy [J], time of one cell [s]."""

    cells: int
    failed: int
    pulses: float
    energy: float
    time: float


class Cells:
    """The cells of one matrix.

    wanted   (parts, polarities, slices, part_rows, outputs) uint8 digits
    """

    def __init__(self, tile: Tile, placement: Placement, wanted: Digits, seed: int, first: int):
        self.tile = tile
        self.placement = placement
        self.wanted = wanted
        real = np.arange(placement.parts * placement.part_rows) < placement.rows
        self.real = np.broadcast_to(
            real.reshape(placement.parts, 1, 1, placement.part_rows, 1), wanted.shape
        )
        count = int(np.count_nonzero(self.real))
        spare = self._spare_outputs()
        cells_per_output = count // placement.outputs
        self.population = tile.model.sample(
            count + spare * cells_per_output, seed=seed, first_address=first
        )
        self._failed = np.zeros(len(self.population), np.bool_)
        self._index = np.arange(count)  # of each real cell in the population
        self.cost = self._write(self._index, wanted[self.real])
        if spare:
            self._use_spares()

    def __len__(self) -> int:
        """Cells, spare ones included."""
        return len(self.population)

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Cells that their last write-verify gave up, in the shape of `wanted`."""
        full = np.zeros(self.wanted.shape, np.bool_)
        full[self.real] = self._failed[self._index]
        return full

    def conductance(self) -> Conductances:
        """Conductances [S] now, in the shape of `wanted`; 0 where there is no cell."""
        full = np.zeros(self.wanted.shape, np.float32)
        full[self.real] = self.population.conductance[self._index]
        return full

    def state(self) -> dict[str, Any]:
        """Everything that changes, as tensors by name."""
        kept = {name: getattr(self.population, name) for name in _STATE}
        kept |= {"wanted": self.wanted, "index": self._index, "failed": self._failed}
        # Unsigned numbers wider than a byte go as signed ones of the same bits.
        tensors = {}
        for name, value in kept.items():
            signed = value.view(np.int32) if value.dtype == np.uint32 else value
            tensors[name] = torch.from_numpy(np.ascontiguousarray(signed).copy())
        return tensors

    def restore(self, state: dict[str, Any]) -> None:
        """Take a state that `state` gave. Raises InputError if it is that of other cells."""
        if len(state["conductance"]) != len(self) or state["wanted"].shape != self.wanted.shape:
            raise InputError(
                Problem(
                    "a checkpoint of other cells",
                    got=f"{len(state['conductance'])} cells",
                    allowed=f"{len(self)} cells",
                    hint="convert the same model with the same tile and seed, then load",
                )
            )
        for name in _STATE:
            current = getattr(self.population, name)
            current[:] = state[name].numpy().view(current.dtype)
        self.wanted = state["wanted"].numpy().copy()
        self._index = state["index"].numpy().copy()
        self._failed = state["failed"].numpy().copy()

    def rewrite(self, wanted: Digits) -> WriteCost:
        """Write other digits into the same cells."""
        self.wanted = wanted
        self.cost = self._write(self._index, wanted[self.real])
        return self.cost

    def read_deviation(self, conductance: Conductances, temperature: float = ROOM) -> Conductances:
        """Standard deviation [S] of one read of cells of a `conductance` [S], both in the shape of
        `wanted`.
        """
        full = np.zeros(self.wanted.shape, np.float32)
        law = self.tile.model.noise
        if law is not None:
            g = conductance[self.real].astype(np.float64)
            volts = self.tile.read.voltage
            full[self.real] = (
                law.current_deviation(g * volts, g, temperature, self.tile.read.integration) / volts
            )
        return full

    def _write(self, where: NDArray[Any], digit: Digits) -> WriteCost:
        tile = self.tile
        target = level_conductance(digit, tile).astype(np.float64)
        low = np.maximum(target - tile.levels.half_window, 0.0)
        high = target + tile.levels.half_window
        outcome = self.population.write_verify(low, high, scheme=tile.scheme, where=where)
        self._failed[where] = ~outcome.ok
        return WriteCost(
            cells=len(where),
            failed=int(np.count_nonzero(~outcome.ok)),
            pulses=float(outcome.pulses.mean()),
            energy=float(outcome.energy.sum(dtype=np.float64)),
            time=float(outcome.time.mean()),
        )

    def _spare_outputs(self) -> int:
        """Spare outputs of all column tiles, no more than a tile has outputs in use."""
        width = self.tile.outputs - self.tile.spare_outputs
        starts = range(0, self.placement.outputs, width)
        used = [min(width, self.placement.outputs - start) for start in starts]
        return sum(min(self.tile.spare_outputs, outputs) for outputs in used)

    def _use_spares(self) -> None:
        """Write the worst outputs of every column tile again, into spares; keep the better."""
        width = self.tile.outputs - self.tile.spare_outputs
        error = self._output_error()
        worst = [
            start + np.argsort(-error[start : start + width])[: self.tile.spare_outputs]
            for start in range(0, self.placement.outputs, width)
        ]
        outputs = np.arange(self.placement.outputs)
        again = (self.real & np.isin(outputs, np.concatenate(worst)))[self.real]
        before = self._index.copy()
        self._index[again] = np.arange(len(before), len(self))
        self._write(self._index[again], self.wanted[self.real][again])
        keep_old = np.broadcast_to(self._output_error() > error, self.real.shape)[self.real]
        self._index[keep_old] = before[keep_old]

    def _output_error(self) -> NDArray[np.float64]:
        """Squared error of each output's weights, in whole weights; (outputs,)."""
        off = np.where(self.real, self.conductance() - level_conductance(self.wanted, self.tile), 0)
        sign = np.array([1.0, -1.0])[: self.tile.polarities]
        weight = float(self.tile.radix) ** np.arange(self.tile.slices)
        total = np.einsum("tpsro,p,s->tro", off / self.tile.step, sign, weight)
        return np.square(total).sum(axis=(0, 1))
