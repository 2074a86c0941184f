"""Block-bootstrap draws: whole blocks of consecutive days are resampled, so that what persists stays together."""

from __future__ import annotations

import numpy as np

from models.regression import Fit


def block_weights(days: int, *, block_days: int, members: int, seed: int) -> np.ndarray:
    """How often each day is drawn in each member: (members, days), the same for the same seed wherever it is asked.

    Blocks of ``block_days`` consecutive days are drawn with replacement; places that share their days share their
    draws, so that regional means keep the correlation between cities (Kuensch 1989, doi 10.1214/aos/1176347265).
    """
    blocks = -(-days // block_days)
    rng = np.random.default_rng([seed, 1])
    counts = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=members)
    return np.repeat(counts, block_days, axis=1)[:, :days].astype(float)


def coefficient_draws(fit: Fit, weights: np.ndarray, *, seed: int) -> np.ndarray:
    """Coefficients of the bootstrap members, (members, p): one Newton step from the estimate for each.

    The step answers to the resampled scores (what other days would have said) and to a draw from the prior (what the
    penalty hides), so that for independent noise the members have the posterior covariance.
    """
    rng = np.random.default_rng([seed, 2])
    pull = (weights - 1) @ fit.scores
    hidden = rng.standard_normal((len(weights), len(fit.penalty))) * np.sqrt(fit.variance * fit.penalty)
    return np.asarray(fit.coefficients + (pull + hidden) @ fit.covariance)
