"""One ReRAM cell, and populations of it, calibrated on measured arrays."""

from __future__ import annotations

from tantala.cell.cell import Cell, NominalPulses, load_cell
from tantala.cell.population import Population, PulseOutcome

__all__ = ["Cell", "NominalPulses", "Population", "PulseOutcome", "load_cell"]
