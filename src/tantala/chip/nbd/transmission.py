"""The transmission: requests of a client carried out on a memory, one after another."""

from __future__ import annotations

from collections.abc import Generator

from tantala.base.errors import InputError, TantalaError
from tantala.chip.errors import ProtectedError
from tantala.chip.nbd import wire
from tantala.chip.nbd.cache import WriteCache
from tantala.chip.nbd.handshake import LARGEST_REQUEST, Send
from tantala.chip.nbd.wire import Command, CommandFlag, Error

DISCARD = 1 << 16  # bytes thrown away at a time: a payload that nothing wants is never held whole

ALLOWED_FLAGS: dict[int, int] = {
    Command.READ: int(CommandFlag.FUA),
    Command.WRITE: int(CommandFlag.FUA),
    Command.FLUSH: int(CommandFlag.FUA),
    Command.TRIM: int(CommandFlag.FUA),
    Command.WRITE_ZEROES: int(CommandFlag.FUA | CommandFlag.NO_HOLE),
}


def transmit(memory: WriteCache, send: Send) -> Generator[int, bytes, None]:
    """Yields how many bytes it waits for; returns when the session is to be closed.

    That is when the client says so, sends what is no request, or a write of more than
    `LARGEST_REQUEST`. Every other request is answered. A write reaches the memory only when all of
    its data have come, so a client that vanishes in the middle leaves nothing half written. A flush
    fails once for each loss of acknowledged data that this client has not been told of.
    """
    told = memory.losses
    while True:
        header = yield wire.REQUEST.size
        magic, flags, command, cookie, offset, length = wire.REQUEST.unpack(header)
        if magic != wire.REQUEST_MAGIC or command == Command.DISCONNECT:
            return
        error = _fault(memory, flags, command, offset, length)
        payload = b""
        if command == Command.WRITE:
            if length > LARGEST_REQUEST:
                return
            if error is Error.NONE:
                payload = yield length
            else:
                yield from _discard(length)
        data = b""
        if error is Error.NONE:
            through = bool(flags & CommandFlag.FUA)
            error, data = _carry_out(memory, command, offset, length, payload, through)
        if command == Command.FLUSH and error is not Error.EINVAL:
            error = Error.EIO if memory.losses != told else error
            told = memory.losses
        send(wire.REPLY.pack(wire.REPLY_MAGIC, error, cookie))
        if data:
            send(data)


def _discard(length: int) -> Generator[int, bytes, None]:
    while length:
        part = min(length, DISCARD)
        yield part
        length -= part


def _fault(memory: WriteCache, flags: int, command: int, offset: int, length: int) -> Error:
    """EINVAL for a request that is wrong in itself: unknown, ill flagged, empty or too far."""
    if command not in ALLOWED_FLAGS or flags & ~ALLOWED_FLAGS[command]:
        return Error.EINVAL
    if command == Command.FLUSH:
        fine = offset == length == 0
    else:
        fine = length > 0 and offset + length <= memory.size
    if command == Command.READ:
        fine = fine and length <= LARGEST_REQUEST
    return Error.NONE if fine else Error.EINVAL


def _carry_out(
    memory: WriteCache, command: int, offset: int, length: int, payload: bytes, through: bool
) -> tuple[Error, bytes]:
    """The error and the data of the reply; `through`: with forced unit access.

    TRIM leaves the cells and the cache alone: cells need no erasure, and it would only wear them.
    """
    try:
        if command == Command.READ:
            return Error.NONE, memory.read(offset, length)
        if command == Command.WRITE:
            memory.write(offset, payload, through)
        elif command == Command.WRITE_ZEROES:
            memory.write(offset, bytes(length), through)
        elif command == Command.FLUSH:
            memory.flush()
    except ProtectedError:
        return Error.EPERM, b""
    except InputError:
        return Error.EINVAL, b""
    except TantalaError:
        return Error.EIO, b""
    return Error.NONE, b""
