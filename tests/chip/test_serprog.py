"""The serprog protocol: every command, limits, and clients that misbehave on TCP."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import time
from collections.abc import Callable, Iterator

import pytest
from serial_memory import PlainMemory
from serprog_host import serving

from tantala.base.errors import InputError
from tantala.chip.serprog import (
    ACK,
    LONGEST_RECEIVE,
    LONGEST_SEND,
    MOST_DELAYS,
    NAK,
    Server,
    Session,
)
from tantala.chip.spi import Slave


def slave() -> Slave:
    return Slave(PlainMemory(1 << 20), "mb85as")


def operation(sent: bytes, receive: int) -> bytes:
    """An SPI operation."""
    lengths = len(sent).to_bytes(3, "little") + receive.to_bytes(3, "little")
    return b"\x13" + lengths + sent


def answers(session: Session, data: bytes) -> bytes:
    """Everything that the session answers to `data`."""
    session.feed(data)
    parts = []
    while (answer := session.step()) is not None:
        parts.append(answer)
    return b"".join(parts)


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ("00", "06"),
        ("01", "060100"),
        ("03", "06" + b"tantala".ljust(16, b"\0").hex()),
        ("04", "06ffff"),
        ("05", "0608"),
        ("06", "15"),
        ("07", "060014"),
        ("08", "06000001"),
        ("09", "15"),
        ("0b", "06"),
        ("0e01000000", "06"),
        ("0f", "06"),
        ("10", "1506"),
        ("11", "06000001"),
        ("1208", "06"),
        ("120f", "06"),
        ("1201", "15"),
        ("13010000040000" + "9f", "06047faa03"),
        ("13000000000000", "06"),
        ("1400000000", "15"),
        ("1440420f00", "0640420f00"),
        ("14ffffffff", "0680969800"),
        ("1501", "06"),
        ("16", "15"),
        ("ff", "15"),
    ],
)
def test_every_command(sent: str, answer: str) -> None:
    assert answers(Session(slave()), bytes.fromhex(sent)).hex() == answer
    # In pieces of one byte the answer is the same.
    session = Session(slave())
    pieces = [answers(session, bytes([byte])) for byte in bytes.fromhex(sent)]
    assert b"".join(pieces).hex() == answer
    assert session.waiting == 0


def test_the_map_lists_what_is_answered() -> None:
    answer = answers(Session(slave()), b"\x02")
    listed = int.from_bytes(answer[1:], "little")
    assert answer[:1] == ACK
    assert len(answer) == 33
    for code in range(256):
        first = answers(Session(slave()), bytes([code]) + b"\x08" + bytes(20))[:1]
        assert (listed >> code & 1) == (first == ACK or code == 0x10), code


def test_lengths_above_the_limits_are_refused_and_skipped() -> None:
    session = Session(slave())
    too_long = operation(bytes(LONGEST_SEND + 1), 0)
    assert answers(session, too_long + b"\x05") == NAK + ACK + b"\x08"
    assert answers(session, operation(b"\x9f", LONGEST_RECEIVE + 1) + b"\x05") == (
        NAK + ACK + b"\x08"
    )
    huge = b"\x13" + b"\xff\xff\xff" + bytes(3)
    assert answers(session, huge) == NAK
    for _ in range(255):
        assert answers(session, bytes(1 << 16)) == b""
        assert session.waiting == 0
    assert answers(session, bytes(0xFFFF) + b"\x05") == ACK + b"\x08"
    assert session.slave.windows == 0
    longest = answers(session, operation(bytes(LONGEST_SEND), LONGEST_RECEIVE))
    assert len(longest) == 1 + LONGEST_RECEIVE


def test_delays_pass_in_simulated_time() -> None:
    session = Session(slave())
    memory = session.slave.memory
    assert answers(session, b"\x0e\x40\x42\x0f\x00" * 3 + b"\x0f") == ACK * 4
    assert memory.time == pytest.approx(3.0)
    assert answers(session, b"\x0e\x40\x42\x0f\x00" + b"\x0b\x0f") == ACK * 3
    assert memory.time == pytest.approx(3.0)
    full = answers(session, b"\x0e\x01\x00\x00\x00" * (MOST_DELAYS + 1))
    assert full == ACK * MOST_DELAYS + NAK


def test_drivers_that_are_off_leave_the_chip_alone() -> None:
    session = Session(slave())
    assert answers(session, b"\x15\x00" + operation(b"\x9f", 4)) == ACK + ACK + bytes(4)
    assert session.slave.windows == 0
    assert answers(session, b"\x15\x01" + operation(b"\x9f", 1)) == ACK + ACK + b"\x04"


class Client:
    """A client on TCP."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)

    def ask(self, data: bytes, length: int) -> bytes:
        """Send, and read so many bytes, fewer where the server closes."""
        self.socket.sendall(data)
        return self.read(length)

    def read(self, length: int) -> bytes:
        got = b""
        while len(got) < length:
            part = self.socket.recv(length - len(got))
            if not part:
                break
            got += part
        return got

    def closed(self) -> bool:
        """Whether the server has closed the connection."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


@pytest.fixture
def connect() -> Iterator[Callable[[int], Client]]:
    """A function that connects a client; all are closed at the end."""
    clients: list[Client] = []

    def new(port: int) -> Client:
        clients.append(Client(port))
        return clients[-1]

    yield new
    for client in clients:
        client.socket.close()


def until(true: Callable[[], bool]) -> None:
    """Wait for what the server's thread does."""
    for _ in range(10_000):
        if true():
            return
        time.sleep(0.001)
    pytest.fail("the server did not come to it")


