"""The order of a datasheet's sections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tantala.report.document import Document, number
from tantala.report.sections import (
    area,
    electrical,
    overview,
    provenance,
    reading,
    reliability,
    verdict,
    writing,
)

if TYPE_CHECKING:
    from tantala.report.page import Datasheet

_SECTIONS = (
    overview.overview,
    overview.interface,
    overview.conditions,
    electrical.key_figures,
    verdict.requirements,
    reading.reading,
    writing.writing,
    reliability.reliability,
    area.area,
    verdict.die_yield,
    provenance.assumptions,
    provenance.limits,
    provenance.sources,
)


def document(sheet: Datasheet) -> Document:
    """All sections, numbered."""
    return number(tuple(make(sheet) for make in _SECTIONS))
