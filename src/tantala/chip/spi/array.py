"""The array behind a serial face, on a bus that has no way to say that data are lost."""

from __future__ import annotations

from typing import Protocol

from tantala.chip.device import Memory
from tantala.chip.errors import UncorrectableError

UNDRIVEN = 0x00  # a bus that nobody drives: flashrom ends cleanly on 00, and polls FF for ever
_PAGE = 256  # bytes read together while looking for lost words


class SerialMemory(Memory, Protocol):
    """What a serial face needs of a chip beyond bytes; `tantala.chip.Chip` has it."""

    @property
    def powered(self) -> bool:
        """Whether the chip answers."""
        ...

    @property
    def word_bytes(self) -> int:
        """Bytes that are corrected together."""
        ...

    @property
    def unique_id(self) -> bytes:
        """Twelve bytes that tell this die from others."""
        ...

    @property
    def registers(self) -> dict[str, int]:
        """Non-volatile registers by name."""
        ...

    def protect(self, first: int, last: int) -> None:
        """Refuse writes to the bytes first ... last - 1; (0, 0) for none."""
        ...


def read_available(memory: SerialMemory, address: int, length: int) -> tuple[bytes, int]:
    """Bytes with those of lost words left undriven, and how many words are lost."""
    try:
        return memory.read(address, length), 0
    except UncorrectableError:
        word = memory.word_bytes
        if address // word == (address + length - 1) // word:
            return bytes([UNDRIVEN]) * length, 1
    step = _PAGE if length > _PAGE else word
    parts, lost, end = [], 0, address + length
    while address < end:
        stop = min((address // step + 1) * step, end)
        part, missing = read_available(memory, address, stop - address)
        parts.append(part)
        address, lost = stop, lost + missing
    return b"".join(parts), lost


def write_available(memory: SerialMemory, address: int, data: bytes) -> float:
    """Write `data`; s that it took. A word that is written in part and whose other bytes are lost
    gets what the bus shows of them.
    """
    try:
        return memory.write(address, data).time
    except UncorrectableError:
        word = memory.word_bytes
        first, last = address // word * word, -(-(address + len(data)) // word) * word
        whole = bytearray(read_available(memory, first, last - first)[0])
        whole[address - first : address - first + len(data)] = data
        return memory.write(first, bytes(whole)).time