def test_a_second_client_is_refused(
    connect: Callable[[int], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tantala.chip.serprog.REFUSAL_TIME", 0.5)
    with serving(slave()) as (server, port):
        first = connect(port)
        assert first.ask(b"\x00", 1) == ACK
        second = connect(port)
        assert second.ask(b"\x00\x10\x01", 4) == NAK + NAK + ACK + NAK
        assert second.closed()
        assert first.ask(b"\x05", 2) == ACK + b"\x08"
        first.socket.close()
        until(lambda: server._client is None)
        third = connect(port)
        assert third.ask(b"\x00", 1) == ACK
        assert (server.clients, server.refused) == (2, 1)


def test_a_client_that_leaves_in_mid_command_harms_nobody(
    connect: Callable[[int], Client],
) -> None:
    with serving(slave()) as (server, port):
        for rest in (b"\x13", operation(b"\x9f", 4)[:-1], b"\x14\x00", b"\x06" + bytes(6)):
            client = connect(port)
            assert client.ask(b"\x00" + rest, 1) == ACK
            client.socket.close()
            until(lambda: server._client is None)
        client = connect(port)
        # What was sent whole is answered, even if the client sends no more.
        client.socket.sendall(operation(b"\x9f", 4) * 3 + b"\x13")
        client.socket.shutdown(socket.SHUT_WR)
        assert client.read(100) == (ACK + b"\x04\x7f\xaa\x03") * 3


def test_a_silent_client_is_left(connect: Callable[[int], Client]) -> None:
    with serving(slave(), idle_timeout=0.3) as (server, port):
        for sent in (b"", b"\x13\x04\x00"):
            client = connect(port)
            client.socket.sendall(sent)
            assert client.closed()
            until(lambda: server._client is None)
        assert connect(port).ask(b"\x00", 1) == ACK


def test_a_client_that_does_not_read_is_made_to_wait_and_then_left(
    connect: Callable[[int], Client],
) -> None:
    with serving(slave(), idle_timeout=2.0) as (server, port):
        client = connect(port)
        client.socket.settimeout(0.2)
        many = operation(b"\x03\0\0\0", LONGEST_RECEIVE) * 1000
        with contextlib.suppress(TimeoutError, ConnectionError):
            client.socket.sendall(many)
        until(lambda: server.clients == 1)
        until(lambda: server._client is None)
        assert server.slave.windows < 1000
        assert connect(port).ask(b"\x00", 1) == ACK


def test_many_commands_at_once_are_answered_in_order(connect: Callable[[int], Client]) -> None:
    with serving(slave()) as (_, port):
        client = connect(port)
        sent = (b"\x10" + operation(b"\x9f", 2) + b"\x77") * 500
        assert client.ask(sent, 6 * 500) == (NAK + ACK + ACK + b"\x04\x7f" + NAK) * 500


def test_clients_leave_nothing_behind() -> None:
    with serving(slave()) as (server, port):
        for _ in range(300):
            client = Client(port)
            assert client.ask(b"\x00", 1) == ACK
            client.socket.close()
            until(lambda: server._client is None)
        gc.collect()
        sessions = [one for one in gc.get_objects() if isinstance(one, Session)]
        assert len(sessions) <= 1
        assert server.clients == 300


def test_a_port_that_is_taken() -> None:
    with serving(slave()) as (_, port), pytest.raises(InputError, match="cannot listen there"):
        asyncio.run(Server(slave()).start(port=port))
    with pytest.raises(InputError, match="cannot listen there"):
        asyncio.run(Server(slave()).start("no.such.host.invalid"))
