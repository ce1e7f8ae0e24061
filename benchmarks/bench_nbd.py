"""Requests a second of the NBD server over a plain store and over a chip, beside nbdkit.

    python -m benchmarks.bench_nbd [--seconds S] [--design NAME]

The client is fio with random 4 KiB requests of fresh random data; server and client are processes
of their own. The plain store costs nothing, so its figure is the server's own cost; nbdkit's memory
plugin (in C) shows what client and loopback leave room for. The chip's cost is that of its cells,
which have all been written once: the same writes and reads in process, without a server, stand
beside. The chip is served without a write cache, with one of a quarter of its size, and with the
one of `tantala serve`, which holds the whole chip: there writes of the same place join, and only a
flush waits for cells. The aim is 2,000 writes a second over the chip. "synced" are writes with a
flush after each: no cache makes those faster than the cells.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

import numpy as np

BLOCK = 4096
AIM = 2000
STORE = 64 << 20  # bytes
ROW = "{:26s}" + " {:>10s}" * 5
HEADS = ("write", "write, 16", "synced", "read", "read, 16")
CACHES = (0, 1 << 18, 1 << 20)  # bytes


class Store:
    """Bytes, nothing else."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.time = 0.0
        self._content = bytearray(size)

    def read(self, address: int, length: int) -> bytes:
        return bytes(self._content[address : address + length])

    def write(self, address: int, data: bytes) -> None:
        self._content[address : address + len(data)] = data

    def wait(self, seconds: float) -> None:
        self.time += seconds


def memory(name: str):
    """The plain store, or the chip of a design."""
    if name == "store":
        return Store(STORE)
    import tantala as tt

    chip = tt.Chip(name, seed=1)
    # Cells come into being when first touched; that is not the cost of a request.
    chip.write(0, np.random.default_rng(2).bytes(chip.size))
    return chip


async def server(name: str, cache: int) -> None:
    """Serve in this process until it is ended; prints port and size."""
    from tantala.chip.nbd import serve_nbd

    served = memory(name)
    listening = await serve_nbd(served, port=0, cache=cache)
    print(listening.port, served.size, flush=True)
    await listening.serve_forever()


@contextlib.contextmanager
def ours(name: str, cache: int = 0) -> Iterator[tuple[str, int]]:
    """The URI and size of a server of ours in another process."""
    command = [sys.executable, "-m", "benchmarks.bench_nbd", "--server", name]
    command += ["--cache", str(cache)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            port, size = process.stdout.readline().split()
            yield f"nbd://127.0.0.1:{port}", int(size)
        finally:
            process.terminate()


@contextlib.contextmanager
def nbdkit() -> Iterator[tuple[str, int]]:
    """The URI and size of nbdkit's memory plugin."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/socket"
        command = ["nbdkit", "--foreground", "--unix", path, "memory", str(STORE)]
        with subprocess.Popen(command) as process:
            try:
                for _ in range(200):
                    if subprocess.run(["test", "-S", path], check=False).returncode == 0:
                        break
                    time.sleep(0.02)
                yield f"nbd+unix:///?socket={path}", STORE
            finally:
                process.terminate()


def fio(uri: str, size: int, kind: str, depth: int, seconds: float, synced: bool = False) -> float:
    """Requests a second; `synced`: a flush after each."""
    flags = {
        "name": "job",
        "ioengine": "nbd",
        "uri": uri,
        "rw": kind,
        "bs": BLOCK,
        "iodepth": depth,
        "size": size,
        "time_based": 1,
        "runtime": f"{seconds:g}s",
        "refill_buffers": 1,
        "fsync": int(synced),
        "output-format": "json",
    }
    command = ["fio", *(f"--{name}={value}" for name, value in flags.items())]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    job = json.loads(told[told.index("{") :])["jobs"][0]
    return job["write" if kind == "randwrite" else "read"]["iops"]


def through_port(uri: str, size: int, seconds: float) -> list[float | None]:
    """Requests a second in the order of HEADS, with one and with sixteen under way."""
    return [
        fio(uri, size, "randwrite", 1, seconds),
        fio(uri, size, "randwrite", 16, seconds),
        fio(uri, size, "randwrite", 1, seconds, synced=True),
        fio(uri, size, "randread", 1, seconds),
        fio(uri, size, "randread", 16, seconds),
    ]


def in_process(name: str, seconds: float) -> list[float]:
    """Writes and reads a second without a server."""
    chosen = memory(name)
    rng = np.random.default_rng(1)

    def rate(request: Callable[[int], object]) -> float:
        request(0)
        count, begin = 0, time.perf_counter()
        while time.perf_counter() - begin < seconds:
            request(BLOCK * int(rng.integers(chosen.size // BLOCK)))
            count += 1
        return count / (time.perf_counter() - begin)

    write = rate(lambda address: chosen.write(address, rng.bytes(BLOCK)))
    return [write, rate(lambda address: chosen.read(address, BLOCK))]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="of each figure")
    parser.add_argument("--design", default="spi_8mb")
    parser.add_argument("--server", help=argparse.SUPPRESS)
    parser.add_argument("--cache", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.server:
        asyncio.run(server(given.server, given.cache))
        return
    if not shutil.which("fio"):
        print("fio is not installed, so nothing was measured: apt-get install fio")
        return
    print(f"random {BLOCK} B requests a second; aim {AIM:,} writes over the chip")
    print(ROW.format("", *HEADS))

    def row(name: str, rates: list[float | None]) -> None:
        shown = ["" if rate is None else f"{rate:,.0f}" for rate in rates]
        print(ROW.format(name, *shown), flush=True)

    with ours("store") as (uri, size):
        row("plain store", through_port(uri, size, given.seconds))
    if shutil.which("nbdkit"):
        with nbdkit() as (uri, size):
            row("nbdkit memory", through_port(uri, size, given.seconds))
    else:
        print("nbdkit is not installed, so not measured")
    for cache in CACHES:
        with ours(given.design, cache) as (uri, size):
            row(f"{given.design}, cache {cache >> 10} KiB", through_port(uri, size, given.seconds))
    write, read = in_process(given.design, given.seconds)
    row(f"{given.design}, in process", [write, None, None, read, None])


if __name__ == "__main__":
    main()
