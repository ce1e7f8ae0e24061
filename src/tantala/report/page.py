"""A datasheet: its figures, and the files made from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tantala.report.figures import (
    FORMAT,
    EnduranceRow,
    ErrorRates,
    Identity,
    Influence,
    KeyFigure,
    Margin,
    Organisation,
    Outcome,
    RetentionRow,
    Serial,
    ShmooFigures,
    SubarrayRead,
    TailCheck,
    WriteDirection,
    as_data,
    as_json,
)

if TYPE_CHECKING:
    from tantala.report.crew import Crew
    from tantala.report.document import Document


@dataclass(frozen=True)
class Written:
    """The files a datasheet was written to; `no_pdf` says why there is no PDF, if there is none."""

    paths: tuple[Path, ...]
    no_pdf: str = ""


@dataclass(frozen=True)
class Origin:
    """What makes the datasheet again: version, seed, design file and command."""

    version: str
    seed: int
    design: str
    design_sha256: str
    command: str
    check: str


@dataclass(frozen=True)
class CitedSource:
    """A bibliography entry and how many numbers of each kind were taken from it."""

    key: str
    text: str
    numbers: dict[str, int]


@dataclass(frozen=True)
class Datasheet:
    """All figures of one design at one seed; pages and files are functions of them."""

    origin: Origin
    identity: Identity
    organisation: Organisation
    serial: Serial | None
    key_figures: tuple[KeyFigure, ...]
    requirements: tuple[Outcome, ...]
    breakdowns: dict[str, dict[str, float]]
    margin: Margin
    subarray_read: SubarrayRead
    writing: tuple[WriteDirection, ...]
    shmoo: tuple[ShmooFigures, ...]
    error_rates: ErrorRates
    temperature_sweep: ErrorRates
    retention: tuple[RetentionRow, ...]
    endurance: tuple[EnduranceRow, ...]
    tail_checks: tuple[TailCheck, ...]
    headline: tuple[str, ...]
    influences: tuple[Influence, ...]
    not_measured: tuple[str, ...]
    extrapolated: tuple[str, ...]
    sources: tuple[CitedSource, ...]

    @property
    def missed(self) -> tuple[Outcome, ...]:
        """The stated requirements that the design does not meet."""
        return tuple(row for row in self.requirements if not row.met)

    def key(self, name: str) -> KeyFigure:
        """A key figure by name."""
        return next(figure for figure in self.key_figures if figure.name == name)

    def has(self, name: str) -> bool:
        """Whether a key figure applies to this design."""
        return any(figure.name == name for figure in self.key_figures)

    @property
    def uber_limit(self) -> float:
        """The required uncorrectable bit error rate."""
        return next(row.limit for row in self.requirements if row.name == "uber")

    def data(self) -> dict[str, Any]:
        """The figures as JSON values."""
        body = as_data(self)
        body["key_figures"] = {entry.pop("name"): entry for entry in body["key_figures"]}
        return {"format": FORMAT, **body}

    def json(self) -> str:
        """The figures as JSON text."""
        return as_json(self.data())

    def document(self, crew: Crew | None = None) -> Document:
        """The numbered sections; a second process of `crew` draws its share of them."""
        from tantala.report.contents import document

        return document(self, crew)

    def html(self, crew: Crew | None = None) -> str:
        """The self-contained page."""
        from tantala.report import render
        from tantala.report.sections.front import front

        return render.html(front(self), self.document(crew), self.identity.name)

    def write(self, folder: str | Path, pdf: bool = True, crew: Crew | None = None) -> Written:
        """Write NAME.html, NAME.json and, where the machine can, NAME.pdf; all or nothing.

        Raises: InputError if the folder cannot be written.
        """
        from tantala.report import render
        from tantala.report.files import write_together

        name, page = self.identity.name, self.html(crew)
        contents = {f"{name}.html": page.encode(), f"{name}.json": self.json().encode()}
        excuse = ""
        if pdf:
            try:
                contents[f"{name}.pdf"] = render.pdf(page)
            except render.PrintUnavailable as error:
                excuse = str(error)
        return Written(tuple(write_together(Path(folder), contents)), excuse)
