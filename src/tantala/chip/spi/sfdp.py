"""The table by which a serial flash describes itself: JESD216, first edition.

JESD216 itself was not read: the fields are those that flashrom 1.3.0 reads (sfdp.c).
"""

from __future__ import annotations

import struct

from tantala.base.errors import InputError, Problem
from tantala.chip.spi.face import Face, Part

SPACE = 256  # bytes of the table's address space
_TABLE = 0x30  # where the basic table begins; the headers end at 0x10
_DWORDS = 9
_NO_MODE = (0, 0, 0xFFFFFFEE, 0x0000FFFF, 0x0000FFFF)  # dwords 3 to 7: no dual or quad mode


def erase_types(face: Face, part: Part) -> list[tuple[int, int]]:
    """(bytes, opcode) of the erase commands that divide the memory, smallest first.

    Raises InputError if there is none: clients refuse to write such a memory.
    """
    stated = [
        (command.size, command.opcode)
        for command in face.commands.values()
        if command.action == "erase" and command.size
    ]
    found = sorted(entry for entry in stated if part.size % entry[0] == 0)
    if not found:
        smallest = min(size for size, _ in stated)
        raise InputError(
            Problem(
                "no erase command divides the memory",
                f"face {face.name}",
                f"{part.size} bytes",
                f"a multiple of {smallest} bytes",
            )
        )
    return found


def table(face: Face, part: Part) -> bytes:
    """The whole address space of the table. Raises InputError as `erase_types`."""
    types = erase_types(face, part)
    small = next((opcode for size, opcode in types if size == 4096), 0xFF)
    # 4 KiB erase or none; bit 2: programs 64 bytes and more at once; 3-byte addresses only.
    first = 0xFF800000 | small << 8 | 0xE0 | 1 << 2 | (0b01 if small != 0xFF else 0b11)
    sizes = b"".join(bytes([size.bit_length() - 1, opcode]) for size, opcode in types)
    basic = struct.pack("<7I", first, part.size * 8 - 1, *_NO_MODE) + sizes.ljust(8, b"\0")
    header = b"SFDP" + bytes([0, 1, 0, 0xFF])
    header += bytes([0, 0, 1, _DWORDS]) + _TABLE.to_bytes(3, "little") + b"\xff"
    return (header.ljust(_TABLE, b"\xff") + basic).ljust(SPACE, b"\xff")
