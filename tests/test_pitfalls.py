"""The fifteen pitfalls of weather normalization (METHODS.md): each is avoided, bounded, or said."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor

import models
import pipeline
from models import counterfactual, scores
from models.basis import Drivers
from models.bootstrap import block_weights
from models.calendar import calendar
from models.separation import Separation, Settings, held_out_predictions, separate
from models.splits import held_out_months
from pipeline import readings, tables

DAYS = pd.date_range("2014-01-01", "2018-12-31")
CALENDAR = calendar(DAYS)
TIME = np.arange(len(DAYS)) / 365.25
ANGLE = 2 * np.pi * np.asarray(DAYS.day_of_year) / 365.25
ROLES = Drivers(("wind", "temperature"), {}, ("wind", "temperature"))
SETTINGS = Settings(members=10)
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Planted:
    """log C = emissions + weather + noise, the weather linear in wind and temperature."""

    emissions: np.ndarray
    table: pd.DataFrame
    noise: np.ndarray

    @property
    def weather(self) -> np.ndarray:
        return np.asarray(-0.4 * self.table["wind"] + 0.25 * self.table["temperature"])

    @property
    def observed(self) -> pd.Series:
        return pd.Series(np.exp(self.emissions + self.weather + self.noise), DAYS)

    def separated(self, settings: Settings = SETTINGS) -> Separation:
        return separate(self.observed, self.table, drivers=ROLES, settings=settings)

    def part(self, first: int, second: int) -> float:
        """The true weather's part of the change of the mean."""
        p = CALENDAR.of_year(first)
        q = CALENDAR.match[p, CALENDAR.column(second)]

        def mean(e: np.ndarray, w: np.ndarray) -> float:
            return float(np.exp(self.emissions[e] + self.weather[w]).mean())

        return ((mean(p, q) - mean(p, p)) + (mean(q, q) - mean(q, p))) / 2


def persistent(rng: np.random.Generator, memory: float) -> np.ndarray:
    values = rng.standard_normal(len(DAYS))
    for i in range(1, len(values)):
        values[i] = memory * values[i - 1] + np.sqrt(1 - memory**2) * values[i]
    return values


def planted(
    *, decline: float = 0.06, wind_trend: float = 0.0, heating: float = 0.3, noise: float = 0.2, seed: int = 0
) -> Planted:
    rng = np.random.default_rng(seed)
    wind = persistent(rng, 0.6) + wind_trend * TIME + rng.normal(0, 0.2, 5)[DAYS.year - 2014]
    temperature = persistent(rng, 0.7) - 2 * np.cos(ANGLE)
    emissions = 3.5 - decline * TIME + heating * np.cos(ANGLE)
    table = pd.DataFrame({"wind": wind, "temperature": temperature}, DAYS)
    return Planted(emissions, table, noise * persistent(rng, 0.65) - noise**2 / 2)


@pytest.fixture(scope="module")
def world() -> Planted:
    return planted()


@pytest.fixture(scope="module")
def separation(world: Planted) -> Separation:
    return world.separated()


@pytest.fixture(scope="module")
def forest(world: Planted) -> RandomForestRegressor:
    """The field's habit: a forest on the day's weather, the date and the day of the year."""
    return _forest().fit(_features(world), world.observed)


def _forest() -> RandomForestRegressor:
    return RandomForestRegressor(60, min_samples_leaf=5, max_features=2, n_jobs=1, random_state=0)


def _features(world: Planted) -> np.ndarray:
    return np.column_stack([world.table, TIME, DAYS.day_of_year])


def _read(separation: Separation, base: int = 2015) -> readings.xr.Dataset:
    read = readings.read_off(separation, CALENDAR, statistics=["mean", "p90"], base=CALENDAR.year == base)
    read = read.assign(
        held_out=("time", separation.predicted), reporting=("time", np.ones(len(DAYS))), outside_percent=1.0
    )
    return read.assign_attrs({"level": "city", "name": "A", "pollutant": "o3", "units": "ug m-3"})


def _words(name: str) -> str:
    return " ".join((ROOT / name).read_text(encoding="utf-8").split())


def test_1_weather_never_seen_is_extrapolated_and_its_share_is_printed(world, separation, forest):
    calm = world.table.iloc[:40].copy()
    calm["wind"] = world.table["wind"].min() - np.linspace(0, 1.5, 40)
    response = separation.fitted.weather.effect(calm)[30:]
    # one and a half standard deviations beyond the calmest day: -0.4 a unit, of which most is kept
    risen = response[-1] - separation.fitted.weather.effect(calm.assign(wind=calm["wind"].iloc[0]))[-1]
    assert risen == pytest.approx(0.4 * 1.5, abs=0.25)
    beyond = np.column_stack([calm, TIME[:40], DAYS.day_of_year[:40]])
    inside = np.column_stack([calm.assign(wind=world.table["wind"].min()), TIME[:40], DAYS.day_of_year[:40]])
    assert (forest.predict(beyond) == forest.predict(inside)).all()
    assert "outside_percent" in tables.SKILL
    assert scores.outside_percent(np.array([[0.0], [2.0]]), np.array([[0.0], [1.0]])) == 50


