"""The socket protocol of the block device: its bytes, its clients, and hostile ones."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import random
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fuzz_watch import FuzzWatch
from program_runs import run
from small_chip import design
from tearing import TearingMemory, UnwrittenMemory

from tantala.base.errors import InputError
from tantala.chip import Chip
from tantala.chip.block_device import BlockDevice
from tantala.chip.block_protocol import LARGEST, BlockSession
from tantala.chip.block_server import MOST_CLIENTS, serve_blocks

PAGE = Path(__file__).parents[2] / "docs" / "chip" / "block_device.md"
SIZE = 1 << 14
BODIES = {1: 12, 2: 8, 3: 4, 5: 8}  # bytes of each operation's fields


def request(operation: int, body: bytes = b"") -> bytes:
    return struct.pack("<IB", 1 + len(body), operation) + body


def answered(device: BlockDevice, operation: int, body: bytes = b"") -> tuple[int, bytes]:
    """Status and body of the answer to one request in a session of its own."""
    session = BlockSession(device)
    session.feed(request(operation, body))
    answer = session.answer()
    assert answer is not None
    length, status = struct.unpack_from("<Ii", answer)
    assert length == len(answer) - 4
    assert session.answer() is None
    assert not session.waiting
    return status, answer[8:]


@pytest.fixture
def device() -> BlockDevice:
    return BlockDevice(TearingMemory(SIZE, code_word=16), 512)


@contextlib.contextmanager
def served(device: BlockDevice, patience: float = 10.0) -> Iterator[Any]:
    """A server in a thread; it closes, and has closed every session, at the end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(20)

    server = run(serve_blocks(device, patience=patience))
    try:
        yield server
    finally:
        run(server.__aexit__())
        assert server.clients == 0
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def connected(server: Any) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def test_a_description(device: BlockDevice) -> None:
    assert answered(device, 0) == (0, struct.pack("<HHIII", 1, 1, 512, SIZE // 512, 16))


def test_bytes_there_and_back(device: BlockDevice) -> None:
    assert answered(device, 2, struct.pack("<II", 3, 32) + b"0123456789abcdef") == (0, b"")
    assert answered(device, 4) == (0, b"")
    assert answered(device, 1, struct.pack("<III", 3, 30, 18)) == (0, b"\x00\x000123456789abcdef")
    assert answered(device, 3, struct.pack("<I", 3)) == (0, b"")


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        (1, struct.pack("<III", 99, 0, 16)),
        (1, struct.pack("<III", 0, 0, 0xFFFFFFFF)),
        (2, struct.pack("<II", 0, 8) + bytes(16)),
        (2, struct.pack("<II", 0, 0) + bytes(1024)),
        (3, struct.pack("<I", 1 << 31)),
    ],
)
def test_wrong_places_get_einval(device: BlockDevice, operation: int, body: bytes) -> None:
    assert answered(device, operation, body) == (-errno.EINVAL, b"")


def test_cut_and_power_on(device: BlockDevice) -> None:
    device.memory.tear_by("uncorrectable", 0)
    place = struct.pack("<II", 1, 16)
    assert answered(device, 5, struct.pack("<Q", 0)) == (0, b"")
    assert answered(device, 2, place + b"\x77" * 16) == (-errno.EIO, b"")
    assert answered(device, 1, struct.pack("<III", 1, 0, 16)) == (-errno.EIO, b"")
    assert answered(device, 6) == (0, b"")
    status, data = answered(device, 1, struct.pack("<III", 1, 0, 48))
    assert (status, data) == (-errno.EILSEQ, bytes(16) + b"\xff" * 16 + bytes(16))


def test_a_chip_is_cut_over_the_protocol() -> None:
    chip = Chip(design(), seed=4)
    device = BlockDevice(chip, 512)
    assert answered(device, 5, struct.pack("<Q", 3)) == (0, b"")
    assert answered(device, 2, struct.pack("<II", 0, 0) + b"\xa5" * 16) == (-errno.EIO, b"")
    assert not chip.powered
    assert answered(device, 6) == (0, b"")
    assert answered(device, 2, struct.pack("<II", 0, 0) + b"\xa5" * 16) == (0, b"")
    assert answered(device, 1, struct.pack("<III", 0, 0, 16)) == (0, b"\xa5" * 16)


