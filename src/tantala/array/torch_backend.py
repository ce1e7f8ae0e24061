"""Effective conductances of many arrays at once, on any device that torch serves (extra `torch`).

The columns' wires are closed row by row from the top. With v the columns' voltages below row i and
the rows' sources at V, everything above draws the currents

    Y v - J V,   Y (M, M),   J (M, N).

A row of cells D = diag(G_i) on a wire W adds A = D - D (W + D)^-1 D to Y and A 1 to J. Both come
from the ladder of `line_kernels`: with c_k the sum of ln m up to cell k, and the voltage h_k per
ampere at cell k,

    h_k = m_k (m_k h_{k-1} + r_row),   (W + D)^-1_jk = h_j exp(c_k - c_j)  for j <= k,

without subtraction, as off-diagonals and row sums are all that A needs. One segment of r ohm below
the row turns Y and J into (1 + r Y)^-1 Y and (1 + r Y)^-1 J, by Cholesky; no eigenvalue of the
inverted matrix is below 1. So r = 0 and open cells are no special cases. N steps of batched dense
(M, M) algebra suit a device with much arithmetic: the work is O(N M^2 (N + M)) an array. On one
processor the dissection behind `CompiledArray.effective_conductance` does less of it.
Everything is differentiable.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tantala.array.crosspoint import Array
from tantala.array.wiring import Vector, ends, resistances
from tantala.base.errors import ConvergenceError, InputError, Problem, raise_if

if TYPE_CHECKING:
    from torch import Tensor  # pyright: ignore[reportMissingImports] - an optional extra


def require_torch() -> Any:
    """The torch module. Raises InputError with the way to install it where it is absent."""
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise InputError(
            Problem(
                "batches of arrays need torch, which is not installed",
                because=str(error),
                hint="pip install 'tantala[torch]'",
            )
        ) from error


@dataclass(frozen=True)
class BatchedMap:
    """Exact linear maps of T arrays.

    conductance   (T, N, M) S: currents = conductance^T voltages, columns at 0 V
    imbalance     (T,) measured violation of Kirchhoff's current law, relative: the largest current
                  with every terminal at one potential, where none may flow, over the currents that
                  cancel there; and the residual of the columns' ends
    """

    conductance: Tensor
    imbalance: Tensor

    def currents(self, voltages: Tensor) -> Tensor:
        """Column currents, A: (T, M) of voltages (T, N), or (T, M, K) of (T, N, K)."""
        if voltages.ndim == 2:
            return (self.conductance.mT @ voltages[:, :, None])[:, :, 0]
        return self.conductance.mT @ voltages


@dataclass(frozen=True)
class _Plane:
    """Lines on one wire (ohm a segment), their near ends (ohm) and far ends (S)."""

    wire: float
    near: Vector
    far: Vector

    def turned(self) -> _Plane:
        """The lines in reverse order."""
        return _Plane(self.wire, self.near[::-1].copy(), self.far[::-1].copy())

    def floats(self, line: int) -> bool:
        """Whether `line` has no end."""
        return bool(np.isinf(self.near[line]) and self.far[line] == 0.0)


def effective_conductances(
    conductance: Tensor,
    row_wire: Any,
    column_wire: Any,
    row_driver: Any = 0.0,
    row_far: Any = np.inf,
    column_sense: Any = 0.0,
    column_far: Any = np.inf,
) -> BatchedMap:
    """The maps of T arrays with equal wires and ends, which are those of `Array`.

    conductance   (T, N, M) S, float32 or float64, on any device; 0 is open, shorts are not served

    Raises InputError with every problem found, ConvergenceError where the precision of the tensor
    does not suffice.
    """
    torch = require_torch()
    problems: list[Problem] = []
    _check(torch, conductance, problems)
    raise_if(problems)
    _, n, m = conductance.shape
    ohm = [
        resistances(given, count, name, line, problems, bool(line))
        for name, given, count, line in (
            ("row_wire", row_wire, 1, ""),
            ("column_wire", column_wire, 1, ""),
            ("row_driver", row_driver, n, "row"),
            ("row_far", row_far, n, "row"),
            ("column_sense", column_sense, m, "column"),
            ("column_far", column_far, m, "column"),
        )
    ]
    raise_if(problems)
    wires = float(ohm[0][0]), float(ohm[1][0])
    rows = _Plane(wires[0], *ends(wires[0], *ohm[2:4]))
    columns = _Plane(wires[1], *ends(wires[1], *ohm[4:6]))
    if any(plane.floats(k) for plane in (rows, columns) for k in range(len(plane.near))):
        for table in conductance.detach().cpu().numpy():
            Array(table, *wires, *ohm[2:])
    try:
        if m <= n:
            found, imbalance = _close(torch, conductance, rows, columns)
        else:
            # Ports are reciprocal, so the shorter side may stand for the columns.
            turned = conductance.mT.flip((1, 2))
            found, imbalance = _close(torch, turned, columns.turned(), rows.turned())
            found = found.mT.flip((1, 2))
    except torch.linalg.LinAlgError as error:
        raise _imprecise(conductance, str(error)) from error
    if not bool(torch.isfinite(found).all()):
        raise _imprecise(conductance, "the result is not finite")
    return BatchedMap(found, imbalance)


def _close(torch: Any, cells: Tensor, rows: _Plane, columns: _Plane) -> tuple[Tensor, Tensor]:
    """Maps (T, N, M) and imbalances (T,) of `cells` (T, N, M).

    The rows' near ends are before the first column, the columns' below the last row.
    """
    _, n, m = cells.shape
    ladders = _Ladders.of(torch, cells, rows)
    identity = torch.eye(m, dtype=cells.dtype, device=cells.device)
    upper = torch.ones((m, m), dtype=torch.bool, device=cells.device).triu()
    far = torch.as_tensor(columns.far).to(cells)
    admittance = torch.diag(far).expand(len(cells), m, m)
    # The far ends' source is the first of all sources; it stays at 0 V in the end.
    drawn = far[:, None].expand(len(cells), m, 1)
    # Current into the far ends as a map of v and of the sources.
    lost = (admittance, torch.zeros_like(drawn)) if columns.far.any() else None
    imbalance = cells.new_zeros(len(cells))
    for i in range(n):
        row, inflow, missed = ladders.row(torch, i, upper)
        admittance, drawn = admittance + row, torch.cat([drawn, inflow], -1)
        if lost is not None:
            lost = lost[0], torch.cat([lost[1], torch.zeros_like(inflow)], -1)
        missed = torch.maximum(missed, _imbalance(torch, admittance, drawn))
        imbalance = torch.maximum(imbalance, missed)
        if i == n - 1 or columns.wire == 0.0:
            continue
        factor = torch.linalg.cholesky(identity + columns.wire * admittance)
        if lost is not None:
            passed = torch.cholesky_solve(lost[0].mT, factor).mT
            lost = passed, lost[1] + columns.wire * passed @ drawn
        both = torch.cholesky_solve(torch.cat([admittance, drawn], -1), factor)
        admittance, drawn = both[..., :m], both[..., m:]
    found, residual = _read(torch, admittance, drawn, lost, columns)
    return found[..., 1:].mT, torch.maximum(imbalance, residual)


@dataclass(frozen=True)
class _Ladders:
    """Rows of a batch, (T, N, M) each: h [ohm], c, and the voltage u a volt on their source."""

    cells: Tensor
    felt: Tensor
    passed: Tensor
    raised: Tensor

    @classmethod
    def of(cls, torch: Any, cells: Tensor, rows: _Plane) -> _Ladders:
        """The eliminated ladders of `cells` (T, N, M)."""
        m = cells.shape[-1]
        near, far = (torch.as_tensor(end).to(cells) for end in (rows.near, rows.far))
        behind = cells[..., -1] + far
        factors = []
        for k in range(m - 1, 0, -1):
            factors.append(1.0 / (1.0 + rows.wire * behind))
            behind = cells[..., k - 1] + behind * factors[-1]
        factors.reverse()
        open_near = torch.isinf(near)
        near = torch.where(open_near, torch.zeros_like(near), near)
        share = torch.where(open_near, torch.zeros_like(behind), 1.0 / (1.0 + near * behind))
        ones = torch.ones_like(behind)
        felt = [torch.where(open_near, 1.0 / torch.where(open_near, behind, ones), near * share)]
        for factor in factors:
            felt.append(factor * (factor * felt[-1] + rows.wire))
        felt = torch.stack(felt, -1)
        passed = torch.cumsum(torch.stack([ones, *factors], -1).log(), -1)
        raised = (
            share[..., None] * passed.exp()
            + far[:, None] * felt * (passed[..., -1:] - passed).exp()
        )
        return cls(cells, felt, passed, raised)

    def row(self, torch: Any, i: int, upper: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What row `i` adds: A (T, M, M), and the current into its cells a volt (T, M, 1).

        Third, the imbalance (T,): with source and columns at 1 V so is every node of the row.
        """
        cells, felt, passed = self.cells[:, i], self.felt[:, i], self.passed[:, i]
        down = passed[:, None, :] - passed[:, :, None]
        between = torch.where(upper, down, down.mT).exp()
        between = between * torch.where(upper, felt[:, :, None], felt[:, None, :])
        between = cells[:, :, None] * between * cells[:, None, :]
        inflow = cells * self.raised[:, i]
        with torch.no_grad():
            rest = (between.sum(-1) + inflow - cells).abs().amax(-1)
            missed = rest / cells.amax(-1).clamp_min(torch.finfo(cells.dtype).tiny)
        between = between - torch.diag_embed(torch.diagonal(between, dim1=1, dim2=2))
        row = torch.diag_embed(inflow + between.sum(-1)) - between
        return row, inflow[:, :, None], missed


