"""Yield of a macro as a waterfall: what each cause takes from the dies."""

from __future__ import annotations

from typing import Any

from tantala.macro.blocks import Blocks
from tantala.macro.coding import hard_failure
from tantala.macro.plan import Plan
from tantala.macro.repair import Faults, repaired_yield
from tantala.macro.setting import Setting


def yield_parts(setting: Setting, plan: Plan, blocks: Blocks, area: Any) -> dict[str, float]:
    """All dies, less those lost to each cause in turn; the sum is the yield.

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

    def result(weak_cells: float, periphery: float) -> float:
        return repaired_yield(
            Faults(rows, columns, mean - rows - columns, weak_cells),
            setting.spare_rows,
            setting.spare_columns,
            float(plan.subarrays),
            periphery,
            defects.clustering,
        )

    after_array = result(0.0, 0.0)
    after_cells = result(weak, 0.0)
    after_periphery = result(weak, fatal)
    lost = setting.assembly.read.sense_loss
    return {
        "all dies": 1.0,
        "array defects beyond the spares": after_array - 1.0,
        "unwritable cells beyond code and spares": after_cells - after_array,
        "periphery defects": after_periphery - after_cells,
        "sense amplifier offset": -lost * after_periphery,
    }