class Uncuttable:
    """A memory without a power switch."""

    size = SIZE
    word_bytes = 16
    time = 0.0


def test_a_memory_without_a_switch_says_so() -> None:
    device = BlockDevice(Uncuttable(), 512)
    assert answered(device, 0)[1][2:4] == b"\x00\x00"
    assert answered(device, 5, bytes(8)) == answered(device, 6) == (-errno.ENOTSUP, b"")
    assert answered(device, 1, bytes(12)) == (-errno.EIO, b"")  # no read either: a number for C


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<I", 0),
        struct.pack("<I", LARGEST),
        b"\xff" * 8,
        request(7),
        request(0, b"x"),
        request(1, bytes(11)),
        request(2, bytes(7)),
        request(5, bytes(4)),
    ],
)
def test_what_is_no_request_ends_the_session(device: BlockDevice, data: bytes) -> None:
    session = BlockSession(device)
    session.feed(data + request(0))
    assert session.answer() is None
    assert session.closed
    session.feed(request(0))
    assert session.answer() is None


def hostile(draw: random.Random) -> bytes:
    """Requests: sound, with wrong fields, changed at random, cut short; or any bytes."""
    parts = []
    for _ in range(draw.randint(1, 4)):
        operation = draw.choice((0, 1, 1, 2, 2, 3, 4, 5, 6, draw.randrange(256)))
        near = draw.choice((0, 16, 31, 32, 496, 512, 1 << 31, 0xFFFFFFFF))
        fields = (draw.randrange(40), near, draw.choice((0, 16, 512, 1 << 20, 0xFFFFFFFF)))
        length = BODIES.get(operation, 0) if draw.random() < 0.9 else draw.choice((0, 4, 8, 12))
        body = struct.pack("<III", *fields)[:length]
        if operation == 2:
            body += draw.randbytes(draw.choice((0, 16, 32, 512, 600)))
        if operation == 5 and length == 8:
            body = struct.pack("<Q", draw.choice((0, 3, 100, (1 << 64) - 1)))
        data = bytearray(request(operation, body))
        if draw.random() < 0.2:
            data[draw.randrange(len(data))] = draw.randrange(256)
        if draw.random() < 0.1:
            del data[draw.randrange(len(data)) :]
        parts.append(bytes(data) if draw.random() < 0.9 else draw.randbytes(draw.randint(1, 40)))
    return b"".join(parts)


def check_answers(answers: bytes) -> int:
    """Every answer is whole and of a legal status; how many there are."""
    at = count = 0
    while at < len(answers):
        length, status = struct.unpack_from("<Ii", answers, at)
        assert 4 <= length <= 4 + LARGEST
        assert status in (0, -errno.EINVAL, -errno.EIO, -errno.EILSEQ)
        at += 4 + length
        count += 1
    assert at == len(answers)
    return count


def attack(
    device: BlockDevice,
    count: int,
    kind: type[BlockSession] = BlockSession,
    step: Callable[[], None] = lambda: None,
) -> int:
    """Feed `count` hostile inputs to sessions, in random pieces; how many answers came."""
    answers = 0
    for number in range(count):
        step()
        draw = random.Random(number)
        session = kind(device)
        data = hostile(draw)
        while data:
            piece = draw.randint(1, len(data))
            session.feed(data[:piece])
            data = data[piece:]
            while (answer := session.answer()) is not None:
                answers += check_answers(answer)
            assert len(session._held) <= LARGEST
    device.memory.power_on()
    assert answered(device, 0)[0] == 0
    return answers


def test_no_bytes_break_a_session(device: BlockDevice, campaign: Any) -> None:
    count = campaign.count(4000, 120_000)
    with FuzzWatch(count) as watch:
        answers = attack(device, count, step=watch.step)
    campaign.progress(f"block protocol: {count} hostile inputs, {answers} answers")
    assert answers > count // 2


