"""One client's session: bytes from its socket to the dialogue, replies back in batches."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Generator
from typing import cast

from tantala.chip.nbd.cache import WriteCache
from tantala.chip.nbd.handshake import Export, negotiate
from tantala.chip.nbd.transmission import transmit

BUFFER = 1 << 18  # bytes received at once, and of replies gathered before they are sent
TURN = 2e-3  # s of wall time that a client is served for before others have theirs
LINGER = 5.0  # s of wall time for a client to fetch the last replies of a closed session


class Session(asyncio.BufferedProtocol):
    """Bytes are received into one buffer and each request is cut out of it once.

    Replies to the requests found in it leave together. A client that does not fetch its replies
    is not served on until it does, so no session holds more than one request and one batch of
    replies beyond what the socket holds.
    """

    def __init__(
        self, memory: WriteCache, export: Export, patience: float, ended: Callable[[Session], None]
    ) -> None:
        """`patience`: s of wall time for the handshake; `ended`: called when all is over."""
        self._memory = memory
        self._export = export
        self._patience = patience
        self._ended = ended
        self._buffer = bytearray(BUFFER)
        self._start = self._end = 0  # what has come and is not used yet
        self._dialogue = self._converse()
        self._need = 0  # bytes that the dialogue waits for
        self._replies: list[bytes] = []
        self._waiting = 0  # bytes of replies not yet sent
        self._stalled = False  # the client does not fetch its replies
        self._turn_due = False
        self._closed = False

    def _converse(self) -> Generator[int, bytes, None]:
        if (yield from negotiate(self._export, self._send)):
            self._timer.cancel()
            yield from transmit(self._memory, self._send)

    def close(self) -> None:
        """Send what is ready, then close; a client that does not fetch it is cut off later."""
        if self._closed:
            return
        self._closed = True
        self._flush()
        self._dialogue.close()
        self._timer.cancel()
        self._timer = self._loop.call_later(LINGER, self._transport.abort)
        self._transport.close()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = cast(asyncio.Transport, transport)
        # Tells of a client whose machine has gone without a word.
        self._transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1
        )
        self._timer = self._loop.call_later(self._patience, self._transport.abort)
        self._need = next(self._dialogue)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self._timer.cancel()
        self._dialogue.close()
        self._buffer = bytearray()
        self._replies.clear()
        self._ended(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        if self._start == self._end:
            self._start = self._end = 0
            if len(self._buffer) > BUFFER >= self._need:
                self._buffer = bytearray(BUFFER)
        if self._end == len(self._buffer):
            self._make_room()
        return memoryview(self._buffer)[self._end :]

    def buffer_updated(self, nbytes: int) -> None:
        self._end += nbytes
        self._advance()

    def eof_received(self) -> None:
        # Reading pauses while anything is left to answer, so what came last is half a request.
        self.close()

    def pause_writing(self) -> None:
        self._stalled = True

    def resume_writing(self) -> None:
        self._stalled = False
        self._await_turn()

    # The work.

    def _make_room(self) -> None:
        """Move what is left to the front, into a buffer twice as large where it fills half."""
        left = self._buffer[self._start : self._end]
        if 2 * len(left) >= len(self._buffer):
            # The transport may still hold a view of the old buffer: a new one, not a longer one.
            self._buffer = bytearray(2 * len(self._buffer))
        self._buffer[: len(left)] = left
        self._start, self._end = 0, len(left)

    def _send(self, reply: bytes) -> None:
        self._replies.append(reply)
        self._waiting += len(reply)
        if self._waiting >= BUFFER:
            self._flush()

    def _flush(self) -> None:
        replies, self._replies, self._waiting = self._replies, [], 0
        if replies and not self._transport.is_closing():
            # Not writelines, which in some releases of Python 3.12 and 3.13 never asks for a pause
            # (CVE-2024-12254).
            self._transport.write(b"".join(replies))

    def _ready(self) -> bool:
        """Whether the dialogue can go on with what has come."""
        return not self._closed and self._end - self._start >= self._need

    def _advance(self) -> None:
        """Let the dialogue go on with what has come, for one turn at most."""
        view, end = memoryview(self._buffer), self._loop.time() + TURN
        try:
            while self._ready() and not self._stalled:
                first = self._start
                self._start = first + self._need
                self._need = self._dialogue.send(bytes(view[first : self._start]))
                if self._loop.time() > end:
                    break
            self._flush()
        except StopIteration:
            self.close()
        except Exception as error:
            # A fault of ours, or of the memory: it ends this session, not the server or others.
            self._closed = True
            self._transport.abort()
            self._loop.call_exception_handler(
                {"message": "an NBD session failed", "exception": error, "protocol": self}
            )
        self._pace()

    def _pace(self) -> None:
        """Receive no more before what has come is used up."""
        if self._closed:
            return
        if not self._ready():
            self._transport.resume_reading()
            return
        self._transport.pause_reading()
        if not self._stalled:
            self._await_turn()

    def _await_turn(self) -> None:
        if not self._turn_due:
            self._turn_due = True
            self._loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._turn_due = False
        self._advance()
