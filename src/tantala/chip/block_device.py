"""A chip as a device of blocks, for file systems, and as a device of bytes, for databases.

Both raise the errors of their memory; where C calls back into Python, go through
`tantala.chip.callbacks`, which answers with negative error numbers instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from tantala.base.errors import InputError, Problem, raise_if
from tantala.chip.device import Memory
from tantala.chip.errors import PowerLost, UncorrectableError

ERASED = 0xFF
LINE = 256  # bytes of a cache line: the write buffer of the MB85AS parts


def code_word_of(memory: Memory) -> int:
    """Bytes that the memory writes and protects together; raises InputError if it does not tell."""
    word = getattr(memory, "word_bytes", None)
    if word is None:
        raise InputError(
            Problem(
                "the memory does not tell its code word",
                type(memory).__name__,
                hint="the size in bytes as program_size or code_word",
            )
        )
    return int(word)


class BlockDevice:
    """Blocks of `block_size` bytes on `memory`, from byte `base` on; `block_count` or what fits.

    `program_size` is the unit [bytes] of a program, the chip's code word (`word_bytes`) if None: a
    cut harms nothing outside the units in flight if it is a multiple of the code word and `base` is
    aligned to it. A ReRAM needs no erase before a write; `on_erase` states what erase does: "keep"
    leaves a block as it is if all of it can be read, "fill" writes FF, as a client expects that
    takes the chip for flash memory.

    Raises InputError for a geometry that does not fit.
    """

    def __init__(
        self,
        memory: Memory,
        block_size: int,
        *,
        program_size: int | None = None,
        base: int = 0,
        block_count: int | None = None,
        on_erase: Literal["keep", "fill"] = "keep",
    ) -> None:
        self.memory = memory
        self.block_size = block_size
        unit = code_word_of(memory) if program_size is None else program_size
        self.program_size = unit
        self.base = base
        self.on_erase = on_erase
        raise_if(_bad_geometry(memory.size, block_size, unit, base, block_count, on_erase))
        fits = (memory.size - base) // block_size
        self.block_count = fits if block_count is None else block_count

    def address(self, block: int, offset: int, length: int = 0) -> int:
        """The memory's address of a place in a block; raises InputError outside the blocks."""
        if not 0 <= block < self.block_count:
            raise InputError(
                Problem("no such block", got=str(block), allowed=f"0 to {self.block_count - 1}")
            )
        _require_inside("the block", offset, length, self.block_size)
        return self.base + block * self.block_size + offset

    def read(self, block: int, offset: int, length: int) -> bytes:
        """`length` bytes of `block` from byte `offset`; raises what the memory's read raises."""
        return self.memory.read(self.address(block, offset, length), length)

    def salvage(self, block: int, offset: int, length: int) -> tuple[bytes, list[int]]:
        """As `read`, with FF for each unit of `program_size` that cannot be corrected.

        Also gives the offsets of those units. A client that reads ahead needs the sound units
        around a torn one.
        """
        try:
            return self.read(block, offset, length), []
        except UncorrectableError:
            return self._salvage_units(block, offset, length)

    def _salvage_units(self, block: int, offset: int, length: int) -> tuple[bytes, list[int]]:
        data, bad = b"", []
        while len(data) < length:
            at = offset + len(data)
            part = min(self.program_size - at % self.program_size, length - len(data))
            try:
                data += self.read(block, at, part)
            except UncorrectableError:
                data += bytes([ERASED]) * part
                bad.append(at)
        return data, bad

    def program(self, block: int, offset: int, data: bytes) -> None:
        """Write `data` from byte `offset` of `block`: they are in the cells when this returns.

        Raises InputError unless offset and length are multiples of `program_size`, and what the
        memory's write raises.
        """
        address = self.address(block, offset, len(data))
        if offset % self.program_size or len(data) % self.program_size:
            raise InputError(
                Problem(
                    "a program that is not aligned",
                    got=f"{len(data)} bytes at offset {offset}",
                    allowed=f"multiples of {self.program_size} bytes",
                    hint="the client's program size set to the device's",
                )
            )
        self.memory.write(address, data)

    def erase(self, block: int) -> None:
        """Fill the block with FF, or keep it: see `on_erase`.

        A block with data beyond correction, as a cut leaves them, is filled either way: a client
        that reads past what it has written since must not meet them.
        """
        address = self.address(block, 0, self.block_size)
        if self.on_erase == "keep" and not self.salvage(block, 0, self.block_size)[1]:
            return
        self.memory.write(address, bytes([ERASED]) * self.block_size)

    def sync(self) -> None:
        """Nothing is left to do: a program that has returned is in the cells.

        Raises PowerLost without power, so that no client takes it for an acknowledgement of a
        program that a cut has torn.
        """
        _require_power(self.memory)


