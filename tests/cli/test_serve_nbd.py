"""`tantala serve --nbd` and `--blocks`: clients beside those of serprog, and what they wrote in
the saved image.
"""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import struct
import subprocess
import sys

from nbd_client import FLUSH, NbdClient

from tantala.chip import Chip

SERVE = [sys.executable, "-m", "tantala.cli", "serve", "spi_8mb", "--port", "0"]


class Ended:
    """A process that does not outlive a test that fails."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.close = process.kill


def test_a_served_chip_is_saved_with_what_a_client_wrote(tmp_path):
    image = tmp_path / "die.img"
    command = [*SERVE, "--nbd", "0", "--blocks", "0", "--block-size", "1024", "--image", str(image)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
        contextlib.closing(Ended(process)),
    ):
        assert process.stdout is not None
        said = ""
        while "Ctrl-C ends" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        found = re.search(r"NBD listens on 127\.0\.0\.1 port (\d+): all 1048576 bytes", said)
        assert found, said
        with NbdClient(int(found[1])) as client:
            client.go(b"spi_8mb")
            assert client.write(1000, b"written by a client") == 0
            assert client.other(FLUSH) == 0  # from the write cache into the cells
            found = re.search(
                r"block protocol listens on 127\.0\.0\.1 port (\d+): 1024 blocks", said
            )
            assert found, said
            # Two clients at once, on two protocols, see one chip.
            with socket.create_connection(("127.0.0.1", int(found[1])), timeout=60) as other:
                other.sendall(struct.pack("<IBIII", 13, 1, 0, 1000, 19))
                answer = struct.pack("<Ii", 23, 0) + b"written by a client"
                assert other.recv(27, socket.MSG_WAITALL) == answer
            process.send_signal(signal.SIGTERM)
            rest, _ = process.communicate(timeout=300)
            assert client.closed()
    assert process.returncode == 0
    assert "1 connected" in rest
    assert f"saved {image}" in rest.replace("\n", "")
    assert Chip.load(image).read(1000, 19) == b"written by a client"


def test_a_taken_port_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [*SERVE, "--nbd", str(port)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 2
    assert f"127.0.0.1:{port}: cannot listen for NBD clients" in ended.stderr
    assert "Traceback" not in ended.stderr
