"""What a datasheet is about: the design's statements and the organisation that was found."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import TYPE_CHECKING

from tantala.base.library import load_item, locate, names
from tantala.report.figures import Identity, Organisation, Serial
from tantala.report.page import Origin
from tantala.report.sections.area import PLACES

if TYPE_CHECKING:
    from tantala.macro.design import Design
    from tantala.macro.macro import Macro
    from tantala.macro.sheet import Sheet


def origin(reference: str | None, design: Design, version: str) -> Origin:
    """How to make the datasheet again.

    Args:
        reference: library name or path of the design file; None for a design made in a program, of
            which the validated values are the digest's subject.
        design: the design, with the seed in use.
        version: of tantala.
    """
    if reference is None:
        shown, content = design.name, design.model_dump_json().encode()
    else:
        content = locate("chip", reference).read_bytes()
        shown = reference if reference in names("chip") else Path(reference).name
    name = f"{design.name}.json" + ("" if shown in names("chip") else f" {shown}")
    return Origin(
        version=version,
        seed=design.seed,
        design=shown,
        design_sha256=hashlib.sha256(content).hexdigest(),
        command=f"tantala datasheet {shown} --seed {design.seed} -o .",
        check=f"tantala datasheet --check {name}",
    )


def identity(design: Design, macro: Macro) -> Identity:
    """The design's own statements, SI."""
    code, need, env = design.code, design.requirements, design.environment
    spoken = {"none": "none", "secded": "SECDED"}.get(code.kind, "BCH")
    return Identity(
        name=design.name,
        title=design.title,
        description=" ".join(design.description.split()),
        type=design.type,
        capacity_bit=design.capacity,
        word_bit=design.word,
        word_stored_bit=code.word_bits,
        code=spoken,
        correctable=code.correctable,
        technology=design.technology,
        technology_title=macro.technology.items[0].title,
        cell=Path(design.cell).stem,
        cell_title=load_item("cell", design.cell).title,
        scheme=design.write.scheme,
        changed_share=design.write.changed,
        core_supply_V=design.supply.core,
        high_supply_V=design.supply.high,
        supply_tolerance=design.supply.tolerance,
        corners=env.corners,
        temperature_min_K=env.temperature_min,
        temperature_typical_K=env.temperature_typical,
        temperature_max_K=env.temperature_max,
        retention_time_s=need.retention.time,
        retention_temperature_K=need.retention.temperature,
        endurance_cycles=need.endurance,
    )


def organisation(macro: Macro, sheet: Sheet) -> Organisation:
    """The plan of the macro, and its outline around sub-arrays of their true size.

    Blocks that serve the whole macro stand in a strip as wide as the sub-arrays; a ring of even
    thickness closes the outline.
    """
    plan, facts, org = macro.plan, sheet.facts, macro.design.organisation
    area = sheet.breakdown("area_m2")
    placed: dict[str, float] = {}
    for name, part in area.items():
        place = PLACES.get(name, "shared")
        placed[place] = placed.get(place, 0.0) + part
    width = facts["width_m"]
    height = facts["height_m"] + placed.get("shared", 0.0) / width
    around = width + height
    ring = 0.25 * (math.sqrt(around**2 + 4.0 * placed.get("ring", 0.0)) - around)
    return Organisation(
        banks=int(plan.banks),
        bank_columns=int(plan.bank_columns),
        bank_rows=int(plan.banks // plan.bank_columns),
        subarray_columns=int(plan.side * plan.together),
        subarray_rows=int(plan.sets // plan.side),
        subarrays_per_word=int(plan.together),
        rows=int(plan.rows),
        columns=int(plan.columns),
        mux=int(plan.mux),
        spare_rows=org.spare_rows,
        spare_columns=org.spare_columns,
        parallel_bits=int(plan.parallel),
        width_m=width + 2.0 * ring,
        height_m=height + 2.0 * ring,
        candidates=1 if macro.found is None else macro.found.candidates,
    )


def serial(design: Design) -> Serial | None:
    """The serial interface, if the design has one."""
    face = design.interface
    if face is None:
        return None
    return Serial(face.clock, face.lines, face.page, face.pads)
