"""Compute in memory: torch networks on tiles of ReRAM cells."""

from tantala.cim.conversion import convert
from tantala.cim.matrix import EFFECTS
from tantala.cim.model import AnalogModel
from tantala.cim.tile import Tile, load_tile

__all__ = ["EFFECTS", "AnalogModel", "Tile", "convert", "load_tile"]
