"""Claim: numbering follows reading order, and a reference to nothing never reaches print."""

from __future__ import annotations

import pytest

from tantala.report.document import Beside, Figure, Paragraph, Section, Table, number, resolve


def _sections() -> tuple[Section, ...]:
    return (
        Section("one", "One", (Figure("first", "", "<svg/>"), Table("sizes", "", (), ()))),
        Section("two", "Two", (Beside((Figure("left", "", ""), Figure("right", "", ""))),
                               Paragraph("see {figure:right}"))),
    )  # fmt: skip


def test_numbers_follow_reading_order():
    labels = number(_sections()).labels
    assert labels["figure:first"] == "Figure 1"
    assert labels["figure:right"] == "Figure 3"
    assert labels["table:sizes"] == "Table 1"
    assert labels["section:two"] == "Section 2"


def test_reference_becomes_a_link_and_text_is_escaped():
    text = resolve("a < b, see {figure:right}", number(_sections()).labels)
    assert text == 'a &lt; b, see <a class="ref" href="#figure-right">Figure 3</a>'


def test_reference_to_nothing_is_an_error():
    with pytest.raises(KeyError):
        resolve("see {table:gone}", number(_sections()).labels)
