"""What every test shares: measured data, programs that may be absent, the length of campaigns."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from tantala import cli

if not Path("/dev/nvidiactl").exists():
    # Without a GPU kernels run in Triton's interpreter. Triton settles which when it is imported,
    # its own functions included, and other tests import what imports it.
    os.environ.setdefault("TRITON_INTERPRET", "1")


def _absent(message: str, required: bool) -> None:
    """Skip loudly, or fail where CI has said that nothing may be absent."""
    if required:
        pytest.fail(message)
    warnings.warn(message, stacklevel=3)
    pytest.skip(message)


class Campaign:
    """How long a campaign runs: short by default, in full with TANTALA_CAMPAIGN set."""

    full = bool(os.environ.get("TANTALA_CAMPAIGN"))

    def __init__(self, name: str) -> None:
        self._name = name

    def count(self, short: int, full: int) -> int:
        """The count of this run."""
        return full if self.full else short

    def progress(self, text: str) -> None:
        """Tell how far a full campaign is, on standard error, which also reaches through xdist."""
        if self.full:
            print(f"{self._name}: {text}", file=sys.stderr, flush=True)


@pytest.fixture
def campaign(request: pytest.FixtureRequest) -> Campaign:
    """Counts of a long campaign, and where it tells its progress; for `make campaign`."""
    return Campaign(request.node.name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test with a longer campaign, for `pytest -m campaign`."""
    for item in items:
        if "campaign" in getattr(item, "fixturenames", ()):
            item.add_marker("campaign")


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `tantala ARGUMENTS`; what comes back is its exit code, its output and its errors."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["tantala", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 1
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture(scope="session")
def measured_data() -> Path:
    """The folder of measured data: TANTALA_DATA, or `../shared/data` beside the checkout."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("TANTALA_DATA", beside))
    if not (folder / "README.md").is_file():
        _absent(
            f"MEASURED DATA ABSENT: no {folder}; set TANTALA_DATA to run the tests against silicon",
            bool(os.environ.get("TANTALA_REQUIRE_DATA")),
        )
    return folder


@pytest.fixture
def process_folder() -> None:
    """Needs what Linux tells of a process; skips loudly elsewhere."""
    if not Path("/proc/self/fd").is_dir():
        required = bool(os.environ.get("TANTALA_REQUIRE_PROGRAMS"))
        _absent("LINUX ABSENT: memory and open files of a process are not told here", required)


@pytest.fixture
def program():
    """A function that returns the path of an external program, or skips loudly without it."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            _absent(
                f"PROGRAM ABSENT: {name}; install it to run this test",
                bool(os.environ.get("TANTALA_REQUIRE_PROGRAMS")),
            )
        return str(path)

    return find


@pytest.fixture(scope="session")
def torch():
    """The torch module, an optional extra; skips loudly without it."""
    if importlib.util.find_spec("torch") is None:
        _absent(
            "LIBRARY ABSENT: torch; install tantala[torch] to run this test",
            bool(os.environ.get("TANTALA_REQUIRE_TORCH")),
        )
    module = importlib.import_module("torch")
    # Tests already run on every core.
    module.set_num_threads(1)
    return module


@pytest.fixture(scope="session")
def digits_network(torch):
    """The module that trains a network on scikit-learn's digits; skips loudly without those."""
    if importlib.util.find_spec("sklearn") is None:
        _absent(
            "LIBRARY ABSENT: scikit-learn; install tantala[test-torch] to run this test",
            bool(os.environ.get("TANTALA_REQUIRE_TORCH")),
        )
    return importlib.import_module("digits_network")


@pytest.fixture
def ngspice(program, tmp_path):
    """A function that runs a netlist and returns what ngspice prints, {name: value}."""
    path = program("ngspice")

    def run(netlist: str) -> dict[str, float]:
        file = tmp_path / "circuit.cir"
        file.write_text(netlist, encoding="utf-8")
        output = subprocess.run(
            [path, "-b", str(file)], capture_output=True, text=True, timeout=300, check=True
        ).stdout
        found = re.findall(r"^(\S+)\s*=\s*([-+.\deE]+)", output, flags=re.MULTILINE)
        return {name: float(value) for name, value in found}

    return run
