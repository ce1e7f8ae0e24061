"""Library items: every shipped number is cited; every fault of a file is told at once."""

from pathlib import Path

import pytest

from tantala.base.bibliography import library_sources
from tantala.base.binding import bind, quantity
from tantala.base.errors import InputError
from tantala.base.library import FOLDERS, load_item, names

ITEMS = [(kind, name) for kind in FOLDERS if kind != "chip" for name in names(kind)]
GOOD = '{ value = 1.5, unit = "V", kind = "assumed", source = "tantala", where = "x", note = "y" }'


@pytest.mark.parametrize(("kind", "name"), ITEMS)
def test_every_shipped_number_is_cited(kind: str, name: str) -> None:
    item = load_item(kind, name)
    for number in item.numbers.values():
        assert number.source in library_sources()
        assert number.where
        if number.kind == "assumed":
            assert number.note


def write(folder: Path, body: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(f'kind = "cell"\nname = "mine"\ntitle = "Mine"\n{body}\n')
    return path


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("[set]\nv = 1.5", "a bare number without unit and source"),
        ("[set]\nv = " + GOOD.replace('source = "tantala"', 'source = "tantla"'), "'tantala'"),
        ("[set]\nv = " + GOOD.replace('source = "tantala", ', ""), "missing source"),
        ("[set]\nv = " + GOOD.replace(', note = "y"', ""), "assumed number without note"),
        ("[set]\nv = " + GOOD.replace("assumed", "fitted"), "fitted number without range"),
        ("[set]\nv = " + GOOD.replace("assumed", "guessed"), "unknown kind"),
        ("[set]\nv = " + GOOD.replace('"V"', '"Volts!"'), "wrong unit"),
        ("[set]\nv = " + GOOD.replace("1.5", "nan"), "not a finite number"),
        ("[set]\nv = " + GOOD.replace("1.5", "[]"), "not a finite number"),
        ("[set]\nv = " + GOOD.replace("unit", "units"), "'unit'"),
        ("[set]\nv = " + GOOD.replace(" }", ", span = [2, 1] }"), "span is not"),
        ("[set", "not valid TOML"),
    ],
)
def test_faults_are_named(tmp_path: Path, body: str, said: str) -> None:
    with pytest.raises(InputError, match=r"mine\.toml") as caught:
        load_item("cell", write(tmp_path, body))
    assert said in str(caught.value)


def test_all_faults_of_a_file_at_once(tmp_path: Path) -> None:
    body = "[set]\na = 1.5\nb = 2.5\nc = " + GOOD.replace("assumed", "guessed")
    with pytest.raises(InputError) as caught:
        load_item("cell", write(tmp_path, body))
    assert len(caught.value.problems) == 3


def test_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(InputError, match="hfox_64k"):
        load_item("cell", "hfox_64")


def test_binding_reports_every_missing_number(tmp_path: Path) -> None:
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Law:
        v: float = quantity("V", "a voltage", maximum=1.0)
        w: float = quantity("s", "a time")
        z: float = quantity("S", "a conductance")

    item = load_item("cell", write(tmp_path, f"[set]\nv = {GOOD}\nw = {GOOD}"))
    with pytest.raises(InputError) as caught:
        bind(Law, item, "set")
    text = str(caught.value)
    assert len(caught.value.problems) == 3
    assert "outside what is possible" in text
    assert "wrong unit" in text
    assert "set.z" in text
