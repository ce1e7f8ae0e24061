"""An NBD client of bytes, and a server in a thread: numbers written out from `doc/proto.md`."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

from tantala.chip.device import Memory
from tantala.chip.nbd import NbdServer, serve_nbd

EXPORT_NAME, ABORT, LIST, INFO, GO = 1, 2, 3, 6, 7
ACK, SERVER, INFORMATION = 1, 2, 3
ERR_UNSUPPORTED, ERR_INVALID, ERR_UNKNOWN = 0x80000001, 0x80000003, 0x80000006
READ, WRITE, DISCONNECT, FLUSH, TRIM, CACHE, WRITE_ZEROES = 0, 1, 2, 3, 4, 5, 6
FUA, NO_HOLE, FAST_ZERO = 1, 2, 16
EPERM, EIO, EINVAL = 1, 5, 22
GREETING = b"NBDMAGICIHAVEOPT\x00\x03"


class Served:
    """A server in its own thread and loop, and the faults that its loop has met."""

    def __init__(self, memory: Memory, **options: Any) -> None:
        self.faults: list[dict[str, Any]] = []
        self.memory = memory
        self._options = options
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(lambda _, context: self.faults.append(context))
        self._stop = asyncio.Event()
        async with await serve_nbd(self.memory, port=0, **self._options) as self.server:
            self.port = self.server.port
            self._ready.set()
            await self._stop.wait()
        self.tasks_left = len(asyncio.all_tasks()) - 1

    def __enter__(self) -> Served:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive(), "the server did not end"

    @property
    def uri(self) -> str:
        return f"nbd://127.0.0.1:{self.port}"

    def settled(self, clients: int = 0) -> bool:
        """Whether the number of open sessions becomes `clients`."""
        for _ in range(500):
            if self.count() == clients:
                return True
            threading.Event().wait(0.01)
        return False

    def count(self) -> int:
        async def ask(server: NbdServer) -> int:
            return server.clients

        return asyncio.run_coroutine_threadsafe(ask(self.server), self._loop).result(20)


@contextlib.contextmanager
def serving(memory: Memory, **options: Any) -> Iterator[Served]:
    """A server that must meet no fault of its own, and leave no session and no task."""
    with Served(memory, **options) as served:
        yield served
    assert served.faults == []
    assert served.server.clients == 0
    assert served.tasks_left == 0


class NbdClient:
    """Sends what it is told, sense or nonsense."""

    def __init__(self, port: int, flags: int = 3) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.cookie = 0
        assert self.receive(18) == GREETING
        self.send(struct.pack(">I", flags))

    def __enter__(self) -> NbdClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            part = self.socket.recv(length - len(data))
            if not part:
                raise EOFError(f"closed after {len(data)} of {length} bytes")
            data += part
        return bytes(data)

    def closed(self) -> bool:
        """Whether the server closes without another byte."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def vanish(self) -> None:
        """Leave without a word: the connection is reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def option(self, number: int, data: bytes = b"") -> list[tuple[int, bytes]]:
        """All replies to an option, types and contents."""
        self.send(b"IHAVEOPT" + struct.pack(">II", number, len(data)) + data)
        replies = []
        while True:
            magic, option, kind, length = struct.unpack(">QIII", self.receive(20))
            assert (magic, option) == (0x3E889045565A9, number)
            replies.append((kind, self.receive(length)))
            if kind not in (SERVER, INFORMATION):
                return replies

    def go(self, name: bytes = b"", *kinds: int) -> dict[int, bytes]:
        """Start the transmission; what the server tells, by kind."""
        *told, last = self.option(GO, question(name, *kinds))
        assert last == (ACK, b"")
        return {struct.unpack_from(">H", content)[0]: content[2:] for _, content in told}

    def ask(
        self,
        command: int,
        offset: int = 0,
        length: int | None = None,
        payload: bytes = b"",
        flags: int = 0,
    ) -> int:
        """Send a request; returns its cookie."""
        self.cookie += 1
        size = len(payload) if length is None else length
        header = struct.pack(">IHHQQI", 0x25609513, flags, command, self.cookie, offset, size)
        self.send(header + payload)
        return self.cookie

    def answer(self, cookie: int, length: int = 0) -> tuple[int, bytes]:
        """The error of the next reply, which must be to `cookie`, and `length` bytes unless one."""
        magic, error, theirs = struct.unpack(">IIQ", self.receive(16))
        assert (magic, theirs) == (0x67446698, cookie)
        return error, b"" if error else self.receive(length)

    def read(self, offset: int, length: int) -> tuple[int, bytes]:
        return self.answer(self.ask(READ, offset, length), length)

    def write(self, offset: int, payload: bytes, flags: int = 0) -> int:
        return self.answer(self.ask(WRITE, offset, payload=payload, flags=flags))[0]

    def other(self, command: int, offset: int = 0, length: int = 0, flags: int = 0) -> int:
        return self.answer(self.ask(command, offset, length, flags=flags))[0]


def question(name: bytes = b"", *kinds: int) -> bytes:
    """The data of INFO and GO."""
    return struct.pack(f">I{len(name)}sH{len(kinds)}H", len(name), name, len(kinds), *kinds)


@contextlib.contextmanager
def connected(served: Served) -> Iterator[NbdClient]:
    """A client in transmission."""
    with NbdClient(served.port) as client:
        client.go()
        yield client
