"""The exact mean of a tree ensemble over whole background rows, for each row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from models.marginal import bits
from models.marginal.trees import Ensemble, Rows

MEMORY = 2**25
"""Bytes of arrivals held at a time; more trees wait."""
YEAR = 365

Labels = tuple[ArrayLike, ArrayLike]
Window = tuple[ArrayLike, ArrayLike, int]


def marginal(
    ensemble: Ensemble,
    rows: Rows,
    background: Rows,
    *,
    kept: Sequence[str | int],
    weights: ArrayLike | None = None,
    strata: Labels | None = None,
    window: Window | None = None,
) -> np.ndarray:
    """Mean prediction for each of ``rows`` (n, p) over ``background`` (m, p), (n,), without sampling noise.

    The features ``kept`` (names or positions) come from the row, all others together from one background row after
    the other: the joint partial dependence (Friedman 2001, doi 10.1214/aos/1013203451), and what resampling of the
    weather (Grange et al. 2018, doi 10.5194/acp-18-6223-2018) tends to with more and more draws. It is the
    interventional mean over the background, not the one over the training paths (Lundberg et al. 2020,
    doi 10.1038/s42256-019-0138-9).

    ``weights`` (m,) weigh the background rows. ``strata`` are labels of the rows (n,) and of the background (m,): a
    row meets the background of its own label only. ``window`` are days of the year (1 to 366) of the rows (n,) and of
    the background (m,), and how many days these may lie apart, around the turn of the year; day 366 counts as 365.

    A missing value goes where the library that fitted the model sends it. Raises ValueError where a row meets no
    background, for weights that are negative or not finite, and for features the model does not have.

    Background rows go down each tree, both ways at splits on kept features, and their arrivals at leaves are counted;
    then the rows go down, both ways at the other splits, and collect leaf values times shares of arrivals. Sets of
    rows are bits, so time grows as nodes times (n + m) / 64 and arrivals of rows at the leaves; memory with n + m.
    """
    table, ground = ensemble.table(rows), ensemble.table(background)
    keep, weight = ensemble.mask(kept), _weights(weights, len(ground))
    if strata is None or window is None:
        return _mean(ensemble, (table, ground), keep, weight, _pools(len(table), len(ground), strata, window))
    own, theirs = _codes(strata, len(table), len(ground))
    days, far_days = _days(window[0], len(table)) + 1, _days(window[1], len(ground)) + 1
    result = np.empty(len(table))
    for label in np.unique(own):
        mine, met = own == label, theirs == label
        pools = _pools(int(mine.sum()), int(met.sum()), None, (days[mine], far_days[met], window[2]))
        result[mine] = _mean(ensemble, (table[mine], ground[met]), keep, None if weight is None else weight[met], pools)
    return result


def partial_dependence(
    ensemble: Ensemble,
    background: Rows,
    grid: Mapping[str | int, ArrayLike],
    *,
    weights: ArrayLike | None = None,
) -> np.ndarray:
    """Mean prediction over ``background`` (m, p) at every combination of the values in ``grid``, features' in order.

    One feature gives its curve (g,), two their surface (g, h), and so on (Friedman 2001, doi 10.1214/aos/1013203451).
    ``weights`` and errors are those of ``marginal``.
    """
    axes = [np.asarray(values, dtype=float) for values in grid.values()]
    points = np.zeros((int(np.prod([len(axis) for axis in axes])), len(ensemble.names)))
    for feature, values in zip(grid, np.meshgrid(*axes, indexing="ij"), strict=True):
        points[:, ensemble.mask([feature])] = values.reshape(-1, 1)
    found = marginal(ensemble, points, background, kept=list(grid), weights=weights)
    return found.reshape([len(axis) for axis in axes])


@dataclass(frozen=True)
class Pools:
    """Which background rows each row meets: two runs of cells, the second for what lies around the turn of the year.

    ``labels`` (n,) tell rows apart by what they meet, ``cells`` (m,) are the background's; ``runs`` (2, 2, labels)
    are the first cells of both runs and those after their last.
    """

    labels: np.ndarray
    cells: np.ndarray
    runs: np.ndarray

    def sums(self, arrivals: np.ndarray) -> np.ndarray:
        """``arrivals`` (k, cells) summed over the cells that each label meets, (k, labels)."""
        before = np.concatenate([np.zeros((len(arrivals), 1)), np.cumsum(arrivals, axis=1)], axis=1)
        first, last = self.runs
        return np.asarray((before[:, last] - before[:, first]).sum(axis=1))


def _pools(n: int, m: int, strata: Labels | None, window: Window | None) -> Pools:
    if strata is not None:
        own, theirs = _codes(strata, n, m)
        return _circle(own, theirs, size=int(max(own.max(initial=0), theirs.max(initial=0))) + 1, within=0)
    if window is not None:
        if window[2] < 0:
            raise ValueError(f"a window of {window[2]} days: it takes 0 or more on each side")
        return _circle(_days(window[0], n), _days(window[1], m), size=YEAR, within=window[2])
    return _circle(np.zeros(n, dtype=int), np.zeros(m, dtype=int), size=1, within=0)


def _circle(own: np.ndarray, theirs: np.ndarray, *, size: int, within: int) -> Pools:
    """Rows on a circle of ``size`` places meet what lies ``within`` so many places of them."""
    (places, labels), (cells, cell) = (np.unique(keys, return_inverse=True) for keys in (own, theirs))
    first, last = places - within, places + within + 1
    if 2 * within + 1 >= size:
        first, last = np.zeros_like(places), np.full_like(places, size)
    starts = np.maximum(first, 0), np.where(first < 0, first + size, 0)
    ends = np.minimum(last, size), np.where(first < 0, size, np.maximum(last - size, 0))
    return Pools(labels, cell, np.searchsorted(cells, [starts, ends]))


def _mean(
    ensemble: Ensemble, tables: tuple[np.ndarray, np.ndarray], keep: np.ndarray, weight: np.ndarray | None, pools: Pools
) -> np.ndarray:
    table, ground = tables
    weighing = pools.sums(np.bincount(pools.cells, weight)[None])[0]
    if len(alone := np.flatnonzero(pools.sums(_present(pools.cells, weight))[0][pools.labels] == 0)):
        raise ValueError(f"row {alone[0]} and {len(alone) - 1} more meet no background row of positive weight")
    near, far = bits.layout(pools.labels), bits.layout(pools.cells)
    found = np.zeros(len(near.order))
    for part in _parts(ensemble.roots, pools.runs.shape[-1] + pools.cells.max(initial=0) + 1):
        nodes, value = ensemble.nodes.part(part.start, part.stop), ensemble.value[part]
        arrivals = ensemble.count(ground, far, ~keep, nodes, weight)
        ensemble.spread(table, near, keep, nodes, pools.sums(arrivals) * value[:, None] / weighing, found)
    return near.rows(found) + ensemble.constant


def _present(cells: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    return np.bincount(cells, None if weight is None else weight > 0)[None]


def _parts(roots: np.ndarray, width: int) -> Iterator[slice]:
    """Nodes of so many trees that ``width`` numbers a node fit into the memory."""
    first = 0
    while first < len(roots) - 1:
        last = max(int(np.searchsorted(roots, roots[first] + MEMORY // (8 * width), side="right")) - 1, first + 1)
        yield slice(int(roots[first]), int(roots[last]))
        first = last


def _weights(weights: ArrayLike | None, m: int) -> np.ndarray | None:
    if weights is None:
        return None
    values = _sized(weights, m, "weights").astype(float)
    if not (np.isfinite(values) & (values >= 0)).all():
        raise ValueError("weights are negative or not finite")
    return values


def _codes(strata: Labels, n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    own, theirs = _sized(strata[0], n, "the rows' strata"), _sized(strata[1], m, "the background's strata")
    _, codes = np.unique(np.concatenate([own, theirs]), return_inverse=True)
    return codes[:n], codes[n:]


def _days(days: ArrayLike, count: int) -> np.ndarray:
    values = _sized(days, count, "days of the year").astype(int)
    if ((values < 1) | (values > YEAR + 1)).any():
        raise ValueError(f"days of the year from {values.min()} to {values.max()}; they go from 1 to {YEAR + 1}")
    return np.asarray(np.minimum(values, YEAR) - 1)


def _sized(values: ArrayLike, count: int, what: str) -> np.ndarray:
    found = np.asarray(values)
    if found.shape != (count,):
        raise ValueError(f"{what} have shape {found.shape}; there are {count} rows")
    return found
