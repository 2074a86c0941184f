"""Blocked splits: neighbouring days never sit on both sides."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd


def held_out_months(
    days: pd.DatetimeIndex, *, folds: int, purge: int, seed: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Masks (train, test) over ``days``: whole calendar months held out, every month once.

    Months are dealt to ``folds`` at random but the same for the same seed; ``purge`` days on either side of a held-out
    month are in neither mask.
    """
    month = np.asarray(days.year * 12 + days.month)
    labels = np.unique(month)
    dealt = np.random.default_rng(seed).permutation(len(labels)) % min(folds, len(labels))
    for fold in range(min(folds, len(labels))):
        test = np.isin(month, labels[dealt == fold])
        near = np.convolve(test, np.ones(2 * purge + 1), mode="same") > 0
        yield ~near, test
