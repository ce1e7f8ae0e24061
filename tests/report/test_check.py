"""Claim: the check sees any change of a figure, a text or a shape, and nothing else."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tantala.base.errors import InputError
from tantala.report.check import differences, largest, page_differences, read_figures

SHEET = {
    "format": "tantala datasheet",
    "seed": 28,
    "key_figures": {"read_latency_s": {"typ": 1.38e-8, "max": 1.94e-8, "unit": "s"}},
    "error_rate": {"raw": [[1e-9, 3e-9], [1e-7, 3e-7]]},
    "requirements": [{"name": "uber", "met": True, "value": 1e-18}],
}


def test_equal_sheets_do_not_differ():
    assert list(differences(SHEET, copy.deepcopy(SHEET))) == []


@given(st.floats(1e-5, 1e3), st.booleans())
def test_a_changed_number_is_found(change, downwards):
    tampered = copy.deepcopy(SHEET)
    factor = 1 / (1 + change) if downwards else 1 + change
    tampered["error_rate"]["raw"][1][0] *= factor
    (found,) = differences(tampered, SHEET)
    assert str(found).startswith("error_rate.raw[1][0]: ")
    assert found.size == pytest.approx(abs(factor - 1), rel=1e-6)


def test_rounding_is_no_difference():
    rounded = copy.deepcopy(SHEET)
    rounded["error_rate"]["raw"][1][0] *= 1 + 1e-9
    assert list(differences(rounded, SHEET)) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda s: s["key_figures"].pop("read_latency_s"), "missing in the file"),
        (lambda s: s.update(extra=1), "not part of the datasheet"),
        (lambda s: s["error_rate"]["raw"].pop(), "1 entries in the file, 2 computed"),
        (lambda s: s["requirements"][0].update(met=False), "requirements[uber].met"),
        (lambda s: s["key_figures"]["read_latency_s"].update(unit="ns"), "'ns' in the file"),
    ],
)
def test_other_changes_are_found(change, expected):
    tampered = copy.deepcopy(SHEET)
    change(tampered)
    assert expected in "\n".join(map(str, differences(tampered, SHEET)))


def test_the_largest_differences_come_first_and_by_their_part():
    curve = [1.0 + index for index in range(50)]
    sheet = {"curve": curve, "rates": {"raw": 1.0, "note": "a"}}
    other = {"curve": [1.01 * value for value in curve], "rates": {"raw": 3.0, "note": "b"}}
    found = list(differences(other, sheet))
    assert len(found) == 52
    groups = largest(found, 5)
    assert [(name, len(ones)) for name, ones in groups.items()] == [("rates", 2), ("curve", 3)]
    assert [one.place for one in groups["rates"]] == ["rates.note", "rates.raw"]


def test_page_check_sees_text_and_ignores_drawings():
    page = "<style>x</style><p>Read 13.8 ns</p><svg><text>1</text></svg><table><tr><td>a</td></tr>"
    assert page_differences(page, page.replace("<text>1", "<text>2")) == []
    changed = page_differences(page.replace("13.8", "12.8"), page)
    assert changed == ["in the file: Read 12.8 ns", "computed: Read 13.8 ns"]


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"format": "other"}', "\xff"])
def test_what_is_no_datasheet_is_one_clear_error(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=r"not a (datasheet|JSON file)"):
        read_figures(path)
    path.write_text(json.dumps(SHEET))
    assert read_figures(path)["seed"] == 28


def test_influences_are_logarithms_of_which_differences_count():
    """A change of the figure by a millionth is none, however small the influence."""
    old, new = ({"influences": [{"effects": {"area_m2": effect}}]} for effect in (2e-9, 5e-9))
    assert list(differences(old, new)) == []
    new["influences"][0]["effects"]["area_m2"] = 2e-4
    assert len(list(differences(old, new))) == 1
