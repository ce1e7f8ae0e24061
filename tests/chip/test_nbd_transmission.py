"""Requests on a memory: answers, errors, and operations counted on the memory."""

from __future__ import annotations

import struct

import pytest
from nbd_client import (
    CACHE,
    DISCONNECT,
    EINVAL,
    EIO,
    EPERM,
    FAST_ZERO,
    FLUSH,
    FUA,
    NO_HOLE,
    READ,
    TRIM,
    WRITE,
    WRITE_ZEROES,
    connected,
    serving,
)
from stand_in_memories import (
    FailingMemory,
    PlainMemory,
    PowerlessMemory,
    ProtectedMemory,
)

SIZE = 1 << 20


@pytest.fixture
def memory():
    return PlainMemory(SIZE)


@pytest.fixture
def client(memory):
    with serving(memory) as served, connected(served) as one:
        yield one


@pytest.mark.parametrize(
    ("offset", "length"), [(0, 1), (100, 300), (4095, 2), (SIZE - 1, 1), (0, SIZE), (3, 700_000)]
)
def test_one_request_is_one_operation_of_any_size(client, memory, offset, length):
    data = bytes(i * 7 % 251 for i in range(length))
    assert client.write(offset, data) == 0
    assert (memory.writes, memory.reads) == (1, 0)
    assert client.read(offset, length) == (0, data)
    assert (memory.writes, memory.reads) == (1, 1)
    assert memory.content == bytes(offset) + data + bytes(SIZE - offset - length)


def test_flush_fua_trim_and_zeroes(client, memory):
    assert client.write(10, b"\xff" * 100, flags=FUA) == 0
    assert client.other(FLUSH) == 0
    assert client.other(TRIM, 0, SIZE) == 0
    assert (memory.writes, memory.content[10:110]) == (1, b"\xff" * 100)  # a trim wears nothing
    assert client.other(WRITE_ZEROES, 20, 30, NO_HOLE | FUA) == 0
    assert memory.writes == 2
    assert memory.content[10:110] == b"\xff" * 10 + bytes(30) + b"\xff" * 60


@pytest.mark.parametrize("command", [READ, TRIM, WRITE_ZEROES])
@pytest.mark.parametrize(
    ("offset", "length"),
    [(SIZE, 1), (SIZE - 1, 2), (0, SIZE + 1), (2**64 - 1, 2), (2**63, 2**32 - 1), (0, 0), (5, 0)],
)
def test_requests_beyond_the_end_or_of_nothing(client, memory, command, offset, length):
    assert client.other(command, offset, length) == EINVAL
    assert (memory.reads, memory.writes) == (0, 0)
    assert client.write(0, b"goes on") == 0


@pytest.mark.parametrize(
    ("offset", "length"), [(SIZE, 1), (SIZE - 1, 2), (0, SIZE + 1), (2**64 - 1, 200_000), (0, 0)]
)
def test_writes_beyond_the_end_are_swallowed(client, memory, offset, length):
    assert client.write(offset, b"\x5a" * length) == EINVAL
    assert (memory.writes, memory.content.count(0x5A)) == (0, 0)
    assert client.write(0, b"goes on") == 0


@pytest.mark.parametrize("command", [CACHE, 7, 8, 255, 0xFFFF])
def test_unknown_commands(client, command):
    assert client.other(command, 0, 512) == EINVAL
    assert client.read(0, 1) == (0, b"\0")


@pytest.mark.parametrize(
    ("command", "flags"),
    [
        (READ, NO_HOLE),
        (READ, 4),
        (READ, 8),
        (TRIM, NO_HOLE),
        (WRITE_ZEROES, FAST_ZERO),
        (READ, 1 << 15),
    ],
)
def test_unknown_flags(client, command, flags):
    assert client.other(command, 0, 512, flags) == EINVAL
    assert client.read(0, 1) == (0, b"\0")


def test_a_write_with_unknown_flags_is_swallowed(client, memory):
    assert client.write(0, b"x" * 100_000, flags=NO_HOLE) == EINVAL
    assert memory.writes == 0
    assert client.read(0, 1) == (0, b"\0")


def test_flush_of_a_range(client):
    assert client.other(FLUSH, 0, 1) == EINVAL
    assert client.other(FLUSH, 1, 0) == EINVAL


def test_oversized_requests(client, memory):
    assert client.other(READ, 0, (32 << 20) + 1) == EINVAL
    client.ask(WRITE, 0, (32 << 20) + 1)
    assert client.closed()
    assert (memory.reads, memory.writes) == (0, 0)


def test_wrong_magic_closes(client):
    client.send(struct.pack(">IHHQQI", 0x25609514, 0, READ, 1, 0, 1))
    assert client.closed()


def test_disconnect_closes_after_what_came_before(client):
    cookie = client.ask(READ, 0, 4)
    client.ask(DISCONNECT)
    client.ask(READ, 0, 4)
    assert client.answer(cookie, 4) == (0, bytes(4))
    assert client.closed()


def test_pipelined_requests_are_answered_in_order(client, memory):
    data = [struct.pack(">I", i) * 1024 for i in range(200)]
    cookies = [client.ask(WRITE, 4096 * i, payload=part) for i, part in enumerate(data)]
    assert [client.answer(cookie) for cookie in cookies] == [(0, b"")] * 200
    cookies = [client.ask(READ, 4096 * i, 4096) for i in range(200)]
    assert [client.answer(cookie, 4096)[1] for cookie in cookies] == data
    assert (memory.writes, memory.reads) == (200, 200)


def test_what_the_code_cannot_correct_is_an_input_output_error():
    memory = FailingMemory(SIZE, fine=2)
    with serving(memory) as served, connected(served) as client:
        assert client.write(0, b"abc") == 0
        assert client.read(0, 3) == (0, b"abc")
        assert client.read(0, 3) == (EIO, b"")
        assert client.write(0, b"def") == EIO
        memory.fine = 100
        assert client.read(0, 3) == (0, b"abc")


def test_a_lost_power_is_an_input_output_error_until_it_is_back():
    memory = PowerlessMemory(SIZE)
    with serving(memory) as served, connected(served) as client:
        assert client.write(0, b"abc") == 0
        memory.powered = False
        assert client.read(0, 3) == (EIO, b"")
        assert client.write(0, b"def") == EIO
        assert client.other(WRITE_ZEROES, 0, 3) == EIO
        memory.powered = True
        assert client.read(0, 3) == (0, b"abc")


def test_a_protected_block_is_not_permitted():
    with serving(ProtectedMemory(SIZE)) as served, connected(served) as client:
        assert client.write(0, b"abc") == EPERM
        assert client.other(WRITE_ZEROES, 0, 3) == EPERM
        assert client.read(0, 3) == (0, bytes(3))
