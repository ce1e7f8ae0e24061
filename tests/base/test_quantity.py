"""Quantities: what is accepted, what is refused, and that printing and parsing agree."""

import math
import os
import shutil
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tantala.base.errors import InputError
from tantala.base.quantity import format_si, to_si


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("85 degC", "K", 358.15),
        ("85 °C", "K", 358.15),
        ("-40 degC", "K", 233.15),
        ("8 Mibit", "bit", 8 * 2**20),
        ("1 MiB", "bit", 8 * 2**20),
        ("10 years", "s", 10 * 365.25 * 86400),
        ("10 h", "s", 36000.0),
        ("100 ns", "s", 1e-7),
        ("12 kohm", "ohm", 12e3),
        ("100 uS", "S", 1e-4),
        ("50 %", "1", 0.5),
        ("10_000", "1", 1e4),
        ("0.5 mm^2", "m^2", 0.5e-6),
    ],
)
def test_text_becomes_si(text: str, unit: str, value: float) -> None:
    assert to_si(text, unit) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize(
    ("text", "unit", "said"),
    [
        ("85 C", "K", "degC"),
        ("1.2", "V", "no unit"),
        ("fast", "s", "not a quantity"),
        ("3 V", "s", "wrong unit"),
        ("3 parsnips", "m", "unknown unit"),
        ("128 bits!", "bit", "not a quantity"),
        ("8 bit bit", "bit", "not a quantity"),
        ("1,500 um", "m", "not a quantity"),
        ("", "V", "not a quantity"),
        ("nan V", "V", "not a quantity"),
        ("-300 degC", "K", "absolute zero"),
        (-40.0, "K", "absolute zero"),
        (55, "K", "'55 degC'"),
        ("1e999 V", "V", "not finite"),
        (math.nan, "V", "not finite"),
        (True, "V", "not a quantity"),
        ([1, 2], "V", "not a quantity"),
    ],
)
def test_refused_with_a_reason(text: object, unit: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        to_si(text, unit, name="supply")


@given(st.floats(min_value=1e-14, max_value=1e8), st.sampled_from(["V", "A", "S", "ohm", "J", "F"]))
def test_printed_quantities_parse_back(value: float, unit: str) -> None:
    text = format_si(value, unit, digits=6).replace("µ", "u").replace("Ω", "ohm")
    assert to_si(text, unit) == pytest.approx(value, rel=1e-5)


def test_printing_is_what_people_write() -> None:
    assert format_si(358.15, "K") == "85 °C"
    assert format_si(999.99e-9, "s", 3) == "1 µs"
    assert format_si(3e-7, "m^2") == "0.3 mm²"
    assert format_si(2.565e-14, "m^2") == "0.02565 µm²"
    assert format_si(10 * 365.25 * 86400, "s") == "10 years"
    with pytest.raises(InputError):
        format_si(math.nan, "V")


def test_a_broken_cache_of_units_costs_no_answer(tmp_path) -> None:
    """Twice, as the first fills the folder; then with half files, then with no folder."""
    asked = "from tantala.base.quantity import to_si; print(to_si('85 degC', 'K'))"
    folder = tmp_path / "cache"

    def answer() -> str:
        environment = {**os.environ, "XDG_CACHE_HOME": str(folder)}
        run = subprocess.run(
            [sys.executable, "-c", asked],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return run.stdout.strip()

    assert answer() == answer() == "358.15"
    kept = [path for path in folder.rglob("*") if path.is_file()]
    assert sys.platform != "linux" or kept
    for path in kept:
        path.write_bytes(path.read_bytes()[:100])
    assert answer() == "358.15"
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("not a folder")
    assert answer() == "358.15"
