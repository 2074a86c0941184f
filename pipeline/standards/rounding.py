"""GB/T 8170: to the nearest, a half to the even neighbour, and once."""

from __future__ import annotations

import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

import numpy as np

from pipeline.standards.versions import content

SIGNIFICANT = 12
"""Digits of the decimal a float stands for: what a mean in float64 has after them is noise of its arithmetic."""

Printing = Literal["standard", "ministry"]
"""Whole numbers (CO: one decimal); or as MEE prints: PM2.5 with one decimal since October 2024."""


def decimals(pollutant: str, *, date: datetime.date, printing: Printing = "standard") -> int:
    """Decimals of a printed concentration; a pollutant that the standards do not know has one."""
    rules = content()["decimals"]
    if printing == "ministry" and date >= rules["ministry"]["since"] and pollutant in rules["ministry"]:
        return int(rules["ministry"][pollutant])
    return int(rules["standard"].get(pollutant, 1))


def rounded_decimal(value: float | str | Decimal, places: int) -> Decimal:
    """``value`` to ``places`` decimals by GB/T 8170 (四舍六入五成双); a float is read as ``SIGNIFICANT`` digits."""
    exact = Decimal(f"{value:.{SIGNIFICANT}g}") if isinstance(value, float) else Decimal(value)
    return exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)


def rounded(values: np.ndarray, places: int) -> np.ndarray:
    """``rounded_decimal`` of every value, as float64; NaN stays NaN. Any shape."""
    scaled = np.asarray(values, dtype=float) * 10.0**places
    result = np.rint(scaled)
    near_half = np.abs(np.abs(scaled - np.trunc(scaled)) - 0.5) < np.maximum(np.abs(scaled), 1) * 10.0 ** (
        2 - SIGNIFICANT
    )
    ties = np.nonzero(near_half)
    result[ties] = [
        float(rounded_decimal(float(value), places).scaleb(places)) for value in np.asarray(values, dtype=float)[ties]
    ]
    return result / 10.0**places


def at_most(values: np.ndarray, level: float) -> np.ndarray:
    """Whether values do not exceed ``level``, read to ``SIGNIFICANT`` digits and not rounded; False for NaN."""
    return np.asarray(np.asarray(values, dtype=float) <= level + abs(level) * 10.0 ** (1 - SIGNIFICANT))


def printed(values: np.ndarray, places: np.ndarray) -> list[str]:
    """Each value with its decimals, as a string; empty for NaN. Both have one dimension."""
    texts = np.full(len(values), "", dtype=object)
    for count in np.unique(places):
        chosen = np.flatnonzero((places == count) & np.isfinite(values))
        # a minus before a zero says nothing
        texts[chosen] = [f"{value + 0.0:.{count}f}" for value in rounded(values[chosen], int(count))]
    return [str(text) for text in texts]
