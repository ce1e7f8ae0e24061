"""Memories without cells, for tests of faces: a plain store, and some that lie in one way each."""

from __future__ import annotations

from tantala.base.errors import InputError
from tantala.chip.errors import PowerLost, ProtectedError, UncorrectableError


class PlainMemory:
    """Keeps bytes and counts operations."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.time = 0.0
        self.reads = 0
        self.writes = 0
        self.content = bytearray(size)

    def _inside(self, address: int, length: int) -> None:
        if address < 0 or length < 0 or address + length > self.size:
            raise InputError(f"beyond the memory: {length} bytes at {address}")

    def read(self, address: int, length: int) -> bytes:
        self._inside(address, length)
        self.reads += 1
        return bytes(self.content[address : address + length])

    def write(self, address: int, data: bytes) -> None:
        self._inside(address, len(data))
        self.writes += 1
        self.content[address : address + len(data)] = data

    def wait(self, seconds: float) -> None:
        self.time += seconds


class FlippingMemory(PlainMemory):
    """One bit of one byte reads inverted."""

    def __init__(self, size: int, address: int, bit: int = 3) -> None:
        super().__init__(size)
        self.flipped = (address, 1 << bit)

    def read(self, address: int, length: int) -> bytes:
        data = bytearray(super().read(address, length))
        where, mask = self.flipped
        if address <= where < address + length:
            data[where - address] ^= mask
        return bytes(data)


class ForgetfulMemory(PlainMemory):
    """Acknowledges writes, and drops them all from a given one on."""

    def __init__(self, size: int, kept: int = 0) -> None:
        super().__init__(size)
        self.kept = kept

    def write(self, address: int, data: bytes) -> None:
        if self.writes < self.kept:
            super().write(address, data)
        else:
            self._inside(address, len(data))
            self.writes += 1


class FailingMemory(PlainMemory):
    """Reads and writes fail after a number of operations, as where a code gives up."""

    def __init__(self, size: int, fine: int) -> None:
        super().__init__(size)
        self.fine = fine

    def _inside(self, address: int, length: int) -> None:
        super()._inside(address, length)
        if self.reads + self.writes >= self.fine:
            raise UncorrectableError(address)


class PowerlessMemory(PlainMemory):
    """Answers while `powered`."""

    powered = True

    def _inside(self, address: int, length: int) -> None:
        if not self.powered:
            raise PowerLost
        super()._inside(address, length)


class ProtectedMemory(PlainMemory):
    """Refuses every write."""

    def write(self, address: int, data: bytes) -> None:
        raise ProtectedError(address)


class BrokenMemory(PlainMemory):
    """Has a programming error in its read."""

    def read(self, address: int, length: int) -> bytes:
        raise ZeroDivisionError("a fault in the memory itself")
