"""Blocked splits and scores: known answers and what must never leak."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models import scores
from models.splits import held_out_months

DAYS = pd.date_range("2015-01-01", "2017-12-31")


def test_every_day_is_held_out_exactly_once():
    times = sum(test.astype(int) for _, test in held_out_months(DAYS, folds=6, purge=3))
    assert (times == 1).all()


def test_held_out_days_come_in_whole_months():
    for _, test in held_out_months(DAYS, folds=6, purge=3):
        share = pd.Series(test, index=DAYS).groupby([DAYS.year, DAYS.month]).mean()
        assert set(share) <= {0.0, 1.0}


@pytest.mark.parametrize("purge", [0, 3, 7])
def test_no_training_day_is_within_the_purge_of_a_held_out_day(purge):
    for train, test in held_out_months(DAYS, folds=6, purge=purge):
        distance = np.abs(np.flatnonzero(train)[:, None] - np.flatnonzero(test)[None, :]).min()
        assert distance == purge + 1


def test_scores_of_a_perfect_prediction():
    observed = np.array([1.0, 2.0, np.nan, 4.0])
    assert scores.r2(observed, observed) == 1
    assert scores.rmse(observed, observed) == 0
    assert scores.bias(observed, observed + 2) == 2
    assert scores.slope(observed, observed / 2) == pytest.approx(2)


def test_the_mean_as_prediction_explains_nothing():
    observed = np.array([1.0, 2.0, 6.0])
    assert scores.r2(observed, np.full(3, 3.0)) == 0


def test_a_constant_series_has_no_r2():
    assert np.isnan(scores.r2(np.ones(4), np.arange(4.0)))


def test_one_of_four_rows_outside_is_25_percent():
    rows = np.array([[0.0, 0], [1, 1], [2, 0.5], [0.5, 0.5]])
    assert scores.outside_percent(rows, rows[[0, 1, 3]]) == 25
