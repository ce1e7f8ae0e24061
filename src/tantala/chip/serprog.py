"""A programmer of serial flash on the network: serprog, protocol version 1, over TCP.

Command codes, parameters and answers: serprog-protocol.txt of flashrom (`flashrom` in
library/sources.bib). Each command is a byte with parameters of fixed length, numbers are
little-endian; the answer is ACK or NAK and data.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from functools import partial

from tantala.base.errors import InputError, Problem
from tantala.chip.spi.slave import Slave, undriven

ACK, NAK = b"\x06", b"\x15"
SPI_BUS = 0x08  # the bit of the bus type
NAME = b"tantala"
LONGEST_SEND = 1 << 16  # bytes of one operation; a page program needs 260
LONGEST_RECEIVE = 1 << 16
MOST_DELAYS = 1024  # in the operation buffer
_DELAY_SIZE = 5  # bytes that one takes there by the protocol
# Between two operations a programmer on a full-speed USB waits for the next frame.
PAUSE = 1e-3  # s
IDLE_TIMEOUT = 60.0  # s of wall-clock time
REFUSAL_TIME = 10.0  # s of wall-clock time
_SYNC = 0x10
_REFUSED = bytes(0 if code == _SYNC else NAK[0] for code in range(256))
_HEADER = 7  # bytes of an SPI operation before its data


class Session:
    """The protocol of one client, without its transport: bytes in, answers out.

    `feed` takes bytes as they come, `step` carries out the next whole command. Any bytes are legal:
    unknown commands and operations above the limits are answered NAK; of the latter, the data are
    skipped first, so that the session stays in step.
    """

    def __init__(self, slave: Slave) -> None:
        self.slave = slave
        self._buffer = bytearray()
        self._to_skip = 0
        self._delays: list[int] = []  # us
        self._drivers = True
        self._commands: dict[int, tuple[int, Callable[[bytes], bytes]]] = {
            0x00: (0, lambda _: ACK),
            0x01: (0, lambda _: ACK + struct.pack("<H", 1)),
            0x02: (0, self._bitmap),
            0x03: (0, lambda _: ACK + NAME.ljust(16, b"\0")),
            0x04: (0, lambda _: ACK + b"\xff\xff"),  # TCP has flow control: "a big bogus value"
            0x05: (0, lambda _: ACK + bytes([SPI_BUS])),
            0x07: (0, lambda _: ACK + struct.pack("<H", MOST_DELAYS * _DELAY_SIZE)),
            0x08: (0, lambda _: ACK + LONGEST_SEND.to_bytes(3, "little")),
            0x0B: (0, self._clear),
            0x0E: (4, self._delay),
            0x0F: (0, self._execute),
            _SYNC: (0, lambda _: NAK + ACK),
            0x11: (0, lambda _: ACK + LONGEST_RECEIVE.to_bytes(3, "little")),
            0x12: (1, lambda given: ACK if given[0] & SPI_BUS else NAK),
            0x13: (_HEADER - 1, self._operation),
            0x14: (4, self._set_clock),
            0x15: (1, self._set_drivers),
        }

    @property
    def waiting(self) -> int:
        """Bytes held of commands that are not complete or not carried out."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take bytes of the client."""
        skipped = min(self._to_skip, len(data))
        self._to_skip -= skipped
        self._buffer += data[skipped:]

    def step(self) -> bytes | None:
        """Carry out one command and return its answer; None where more bytes are needed."""
        if self._to_skip or not self._buffer:
            return None
        code = self._buffer[0]
        if code not in self._commands:
            del self._buffer[0]
            return NAK
        length, carry_out = self._commands[code]
        if code == 0x13 and len(self._buffer) >= _HEADER:
            length += int.from_bytes(self._buffer[1:4], "little")
            if self._too_long():
                return self._refuse(1 + length)
        if len(self._buffer) < 1 + length:
            return None
        given = bytes(self._buffer[1 : 1 + length])
        del self._buffer[: 1 + length]
        return carry_out(given)

    def _too_long(self) -> bool:
        send = int.from_bytes(self._buffer[1:4], "little")
        receive = int.from_bytes(self._buffer[4:_HEADER], "little")
        return send > LONGEST_SEND or receive > LONGEST_RECEIVE

    def _refuse(self, length: int) -> bytes:
        """NAK a command of this length, and skip what is still to come of it."""
        here = min(length, len(self._buffer))
        del self._buffer[:here]
        self._to_skip = length - here
        return NAK

    def _bitmap(self, given: bytes) -> bytes:
        return ACK + sum(1 << code for code in self._commands).to_bytes(32, "little")

    def _clear(self, given: bytes) -> bytes:
        self._delays.clear()
        return ACK

    def _delay(self, given: bytes) -> bytes:
        if len(self._delays) >= MOST_DELAYS:
            return NAK
        self._delays.append(int.from_bytes(given, "little"))
        return ACK

    def _execute(self, given: bytes) -> bytes:
        """Delays pass in simulated time; nobody waits for them."""
        self.slave.idle(1e-6 * sum(self._delays))
        self._delays.clear()
        return ACK

    def _operation(self, given: bytes) -> bytes:
        receive = int.from_bytes(given[3:6], "little")
        if not self._drivers:
            return ACK + undriven(receive)
        return ACK + self.slave.transfer(given[6:], receive)

    def _set_clock(self, given: bytes) -> bytes:
        frequency = int.from_bytes(given, "little")
        if not frequency:
            return NAK
        return ACK + struct.pack("<I", int(self.slave.set_clock(frequency)))

    def _set_drivers(self, given: bytes) -> bytes:
        self._drivers = bool(given[0])
        return ACK


