"""Sessions side by side, clients that vanish or do not listen, and the server's own end."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest
from nbd_client import READ, WRITE, NbdClient, Served, connected, question, serving
from stand_in_memories import BrokenMemory, PlainMemory

from tantala.base.errors import InputError
from tantala.chip.nbd import serve_nbd
from tantala.chip.nbd.server import MOST_CLIENTS

SIZE = 1 << 20


def test_two_clients_at_once_see_one_memory():
    memory = PlainMemory(SIZE)
    with serving(memory) as served, connected(served) as one, connected(served) as two:
        for i in range(50):
            writer, reader = (one, two) if i % 2 else (two, one)
            assert writer.write(i, bytes([i])) == 0
            assert reader.read(0, i + 1) == (0, bytes(range(i + 1)))
    assert (memory.writes, memory.reads) == (50, 50)


def test_two_clients_take_turns():
    """A client with a thousand requests ready does not keep another waiting until they are done."""
    memory = PlainMemory(SIZE)
    with serving(memory) as served, connected(served) as busy, connected(served) as other:
        request = struct.pack(">IHHQQI", 0x25609513, 0, READ, 1, 0, 1)
        busy.send(request * 2000)
        assert other.read(0, 1) == (0, b"\0")
        for _ in range(2000):
            assert busy.answer(1, 1) == (0, b"\0")


HANDSHAKE = b"IHAVEOPT" + struct.pack(">II", 7, 6) + question()
HALF_WRITE = struct.pack(">IHHQQI", 0x25609513, 0, WRITE, 1, 0, 5000) + b"\x5a" * 4999


@pytest.mark.parametrize("quietly", [True, False])
@pytest.mark.parametrize(
    "said",
    [b"", b"IHAVE", HANDSHAKE[:-1], HANDSHAKE, HANDSHAKE + HALF_WRITE[:20], HANDSHAKE + HALF_WRITE],
)
def test_clients_that_vanish(said, quietly):
    memory = PlainMemory(SIZE)
    with serving(memory) as served:
        client = NbdClient(served.port)
        client.send(said)
        if quietly:
            client.socket.close()
        else:
            client.vanish()
        assert served.settled()
        with connected(served) as other:
            assert other.read(0, 5000) == (0, bytes(5000))
    assert memory.writes == 0  # half a request leaves nothing


def test_a_client_that_fetches_no_replies_is_not_served_on():
    memory = PlainMemory(SIZE)
    with serving(memory) as served, connected(served) as client, connected(served) as other:
        for i in range(400):
            client.ask(READ, i, SIZE - i)
        assert other.read(0, 1) == (0, b"\0")
        # What the two sockets hold is a few MB; 400 replies would be 400 MB.
        assert memory.reads < 100
        for i in range(400):
            assert client.answer(i + 1, SIZE - i) == (0, bytes(SIZE - i))
        assert memory.reads == 401


def test_a_client_that_fetches_no_replies_and_vanishes():
    with serving(PlainMemory(SIZE)) as served:
        with connected(served) as client:
            for i in range(400):
                client.ask(READ, i, SIZE - i)
            client.vanish()
        assert served.settled()


def test_one_client_too_many_is_closed_at_once():
    with serving(PlainMemory(SIZE)) as served:
        clients = [NbdClient(served.port) for _ in range(MOST_CLIENTS)]
        with socket.create_connection(("127.0.0.1", served.port)) as late:
            assert late.recv(1) == b""
        clients.pop().socket.close()
        assert served.settled(MOST_CLIENTS - 1)
        with connected(served) as late:
            assert late.read(0, 1) == (0, b"\0")
        for client in clients:
            client.socket.close()
        assert served.settled()


def test_a_fault_of_the_memory_ends_its_session_and_no_other():
    memory = BrokenMemory(SIZE)
    with Served(memory) as served, connected(served) as other:
        with connected(served) as client:
            client.ask(READ, 0, 1)
            assert client.closed()
        assert [type(fault["exception"]) for fault in served.faults] == [ZeroDivisionError]
        assert other.write(0, b"abc") == 0
        assert memory.content[:3] == b"abc"


def test_closing_the_server_ends_its_sessions():
    with Served(PlainMemory(SIZE)) as served:
        client = NbdClient(served.port)
        client.go()
    with client:
        assert client.closed()
    assert (served.server.clients, served.tasks_left) == (0, 0)


def test_a_taken_or_absurd_port_is_told():
    async def twice() -> None:
        async with await serve_nbd(PlainMemory(SIZE), port=0) as first:
            assert first.sockets[0].getsockname()[0] == "127.0.0.1"
            with pytest.raises(InputError, match=rf"127.0.0.1:{first.port}: cannot listen"):
                await serve_nbd(PlainMemory(SIZE), port=first.port)
        with pytest.raises(InputError, match="a free port"):
            await serve_nbd(PlainMemory(SIZE), port=70_000)

    asyncio.run(twice())
