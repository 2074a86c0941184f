"""Season meets season: which days stand opposite each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calendar import LEAP_SLOT, NOWHERE, SLOTS, calendar, months, seasons, weeks


@given(
    start=st.dates(pd.Timestamp("1999-01-01").date(), pd.Timestamp("2020-12-31").date()),
    length=st.integers(2, 1500),
    year_start=st.sampled_from(["01-01", "03-01", "12-01", "06-15"]),
)
def test_matched_days_have_the_same_month_and_day(start, length, year_start):
    found = calendar(pd.date_range(start, periods=length), year_start=year_start)
    rows, columns = np.nonzero(found.match != NOWHERE)
    own, other = found.days[rows], found.days[found.match[rows, columns]]
    alike = (own.month == other.month) & (own.day == other.day)
    leap = (own.month == 2) & (own.day == 29) & (other.month == 2) & (other.day == 28)
    assert (alike | leap).all()
    assert (found.year[found.match[rows, columns]] == found.years[columns]).all()


def test_a_day_meets_itself_in_its_own_year():
    found = calendar(pd.date_range("2015-01-01", "2017-12-31"))
    own = found.match[np.arange(len(found.days)), found.year - 2015]
    assert (own == np.arange(len(found.days))).all()


def test_february_29_meets_february_28_of_a_common_year():
    found = calendar(pd.date_range("2015-01-01", "2017-12-31"))
    leap_day = found.days.get_loc(pd.Timestamp("2016-02-29"))
    assert list(found.days[found.match[leap_day]].strftime("%Y-%m-%d")) == ["2015-02-28", "2016-02-29", "2017-02-28"]


def test_a_seasonal_year_is_labelled_by_the_calendar_year_it_starts_in():
    found = calendar(pd.date_range("2013-03-01", "2015-02-28"), year_start="03-01")
    assert list(found.years) == [2013, 2014]
    assert found.days[found.of_year(2014)[0]] == pd.Timestamp("2014-03-01")
    assert found.complete(2013)


def test_a_day_missing_from_a_partial_year_is_nowhere():
    found = calendar(pd.date_range("2015-07-01", "2016-12-31"))
    assert found.match[found.days.get_loc(pd.Timestamp("2016-03-01")), found.column(2015)] == NOWHERE
    assert not found.complete(2015)


@pytest.mark.parametrize("length", [365, 730])
def test_every_day_of_whole_years_is_matched(length):
    assert (calendar(pd.date_range("2017-01-01", periods=length)).match != NOWHERE).all()


@pytest.mark.parametrize("spans", [months(), seasons(), weeks()], ids=["months", "seasons", "weeks"])
def test_every_calendar_day_is_in_one_month_one_season_and_one_week(spans):
    assert sorted(np.concatenate(list(spans.values()))) == list(range(366))


def test_a_week_is_seven_calendar_days_but_the_one_of_the_leap_day_and_the_last():
    common = {name: np.setdiff1d(days, [LEAP_SLOT]) for name, days in weeks().items()}
    assert [len(days) for days in common.values()] == [7] * 51 + [8]
    assert LEAP_SLOT in weeks()["9"]
    assert SLOTS[weeks()["9"]].strftime("%m-%d").tolist()[2:5] == ["02-28", "02-29", "03-01"]


@given(
    start=st.dates(pd.Timestamp("1999-01-01").date(), pd.Timestamp("2020-12-31").date()), length=st.integers(2, 1500)
)
def test_positions_are_where_the_calendar_days_lie(start, length):
    days = pd.date_range(start, periods=length)
    found = calendar(days, year_start="03-01")
    own, met = found.positions()
    year, slot = np.nonzero(own != NOWHERE)
    assert (np.sort(own[year, slot]) == np.arange(length)).all()
    assert (days[own[year, slot]].strftime("%m-%d") == SLOTS[slot].strftime("%m-%d")).all()
    assert (found.year[own[year, slot]] == found.years[year]).all()
    ordinary = np.setdiff1d(np.arange(366), [LEAP_SLOT])
    assert (met[:, ordinary] == own[:, ordinary]).all()
