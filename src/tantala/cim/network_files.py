"""A network and its data from files: what `tantala infer` reads.

A whole model that torch has saved is a Python pickle: reading it runs whatever code the file names.
So such a file is read only when the caller says that it is trusted; data files never run code.
"""

from __future__ import annotations

import importlib.util
import pickle
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tantala.base.errors import InputError, Problem, nearest

_INPUTS = ("inputs", "x", "images", "data")
_LABELS = ("labels", "y", "targets", "target")
_CALIBRATION = "calibration"
_SCRIPT_HINT = "the module itself, saved with torch.save(model, FILE), or FILE.py:FUNCTION"


@dataclass(frozen=True)
class Samples:
    """Inputs (samples, ...), the class number of each, and inputs to calibrate with, or None."""

    inputs: torch.Tensor
    labels: torch.Tensor
    calibration: torch.Tensor | None


def load_network(source: str, trust: bool = False) -> nn.Module:
    """The network of FILE.py:FUNCTION, which is called, or of a file by torch.save(model, FILE).

    trust   read a saved model although that runs code which the file holds. A Python file named
            here is run in any case.

    Raises InputError for a file that is absent, unreadable, untrusted or holds no network.
    """
    path, _, function = source.rpartition(":")
    if path.endswith(".py"):
        network = _called(Path(path), function)
    elif source.endswith(".py"):
        hint = f"{source}:FUNCTION"
        raise InputError(Problem("no function named that returns the network", source, hint=hint))
    else:
        network = _unpickled(Path(source), trust)
    if not isinstance(network, nn.Module):
        got, allowed = type(network).__name__, "a torch.nn.Module"
        raise InputError(Problem("no network", source, got, allowed, hint=_if_weights(network)))
    if isinstance(network, torch.jit.ScriptModule):
        raise InputError(
            Problem("a compiled network has no layers to convert", source, hint=_SCRIPT_HINT)
        )
    _finite(network, source)
    return network.eval()


def load_samples(path: Path, labels: Path | None = None) -> Samples:
    """Inputs and labels of an .npz, .npy or .pt file, without running code from it.

    An .npz file holds arrays `inputs` and `labels`, and may hold `calibration`; a .pt file a dict
    of such tensors, or the pair (inputs, labels). Labels may lie in a file of their own.

    Raises InputError for a file that is absent or unreadable, that holds no inputs or labels, and
    for labels that are not one a sample.
    """
    arrays = _arrays(path)
    inputs = _named(arrays, _INPUTS)
    if inputs is None:
        raise InputError(Problem("no inputs", str(path), _keys(arrays), "an array named inputs"))
    found = _named(arrays, _LABELS) if labels is None else _only(_arrays(labels), labels)
    if found is None:
        raise InputError(
            Problem(
                "data without labels",
                str(path),
                _keys(arrays),
                "an array named labels",
                hint="--labels FILE",
            )
        )
    if len(found) != len(inputs):
        raise InputError(
            Problem(
                "inputs and labels do not match",
                str(labels or path),
                f"{len(inputs)} inputs, {len(found)} labels",
                "one label a sample",
            )
        )
    return Samples(inputs, found, arrays.get(_CALIBRATION))


