"""Any bytes on the SPI and serprog ports: a legal answer or a closed session, nothing else.

Each campaign: 100,000 inputs in full (`make campaign`), a few thousand by default. Inputs are drawn
from a seed, half of them plain noise, half commands that exist with parameters that need not fit.
"""

from __future__ import annotations

import random
import socket
from typing import Any

import pytest
from fuzz_watch import FuzzWatch
from serial_memory import PlainMemory
from serprog_host import serving

from tantala.base.library import names
from tantala.chip.serprog import LONGEST_RECEIVE, Session
from tantala.chip.spi import Slave
from tantala.chip.spi.slave import WIP

FULL = 100_000
FACES = {"mb85as": 1536 << 10, "rm25c": 8 << 10, "sfdp": 64 << 10, "m95m02": 300 << 10}


def window(draw: random.Random, device: Slave) -> tuple[bytes, int]:
    """Bytes to send and how many to read."""
    receive = draw.choice((0, 0, 1, 4, draw.randrange(600)))
    if draw.random() < 0.25:
        return b"\x06", 0
    if draw.random() < 0.3:
        return draw.randbytes(draw.randrange(12)), receive
    code = draw.choice([*device.face.commands, 0x06, 0x06, 0x02])
    length = draw.choice((0, 0, 2, 3, 4, 5, draw.randrange(600)))
    return bytes([code]) + draw.randbytes(length), receive


def disturb(draw: random.Random, memory: PlainMemory, device: Slave) -> None:
    """Now and then: power off and on, lost words, a cut to come, a reset, protection lifted."""
    event = draw.randrange(200)
    if event == 0:
        memory.powered = False
    elif event == 1:
        memory.lost = {draw.randrange(memory.size // 8) for _ in range(3)}
    elif event == 2:
        memory.cut_after = draw.randrange(300)
    elif event < 6:
        device.reset()
    elif event < 30:
        memory.power_on()
        memory.registers.clear()
        memory.protect(0, 0)


@pytest.mark.parametrize("face", names("face"))
def test_any_bytes_on_the_bus(face: str, campaign: Any) -> None:
    draw = random.Random(f"bus {face}")
    memory = PlainMemory(FACES[face], busy=1e-5)
    device = Slave(memory, face)
    count = campaign.count(3000, FULL)
    with FuzzWatch(count) as watch:
        for number in range(count):
            watch.step()
            disturb(draw, memory, device)
            sent, receive = window(draw, device)
            before, was, time = memory.writes, device.status, memory.time
            answer = device.transfer(sent, receive)
            assert len(answer) == receive, number
            assert memory.time >= time
            if memory.writes > before:
                # Only a write that was enabled, while nothing was under way.
                assert was & 0x02, number
                assert not was & WIP, number
            assert device.status & ~(device.face.status.writable | 0x03) == 0
            assert memory.protected == device.protected
    assert memory.writes > 20
    campaign.progress(f"{count} windows, {memory.writes} writes, {memory.reads} reads")


def test_a_slave_that_writes_without_leave_is_caught() -> None:
    """The control of the test above: a lying slave."""

    class Lying(Slave):
        def _store(self, pieces: list[tuple[int, bytes]]) -> None:
            for start, data in pieces:
                self.memory.write(start, data)

    draw = random.Random(1)
    device = Lying(PlainMemory(64 << 10), "mb85as")
    for _ in range(200):
        sent, receive = window(draw, device)
        before, was = device.memory.writes, device.status
        device.transfer(sent, receive)
        if device.memory.writes > before and not was & 0x02:
            return
    pytest.fail("it was not caught")


def serprog_bytes(draw: random.Random) -> bytes:
    """One input: noise, or a command with parameters that need not fit."""
    if draw.random() < 0.4:
        return draw.randbytes(draw.randrange(24))
    code = draw.choice((0x00, 0x02, 0x0E, 0x0F, 0x10, 0x12, 0x13, 0x13, 0x13, 0x14, 0x15))
    if code != 0x13:
        return bytes([code]) + draw.randbytes(draw.randrange(6))
    send = draw.choice((0, 1, 4, draw.randrange(300), draw.randrange(1 << 24)))
    receive = draw.choice((0, 1, draw.randrange(300), draw.randrange(1 << 24)))
    given = draw.randbytes(min(send, draw.choice((send, draw.randrange(9))), 400))
    return b"\x13" + send.to_bytes(3, "little") + receive.to_bytes(3, "little") + given


def test_any_bytes_in_a_session(campaign: Any) -> None:
    """Every answer begins with ACK or NAK and is within the limits; nothing is kept that grows."""
    draw = random.Random("session")
    device = Slave(PlainMemory(64 << 10, busy=1e-5), "sfdp")
    session, commands = Session(device), 0
    count = campaign.count(10_000, FULL)
    with FuzzWatch(count) as watch:
        for number in range(count):
            watch.step()
            if draw.random() < 0.05:
                session = Session(device)
            session.feed(serprog_bytes(draw))
            while (answer := session.step()) is not None:
                commands += 1
                assert answer[:1] in (b"\x06", b"\x15"), number
                assert len(answer) <= 1 + LONGEST_RECEIVE, number
            assert session.waiting <= 7 + (1 << 16), number
    assert commands > count / 3
    campaign.progress(f"{count} inputs, {commands} commands answered")


def test_any_bytes_over_tcp(campaign: Any) -> None:
    """After each client the next one is served: no crash, no hang, nothing left in the loop."""
    draw = random.Random("tcp")
    count, answered = campaign.count(500, FULL // 10), 0
    watch = FuzzWatch(count)
    with watch, serving(Slave(PlainMemory(64 << 10, busy=1e-5), "sfdp")) as (server, port):
        for _ in range(count):
            watch.step()
            with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
                for _ in range(10):
                    client.sendall(serprog_bytes(draw))
                client.shutdown(socket.SHUT_WR)
                while part := client.recv(1 << 20):
                    answered += len(part)
        assert server.clients == count
        assert server.refused == 0
    assert answered > 10 * count
    campaign.progress(f"{count} clients of 10 inputs each, {answered} bytes answered")