class ByteDevice:
    """`size` bytes of `memory` from byte `base` on, with a write-back cache of `cache` bytes.

    Without a cache every write is in the cells when it returns. With one, writes are held until
    `sync`, or until the cache is full; a power cut loses them, and reads see them. Drained lines go
    out in the order of their addresses, not of their writes, as those of a real cache may.

    `code_word` [bytes] is what a torn write may harm around the bytes written: the memory's own
    `word_bytes` if None. `base` must be aligned to it.

    Raises InputError for a range that does not fit the memory.
    """

    def __init__(
        self,
        memory: Memory,
        *,
        base: int = 0,
        size: int | None = None,
        cache: int = 0,
        code_word: int | None = None,
    ) -> None:
        self.memory = memory
        self.base = base
        self.size = memory.size - base if size is None else size
        self.code_word = code_word_of(memory) if code_word is None else code_word
        _require_inside("the memory", base, self.size, memory.size)
        if cache < 0:
            raise InputError(Problem("a cache of negative size", got=str(cache), allowed="0 up"))
        if self.code_word < 1 or base % self.code_word:
            found, allowed = f"byte {base}", f"multiples of the code word, {self.code_word} bytes"
            raise InputError(Problem("a device off the code words", got=found, allowed=allowed))
        self._held = cache // LINE
        self._lines: dict[int, _CacheLine] = {}
        self._cycles = _power_cycles(memory)

    @property
    def unsynced(self) -> int:
        """Bytes that a power cut would lose now."""
        return sum(line.count for line in self._lines.values())

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset` as last written, synced or not."""
        _require_inside("the device", offset, length, self.size)
        with self._losing_cache():
            if not self._lines:
                return self.memory.read(self.base + offset, length)
            return b"".join(self._read_part(*part) for part in _parts(offset, length))

    def write(self, offset: int, data: bytes) -> None:
        """Write `data` from `offset` on, into the cache if there is one."""
        _require_inside("the device", offset, len(data), self.size)
        with self._losing_cache():
            if not self._held:
                self.memory.write(self.base + offset, data)
                return
            taken = 0
            for index, start, length in _parts(offset, len(data)):
                line = self._lines.setdefault(index, _CacheLine())
                line.put(start, data[taken : taken + length])
                taken += length
            while len(self._lines) > self._held:
                self._drain(next(iter(self._lines)))

    def sync(self) -> None:
        """Everything written so far is in the cells when this returns.

        Raises PowerLost without power, also where a cut has emptied the cache.
        """
        with self._losing_cache():
            _require_power(self.memory)
            for index in sorted(self._lines):
                self._drain(index)

    def heal(self, offset: int, length: int) -> int:
        """Write 00 over each code word of the range that cannot be corrected; tells how many.

        A code word whose rest is lost cannot be written in part.
        """
        _require_inside("the device", offset, length, self.size)
        healed = 0
        for start in range(offset - offset % self.code_word, offset + length, self.code_word):
            with self._losing_cache():
                try:
                    self.memory.read(self.base + start, self.code_word)
                except UncorrectableError:
                    self.memory.write(self.base + start, bytes(self.code_word))
                    healed += 1
        return healed

    def _read_part(self, index: int, start: int, length: int) -> bytes:
        line = self._lines.get(index)
        if line is not None and line.holds(start, length):
            return bytes(line.data[start : start + length])
        stored = self.memory.read(self.base + index * LINE + start, length)
        return stored if line is None else line.over(start, stored)

    def _drain(self, index: int) -> None:
        line = self._lines[index]
        for start, data in line.runs():
            self.memory.write(self.base + index * LINE + start, data)
        del self._lines[index]

    @contextmanager
    def _losing_cache(self) -> Iterator[None]:
        """The cache has no power of its own: what it held is gone with the chip's."""
        try:
            self._notice_power()
            yield
        except PowerLost:
            self._lines.clear()
            raise

    def _notice_power(self) -> None:
        """The power may have gone and come back between two calls: told once, by PowerLost."""
        cycles = _power_cycles(self.memory)
        missed, self._cycles = cycles != self._cycles, cycles
        if missed and self._lines:
            raise PowerLost


class _CacheLine:
    """A line of the cache, with which of its bytes were written since the last drain."""

    def __init__(self) -> None:
        self.data = bytearray(LINE)
        self._written = bytearray(LINE)

    @property
    def count(self) -> int:
        return self._written.count(1)

    def put(self, start: int, data: bytes) -> None:
        self.data[start : start + len(data)] = data
        self._written[start : start + len(data)] = b"\x01" * len(data)

    def holds(self, start: int, length: int) -> bool:
        return self._written.count(1, start, start + length) == length

    def over(self, start: int, stored: bytes) -> bytes:
        """`stored` with the bytes written since laid over them."""
        merged = bytearray(stored)
        for run, data in self.runs():
            low, high = max(run, start), min(run + len(data), start + len(stored))
            if low < high:
                merged[low - start : high - start] = data[low - run : high - run]
        return bytes(merged)

    def runs(self) -> Iterator[tuple[int, bytes]]:
        """Start and data of each stretch of written bytes."""
        start = self._written.find(1)
        while start >= 0:
            end = self._written.find(0, start)
            end = LINE if end < 0 else end
            yield start, bytes(self.data[start:end])
            start = self._written.find(1, end)


def _parts(offset: int, length: int) -> Iterator[tuple[int, int, int]]:
    """Line, start in the line and length of each part of a range."""
    end = offset + length
    while offset < end:
        start = offset % LINE
        part = min(LINE - start, end - offset)
        yield offset // LINE, start, part
        offset += part


def _power_cycles(memory: Memory) -> int:
    return getattr(memory, "power_cycles", 0)


def _require_power(memory: Memory) -> None:
    """A memory that does not tell is taken to have power until its read or write says otherwise."""
    if not getattr(memory, "powered", True):
        raise PowerLost


def _require_inside(where: str, offset: int, length: int, size: int) -> None:
    if offset < 0 or length < 0 or offset + length > size:
        raise InputError(
            Problem(
                f"an access outside {where}",
                got=f"{length} bytes at offset {offset}",
                allowed=f"inside its {size} bytes",
            )
        )


def _bad_geometry(
    size: int,
    block_size: int,
    program_size: int,
    base: int,
    block_count: int | None,
    on_erase: str,
) -> list[Problem]:
    """What is wrong with the geometry of a block device on a memory of `size` bytes."""
    if block_size < 1 or program_size < 1:
        found = f"block_size {block_size}, program_size {program_size}"
        return [Problem("blocks and programs have a size", got=found, allowed="1 byte up")]
    problems = []
    if block_size % program_size:
        problems.append(
            Problem(
                "a block must hold whole programs",
                got=f"block_size {block_size}, program_size {program_size}",
                hint="a program_size that divides the block_size",
            )
        )
    fits = (size - base) // block_size if 0 <= base < size else 0
    if not 1 <= (fits if block_count is None else block_count) <= fits:
        problems.append(
            Problem(
                "the blocks do not fit the memory",
                got=f"{block_count or 'any'} blocks of {block_size} bytes from byte {base}",
                allowed=f"1 to {fits} blocks" if fits else f"inside its {size} bytes",
            )
        )
    if on_erase not in ("keep", "fill"):
        problems.append(
            Problem("unknown way to erase", "on_erase", got=repr(on_erase), allowed="keep, fill")
        )
    return problems
