"""Driver groups as players: what each contributes to a prediction, so that the shares add up exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from models.game import shares_of
from models.marginal.means import Labels, Window, marginal
from models.marginal.trees import Ensemble, Rows

Groups = Mapping[str, Sequence[str | int]]


def coalitions(groups: Groups) -> list[list[str]]:
    """The coalitions of ``groups`` in the order of a game's values: group i plays in those whose bit i is set."""
    names = list(groups)
    return [[name for i, name in enumerate(names) if coalition >> i & 1] for coalition in range(2 ** len(names))]


def game(
    ensemble: Ensemble,
    rows: Rows,
    background: Rows,
    groups: Groups,
    *,
    kept: Sequence[str | int] = (),
    weights: ArrayLike | None = None,
    strata: Labels | None = None,
    window: Window | None = None,
) -> np.ndarray:
    """What each coalition of feature ``groups`` predicts for ``rows`` (n, p), (coalitions, n).

    The features of the groups in the coalition, and those ``kept``, come from the row, all others from the
    background: the ``marginal`` of that choice, whose arguments and errors these are. Raises ValueError for a feature
    in two groups.
    """
    _disjoint(ensemble, groups, kept)
    table, ground = ensemble.table(rows), ensemble.table(background)

    def value(playing: list[str]) -> np.ndarray:
        features = [*kept, *(feature for name in playing for feature in groups[name])]
        return marginal(ensemble, table, ground, kept=features, weights=weights, strata=strata, window=window)

    return np.array([value(playing) for playing in coalitions(groups)])


def paired_game(
    ensemble: Ensemble, first: Rows, second: Rows, groups: Groups, *, weights: ArrayLike | None = None
) -> np.ndarray:
    """Mean prediction over pairs of rows when a coalition's features come from ``second``, all others from ``first``.

    Both are (n, p), paired row by row, such as the same calendar days of two years; ``weights`` (n,) weigh the pairs.
    Result (coalitions,). Raises ValueError for different lengths and for a feature in two groups.
    """
    _disjoint(ensemble, groups, ())
    before, after = ensemble.table(first), ensemble.table(second)
    if len(before) != len(after):
        raise ValueError(f"{len(before)} rows cannot be paired with {len(after)}")
    weight = None if weights is None else np.asarray(weights, dtype=float)

    def value(playing: list[str]) -> float:
        moved = ensemble.mask([feature for name in playing for feature in groups[name]])
        return float(np.average(ensemble.predict(np.where(moved, after, before)), weights=weight))

    return np.array([value(playing) for playing in coalitions(groups)])


def shapley(values: np.ndarray) -> np.ndarray:
    """Shares (groups, ...) of a game's ``values`` (coalitions, ...): mean contributions over all orders of joining.

    They add up to the value of all less that of none (Shapley 1953, doi 10.1515/9781400881970-018). Raises ValueError
    unless there are 2 ** groups coalitions.
    """
    count = len(values).bit_length() - 1
    if len(values) != 2**count:
        raise ValueError(f"{len(values)} coalitions; a game of g groups has 2 ** g")
    return shares_of(values)


def _disjoint(ensemble: Ensemble, groups: Groups, kept: Sequence[str | int]) -> None:
    times = np.sum([ensemble.mask(features) for features in [kept, *groups.values()]], axis=0)
    if (times > 1).any():
        twice = [name for name, number in zip(ensemble.names, times, strict=True) if number > 1]
        raise ValueError(f"{twice} stand in more than one group")
