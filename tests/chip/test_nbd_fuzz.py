"""Any byte sequence on the NBD port gives a legal answer or a closed session."""

from __future__ import annotations

import gc
import random
import socket
import threading
from collections.abc import Callable

import pytest
from fuzz_watch import FuzzWatch
from nbd_client import GREETING, Served, serving
from nbd_fuzz import SIZE, Judge, PatchyMemory, an_input
from stand_in_memories import BrokenMemory, ForgetfulMemory

from tantala.chip.nbd.session import Session


def run(judge: Judge, count: int, seed: int, step: Callable[[], None] = lambda: None) -> None:
    """Random inputs one after another, each told by `step`; an input that fails is told."""
    for number in range(count):
        step()
        data = an_input(random.Random(f"{seed}/{number}"))
        try:
            judge.try_input(data, pieces=1 + number % 5)
        except Exception as error:
            error.add_note(f"input {number} of seed {seed}: {data[:2000].hex()}")
            raise


def test_random_sessions(campaign):
    memory = PatchyMemory()
    count = campaign.count(1500, 120_000)
    with FuzzWatch(count) as watch, serving(memory) as served:
        judge = Judge(served.port, memory)
        for part in range(0, count, 1500):
            run(judge, min(1500, count - part), part, watch.step)
            campaign.progress(f"NBD fuzzing: {part + 1500} of {count} inputs")
        assert served.settled()
        assert judge.options > count // 4
        assert judge.requests > count // 2
    gc.collect()
    assert not [one for one in gc.get_objects() if isinstance(one, Session)]
    campaign.progress(
        f"NBD fuzzing: {count} inputs, {judge.options} options and {judge.requests} requests "
        f"answered, {judge.resets} connections reset"
    )


def test_random_sessions_side_by_side(campaign):
    """Four clients at once: nobody hangs, and what one does to the memory is not judged."""
    memory = PatchyMemory()
    count = campaign.count(150, 5000)
    failures: list[BaseException] = []

    def client(seed: int, port: int) -> None:
        judge = Judge(port, memory)
        try:
            for number in range(count):
                judge.exchange(an_input(random.Random(f"side {seed}/{number}")))
        except BaseException as error:
            failures.append(error)

    with serving(memory) as served:
        clients = [threading.Thread(target=client, args=(i, served.port)) for i in range(4)]
        for one in clients:
            one.start()
        for one in clients:
            one.join()
        assert served.settled()
    assert failures == []


# Controls: what the judge must catch.


def test_the_judge_catches_writes_that_are_dropped():
    memory = ForgetfulMemory(SIZE)
    with serving(memory) as served, pytest.raises(AssertionError, match="nobody acknowledged"):
        run(Judge(served.port, memory), 500, seed=0)


def test_the_judge_catches_a_fault_of_the_server():
    memory = BrokenMemory(SIZE)
    with Served(memory) as served:
        run(Judge(served.port, memory), 200, seed=0)
    assert served.faults


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (None, TimeoutError),
        (b"HTTP/1.1 400", AssertionError),
        (GREETING + b"\0" * 20, AssertionError),
        (GREETING[:-1], AssertionError),
    ],
)
def test_the_judge_catches_servers_that_hang_or_babble(answer, error):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        met = []

        def babble() -> None:
            client, _ = listener.accept()
            met.append(client)
            while client.recv(4096):
                pass
            if answer is not None:
                client.sendall(answer)
                client.close()

        server = threading.Thread(target=babble, daemon=True)
        server.start()
        patience = 0.5 if answer is None else 20.0
        judge = Judge(listener.getsockname()[1], PatchyMemory(), patience)
        with pytest.raises(error):
            judge.try_input(b"\0\0\0\3")
        server.join(5)
        met[0].close()