def _called(path: Path, function: str) -> Any:
    """What a function of a Python file returns; the file's own imports are found beside it."""
    if not path.is_file():
        raise InputError(Problem("no such file", str(path), hint="FILE.py:FUNCTION"))
    spec = importlib.util.spec_from_file_location(f"_network_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    # Classes of the file must be found by name when the network is copied or saved.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
        build = getattr(module, function, None)
        if not callable(build):
            names = [n for n, value in vars(module).items() if callable(value) and n[0] != "_"]
            hint = nearest(function, names)
            raise InputError(Problem("no such function", str(path), repr(function), hint=hint))
        return build()
    except InputError:
        raise
    except (Exception, SystemExit) as error:  # whatever the user's own code raises
        got = f"{type(error).__name__}: {error}"
        raise InputError(Problem("the network's own code fails", str(path), got)) from error
    finally:
        sys.path.remove(str(path.parent))


def _unpickled(path: Path, trust: bool) -> Any:
    if not path.is_file():
        raise InputError(
            Problem("no such file", str(path), hint="a file of torch.save, or FILE.py:FUNCTION")
        )
    if _compiled(path):
        raise InputError(
            Problem("a compiled network has no layers to convert", str(path), hint=_SCRIPT_HINT)
        )
    try:
        return torch.load(path, map_location="cpu", weights_only=not trust)
    except pickle.UnpicklingError as error:
        # "Unsupported global": the file names code; another unpickling error is a broken file.
        if not trust and "unsupported global" in str(error).lower():
            raise InputError(
                Problem(
                    "not read, because reading a whole model runs code that the file holds",
                    str(path),
                    hint="--trust if you know where it comes from, or FILE.py:FUNCTION that builds"
                    " the network and loads its state_dict",
                )
            ) from error
        raise InputError(_unreadable(path, error)) from error
    except (AttributeError, ImportError) as error:
        because = "a saved model names its classes, it does not hold them"
        problem = Problem(
            "the model's classes are not here", str(path), str(error), "", because,
            "FILE.py:FUNCTION that builds the network and loads its state_dict",
        )  # fmt: skip
        raise InputError(problem) from error
    except Exception as error:  # torch raises RuntimeError, EOFError, ValueError, ... here
        raise InputError(_unreadable(path, error)) from error


def _compiled(path: Path) -> bool:
    """Whether a file is of TorchScript or torch.export, which hold programs, not modules."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        ends = tuple(name.partition("/")[2] or name for name in archive.namelist())
    return any(
        end.startswith(("code/", "models/"))
        or end in ("constants.pkl", "serialized_exported_program.json")
        for end in ends
    )


def _unreadable(path: Path, error: Exception) -> Problem:
    first = str(error).strip().splitlines()
    allowed = "a file of torch.save"
    return Problem("not a readable torch file", str(path), first[0] if first else "", allowed)


def _if_weights(found: Any) -> str:
    if isinstance(found, Mapping):
        return "these are weights without a network: FILE.py:FUNCTION that builds it and loads them"
    return ""


def _finite(network: nn.Module, source: str) -> None:
    bad = [
        name
        for name, weight in network.named_parameters()
        if weight.is_floating_point() and not bool(torch.isfinite(weight).all())
    ]
    if bad:
        more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
        got = ", ".join(bad[:3]) + more
        raise InputError(Problem("weights that are NaN or infinite", source, got, "finite weights"))


def _arrays(path: Path) -> dict[str, torch.Tensor]:
    """Arrays of a data file by name; a single array is `inputs`, a pair `inputs` and `labels`."""
    if not path.is_file():
        raise InputError(Problem("no such file", str(path), hint="an .npz, .npy or .pt file"))
    try:
        if path.suffix in (".npz", ".npy"):
            read = np.load(path, allow_pickle=False)
            given: Any = dict(read) if isinstance(read, Mapping) else {"inputs": read}
        else:
            given = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # numpy and torch raise a dozen kinds for files that are not theirs
        # What numpy says of any file that is not its own would have it read as a pickle.
        foreign = isinstance(error, ValueError) and path.suffix in (".npz", ".npy")
        first = ["not numpy's format"] if foreign else str(error).strip().splitlines()
        got, allowed = (first[0] if first else ""), "arrays in an .npz, .npy or .pt file"
        raise InputError(Problem("no readable data", str(path), got, allowed)) from error
    if isinstance(given, torch.Tensor):
        given = {"inputs": given}
    elif isinstance(given, (tuple, list)) and len(given) == 2:
        given = {"inputs": given[0], "labels": given[1]}
    if not isinstance(given, Mapping):
        allowed = "a dict of tensors, or the pair (inputs, labels)"
        raise InputError(Problem("no readable data", str(path), type(given).__name__, allowed))
    return {str(name): _tensor(value, f"{path}: {name}") for name, value in given.items()}


def _tensor(value: Any, where: str) -> torch.Tensor:
    try:
        tensor = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(Problem("not an array of numbers", where, str(error))) from error
    if tensor.dim() == 0:
        raise InputError(Problem("not an array of samples", where, "one number"))
    return tensor.float() if tensor.dtype in (torch.float64, torch.float16) else tensor


def _named(arrays: Mapping[str, torch.Tensor], names: tuple[str, ...]) -> torch.Tensor | None:
    return next((arrays[name] for name in names if name in arrays), None)


def _only(arrays: Mapping[str, torch.Tensor], path: Path) -> torch.Tensor:
    found = _named(arrays, _LABELS)
    if found is None and len(arrays) == 1:
        found = next(iter(arrays.values()))
    if found is None:
        raise InputError(Problem("no labels", str(path), _keys(arrays), "an array named labels"))
    return found


def _keys(arrays: Mapping[str, torch.Tensor]) -> str:
    return ", ".join(arrays) or "nothing"
