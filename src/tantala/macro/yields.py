"""Yield of a macro: dies without a fault, dies that spares save, and what the rest is lost to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tantala.macro.blocks import Blocks
from tantala.macro.coding import hard_failure
from tantala.macro.plan import Plan
from tantala.macro.repair import Faults, repaired_yield
from tantala.macro.setting import Setting


@dataclass(frozen=True, slots=True)
class Yield:
    """Shares of all dies.

    Attributes:
        untouched: good without any spare.
        saved: good because spares replaced faulty lines.
        lost: cause -> share of dies, each cause counted after those before it.
    """

    untouched: float
    saved: float
    lost: dict[str, float]


def macro_yield(setting: Setting, plan: Plan, blocks: Blocks, area: Any) -> Yield:
    """Yield of the macro of `blocks` that takes `area` (m^2).

    Row and column defects need a spare of their kind, single cells take any; periphery defects and
    sense amplifiers with too large an offset kill. Words with more unwritable cells than the code
    has corrections to spare need a spare line too.
    """
    defects = setting.assembly.defects
    array_area = float(blocks.array.width * blocks.array.height)
    mean = defects.array * array_area
    rows, columns = defects.row_share * mean, defects.column_share * mean
    words = float(plan.rows * plan.mux / plan.together)
    weak = words * hard_failure(setting.code, setting.cell.stuck)
    fatal = defects.periphery * max(float(area) - float(plan.subarrays) * array_area, 0.0)
    spares = (setting.spare_rows, setting.spare_columns)

    def result(spares: tuple[int, int], weak_cells: float, periphery: float) -> float:
        faults = Faults(rows, columns, mean - rows - columns, weak_cells)
        count = float(plan.subarrays)
        return repaired_yield(faults, *spares, count, periphery, defects.clustering)

    after_array = result(spares, 0.0, 0.0)
    after_cells = result(spares, weak, 0.0)
    after_periphery = result(spares, weak, fatal)
    kept = 1.0 - setting.assembly.read.sense_loss
    untouched = kept * result((0, 0), weak, fatal)
    return Yield(
        untouched,
        kept * after_periphery - untouched,
        {
            "array defects beyond the spares": 1.0 - after_array,
            "unwritable cells beyond code and spares": after_array - after_cells,
            "periphery defects": after_cells - after_periphery,
            "sense amplifier offset": (1.0 - kept) * after_periphery,
        },
    )
