"""Scores of predictions against observations, each blind to pairs in which either is NaN."""

from __future__ import annotations

import numpy as np


def paired(observed: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs in which both are finite."""
    both = np.isfinite(observed) & np.isfinite(predicted)
    return observed[both], predicted[both]


def r2(observed: np.ndarray, predicted: np.ndarray) -> float:
    """Coefficient of determination, 1 - SSE / SST; NaN for a constant or empty ``observed``."""
    observed, predicted = paired(observed, predicted)
    total = ((observed - observed.mean()) ** 2).sum() if len(observed) else 0.0
    return float(1 - ((observed - predicted) ** 2).sum() / total) if total > 0 else float("nan")


def rmse(observed: np.ndarray, predicted: np.ndarray) -> float:
    """Root mean square error, in the unit of the observations."""
    observed, predicted = paired(observed, predicted)
    return float(np.sqrt(((observed - predicted) ** 2).mean())) if len(observed) else float("nan")


def bias(observed: np.ndarray, predicted: np.ndarray) -> float:
    """Mean of predicted minus observed."""
    observed, predicted = paired(observed, predicted)
    return float((predicted - observed).mean()) if len(observed) else float("nan")


def slope(observed: np.ndarray, predicted: np.ndarray) -> float:
    """Slope of the regression of observed on predicted: 1 when amplitudes are right, above when they are damped."""
    observed, predicted = paired(observed, predicted)
    spread = ((predicted - predicted.mean()) ** 2).sum() if len(observed) else 0.0
    covariance = ((predicted - predicted.mean()) * (observed - observed.mean())).sum()
    return float(covariance / spread) if spread > 0 else float("nan")


def outside_percent(drivers: np.ndarray, training: np.ndarray) -> float:
    """Share [%] of rows of ``drivers`` (n, p) with a value outside the range of the ``training`` rows (m, p)."""
    low, high = np.nanmin(training, axis=0), np.nanmax(training, axis=0)
    return float(100 * ((drivers < low) | (drivers > high)).any(axis=1).mean())
