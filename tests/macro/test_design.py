"""Design files: what the library ships, and every way in which a file can be wrong."""

from __future__ import annotations

import contextlib
import pickle
import re
import tomllib

import pytest
from example_macro import design_data
from hypothesis import given
from hypothesis import strategies as st

from tantala.base.errors import InputError
from tantala.base.library import LIBRARY, locate, names
from tantala.macro import design as designs

BASE = (LIBRARY / "chips" / "embedded_13mb_22nm.toml").read_text(encoding="utf-8")


def text(**changes: str) -> str:
    """The shipped 22 nm design with some pieces of text replaced."""
    result = BASE
    for old, new in changes.values():
        assert old in result
        result = result.replace(old, new)
    return result


@pytest.fixture
def load(tmp_path):
    def load_text(content: str):
        path = tmp_path / "mine.toml"
        path.write_text(content, encoding="utf-8")
        return designs.load_design(path)

    return load_text


def problems_of(load, content: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        load(content)
    return [str(problem) for problem in caught.value.problems]


def test_a_design_file_becomes_a_value(load):
    design = load(text())
    assert (design.words, design.code.word_bits) == (98304, 144)
    assert design.supply.high == 1.8
    assert design.requirements.limits()["read_latency_s"] == 30e-9
    assert design == load(text())
    assert hash(design) == hash(load(text()))


@pytest.mark.parametrize("name", names("chip"))
def test_shipped_designs_state_their_requirements(name):
    data = tomllib.loads((LIBRARY / "chips" / f"{name}.toml").read_text(encoding="utf-8"))
    assert data["name"] == name
    assert {"retention", "endurance", "uber"} <= set(data["requirements"])


WRONG = {
    "unknown cell": ('cell = "embedded_22nm"', 'cell = "embedded_22"', "cell: unknown.*_22nm"),
    "unknown technology": ('"22nm"', '"23.5 mm"', "technology.*unknown"),
    "node outside": ('"22nm"', '"7nm"', "technology: node outside the library"),
    "unknown key": ("seed = 22", "sed = 22", "sed: unknown key.*'seed'"),
    "unknown section": ("[correction]", "[corection]", "corection: unknown key.*'correction'"),
    "unknown code": ('code = "bch2"', 'code = "bch"', "correction.code: unknown choice.*bch2"),
    "unknown corner": ('"slow", "typ', '"slw", "typ', "unknown corner.*'slow'"),
    "wrong unit": ('capacity = "12 Mibit"', 'capacity = "12 V"', "capacity.*wrong unit"),
    "no unit": ('core = "0.8 V"', 'core = "0.8"', "supply.core.*no unit"),
    "negative": ('core = "0.8 V"', 'core = "-0.8 V"', "supply.core: too small.*more than 0 V"),
    "absurd voltage": ('high = "1.8 V"', 'high = "1.8 kV"', "supply.high: too large.*at most 10 V"),
    "absurd heat": (
        'max = "105 degC"',
        'max = "1250 degC"',
        "temperature_max: too large.*226.8 °C",
    ),
    "not a number": ('min = "90 %"', 'min = "most"', "yield.*not a quantity"),
    "yield above one": ('min = "90 %"', 'min = "190 %"', "yield.*too large.*at most 1"),
    "both limits": ('{ min = "90 %" }', '{ min = "90 %", max = "99 %" }', "exactly one of max"),
    "wrong side": ('{ min = "90 %" }', '{ max = "90 %" }', "yield: a limit on the wrong side"),
    "fraction of a row": ("rows = 768", "rows = 768.5", "organisation.rows"),
    "no rows": ("rows = 768", "rows = 0", "organisation.rows.*greater than 0"),
    "not auto": ("rows = 768", 'rows = "automatic"', "organisation.rows"),
    "too few rows": ("rows = 768", "rows = 384", "does not hold the capacity.*49152 words"),
    "mux": ("mux = 64", "mux = 60", "columns do not divide into groups of mux"),
    "groups": ("subarrays = 16", "subarrays = 15", "do not divide into groups.*multiple of 16"),
    "part of a word": ('"12 Mibit"', '"12000001 bit"', "capacity is not a whole number of words"),
    "temperatures": ('min = "-40 degC"', 'min = "50 degC"', "temperatures out of order"),
    "supplies": ('high = "1.8 V"', 'high = "0.6 V"', "high supply lies below the core"),
    "interface": ('type = "embedded"', 'type = "serial"', "a serial chip needs an interface"),
    "missing": ("endurance = 10_000", "", "requirements.endurance: missing key"),
    "endurance": ("endurance = 10_000", "endurance = -1", "endurance: too small.*at least 1"),
    "seed": ("seed = 22", "seed = -22", "seed: too small.*at least 0"),
    "other kind": ('kind = "chip"', 'kind = "cell"', "kind: unknown choice.*chip"),
    "broken": ("[supply]", "[supply", "not valid TOML"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_entry_is_told_with_its_key(load, case):
    old, new, expected = WRONG[case]
    found = problems_of(load, text(change=(old, new)))
    assert any(re.search(expected, line) for line in found), found
    assert all(line.startswith("mine.toml") for line in found)


def test_all_problems_come_at_once(load):
    content = text(
        a=('cell = "embedded_22nm"', 'cell = "hfox"'),
        b=('core = "0.8 V"', 'core = "0.8 A"'),
        c=("rows = 768", "rows = 384"),
        d=("seed = 22", "sead = 22"),
        e=('{ min = "90 %" }', '{ max = "90 %" }'),
    )
    found = problems_of(load, content)
    for key in ("cell", "supply.core", "sead", "organisation", "requirements.yield"):
        assert any(line.startswith(f"mine.toml: {key}:") for line in found), found


# A wrong entry beside a conflict that does not read it: both are told.
BESIDE = {
    "supply and capacity": (("core", "0.8 V", "0.8"), ("rows", "768", "384"), "hold the capacity"),
    "seed and mux": (("seed", "22", "-1"), ("mux", "64", "60"), "groups of mux"),
    "word and mux": (("word", "128 bit", "128 V"), ("mux", "64", "60"), "groups of mux"),
    "rows and groups": (("rows", "768", "many"), ("subarrays", "16", "15"), "that hold a word"),
    "rows and temperatures": (("rows", "768", "0"), ("min", "-40 degC", "50 degC"), "out of order"),
    "endurance and side": (("endurance", "10_000", "none"), ("min", "90 %", "9 V"), "wrong unit"),
    "clock and supplies": (("seed", "22", "x"), ("high", "1.8 V", "0.6 V"), "below the core"),
    "capacity and scheme": (("capacity", "12 Mibit", "12"), ("scheme", "ispp", "isp"), "scheme"),
    "core and organisation": (("core", "0.8 V", "x"), ("subarrays", "16", "auto"), "holds the cap"),
}


@pytest.mark.parametrize("case", BESIDE)
def test_a_wrong_entry_does_not_hide_a_conflict_of_others(load, case):
    wrong, conflict, said = BESIDE[case]
    content = text()
    for key, old, new in (wrong, conflict):
        pattern = rf'({key} = )"?{re.escape(old)}"?'
        quoted = new if re.fullmatch(r"-?\d+", new) else f'"{new}"'
        content, count = re.subn(pattern, lambda m, q=quoted: m[1] + q, content, count=1)
        assert count == 1, key
    if case == "core and organisation":  # no organisation found, rather than one that is too small
        content = content.replace("rows = 768", "rows = 500")
    found = problems_of(load, content)
    assert any(wrong[0] in line for line in found), found
    assert any(said in line for line in found), found
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('code = "bch2"', 'code = "bch9"'),
        ("[correction]", "[corection]"),
        ("mux = 64", 'mux = "64"'),
        ("banks = 2", "bank = 2"),
        ('word = "128 bit"', ""),
    ],
)
def test_what_is_wrong_is_not_taken_for_a_default_in_a_conflict(load, old, new):
    """Control: with the default in its place, the organisation would not hold the capacity."""
    found = problems_of(load, text(change=(old, new)))
    assert len(found) == 1, found


def test_a_cell_that_is_none_of_a_macro_is_told_with_the_rest(load):
    content = text(
        a=('cell = "embedded_22nm"', 'cell = "foundry_c"'), b=('core = "0.8 V"', 'core = "0.8"')
    )
    found = problems_of(load, content)
    assert any("supply.core" in line for line in found)
    assert sum("geometry" in line for line in found) == 3


def test_the_face_of_a_serial_design_is_of_the_library_or_beside_it(load, tmp_path):
    serial = locate("chip", "rm25c_512k").read_text(encoding="utf-8")
    stated = 'face = "rm25c"'
    assert stated in serial
    assert load(serial).interface.face == "rm25c"
    assert load(serial.replace(stated, "")).interface.face == "sfdp"
    (found,) = problems_of(load, serial.replace(stated, 'face = "rm25"'))
    assert "interface.face" in found
    assert "mb85as" in found
    own = tmp_path / "own.toml"
    own.write_text(locate("face", "rm25c").read_text(encoding="utf-8"), encoding="utf-8")
    assert load(serial.replace(stated, 'face = "own.toml"')).interface.face == str(own)


def test_a_missing_file_and_a_wrong_name():
    with pytest.raises(InputError, match="no such chip file"):
        designs.load_design("nowhere/mine.toml")
    with pytest.raises(InputError, match="embedded_8mb_28nm"):
        designs.load_design("embedded_8mb_28n")


@given(st.dictionaries(st.text(max_size=8), st.one_of(st.integers(), st.text(max_size=8))))
def test_no_file_content_escapes_as_another_error(entries):
    data = {**design_data(), **entries}
    with contextlib.suppress(InputError):
        designs.validate_model(designs.Design, data, "file")


@pytest.mark.parametrize("name", names("chip"))
def test_a_design_travels_between_processes(name):
    design = designs.load_design(name)
    assert pickle.loads(pickle.dumps(design)) == design
