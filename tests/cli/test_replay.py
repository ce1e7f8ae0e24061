"""`tantala replay`: a table, JSON, a plot; every misuse is one clear error."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tantala.base.library import LIBRARY

TRACE = "time,op,address,size\n0,w,0x1000,256\n20e-6,r,0x1000,64\n1e-3,w,0x1040,4\n"


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small chip whose organisation needs no search."""
    text = (LIBRARY / "chips" / "embedded_13mb_22nm.toml").read_text(encoding="utf-8")
    for old, new in (
        ('capacity = "12 Mibit"', 'capacity = "1536 Kibit"'),
        ("banks = 2\nsubarrays = 16\nrows = 768\ncolumns = 576\nmux = 64",
         "banks = 2\nsubarrays = 16\nrows = 96\ncolumns = 576\nmux = 64"),
    ):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    path = tmp_path_factory.mktemp("designs") / "small.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def written(folder: Path, text: str, name: str) -> str:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return str(path)


def test_a_table_and_a_plot(
    design: str, tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    trace, plot = written(tmp_path, TRACE, "log.csv.gz"), tmp_path / "log.svg"
    code, out, err = command("replay", trace, design, "--write-buffer", "4", "-o", str(plot))
    assert code == 0, err
    for part in (
        "csv",
        "1 reads, 2 writes; 4 to 256 bytes",
        "reads answered",
        "99.9 %",
        "Start-Gap",
        "tells no data",
    ):
        assert part in out, part
    assert "wrote" in err
    svg = plot.read_text(encoding="utf-8")
    assert svg.startswith("<svg")
    assert "Latency (s)" in svg
    assert "Writes of a line" in svg


def test_json_for_a_program(
    design: str, tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    trace = written(tmp_path, "10 0\n5 64 128\n", "cpu.trace")
    given = ("--clock", "100 MHz", "--changed", "30 %", "--wear-levelling", "start_gap")
    code, out, err = command("replay", trace, design, *given, "--line", "512 bit", "--json")
    assert code == 0, err
    data = json.loads(out)
    assert data["format"] == "ramulator-cpu"
    assert data["request_size_byte"] == {"smallest": 64, "largest": 64}
    assert data["parameters"]["clock_Hz"] == 1e8
    assert data["parameters"]["line_bit"] == 512
    assert data["parameters"]["changed"] == 0.3
    assert data["parameters"]["wear_levelling"] == "start_gap"
    assert data["reads"]["count"] == 2
    assert data["writes"]["count"] == 1
    assert data["wear"]["writes"][2] == 1
    assert data["wear"]["lines"] == len(data["wear"]["writes"]) == 3072 + 1
    assert sum(data["wear"]["writes"]) == 1
    parts = {name: joules for name, joules in data["energy_J"].items() if name != "total"}
    assert data["energy_J"]["total"] == pytest.approx(sum(parts.values()))
    percentiles = data["reads"]["percentiles_s"].values()
    assert sorted(percentiles) == list(percentiles)
    assert data["lifetime"]["unlevelled_years"] > 0.0


def test_what_the_format_was_taken_for_is_told(
    design: str, tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    """`0x0 R` could be meant otherwise, so the report begins with what it was read as."""
    code, out, _ = command("replay", written(tmp_path, "0x0 R\n", "my.trace"), design)
    assert code == 0
    told = [line.split() for line in out.splitlines()[1:3]]
    assert told[0] == ["format", "ramulator-memory"]
    assert told[1][-3:] == ["64", "bytes", "each"]


def test_a_serial_chip_is_read_over_its_bus(
    tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    """64 bytes at 20 MHz take 27.2 us with command and address, of which the macro has 0.1 us."""
    trace = written(tmp_path, "op,address,size\nr,0,64\n", "log.csv")
    code, out, _ = command("replay", trace, "spi_8mb")
    assert code == 0
    assert "27.2 µs" in out
    assert "clocked 100.0% of the time" in out
    assert "one command at a time on the serial bus" in out
    code, out, _ = command("replay", trace, "spi_8mb", "--no-bus", "--json")
    assert code == 0
    assert json.loads(out)["reads"]["longest_s"] < 1e-6
    assert json.loads(out)["utilisation"]["bus_s"] == 0.0


MISUSES = {
    "no such trace": (None, [], "cannot read the trace"),
    "a torn line": (TRACE + "2,w,0x1", [], "line 5"),
    "another format": (TRACE, ["--format", "nvmain"], "not a trace of the format nvmain"),
    "an unknown format": (TRACE, ["--format", "nvman"], "Try: 'nvmain'"),
    "no clock": ("1 2\n", [], "needs a clock"),
    "a clock too many": (TRACE, ["--clock", "1 MHz"], "takes no clock"),
    "a clock that is none": ("1 2\n", ["--clock", "1 ns"], "wrong unit"),
    "beyond the chip": ("op,address,size\nr,0x10000000,4\n", [], "Try: fold modulo"),
    "an unknown fold": (TRACE, ["--fold", "wrap"], "first_touch"),
    "a share above one": (TRACE, ["--changed", "110 %"], "share of changed bits"),
    "no bank": (TRACE, ["--banks", "0"], "banks"),
    "an unknown levelling": (TRACE, ["--wear-levelling", "startgap"], "start_gap"),
    "a line of half words": (TRACE, ["--line", "100 bit"], "whole number of words"),
    "a plot in a format": (TRACE, ["-o", "plot.png"], "SVG"),
    "a plot over a folder": (TRACE, ["-o", "{folder}/folder.svg"], "directory"),
    "a plot nowhere": (TRACE, ["-o", "nowhere/plot.svg"], "no such folder"),
}


@pytest.mark.parametrize("misuse", MISUSES)
def test_misuse_is_one_clear_error(
    design: str, tmp_path: Path, command: Callable[..., tuple[int, str, str]], misuse: str
) -> None:
    text, options, message = MISUSES[misuse]
    trace = str(tmp_path / "absent") if text is None else written(tmp_path, text, "my.trace")
    (tmp_path / "folder.svg").mkdir()
    options = [option.format(folder=tmp_path) for option in options]
    code, out, err = command("replay", trace, design, *options)
    assert code == 2
    assert not out
    assert message in err
    assert "Traceback" not in err
    assert len(err.splitlines()) == 1


def test_an_unknown_design_is_told(
    tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    code, _, err = command("replay", written(tmp_path, TRACE, "log.csv"), "spi_8m")
    assert code == 2
    assert "spi_8mb" in err
