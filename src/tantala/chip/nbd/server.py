"""The server: listens, and keeps count of its sessions."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import cast

from tantala.base.errors import InputError, Problem, TantalaError
from tantala.chip.device import Memory
from tantala.chip.nbd.cache import WriteCache
from tantala.chip.nbd.handshake import Export
from tantala.chip.nbd.session import Session

PORT = 10809  # assigned to NBD (IANA service names and port numbers)
MOST_CLIENTS = 32
PATIENCE = 10.0  # s of wall time for a handshake
TICK = 0.02  # s of wall time between two looks at the write cache
SHARE = 0.01  # s of wall time of each that may go into writing back while no client asks
BUSY_TICKS = 10  # ticks for one block to be written back while clients ask


class NbdServer:
    """A memory offered to NBD clients; made by `serve_nbd`, usable with `async with`.

    Every request is carried out in the event loop, alone: two clients never meet in the memory.
    `cache`: what stands between them and the memory.
    """

    def __init__(self, memory: Memory, name: str, patience: float, cache: int = 0) -> None:
        """`name`: of the export; `patience`: s of wall time that a handshake may take; `cache`:
        bytes of the write cache.
        """
        self.cache = WriteCache(memory, cache)
        self._ticks = self._requests = 0
        self._timer: asyncio.TimerHandle | None = None
        self._export = Export(name, memory.size)
        self._patience = patience
        self._sessions: set[Session] = set()
        self._listener: asyncio.Server | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    async def listen(self, host: str, port: int) -> None:
        """Raises InputError where the address cannot be listened on."""
        loop = asyncio.get_running_loop()
        try:
            self._listener = await loop.create_server(self._accept, host, port)
        except (OSError, OverflowError) as error:
            raise InputError(
                Problem(
                    "cannot listen for NBD clients",
                    f"{host}:{port}",
                    getattr(error, "strerror", None) or str(error),
                    allowed="a free port from 0 to 65535 on an address of this machine",
                    hint="port 0 for any free one",
                )
            ) from error
        if self.cache.limit:
            self._timer = loop.call_later(TICK, self._tick)

    @property
    def clients(self) -> int:
        """Sessions open now."""
        return len(self._sessions)

    @property
    def port(self) -> int:
        """The TCP port listened on."""
        return self.sockets[0].getsockname()[1]

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """The sockets listened on, as of `asyncio.Server`; empty when closed."""
        return tuple(self._listener.sockets) if self._listener else ()

    async def serve_forever(self) -> None:
        """Serve until cancelled, then close."""
        try:
            await asyncio.Event().wait()
        finally:
            self.close()

    def close(self) -> None:
        """Listen no more and close every session; requests under way have been answered, and what
        the write cache holds goes into the cells.
        """
        if self._listener:
            self._listener.close()
        if self._timer:
            self._timer.cancel()
        for session in tuple(self._sessions):
            session.close()
        self._flush()

    async def wait_closed(self) -> None:
        """Wait until the last session is over."""
        await self._idle.wait()

    async def __aenter__(self) -> NbdServer:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()
        await self.wait_closed()

    def _accept(self) -> asyncio.BaseProtocol:
        if len(self._sessions) >= MOST_CLIENTS:
            return _Refusal()
        session = Session(self.cache, self._export, self._patience, self._end)
        self._sessions.add(session)
        self._idle.clear()
        return session

    def _end(self, session: Session) -> None:
        self._sessions.discard(session)
        self._flush()
        if not self._sessions:
            self._idle.set()

    def _flush(self) -> None:
        """Write back for those who no longer ask; what fails is counted in `cache.losses`."""
        with contextlib.suppress(TantalaError):
            self.cache.flush()

    def _tick(self) -> None:
        """Write back in the background: much while nobody asks, little while somebody does."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(TICK, self._tick)
        self._ticks += 1
        idle, self._requests = self.cache.requests == self._requests, self.cache.requests
        if not idle:
            if self._ticks % BUSY_TICKS == 0:
                self.cache.write_oldest()
            return
        end = loop.time() + SHARE
        while self.cache.write_oldest() and loop.time() < end:
            pass


class _Refusal(asyncio.Protocol):
    """A client too many: closed at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).abort()


async def serve_nbd(
    memory: Memory,
    host: str = "127.0.0.1",
    port: int = PORT,
    name: str = "",
    patience: float = PATIENCE,
    cache: int = 0,
) -> NbdServer:
    """Offer `memory` to NBD clients; by default to those on this machine only.

    `port` 0 takes any free one (see `NbdServer.port`); `name` is that of the export, which clients
    may leave out; `patience` is how long a handshake may take, s of wall time. NBD as spoken here
    has neither passwords nor encryption: on any other `host` than loopback, whoever reaches the
    port may read and write the memory.

    `cache`: bytes of a volatile write cache, in whole blocks of 4 KiB; 0: a write is in the memory
    when it is answered. With a cache, what clients have not flushed is lost when the power fails,
    and others who use the memory see it once it is written back.

    Raises InputError where the address cannot be listened on, or for a cache of no size.
    """
    server = NbdServer(memory, name, patience, cache)
    await server.listen(host, port)
    return server
