"""Trends and change points of a monthly series whose season repeats and whose noise persists.

Slopes are medians between the same calendar months (Theil 1950, Sen 1968; by seasons Hirsch et al. 1982, doi
10.1029/WR018i001p00107), so that the season never enters; their significance allows for dependence between months
(Hirsch and Slack 1984, doi 10.1029/WR020i006p00727).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from models.noise import Autoregression, ages, autoregression

LEAST_YEARS = 3
"""Years in which a calendar month must be known, for at least one month, before a slope is told."""
DRAWS = 400
BLOCK_MONTHS = 12
"""Length of the resampled blocks: what differs between years stays together."""
COVERAGE = 0.90


@dataclass(frozen=True)
class Slope:
    """A steady change [units per year] with its interval, the p-value of no change, and the months it is read from."""

    slope: float
    low: float
    high: float
    p_value: float
    start: pd.Timestamp
    end: pd.Timestamp


def slope(months: pd.Series, *, members: np.ndarray | None = None, seed: int = 1) -> Slope | None:
    """The slope of ``months`` (index: first days of months; NaN where not known); None for less than three years.

    The interval holds the scatter of the months about the line, by blocks of twelve months, and, where ``members``
    (draws, n) of the series are given, the spread of their slopes; the p-value is Mann-Kendall's, its standard error
    widened by the members as the slope's is.
    """
    if not months.notna().any():
        return None
    values, position = _by_month(months)
    if (np.isfinite(values).sum(axis=0) < LEAST_YEARS).all():
        return None
    estimate = float(_median_slope(values[None])[0])
    scatter = spread = _bootstrap_spread(values, estimate, seed=seed)
    if members is not None:
        folded = np.full((len(members), values.size), np.nan)
        folded[:, position] = members
        spread = float(np.hypot(spread, _median_slope(folded.reshape(-1, *values.shape)).std(ddof=1)))
    half = student.ppf(0.5 + COVERAGE / 2, max(len(values) - 2, 1)) * spread
    known = pd.DatetimeIndex(months.dropna().index)
    end = known[-1] + pd.offsets.MonthEnd(1)
    p_value = mann_kendall(values, widened=spread / scatter if scatter else 1.0)
    return Slope(estimate, estimate - half, estimate + half, p_value, known[0], end)


def _by_month(months: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """The series as (years, 12), NaN where there is none, and where in it each month lies."""
    index = pd.DatetimeIndex(months.index)
    position = np.asarray((index.year - index.year[0]) * 12 + index.month - 1)
    values = np.full((position[-1] // 12 + 1) * 12, np.nan)
    values[position] = months.to_numpy(dtype=float)
    return values.reshape(-1, 12), position


def _median_slope(values: np.ndarray) -> np.ndarray:
    """Median over pairs of years and months of the change per year, (draws,) of values (draws, years, 12).

    Every draw lacks the same months.
    """
    pairs = np.array(list(combinations(range(values.shape[1]), 2))).reshape(-1, 2)
    first, second = values[:, pairs[:, 0]], values[:, pairs[:, 1]]
    slopes = (second - first) / (pairs[:, 1] - pairs[:, 0])[:, None]
    return np.asarray(np.median(slopes[:, np.isfinite(slopes[0])], axis=1))


def _bootstrap_spread(values: np.ndarray, estimate: float, *, seed: int) -> float:
    """Standard deviation of the slope over resampled blocks of residuals, which have lost a level and a slope."""
    residual = values - estimate * np.arange(len(values))[:, None]
    known = np.flatnonzero(np.isfinite(residual.ravel()))
    level = np.array(
        [np.median(month[np.isfinite(month)]) if np.isfinite(month).any() else 0.0 for month in residual.T]
    )
    residual = (residual - level).ravel()
    blocks = -(-len(known) // BLOCK_MONTHS)
    starts = np.random.default_rng([seed, 4]).integers(len(known), size=(DRAWS, blocks, 1))
    drawn = ((starts + np.arange(BLOCK_MONTHS)) % len(known)).reshape(DRAWS, -1)[:, : len(known)]
    resampled = np.full((DRAWS, values.size), np.nan)
    resampled[:, known] = residual[known][drawn]
    lost = np.sqrt(len(values) / (len(values) - 2)) * _beyond_blocks(residual[known], ages(known))
    return float(lost * _median_slope(resampled.reshape(DRAWS, *values.shape)).std(ddof=1))


def _beyond_blocks(residual: np.ndarray, age: np.ndarray) -> float:
    """What persistence from block to block adds to a standard deviation, for an autoregression of order one."""
    memory = float(np.clip(autoregression(residual, age, order=1).coefficients[1][0], 0, 0.95))
    memory = min(memory + (1 + 4 * memory) / len(residual), 0.95)
    lags = np.arange(1, BLOCK_MONTHS)
    within = 1 + 2 * ((1 - lags / BLOCK_MONTHS) * memory**lags).sum()
    return float(np.sqrt((1 + memory) / (1 - memory) / within))


def mann_kendall(values: np.ndarray, *, widened: float = 1.0) -> float:
    """The p-value of no trend of ``values`` (years, 12): Mann-Kendall within months, which may depend on each other.

    NaN is left out (midranks, as Hirsch and Slack 1984); 1 for a series that never changes. ``widened`` multiplies the
    standard error, for what the values themselves do not show.
    """
    signs = np.nan_to_num(np.sign(values[None, :] - values[:, None]))  # (earlier, later, month)
    upper = np.triu(np.ones(signs.shape[:2]), 1)[..., None] * signs
    score = float(upper.sum())
    count = np.isfinite(values).sum(axis=0)
    rank = np.where(np.isfinite(values), (count + 1 + signs.sum(axis=0)) / 2, (count + 1) / 2)
    concordant = np.einsum("ijg,ijh->gh", upper, upper)
    expected = len(values) * np.outer(count + 1, count + 1)
    covariance = (concordant + 4 * rank.T @ rank - expected) / 3
    variance = float(covariance.sum())
    if variance <= 0:
        return 1.0
    return float(2 * norm.sf(max(abs(score) - 1, 0) / (widened * np.sqrt(variance))))


@dataclass(frozen=True)
class ChangePoint:
    """A lasting step: the month it begins, its range of months, and its size in units and per cent, with intervals."""

    month: pd.Timestamp
    earliest: pd.Timestamp
    latest: pd.Timestamp
    size: tuple[float, float, float]
    percent: tuple[float, float, float]


EDGE_MONTHS = 6
"""Months at either end in which no step is sought: it could not be told from a month out of line."""
LEAST_MONTHS = 36
PENALTY = 3.0
"""Logarithms of the number of months that twice the likelihood must gain for a step: its size, date and the search."""
MEMORIES = np.arange(0.0, 0.96, 0.05)
"""Autocorrelations of months that are tried: each hypothesis has the memory that suits it best."""


@dataclass(frozen=True)
class _Search:
    """Logarithms of a series on consecutive months, the known rows of its columns, and their runs."""

    values: np.ndarray
    fixed: np.ndarray
    age: np.ndarray
    steps: np.ndarray

    def likelihoods(self, chosen: tuple[int, ...]) -> tuple[float, np.ndarray, np.ndarray]:
        """Log likelihood with steps ``chosen``; with one more at each month, (n,); with two more, (n, n)."""
        found = [self._with_memory(memory, chosen) for memory in MEMORIES]
        none, one, two = (np.max(np.stack(parts), axis=0) for parts in zip(*found, strict=True))
        return float(none), one, two

    def _with_memory(self, memory: float, chosen: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        noise = Autoregression((np.zeros(0), np.array([memory])), np.array([1.0, 1 - memory**2]))
        base = noise.whitened(np.column_stack([self.fixed, self.steps[:, list(chosen)]]), self.age)
        basis, _ = np.linalg.qr(base)
        rest = noise.whitened(np.column_stack([self.values, self.steps]), self.age)
        rest -= basis @ (basis.T @ rest)
        left, steps = rest[:, 0], rest[:, 1:]
        error, pull, gram = left @ left, steps.T @ left, steps.T @ steps
        size = np.diag(gram)
        usable = size > 1e-8
        one = np.where(usable, pull**2 / np.where(usable, size, 1.0), 0.0)
        determinant = np.outer(size, size) - gram**2
        both = determinant > 1e-6 * np.outer(size, size) + 1e-12
        pairs = np.outer(pull**2, size) + np.outer(size, pull**2) - 2 * np.outer(pull, pull) * gram
        two = np.where(both, pairs / np.where(both, determinant, 1.0), 0.0)
        count, starts = len(left) - base.shape[1], int((self.age == 0).sum())

        def likelihood(gain: np.ndarray) -> np.ndarray:
            remaining = np.maximum(error - gain, 1e-9 * error + 1e-300)
            return np.asarray(-count / 2 * np.log(remaining / count) + starts / 2 * np.log(1 - memory**2))

        return likelihood(np.zeros(())), likelihood(one), likelihood(two)


def change_points(months: pd.Series) -> list[ChangePoint]:
    """The lasting steps of a positive monthly series (index: first days of months; NaN where not known), in order.

    Logarithms are a season, a steady change, steps and noise that remembers the month before; a step is kept when
    twice the log likelihood gains three times the logarithm of the number of months, each model with the memory that
    suits it best (a generalised likelihood ratio with the penalty of Schwarz). Pairs of steps are tried too, so that a
    short episode is found. Empty for less than three years.
    """
    known = months[np.isfinite(months.to_numpy(dtype=float)) & (months.to_numpy(dtype=float) > 0)]
    if len(known) < LEAST_MONTHS:
        return []
    search = _search(known)
    chosen = _refined(search, _forward(search))
    return [_described(search, known, chosen, i) for i in range(len(chosen))]


def _search(known: pd.Series) -> _Search:
    index = pd.DatetimeIndex(known.index)
    number = np.asarray(index.year * 12 + index.month)
    season = (np.asarray(index.month)[:, None] == np.unique(index.month)).astype(float)
    fixed = np.column_stack([season, number - number.mean()])
    order = np.arange(len(known))
    steps = (order[:, None] >= order).astype(float)
    steps[:, (order < EDGE_MONTHS) | (order > len(known) - EDGE_MONTHS)] = 0.0
    return _Search(np.log(known.to_numpy(dtype=float)), fixed, ages(number), steps)


def _forward(search: _Search) -> tuple[int, ...]:
    chosen: tuple[int, ...] = ()
    penalty = PENALTY * np.log(len(search.values))
    while len(chosen) < len(search.values) // 12:
        none, one, two = search.likelihoods(chosen)
        gains = 2 * (one.max() - none) - penalty, 2 * (two.max() - none) - 2 * penalty
        if max(gains) <= 0:
            break
        best = [one.argmax()] if gains[0] >= gains[1] else list(np.unravel_index(two.argmax(), two.shape))
        chosen = tuple(sorted({*chosen, *(int(i) for i in best)}))
    return chosen


def _refined(search: _Search, chosen: tuple[int, ...]) -> tuple[int, ...]:
    """Each step moved to where it fits best given the others, and dropped when it no longer pays."""
    for step in chosen:
        others = tuple(other for other in chosen if other != step)
        none, one, _ = search.likelihoods(others)
        pays = 2 * (one.max() - none) > PENALTY * np.log(len(search.values))
        chosen = tuple(sorted({*others, int(one.argmax())})) if pays else others
    return chosen


def _described(search: _Search, known: pd.Series, chosen: tuple[int, ...], i: int) -> ChangePoint:
    others = chosen[:i] + chosen[i + 1 :]
    _, one, _ = search.likelihoods(others)
    chance = np.exp(one - one.max()) * search.steps.any(axis=0)
    reached = np.cumsum(chance) / chance.sum()
    low, high = np.searchsorted(reached, [0.5 - COVERAGE / 2, 0.5 + COVERAGE / 2])
    coefficients, spread = _steps(search, chosen)
    half = norm.ppf(0.5 + COVERAGE / 2) * spread[i]
    ends = coefficients[i] + half * np.array([0, -1, 1])
    percent = 100 * np.expm1(ends)
    before = float(np.median(known.to_numpy(dtype=float)[max(chosen[i] - 12, 0) : chosen[i]]))
    index = pd.DatetimeIndex(known.index)
    at = int(chosen[i])
    return ChangePoint(
        index[at],
        index[min(int(low), at)],
        index[max(int(high), at)],
        tuple(before * percent / 100),
        tuple(percent),
    )


def _steps(search: _Search, chosen: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The steps' sizes in the logarithm and their standard errors, under the memory that suits best."""
    columns = np.column_stack([search.fixed, search.steps[:, list(chosen)]])
    best = max(MEMORIES, key=lambda memory: float(search._with_memory(memory, chosen)[0]))
    best = min(best + (2 + 4 * best) / len(search.values), 0.98)  # estimates of a memory are too short (Kendall 1954)
    noise = Autoregression((np.zeros(0), np.array([best])), np.array([1.0, 1 - best**2]))
    rows, values = noise.whitened(columns, search.age), noise.whitened(search.values, search.age)
    inverse = np.linalg.pinv(rows.T @ rows)
    coefficients = inverse @ rows.T @ values
    variance = ((values - rows @ coefficients) ** 2).sum() / max(len(values) - columns.shape[1], 1)
    spread = np.sqrt(np.diag(inverse) * variance)
    count = len(chosen)
    return coefficients[-count:], spread[-count:]
