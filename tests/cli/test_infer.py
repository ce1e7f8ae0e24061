"""`tantala infer`: the report, JSON, the page; every misuse is one clear error."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CODE = """
import sys
import digits_network
from torch import nn

build = digits_network.build

def broken():
    raise ValueError("no such luck")

def text():
    return "network"

def spoiled():
    network = nn.Sequential(nn.Linear(64, 10))
    network[0].weight.data[0, 0] = float("nan")
    return network

def recurrent():
    return nn.Sequential(nn.Linear(64, 10), nn.GRU(10, 10))
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def files(torch: Any, digits_network: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a network in every form, good data, and data that are wrong in one way each."""
    from torch import nn

    folder = tmp_path_factory.mktemp("infer")
    images, labels = (part.numpy() for part in digits_network.held_out(120))
    (folder / "network.py").write_text(CODE, encoding="utf-8")
    network = digits_network.build()
    torch.save(network, folder / "network.pt")
    torch.save(network.state_dict(), folder / "weights.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch is about to give TorchScript up; its files remain
        torch.jit.save(torch.jit.script(nn.Linear(64, 10)), folder / "script.pt")
    (folder / "noise.pt").write_bytes(bytes(range(256)))
    torch.save((torch.tensor(images), torch.tensor(labels)), folder / "pair.pt")
    holed = images.copy()
    holed[0, 0] = np.nan
    for name, arrays in {
        "test": {"inputs": images, "labels": labels, "calibration": images[:50]},
        "unlabelled": {"inputs": images},
        "holed": {"inputs": holed, "labels": labels},
        "narrow": {"inputs": images[:, :60], "labels": labels},
        "short": {"inputs": images, "labels": labels[:9]},
        "outside": {"inputs": images, "labels": labels + 1},
        "other": {"pixels": images},
        "narrow_calibration": {"inputs": images, "labels": labels, "calibration": images[:, :3]},
    }.items():
        np.savez(folder / f"{name}.npz", allow_pickle=False, **arrays)
    np.savez(folder / "objects.npz", inputs=images, labels=np.array([{}] * 120, object))
    np.save(folder / "labels.npy", labels)
    return folder


def test_report_page_and_json(files: Path, tmp_path: Path, command: Run) -> None:
    ages = ["--time", "1 month", "--time", "10 years", "--temperature", "85 degC"]
    code, out, err = command(
        "infer", f"{files / 'network.py'}:build", "--tile", "cim_256x256_28nm",
        "--data", files / "test.npz", "--seeds", "3", *ages, "-o", tmp_path / "report",
    )  # fmt: skip
    assert code == 0, err
    for part in (
        "network.py:build on tiles cim_256x256_28nm",
        "ranges from the 50 samples given for calibration",
        "without tiles",
        "freshly written",
        "10 years at 85 °C",
        "worst chip",
        "switched off",
        "adc quantisation",
        "relative error",
    ):
        assert part in out, part
    assert re.search(r"freshly written +\d+\.\d\d % ± \d+\.\d\d %", out)
    page = (tmp_path / "report" / "inference.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 4  # accuracy, ablation fresh and aged, layers
    assert "<script" not in page
    data = json.loads((tmp_path / "report" / "inference.json").read_text(encoding="utf-8"))
    assert len(data["accuracy"]["values"]) == 3
    assert data["digital_accuracy"] > 0.85
    assert data["accuracy"]["low"] < data["accuracy"]["mean"] < data["accuracy"]["high"]
    assert [age["temperature_K"] for age in data["aged"]] == [358.15, 358.15]
    assert data["aged"][1]["mean"] < data["accuracy"]["mean"]
    assert [at["time_s"] for at in data["ablation"]] == [0.0, data["aged"][1]["time_s"]]
    assert data["ablation"][1]["effects"][0]["without"] == data["aged"][1]["mean"]
    assert [layer["layer"] for layer in data["layers"]] == ["0", "2"]
    cost = data["cost"]
    assert sum(cost["energy_by_part_J"].values()) == pytest.approx(cost["energy_J"], rel=1e-9)
    assert sum(layer["energy_J"] for layer in cost["layers"]) == pytest.approx(cost["energy_J"])
    assert "TOPS/W" in out
    assert "TOPS/W" in page


def test_correction_at_every_age(files: Path, command: Run) -> None:
    means = {}
    for way in ("", "column"):
        code, out, err = command(
            "infer", f"{files / 'network.py'}:build", "--data", files / "test.npz", "--seeds", "3",
            "--time", "1 day", "--temperature", "85 degC", "--recalibrate", way, "--json",
        )  # fmt: skip
        assert code == 0, err
        data = json.loads(out)
        means[way] = data["aged"][0]["mean"]
        everything, nothing = data["ablation"][1]["effects"][:2]
        assert everything["without"] == means[way]
        # A chip that is served as one without effects is right as often as the network itself.
        assert nothing["without"] == pytest.approx(data["digital_accuracy"], abs=0.02)
    assert means["column"] > means[""] + 0.05


def test_a_layer_stays_digital_when_told(files: Path, command: Run) -> None:
    network = f"{files / 'network.py'}:build"
    arguments = ["infer", network, "--data", files / "test.npz", "--seeds", "2", "--json"]
    code, out, err = command(*arguments, "--digital", "2")
    assert code == 0, err
    assert [layer["layer"] for layer in json.loads(out)["layers"]] == ["0"]
    code, _, err = command(*arguments, "--digital", "3.weight")
    assert (code, "digital" in err) == (2, True)


def test_an_unknown_correction_is_refused(files: Path, command: Run) -> None:
    code, _, err = command(
        "infer", f"{files / 'network.py'}:build", "--data", files / "test.npz",
        "--recalibrate", "colum",
    )  # fmt: skip
    assert code == 2
    assert "'column'" in err


@pytest.mark.parametrize("data", [["test.npz"], ["unlabelled.npz", "labels.npy"], ["pair.pt"]])
def test_every_form_of_data_gives_the_same_digital_accuracy(
    files: Path, digits_network: Any, torch: Any, command: Run, data: list[str]
) -> None:
    labels = ["--labels", files / data[1]] if data[1:] else []
    code, out, err = command(
        "infer", files / "network.pt", "--trust", "--data", files / data[0], *labels,
        "--seeds", "1", "--json",
    )  # fmt: skip
    assert code == 0, err
    found = json.loads(out)
    assert found["accuracy"]["low"] is None  # no interval of one chip
    samples = np.load(files / "test.npz")
    answers = digits_network.build()(torch.tensor(samples["inputs"])).argmax(1).numpy()
    right = float((answers == samples["labels"]).mean())
    assert found["digital_accuracy"] == pytest.approx(right, abs=1e-12)


WRONG = {
    "untrusted": (["network.pt", "test.npz"], ["runs code", "--trust", "FILE.py:FUNCTION"]),
    "weights alone": (["weights.pt", "test.npz"], ["weights without a network"]),
    "a program": (["script.pt", "test.npz"], ["compiled network"]),
    "no torch file": (["noise.pt", "test.npz"], ["not a readable torch file"]),
    "no file": (["absent.pt", "test.npz"], ["no such file"]),
    "no function named": (["network.py", "test.npz"], ["network.py:FUNCTION"]),
    "another function": (["network.py:biuld", "test.npz"], ["no such function", "'build'"]),
    "a failing function": (["network.py:broken", "test.npz"], ["ValueError: no such luck"]),
    "no network": (["network.py:text", "test.npz"], ["no network", "str"]),
    "NaN weights": (["network.py:spoiled", "test.npz"], ["NaN", "0.weight"]),
    "no labels": (["network.py:build", "unlabelled.npz"], ["without labels", "--labels"]),
    "no inputs": (["network.py:build", "other.npz"], ["no inputs", "pixels"]),
    "pickled objects": (["network.py:build", "objects.npz"], ["no readable data"]),
    "NaN": (["network.py:build", "holed.npz"], ["NaN", "1 such values"]),
    "another shape": (["network.py:build", "narrow.npz"], ["does not take", "(60,)"]),
    "calibration of another shape": (
        ["network.py:build", "narrow_calibration.npz"],
        ["does not take", "(3,)"],
    ),
    "too few labels": (["network.py:build", "short.npz"], ["do not match", "9 labels"]),
    "a label outside": (["network.py:build", "outside.npz"], ["outside the classes", "0 to 9"]),
    "no data": (["network.py:build", "absent.npz"], ["no such file"]),
    "another tile": (
        ["network.py:build", "test.npz", "--tile", "cim_256x256_28n"],
        ["unknown tile", "'cim_256x256_28nm'"],
    ),
    "a time without a unit": (["network.py:build", "test.npz", "--time", "10"], ["no unit"]),
    "a temperature alone": (
        ["network.py:build", "test.npz", "--temperature", "85 degC"],
        ["without a time"],
    ),
    "too many temperatures": (
        ["network.py:build", "test.npz",
         "--time", "1 s", "--temperature", "0 degC", "--temperature", "9 degC"],
        ["do not match"],
    ),
    "too hot": (
        ["network.py:build", "test.npz", "--time", "10 years", "--temperature", "200 degC"],
        ["beyond the calibrated range", "a lower --temperature"],
    ),
    "a file as folder": (["network.py:build", "test.npz", "-o", "labels.npy"], ["a folder"]),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_misuse_is_one_error(
    files: Path, command: Run, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    (model, data, *more), words = WRONG[name]
    code, out, err = command("infer", model, "--data", data, "--seeds", "1", *more)
    assert code == 2
    assert not out
    told = [line for line in err.splitlines() if line.startswith("tantala: ")]
    assert len(told) == 1, err
    for word in words:
        assert word in told[0], word


def test_a_saved_model_runs_no_code_without_trust(
    files: Path, tmp_path: Path, torch: Any, command: Run
) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (exec, (f"open({str(tmp_path / 'sprung')!r}, 'w').close()",))

    torch.save(Trap(), tmp_path / "trap.pt")
    arguments = ["infer", tmp_path / "trap.pt", "--data", files / "test.npz"]
    code, _, err = command(*arguments)
    assert code == 2
    assert "runs code" in err
    assert not (tmp_path / "sprung").exists()
    # The control: with trust, it does run.
    command(*arguments, "--trust")
    assert (tmp_path / "sprung").exists()


def test_without_torch_tiles_are_checked_and_networks_told_how(tmp_path: Path) -> None:
    code = """
        import sys
        sys.modules["torch"] = None  # as where it is not installed
        from tantala import cli
        sys.argv = ["tantala", *sys.argv[1:]]
        cli.main()
    """

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", textwrap.dedent(code), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert run("check", "cim_256x256_28nm").returncode == 0
    refused = run("infer", "network.py:build", "--data", "test.npz")
    assert refused.returncode == 2
    assert "pip install 'tantala[torch]'" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_a_wrong_tile_file_is_told_whole(tmp_path: Path, command: Run) -> None:
    from tantala.base.library import LIBRARY

    text = (LIBRARY / "tiles" / "cim_256x256_28nm.toml").read_text(encoding="utf-8")
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    assert command("check", file)[0] == 0
    wrong = text.replace("rows = 256", "rows = 0").replace('adc = "sar"', 'adc = "sra"')
    file.write_text(wrong, encoding="utf-8")
    code, out, _ = command("check", file)
    assert code == 2
    assert "mine.toml: rows" in out
    assert "'sar'" in out