def _imbalance(torch: Any, admittance: Tensor, drawn: Tensor) -> Tensor:
    """Largest current with all sources and columns at 1 V, over those that cancel; (T,)."""
    with torch.no_grad():
        rest = (admittance.sum(-1) - drawn.sum(-1)).abs().amax(-1)
        scale = admittance.abs().sum(-1).amax(-1)
        return torch.where(scale > 0.0, rest / scale, rest)


def _read(
    torch: Any,
    admittance: Tensor,
    drawn: Tensor,
    lost: tuple[Tensor, Tensor] | None,
    columns: _Plane,
) -> tuple[Tensor, Tensor]:
    """Currents out of the columns a volt on each source (T, M, 1 + N), and the residual (T,)."""
    grounded = torch.as_tensor(np.isfinite(columns.near)).to(admittance.device)
    near = torch.as_tensor(np.where(np.isinf(columns.near), 0.0, columns.near)).to(admittance)
    # Unknown is the current of a column with a near end, i + Y R i = J, and the voltage of another.
    matrix = torch.where(
        grounded, torch.eye(len(near)).to(admittance) + admittance * near, admittance
    )
    answer = torch.linalg.solve(matrix, drawn)
    with torch.no_grad():
        rest = (matrix @ answer - drawn).abs().amax((-2, -1))
        scale = (matrix.abs() @ answer.abs()).amax((-2, -1))
        residual = torch.where(scale > 0.0, rest / scale, rest)
    currents = torch.where(grounded[:, None], answer, torch.zeros_like(answer))
    if lost is not None:
        volts = torch.where(grounded[:, None], near[:, None] * answer, answer)
        currents = currents + lost[0] @ volts + lost[1]
    return currents, residual


