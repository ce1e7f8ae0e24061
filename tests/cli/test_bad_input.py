"""Bad input: one clear error each, exit code 2, nothing half-written.

Every case is a small edit of a good design, cell or measurement file, run through the command line
as a user would. The message must name the file or value and say what is allowed or what to try.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tantala.base.library import LIBRARY

DESIGN = (LIBRARY / "chips" / "embedded_8mb_28nm.toml").read_text(encoding="utf-8")
CELL = (LIBRARY / "cells" / "embedded_28nm.toml").read_text(encoding="utf-8")


def edited(text: str, old: str, new: str) -> str:
    assert old in text, f"the library file no longer has {old!r}"
    return text.replace(old, new, 1)


DESIGN_FAULTS = {
    "unknown cell": ('cell = "embedded_28nm"', 'cell = "embedded_28"', "embedded_28nm"),
    "unknown technology": ('technology = "28nm"', 'technology = "12nm"', "22 to 180 nm"),
    "unknown key": ("capacity =", "capasity =", "capacity"),
    "unknown table": ("[supply]", "[suply]", "supply"),
    "unknown scheme": ('scheme = "ispp"', 'scheme = "isp"', "ispp"),
    "unknown code": ('code = "bch2"', 'code = "bhc2"', "bch2"),
    "unknown corner": ('"typical"', '"tipical"', "typical"),
    "wrong unit": ('capacity = "8 Mibit"', 'capacity = "8 V"', "capacity"),
    "no unit": ('core = "0.9 V"', 'core = "0.9"', "no unit"),
    "celsius as C": ('"125 degC"', '"125 C"', "125 degC"),
    "negative capacity": ('capacity = "8 Mibit"', 'capacity = "-8 Mibit"', "capacity"),
    "fractional bits": ('word = "128 bit"', 'word = "12.5 bit"', "word"),
    "absurd supply": ('core = "0.9 V"', 'core = "90 V"', "supply.core"),
    "negative supply": ('high = "1.8 V"', 'high = "-1.8 V"', "supply.high"),
    "below absolute zero": ('"-40 degC"', '"-400 degC"', "temperature_min"),
    "hotter than the models": ('"125 degC"', '"250 degC"', "temperature_max"),
    "hot colder than cold": ('"125 degC"', '"-55 degC"', "temperature"),
    "zero endurance": ("endurance = 10_000", "endurance = 0", "endurance"),
    "uber above one": ('uber = { max = "1e-15" }', "uber = { max = 2 }", "uber"),
    "limit on both sides": (
        'uber = { max = "1e-15" }',
        "uber = { max = 0.1, min = 0.01 }",
        "uber",
    ),
    "negative retention": ('time = "10 years"', 'time = "-10 years"', "retention.time"),
    "capacity against organisation": (
        'rows = "auto"\ncolumns = "auto"',
        "rows = 500\ncolumns = 300",
        "organisation",
    ),
    "no corner at all": ('["slow", "typical", "fast"]', "[]", "corners"),
    "a path for a name": ('name = "embedded_8mb_28nm"', 'name = "../../mine"', "name"),
    "text after the unit": ('word = "128 bit"', 'word = "128 bits!"', "word"),
    "one bank too few": ('banks = "auto"', "banks = 0", "banks"),
    "mux that does not divide": ('mux = "auto"', "mux = 7", "mux"),
    "text for a number": ("spare_rows = 4", 'spare_rows = "four"', "spare_rows"),
    "a list for a text": ('cell = "embedded_28nm"', 'cell = ["embedded_28nm"]', "cell"),
    "torn file": ("[requirements]", "[requirem", "TOML"),
    "negative seed": ("seed = 28", "seed = -1", "seed"),
    "seed too large": ("seed = 28", "seed = 99999999999999999999999", "seed"),
}


@pytest.mark.parametrize("fault", DESIGN_FAULTS)
def test_a_faulty_design_is_refused(
    fault: str, tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    old, new, said = DESIGN_FAULTS[fault]
    path = tmp_path / "mine.toml"
    path.write_text(edited(DESIGN, old, new), encoding="utf-8")
    out = tmp_path / "out"
    code, output, errors = command("datasheet", str(path), "-o", str(out))
    text = output + errors
    assert code == 2, text
    assert "mine.toml" in text
    assert said in text
    assert "Traceback" not in text
    assert not out.exists() or not list(out.iterdir())


def test_every_problem_of_a_design_at_once(
    tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    text = edited(DESIGN, 'core = "0.9 V"', 'core = "0.9"')
    text = edited(text, "endurance = 10_000", "endurance = 0")
    text = edited(text, 'cell = "embedded_28nm"', 'cell = "embeded_28nm"')
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    code, output, errors = command("check", str(path))
    printed = output + errors
    assert code == 2
    for said in ("supply.core", "endurance", "'embedded_28nm'", "3 problem"):
        assert said in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("datasheet", "embedded_8mb_28"), "embedded_8mb_28nm"),
        (("datasheet", "no/such/file.toml"), "no/such/file.toml"),
        (("show", "hfox64"), "hfox_64k"),
        (("check", "missing.toml"), "missing.toml"),
        (("fit", "missing.tsv", "--cell", "mine"), "missing.tsv"),
    ],
)
def test_names_that_do_not_exist(
    arguments: tuple[str, ...], said: str, command: Callable[..., tuple[int, str, str]]
) -> None:
    code, output, errors = command(*arguments)
    text = output + errors
    assert code == 2
    assert said in text


CELL_FAULTS = {
    "source missing": ('source = "', 'sauce = "', "source"),
    "kind unknown": ('kind = "assumed"', 'kind = "guess"', "kind"),
    "kind of file": ('kind = "cell"', 'kind = "cel"', "cell"),
}


@pytest.mark.parametrize("fault", CELL_FAULTS)
def test_a_faulty_cell_is_refused(
    fault: str, tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    old, new, said = CELL_FAULTS[fault]
    path = tmp_path / "mine.toml"
    path.write_text(edited(CELL, old, new), encoding="utf-8")
    code, output, errors = command("check", str(path))
    text = output + errors
    assert code == 2
    assert said in text


MEASUREMENTS = {
    "torn gzip": (".tsv.gz", gzip.compress(b"addr\ttime\tg\tgi\n" * 500)[:-20]),
    "not gzip": (".tsv.gz", b"addr\ttime\tg\tgi\n1\t0\t1e-5\t1e-5\n"),
    "empty": (".tsv", b""),
    "header only": (".tsv", b"addr\ttime\tg\tgi\n"),
    "binary": (".tsv", bytes(range(256)) * 10),
    "unknown columns": (".tsv", b"foo\tbar\n1\t2\n"),
    "text in a number": (".tsv", b"addr\ttime\tg\tgi\n1\t0\thigh\t1e-5\n"),
    "negative conductance": (".tsv", b"addr\ttime\tg\tgi\n1\t0\t-1e-5\t1e-5\n"),
    "ragged row": (".tsv", b"addr\ttime\tg\tgi\n1\t0\t1e-5\n"),
    "one point": (".tsv", b"addr\ttime\tg\tgi\n1\t1\t1e-5\t1e-5\n"),
}


@pytest.mark.parametrize("fault", MEASUREMENTS)
def test_faulty_measurements_are_refused(
    fault: str, tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    suffix, content = MEASUREMENTS[fault]
    path = tmp_path / f"measured{suffix}"
    path.write_bytes(content)
    out = tmp_path / "cell.toml"
    code, output, errors = command("fit", str(path), "--cell", "mine", "-o", str(out))
    text = output + errors
    assert code == 2, text
    assert "measured" in text
    assert "Traceback" not in text
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    key=st.sampled_from(["capacity", "word", "core", "high", "time", "temperature_typical"]),
    value=st.one_of(
        st.floats(max_value=-1e-3),
        st.text(alphabet="abcdefgVsK%-. ", max_size=12),
        st.booleans(),
        st.just([]),
    ),
)
def test_no_value_of_the_wrong_sort_passes(
    key: str, value: object, tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    import json
    import re

    shown = "nan" if value != value else json.dumps(value)
    shown = shown.replace("Infinity", "inf")
    path = tmp_path / "mine.toml"
    path.write_text(
        re.sub(rf"\b{key} = (\"[^\"]*\"|[\d._]+)", lambda _: f"{key} = {shown}", DESIGN, count=1)
    )
    code, output, errors = command("check", str(path))
    text = output + errors
    assert code == 2, text
    assert "Traceback" not in text
