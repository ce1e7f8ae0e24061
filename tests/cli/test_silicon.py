"""`tantala silicon`: rows for people and for programs."""

from __future__ import annotations

import json

import pytest

from tantala import cli


@pytest.fixture
def silicon(capsys, monkeypatch):
    """Exit code, output and error output of `tantala silicon ARGUMENTS`."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["tantala", "silicon", *arguments])
        with pytest.raises(SystemExit) as leaving:
            cli.main()
        captured = capsys.readouterr()
        return leaving.value.code or 0, captured.out, captured.err

    return run


def test_rows_as_json(silicon):
    code, out, _ = silicon("panasonic180", "micron27", "--json")
    assert code == 0
    rows = {row["name"]: row for row in json.loads(out)["rows"]}
    (read,) = (c for c in rows["panasonic180"]["comparisons"] if c["figure"] == "read_time")
    assert read["published"] == pytest.approx([25e-9, 25e-9])
    assert "arithmetic" in rows["panasonic180"]["not_predicted"]["write_bandwidth"]
    assert rows["micron27"]["refused"]


def test_rows_for_people(silicon):
    code, out, _ = silicon("tsmc22")
    assert code == 0
    for text in ("tsmc22", "calibration", "read_time", "10 ns", "Geometric-mean error"):
        assert text in out


def test_an_unknown_row_names_the_nearest(silicon):
    code, _, err = silicon("tsmc2")
    assert code == 2
    assert "tsmc22" in err
