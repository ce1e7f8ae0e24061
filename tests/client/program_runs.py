"""How programs are run in these tests, and what fio is asked for."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from nbd_client import Served


def run(*command: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A program with its output; one that hangs fails the test."""
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, timeout=300, check=False, cwd=cwd)


def fio_job(
    path: str, served: Served, folder: Path, **options: object
) -> tuple[int, dict[str, Any]]:
    """One fio job, by default random 4 KiB writes read back and verified: exit code and JSON."""
    given = {
        "name": "job",
        "ioengine": "nbd",
        "uri": served.uri,
        "rw": "randwrite",
        "bs": "4k",
        "iodepth": 8,
        "size": served.memory.size,
        "verify": "crc32c",
        "verify_fatal": 1,
        "verify_state_save": 0,
        "output-format": "json",
    } | options
    ended = run(path, *(f"--{name}={value}" for name, value in given.items()), cwd=folder)
    return ended.returncode, json.loads(ended.stdout[ended.stdout.index("{") :])["jobs"][0]