@pytest.mark.parametrize(("decline", "wind_trend"), [(0.06, 0.1), (0.0, 0.1), (0.06, 0.0)])
def test_2_parallel_trends_of_weather_and_emissions_are_told_apart(decline, wind_trend):
    world = planted(decline=decline, wind_trend=wind_trend, seed=2)
    found = counterfactual.parts(world.separated(), CALENDAR, 2014, 2018, "mean")
    low, high = counterfactual.interval(found.meteorology)
    truth = world.part(2014, 2018)
    level = world.observed.mean()
    assert low < truth < high
    # the emissions' part of four years of 6 % is 21 %: a fifth of that would be leakage
    assert abs(found.meteorology[0] - truth) < 0.04 * level


def test_3_the_season_of_the_emissions_stays_and_that_of_the_weather_goes(world, separation):
    months = pd.Series(counterfactual.normalized(separation, CALENDAR), DAYS).groupby(DAYS.month).mean()
    weather = np.exp(world.weather)
    climate = np.nanmean(np.where(CALENDAR.match >= 0, weather[CALENDAR.match], np.nan), axis=1)
    truth = pd.Series(np.exp(world.emissions) * climate, DAYS).groupby(DAYS.month).mean()
    assert np.abs(np.log(months / truth)).max() < 0.06


def test_4_whole_days_meet_the_same_calendar_day_in_their_order(separation):
    first, second = counterfactual.paired_days(separation, CALENDAR, 2014, 2017)
    assert (DAYS[first].strftime("%m-%d") == DAYS[second].strftime("%m-%d")).all()
    assert (np.diff(first) == 1).all()
    assert (np.diff(second) == 1).all()
    leap = counterfactual.paired_days(separation, CALENDAR, 2016, 2017)
    assert DAYS[leap[1][59]] == pd.Timestamp("2017-02-28")


def test_5_a_random_split_flatters_and_is_never_scored():
    # noise that persists is all there is to remember: a forest with the date knows it from the neighbours
    world = planted(noise=0.5, seed=3)
    features, target = _features(world), world.observed.to_numpy()
    random = np.random.default_rng(0).permutation(len(target)) % 6
    by_chance = [(random != fold, random == fold) for fold in range(6)]
    found = {}
    for name, splits in (("random", by_chance), ("months", held_out_months(DAYS, folds=6, purge=3))):
        predicted = np.full(len(target), np.nan)
        for train, test in splits:
            predicted[test] = _forest().fit(features[train], target[train]).predict(features[test])
        found[name] = scores.r2(target, predicted)
    assert found["random"] > found["months"] + 0.05
    ours, _ = held_out_predictions(world.observed, world.table, drivers=ROLES, settings=SETTINGS)
    assert scores.r2(target, ours) > found["months"]
    assert "held-out whole months" in tables.PROTOCOL
    sources = [path for package in (models, pipeline) for path in Path(inspect.getfile(package)).parent.rglob("*.py")]
    assert not [path for path in sources if re.search(r"train_test_split|ShuffleSplit|KFold", path.read_text("utf-8"))]


def test_6_the_size_of_the_weathers_swings_is_kept_and_its_slope_is_printed(world, separation):
    held_out, _ = held_out_predictions(world.observed, world.table, drivers=ROLES, settings=SETTINGS)
    # a slope above one says that predictions are damped; five years of days know it to 3 %
    assert scores.slope(world.observed.to_numpy(), held_out) == pytest.approx(1, abs=0.1)
    assert "slope" in tables.SKILL
    swings = np.log(separation.predicted) - separation.emissions[0]
    assert np.std(swings) / np.std(world.weather) == pytest.approx(1, abs=0.1)


def test_7_the_residual_is_printed_and_closes_the_sum(separation):
    rows = tables.attribution([_read(separation)])
    total = rows["meteorology"] + rows["emissions"] + rows["unobserved"] + rows["residual"]
    np.testing.assert_allclose(total, rows["observed_change"], atol=1e-9)
    assert (rows["residual"].abs() > 0).all()


def test_8_the_mean_of_the_predictions_is_the_mean_of_the_observations(world, separation):
    assert separation.predicted.mean() == pytest.approx(world.observed.mean(), rel=1e-9)
    naive = np.exp(np.log(world.observed)).mean() - np.exp(np.log(world.observed).mean())
    assert naive > 0  # what going back from a mean logarithm would lose


