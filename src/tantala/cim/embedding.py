"""Embedding tables in cells: a look-up reads one row of a tile with its converters."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from tantala.cim.layers import AnalogLayer
from tantala.cim.tile import Tile


class AnalogEmbedding(AnalogLayer):
    """nn.Embedding on tiles: one row is driven, all columns are converted."""

    def __init__(self, embedding: nn.Embedding, tile: Tile, name: str) -> None:
        self.num_embeddings, self.embedding_dim = embedding.num_embeddings, embedding.embedding_dim
        self.padding_idx = embedding.padding_idx
        super().__init__(embedding.weight, None, tile, name)

    def matrices(self, weight: torch.Tensor) -> torch.Tensor:
        return weight[None]

    def _set_range(self) -> None:
        self.matrix.converters.signed.fill_(False)  # a row is driven, or it is not
        self.matrix.converters.set_range(self.matrix.columns, rows_at_once=1)

    def observe_input(self) -> None:
        """Nothing to learn: an input is a row, driven or not."""
        self._done = lambda: None

    def misfit(self, x: torch.Tensor) -> str:
        fits = x.dtype in (torch.int32, torch.int64)
        if fits and x.numel():
            fits = int(x.min()) >= 0 and int(x.max()) < self.num_embeddings
        return "" if fits else f"whole numbers from 0 to {self.num_embeddings - 1}"

    def digital(self, x: torch.Tensor) -> torch.Tensor:
        return F.embedding(x, self.weight, self.padding_idx)

    def trained(self, x: torch.Tensor) -> torch.Tensor:
        return F.embedding(x, self.training_weight()[0], self.padding_idx)

    def analog(self, x: torch.Tensor) -> torch.Tensor:
        vectors = x.reshape(-1)
        matrix, tile = self.matrix, self.tile
        place = matrix.placement
        largest = float(2**tile.bits_per_phase - 1)
        part = torch.div(vectors, place.part_rows, rounding_mode="floor")
        row = vectors % place.part_rows
        # Only the part that holds the row is read: the other parts' signals are left out.
        signal = matrix.columns[0][part, row] * largest
        variance = None
        if "read_noise" in matrix.effects:
            variance = matrix.variance[0][part, row] * largest**2
        images = x.shape[0] if x.dim() else 1
        pixels = max(vectors.shape[0] // max(images, 1), 1)
        added = (
            matrix.converters.convert_parts(signal, variance, part, pixels, matrix.images) / largest
        )
        matrix.images += images
        total = added.new_ones(len(vectors), 1, 1) if tile.offset else None
        one = torch.ones((), device=added.device)
        return self.finish(added, total, one).view(*x.shape, self.embedding_dim)
