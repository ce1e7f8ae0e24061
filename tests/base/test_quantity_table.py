"""Tables of numbers and texts with units."""

from __future__ import annotations

import numpy as np
import pytest

import tantala as tt
from tantala.base.quantity_table import format_span, to_si_table


def test_numbers_and_texts_are_mixed():
    """A number beside a text stays a number, also an infinite one; shapes are kept."""
    found = to_si_table([["1 mV", 2.0], [np.inf, "-3 kV"]], "V")
    np.testing.assert_array_equal(found, [[1e-3, 2.0], [np.inf, -3e3]])
    assert to_si_table("1 kohm", "ohm").shape == ()
    np.testing.assert_array_equal(to_si_table(np.array(["1 V", "2 V"]), "V"), [1.0, 2.0])


def test_the_table_is_a_copy():
    """What is given may change later."""
    given = np.ones(3)
    found = to_si_table(given, "V")
    given[0] = 5.0
    assert found[0] == 1.0


def test_every_wrong_text_is_told_up_to_five():
    """Each with its place."""
    with pytest.raises(tt.InputError) as caught:
        to_si_table(["1 V", "1 A", "x"], "V", name="given")
    assert [str(p).split(" ")[0] for p in caught.value.problems] == ["given[1]", "given[2]"]
    with pytest.raises(tt.InputError) as caught:
        to_si_table(["x"] * 9, "V")
    assert len(caught.value.problems) == 5


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1j, 2.0], "given is complex"),
        (["1 V", 0.1j], "given is complex"),
        (np.complex64(1), "given is complex"),
        ([[1.0], [1.0, 2.0]], "given is no table of numbers"),
        ([None, 1.0], "given is no table of numbers"),
        ({"a": 1.0}, "given is no table of numbers"),
    ],
)
def test_what_is_no_table(given, message):
    """One clear error, and no imaginary part is lost."""
    with pytest.raises(tt.InputError, match=message):
        to_si_table(given, "V", name="given")


def test_a_span_is_told_with_its_unit():
    """Both ends, or one where they agree."""
    assert format_span(np.array([2e-6, 1e-3]), "A") == "2 µA to 1 mA"
    assert format_span(np.full(4, 0.2), "V") == "200 mV"
