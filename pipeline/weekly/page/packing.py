"""Much in few bytes: long series as whole steps of 16 bits, little endian, in base64; sentences without their names."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pipeline.weekly.wording import Said

MISSING = -32768
LARGEST = 32767


def step_of(values: Iterable[float | None]) -> float:
    """The smallest step of 0.1, 1, 10 ... in which every value fits 16 bits; missing values do not count."""
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    step = 0.1
    while largest / step > LARGEST - 1:
        step *= 10
    return step


def packed(values: Sequence[float | None], step: float) -> str:
    """Values as multiples of ``step``, half to even; None and NaN are ``MISSING``; a larger one is a ValueError."""
    numbers = np.array([np.nan if value is None else value for value in values], dtype=float)
    known = np.isfinite(numbers)
    steps = np.rint(np.round(np.where(known, numbers, 0) / step, 6))
    if np.any(np.abs(steps) > LARGEST):
        raise ValueError(f"values up to {np.abs(numbers[known]).max()} do not fit 16 bits in steps of {step}")
    return base64.b64encode(np.where(known, steps, MISSING).astype("<i2").tobytes()).decode("ascii")


class Spoken:
    """Sentences as numbers of ``forms`` with values after them; ``forms`` are phrases with their values' names."""

    def __init__(self) -> None:
        self.forms: list[tuple[str, tuple[str, ...]]] = []

    def packed(self, said: Said) -> list[Any]:
        """A sentence, and those among its values alike."""
        key, values = said
        form = (key, tuple(values))
        if form not in self.forms:
            self.forms.append(form)
        written = (
            [self.packed(one) for one in value] if isinstance(value, list) else value for value in values.values()
        )
        return [self.forms.index(form), *written]
