"""A block device for clients of any language, over TCP: `block_protocol` has the bytes."""

from __future__ import annotations

import asyncio
import contextlib

from tantala.base.errors import InputError, Problem
from tantala.chip.block_device import BlockDevice
from tantala.chip.block_protocol import BlockSession

MOST_CLIENTS = 32
PATIENCE = 10.0  # s of wall time for the rest of a request, or for an answer to be taken
CHUNK = 65536


class BlockServer:
    """A block device offered to clients; made by `serve_blocks`, usable with `async with`.

    Every request is carried out in the event loop, alone: two clients never meet in a request.
    """

    def __init__(self, device: BlockDevice, patience: float) -> None:
        """`patience`: s of wall time for the rest of a request, or for an answer to be taken."""
        self._device = device
        self._patience = patience
        self._listener: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()

    async def listen(self, host: str, port: int) -> None:
        """Raises InputError where the address cannot be listened on."""
        try:
            self._listener = await asyncio.start_server(self._serve, host, port)
        except (OSError, OverflowError) as error:
            raise InputError(
                Problem(
                    "cannot listen for clients of the block device",
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
        assert self._listener is not None, "not listening"
        return self._listener.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Listen no more and close every session."""
        if self._listener:
            self._listener.close()
        for session in tuple(self._sessions):
            session.cancel()

    async def wait_closed(self) -> None:
        """Wait until the last session is over."""
        await asyncio.gather(*self._sessions, return_exceptions=True)

    async def __aenter__(self) -> BlockServer:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()
        await self.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._sessions) >= MOST_CLIENTS:
            writer.transport.abort()
            return
        self._sessions.add(task)
        try:
            # A client that goes away, or stays away in mid-request, ends its session alone.
            with contextlib.suppress(OSError, TimeoutError):
                await self._session(reader, writer)
        except asyncio.CancelledError:
            pass  # the server closes
        finally:
            self._sessions.discard(task)
            writer.transport.abort()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = BlockSession(self._device)
        while not session.closed:
            # Not wait_for: before Python 3.12 it may swallow the cancellation of a server's end.
            async with asyncio.timeout(self._patience if session.waiting else None):
                data = await reader.read(CHUNK)
            if not data:
                return
            session.feed(data)
            while (answer := session.answer()) is not None:
                writer.write(answer)
                async with asyncio.timeout(self._patience):
                    await writer.drain()
        writer.close()
        async with asyncio.timeout(self._patience):
            await writer.wait_closed()


async def serve_blocks(
    device: BlockDevice, host: str = "127.0.0.1", port: int = 0, patience: float = PATIENCE
) -> BlockServer:
    """Offer `device` to clients; by default to those on this machine only.

    `port` 0 takes any free one (see `BlockServer.port`); `patience` is how long the rest of a
    request may take, s of wall time. The protocol has neither passwords nor encryption: on any
    other `host` than loopback, whoever reaches the port may read, write and cut the chip.

    Raises InputError where the address cannot be listened on.
    """
    server = BlockServer(device, patience)
    await server.listen(host, port)
    return server
