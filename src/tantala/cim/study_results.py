"""What studies of networks on tiles answer: estimates over chips, and their tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy.special import stdtrit


@dataclass(frozen=True)
class Estimate:
    """One figure of several chips: `values`, one a seed.

    low, high   95 % interval of the mean by Student's t; None for one chip, of which no interval
                is known. It holds the spread from chip to chip, not the choice of the data.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the chips."""
        return math.fsum(self.values) / len(self.values)

    @property
    def half_width(self) -> float | None:
        """Half the 95 % interval of the mean."""
        count = len(self.values)
        if count < 2:
            return None
        deviation = float(np.std(self.values, ddof=1))
        return float(stdtrit(count - 1, 0.975)) * deviation / math.sqrt(count)

    @property
    def low(self) -> float | None:
        """Lower end of the interval."""
        return None if self.half_width is None else self.mean - self.half_width

    @property
    def high(self) -> float | None:
        """Upper end of the interval."""
        return None if self.half_width is None else self.mean + self.half_width

    def as_data(self) -> dict[str, Any]:
        """Mean, interval, extremes and every chip's value."""
        return {
            "mean": self.mean,
            "low": self.low,
            "high": self.high,
            "lowest_chip": min(self.values),
            "highest_chip": max(self.values),
            "values": list(self.values),
        }

    def columns(self, name: str) -> dict[str, float | None]:
        """A row's columns: NAME, NAME_low, NAME_high."""
        return {name: self.mean, f"{name}_low": self.low, f"{name}_high": self.high}


@dataclass(frozen=True)
class AgedAccuracy:
    """Accuracy after `time` [s] at `temperature` [K]."""

    time: float
    temperature: float
    estimate: Estimate


@dataclass(frozen=True)
class Accuracy:
    """Share of right answers: freshly written, and at ages that each begin freshly written."""

    seeds: tuple[int, ...]
    images: int
    fresh: Estimate
    aged: tuple[AgedAccuracy, ...]

    @property
    def mean(self) -> float:
        """Of the freshly written chips; `low`, `high` are the interval's ends."""
        return self.fresh.mean

    @property
    def low(self) -> float | None:
        """Lower end of the fresh chips' interval."""
        return self.fresh.low

    @property
    def high(self) -> float | None:
        """Upper end of the fresh chips' interval."""
        return self.fresh.high

    def table(self) -> pl.DataFrame:
        """One row an age: time_s, temperature_K (null when fresh), accuracy and its interval."""
        rows: list[dict[str, Any]] = [
            {"time_s": 0.0, "temperature_K": None, **self.fresh.columns("accuracy")}
        ]
        rows += [
            {"time_s": age.time, "temperature_K": age.temperature}
            | age.estimate.columns("accuracy")
            for age in self.aged
        ]
        return _frame(rows)


@dataclass(frozen=True)
class EffectShare:
    """One effect: the metric without it, and with it alone (and `needs`, where it needs that)."""

    effect: str
    without: Estimate
    alone: Estimate
    needs: str | None


@dataclass(frozen=True)
class Ablation:
    """A metric with all effects that were on, with none, and of each effect."""

    every: Estimate
    none: Estimate
    effects: tuple[EffectShare, ...]

    def table(self) -> pl.DataFrame:
        """One row an effect; the first two rows are "all" (as it was) and "none"."""
        blank = dict.fromkeys(f"alone{end}" for end in ("", "_low", "_high"))
        rows: list[dict[str, Any]] = [
            {"effect": name, **value.columns("without"), **blank, "together_with": None}
            for name, value in (("all", self.every), ("none", self.none))
        ]
        rows += [
            {"effect": share.effect}
            | share.without.columns("without")
            | share.alone.columns("alone")
            | {"together_with": share.needs}
            for share in self.effects
        ]
        return _frame(rows)


@dataclass(frozen=True)
class LayerError:
    """One layer on the same inputs as its digital form.

    error     root mean square of the difference, in the layer's own units
    output    root mean square of the digital answers
    relative  error / output; None where the digital answers are all zero or the layer was not used
    """

    layer: str
    rows: int
    outputs: int
    error: Estimate | None
    output: float | None
    relative: Estimate | None


@dataclass(frozen=True)
class LayerErrors:
    """Errors of the analog layers, in the order of the model."""

    layers: tuple[LayerError, ...]

    def table(self) -> pl.DataFrame:
        """One row a layer; null where a layer was not used."""
        nothing = dict.fromkeys(f"relative_error{end}" for end in ("", "_low", "_high"))
        return _frame(
            [
                {"layer": one.layer, "rows": one.rows, "outputs": one.outputs}
                | (one.relative.columns("relative_error") if one.relative else nothing)
                | {"rms_error": one.error.mean if one.error else None, "rms_output": one.output}
                for one in self.layers
            ]
        )


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, infer_schema_length=None)
    return frame.with_columns(pl.col(pl.Null).cast(pl.Float64))  # no interval of one chip
