"""Wires: resistance and capacitance per length from the geometry of a metal level.

Resistance: a rectangular copper core inside a barrier. Resistivity grows as the width falls,
rho(w) = rho0 (1 + l / w), a 1/w law that follows surface and grain scattering (fitted to the
resistivity column of NeuroSim within 1 %); only the bulk part depends on temperature.
Capacitance: two plates to the layers above and below, two side walls, and a fringe constant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tantala.base.binding import quantity
from tantala.technology.broadcast import Values, values

VACUUM_PERMITTIVITY = 8.8541878128e-12  # F/m, CODATA 2018
RESISTIVITY_REFERENCE = 300.0  # K, temperature of the resistivities in the library


@dataclass(frozen=True)
class WireGeometry:
    """Geometry of one metal level; width and spacing are half of the pitch."""

    pitch: float = quantity("m", "wire pitch", minimum=0)
    aspect_ratio: float = quantity("1", "thickness over width", minimum=0)
    barrier: float = quantity("m", "thickness of the barrier on bottom and side walls", minimum=0)
    dielectric_constant: float = quantity("1", "relative permittivity between wires", minimum=1)
    dielectric_height: float = quantity("m", "distance to the level above or below", minimum=0)


@dataclass(frozen=True)
class WireMaterial:
    """Conductor and dielectric constants shared by the metal levels of a node."""

    bulk_resistivity: float = quantity("ohm*m", "resistivity of a wide wire", minimum=0)
    size_length: float = quantity("m", "l in rho0 (1 + l/w)", minimum=0)
    temperature_coefficient: float = quantity("1/K", "of the bulk resistivity", minimum=0)
    fringe: float = quantity("F/m", "fringe capacitance of both edges", minimum=0)
    miller: float = quantity("1", "Miller factor of the side-wall capacitance", minimum=0)


@dataclass(frozen=True)
class Wire:
    """A metal level under conditions: resistance [ohm/m], capacitance [F/m], pitch [m]."""

    resistance: float
    capacitance: float
    pitch: float


def resistivity(material: WireMaterial, width: Values, temperature: float) -> Values:
    """Resistivity [ohm m] of a wire `width` [m] wide at `temperature` [K]."""
    width = values(width)
    warming = material.temperature_coefficient * (temperature - RESISTIVITY_REFERENCE)
    return material.bulk_resistivity * (1.0 + warming + material.size_length / width)


def wire_resistance(
    pitch: Values,
    aspect_ratio: Values,
    rho: Values,
    barrier: Values = 0.0,
    dishing: Values = 0.0,
    scattering: Values = 1.0,
) -> np.ndarray:
    """Resistance per length [ohm/m] of a wire half a `pitch` [m] wide.

    R = scattering * rho / ((t - barrier - dishing)(w - 2 barrier)), t = aspect_ratio * w: the
    geometry of NVSim, CACTI and NeuroSim (reference table MA3).
    """
    width = values(pitch) / 2.0
    core = (aspect_ratio * width - barrier - dishing) * (width - 2.0 * values(barrier))
    return values(scattering) * rho / core


def wire_capacitance(
    pitch: Values,
    aspect_ratio: Values,
    side_constant: Values,
    height: Values,
    vertical_constant: Values,
    miller: Values,
    fringe: Values,
) -> np.ndarray:
    """Capacitance per length [F/m]: 2 e0 (k_v w / height + M k_h t / spacing) + fringe."""
    width = values(pitch) / 2.0
    spacing = values(pitch) - width
    plates = values(vertical_constant) * width / height
    walls = values(miller) * side_constant * aspect_ratio * width / spacing
    return 2.0 * VACUUM_PERMITTIVITY * (plates + walls) + fringe


def conditioned(
    geometry: WireGeometry,
    material: WireMaterial,
    temperature: float,
    resistance_factor: float,
    capacitance_factor: float,
) -> Wire:
    """The wire of a metal level at `temperature` [K] with corner factors on R and C."""
    rho = resistivity(material, geometry.pitch / 2.0, temperature)
    resistance = wire_resistance(geometry.pitch, geometry.aspect_ratio, rho, geometry.barrier)
    capacitance = wire_capacitance(
        geometry.pitch,
        geometry.aspect_ratio,
        geometry.dielectric_constant,
        geometry.dielectric_height,
        geometry.dielectric_constant,
        material.miller,
        material.fringe,
    )
    return Wire(
        resistance_factor * float(resistance),
        capacitance_factor * float(capacitance),
        geometry.pitch,
    )
