"""The write cache of the block face: volatile, as that of a drive, and said to be so.

A write is acknowledged once it is here. It reaches the cells by a flush or forced unit access, in
the background, when the cache is full, and when a client leaves. What was acknowledged and not
flushed is lost with the power; what was flushed, or written with forced unit access, never is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tantala.base.errors import InputError, Problem, TantalaError
from tantala.chip.device import Memory
from tantala.chip.errors import PowerLost, ProtectedError

BLOCK = 4096  # bytes held together
LARGEST = 1 << 30  # bytes


class _Block:
    """Bytes of a block, and which of them were written: only those go to the cells, so that a cut
    harms no neighbour that a write without a cache would have left alone.
    """

    def __init__(self) -> None:
        self.content = bytearray(BLOCK)
        self.written = bytearray(BLOCK)

    def put(self, first: int, data: memoryview) -> None:
        """Take `data` from byte `first` on."""
        self.content[first : first + len(data)] = data
        self.written[first : first + len(data)] = b"\1" * len(data)

    def runs(self, first: int, last: int) -> Iterator[tuple[int, int, bool]]:
        """(start, end, written) of the pieces of bytes first ... last - 1."""
        while first < last:
            here = self.written[first]
            end = self.written.find(1 - here, first, last)
            end = last if end < 0 else end
            yield first, end, bool(here)
            first = end


class WriteCache:
    """A memory behind a write cache of `limit` bytes, in whole blocks; 0 for none.

    Blocks are written back in the order in which they became dirty. losses: times that acknowledged
    data were lost; after a flush, whoever knows another number has to tell his client. requests:
    reads and writes so far. Raises InputError for a limit that is no size.
    """

    def __init__(self, memory: Memory, limit: int = 0) -> None:
        if not 0 <= limit <= LARGEST:
            raise InputError(
                Problem(
                    "bad size of a write cache", f"{limit} bytes", allowed=f"0 to {LARGEST} bytes"
                )
            )
        self._memory = memory
        self.limit = -(-limit // BLOCK) * BLOCK
        self.losses = 0
        self.requests = 0
        self._blocks: dict[int, _Block] = {}  # by number, the oldest first
        self._cycles = self._power_cycles()

    @property
    def size(self) -> int:
        """Bytes of the memory."""
        return self._memory.size

    @property
    def dirty(self) -> int:
        """Bytes that were acknowledged and are not in the cells yet."""
        self._notice_power()
        return sum(block.written.count(1) for block in self._blocks.values())

    def read(self, address: int, length: int) -> bytes:
        """Bytes as they were last written. Raises what the memory raises."""
        self.requests += 1
        self._notice_power()
        if not self._blocks:
            return self._memory.read(address, length)
        if not self._powered():
            raise PowerLost
        parts: list[bytes | memoryview] = []
        clean = address  # what the cache does not hold is read in as few pieces as can be
        for at, part in self._held(address, address + length):
            if clean < at:
                parts.append(self._memory.read(clean, at - clean))
            parts.append(part)
            clean = at + len(part)
        if clean < address + length:
            parts.append(self._memory.read(clean, address + length - clean))
        return b"".join(parts)

    def write(self, address: int, data: bytes, through: bool = False) -> None:
        """Take `data`; when this returns they are in the cells if `through`, or without a cache.

        Raises what the memory raises; PowerLost and ProtectedError at once, whatever the cache.
        """
        self.requests += 1
        self._notice_power()
        if not self.limit:
            self._memory.write(address, data)
            return
        if not self._powered():
            raise PowerLost
        first, last = getattr(self._memory, "protected", (0, 0))
        if address < last and address + len(data) > first:
            raise ProtectedError(max(address, first))
        view, end = memoryview(data), address + len(data)
        for number in range(address // BLOCK, -(-end // BLOCK)):
            start = max(address, number * BLOCK)
            piece = view[start - address : (number + 1) * BLOCK - address]
            if number not in self._blocks:
                self._make_room()
                self._blocks[number] = _Block()
            self._blocks[number].put(start - number * BLOCK, piece)
            if through:
                self._write_back(number)

    def flush(self) -> None:
        """Bring all into the cells. Raises what kept some of it away; the rest was tried first."""
        self._notice_power()
        kept_away: TantalaError | None = None
        while self._blocks:
            try:
                self._write_back(next(iter(self._blocks)))
            except TantalaError as error:
                kept_away = error
        if kept_away is not None:
            raise kept_away

    def write_oldest(self) -> bool:
        """Write back the block that has waited longest; False if there is none. What fails is
        counted in `losses`.
        """
        self._notice_power()
        if not self._blocks:
            return False
        with contextlib.suppress(TantalaError):  # counted: the next flush tells it
            self._write_back(next(iter(self._blocks)))
        return True

    def _held(self, address: int, end: int) -> Iterator[tuple[int, memoryview]]:
        """(address, content) of the pieces that were written and are here, in order."""
        for number in range(address // BLOCK, -(-end // BLOCK)):
            block, base = self._blocks.get(number), number * BLOCK
            if block is not None:
                inside = max(address - base, 0), min(end - base, BLOCK)
                for first, last, written in block.runs(*inside):
                    if written:
                        yield base + first, memoryview(block.content)[first:last]

    def _make_room(self) -> None:
        while len(self._blocks) * BLOCK >= self.limit:
            self._write_back(next(iter(self._blocks)))

    def _write_back(self, number: int) -> None:
        """The written bytes of a block into the cells; it leaves the cache even if that fails."""
        block = self._blocks.pop(number)
        try:
            for first, last, written in block.runs(0, BLOCK):
                if written:
                    self._memory.write(number * BLOCK + first, bytes(block.content[first:last]))
        except PowerLost:
            self._lose()
            raise
        except TantalaError:
            self.losses += 1
            raise

    def _lose(self) -> None:
        self._blocks.clear()
        self.losses += 1

    def _powered(self) -> bool:
        return getattr(self._memory, "powered", True)

    def _power_cycles(self) -> int:
        return getattr(self._memory, "power_cycles", 0)

    def _notice_power(self) -> None:
        """The power may have gone, and come back, since the last request."""
        cycles = self._power_cycles()
        if self._blocks and (cycles != self._cycles or not self._powered()):
            self._lose()
        self._cycles = cycles
