"""Speed of the exact array solution beside badcrossbar, PARDISO and scipy's SuperLU.

    python -m benchmarks.bench_array [--threads N] [--quick]

The workload is that of the reference page: N x N conductances uniform in 10 to 200 uS, rows driven
with 0 to 0.2 V at the left, columns read at the bottom, equal wires, relative residual 1e-10,
float64. Every figure is taken in a process of its own with one thread (or N), as processor time of
all its threads, the best of a few runs; with more than one thread as wall time. The first call in a
process, which loads the compiled kernels, stands apart; MB (10^6 bytes) is the process's peak after
it. Peers that are not installed are named:
`pip install badcrossbar pypardiso` (badcrossbar wants the cairo library's headers).

The floor is what no method can go below: reading the conductances and writing both planes' voltages
once, at this machine's copying speed; or, for the map, the multiplications of the dissection at the
speed of this machine's matrix product. The fraction is floor over time.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
from benchmarks.timing import best

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
# (what, lines, ohm a segment, vectors, at least, aim): the goals, in s.
CASES = (
    ("solve", 256, 1.0, 1, 0.015, 0.008),
    ("solve", 256, 5.0, 1, 0.015, 0.008),
    ("solve", 512, 1.0, 1, 0.08, 0.04),
    ("solve", 1024, 1.0, 1, 0.4, 0.2),
    ("solve", 1024, 5.0, 1, 0.4, 0.2),
    ("solve", 4096, 1.0, 1, None, 6.0),
    ("solve", 256, 1.0, 64, None, None),
    ("solve", 1024, 1.0, 64, 10.0, 6.0),
    ("map", 128, 1.0, 0, 0.05, 0.02),
    ("map", 256, 1.0, 0, 0.6, 0.25),
    ("map", 1024, 1.0, 0, None, None),
)
# The largest case that each peer is asked for: beyond, it takes minutes or more memory than here.
PEERS = {
    "badcrossbar": (1, 512),
    "pardiso": (64, 1024),
    "superlu": (1, 512),
}


def workload(lines: int, vectors: int) -> tuple[np.ndarray, np.ndarray]:
    """Conductances (N, N) S and voltages (N, K) V."""
    rng = np.random.default_rng(1000 + lines)
    conductance = rng.uniform(1e-5, 2e-4, (lines, lines))
    return conductance, rng.uniform(0.0, 0.2, (lines, 64))[:, : max(vectors, 1)]


def ours(what: str, conductance: np.ndarray, inputs: np.ndarray, wire: float) -> np.ndarray:
    """Column currents (N, K), made from nothing each time."""
    import tantala as tt

    ready = tt.Array(conductance, wire, wire).compile()
    if what == "map":
        return ready.effective_conductance().T @ inputs
    return ready.solve(inputs, nodes=False).currents


def nodal_matrix(conductance: np.ndarray, wire: float):
    """The nodal matrix, rows then columns, for the general sparse solvers."""
    import scipy.sparse as sparse

    n, m = conductance.shape
    row = np.arange(n * m).reshape(n, m)
    column = row + n * m
    pairs = [
        (row.ravel(), column.ravel(), conductance.ravel()),
        (row[:, :-1].ravel(), row[:, 1:].ravel(), np.full(n * (m - 1), 1.0 / wire)),
        (column[:-1].ravel(), column[1:].ravel(), np.full((n - 1) * m, 1.0 / wire)),
    ]
    diagonal = np.zeros(2 * n * m)
    for a, b, g in pairs:
        np.add.at(diagonal, a, g)
        np.add.at(diagonal, b, g)
    diagonal[row[:, 0]] += 1.0 / wire
    diagonal[column[-1]] += 1.0 / wire
    a, b, g = (np.concatenate(part) for part in zip(*pairs, strict=True))
    upper = sparse.coo_array((-g, (a, b)), shape=(2 * n * m, 2 * n * m))
    return (upper + upper.T + sparse.diags_array(diagonal)).tocsc()


def general(
    solver: Callable[..., np.ndarray], conductance: np.ndarray, inputs: np.ndarray, wire: float
) -> np.ndarray:
    """Column currents by a sparse solver: assembled, factorised and solved."""
    n, m = conductance.shape
    right = np.zeros((2 * n * m, inputs.shape[1]))
    right[np.arange(n) * m] = inputs / wire
    nodes = solver(nodal_matrix(conductance, wire), right)
    return nodes[2 * n * m - m :] / wire


def superlu(matrix, right):
    """scipy's SuperLU with the ordering that suits it best here."""
    import scipy.sparse.linalg as linalg

    factors = linalg.splu(
        matrix,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    return factors.solve(right)


def pardiso(matrix, right):
    """MKL PARDISO, symmetric positive definite."""
    import pypardiso
    import scipy.sparse as sparse

    solver = pypardiso.PyPardisoSolver(mtype=2)
    upper = sparse.csr_matrix(sparse.triu(matrix, format="csr"))
    answer = solver.solve(upper, np.asfortranarray(right))
    solver.free_memory(everything=True)
    return answer.reshape(right.shape)


def run(tool: str, what: str, lines: int, wire: float, vectors: int) -> np.ndarray:
    """Column currents of one tool."""
    conductance, inputs = workload(lines, vectors)
    if tool == "tantala":
        return ours(what, conductance, inputs, wire)
    if tool == "badcrossbar":
        import badcrossbar

        answer = badcrossbar.compute(inputs, 1.0 / conductance, r_i=wire, node_voltages=False)
        return np.asarray(answer.currents.output).T
    return general({"superlu": superlu, "pardiso": pardiso}[tool], conductance, inputs, wire)


def worker(arguments: list[str]) -> None:
    """Measure one case in this process and print it as JSON."""
    tool, what, lines, wire, vectors, threads = arguments
    case = (tool, what, int(lines), float(wire), int(vectors))
    clock = time.process_time if int(threads) == 1 else time.perf_counter
    begin = clock()
    currents = run(*case)
    first = clock() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    repeats = 5 if first < 1.0 and tool == "tantala" else (1 if tool == "tantala" else 0)
    times = [] if repeats else [first]
    for _ in range(repeats):
        begin = clock()
        run(*case)
        times.append(clock() - begin)
    begin = clock()
    workload(int(lines), int(vectors))
    making = clock() - begin
    print(
        json.dumps(
            {
                "seconds": min(times) - making,
                "first": first,
                "MB": peak,
                "currents": np.asarray(currents)[:, 0].tolist(),
            }
        )
    )


def measure(tool: str, what: str, lines: int, wire: float, vectors: int, threads: int) -> dict:
    """The figures of one case, from a process of its own."""
    environment = os.environ | {name: str(threads) for name in THREAD_VARIABLES}
    arguments = [tool, what, str(lines), str(wire), str(vectors), str(threads)]
    found = subprocess.run(
        [sys.executable, "-m", "benchmarks.bench_array", "--worker", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if found.returncode:
        return {"failed": found.stderr.strip().splitlines()[-1]}
    return json.loads(found.stdout.splitlines()[-1])


def copying_speed() -> float:
    """Bytes a second of reading and writing, one thread."""
    source = np.ones(8_000_000)
    target = np.empty_like(source)
    return 16.0 * source.size / best(lambda: np.copyto(target, source))


def product_speed() -> float:
    """Multiplications a second in a matrix product, one thread."""
    from tantala.array.threads import one_blas_thread

    left = np.ones((768, 768))
    with one_blas_thread():
        return 768.0**3 / best(lambda: left @ left)


def multiplications(lines: int) -> float:
    """Multiplications of the dissection's joins of a square array, as many as are needed."""
    from tantala.array import dissection

    class Plan(dissection.Dissection):
        """Every level from the leaves on, none of them carried out."""

        def _climb(self):
            return np.empty((0, 0))

    inside, dissection.PATCH = dissection.PATCH, 0
    try:
        ones = np.ones(lines)
        wires = dissection.Wires(1.0, 1.0, ones, ones, 0.0 * ones, 0.0 * ones)
        levels = Plan(np.full((lines, lines), 1e-4), wires, False).levels
    finally:
        dissection.PATCH = inside
    return sum(
        common**3 / 6 + common**2 * ports / 2 + common * ports**2 / 2
        for level in levels[1:]
        for ports, common in level.shapes()
    )


def floor(what: str, lines: int, vectors: int, copying: float, product: float) -> float:
    """The least time that any method needs, s."""
    if what == "map":
        return multiplications(lines) / product
    return (8.0 + 16.0 * vectors) * lines**2 / copying


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="nothing above 512 lines")
    given = parser.parse_args()
    missing = [
        name
        for name, module in (("badcrossbar", "badcrossbar"), ("pardiso", "pypardiso"))
        if importlib.util.find_spec(module) is None
    ]
    if missing:
        print(f"not installed, so not measured: {', '.join(missing)}")
    copying, product = copying_speed(), product_speed()
    print(f"copying {copying / 1e9:.1f} GB/s, matrix product {2e-9 * product:.0f} Gflop/s")
    print(
        f"{'case':34s} {'s':>9s} {'goal s':>13s} {'first s':>8s} {'MB':>6s} "
        f"{'floor s':>9s} {'of it':>6s}   peers: s (times ours), MB, difference"
    )
    for what, lines, wire, vectors, least, aim in CASES:
        if given.quick and lines > 512:
            continue
        mine = measure("tantala", what, lines, wire, vectors, given.threads)
        name = f"{what} N={lines} r={wire:g}" + (f" K={vectors}" if vectors > 1 else "")
        if "failed" in mine:
            raise SystemExit(f"{name}: {mine['failed']}")
        lowest = floor(what, lines, vectors, copying, product)
        goal = f"{least or '-'} / {aim or '-'}"
        line = (
            f"{name:34s} {mine['seconds']:9.4f} {goal:>13s} {mine['first']:8.2f} "
            f"{mine['MB']:6.0f} {lowest:9.5f} {100 * lowest / mine['seconds']:5.1f}%  "
        )
        for peer, (most_vectors, most_lines) in PEERS.items():
            if what != "solve" or peer in missing or lines > most_lines or vectors > most_vectors:
                continue
            its = measure(peer, what, lines, wire, vectors, given.threads)
            if "failed" in its:
                line += f" {peer} failed: {its['failed']};"
                continue
            apart = np.max(np.abs(np.array(its["currents"]) / np.array(mine["currents"]) - 1.0))
            line += (
                f" {peer} {its['seconds']:.2f} ({its['seconds'] / mine['seconds']:.0f}x), "
                f"{its['MB']:.0f}, {apart:.0e};"
            )
        print(line, flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker(sys.argv[2:])
    else:
        main()
