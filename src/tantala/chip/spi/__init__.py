"""Serial faces of a chip: what firmware and programmers see on an SPI bus."""

from tantala.chip.spi.face import Face, load_face
from tantala.chip.spi.slave import Slave

__all__ = ["Face", "Slave", "load_face"]
