"""The order of a datasheet's sections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tantala.report.crew import Crew
from tantala.report.document import Document, Section, number
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


def document(sheet: Datasheet, crew: Crew | None = None) -> Document:
    """All sections, numbered."""
    return number(
        tuple((crew or Crew()).each(_section, [(sheet, at) for at in range(len(_SECTIONS))]))
    )


def _section(sheet: Datasheet, at: int) -> Section:
    return _SECTIONS[at](sheet)