def _check(torch: Any, conductance: Any, problems: list[Problem]) -> None:
    """Add a problem unless `conductance` is a batch of ohmic arrays."""
    allowed = "a torch tensor (T, N, M) in S, float32 or float64"
    if not torch.is_tensor(conductance):
        problems.append(
            Problem("conductance is no tensor", got=type(conductance).__name__, allowed=allowed)
        )
    elif conductance.dtype not in (torch.float32, torch.float64):
        problems.append(
            Problem("conductance has a wrong type", got=str(conductance.dtype), allowed=allowed)
        )
    elif conductance.ndim != 3 or not conductance.numel():
        problems.append(
            Problem(
                "conductance has a wrong shape", got=str(tuple(conductance.shape)), allowed=allowed
            )
        )
    elif not bool(((conductance >= 0.0) & torch.isfinite(conductance)).all()):
        problems.append(
            Problem(
                "a conductance is negative or not finite",
                allowed="0 S (open) or more",
                hint="Array for dead shorts, or the conductance of the short",
            )
        )


def _imprecise(conductance: Tensor, reason: str) -> ConvergenceError:
    return ConvergenceError(
        Problem(
            f"{conductance.dtype} is not precise enough for these arrays",
            because=reason,
            hint="conductance.double()",
        )
    )