class _Connection(asyncio.Protocol):
    """One client on TCP. Answers wait while the client does not read; a silent client is left."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._session: Session | None = None
        self._paused = self._scheduled = self._leaving = False
        self._heard = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Serve the client, or refuse it while another one is there."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._loop = asyncio.get_running_loop()
        if not self.server.admit(self):
            self._timer = self._loop.call_later(REFUSAL_TIME, transport.abort)
            return
        self._session = Session(self.server.slave)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Carry out the first command at once, others in later turns of the loop."""
        if self._session is None:
            # Closing at once would kill flashrom by a signal, without a word; it asks for the
            # version next, and reports the refusal.
            self.transport.write(data.translate(_REFUSED).replace(b"\0", NAK + ACK))
            return
        self._heard = self._loop.time()
        self._session.feed(data)
        self._pump()

    def eof_received(self) -> bool:
        """The client sends no more: answer what it has sent, then close."""
        if self._session is None:
            return False
        self._leaving = True
        self._pump()
        return True

    def pause_writing(self) -> None:
        """The client does not read what it asked for: take no more of its bytes."""
        self._paused = True
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on where the client made us wait."""
        self._paused = False
        self._heard = self._loop.time()
        self._pump()

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room for the next client."""
        self._timer.cancel()
        if self._session is not None:
            self._session = None
            self.server.release(self)

    def _pump(self) -> None:
        """One command, so that a client with many cannot keep others or a signal waiting."""
        if self._session is None or self._paused or self._scheduled:
            return
        answer = self._session.step()
        if answer is not None:
            self.transport.write(answer)
        if answer is not None and self._session.waiting:
            self._scheduled = True
            self.transport.pause_reading()
            self._loop.call_soon(self._again)
        elif self._leaving and not self._paused:
            self.transport.close()
        elif not self._paused:
            self.transport.resume_reading()

    def _again(self) -> None:
        self._scheduled = False
        self._pump()

    def _watch(self) -> None:
        """Leave a client that has been silent for the time allowed."""
        self._heard = self._heard or self._loop.time()
        left = self._heard + self.server.idle_timeout - self._loop.time()
        if left <= 0.0:
            self.transport.abort()
        else:
            self._timer = self._loop.call_later(left, self._watch)


class Server:
    """Serves one client after another; a second one at the same time can synchronise, gets NAK
    for everything else, and is closed after ten seconds.

    `pause`: s of simulated time between two SPI operations of a client. `idle_timeout`: s of
    wall-clock time after which a silent client is left. clients, refused: how many so far.
    """

    def __init__(
        self, slave: Slave, pause: float = PAUSE, idle_timeout: float = IDLE_TIMEOUT
    ) -> None:
        slave.pause = pause
        self.slave = slave
        self.idle_timeout = idle_timeout
        self.clients = self.refused = 0
        self._client: _Connection | None = None
        self._server: asyncio.Server | None = None

    async def start(self, address: str = "127.0.0.1", port: int = 0) -> int:
        """Listen, on loopback unless told otherwise; the port (0 takes a free one).

        Raises InputError where the system refuses.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(partial(_Connection, self), address, port)
        except (OSError, OverflowError) as error:
            raise InputError(
                Problem(
                    "cannot listen there",
                    got=f"{address} port {port}",
                    because=getattr(error, "strerror", None) or str(error),
                    hint="another port (0 takes a free one), or an address of this machine",
                )
            ) from error
        return self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and leave the client."""
        if self._server is not None:
            self._server.close()
        if self._client is not None:
            self._client.transport.abort()

    def admit(self, client: _Connection) -> bool:
        """Whether this client may stay."""
        if self._client is not None:
            self.refused += 1
            return False
        self._client = client
        self.clients += 1
        return True

    def release(self, client: _Connection) -> None:
        """A client has gone."""
        self._client = None