class Unguarded(BlockSession):
    """A careless server: what the device raises goes through."""

    def __init__(self, device: BlockDevice) -> None:
        super().__init__(device)
        self._calls = device


def test_a_careless_session_is_caught(device: BlockDevice) -> None:
    with pytest.raises((InputError, TypeError)):
        attack(device, 200, Unguarded)


def test_hostile_bytes_close_their_session_alone(device: BlockDevice, campaign: Any) -> None:
    count = campaign.count(60, 3000)
    watch = FuzzWatch(count)
    with watch, served(device) as server:
        steady = connected(server)
        for number in range(count):
            watch.step()
            with connected(server) as client:
                client.sendall(hostile(random.Random(number)))
                client.shutdown(socket.SHUT_WR)
                told = b""
                with contextlib.suppress(ConnectionResetError):
                    while part := client.recv(65536):
                        told += part
                    check_answers(told)
            steady.sendall(request(4))
            assert steady.recv(8, socket.MSG_WAITALL) in (
                struct.pack("<Ii", 4, 0),
                struct.pack("<Ii", 4, -errno.EIO),
            )
        steady.close()


def test_half_a_request_is_not_waited_for_forever(device: BlockDevice) -> None:
    with served(device, patience=0.1) as server, connected(server) as client:
        client.sendall(request(4) + request(0)[:3])
        assert client.recv(8, socket.MSG_WAITALL) == struct.pack("<Ii", 4, 0)
        assert client.recv(1) == b""


def test_answers_that_nobody_takes_are_not_kept_forever(device: BlockDevice) -> None:
    big = BlockDevice(device.memory, SIZE)
    with served(big, patience=0.1) as server, connected(server) as client:
        asked = request(1, struct.pack("<III", 0, 0, SIZE)) * 1_000_000
        with pytest.raises(ConnectionError):
            client.sendall(asked)
        with connected(server) as other:
            other.sendall(request(4))
            assert other.recv(8, socket.MSG_WAITALL) == struct.pack("<Ii", 4, 0)


def test_a_client_too_many_is_turned_away(device: BlockDevice) -> None:
    with served(device) as server:
        clients = [connected(server) for _ in range(MOST_CLIENTS)]
        for client in clients:
            client.sendall(request(4))
            assert client.recv(8, socket.MSG_WAITALL) == struct.pack("<Ii", 4, 0)
        with connected(server) as late, contextlib.suppress(ConnectionResetError):
            assert late.recv(1) == b""
        for client in clients:
            client.close()


def test_a_port_in_use_is_told(device: BlockDevice) -> None:
    async def twice(port: int) -> None:
        await serve_blocks(device, port=port)

    with served(device) as server, pytest.raises(InputError, match="cannot listen"):
        asyncio.run(twice(server.port))


def test_the_client_of_the_documentation_works(device: BlockDevice) -> None:
    (code,) = re.findall(r"```python\n(import socket.*?)```", PAGE.read_text(), flags=re.DOTALL)
    with served(device) as server:
        names: dict[str, Any] = {}
        exec(code.replace("8765", str(server.port)), names)
        assert names["found"] == (0, b"sixteen bytes...")


def test_the_client_in_c_finds_what_was_acknowledged(program: Any, tmp_path: Path) -> None:
    client = tmp_path / "client"
    built = run(program("cc"), "-Wall", "-Werror", "-o", client, PAGE.with_name("block_client.c"))
    assert built.returncode == 0, built.stderr
    with served(BlockDevice(Chip(design(), seed=4), 512)) as server:
        told = run(client, server.port)
        assert told.returncode == 0, told.stdout
        assert "program under the cut -5\nsync -5\npower on 0\nread 0, whole" in told.stdout
    # The control: a memory that acknowledges and writes nothing.
    memory = UnwrittenMemory(SIZE, shows=False)
    memory.power_on()
    with served(BlockDevice(memory, 512)) as server:
        told = run(client, server.port)
        assert told.returncode == 1
        assert "LOST" in told.stdout
