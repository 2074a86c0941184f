"""Partial dependence: exact on every day it is taken over, flat where nothing acts, the curve that was planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models import dependence
from models.basis import Drivers
from models.dependence import Days
from models.separation import Separation, Settings, separate
from pipeline.dependence import DEPENDENCE, dependence_of, dependence_rows, dependence_table, natural
from pipeline.weather.features import base_drivers

DAYS = pd.date_range("2015-01-01", "2018-12-31")
MAIN = ("t2m", "log_wind_speed", "rh")
AFTERNOON = {"t2m": ["t2m_afternoon"]}
ROLES = Drivers(
    MAIN,
    {"lag1": ("t2m_lag1", "log_wind_speed_lag1", "rh_lag1"), "afternoon": ("t2m_afternoon",)},
    (*MAIN, "t2m_lag1", "t2m_afternoon"),
)
SETTINGS = Settings(members=4)
WIND, WARM = -0.5, 0.04
"""What is planted in the logarithm: by log wind speed, by kelvin. Relative humidity does nothing."""


def world() -> tuple[pd.Series, pd.DataFrame]:
    """An additive log-linear world of independent drivers, with days on which weather is missing."""
    rng = np.random.default_rng(0)
    warm, wind, damp = rng.standard_normal((3, len(DAYS)))
    table = pd.DataFrame({"t2m": 288 + 8 * warm, "log_wind_speed": 0.6 + 0.5 * wind, "rh": 60 + 15 * damp}, index=DAYS)
    logarithm = 3.5 + WARM * (table["t2m"] - 288) + WIND * table["log_wind_speed"]
    observed = np.exp(logarithm) * rng.gamma(50, 1 / 50, len(DAYS))
    memory = table.shift(1).bfill().add_suffix("_lag1")
    table = pd.concat([table, memory], axis=1).assign(t2m_afternoon=table["t2m"] + 5 + rng.standard_normal(len(DAYS)))
    table.iloc[500:503] = np.nan
    return observed.rename("c"), table


@pytest.fixture(scope="module")
def separation() -> Separation:
    target, table = world()
    return separate(target, table, drivers=ROLES, settings=SETTINGS)


def test_each_day_is_what_the_fitted_response_gives_when_that_day_alone_is_changed(separation):
    days = Days(separation, AFTERNOON)
    fitted, values = separation.fitted, np.array([[280.0, 0.1], [299.0, 1.4]])
    found = days.effects(["t2m", "log_wind_speed"], values)
    assert found.shape == (len(days.positions), 2, 1 + SETTINGS.members)
    for k in (0, 57, int(np.searchsorted(days.positions, 504)), len(days.positions) - 1):
        for g, (warm, wind) in enumerate(values):
            table, day = fitted.drivers.copy(), DAYS[days.positions[k]]
            table.loc[day, "t2m_afternoon"] += warm - table.loc[day, "t2m"]
            table.loc[day, ["t2m", "log_wind_speed"]] = warm, wind
            np.testing.assert_allclose(found[k, g], fitted.weather.effects(table)[:, days.positions[k]], atol=1e-9)


def test_days_at_their_own_values_are_the_separation(separation):
    days = Days(separation, {})
    own = separation.fitted.drivers["rh"].to_numpy()[days.positions]
    found = days.effects(["rh"], own[:, None])
    diagonal = found[np.arange(len(own)), np.arange(len(own))]
    np.testing.assert_allclose(diagonal.T, separation.weather[:, days.positions], atol=1e-9)


def test_the_mean_over_all_values_that_there_were_keeps_a_driver_without_effect_at_the_mean_prediction(separation):
    values = separation.fitted.drivers["rh"].dropna().to_numpy()[::20]
    found = dependence.one_way(separation, "rh", values)[0].mean()
    chosen = dependence.chosen_days(separation)
    # rh neither acts nor goes with what does: what is left is the fit's noise, within its members' spread
    spread = dependence.one_way(separation, "rh", values).mean(axis=1)[1:].std(ddof=1)
    assert found == pytest.approx(separation.predicted[chosen].mean(), abs=4 * spread)


def test_a_driver_without_effect_is_flat_within_its_interval(separation):
    grid = dependence.grids_of(separation)["rh"]
    curves = dependence.one_way(separation, "rh", grid)
    steps = np.log(curves[:, -1] / curves[:, 0])
    assert abs(steps[0]) < 4 * steps[1:].std(ddof=1)
    acting = np.log(dependence.one_way(separation, "log_wind_speed", dependence.grids_of(separation)["log_wind_speed"]))
    assert abs(steps[0]) < 0.1 * abs(acting[0, -1] - acting[0, 0])


def test_a_log_linear_world_gives_the_planted_curve_up_to_a_factor(separation):
    grid = dependence.grids_of(separation)["log_wind_speed"]
    found = np.log(dependence.one_way(separation, "log_wind_speed", grid)[0])
    slope, _ = np.polyfit(grid, found, 1)
    assert slope == pytest.approx(WIND, rel=0.05)
    bend = np.abs(found - np.polyval(np.polyfit(grid, found, 1), grid)).max()
    assert bend < 0.05 * np.ptp(found)


def test_companions_move_with_the_day(separation):
    """The afternoon goes with the day: alone either would carry only a part of what was planted."""
    grid = dependence.grids_of(separation)["t2m"]
    found = np.log(dependence.one_way(separation, "t2m", grid, companions=AFTERNOON["t2m"])[0])
    assert np.polyfit(grid, found, 1)[0] == pytest.approx(WARM, rel=0.05)


def test_two_way_of_an_additive_world_is_the_product_of_its_curves(separation):
    grids = dependence.grids_of(separation, 5)
    pair = (grids["t2m"], grids["log_wind_speed"])
    both = np.log(dependence.two_way(separation, "t2m", "log_wind_speed", pair, companions=AFTERNOON))
    additive = both.mean(axis=1, keepdims=True) + both.mean(axis=0) - both.mean()
    assert np.abs(both - additive).max() < 0.05 * np.ptp(both)


def test_two_way_is_the_same_in_either_order(separation):
    grids = dependence.grids_of(separation, 4)
    damp, wind = grids["rh"], grids["log_wind_speed"]
    surface = dependence.two_way(separation, "rh", "log_wind_speed", (damp, wind))
    np.testing.assert_allclose(surface, dependence.two_way(separation, "log_wind_speed", "rh", (wind, damp)).T)


def test_the_strongest_pair_is_that_of_the_drivers_that_act(separation):
    found = dependence_of(separation)
    assert {found["joint_first"].attrs["driver"], found["joint_second"].attrs["driver"]} == {"t2m", "log_wind_speed"}


def test_days_are_chosen_evenly_and_never_without_weather(separation):
    chosen = dependence.chosen_days(separation)
    assert len(chosen) == dependence.DAYS
    assert np.isfinite(separation.weather[0, chosen]).all()
    assert set(np.diff(chosen)) <= {3, 4, 6, 7}  # 1461 days by 400, and the gap of three days
    assert len(dependence.chosen_days(separation, 10**6)) == len(DAYS) - 3 - dependence.BEFORE


def test_days_near_are_counted_within_a_step():
    table = pd.DataFrame({"a": [0.0, 1.0, 1.4, np.nan], "b": [0.0, 5.0, 5.0, 5.0]})
    grid = np.array([0.0, 1.0, 2.0])
    assert dependence.days_near(table, {"a": grid}).tolist() == [2, 3, 2]
    joint = dependence.days_near(table, {"a": grid, "b": np.array([0.0, 4.0])})
    assert joint.tolist() == [[1, 1 + 1], [1, 2 + 1], [0, 2]]


def test_a_separation_without_its_model_has_no_dependence(separation):
    bare = replace(separation, fitted=None)
    assert not dependence_of(bare).data_vars
    with pytest.raises(ValueError, match="without"):
        dependence.one_way(bare, "rh", np.array([50.0]))
    with pytest.raises(KeyError):
        dependence.one_way(separation, "fog", np.array([1.0]))


@pytest.mark.parametrize(("name", "values"), [("blh", [50.0, 900.0]), ("wind_speed", [0.2, 4.0]), ("tp", [0.0, 12.0])])
def test_natural_values_undo_the_scale_on_which_a_driver_acts(name, values):
    frame = base_drivers(pd.DataFrame({name: values}))
    assert natural(f"log_{name}", frame[f"log_{name}"].to_numpy()) == pytest.approx(values)


def test_natural_values_of_other_drivers_are_their_own():
    assert natural("t2m", np.array([280.0])) == pytest.approx(280)


def test_the_table_has_a_row_for_every_driver_and_value_in_natural_units(separation):
    readings = dependence_of(separation).assign_attrs(level="city", name="C", pollutant="pm25", units="ug m-3")
    frame = dependence_rows(readings)
    assert tuple(frame.columns) == DEPENDENCE
    assert len(frame) == len(MAIN) * dependence.POINTS
    wind = frame[frame["driver"] == "wind_speed"]
    assert (wind["value_units"] == "m s-1").all()
    assert wind["concentration"].is_monotonic_decreasing
    assert (frame["concentration_low"] > 0).all()
    assert (frame["concentration_low"] <= frame["concentration"]).all()
    assert (frame["concentration"] <= frame["concentration_high"]).all()
    region = readings.drop_dims(["driver", "grid"]).assign_attrs(level="region", name="R")
    assert dependence_rows(region).empty
    pd.testing.assert_frame_equal(dependence_table([region, readings]), frame)
    assert tuple(dependence_table([region]).columns) == DEPENDENCE
