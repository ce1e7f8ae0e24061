"""Readers of traces: what each format means, and what is told of bad files."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tantala.base.errors import InputError
from tantala.chip import trace_text
from tantala.chip.trace_formats import FORMATS
from tantala.chip.traces import Requests, Trace, read_trace, trace_of

EXAMPLES = {
    "csv": "# a comment\n\ntime,op,address,size\n0,r,0x40,4\n1.5e-6,WRITE,128,256\r\n2e-6,R,7,1\n",
    "nvmain": f"NVMV1\n10 R 7fff10 {'0f' * 64} {'0' * 128} 0\n12 W 0x40 {'a' * 128} 0 3\n",
    "ramulator-cpu": "3 20734016\n1 0x40 128\n0 64\n",
    "ramulator-memory": "0x12345680 R\n4cbd56c0 W\n",
    "ramulator-loadstore": "LD 0x100000\nST 64\n",
}


def written(folder: Path, text: str, name: str = "my.trace") -> Path:
    path = folder / name
    data = text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def all_of(trace: Trace) -> Requests:
    batches = list(trace)
    return Requests(
        *(
            np.concatenate([getattr(batch, name) for batch in batches])
            for name in ("moment", "write", "address", "size")
        )
    )


def rows(trace: Trace) -> list[tuple[float, bool, int, int]]:
    of = all_of(trace)
    columns = (of.moment.tolist(), of.write.tolist(), of.address.tolist(), of.size.tolist())
    return list(zip(*columns, strict=True))


EXPECTED = {
    "csv": [(0.0, False, 64, 4), (1.5e-6, True, 128, 256), (2e-6, False, 7, 1)],
    "nvmain": [(10, False, 0x7FFF10, 64), (12, True, 0x40, 64)],
    # A read comes after the instructions before it; a write-back with the read that causes it.
    "ramulator-cpu": [
        (3, False, 20734016, 64),
        (5, False, 64, 64),
        (5, True, 128, 64),
        (6, False, 64, 64),
    ],
    "ramulator-memory": [(0, False, 0x12345680, 64), (0, True, 0x4CBD56C0, 64)],
    "ramulator-loadstore": [(0, False, 0x100000, 64), (0, True, 64, 64)],
}
ARRIVALS = {
    "csv": "s",
    "nvmain": "cycles",
    "ramulator-cpu": "instructions",
    "ramulator-memory": "none",
    "ramulator-loadstore": "none",
}


@pytest.mark.parametrize("name", ["my.trace", "my.trace.gz"])
@pytest.mark.parametrize("format", FORMATS)
def test_each_format_is_told_by_its_first_line(tmp_path: Path, format: str, name: str) -> None:
    path = written(tmp_path, EXAMPLES[format], name)
    told, stated = read_trace(path), read_trace(path, format)
    assert told.arrival == stated.arrival == ARRIVALS[format]
    assert rows(told) == rows(stated) == EXPECTED[format]
    assert rows(told) == EXPECTED[format], "a trace can be read again"
    for batch in told:
        # The kernel is compiled once, at installation, for arrays that may be written.
        for array, kind in ((batch.write, "b"), (batch.address, "i"), (batch.size, "i")):
            assert array.dtype.kind == kind
            assert array.flags.c_contiguous
            assert array.flags.writeable


def test_columns_of_a_csv_file_in_any_order_and_with_cycles_or_neither(tmp_path: Path) -> None:
    path = written(tmp_path, 'size,"address", op ,cycle\n8,0X1F,w,3\n')
    assert read_trace(path).arrival == "cycles"
    assert rows(read_trace(path)) == [(3, True, 31, 8)]
    path = written(tmp_path, "op,address,size\nread , 31\t, 8\n")
    assert read_trace(path).arrival == "none"
    assert rows(read_trace(path)) == [(0, False, 31, 8)]


@pytest.mark.parametrize("separator", ["\t", ";", ",", " ; "])
def test_separators_and_other_names_of_columns(tmp_path: Path, separator: str) -> None:
    """Also with the byte order mark that programs of Windows put first."""
    cells = ("Timestamp", "rw", "addr", "LEN"), ("1.5", "R", "0x10", "4"), ("2", "write", "32", "8")
    text = "".join(separator.join(row) + "\r\n" for row in cells)
    trace = read_trace(written(tmp_path, "\ufeff" + text))
    assert (trace.format, trace.arrival) == ("csv", "s")
    assert rows(trace) == [(1.5, False, 16, 4), (2.0, True, 32, 8)]


def test_bad_lines_are_told_together_up_to_ten(tmp_path: Path) -> None:
    """In the order of the file, whatever is wrong with each."""
    good, bad = "r,0,4\n", ("x,0,4\n", "r,zero,4\n", "r,0,0\n", "r,0\n")
    path = written(tmp_path, "op,address,size\n" + good + good.join(bad))
    with pytest.raises(InputError) as raised:
        list(read_trace(path))
    told = [str(problem) for problem in raised.value.problems]
    assert len(told) == 4
    for text, (line, what) in zip(
        told,
        ((3, "bad op"), (5, "bad address"), (7, "bad size"), (9, "another number of cells")),
        strict=True,
    ):
        assert f"line {line}: " in text
        assert what in text
    path = written(tmp_path, "op,address,size\n" + 50 * bad[0] + 50 * bad[2])
    with pytest.raises(InputError) as raised:
        list(read_trace(path))
    assert len(raised.value.problems) == 11
    assert "line 11: bad op" in str(raised.value.problems[9])
    assert "more lines are bad" in str(raised.value.problems[10])
    nvmain = written(tmp_path, "1 R 40 00 0\n2 X 40 00 0\n3 Y 40 00 0\n")
    with pytest.raises(InputError) as raised:
        list(read_trace(nvmain))
    assert len(raised.value.problems) == 2


def test_batches_of_a_file_are_the_whole_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "".join(f"{k % 7} {64 * k} {64 * (k % 11)}\n" for k in range(3000))
    path = written(tmp_path, lines + "5 640", "long.gz")
    whole = rows(read_trace(path))
    assert len(whole) == 6001
    monkeypatch.setattr(trace_text.lines_of, "__defaults__", (1000,))
    assert len(list(read_trace(path))) > 30
    assert rows(read_trace(path)) == whole


BAD = {
    "a word": ("csv", "op,address,size\nr,0,4\nw,zero,4\n", "line 3", "zero"),
    "a torn line": ("csv", "time,op,address,size\n0,r,0,4\n1,w,6", "line 3", "cut off"),
    "no bytes": ("csv", "op,address,size\nr,0,0\n", "line 2", "bad size"),
    "time that falls": ("csv", "time,op,address,size\n2,r,0,4\n1,r,0,4\n", "line 3", "order"),
    "an operation": ("nvmain", "1 R 40 00 0\n2 X 40 00 0\n", "line 2", "R|W"),
    "no finite time": ("csv", "time,op,address,size\n0,r,0,4\n1e999,r,0,4\n", "line 3", "bad time"),
    "cycles that fall": ("nvmain", "9 R 40 00 0\n2 R 40 00 0\n", "line 2", "order"),
    "too large": ("ramulator-cpu", "1 2\n1 99999999999999999999999\n", "line 2", "bad address"),
    "four fields": ("ramulator-cpu", "1 2 3\n1 2 3 4\n", "line 2", "BUBBLE"),
    "a comment between": ("ramulator-memory", "40 R\n# fine\n\n41 Q\n", "line 4", "base 16"),
    "an address vector": ("ramulator-memory", "40 R\nR 0,0,1,2\n", "line 2", "ADDRESS"),
    "a header twice": (
        "csv",
        "op,address,size\nr,0,4\nop,address,size\n",
        "line 3",
        "bad op, address, size",
    ),
    "a word for an operation": (
        "csv",
        "op,address,size\nx,0,4\n",
        "line 2: bad op",
        "'x'; allowed: r, w, read, write",
    ),
    "a comma for a point": ("csv", "time;op;address;size\n0,5;w;0;4\n", "bad time", "'0,5'"),
    "a cell too many": ("csv", "op,address,size\nr,0,4,\n", "line 2", "4: 'r,0,4,'"),
    "a large address": (
        "csv",
        "op,address,size\nr,99999999999999999999,4\n",
        "bad address",
        "2^63",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_line_is_named(tmp_path: Path, case: str) -> None:
    format, text, line, hint = BAD[case]
    path = written(tmp_path, text)
    with pytest.raises(InputError) as raised:
        list(read_trace(path, format))
    message = str(raised.value)
    assert len(raised.value.problems) == 1
    for part in (str(path), line, hint, "allowed"):
        assert part in message, part


def test_files_that_are_no_traces(tmp_path: Path) -> None:
    whole = gzip.compress(EXAMPLES["ramulator-cpu"].encode() * 500)
    torn = tmp_path / "torn.gz"
    torn.write_bytes(whole[: len(whole) // 2])
    plain = tmp_path / "plain.gz"
    plain.write_text("1 2\n", encoding="utf-8")
    binary = tmp_path / "binary"
    binary.write_bytes(b"1 2\n3 4\n\xff\xfe\x00\n")
    endless = tmp_path / "endless"
    endless.write_bytes(b"7" * 200_000)
    cases = {
        torn: "torn",
        plain: "not a gzip file",
        binary: "line 3: not a trace in text",
        endless: "not a trace in text",
        written(tmp_path, "", "empty"): "empty",
        written(tmp_path, "# only\n\n", "comments"): "empty",
        written(tmp_path, "NVMV1\n", "headed"): "no request",
        written(tmp_path, "op,address,size\n", "columns"): "no request",
        written(tmp_path, "once upon a time\n", "story"): "no known trace format",
        written(tmp_path, "time,cycle,op,address,size\n", "both"): "time and cycle",
        written(tmp_path, "op,address\n", "short"): "time or cycle, op, address, size",
        written(tmp_path, "time,oper,address,size\n", "oper"): "unknown column; got 'oper'",
        written(tmp_path, "adress,op,size\n", "close"): "Try: 'address'",
        written(tmp_path, "addr,address,op,size\n", "two"): "more than one column for address",
        tmp_path / "absent": "cannot read the trace",
        tmp_path: "cannot read the trace",
    }
    for path, what in cases.items():
        with pytest.raises(InputError, match=what) as raised:
            list(read_trace(path))
        assert str(path) in str(raised.value)


def test_the_format_that_was_stated_is_checked(tmp_path: Path) -> None:
    path = written(tmp_path, EXAMPLES["nvmain"])
    with pytest.raises(InputError, match="ramulator-cpu"):
        read_trace(path, "ramulator-cp")
    with pytest.raises(InputError, match="not a trace of the format ramulator-memory"):
        read_trace(path, "ramulator-memory")


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    format=st.sampled_from([None, *FORMATS]),
    start=st.sampled_from(["", *EXAMPLES.values()]),
    noise=st.binary(max_size=60)
    | st.text("0123456789abxRWLDST ,.#\n\t-+", max_size=60).map(str.encode),
    name=st.sampled_from(["fuzz", "fuzz.gz", "fuzz_packed.gz"]),
)
def test_any_file_is_a_trace_or_an_error(
    tmp_path: Path, format: str | None, start: str, noise: bytes, name: str
) -> None:
    path = tmp_path / name
    data = start.encode() + noise
    path.write_bytes(gzip.compress(data) if "packed" in name else data)
    said = ""
    try:
        requests = all_of(read_trace(path, format))
    except InputError as error:
        said = str(error)
    if said:
        assert str(path) in said
    else:
        assert (requests.size > 0).all()
        assert (requests.address >= 0).all()
        assert (np.diff(requests.moment) >= 0).all()


def test_traces_of_arrays_are_checked() -> None:
    of = all_of(trace_of([0, 1, 1], [False, True, True], 64))
    assert of.address.tolist() == of.size.tolist() == [64] * 3
    for moment, address, size, what in (
        ([0, 2, 1], 0, 64, "out of order"),
        ([-1], 0, 64, "out of order"),
        ([0, np.inf], 0, 64, "out of order"),
        ([np.nan], 0, 64, "out of order"),
        ([0, 1], [0, -1], 64, "request 1: bad address"),
        ([0], 0, 0, "bad size"),
    ):
        with pytest.raises(InputError, match=what):
            trace_of(moment, False, address, size)


# Lines, write-backs and instructions as the README beside the traces counts them.
SPEC2006 = {
    "403.gcc.gz": (45_675, 4_349, 203_728_525),
    "435.gromacs.gz": (218_625, 63_260, 200_071_768),
    "444.namd.gz": (21_403, 2_861, 200_015_908),
    "445.gobmk.gz": (107_852, 70_252, 201_705_959),
    "447.dealII.gz": (23_059, 7_992, 199_748_996),
    "456.hmmer.gz": (565_407, 540_737, 199_984_232),
    "458.sjeng.gz": (71_977, 50_246, 201_109_763),
    "464.h264ref.gz": (252_571, 122_735, 202_454_812),
    "481.wrf.gz": (27_328, 16_333, 199_833_533),
}


@pytest.mark.parametrize("name", SPEC2006)
def test_counts_of_the_spec2006_traces(measured_data: Path, name: str) -> None:
    requests = all_of(read_trace(measured_data / "traces_spec2006" / name))
    reads, back, instructions = SPEC2006[name]
    assert np.count_nonzero(~requests.write) == reads
    assert np.count_nonzero(requests.write) == back
    assert requests.moment[-1] + 1 == instructions
    assert not (requests.address % 64).any()
