"""Shapley's rule, and the weather's part of a change split by it over groups of drivers.

The rule (Shapley 1953, doi 10.1515/9781400881970-018) is the only one whose shares add up to the whole, treat alike
players alike, give nothing to one who changes nothing, and add over sums of games.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from math import factorial
from typing import TypeVar

import numpy as np
import pandas as pd

from models.calendar import NOWHERE, Calendar
from models.counterfactual import LEAST_SHARED_DAYS, paired_days
from models.response import WeatherResponse
from models.separation import Separation

Player = TypeVar("Player", bound=Hashable)

MEMORY_DAYS = 30
"""Days before a period over which its coalitions run, so that they remember their own weather."""
CHUNK = 32
"""Days whose random features are held at once for all coalitions."""


def shapley(values: Mapping[frozenset[Player], np.ndarray | float]) -> dict[Player, np.ndarray]:
    """Each player's share of ``values[all] - values[nobody]``, from the value of every coalition.

    Raises ValueError when a coalition is missing.
    """
    players = list(dict.fromkeys(player for coalition in values for player in coalition))
    coalitions = [frozenset(p for i, p in enumerate(players) if bits >> i & 1) for bits in range(2 ** len(players))]
    if missing := [set(coalition) for coalition in coalitions if coalition not in values]:
        raise ValueError(f"found no value of {missing[0]}; {len(players)} players need {2 ** len(players)} coalitions")
    shares = shares_of(np.array([np.asarray(values[coalition], dtype=float) for coalition in coalitions]))
    return dict(zip(players, shares, strict=True))


def shares_of(values: np.ndarray) -> np.ndarray:
    """The shares (k, ...) of k players; ``values`` (2**k, ...), where bit i of the first index says that i plays."""
    return np.tensordot(_weights(len(values).bit_length() - 1), values, axes=1)


def playing(players: int) -> np.ndarray:
    """Who plays in each coalition, (2**players, players) of 0 and 1, in the order of ``shares_of``."""
    return (np.arange(2**players)[:, None] >> np.arange(players) & 1).astype(float)


def _weights(players: int) -> np.ndarray:
    """Weights (players, 2**players) of the coalitions' values in each player's share."""
    inside = playing(players)
    size = inside.sum(axis=1).astype(int)
    orders = [factorial(k) * factorial(players - k - 1) / factorial(players) for k in range(players)]
    joined = np.array([orders[k - 1] if k else 0.0 for k in size])
    left = np.array([orders[k] if k < players else 0.0 for k in size])
    return np.where(inside == 1, joined[:, None], -left[:, None]).T


def coalition_effects(
    response: WeatherResponse, first: pd.DataFrame, second: pd.DataFrame, groups: Sequence[Sequence[str]]
) -> np.ndarray:
    """The weather's part of the logarithm when coalitions of driver groups take the values of ``second``.

    ``first`` and ``second`` hold the drivers of as many consecutive days, row by row of the same calendar day; the
    season is that of ``first``. (2**groups, n, 1 + members); what is carried over remembers the coalition's own days,
    and nothing on days on which either table lacks a driver.
    """
    known = response.columns.known(first) & response.columns.known(second)
    tables, count = _one_by_one(response.columns.held(first), response.columns.held(second), groups), 1 + len(groups)
    linear, rate, by_main = (found.reshape(count, len(first), *found.shape[1:]) for found in response.additive(tables))
    phases = response.columns.phase(tables).reshape(count, len(first), -1).astype(np.float32)
    direct = _summed(linear)
    nothing = response.smooth(np.zeros((1, phases.shape[-1])))
    weights = (response.smooth(np.eye(phases.shape[-1])) - nothing).astype(np.float32)
    for start in range(0, len(first), CHUNK):
        direct[:, start : start + CHUNK] += _waves(phases[:, start : start + CHUNK]) @ weights + nothing
    return response.with_memory(direct, _summed(rate), _summed(by_main), known)


def _one_by_one(first: pd.DataFrame, second: pd.DataFrame, groups: Sequence[Sequence[str]]) -> pd.DataFrame:
    """``first``, then for each group ``first`` with its drivers from ``second``, one below the other."""
    values = np.repeat(first.to_numpy(dtype=float)[None], 1 + len(groups), axis=0)
    other = second.to_numpy(dtype=float)
    for own, group in zip(values[1:], groups, strict=True):
        columns = first.columns.get_indexer(pd.Index(group))
        own[:, columns] = other[:, columns]
    index = first.index[np.tile(np.arange(len(first)), len(values))]
    return pd.DataFrame(values.reshape(-1, first.shape[1]), index=index, columns=first.columns)


def _summed(values: np.ndarray) -> np.ndarray:
    """Sums over coalitions (2**k, ...) of what is additive: ``values`` (1 + k, ...) of nobody and of each alone."""
    return np.asarray(values[0] + np.tensordot(playing(len(values) - 1), values[1:] - values[0], axes=1))


def _waves(phases: np.ndarray) -> np.ndarray:
    """The random features of every coalition (2**k, n, WAVES): their angles add up, so that their turns multiply.

    In single precision: what it rounds off the logarithm is some millionths of it.
    """
    waves = _turned(phases[:1])
    for turned in _turned(phases[1:] - phases[0]):
        waves = np.concatenate([waves, waves * turned])
    return waves.real


def _turned(angles: np.ndarray) -> np.ndarray:
    found = np.empty(angles.shape, dtype=np.complex64)
    np.cos(angles, out=found.real)
    np.sin(angles, out=found.imag)
    return found


def driver_shares(
    separation: Separation, calendar: Calendar, years: tuple[int, int], groups: Sequence[Sequence[str]]
) -> np.ndarray | None:
    """Shares (groups, 1 + members) of the groups of drivers in the weather's part of the change between two years.

    They add up to ``counterfactual.parts(...).meteorology`` of the mean. None for years
    that share less than a month. Needs ``separation.fitted``.
    """
    first, second = paired_days(separation, calendar, *years)
    if len(first) < LEAST_SHARED_DAYS:
        return None
    weight = (np.exp(separation.emissions[:, first]) + np.exp(separation.emissions[:, second])) / 2
    shares = daily_driver_shares(separation, calendar, (first, second), groups, weight)
    return np.asarray(shares.mean(axis=-1))


def daily_driver_shares(
    separation: Separation,
    calendar: Calendar,
    days: tuple[np.ndarray, np.ndarray],
    groups: Sequence[Sequence[str]],
    weight: np.ndarray,
) -> np.ndarray:
    """Shares (groups, 1 + members, n) in ``weight * (exp(F of the second days) - exp(F of the first))``, day by day.

    ``days`` are positions of the same calendar days of two years, in order; ``weight`` (1 + members, n) is the
    concentration without weather. What coalitions cannot remember (days before the record, a leap day) is small and
    shared evenly, so that the shares of each day, and so of any month or week, add up exactly.
    """
    first, second = days
    effects = _of_days(separation, calendar, first, second, groups)
    share = playing(len(groups)).mean(axis=1)[:, None, None]
    for end, own, positions in ((0, 1 - share, first), (-1, share, second)):
        effects += own * (separation.weather[:, positions].T - effects[end])
    return np.asarray(shares_of(np.exp(effects)).swapaxes(1, 2) * weight)


def _of_days(
    separation: Separation, calendar: Calendar, first: np.ndarray, second: np.ndarray, groups: Sequence[Sequence[str]]
) -> np.ndarray:
    """``coalition_effects`` on the days ``first`` (n,), run over the days between and a month before."""
    if separation.fitted is None:
        raise ValueError("the drivers' shares need the fitted model, and this separation was made without one")
    run = np.arange(max(first[0] - MEMORY_DAYS, 0), first[-1] + 1)
    other = _years_away(calendar, run, int(calendar.year[second[0]] - calendar.year[first[0]]))
    table = separation.fitted.drivers
    matched = table.iloc[np.maximum(other, 0)].copy()
    matched.iloc[other == NOWHERE] = np.nan
    effects = coalition_effects(separation.fitted.weather, table.iloc[run], matched, groups)
    return effects[:, first - run[0]]


def _years_away(calendar: Calendar, positions: np.ndarray, years: int) -> np.ndarray:
    """Positions of the same calendar days some years later, ``NOWHERE`` where the record does not have them."""
    column = {int(year): i for i, year in enumerate(calendar.years)}
    wanted = np.array([column.get(int(year) + years, NOWHERE) for year in calendar.year[positions]])
    return np.where(wanted == NOWHERE, NOWHERE, calendar.match[positions, wanted])