def test_9_the_normalized_series_has_no_noise_of_drawing(separation):
    found = counterfactual.normalized(separation, CALENDAR)
    day = int(np.flatnonzero(DAYS == "2016-07-14")[0])
    same_days = (DAYS.month == 7) & (DAYS.day == 14)
    everything = np.exp(separation.emissions[0, day] + separation.weather[0, same_days]).mean()
    assert found[day] == pytest.approx(everything, rel=1e-12)


def test_10_the_interaction_is_printed_and_shared_by_averaging_both_orders(separation):
    found = counterfactual.parts(separation, CALENDAR, 2014, 2018, "mean")
    p, q = counterfactual.paired_days(separation, CALENDAR, 2014, 2018)
    pp, pq, qq, qp = (
        counterfactual.statistic_of(separation, CALENDAR, e, w, "mean") for e, w in ((p, p), (p, q), (q, q), (q, p))
    )
    assert found.meteorology - found.interaction / 2 == pytest.approx(pq - pp)
    assert found.meteorology + found.interaction / 2 == pytest.approx(qq - qp)
    assert "interaction" in tables.ATTRIBUTION


@pytest.mark.parametrize(
    "caveat",
    [
        "11. **Chemical regime**",
        "13. **Weather answers to pollution**",
        "1. **No extrapolation.**",
        "a response fitted over all years is a mean of regimes",
        "part of what is called weather is then the emissions'",
    ],
)
def test_11_and_13_what_data_cannot_tell_is_said(caveat):
    assert caveat in _words("METHODS.md")


def test_11_the_response_to_weather_is_one_for_all_emissions(world, separation):
    # stated so that nobody reads it otherwise: the same weather has the same effect in every year
    table = separation.fitted.drivers
    later = table.copy()
    later.iloc[365:730] = table.iloc[:365].to_numpy()
    effect = separation.fitted.weather.effect(later)
    assert effect[365 + 60 : 730] == pytest.approx(separation.weather[0, 60:365], abs=1e-5)


def test_12_a_lockdown_in_the_base_year_moves_no_index():
    world = planted(seed=4)
    locked = (DAYS >= "2015-01-24") & (DAYS <= "2015-04-03")
    shut = replace(world, emissions=world.emissions + np.where(locked, np.log(0.6), 0.0))
    indices, ratios = [], []
    for one in (world, shut):
        read = _read(one.separated())
        yearly = tables.index([read]).query("frequency == 'year'").set_index("period")["mci"]
        indices.append(yearly.drop("2015"))
        observed = one.observed.groupby(DAYS.year).mean()
        ratios.append(100 * (observed / observed[2015]).drop(2015))
    moved = np.abs(indices[1] - indices[0]).max()
    # the base year's mean falls by a tenth; the index by what the trend fails to follow of the lockdown
    assert np.abs(ratios[1] - ratios[0]).max() > 8
    assert moved < 2


def test_14_intervals_of_blocks_are_wider_than_those_of_days_and_cities_keep_together():
    rng = np.random.default_rng(5)
    series = persistent(rng, 0.8)
    spread = {
        days: (block_weights(len(DAYS), block_days=days, members=400, seed=1) @ series / len(DAYS)).std()
        for days in (1, 14)
    }
    # by days the spread is 1 / sqrt(n); with a memory of 0.8 it is three times that, of which blocks see most
    assert spread[14] > 2 * spread[1]
    world = planted(seed=6)
    twin = _read(world.separated())
    region = readings.mean_of([twin, twin])
    widths = [np.subtract(*counterfactual.interval(read["meteorology"].to_numpy())[::-1]) for read in (twin, region)]
    # two cities that are one: the mean is known no better than either, not sqrt(2) better
    np.testing.assert_allclose(widths[1], widths[0])


def test_15_a_percentile_is_taken_of_simulated_days_in_each_year(world, separation):
    days = CALENDAR.of_year(2016)
    found = counterfactual.statistic_of(separation, CALENDAR, days, days, "p90")[0]
    observed = np.quantile(world.observed.to_numpy()[days], 0.9)
    smooth = np.quantile(separation.predicted[days], 0.9)
    of_means = np.quantile(counterfactual.normalized(separation, CALENDAR)[days], 0.9)
    assert abs(found - observed) < abs(smooth - observed) < abs(of_means - observed)
    assert abs(found / observed - 1) < 0.1


def test_all_fifteen_are_told_in_the_methods():
    text = (ROOT / "METHODS.md").read_text(encoding="utf-8").split("## Fifteen pitfalls")[1].split("\n## ")[0]
    assert re.findall(r"^(\d+)\. ", text, flags=re.MULTILINE) == [str(number) for number in range(1, 16)]
