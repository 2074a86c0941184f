"""Air that relaxes: how a concentration follows the one that today's weather would hold it at.

A box of air is ventilated, mixed and cleaned at a rate r [day-1] that the weather sets, while sources fill it:
``dC/dt = r (G - C)``, with G the concentration at which the weather of the day would leave it in the end (the box model
of Seinfeld and Pandis 2016, Atmospheric Chemistry and Physics, ch. 25). Over a day of constant r and G this is solved
exactly: the day begins with what the day before left, ``C0``, ends with ``G + (C0 - G) exp(-r)``, and has the mean
``G + (C0 - G) (1 - exp(-r)) / r``. What is carried over is so a share of a concentration, not of its logarithm, and a
spell of one weather ends at G whatever r.

Targets G and rates r are given by their logarithms, those of r within limits. Derivatives are exact, so that a fit may
be linearised at any point (Gauss-Newton) and members of an ensemble follow their estimate.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

EXTREME = 2.5
"""Limit of the logarithm of the rate [day-1], approached smoothly: memory of twelve days, and of two hours."""


@njit(cache=True)
def _day(log_target, log_rate, before):  # type: ignore[no-untyped-def]
    """Mean and end of a day, then their derivatives by the logarithms of target and rate and by what was before."""
    target = math.exp(log_target)
    bent = math.tanh(log_rate / EXTREME)
    rate = math.exp(EXTREME * bent)
    left = math.exp(-rate)
    share = (1 - left) / rate
    excess = before - target
    slope = 1 - bent * bent
    mean_by_rate = slope * excess * (left * (rate + 1) - 1) / rate
    end_by_rate = -slope * excess * left * rate
    mean, end = target + excess * share, target + excess * left
    return mean, end, (1 - share) * target, mean_by_rate, share, (1 - left) * target, end_by_rate, left


@njit(cache=True)
def _followed(target, rate):  # type: ignore[no-untyped-def]
    members, mean, before = target.shape[1], np.empty_like(target), np.empty_like(target)
    state = math.exp(target[0, 0]) * (target[0] - target[0, 0])
    state[0] = math.exp(target[0, 0])
    for t in range(len(target)):
        before[t] = state
        level, end, by_target, _, by_state, end_target, _, end_state = _day(target[t, 0], rate[t], state[0])
        mean[t, 0] = math.log(level)
        for m in range(1, members):
            of_target = target[t, m] - target[t, 0]
            mean[t, m] = mean[t, 0] + (by_target * of_target + by_state * state[m]) / level
            state[m] = end_target * of_target + end_state * state[m]
        state[0] = end
    return mean, before


def followed(target: np.ndarray, rate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logarithm of each day's mean, and what each day begins with: both (n, 1 + members).

    ``target`` (n, 1 + members) and ``rate`` (n,) are logarithms on consecutive days without NaN. The first column is
    followed exactly, members to first order about it. What a day begins with is a concentration, of members a deviation
    from the first column's. Before the first day the air is at its target.
    """
    return _followed(np.ascontiguousarray(target), np.ascontiguousarray(rate))  # type: ignore[no-any-return]


@njit(cache=True)
def _one_day(target, rate, before):  # type: ignore[no-untyped-def]
    mean = np.empty_like(target)
    for i in range(target.shape[0]):
        for v in range(target.shape[1]):
            level, _, by_target, _, by_state, _, _, _ = _day(target[i, v, 0], rate[i, v], before[i, 0])
            mean[i, v, 0] = math.log(level)
            for m in range(1, target.shape[2]):
                change = by_target * (target[i, v, m] - target[i, v, 0]) + by_state * before[i, m]
                mean[i, v, m] = mean[i, v, 0] + change / level
    return mean


def one_day(target: np.ndarray, rate: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Logarithm of the mean (n, values, 1 + members) of single days that begin with ``before`` (n, 1 + members).

    ``target`` (n, values, 1 + members) and ``rate`` (n, values) are logarithms.
    """
    return _one_day(np.ascontiguousarray(target), np.ascontiguousarray(rate), before)  # type: ignore[no-any-return]


@njit(cache=True)
def _columns(target, rate, of_target, of_rate):  # type: ignore[no-untyped-def]
    by_target, by_rate = np.empty_like(of_target), np.empty_like(of_rate)
    mean = np.empty(len(target))
    state = math.exp(target[0])
    target_state, rate_state = state * of_target[0], np.zeros(of_rate.shape[1])
    for t in range(len(target)):
        level, end, m_target, m_rate, m_state, e_target, e_rate, e_state = _day(target[t], rate[t], state)
        mean[t] = math.log(level)
        for j in range(of_target.shape[1]):
            by_target[t, j] = (m_target * of_target[t, j] + m_state * target_state[j]) / level
            target_state[j] = e_target * of_target[t, j] + e_state * target_state[j]
        for j in range(of_rate.shape[1]):
            by_rate[t, j] = (m_rate * of_rate[t, j] + m_state * rate_state[j]) / level
            rate_state[j] = e_rate * of_rate[t, j] + e_state * rate_state[j]
        state = end
    return mean, by_target, by_rate


def columns(
    target: np.ndarray, rate: np.ndarray, of_target: np.ndarray, of_rate: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logarithm of each day's mean (n,), and its derivatives by coefficients of the columns behind target and rate.

    ``target`` and ``rate`` (n,) are logarithms, ``of_target`` (n, p) and ``of_rate`` (n, q) the columns they are linear
    in; the derivatives have their shapes.
    """
    of_target, of_rate = np.ascontiguousarray(of_target), np.ascontiguousarray(of_rate)
    return _columns(target, rate, of_target, of_rate)  # type: ignore[no-any-return]
