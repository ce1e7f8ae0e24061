"""Design files: TOML validated into frozen pydantic models, all problems of a file at once.

Unit types accept a number in SI or a text with a unit and store the SI float:

    class Supply(FileModel):
        core: Volt
        read_pulse: Second = 10e-9
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, LiteralString, TypeVar

import pydantic
from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from tantala.base.errors import InputError, Problem, nearest
from tantala.base.library import read_toml
from tantala.base.quantity import to_si


class FileModel(BaseModel):
    """A frozen record of a file; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def _si(unit: str) -> BeforeValidator:
    def convert(value: Any) -> float:
        try:
            return to_si(value, unit)
        except InputError as error:
            raise _wording("tantala.quantity", _sentence(error.problems[0])) from None

    return BeforeValidator(convert)


def _sentence(problem: Problem) -> str:
    text = problem.what.removeprefix("value ")
    text += f"; allowed: {problem.allowed}" if problem.allowed else ""
    text += f" ({problem.because})" if problem.because else ""
    return text + (f". Try: {problem.hint}" if problem.hint else "")


def _wording(kind: LiteralString, text: str) -> PydanticCustomError:
    """A pydantic error in our own words; through the context, so that braces stay as they are."""
    return PydanticCustomError(kind, "{text}", {"text": text})


def _whole_bits(value: float) -> int:
    if value != int(value) or value <= 0:
        raise _wording("tantala.bits", "not a positive whole number of bits")
    return int(value)


Volt = Annotated[float, _si("V")]
Ampere = Annotated[float, _si("A")]
Second = Annotated[float, _si("s")]
Kelvin = Annotated[float, _si("K")]
Siemens = Annotated[float, _si("S")]
Ohm = Annotated[float, _si("ohm")]
Metre = Annotated[float, _si("m")]
SquareMetre = Annotated[float, _si("m^2")]
Joule = Annotated[float, _si("J")]
Watt = Annotated[float, _si("W")]
Hertz = Annotated[float, _si("Hz")]
Fraction = Annotated[float, _si("1")]
Bits = Annotated[int, pydantic.AfterValidator(_whole_bits), _si("bit")]

M = TypeVar("M", bound=FileModel)


def load_model(model: type[M], path: Path) -> M:
    """A validated model from a TOML file. Raises InputError with every problem of the file."""
    return validate_model(model, read_toml(path), path.name)


def validate_model(model: type[M], data: Any, file: str) -> M:
    """A validated model from parsed data; `file` names it in messages."""
    try:
        return model.model_validate(data)
    except pydantic.ValidationError as error:
        raise InputError([_problem(model, entry, file) for entry in error.errors()]) from None


def _problem(model: type[BaseModel], entry: Any, file: str) -> Problem:
    location = [str(part) for part in entry["loc"]]
    where = f"{file}: {'.'.join(location)}" if location else file
    kind = entry["type"]
    if kind == "extra_forbidden":
        known = _keys(model, location[:-1])
        return Problem(
            "unknown key", where, allowed=", ".join(known), hint=nearest(location[-1], known)
        )
    if kind == "missing":
        return Problem("missing key", where)
    text = entry["msg"].removeprefix("Value error, ")
    allowed, hint = "", ""
    if kind in ("literal_error", "enum"):
        allowed = str(entry.get("ctx", {}).get("expected", ""))
        choices = allowed.replace(" or ", ", ").split(",")
        hint = nearest(str(entry["input"]), [choice.strip(" '") for choice in choices])
        text = "unknown choice"
    got = "" if kind == "value_error" and not location else repr(entry["input"])
    return Problem(text, where, got if len(got) < 80 else "", allowed, hint=hint)


def _keys(model: type[BaseModel], location: list[str]) -> list[str]:
    """The keys that the (sub)model at `location` knows."""
    current: Any = model
    for part in location:
        field = current.model_fields.get(part) if hasattr(current, "model_fields") else None
        current = field.annotation if field is not None else None
        for inner in getattr(current, "__args__", ()):
            if hasattr(inner, "model_fields"):
                current = inner
    fields = getattr(current, "model_fields", {})
    return sorted(field.alias or name for name, field in fields.items())
