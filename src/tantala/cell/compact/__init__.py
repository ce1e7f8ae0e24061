"""Compact models of single cells from the literature, for transients and as references.

SKY130 (the `sky130` cell), Stanford v1.0.0 and JART VCM v1b, each written from its published
equations, with its parameters as cited records of the library.
"""

from __future__ import annotations

from tantala.cell.compact.model import CompactModel, load_compact
from tantala.cell.compact.series import SelectTransistor
from tantala.cell.compact.transient import Transient, Waveform

__all__ = ["CompactModel", "SelectTransistor", "Transient", "Waveform", "load_compact"]
