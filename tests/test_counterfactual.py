"""The counterfactual table of years, months and weeks: known answers of a separable world, and laws between them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models import counterfactual
from models.calendar import SLOTS, calendar, months, seasons, weeks
from models.separation import Separation
from pipeline import tables
from pipeline.readings import read_off

DAYS = pd.date_range("2015-01-01", "2019-04-20")
"""Three common years, a leap year among them, and a part of a fifth."""
CALENDAR = calendar(DAYS)
EMISSIONS = {2015: 50.0, 2016: 40.0, 2017: 30.0, 2018: 20.0, 2019: 10.0}
MEMBERS = 3


def separable() -> Separation:
    """Emissions are a constant of the year, weather a constant of the year and month; a member has twice of both."""
    emissions = np.log([EMISSIONS[year] for year in DAYS.year])
    weather = np.log(factor(DAYS.year, DAYS.month))
    double = np.log(2) * np.arange(MEMBERS)[:, None]
    observed = np.exp(emissions + weather)
    return Separation(DAYS, observed, emissions + double, weather + double, np.ones(len(DAYS)))


def factor(year: np.ndarray, month: np.ndarray) -> np.ndarray:
    """What the weather of a year and month multiplies emissions by."""
    return 1 + 0.1 * (np.asarray(year) - 2015) + 0.05 * np.asarray(month)


def uneven(seed: int = 0) -> Separation:
    """Any parts, with days without weather and others without observation."""
    rng = np.random.default_rng(seed)
    emissions, weather = rng.normal(0, 0.3, (2, MEMBERS, len(DAYS)))
    weather[:, 100:140] = np.nan
    weather[:, rng.integers(0, len(DAYS), 30)] = np.nan
    expected = np.exp(emissions[0] + weather[0])
    observed = expected * rng.gamma(20, 1 / 20, len(DAYS))
    observed[rng.integers(0, len(DAYS), 50)] = np.nan
    return Separation(DAYS, observed, emissions, weather, observed / expected)


@pytest.fixture(scope="module")
def by_month() -> counterfactual.Exchange:
    return counterfactual.exchanged_means(separable(), CALENDAR, list(months().values()))


def test_the_table_of_a_separable_world_is_emissions_times_weather(by_month):
    member = 4.0 ** np.arange(MEMBERS)
    for m, month in enumerate(range(1, 13)):
        for e, emissions in enumerate(EMISSIONS.values()):
            for w, year in enumerate(EMISSIONS):
                expected = emissions * factor(year, month) * member
                if 2019 in (year, 2015 + e) and month > 4:
                    expected = np.full(MEMBERS, np.nan)
                np.testing.assert_allclose(by_month.table[m, e, w], expected, rtol=1e-12)


def test_the_parts_of_a_separable_world_are_differences_of_its_factors(by_month):
    found = by_month.parts()
    for month in (1, 2, 7):
        before, after = factor(2016, month), factor(2018, month)
        assert found.meteorology[month - 1, 1, 3, 0] == pytest.approx((after - before) * (40 + 20) / 2, rel=1e-12)
        assert found.emissions[month - 1, 1, 3, 0] == pytest.approx((20 - 40) * (before + after) / 2, rel=1e-12)
        assert found.interaction[month - 1, 1, 3, 0] == pytest.approx((20 - 40) * (after - before), rel=1e-12)
        assert found.observed_to[month - 1, 1, 3] == pytest.approx(20 * after, rel=1e-12)


def test_a_leap_day_is_the_earlier_years_or_left_out(by_month):
    days = {(2016, 2017): 29, (2015, 2016): 28, (2015, 2017): 28, (2016, 2016): 29, (2015, 2015): 28}
    for (first, second), count in days.items():
        assert by_month.days[1, first - 2015, second - 2015] == count


@pytest.mark.parametrize("statistic", ["mean", "p90"])
def test_the_exchange_of_years_is_their_parts(statistic):
    separation = uneven()
    whole = counterfactual.exchange(separation, CALENDAR, statistic)
    found = whole.parts()
    for p, q in zip(*np.triu_indices(5, 1), strict=True):
        years = int(CALENDAR.years[p]), int(CALENDAR.years[q])
        expected = counterfactual.parts(separation, CALENDAR, *years, statistic)
        assert whole.days[p, q] == expected.days
        for name in (
            "meteorology",
            "emissions",
            "interaction",
            "observed_from",
            "observed_to",
            "predicted_to",
            "days_observed",
        ):
            np.testing.assert_allclose(getattr(found, name)[p, q], getattr(expected, name), rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(whole.table[p, q], whole.values[p, q, 0, 1])
        np.testing.assert_array_equal(whole.table[q, p], whole.values[p, q, 1, 0])


@pytest.mark.parametrize("spans", [months(), seasons(), weeks()], ids=["months", "seasons", "weeks"])
def test_spans_weighted_by_their_days_add_up_to_the_year(spans):
    separation = uneven()
    whole = counterfactual.exchange(separation, CALENDAR, "mean")
    own = counterfactual.exchanged_means(separation, CALENDAR, list(spans.values()), least_share=0.0)
    assert (own.days.sum(axis=0) == whole.days).all()
    for name in ("meteorology", "emissions", "interaction"):
        weighted = np.nansum(getattr(own.parts(), name) * own.days[..., None], axis=0)
        upper = np.triu_indices(5)
        total = (getattr(whole.parts(), name) * whole.days[..., None])[upper]
        np.testing.assert_allclose(weighted[upper], total, rtol=1e-9, atol=1e-9)
    above = np.triu(np.ones((5, 5), dtype=bool))
    weighted = np.nansum(own.table * np.where(above, own.days, own.days.swapaxes(1, 2))[..., None], axis=0)
    days = np.where(above, whole.days, whole.days.T)[..., None]
    np.testing.assert_allclose(weighted, whole.table * days, rtol=1e-9)


def test_a_span_of_which_less_than_half_is_shared_is_not_compared():
    separation = uneven()
    found = counterfactual.exchanged_means(separation, CALENDAR, list(months().values()))
    half = np.array([len(days) for days in months().values()])[:, None, None] / 2
    shared = counterfactual.exchanged_means(separation, CALENDAR, list(months().values()), least_share=0.0).days
    upper = np.triu(np.ones((5, 5), dtype=bool))
    assert (np.isfinite(found.values[..., 0, 0, 0]) == (upper & (shared >= half))).all()
    assert (shared[3, 0, 1:] < 15).all()  # April 2015 has no weather from the 11th on


def summer_unobserved(statistic: str) -> tuple[pd.DataFrame, float, float]:
    """The table of a separable world whose high summer of 2017 was not observed, the true change, and the naive one.

    Each year's level is a tenth below the last; July has five times the concentration of January.
    """
    season = np.log(3 - 2 * np.cos(2 * np.pi * DAYS.day_of_year / 365.25))
    emissions = np.asarray(np.log(60.0) + np.log(0.9) * (DAYS.year - 2015) + season)
    weather = 0.1 * np.sin(np.arange(len(DAYS)))
    expected = np.exp(emissions + weather)
    gap = (DAYS >= "2017-05-01") & (DAYS < "2017-10-01")
    observed = np.where(gap, np.nan, expected)
    ratio = np.where(gap, np.nan, 1.0)
    separation = Separation(DAYS, observed, np.tile(emissions, (3, 1)), np.tile(weather, (3, 1)), ratio)
    base = CALENDAR.year == 2015
    readings = read_off(separation, CALENDAR, statistics=[statistic], base=base)
    rows = tables.attribution([readings.assign_attrs(level="city", name="X", pollutant="y", units="z")])
    kept = [expected[CALENDAR.of_year(year)] for year in (2016, 2017)]
    seen = [values[np.isfinite(values)] for values in (observed[CALENDAR.of_year(year)] for year in (2016, 2017))]
    true, naive = (counterfactual.STATISTICS[statistic](b) - counterfactual.STATISTICS[statistic](a)
                   for a, b in (kept, seen))  # fmt: skip
    return rows, float(true), float(naive)


@pytest.mark.parametrize("statistic", ["mean", "p90"])
def test_a_summer_not_observed_in_one_year_makes_no_change_of_air(statistic):
    rows, true, naive = summer_unobserved(statistic)
    row = rows.set_index(["period_from", "period_to"]).loc[(2016, 2017)]
    assert (row["days"], row["days_observed"]) == (366, 366 - 153)
    assert row["meteorology"] + row["emissions"] == pytest.approx(true, rel=0.02)  # 2016 has a leap day more
    share = row["observed_change"] / row["observed_from"]
    assert share == pytest.approx(-0.1, abs=0.01)  # every calendar day fell by a tenth
    assert row["residual"] == pytest.approx(0, abs=1e-9)  # the model is the truth
    assert abs(naive - true) > 5 * abs(row["observed_change"] - true)


@pytest.mark.parametrize("statistic", ["mean", "p90"])
def test_parts_residual_and_what_was_not_observed_add_up_to_the_observed_change(statistic):
    rows, _, _ = summer_unobserved(statistic)
    total = rows["meteorology"] + rows["emissions"] + rows["unobserved"] + rows["residual"]
    np.testing.assert_allclose(total, rows["observed_change"], atol=1e-9)
    gap = (rows["period_from"] == 2017) | (rows["period_to"] == 2017)
    summer = gap & ~(rows["period_to"] == 2019)  # of 2019 the record has no summer
    assert (rows.loc[summer, "unobserved"].abs() > 1).all()
    assert (rows.loc[~summer, "unobserved"] == 0).all()
    assert (rows["days_observed"] < rows["days"]).equals(summer)


def test_a_percentile_is_that_of_its_definition():
    rng = np.random.default_rng(0)
    for size in (1, 2, 3, 10, 11, 364, 365):
        days = rng.standard_normal((4, size))
        np.testing.assert_allclose(counterfactual.percentile_90(days), np.quantile(days, 0.9, axis=-1), rtol=1e-12)


def test_weeks_meet_the_same_calendar_days():
    names = SLOTS[weeks()["10"]].strftime("%m-%d").tolist()
    assert (names[0], names[-1], len(names)) == ("03-05", "03-11", 7)
