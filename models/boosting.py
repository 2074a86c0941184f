"""Boosted trees on what the backbone leaves, evaluated on days they were not fitted to."""

from __future__ import annotations

from collections.abc import Iterator

import lightgbm
import numpy as np
import pandas as pd

from models.basis import harmonics
from models.splits import held_out_months

PARAMETERS = {
    "objective": "regression",
    "learning_rate": 0.05,
    "num_leaves": 12,
    "min_data_in_leaf": 25,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
    # inside tasks more threads only wait for each other: eight small fits became 50 times slower
    "num_threads": 1,
}
ROUNDS = 120


def features(drivers: pd.DataFrame) -> np.ndarray:
    """Drivers and the season, without any trend: (n, p + 2). NaN is allowed."""
    return np.hstack([drivers.to_numpy(dtype=float), harmonics(pd.DatetimeIndex(drivers.index), 1)])


def grow(rows: np.ndarray, residual: np.ndarray, *, seed: int) -> lightgbm.Booster:
    """Trees that predict ``residual`` (n,) from ``rows`` (n, p)."""
    data = lightgbm.Dataset(rows, residual, params={"max_bin": PARAMETERS["max_bin"], "verbosity": -1})
    return lightgbm.train({**PARAMETERS, "seed": seed}, data, num_boost_round=ROUNDS)


def cross_fitted(
    drivers: pd.DataFrame, residual: np.ndarray, observed: np.ndarray, *, folds: int, seed: int
) -> tuple[np.ndarray, list[lightgbm.Booster]]:
    """The trees' part on every day from trees that saw neither the day nor its neighbours, (n,), and the trees.

    Days are split by whole months, three days apart. Where a day has weather but no observation it is predicted too.
    """
    rows = features(drivers)
    part, boosters = np.zeros(len(rows)), []
    for train, test in _folds(pd.DatetimeIndex(drivers.index), folds, seed):
        booster = grow(rows[train & observed], residual[train & observed], seed=seed)
        part[test] = booster.predict(rows[test], num_threads=1)
        boosters.append(booster)
    return part, boosters


def _folds(days: pd.DatetimeIndex, folds: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    return held_out_months(days, folds=folds, purge=3, seed=seed)
