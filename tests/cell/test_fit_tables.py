"""Claims: a measurement table is read in SI units whatever its spelling, and every defect of a
file is told once, at its place, as a FitError."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tantala.base.errors import FitError
from tantala.cell.fit.tables import read_table

HEADER = "addr\tpw\tvwl\tvbl\tr_before\tr_after"
ROWS = [f"{n}\t1e-7\t1.5\t{1 + 0.1 * n:.1f}\t100000\t{8000 + n}" for n in range(10)]


def _write(folder: Path, text: str | list[str], name: str = "table.tsv") -> Path:
    path = folder / name
    path.write_text(text if isinstance(text, str) else "\n".join(text) + "\n")
    return path


def _problems(path: Path, **options: str) -> list[str]:
    with pytest.raises(FitError) as caught:
        read_table(path, **options)
    return [str(problem) for problem in caught.value.problems]


def test_a_plain_table_is_recognised_and_read_in_si(tmp_path):
    table = read_table(_write(tmp_path, [HEADER, *ROWS]))
    assert table.kind == "set_pulses"
    assert table.rows == 10
    np.testing.assert_allclose(table["pulse_width"], 1e-7)
    np.testing.assert_allclose(table["resistance_after"][:2], [8000, 8001])


def test_unit_suffixes_separators_gzip_comments_and_case_do_not_matter(tmp_path):
    header = "# instrument 7\nADDR,pulse_width_ns,wordline_mV,bitline,r_before_kohm,R_after_Mohm"
    rows = [f"{n},100,1500,{1 + 0.1 * n:.1f},100,{(8000 + n) / 1e6}" for n in range(10)]
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(("\ufeff" + header + "\r\n" + "\r\n".join(rows)).encode()))
    plain = read_table(_write(tmp_path, [HEADER, *ROWS]))
    other = read_table(path)
    for name in plain.columns:
        np.testing.assert_allclose(other[name], plain[name], rtol=1e-12)


def test_temperature_in_celsius_and_kelvin_agree(tmp_path):
    celsius = ["addr\ttime\tg\ttemp", *(f"{n}\t0\t1e-5\t85" for n in range(10))]
    kelvin = ["addr\ttime\tg\ttemperature_K", *(f"{n}\t0\t1e-5\t358.15" for n in range(10))]
    first = read_table(_write(tmp_path, celsius, "c.tsv"))
    second = read_table(_write(tmp_path, kelvin, "k.tsv"))
    np.testing.assert_allclose(first["temperature"], second["temperature"])


def test_all_measured_tables_of_the_data_folder_are_recognised(measured_data):
    expected = {
        "hfox64k_ni/set_sweep": ("set_pulses", 23_408),
        "hfox64k_ni/reset_sweep": ("reset_pulses", 23_408),
        "hfox64k_ni/cycling_1024cells": ("cycling", 1_350),
        "hfox64k_ni/mlc_write_relax_chip13": ("verified_writes", 280_262),
        "hfox64k_ni/read_iv": ("iv", 27_612),
        "hfox64k_ni/read_timeseries_1cell": ("noise_series", 10_000),
        "hfox64k_ni/endurance_many": ("endurance", 5_161),
        "hfox64k_ni/write_verify_chipC10": ("write_verify", 65_536),
        "relaxation_bake_levy/bake_techA": ("bake", 73_704),
        "relaxation_bake_levy/relax_techC": ("relaxation", 66_760),
    }
    for name, (kind, rows) in expected.items():
        table = read_table(measured_data / f"{name}.tsv.gz")
        assert (table.kind, table.rows) == (kind, rows), name
    series = read_table(
        measured_data / "relaxation_bake_levy/timeseries_techA.tsv.gz", "noise_levels"
    )
    assert series["conductance"].shape == (5, 100_000)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("3\t1e-7\t1.5\tabc\t100000\t8000", "line 5: bad value in column 'vbl'; got abc"),
        ("3\t1e-7\t1.5\t1.2\t-100000\t8000", "got -100000; allowed: more than 0"),
        ("3\t-1e-7\t1.5\t1.2\t100000\t8000", "bad value in column 'pw'; got -1e-7"),
        ("3\t1e-7\t1.5\t1.2\t100000\tinf", "got inf; allowed: a finite number"),
        ("3\t1e-7\t1.5\t1.2\t100000\tnan", "got nan; allowed: a finite number"),
        ("3\t1e-7\t1.5\t\t100000\t8000", "got (empty)"),
        ("3\t1e-7\t1.5\t1.2\t100000", "another number of cells than the header; got 5; allowed: 6"),
        ("3\t0\t1.5\t1.2\t100000\t8000", "got 0; allowed: more than 0"),
    ],
)
def test_a_bad_row_is_told_with_line_and_column(tmp_path, row, told):
    problems = _problems(_write(tmp_path, [HEADER, *ROWS[:3], row, *ROWS[4:]]))
    assert len(problems) == 1
    assert told in problems[0]


def test_many_bad_cells_are_told_in_a_few_lines(tmp_path):
    rows = [row.replace("1e-7\t1.5", "1e-7\tx").replace("100000", "-1") for row in ROWS]
    problems = _problems(_write(tmp_path, [HEADER, *rows]))
    assert len(problems) == 12
    assert any("5 more such values" in text for text in problems)


def test_ragged_rows_words_and_signs_are_told_at_once(tmp_path):
    bad = [
        "3\t1e-7\t1.5",
        "3\t1e-7\t1.5\tabc\t100000\t8000",
        "3\t1e-7\t1.5\t1.2\t-1\t8000",
        "3\t1e-7\t1.5\t1.2\t1e5\tx",
        "3\t1e-7\t1.5\t1.2\t1e5\t0",
    ]
    problems = _problems(_write(tmp_path, [HEADER, *ROWS, *bad]))
    for line, got in ((12, "3"), (13, "abc"), (14, "-1"), (15, "x"), (16, "0")):
        assert any(f"line {line}:" in text and f"got {got}" in text for text in problems), line
    assert len(problems) == 5


def test_a_missing_column_does_not_hide_bad_values(tmp_path):
    header, row = HEADER.replace("vbl", "vblx"), "3\t1e-7\t1.5\t1.2\t-1\t8000"
    problems = _problems(_write(tmp_path, [header, *ROWS, row]))
    assert any("rename column 'vblx'" in text for text in problems)
    assert any("got -1" in text for text in problems)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("3\t100\t1.5\t1.2\t1e5\t8000", "got 100; allowed: below 1 s"),
        ("3\t100\t1.5\t1.2\t1e5\t8000", "pulse_width_ns"),
        ("3\t1e-7\t1500\t1.2\t1e5\t8000", "got 1500; allowed: below 20 V"),
        ("3\t1e-7\t1.5\t1200\t1e5\t8000", "bitline_mV"),
    ],
)
def test_a_value_in_another_unit_than_its_column_is_told_with_the_suffix(tmp_path, row, told):
    (problem,) = _problems(_write(tmp_path, [HEADER, *ROWS[:3], row, *ROWS[4:]]))
    assert told in problem


def test_a_conductance_in_microsiemens_without_suffix_is_told(tmp_path):
    rows = [f"{n}\t{n}\t{10 * n + 1}\t1e-5" for n in range(10)]
    problems = _problems(_write(tmp_path, ["addr\ttime\tg\tgi", *rows]))
    assert "conductance_uS" in problems[0]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (HEADER.replace("vbl", "vblx"), "rename column 'vblx'"),
        (HEADER.replace("\tr_after", "\tfoo"), "column 'resistance_after_ohm'"),
        ("a\tb\tc\td\te\tf", "the columns fit no kind of table"),
        (HEADER.replace("vbl", "vwl"), "repeated column"),
        (HEADER.replace("\t", " "), "no column separator"),
        (HEADER.replace("r_after", "r_after_mohm"), "r_after_mohm"),
    ],
)
def test_a_bad_header_is_told_with_what_to_try(tmp_path, header, told):
    assert any(told in text for text in _problems(_write(tmp_path, [header, *ROWS])))


def test_a_missing_header_line_is_told(tmp_path):
    assert "no header line" in _problems(_write(tmp_path, ROWS))[0]


def test_an_unknown_kind_names_the_nearest(tmp_path):
    path = _write(tmp_path, [HEADER, *ROWS])
    assert "'set_pulses'" in _problems(path, kind="set_pulse")[0]


def test_unreadable_files(tmp_path):
    assert "cannot read" in _problems(tmp_path / "absent.tsv")[0]
    assert "cannot read" in _problems(tmp_path)[0]
    assert "empty" in _problems(_write(tmp_path, "\n\n"))[0]
    assert "too few rows" in _problems(_write(tmp_path, [HEADER, *ROWS[:3]]))[0]
    binary = tmp_path / "binary.tsv"
    binary.write_bytes(b"addr\t\xff\xfe\x00")
    assert "not a text table" in _problems(binary)[0]
    plain = tmp_path / "plain.tsv.gz"
    plain.write_text("\n".join([HEADER, *ROWS]))
    assert "not a gzip file" in _problems(plain)[0]


@given(keep=st.integers(min_value=2, max_value=250))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_gzip_cut_anywhere_is_told_as_torn(tmp_path, keep):
    whole = gzip.compress("\n".join([HEADER, *(ROWS * 20)]).encode())
    path = tmp_path / "torn.tsv.gz"
    path.write_bytes(whole[: min(keep, len(whole) - 1)])
    assert "torn" in _problems(path)[0]


@given(noise=st.binary(max_size=300))
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_bytes_at_all_give_a_fit_error_never_another(tmp_path, noise):
    path = tmp_path / "noise.tsv"
    path.write_bytes(noise)
    with pytest.raises(FitError):
        read_table(path)


def test_slightly_negative_reads_of_an_open_cell_are_allowed(tmp_path):
    header = "addr\ttime\tg\tgi"
    rows = [f"{n}\t{n}\t{1e-5 * n - 1e-7}\t1e-5" for n in range(10)]
    assert read_table(_write(tmp_path, [header, *rows])).rows == 10
    rows[3] = "3\t3\t-5e-5\t1e-5"
    assert "not negative" in _problems(_write(tmp_path, [header, *rows]))[0]
