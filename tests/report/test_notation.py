"""Claim: printed numbers are the numbers: digits, prefix and unit survive the way to the page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tantala.report.notation import percent, power_of_ten, scaled, significant, storage_time, symbol

THIN = "\N{NARROW NO-BREAK SPACE}"
FACTORS = {"a": 1e-18, "f": 1e-15, "p": 1e-12, "n": 1e-9, "µ": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3,
           "M": 1e6, "G": 1e9}  # fmt: skip


@given(st.floats(1e-17, 9e10), st.floats(0.01, 1.0))
def test_scaled_row_reads_back(largest, share):
    texts, unit = scaled([largest * share, largest], "s")
    factor = FACTORS[unit.removesuffix("s")]
    for text, value in zip(texts, (largest * share, largest), strict=True):
        assert float(text.replace(THIN, "")) * factor == pytest.approx(value, rel=6e-3)


@given(st.floats(1e-300, 1.0))
def test_power_of_ten_reads_back(value):
    text = power_of_ten(value).replace(f"{THIN}×{THIN}", "e")
    text = text.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    if "e" in text:
        head, _, tail = text.partition("e10")
        number = float(f"{head}e{tail}")
    elif text.startswith("10") and value < 1e-3:
        number = float(f"1e{text[2:]}")
    else:
        number = float(text)
    assert number == pytest.approx(value, rel=0.06)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(24.749, 3, "24.7"), (0.012345, 3, "0.0123"), (999.6, 3, f"1{THIN}000"), (0, 3, "0"),
     (-0.5, 2, "\N{MINUS SIGN}0.50"), (123456, 3, f"123{THIN}000")],
)  # fmt: skip
def test_significant(value, digits, text):
    assert significant(value, digits) == text


def test_areas_take_squared_prefixes():
    assert scaled([6.75e-7], "m^2") == (("0.675",), "mm²")
    assert scaled([2.57e-14], "m^2") == (("0.0257",), "µm²")


def test_missing_value_is_a_dash_and_never_a_number():
    assert scaled([None, 2e-9], "s") == (("\N{EN DASH}", "2.00"), "ns")


def test_storage_times():
    year = 365.25 * 86400
    assert storage_time(0) == "fresh"
    assert storage_time(10 * year) == f"10{THIN}years"
    assert storage_time(year) == f"1{THIN}year"


def test_symbol_and_percent():
    assert symbol("t_RC") == "<i>t</i><sub>RC</sub>"
    assert percent(0.4217) == f"42.2{THIN}%"
