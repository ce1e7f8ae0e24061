"""`tantala serve`: a die over serprog, kept in its image; what cannot be served or saved."""

from __future__ import annotations

import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from small_chip import design
from typer.testing import CliRunner

import tantala as tt
from tantala.base.library import LIBRARY
from tantala.chip import Chip
from tantala.chip.spi import Slave
from tantala.cli import app

WRITE = b"\x02\x00\x10\x00written by a client"


class Served:
    """A running `tantala serve`, and a client of its port."""

    def __init__(self, arguments: list[str], largest_file: int | None) -> None:
        def limit() -> None:
            if largest_file is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

        command = [sys.executable, "-m", "tantala.cli", "serve", *arguments, "--port", "0"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=limit
        )
        assert self.process.stdout is not None
        self.said = ""
        while "Ctrl-C ends" not in self.said:
            line = self.process.stdout.readline()
            assert line, self.process.communicate()
            self.said += line
        found = re.search(r"serprog listens on 127\.0\.0\.1 port (\d+)", self.said)
        assert found, self.said
        self.socket = socket.create_connection(("127.0.0.1", int(found[1])), timeout=300)

    def transfer(self, sent: bytes, receive: int = 0) -> bytes:
        lengths = len(sent).to_bytes(3, "little") + receive.to_bytes(3, "little")
        self.socket.sendall(b"\x13" + lengths + sent)
        got = b""
        while len(got) < 1 + receive:
            got += self.socket.recv(1 + receive - len(got))
        assert got[:1] == b"\x06"
        return got[1:]

    def end(self, how: signal.Signals) -> tuple[int, str, str]:
        """(exit code, standard output, standard error) after a signal."""
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=300)
        return self.process.returncode, out, err


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """A function that starts `tantala serve`; what still runs at the end is ended."""
    running: list[Served] = []

    def start(*arguments: object, largest_file: int | None = None) -> Served:
        running.append(Served([str(one) for one in arguments], largest_file))
        return running[-1]

    yield start
    for one in running:
        one.socket.close()
        one.process.kill()
        one.process.communicate()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The image of a small die."""
    path = tmp_path / "die.img"
    Chip(design(), seed=5).save(path)
    return path


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_what_a_client_wrote_is_in_the_image(
    serve: Callable[..., Served], image: Path, how: signal.Signals
) -> None:
    served = serve("spi_8mb", "--image", image, "--face", "mb85as")
    assert "spi_8mb, die 5, as mb85as: 32768 bytes" in served.said
    assert served.transfer(b"\x9f", 4) == b"\x04\x7f\x00\x03"
    served.transfer(b"\x06")
    served.transfer(WRITE)
    while served.transfer(b"\x05", 1)[0] & 1:
        pass
    code, out, err = served.end(how)
    assert (code, err) == (0, "")
    assert f"saved {image}" in out.replace("\n", "")
    for counter in ("busy", "energy", "corrected bits", "uncorrectable words", "hottest line"):
        assert counter in out
    assert Chip.load(image).read(0x1000, 19) == b"written by a client"


def test_a_file_that_cannot_be_saved_leaves_the_old_image(
    serve: Callable[..., Served], image: Path
) -> None:
    before = image.read_bytes()
    served = serve("spi_8mb", "--image", image, "--face", "mb85as", largest_file=100_000)
    served.transfer(b"\x06")
    served.transfer(WRITE)
    code, _, err = served.end(signal.SIGTERM)
    assert code == 2
    assert err.count("\n") == 1
    assert "the chip cannot be saved" in err
    assert image.read_bytes() == before
    assert [path.name for path in image.parent.iterdir()] == [image.name]


def test_a_fresh_die_is_forgotten_without_an_image(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    copy = tmp_path / "small.toml"
    text = (LIBRARY / "chips" / "spi_8mb.toml").read_text(encoding="utf-8")
    copy.write_text(text.replace("8 Mibit", "256 Kibit").replace('"spi_8mb"', '"small"'))
    served = serve(copy, "--listen", "127.0.0.1")
    assert "small, die 8, as sfdp: 32768 bytes" in served.said
    assert "flashrom -p serprog:ip=127.0.0.1:" in served.said
    assert "forgotten on exit" in served.said
    assert served.transfer(b"\x5a\0\0\0\0", 4) == b"SFDP"
    code, out, _ = served.end(signal.SIGINT)
    assert code == 0
    assert "saved" not in out


def test_a_real_part_has_its_own_commands(serve: Callable[..., Served]) -> None:
    served = serve("rm25c_512k")
    assert "rm25c_512k, die 512, as rm25c: 65536 bytes" in served.said
    assert "flashrom knows no chip of this family" in served.said
    served.transfer(b"\x06")
    served.transfer(b"\x02\xff\xf0two bytes of address")
    while served.transfer(b"\x05", 1)[0] & 1:
        pass
    # A page is 128 bytes: what goes beyond its end begins it anew.
    assert served.transfer(b"\x03\xff\xf0", 16) == b"two bytes of add"
    assert served.transfer(b"\x03\xff\x80", 4) == b"ress"
    assert served.end(signal.SIGINT)[0] == 0


def run(*arguments: object) -> tuple[int, str]:
    """Exit code and message of a `tantala serve` that does not come to serve."""
    result = CliRunner().invoke(app, ["serve", *(str(one) for one in arguments)])
    return result.exit_code, result.output + str(result.exception or "")


def test_what_cannot_be_served(image: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.img"
    foreign.write_bytes(b"something else")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        cases = (
            (("spi_9mb",), "spi_8mb"),
            (("spi_8mb", "--image", tmp_path / "none" / "die.img"), "no such folder"),
            (("nrf54_12mb",), "--face sfdp"),
            (("embedded_8mb_28nm", "--face", "sfdp", "--image", image), "tantala serve spi_8mb"),
            (("spi_8mb", "--image", image, "--seed", "6"), "seed 5"),
            (("spi_8mb", "--image", foreign), "no image of a chip"),
            (("spi_8mb", "--image", image, "--face", "sdfp"), "sfdp"),
            (("spi_8mb", "--image", image, "--face", "m95m02"), "262144 bytes or more"),
            (("spi_8mb", "--image", image, "--port", port), f"127.0.0.1 port {port}"),
            (("spi_8mb", "--port", "70000"), "65535"),
            (("spi_8mb", "--seed", "-1"), "0"),
        )
        for arguments, said in cases:
            code, text = run(*arguments)
            assert code != 0, arguments
            assert said in text, text


def test_an_image_of_a_chip_that_lost_its_power_is_served_again(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    path = tmp_path / "die.img"
    chip = tt.Chip(design(), seed=5)
    chip.cut_power_after(3)
    device = Slave(chip, "mb85as")
    device.transfer(b"\x06")
    device.transfer(WRITE)
    assert not chip.powered
    chip.save(path)
    served = serve("spi_8mb", "--image", path, "--face", "mb85as")
    assert served.transfer(b"\x9f", 2) == b"\x04\x7f"
