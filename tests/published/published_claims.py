"""Claims as data: reading them, judging them, and printing them beside the model as Markdown."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Claim:
    """One published value: which model function to ask, with which arguments, and the band."""

    group: str
    text: str
    model: str
    cell: str
    unit: str
    source: str
    arguments: Mapping[str, Any]
    published: float
    low: float
    high: float
    known_miss: str = ""

    @property
    def id(self) -> str:
        """Group and arguments, unique."""
        return " ".join([self.group, *(str(value) for value in self.arguments.values())])

    def holds(self, value: float) -> bool:
        """Whether the model's value lies in the band."""
        return self.low <= value <= self.high


def read_claims(file: str) -> list[Claim]:
    """All claims of a TOML file beside this module."""
    groups = tomllib.loads((HERE / file).read_text(encoding="utf-8"))["group"]
    claims = [claim for group in groups for claim in _group(group)]
    seen = [claim.id for claim in claims]
    assert len(set(seen)) == len(seen), "claims with the same id"
    return claims


def _group(group: Mapping[str, Any]) -> list[Claim]:
    claims = []
    for row in group["rows"]:
        arguments = dict(zip(group["columns"], row, strict=True))
        printed = arguments.pop("published")
        published = float(printed)
        low, high = _band(published, group.get("band", {}), arguments.pop("between", None))
        if isinstance(printed, str):
            # A figure given as text is known to its last printed digit only.
            low, high = low - _half_digit(printed), high + _half_digit(printed)
        key = " ".join(str(value) for value in arguments.values())
        claims.append(
            Claim(
                group=group["id"],
                text=group["claim"],
                model=group["model"],
                cell=group["cell"],
                unit=group["unit"],
                source=group["source"],
                arguments=arguments,
                published=published,
                low=low,
                high=high,
                known_miss=group.get("known_miss", {}).get(key, ""),
            )
        )
    unused = set(group.get("known_miss", {})) - {
        " ".join(str(value) for value in claim.arguments.values()) for claim in claims
    }
    assert not unused, f"{group['id']}: known_miss of rows that are not there: {unused}"
    return claims


def _half_digit(printed: str) -> float:
    """Half a unit of the last printed digit: 0.0005 for "7.5e-2"."""
    exponent = Decimal(printed).as_tuple().exponent
    assert isinstance(exponent, int), printed
    return 0.5 * 10.0**exponent


def _band(
    published: float, band: Mapping[str, Any], between: list[float] | None
) -> tuple[float, float]:
    limits = between or band.get("between")
    if limits is not None:
        return limits[0], limits[1]
    if "factor" in band:
        return published / band["factor"], published * band["factor"]
    half = max(
        band.get("absolute", 0.0),
        band.get("relative", 0.0) * abs(published),
        band.get("floor", 0.0),
    )
    return published - half, published + half


def markdown(claims: list[Claim], values: Mapping[str, float]) -> str:
    """The table of claims beside the model, grouped, misses marked."""
    lines: list[str] = []
    group = ""
    for claim in claims:
        if claim.group != group:
            group = claim.group
            lines += [
                "",
                f"**{group}**: {claim.text}. Cell `{claim.cell}`. Source: {claim.source}.",
                "",
            ]
            heads = [*claim.arguments, f"published [{claim.unit}]", "model", "band", ""]
            lines += ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
        value = values[claim.id]
        verdict = "" if claim.holds(value) else f"**miss**: {claim.known_miss or 'unexplained'}"
        cells = [*(str(v) for v in claim.arguments.values()), f"{claim.published:.4g}"]
        cells += [f"{value:.4g}", f"{claim.low:.3g} to {claim.high:.3g}", verdict]
        lines.append("| " + " | ".join(cells) + " |")
    missed = sum(not claim.holds(values[claim.id]) for claim in claims)
    return "\n".join([f"{len(claims) - missed} of {len(claims)} claims hold.", *lines]) + "\n"
