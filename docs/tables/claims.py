"""Published claims beside the model, evaluated at each build from the tests' own data.

Every `*_claims.toml` of `tests/published` that has a `*_models.py` beside it is found and
evaluated; a claim that needs measured data or a cell that is not there is listed with the reason.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tantala.base.errors import TantalaError

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "tests" / "published"
NOT_THERE = "needs the measured data"


def pages() -> Iterator[tuple[str, str]]:
    """(name, Markdown) of each page."""
    sys.path.insert(0, str(PUBLISHED))
    reader = importlib.import_module("published_claims")
    lines: list[str] = []
    for file in sorted(PUBLISHED.glob("*_claims.toml")):
        subject = file.stem.removesuffix("_claims")
        if (PUBLISHED / f"{subject}_models.py").exists():
            lines += _subject(subject, reader.read_claims(file.name))
    sys.path.remove(str(PUBLISHED))
    yield "claims", "\n".join(lines) + "\n"


def _data() -> Path | None:
    folder = Path(os.environ.get("TANTALA_DATA", ROOT.parent / "shared" / "data"))
    return folder if folder.is_dir() else None


def _subject(subject: str, claims: list[Any]) -> list[str]:
    module = importlib.import_module(f"{subject}_models")
    values: dict[str, float] = {}
    failed: dict[str, str] = {}
    for claim in claims:
        value = _value(module, claim)
        if isinstance(value, str):
            failed[claim.id] = value
        else:
            values[claim.id] = value
    done = [claim for claim in claims if claim.id in values]
    held = sum(claim.holds(values[claim.id]) for claim in done)
    told = f"{held} of {len(done)} evaluated claims hold."
    if failed:
        told += f" {len(failed)} could not be evaluated in this build."
    lines = ["", f"## {subject.capitalize()} models", "", told]
    lines += _missed(done, values)
    groups = list(dict.fromkeys(claim.group for claim in claims))
    for group in groups:
        lines += _group([claim for claim in claims if claim.group == group], values, failed)
    return lines


def _value(module: Any, claim: Any) -> float | str:
    """The model's value, or why there is none."""
    arguments = (claim,)
    if len(inspect.signature(module.evaluate).parameters) > 1:
        arguments = (claim, _data())
    try:
        return float(module.evaluate(*arguments))
    except TantalaError as error:
        return str(error.problems[0].what)
    except (AssertionError, KeyError, TypeError) as error:
        if _data() is None:
            return NOT_THERE
        return f"not available: {error}"


def _missed(claims: list[Any], values: Mapping[str, float]) -> list[str]:
    misses = [claim for claim in claims if not claim.holds(values[claim.id])]
    if not misses:
        return []
    lines = ["", "Misses:", ""]
    for claim in misses:
        reason = claim.known_miss or "no reason recorded yet"
        value = values[claim.id]
        lines.append(
            f"- **{claim.id}**: {_number(value, 4)}, published "
            f"{_number(claim.published, 4)}; {reason}."
        )
    return lines


def _group(claims: list[Any], values: Mapping[str, float], failed: Mapping[str, str]) -> list[str]:
    first = claims[0]
    lines = ["", f"### {first.group}", ""]
    text = first.text[0].upper() + first.text[1:]
    lines += [f"{text}. Cell `{first.cell}`; {_cited(first.source)}.", ""]
    unit = "" if first.unit == "1" else f" [{first.unit.replace('ohm', 'Ω').replace('uS', 'µS')}]"
    heads = [*first.arguments, f"published{unit}", "model", "band", "holds"]
    rules = [*("---" for _ in first.arguments), "---:", "---:", "---:", "---"]
    lines += ["| " + " | ".join(heads) + " |", "|" + "|".join(rules) + "|"]
    for claim in claims:
        cells = [*(str(value) for value in claim.arguments.values()), _number(claim.published, 4)]
        band = f"{_number(claim.low, 3)} to {_number(claim.high, 3)}"
        if claim.id in failed:
            cells += ["–", band, failed[claim.id]]
        else:
            value = values[claim.id]
            cells += [_number(value, 4), band, "yes" if claim.holds(value) else "**no**"]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _number(value: float, digits: int) -> str:
    """A number without an exponent where it stays short."""
    text = f"{value:.{digits}g}"
    return f"{float(text):,.0f}" if "e+" in text and abs(value) < 1e8 else text


def _cited(source: str) -> str:
    """The source with its key set as code; what follows the key stays text."""
    key, separator, rest = source.partition(":") if ":" in source else source.partition(",")
    return f"`{key}`{separator}{rest}"
