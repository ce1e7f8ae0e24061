"""Plain memories behind serial faces: bytes that are kept, lost, stuck or cut off."""

from __future__ import annotations

from dataclasses import dataclass

from tantala.chip.errors import PowerLost, ProtectedError, UncorrectableError


@dataclass(frozen=True)
class Taken:
    """What a write took, s."""

    time: float


class PlainMemory:
    """A bytearray with the face of a chip. A write takes `busy` s; words in `lost` cannot be read.

    `cut_after`: bytes of writes until the power fails, or None.
    """

    def __init__(self, size: int, busy: float = 1e-3, word_bytes: int = 8) -> None:
        self.size = size
        self.data = bytearray(size)
        self.busy = busy
        self.word_bytes = word_bytes
        self.time = 0.0
        self.powered = True
        self.unique_id = bytes(range(100, 112))
        self.registers: dict[str, int] = {}
        self.protected = (0, 0)
        self.lost: set[int] = set()
        self.cut_after: int | None = None
        self.reads = self.writes = 0

    def read(self, address: int, length: int) -> bytes:
        assert 0 <= address <= address + length <= self.size
        if not self.powered:
            raise PowerLost
        self.reads += 1
        if length:
            touched = range(
                address // self.word_bytes, (address + length - 1) // self.word_bytes + 1
            )
            gone = [word for word in self.lost if word in touched]
            if gone:
                raise UncorrectableError(min(gone) * self.word_bytes, len(gone))
        return bytes(self.data[address : address + length])

    def write(self, address: int, data: bytes) -> Taken:
        assert 0 <= address <= address + len(data) <= self.size
        if not self.powered:
            raise PowerLost
        first, last = self.protected
        if address < last and address + len(data) > first:
            raise ProtectedError(max(address, first))
        word, end = self.word_bytes, address + len(data)
        partial = {edge // word for edge in (address, end) if edge % word}
        if partial & self.lost:
            raise UncorrectableError(min(partial & self.lost) * word)
        if self.cut_after is not None and self.cut_after < len(data):
            kept = data[: self.cut_after]
            self.data[address : address + len(kept)] = kept
            self.powered, self.cut_after = False, None
            raise PowerLost
        if self.cut_after is not None:
            self.cut_after -= len(data)
        self.lost -= set(range(-(-address // word), end // word))
        self.data[address:end] = data
        self.writes += 1
        self.time += self.busy
        return Taken(self.busy)

    def wait(self, seconds: float) -> None:
        assert seconds >= 0.0
        self.time += seconds

    def protect(self, first: int, last: int) -> None:
        self.protected = (first, last)

    def power_on(self) -> None:
        self.powered, self.cut_after = True, None


class StuckMemory(PlainMemory):
    """A control: one bit of one byte always reads as zero."""

    def __init__(self, size: int, address: int, bit: int = 0) -> None:
        super().__init__(size)
        self.address, self.mask = address, 0xFF ^ (1 << bit)

    def read(self, address: int, length: int) -> bytes:
        data = bytearray(super().read(address, length))
        if address <= self.address < address + length:
            data[self.address - address] &= self.mask
        return bytes(data)
