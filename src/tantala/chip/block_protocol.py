"""The socket protocol of a block device: bytes in, answers out, no input or output of its own.

Numbers are little-endian and unsigned, but for the status. A length counts what follows it.

    request   length u32   operation u8   body
    answer    length u32   status i32     body
    0 describe                                      version u16, flags u16, block_size u32,
                                                    block_count u32, program_size u32
    1 read      block u32, offset u32, length u32   the bytes
    2 program   block u32, offset u32, the bytes
    3 erase     block u32
    4 sync
    5 cut       pulses u64                          (the power fails after so many pulses)
    6 power on

A status is 0, or a negative error number as of `tantala.chip.callbacks`. A read beyond correction
(-84) still carries its bytes, with FF for the units that are lost. What is no request ends the
session without an answer.
"""

from __future__ import annotations

import errno
import struct
from typing import Any, Protocol, runtime_checkable

from tantala.chip.block_device import BlockDevice
from tantala.chip.callbacks import BlockCallbacks, error_code
from tantala.chip.device import Memory

VERSION = 1
CAN_CUT = 1  # flag: the power can be cut
LARGEST = 1 << 20  # bytes of a request, its length included

_LENGTH = struct.Struct("<I")
_ANSWER = struct.Struct("<Ii")
_DESCRIPTION = struct.Struct("<HHIII")
_PLACE = struct.Struct("<II")

DESCRIBE, READ, PROGRAM, ERASE, SYNC, CUT, POWER_ON = range(7)
_BODIES = {
    DESCRIBE: struct.Struct("<"),
    READ: struct.Struct("<III"),
    ERASE: struct.Struct("<I"),
    SYNC: struct.Struct("<"),
    CUT: struct.Struct("<Q"),
    POWER_ON: struct.Struct("<"),
}


@runtime_checkable
class PowerSwitch(Protocol):
    """A memory whose power can be cut, as a `Chip`'s."""

    def cut_power_after(self, pulses: int) -> None: ...

    def power_on(self) -> None: ...


class BlockSession:
    """One client's side of the protocol: give it bytes, take its answers."""

    def __init__(self, device: BlockDevice) -> None:
        self._device = device
        self._calls = BlockCallbacks(device)
        self._held = bytearray()
        self.closed = False

    @property
    def waiting(self) -> bool:
        """Whether a request has begun that is not complete."""
        return bool(self._held)

    def feed(self, data: bytes) -> None:
        """Take bytes from the client."""
        self._held += data

    def answer(self) -> bytes | None:
        """Carry out the next request; None without a complete one, or when closed."""
        request = self._next()
        if request is None:
            return None
        operation, body = request[0], bytes(request[1:])
        if operation == PROGRAM:
            fields = _PLACE.unpack_from(body) if len(body) >= _PLACE.size else None
        else:
            layout = _BODIES.get(operation)
            fits = layout is not None and len(body) == layout.size
            fields = layout.unpack(body) if layout and fits else None
        if fields is None:
            return self._close()
        status, data = self._carry_out(operation, fields, body[_PLACE.size :])
        return _ANSWER.pack(4 + len(data), status) + data

    def _next(self) -> bytearray | None:
        """The next whole request without its length."""
        if self.closed or len(self._held) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._held)
        if not 1 <= length <= LARGEST - _LENGTH.size:
            return self._close()
        end = _LENGTH.size + length
        if len(self._held) < end:
            return None
        request = self._held[_LENGTH.size : end]
        del self._held[:end]
        return request

    def _close(self) -> None:
        self.closed = True
        self._held.clear()

    def _carry_out(self, operation: int, fields: tuple[int, ...], data: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        if operation == DESCRIBE:
            return 0, self._description()
        if operation == READ:
            return self._read(*fields)
        if operation == PROGRAM:
            return self._calls.program(fields[0], fields[1], data), b""
        if operation == ERASE:
            return self._calls.erase(fields[0]), b""
        if operation == SYNC:
            return self._calls.sync(), b""
        return self._switch(self._device.memory, fields), b""

    def _description(self) -> bytes:
        device = self._device
        flags = CAN_CUT if isinstance(device.memory, PowerSwitch) else 0
        sizes = device.block_size, device.block_count, device.program_size
        return _DESCRIPTION.pack(VERSION, flags, *sizes)

    def _read(self, block: int, offset: int, length: int) -> tuple[int, bytes]:
        if length > LARGEST:
            return -errno.EINVAL, b""
        data = self._calls.read(block, offset, length)
        if isinstance(data, bytes):
            return 0, data
        if data != -errno.EILSEQ:
            return data, b""
        salvaged = self._calls.salvage(block, offset, length)
        return data, salvaged[0] if isinstance(salvaged, tuple) else b""

    def _switch(self, memory: Memory | Any, fields: tuple[int, ...]) -> int:
        if not isinstance(memory, PowerSwitch):
            return -errno.ENOTSUP
        try:
            memory.cut_power_after(*fields) if fields else memory.power_on()
        except Exception as error:  # the client gets a number, whatever it is
            return error_code(error)
        return 0
