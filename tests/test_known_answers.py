"""London Marylebone Road, daily NO2: what rmweather, the field's reference in R, made of the same file.

`../shared/data/README.md` says how: rmweather 0.2.63, 300 trees, weather resampled alone, 100 draws a day.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from small_world import tianbang

RMWEATHER_R2 = 0.769
"""Of rmweather on a fifth of the days drawn at random, whose neighbours it had seen: an easier test than ours."""
AGREEMENT = 0.72
"""Correlation of the monthly effects of the weather by two methods, at best, in Xiao et al. (2021), ACP 21, 9475."""


def config(data: Path, first: int, last: int) -> dict[str, Any]:
    """The file as it is: long, with other names and units; its weather beside the observations."""
    path = str(data / "london" / "data_london.csv.gz")
    theirs = {"station": "site", "time": "date"}
    weather = {"t2m": "air_temp", "msl": "atmospheric_pressure", "wind_speed": "ws", "wind_direction": "wd"}
    return {
        "name": "london",
        "period": [f"{first}-01-01", f"{last}-12-31"],
        "base_period": [f"{first}-01-01", f"{first}-12-31"],
        "utc_offset": 0,
        "pollutants": ["no2"],
        "observations": {"reader": "table", "path": path, "resolution": "day", "columns": theirs},
        "weather": {
            "source": "table",
            "path": path,
            "resolution": "day",
            "columns": {**theirs, **weather},
            "units": {"t2m": "degC", "msl": "hPa"},
        },
        "levels": ["city"],
        "languages": ["en"],
        "model": {"members": 4},
    }


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((2008, 2011), id="4 years"),
        pytest.param((1998, 2017), id="20 years", marks=pytest.mark.slow),
    ],
)
def run(
    request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, int]:
    """The folder of a run over some years, and how many they are."""
    first, last = request.param
    folder = tmp_path_factory.mktemp("london")
    path = folder / "config.yml"
    path.write_text(yaml.safe_dump(config(shared_data, first, last)))
    outcome = tianbang("run", path, "--out", folder / "run")
    assert outcome.code == 0, outcome.err
    return folder / "run", last - first + 1


@pytest.fixture(scope="module")
def series(run: tuple[Path, int], shared_data: Path) -> pd.DataFrame:
    """Observed, predicted, normalized and rmweather's normalized, days where all are known."""
    with xr.open_dataset(run[0] / "normalized.nc") as data:
        ours = data.sel(name="city:gb0682a", pollutant="no2").to_dataframe()[["observed", "predicted", "normalized"]]
    theirs = pd.read_csv(shared_data / "london" / "rmweather_normalised_metonly_n100.csv.gz")
    days = pd.to_datetime(theirs["date"]).dt.tz_localize(None)
    return ours.assign(rmweather=theirs.set_axis(days, axis=0)["value_predict"]).dropna()


def test_the_long_table_is_read_as_it_stands(run: tuple[Path, int], shared_data: Path) -> None:
    raw = pd.read_csv(shared_data / "london" / "data_london.csv.gz")
    raw = raw[raw["variable"] == "no2"].set_index(pd.to_datetime(raw.loc[raw["variable"] == "no2", "date"].str[:10]))
    with xr.open_dataset(run[0] / "daily" / "observations.nc") as data:
        found = data["no2"].sel(station="gb0682a").to_series()
    np.testing.assert_array_equal(found, raw["value"].reindex(found.index))
    with xr.open_dataset(run[0] / "daily" / "weather.nc") as data:
        assert {"t2m", "msl", "rh", "wind_speed", "u10", "v10"} == set(data.data_vars)
        np.testing.assert_allclose(data["t2m"][0] - 273.15, raw["air_temp"].reindex(found.index), atol=1e-9)


def test_held_out_months_are_predicted_about_as_well_as_random_days_by_rmweather(run: tuple[Path, int]) -> None:
    skill = pd.read_csv(run[0] / "tables" / "skill.csv").iloc[0]
    assert skill["r2"] > RMWEATHER_R2 - 0.05  # what the harder protocol may cost
    assert skill["slope"] == pytest.approx(1, abs=0.05)
    assert abs(skill["bias"]) < 0.02 * 96  # of the mean concentration, ug m-3


def test_both_methods_see_the_same_weather(series: pd.DataFrame) -> None:
    monthly = series.resample("MS").mean().dropna()
    ours, theirs = monthly["observed"] - monthly["normalized"], monthly["observed"] - monthly["rmweather"]
    assert np.corrcoef(ours, theirs)[0, 1] > AGREEMENT


def test_both_methods_see_the_same_change_of_emissions(run: tuple[Path, int], series: pd.DataFrame) -> None:
    annual = series.resample("YS").mean()
    assert len(annual) == run[1]
    error = annual["normalized"] - annual["rmweather"]
    # a forest lags behind changes and is drawn to the mean: of annual means, less than a twentieth
    assert error.abs().mean() < 0.05 * annual["rmweather"].mean()
    assert np.corrcoef(annual["normalized"], annual["rmweather"])[0, 1] > 0.9
