"""Design files: TOML validated into frozen pydantic models, all problems of a file at once.

Unit types accept a number in SI or a text with a unit and store the SI float:

    class Supply(FileModel):
        core: Volt
        read_pulse: Second = 10e-9
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, LiteralString, TypeGuard, TypeVar

import pydantic
from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from tantala.base.errors import InputError, Problem, nearest
from tantala.base.library import read_toml
from tantala.base.quantity import format_si, to_si


class FileModel(BaseModel):
    """A frozen record of a file; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


@dataclass(frozen=True)
class _Unit:
    """Turns what a file says into SI; keeps its unit, in which a limit is told."""

    unit: str

    def __call__(self, value: Any) -> float:
        try:
            return to_si(value, self.unit)
        except InputError as error:
            raise wording("tantala.quantity", error.problems[0]) from None


def _si(unit: str) -> BeforeValidator:
    return BeforeValidator(_Unit(unit))


def wording(kind: LiteralString, problem: Problem) -> PydanticCustomError:
    """A pydantic error in our own words; through the context, so that braces stay as they are."""
    context = {
        "text": problem.what.removeprefix("value "),
        "allowed": problem.allowed,
        "because": problem.because,
        "hint": problem.hint,
    }
    return PydanticCustomError(kind, "{text}", context)


def _whole_bits(value: float) -> int:
    if value != int(value) or value <= 0:
        raise wording("tantala.bits", Problem("not a positive whole number of bits"))
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


def sound_part(model: type[M], data: Mapping[str, Any]) -> M:
    """A model of those entries of `data` that are fine by themselves; it is not validated whole.

    Entries that are wrong or missing are absent, so that reading one is an AttributeError (ask
    `has`). So is an entry left to its default whose name is like that of an unknown key: the file
    may have meant it.
    """
    keys = {field.alias or name: name for name, field in model.model_fields.items()}
    left_out = [key for key in keys if key not in data]
    doubtful = {
        key
        for unknown in data.keys() - keys.keys()
        for key in difflib.get_close_matches(unknown, left_out, n=1)
    }
    values, absent = {}, {keys[key] for key in doubtful}
    for key, name in keys.items():
        if key not in data:
            if model.model_fields[name].is_required():
                absent.add(name)
            continue
        try:
            values[key] = _sound(model.model_fields[name], data[key])
        except pydantic.ValidationError:
            absent.add(name)
    part = model.model_construct(**values)
    for name in absent & vars(part).keys():
        object.__delattr__(part, name)  # the model itself is frozen
    return part


def has(model: BaseModel, path: str) -> bool:
    """Whether a model from `sound_part` has the entry at a dotted path of field names."""
    value: Any = model
    for name in path.split("."):
        if isinstance(value, BaseModel) and name not in vars(value):
            return False
        value = getattr(value, name, None)
    return True


def _sound(field: FieldInfo, value: Any) -> Any:
    """A validated value, or the sound part of a table. Raises ValidationError if there is none."""
    alone: Any = field.annotation
    if field.metadata:
        alone = Annotated[(alone, *field.metadata)]
    try:
        return pydantic.TypeAdapter(alone).validate_python(value)
    except pydantic.ValidationError:
        for table in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if _is_table(table) and isinstance(value, Mapping):
                return sound_part(table, value)
        raise


def _is_table(annotation: Any) -> TypeGuard[type[FileModel]]:
    return isinstance(annotation, type) and issubclass(annotation, FileModel)


# In place of the validation library's own words, which name its types.
_PLAIN = {
    "float_parsing": "not a number",
    "float_type": "not a number",
    "int_parsing": "not a whole number",
    "int_type": "not a whole number",
    "int_from_float": "not a whole number",
    "string_type": "not a text",
    "bool_parsing": "neither true nor false",
    "bool_type": "neither true nor false",
    "list_type": "not a list",
    "dict_type": "not a table",
}

_LIMITS = {
    "less_than": ("too large", "less than"),
    "less_than_equal": ("too large", "at most"),
    "greater_than": ("too small", "more than"),
    "greater_than_equal": ("too small", "at least"),
}


def _in_unit(bound: float, field: FieldInfo | None) -> str:
    """A limit as people write it, in the unit of its field."""
    for part in field.metadata if field is not None else ():
        if isinstance(part, BeforeValidator) and isinstance(part.func, _Unit):
            return format_si(bound, part.func.unit)
    return f"{bound:g}"


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
    told = entry.get("ctx", {}) if kind.startswith("tantala.") else {}
    allowed, because, hint = (str(told.get(key, "")) for key in ("allowed", "because", "hint"))
    if kind in ("literal_error", "enum"):
        allowed = str(entry.get("ctx", {}).get("expected", ""))
        choices = allowed.replace(" or ", ", ").split(",")
        hint = nearest(str(entry["input"]), [choice.strip(" '") for choice in choices])
        text = "unknown choice"
    if kind == "model_type":
        known = _keys(model, location)
        text, allowed = "not a table", f"a table of {', '.join(known)}"
        hint = f"{location[-1]} = {{ {known[0]} = {entry['input']!r} }}" if location else ""
    if kind in _LIMITS:
        bound = next(iter(entry["ctx"].values()))
        text, allowed = _LIMITS[kind]
        allowed += f" {_in_unit(bound, _field(model, location))}"
    text = _PLAIN.get(kind, text)
    got = "" if kind == "value_error" and not location else repr(entry["input"])
    return Problem(text, where, got if len(got) < 80 else "", allowed, because, hint)


def _keys(model: type[BaseModel], location: list[str]) -> list[str]:
    """The keys that the (sub)model at `location` knows."""
    fields = getattr(_part(model, location), "model_fields", {})
    return sorted(field.alias or name for name, field in fields.items())


def _part(model: type[BaseModel], location: list[str]) -> Any:
    """What stands at `location`: a (sub)model, or another annotation."""
    current: Any = model
    for part in location:
        field = _field(current, [part])
        current = field.annotation if field is not None else None
        for inner in getattr(current, "__args__", ()):
            if hasattr(inner, "model_fields"):
                current = inner
    return current


def _field(model: Any, location: list[str]) -> FieldInfo | None:
    """The field at `location`, known by its alias or its name."""
    fields = getattr(_part(model, location[:-1]) if location[1:] else model, "model_fields", {})
    for name, field in fields.items():
        if location[-1] in (name, field.alias):
            return field
    return None
