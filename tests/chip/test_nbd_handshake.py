"""Options of the handshake: each has one defined outcome, and none of them ends the server."""

from __future__ import annotations

import struct

import pytest
from nbd_client import (
    ABORT,
    ACK,
    ERR_INVALID,
    ERR_UNKNOWN,
    ERR_UNSUPPORTED,
    EXPORT_NAME,
    GO,
    INFO,
    INFORMATION,
    LIST,
    SERVER,
    NbdClient,
    question,
    serving,
)
from stand_in_memories import PlainMemory

SIZE = 1_572_864  # the 12 Mbit part: not a power of two
FLAGS = 1 | 4 | 8 | 32 | 64 | 256  # has flags, flush, FUA, trim, write zeroes, many connections
EXPORT = struct.pack(">QH", SIZE, FLAGS)


@pytest.fixture
def served():
    with serving(PlainMemory(SIZE), name="spi_12mb", patience=20.0) as one:
        yield one


def usable(client: NbdClient) -> bool:
    """Whether the session goes on into a working transmission."""
    client.go()
    return client.write(7, b"abc") == 0 and client.read(7, 3) == (0, b"abc")


def test_go_tells_size_flags_and_block_sizes(served):
    with NbdClient(served.port) as client:
        told = client.go()
    assert told == {0: EXPORT, 3: struct.pack(">III", 1, 4096, 32 << 20)}


def test_info_answers_and_leaves_the_handshake_open(served):
    with NbdClient(served.port) as client:
        *told, last = client.option(INFO, question(b"spi_12mb", 1, 3, 99))
        assert last == (ACK, b"")
        assert (INFORMATION, b"\0\1spi_12mb") in told
        assert (INFORMATION, b"\0\0" + EXPORT) in told
        assert usable(client)


def test_export_name_with_and_without_padding(served):
    for flags, padding in ((1, bytes(124)), (3, b"")):
        for name in (b"", b"spi_12mb"):
            with NbdClient(served.port, flags) as client:
                client.send(b"IHAVEOPT" + struct.pack(">II", EXPORT_NAME, len(name)) + name)
                assert client.receive(10 + len(padding)) == EXPORT + padding
                assert client.write(0, b"x") == 0


def test_export_name_of_nothing_closes(served):
    with NbdClient(served.port) as client:
        client.send(b"IHAVEOPT" + struct.pack(">II", EXPORT_NAME, 5) + b"other")
        assert client.closed()


def test_list(served):
    with NbdClient(served.port) as client:
        assert client.option(LIST) == [(SERVER, b"\0\0\0\x08spi_12mb"), (ACK, b"")]
        assert client.option(LIST, b"x") == [(ERR_INVALID, b"")]
        assert usable(client)


def test_abort_is_acknowledged_and_closes(served):
    with NbdClient(served.port) as client:
        assert client.option(ABORT) == [(ACK, b"")]
        assert client.closed()


@pytest.mark.parametrize("number", [0, 4, 5, 8, 9, 10, 11, 12, 2**32 - 1])
def test_unknown_options_are_refused_and_the_handshake_goes_on(served, number):
    with NbdClient(served.port) as client:
        assert client.option(number, b"data" * 16) == [(ERR_UNSUPPORTED, b"")]
        assert usable(client)


@pytest.mark.parametrize("number", [INFO, GO])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0\0\0",
        b"\0\0\0\1\0\0",
        b"\xff\xff\xff\xff\0\0",
        question(b"", 3)[:-1],
        question(b"", 3) + b"\0",
        question(b"abc")[:-2] + b"\0\1",
    ],
)
def test_malformed_questions_are_refused(served, number, data):
    with NbdClient(served.port) as client:
        assert client.option(number, data) == [(ERR_INVALID, b"")]
        assert usable(client)


@pytest.mark.parametrize("number", [INFO, GO])
def test_unknown_exports_are_refused(served, number):
    with NbdClient(served.port) as client:
        assert client.option(number, question(b"spi_8mb")) == [(ERR_UNKNOWN, b"")]
        assert client.option(number, question(bytes(4096))) == [(ERR_UNKNOWN, b"")]
        assert usable(client)


@pytest.mark.parametrize(
    "data",
    [
        b"IHAVEOPS" + struct.pack(">II", LIST, 0),
        b"IHAVEOPT" + struct.pack(">II", GO, 8193),
        b"IHAVEOPT" + struct.pack(">II", GO, 2**32 - 1),
    ],
)
def test_wrong_magic_and_oversized_options_close(served, data):
    with NbdClient(served.port) as client:
        client.send(data)
        assert client.closed()


@pytest.mark.parametrize("flags", [4, 1 << 31, 2**32 - 1])
def test_unknown_handshake_flags_close(served, flags):
    with NbdClient(served.port, flags) as client:
        assert client.closed()


def test_a_byte_at_a_time(served):
    with NbdClient(served.port) as client:
        for byte in b"IHAVEOPT" + struct.pack(">II", LIST, 0):
            client.send(bytes([byte]))
        assert client.receive(20)[8:16] == struct.pack(">II", LIST, SERVER)


def test_a_silent_client_is_cut_off_and_others_are_served():
    with serving(PlainMemory(SIZE), patience=1.5) as served:
        with NbdClient(served.port) as slow, NbdClient(served.port) as other:
            other.go()
            slow.send(b"IHAV")
            assert slow.closed()
            assert other.write(0, b"still served") == 0
        assert served.settled()
