"""A stranger's DataFrame: what is refused in one line, what is taken and told, and what is found then."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from models.separation import Settings
from pipeline.frame import Attribution, attribute
from pipeline.vocabulary import WEATHER

DAYS = pd.date_range("2018-01-01", "2019-12-31")
RNG = np.random.default_rng(0)
PHASE = 2 * np.pi * DAYS.day_of_year / 365.25
AIR = pd.DataFrame(
    {
        "t2m": 288 - 10 * np.cos(PHASE) + 3 * RNG.standard_normal(len(DAYS)),
        "wind_speed": np.exp(1 + 0.4 * RNG.standard_normal(len(DAYS))),
        "blh": 600 * np.exp(0.4 * RNG.standard_normal(len(DAYS))),
    },
    index=DAYS,
)
TARGET = pd.Series(
    50 * np.exp(-0.5 * np.log(AIR["blh"] / 600) + 0.2 * RNG.standard_normal(len(DAYS))), index=DAYS, name="pm25"
)
FEW = Settings(members=2, score_folds=2)
BY_DAY = pd.DatetimeIndex(DAYS)


def at(index: pd.Index) -> tuple[pd.Series, pd.DataFrame]:
    """Target and weather under another index of as many rows."""
    return TARGET.set_axis(index), AIR.set_axis(index)


def hourly(data: pd.Series | pd.DataFrame) -> pd.Series | pd.DataFrame:
    """Every day of 2018 as 24 hours."""
    return data.loc["2018"].resample("h").ffill()


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "hourly target": (lambda: attribute(hourly(TARGET), AIR), r"hourly values.*resample\('D'\)"),
    "hourly weather": (lambda: attribute(TARGET, hourly(AIR)), r"weather: found hourly values.*tianbang run"),
    "two values a day": (
        lambda: attribute(TARGET.loc["2018"].resample("12h").ffill(), AIR),
        r"target: found up to 2 values a day",
    ),
    "monthly target": (lambda: attribute(TARGET.resample("MS").mean(), AIR), r"a value every 31 days.*daily"),
    "monthly weather": (lambda: attribute(TARGET, AIR.resample("MS").mean()), r"weather: found a value every 31 days"),
    "strings": (lambda: attribute(*at(DAYS.strftime("%Y-%m-%d"))), r"'2018-01-01'.*DatetimeIndex.*to_datetime"),
    "numbers of rows": (lambda: attribute(*at(pd.RangeIndex(len(DAYS)))), r"int64 such as 0.*DatetimeIndex"),
    "periods": (lambda: attribute(*at(DAYS.to_period("D"))), r"PeriodIndex.*to_timestamp"),
    "no date": (lambda: attribute(*at(DAYS[:-1].append(pd.DatetimeIndex([pd.NaT])))), r"1 rows without a date"),
    "a day twice": (lambda: attribute(pd.concat([TARGET, TARGET[:1]]), AIR), r"2018-01-01 00:00:00 more than once"),
    "a weather day twice": (lambda: attribute(TARGET, pd.concat([AIR, AIR[:1]])), r"weather: found 2018.*once"),
    "a column twice": (lambda: attribute(TARGET, AIR[["t2m", "t2m"]]), r"column 't2m' more than once"),
    "below zero": (lambda: attribute(TARGET - 40, AIR), r"values below zero, the lowest -.*where"),
    "all zero": (lambda: attribute(0 * TARGET, AIR), r"the series is constant"),
    "constant": (lambda: attribute(0 * TARGET + 7, AIR), r"the series is constant"),
    "mostly zero": (lambda: attribute(TARGET.where(TARGET > 60, 0.0), AIR), r"half of the values or more are zero"),
    "nothing observed": (lambda: attribute(np.nan * TARGET, AIR), r"share no day"),
    "statistic": (lambda: attribute(TARGET, AIR, statistics=("mean", "p95")), r"'p95'.*allowed: .*mean, p90"),
    "one statistic": (lambda: attribute(TARGET, AIR, statistics="median"), r"'median'.*allowed: .*mean, p90"),
    "no statistic": (lambda: attribute(TARGET, AIR, statistics=()), r"found \(\).*mean, p90"),
    "base year": (lambda: attribute(TARGET, AIR, base_year=2030), r"base_year: found 2030; allowed: .*2018, 2019"),
    "base year as text": (lambda: attribute(TARGET, AIR, base_year="2018"), r"found '2018'; .*number: 2018, 2019"),
    "year start": (lambda: attribute(TARGET, AIR, year_start="3"), r"year_start: found '3'; allowed: MM-DD"),
    "leap day": (lambda: attribute(TARGET, AIR, year_start="02-29"), r"year_start: found '02-29'"),
    "no column": (lambda: attribute(TARGET, AIR[[]]), r"weather: found no column.*t2m"),
    "a series without a name": (lambda: attribute(TARGET, AIR["t2m"].rename(None)), r"Series without a name"),
    "an array": (lambda: attribute(TARGET, AIR.to_numpy()), r"weather: found a ndarray"),
    "a frame as target": (lambda: attribute(TARGET.to_frame(), AIR), r"target: found a DataFrame"),
    "text as weather": (lambda: attribute(TARGET, AIR.assign(rh="dry")), r"weather 'rh': found .*to_numeric"),
    "text as target": (lambda: attribute(TARGET.astype(str), AIR), r"target: found .*to_numeric"),
    "one time zone": (lambda: attribute(TARGET.tz_localize("Asia/Shanghai"), AIR), r"zones Asia/Shanghai and None"),
    "two time zones": (
        lambda: attribute(TARGET.tz_localize("Asia/Shanghai"), AIR.tz_localize("UTC")),
        r"zones Asia/Shanghai and UTC",
    ),
    "times of day": (
        lambda: attribute(TARGET.set_axis(DAYS + pd.to_timedelta(np.arange(len(DAYS)) % 2, "h")), AIR),
        r"target: found different times of day",
    ),
    "degrees Celsius": (lambda: attribute(TARGET, AIR.assign(t2m=AIR["t2m"] - 273.15)), r"100% .*K.*degC"),
    "kilometres": (lambda: attribute(TARGET, AIR.assign(blh=AIR["blh"] / 1000)), r"'blh': found no value.*agreed m"),
    "a share as per cent": (lambda: attribute(TARGET, AIR.assign(rh=np.linspace(0, 1, len(DAYS)))), r"'rh': found no"),
    "hectopascal": (lambda: attribute(TARGET, AIR.assign(msl=1013 + AIR["t2m"] / 100)), r"'msl'.*hPa"),
    "columns made here": (lambda: attribute(TARGET, AIR.assign(t2m_lag1=1.0)), r"t2m_lag1.*leave it out"),
    "wind direction alone": (lambda: attribute(TARGET, (AIR["t2m"] - 200).rename("wind_direction")), r"wind_direction"),
    "few days": (lambda: attribute(TARGET[:300], AIR), r"300 days have both .* 365 are needed"),
    "weather of few days": (lambda: attribute(TARGET, AIR[:300]), r"no weather.*'t2m' is known on 41%"),
    "members": (lambda: attribute(TARGET, AIR, settings=Settings(members=1)), r"members: found 1; allowed: 2"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "told"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_agreed_is_refused_in_one_line(call, told):
    with pytest.raises(ValueError, match=told) as refusal:
        call()
    assert "\n" not in str(refusal.value)


@pytest.fixture(scope="module")
def plain() -> Attribution:
    return attribute(TARGET, AIR, settings=FEW)


def same(found: Attribution, other: Attribution) -> bool:
    """Whether both say the same of every year."""
    return found.parts.equals(other.parts) and found.index.equals(other.index)


def test_a_clean_frame_has_every_table_and_no_note(plain):
    assert plain.notes == ()
    assert len(plain.parts) == 1
    assert plain.drivers["share"].sum() == pytest.approx(plain.parts["meteorology"][0], abs=1e-9)
    assert list(plain.trends["series"]) == []  # two years are too few for a slope
    assert plain.index["mci"].notna().all()
    assert plain.interventions.empty


TAKEN: dict[str, Callable[[], tuple[pd.Series, pd.DataFrame]]] = {
    "time zone": lambda: at(BY_DAY.tz_localize("Asia/Shanghai")),
    "noon": lambda: (TARGET.set_axis(DAYS + pd.Timedelta(hours=12)), AIR),
    "not in order": lambda: (TARGET[::-1], AIR.sample(frac=1, random_state=0)),
    "nullable numbers": lambda: (TARGET.astype("Float64"), AIR),
    "a constant column": lambda: (TARGET, AIR.assign(tcc=0.5)),
}


@pytest.mark.parametrize("given", TAKEN.values(), ids=TAKEN)
def test_what_can_be_meant_in_one_way_only_is_taken(plain, given):
    assert same(attribute(*given(), settings=FEW), plain)


def test_a_dated_intervention_has_its_size_and_one_that_nobody_observed_has_none():
    start, end = pd.Timestamp("2019-02-01"), pd.Timestamp("2019-04-11")
    later = pd.Timestamp("2019-08-01"), pd.Timestamp("2019-08-05")
    target = TARGET.copy()
    target[start:end] *= 0.7
    target[later[0] : later[1]] = np.nan
    settings = Settings(members=10, score_folds=2, interventions=((start, end), later))
    (row,) = attribute(target, AIR, settings=settings).interventions.to_dict("records")
    assert (row["start"], row["end"]) == ("2019-02-01", "2019-04-11")
    assert row["effect_low"] < -30 < row["effect_high"]
    # 70 days of 20 % noise know a level to 2.4 %, and as much again for the trend that is fitted beside it
    assert row["effect_percent"] == pytest.approx(-30, abs=3 * 2**0.5 * 0.7 * 2.4)


def test_strays_and_unknown_columns_are_told():
    air = AIR.assign(fog=RNG.standard_normal(len(DAYS)), rh=np.where(np.arange(len(DAYS)) % 2, 50.0, np.nan))
    air.iloc[5, 0], air.iloc[9, 2] = np.inf, 20000.0
    with pytest.warns(UserWarning, match="weather|vocabulary") as warned:
        found = attribute(TARGET, air, settings=FEW)
    told = "\n".join(found.notes)
    assert [str(one.message) for one in warned] == list(found.notes)
    assert "weather 't2m': 1 infinite values are missing" in told
    assert "weather 'blh': 1 values outside 0 to 12000 m are missing" in told
    assert "fog taken as they are" in told
    assert all(name in told for name in WEATHER)
    assert "weather 'rh' is known on 50% of the days, left out" in told
    assert (
        found.normalized["predicted"].isna().sum() == 4
    )  # two days and the days after; none for the half-known column


def test_one_year_has_an_index_and_no_change():
    with pytest.warns(UserWarning, match="no two years"):
        found = attribute(TARGET[:365], AIR["blh"], settings=FEW)
    assert found.parts.empty
    assert found.notes
    assert set(found.index.query("frequency == 'year'")["mci"].round(6)) == {100.0}


def test_the_input_stays_as_it_was():
    target, air = TARGET.copy(), AIR.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="365"):
            attribute(target[:300], air)
    pd.testing.assert_frame_equal(air, AIR)
    pd.testing.assert_series_equal(target, TARGET)
