"""One chip: a die and its controller, as programs meet it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tantala.base.errors import InputError, Problem
from tantala.base.quantity import to_si
from tantala.base.random import purpose, words
from tantala.chip.die import Die, Sensed
from tantala.chip.errors import PowerLost, ProtectedError, UncorrectableError
from tantala.chip.mapping import AddressMap, Places
from tantala.chip.meter import Meter, Operation, Statistics
from tantala.chip.specification import Specification, specification
from tantala.chip.writer import Writer
from tantala.macro.design import Design, load_design

UNIQUE_ID = purpose("chip.unique_id")
TICK = 1.0  # s of simulated operation after which cells grow older by it


class Chip:
    """A ReRAM chip in which every cell is simulated. One seed is one die.

    A fresh chip holds zeros. Data are kept in cells alone: `read` senses and corrects them.

    Raises InputError for a design that cannot be a chip.
    """

    def __init__(self, design: Design | str | Path, seed: int = 0) -> None:
        """`design`: a library name, a path or a design; `seed`: which die."""
        chosen = design if isinstance(design, Design) else load_design(str(design))
        self._make(specification(chosen), seed)

    def _make(self, spec: Specification, seed: int) -> None:
        design = spec.design
        suitable(design)
        self.design = design
        self.seed = int(seed)
        self.specification = spec
        self.word_bytes = design.word // 8
        self.size = design.capacity // 8
        line = design.controller.line // design.word
        rotates = design.controller.wear_levelling == "start_gap"
        self._own = -(-design.controller.otp // design.word)
        # Beyond the user's words lie the gap's line and the one-time programmable words.
        self._otp_first = (-(-spec.words // line) + rotates) * line
        self.die = Die(spec, seed, self._otp_first + self._own)
        group = (spec.set_words, spec.set_spares)
        scramble = seed if design.controller.scramble else None
        self.map = AddressMap(spec.words, line, group, scramble, rotates)
        self.meter = Meter(self.map.lines + rotates)
        self.writer = Writer(self.die, self.map)
        self.power_cycles = 0  # times the power was given back: what is volatile outside looks here
        self.since_gap = 0
        self.young = 0.0  # s of operation by which the cells are not older yet
        self.protected: tuple[int, int] = (0, 0)
        self.registers: dict[str, int] = {}  # non-volatile ones, of the faces
        self.otp_locked = False

    @property
    def unique_id(self) -> bytes:
        """Twelve bytes that tell this die from others."""
        return words(self.seed, UNIQUE_ID, 0)[:3].astype("<u4").tobytes()

    @property
    def time(self) -> float:
        """Simulated time, s: at work and waiting. Kept apart, so that years lose no nanosecond."""
        return self.meter.amounts["busy_s"] + self.meter.amounts["waited_s"]

    @property
    def statistics(self) -> Statistics:
        """All counters."""
        place, reads = self.die.stress.most_read()
        line = self.map.number_of(place) // self.map.line
        return self.meter.statistics(len(self.map.replaced), (line, reads))

    @property
    def powered(self) -> bool:
        """Whether the chip answers."""
        return self.writer.powered

    def cut_power_after(self, pulses: int) -> None:
        """Let the power fail at that pulse of a group of cells from now; 0: before the next one."""
        if isinstance(pulses, bool) or not isinstance(pulses, (int, np.integer)) or pulses < 0:
            raise InputError(Problem("bad number of pulses", got=repr(pulses), allowed="0 or more"))
        self.writer.pulses_left = int(pulses)

    def power_off(self) -> None:
        """Take the power away between two operations."""
        self.writer.powered = False

    def power_on(self) -> None:
        """Give it back; a cut still to come is forgotten."""
        self.power_cycles += 1
        self.writer.powered, self.writer.pulses_left = True, None

    def read(self, address: int, length: int) -> bytes:
        """Bytes at `address`.

        Raises InputError beyond the end, UncorrectableError, PowerLost.
        """
        self._inside(address, length)
        if not length:
            return b""
        first, last = address // self.word_bytes, -(-(address + length) // self.word_bytes)
        data = self._read(np.arange(first, last))
        transfer = 8 * length * self.specification.transfer_energy
        self.meter.amounts["interface_energy_J"] += transfer
        start = address - first * self.word_bytes
        return data.reshape(-1)[start : start + length].tobytes()

    def write(self, address: int, data: bytes) -> Operation:
        """Store `data` at `address`; when this returns it is in the cells.

        Raises InputError beyond the end or for data that are no bytes, ProtectedError, PowerLost at
        a cut, and UncorrectableError where a word is written in part whose other bytes are lost.
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            raise InputError(
                Problem("data to write are no bytes", got=repr(data)[:40], hint="b'...' or bytes()")
            )
        self._inside(address, len(data))
        first, last = self.protected
        if address < last and address + len(data) > first:
            raise ProtectedError(max(address, first))
        before = self._totals()
        if data:
            self._write(address, np.frombuffer(data, np.uint8))
        self.meter.counts["writes"] += 1
        time, energy, pulses, corrected, unwritten = (
            now - then for now, then in zip(self._totals(), before, strict=True)
        )
        return Operation(time, energy, int(pulses), int(corrected), int(unwritten))

    def _totals(self) -> tuple[float, ...]:
        amounts, counts = self.meter.amounts, self.meter.counts
        return (
            amounts["busy_s"],
            amounts["write_energy_J"],
            counts["pulses"],
            counts["corrected"],
            counts["unwritten"],
        )

    def wait(self, seconds: float) -> None:
        """Let simulated time pass at the design's typical temperature."""
        self._stand(seconds)
        self.young += seconds
        if self.young >= TICK:
            self._grow_older()

    def elapse(
        self,
        time: float | str,
        temperature: float | str = "25 degC",
        extrapolate: bool | None = None,
    ) -> None:
        """Let the chip stand for `time` at `temperature`, with or without power.

        Raises RangeViolation beyond what the cell's law was measured for, unless `extrapolate` (the
        design's own word on it if None).
        """
        seconds = to_si(time, "s", name="time")
        kelvin = to_si(temperature, "K", name="temperature")
        self._grow_older()
        beyond = self.design.extrapolate if extrapolate is None else extrapolate
        if seconds >= 0.0:
            self.die.cells.elapse(seconds, kelvin, beyond)
        self._stand(seconds)

    def _stand(self, seconds: float) -> None:
        """Count time without work, and what the chip draws in it."""
        if not 0.0 <= seconds < float("inf"):
            raise InputError(Problem("bad time", got=f"{seconds:g} s", allowed="0 s or more"))
        self.meter.amounts["waited_s"] += seconds
        if self.powered:
            self.meter.amounts["standby_energy_J"] += self.specification.standby_power * seconds

    def protect(self, first: int, last: int) -> None:
        """Refuse writes to the bytes first ... last - 1; (0, 0) for none."""
        self.protected = (int(first), int(last))

    def read_otp(self) -> bytes:
        """The one-time programmable area. Raises UncorrectableError with addresses past the end."""
        self._inside(0, 0)
        data = self._sensed_user(self.map.place_of(self._otp_words()), self.specification.words)
        return data.reshape(-1).tobytes()

    def write_otp(self, data: bytes) -> None:
        """Write the one-time programmable area from its start, and lock it. Raises ProtectedError
        once it is locked.
        """
        self._inside(0, 0)
        if self.otp_locked:
            raise ProtectedError(self.size)
        room = self._own * self.word_bytes
        if len(data) > room:
            raise InputError(Problem("too much data", got=str(len(data)), allowed=f"{room} bytes"))
        padded = np.zeros((self._own, self.word_bytes), np.uint8)
        padded.reshape(-1)[: len(data)] = np.frombuffer(data, np.uint8)
        self._store(self.map.place_of(self._otp_words()), padded)
        self.otp_locked = True

    def save(self, path: str | Path) -> None:
        """Write the whole die into an image; the old one stays until the new one is complete."""
        from tantala.chip.image import save

        save(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> Chip:
        """A chip from its image. Raises ImageError for a torn or foreign one."""
        from tantala.chip.image import load

        return load(cls, Path(path))

    def _otp_words(self) -> Places:
        return np.arange(self._otp_first, self._otp_first + self._own)

    def _inside(self, address: int, length: int) -> None:
        if not self.powered:
            raise PowerLost
        for name, value in (("address", address), ("length", length)):
            if not isinstance(value, int | np.integer):
                raise InputError(
                    Problem(f"{name} is no whole number", got=repr(value), allowed="bytes")
                )
        if address < 0 or length < 0 or address + length > self.size:
            raise InputError(
                Problem(
                    "beyond the chip",
                    got=f"{length} bytes at {address:#x}",
                    allowed=f"0 to 0x{self.size - 1:x}",
                )
            )

    def _read(self, logical: Places) -> NDArray[np.uint8]:
        self.meter.counts["reads"] += 1
        return self._sensed_user(self.map.places(logical), int(logical[0]) if len(logical) else 0)

    def _sensed_user(self, places: Places, first: int) -> NDArray[np.uint8]:
        """Corrected data of words at `places`; `first`: logical number of the first, for errors."""
        sensed = self._sensed(places)
        lost = self._correct(places, sensed)
        if len(lost):
            raise UncorrectableError((first + int(lost[0])) * self.word_bytes, len(lost))
        return sensed.data

    def _sensed(self, places: Places) -> Sensed:
        spec, meter = self.specification, self.meter
        meter.counts["read_words"] += len(places)
        meter.amounts["read_energy_J"] += len(places) * spec.read_energy
        self._work(len(places) * spec.read_time)
        return self.die.sense(self.writer.settled(places))

    def _correct(self, places: Places, sensed: Sensed) -> NDArray[np.intp]:
        """Correct what was sensed, in place; words that are lost stay as they came, and are told.

        Others are scrubbed if so designed: only their wrong bits are pulsed, so that a cut in it
        harms none that is right.
        """
        wrong = np.flatnonzero(sensed.syndrome)
        if self.die.code is None or not len(wrong):
            return wrong[:0]
        decoded = self.die.code.decode(sensed.data[wrong], sensed.check[wrong])
        sensed.data[wrong], sensed.check[wrong] = decoded.data, decoded.check
        mended = ~decoded.failed
        self.meter.counts["corrected"] += int(decoded.corrected[mended].sum())
        self.meter.counts["uncorrectable"] += int(decoded.failed.sum())
        if self.design.controller.scrub == "on_read" and mended.any():
            self.meter.counts["scrubbed"] += int(mended.sum())
            self._store(places[wrong[mended]], decoded.data[mended])
        return wrong[decoded.failed]

    def _write(self, address: int, given: NDArray[np.uint8]) -> None:
        size = self.word_bytes
        first, last = address // size, -(-(address + len(given)) // size)
        logical = np.arange(first, last)
        places = self.map.places(logical)
        start, end = address - first * size, address - first * size + len(given)
        data = np.zeros((len(logical), size), np.uint8)
        edges = ({0} if start else set()) | ({len(logical) - 1} if end % size else set())
        for edge in sorted(edges):
            data[edge] = self._sensed_user(places[edge : edge + 1], first + edge)[0]
        data.reshape(-1)[start:end] = given
        self._store(places, data, ones_first=self.design.controller.order == "ones_first")
        self._count_lines(logical)

    def _store(
        self,
        places: Places,
        data: NDArray[np.uint8],
        check: NDArray[np.uint64] | None = None,
        ones_first: bool = False,
    ) -> None:
        """Write whole words, and meter it."""
        spec, meter = self.specification, self.meter
        taken = self.writer.store(places, data, check, ones_first)
        meter.counts["written_words"] += taken.words
        meter.counts["pulses"] += taken.pulses
        meter.counts["unwritten"] += taken.unwritten
        meter.amounts["write_energy_J"] += (
            taken.energy + spec.pump_energy + taken.words * spec.start_energy
        )
        busy = taken.time + spec.pump_time + taken.words * spec.start_time
        meter.amounts["interface_energy_J"] += busy * spec.program_power
        self._work(busy)
        if not self.writer.powered:
            raise PowerLost

    def _count_lines(self, logical: Places) -> None:
        # Words of one write follow each other.
        first, last = logical[[0, -1]] // self.map.line
        lines = self.map.lines_of(np.arange(first, last + 1))
        self.meter.wear[lines] += np.uint32(1)
        if not self.map.rotates:
            return
        self.since_gap += len(lines)
        while self.since_gap >= self.design.controller.gap_interval:
            self.since_gap -= self.design.controller.gap_interval
            self._move_gap()

    def _move_gap(self) -> None:
        """One step of Start-Gap: the registers follow once the copy is complete.

        Words that are lost are copied as they are, check bits and all: still lost, and told so.
        """
        line = np.arange(self.map.line)
        source, target = (
            self.map.place_of(number * self.map.line + line) for number in self.map.moved()
        )
        sensed = self._sensed(source)
        self._correct(source, sensed)
        self._store(target, sensed.data, sensed.check)
        self.meter.wear[self.map.gap] += np.uint32(1)
        self.meter.counts["gap_moves"] += 1
        self.map.step()

    def _work(self, seconds: float) -> None:
        self.meter.amounts["busy_s"] += seconds
        self.young += seconds
        if self.young >= TICK:
            self._grow_older()

    def _grow_older(self) -> None:
        if self.young > 0.0:
            self.die.cells.elapse(self.young, self.specification.temperature, True)
            self.young = 0.0


def suitable(design: Design) -> None:
    """Raise InputError for a design that cannot be a chip."""
    problems = []
    for name, value in (("word", design.word), ("capacity", design.capacity)):
        if value % 8:
            problems.append(Problem(f"{name} is no whole number of bytes", got=f"{value} bit"))
    if design.controller.line % design.word:
        problems.append(
            Problem(
                "a line is no whole number of words",
                f"{design.origin}: controller.line",
                f"{design.controller.line} bit",
                f"a multiple of {design.word} bit",
            )
        )
    if problems:
        raise InputError(problems)
