"""The server: listens, and keeps count of its sessions."""

from __future__ import annotations

import asyncio
import socket
from typing import cast

from tantala.base.errors import InputError, Problem
from tantala.chip.device import Memory
from tantala.chip.nbd.handshake import Export
from tantala.chip.nbd.session import Session

PORT = 10809  # assigned to NBD (IANA service names and port numbers)
MOST_CLIENTS = 32
PATIENCE = 10.0  # s of wall time for a handshake


class NbdServer:
    """A memory offered to NBD clients; made by `serve_nbd`, usable with `async with`.

    Every request is carried out in the event loop, alone: two clients never meet in the memory.
    """

    def __init__(self, memory: Memory, name: str, patience: float) -> None:
        """`name`: of the export; `patience`: s of wall time that a handshake may take."""
        self._memory = memory
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
        """Listen no more and close every session; requests under way have been answered."""
        if self._listener:
            self._listener.close()
        for session in tuple(self._sessions):
            session.close()

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
        session = Session(self._memory, self._export, self._patience, self._end)
        self._sessions.add(session)
        self._idle.clear()
        return session

    def _end(self, session: Session) -> None:
        self._sessions.discard(session)
        if not self._sessions:
            self._idle.set()


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
) -> NbdServer:
    """Offer `memory` to NBD clients; by default to those on this machine only.

    `port` 0 takes any free one (see `NbdServer.port`); `name` is that of the export, which clients
    may leave out; `patience` is how long a handshake may take, s of wall time. NBD as spoken here
    has neither passwords nor encryption: on any other `host` than loopback, whoever reaches the
    port may read and write the memory.

    Raises InputError where the address cannot be listened on.
    """
    server = NbdServer(memory, name, patience)
    await server.listen(host, port)
    return server
