"""The sample world's files: the formats of the real ones, and hours that add up to the physics' days."""

from __future__ import annotations

import csv
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.ingest import ingest
from pipeline.config import load
from pipeline.daily import daily, inputs
from pipeline.errors import ContractError
from pipeline.sample_world import Paths, SampleWorld, sample_world, write, write_observations, write_truth
from pipeline.vocabulary import GAS_FACTOR
from pipeline.worlds.archive import hourly_from_mda8, hourly_from_mean
from pipeline.worlds.climates import COASTAL_SOUTH
from pipeline.worlds.hours import HOUR, hourly_weather, local_days
from pipeline.worlds.sample_observations import OUTLIERS, station_days, station_factors
from pipeline.worlds.sample_places import REGIONS, city_name, layout
from pipeline.worlds.sample_weather import LEAD
from pipeline.worlds.weather import simulate

ROUNDING = 0.5  # files hold whole micrograms; a mean of rounded values is off by no more than one of them


@pytest.fixture(scope="module")
def world() -> SampleWorld:
    # four years hold 2018-09-01
    return sample_world(seed=5, years=4, stations_per_city=2, cities=(1, 2, 1))


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    folder = tmp_path_factory.mktemp("sample_world")
    return write(folder, seed=5, years=4, stations_per_city=2, cities=(1, 2, 1), draws=2)


@pytest.fixture(scope="module")
def archive(paths: Paths) -> pd.DataFrame:
    """All rows of all files: index (type, time), a column per station."""
    frames = [pd.read_csv(path) for path in sorted(paths.observations.glob("china_sites_*.csv"))]
    rows = pd.concat(frames)
    time = pd.to_datetime(rows["date"].astype(str)) + pd.to_timedelta(rows["hour"], unit="h")
    return rows.assign(time=time).drop(columns=["date", "hour"]).set_index(["type", "time"])


@pytest.fixture(scope="module")
def era5(paths: Paths) -> dict[str, xr.Dataset]:
    return {
        step: xr.concat(
            [xr.load_dataset(path) for path in sorted(paths.weather.glob(f"*_stepType-{step}.nc"))],
            "valid_time",
        )
        for step in ("instant", "accum")
    }


def complete_days(hours: pd.DataFrame) -> tuple[np.ndarray, pd.DatetimeIndex]:
    """Hours 01 to 24 of each day: (day, 24, station), NaN where nothing was reported."""
    days = pd.date_range("2015-01-01", "2018-12-31")
    axis = pd.date_range(days[0] + pd.Timedelta(hours=1), periods=24 * len(days), freq="h")
    return hours.reindex(axis).to_numpy().reshape(len(days), 24, -1), days


def slow_mda8(hours: np.ndarray) -> float:
    return max(float(hours[end - 8 : end].mean()) for end in range(8, 25))


# --- hours and days


@pytest.mark.slow
def test_a_run_that_reads_the_archive_has_the_same_days_and_the_same_rejections(paths: Paths, tmp_path: Path) -> None:
    folder = tmp_path / "archive.zarr"
    from_files = load(paths.config)
    ingest(from_files.observations, folder, utc_offset=from_files.utc_offset)
    from_archive = load(paths.config, [f"archive={folder}"])
    assert folder / "ledger.sqlite" in inputs(from_archive)
    direct, grown = daily(from_files), daily(from_archive)
    xr.testing.assert_allclose(direct.observations, grown.observations, rtol=1e-6)  # the archive is in single precision
    assert direct.ozone_of_city_hours is not None
    assert grown.ozone_of_city_hours is not None
    xr.testing.assert_allclose(direct.ozone_of_city_hours, grown.ozone_of_city_hours, rtol=1e-6)
    assert list(direct.ozone_of_city_hours["place"].to_numpy()) == direct.places.cities
    pd.testing.assert_frame_equal(direct.quality[["rule", "values"]], grown.quality[["rule", "values"]])


def test_the_24_hours_of_a_day_have_the_mean_of_the_physics(world: SampleWorld, archive: pd.DataFrame) -> None:
    hours, _ = complete_days(archive.loc["PM2.5"])
    truth = station_days(world.places, list(world.worlds.values()), seed=5)["pm25"].values.T
    whole = np.isfinite(hours).all(axis=1) & (hours.max(axis=1) < OUTLIERS["PM2.5"])
    assert whole.mean() > 0.5
    error = np.abs(hours.mean(axis=1) - truth)[whole]
    assert error.max() <= ROUNDING
    assert error.mean() < 0.2  # sqrt(1 / 12 / 24) = 0.06 and the floor of 1


def test_the_highest_8_hours_are_those_of_the_physics_at_298_kelvin(world: SampleWorld, archive: pd.DataFrame) -> None:
    hours, days = complete_days(archive.loc["O3"])
    truth = station_days(world.places, list(world.worlds.values()), seed=5)["o3"].values.T
    reported = np.where((days < "2018-09-01")[:, None], truth / GAS_FACTOR, truth)
    whole = np.argwhere(np.isfinite(hours).all(axis=1) & (hours.max(axis=1) < OUTLIERS["O3"]))
    assert len(whole) > 0.5 * truth.size
    for day, station in whole[::7]:
        assert slow_mda8(hours[day, :, station]) == pytest.approx(reported[day, station], abs=ROUNDING + 1e-9)


@given(
    daily=st.lists(st.floats(1, 500), min_size=2, max_size=40),
    seed=st.integers(0, 2**32 - 1),
)
def test_hours_add_up_to_any_days(daily: list[float], seed: int) -> None:
    values = np.array(daily)
    mean = hourly_from_mean(values, np.random.default_rng(seed)).reshape(-1, 24)
    np.testing.assert_allclose(mean.mean(axis=1), values, rtol=1e-10)
    assert (mean > 0).all()
    ozone = hourly_from_mda8(values, np.random.default_rng(seed)).reshape(-1, 24)
    np.testing.assert_allclose([slow_mda8(day) for day in ozone], values, rtol=1e-10)
    assert (ozone > 0).all()


def test_ozone_peaks_in_the_afternoon_and_the_sun_at_noon() -> None:
    ozone = hourly_from_mda8(np.full(300, 100.0), np.random.default_rng(0)).reshape(-1, 24).mean(axis=0)
    assert HOUR[ozone.argmax()] in (15, 16)
    days = pd.date_range("2015-01-01", "2015-12-31", name="day")
    weather = hourly_weather(simulate(COASTAL_SOUTH, days, seed=1), COASTAL_SOUTH, seed=1)
    course = {name: values.reshape(-1, 24).mean(axis=0) for name, values in weather.items()}
    assert HOUR[course["ssrd"].argmax()] in (12, 13)
    assert course["ssrd"][:5].max() == 0
    assert HOUR[course["t2m"].argmax()] == 15
    assert HOUR[course["blh"].argmax()] in (14, 15)


def test_hourly_weather_follows_the_daily_and_keeps_its_rain_and_sunshine() -> None:
    days = pd.date_range("2015-01-01", "2016-12-31", name="day")
    daily = simulate(COASTAL_SOUTH, days, seed=1)
    again = local_days(hourly_weather(daily, COASTAL_SOUTH, seed=1), days)
    np.testing.assert_allclose(again["tp"], daily["tp"], atol=24 * 1000 * 2.0**-23)  # half a step an hour
    np.testing.assert_allclose(again["ssrd"], daily["ssrd"], atol=32 / 3600)
    for name in ("t2m", "tmax", "tmin", "d2m", "u10", "v10", "msl", "blh", "tcc"):
        assert again[name].corr(daily[name]) > 0.95, name
    assert (again["tmin"] <= again["t2m"]).all()
    assert (again["t2m"] <= again["tmax"]).all()


# --- the archive's files


def test_files_are_named_by_their_day_and_hold_its_hours_0_to_23(paths: Paths) -> None:
    with (paths.observations / "china_sites_20160229.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["date", "hour", "type", *pd.read_csv(paths.stations)["station"]]
    assert {row[0] for row in rows} == {"20160229"}
    assert {int(row[1]) for row in rows} <= set(range(24))
    assert {row[2] for row in rows} == {"PM2.5", "PM2.5_24h", "NO2", "O3", "O3_8h"}
    # labels end their hour: the last day's 24th hour is hour 0 of the next file
    last = pd.read_csv(max(paths.observations.glob("*.csv")))
    assert set(last["date"]) == {20190101}
    assert set(last["hour"]) == {0}


def test_gases_step_down_when_their_reference_changes(world: SampleWorld, archive: pd.DataFrame) -> None:
    truth = station_days(world.places, list(world.worlds.values()), seed=5)["no2"].values.T
    hours, days = complete_days(archive.loc["NO2"])
    whole = np.isfinite(hours).all(axis=1)
    for chosen, factor in ((days < "2018-09-01", GAS_FACTOR), (days >= "2018-09-01", 1.0)):
        rows = whole & chosen[:, None]
        assert (factor * hours.mean(axis=1)[rows]).mean() == pytest.approx(truth[rows].mean(), rel=0.005)


def test_the_archive_has_the_dirt_of_the_real_one(paths: Paths, archive: pd.DataFrame) -> None:
    text = (paths.observations / "china_sites_20170101.csv").read_text()
    assert ",," in "".join(path.read_text() for path in sorted(paths.observations.glob("china_sites_2017*.csv")))
    assert "nan" not in text
    pm25 = archive.loc["PM2.5"]
    assert 0.01 < pm25.isna().to_numpy().mean() < 0.08
    assert (pm25 == OUTLIERS["PM2.5"]).to_numpy().sum() == 1
    assert 1 <= 1462 - len(list(paths.observations.iterdir())) <= 5  # whole files are lost
    assert 1462 * 24 - 23 - len(pm25) > 24 * 4  # and single hours


# --- the weather's files


def test_files_speak_the_new_dialect(paths: Paths, era5: dict[str, xr.Dataset]) -> None:
    assert len(list(paths.weather.iterdir())) == 2 * 5  # 2014-12-21 UTC to 2018-12-31
    for step, dataset in era5.items():
        assert set(dataset["expver"].values) == {"0001"}
        assert dataset["number"].ndim == 0
        assert (np.diff(dataset["latitude"]) < 0).all()
        assert dataset["latitude"].dtype == dataset["longitude"].dtype == np.float64
        assert (np.diff(dataset["valid_time"]) == np.timedelta64(1, "h")).all()
        assert {dataset[name].attrs["GRIB_stepType"] for name in dataset.data_vars} == {step}
        assert all(dataset[name].dtype == np.float32 for name in dataset.data_vars)
    assert era5["accum"]["tp"].attrs["units"] == "m"
    assert era5["accum"]["ssrd"].attrs["units"] == "J m**-2"


def test_local_days_of_the_files_are_the_weather_the_physics_saw(
    world: SampleWorld, era5: dict[str, xr.Dataset]
) -> None:
    for region in world.worlds.values():
        for city in region.places:
            row, column = world.places.cell[city]
            hourly = {
                str(name): dataset[name][:, row, column].to_series()
                for dataset in era5.values()
                for name in dataset.data_vars
            }
            # the hour that ends at 16 UTC is the 24th of the day at UTC+8
            frame = pd.DataFrame(hourly).astype(float)
            frame.index = (frame.index + pd.Timedelta(hours=7)).floor("D")
            groups = frame.groupby(level=0)
            daily = groups.mean().assign(
                tmax=groups["t2m"].max(),
                tmin=groups["t2m"].min(),
                tp=1000 * groups["tp"].sum(),
                ssrd=groups["ssrd"].mean() / 3600,
            )
            seen = region.weather_frame(city)
            expected = daily.loc[seen.index, seen.columns]
            np.testing.assert_allclose(seen.to_numpy(), expected.to_numpy(), rtol=2e-7)  # files are float32
            assert daily.index[0] == seen.index[0] - pd.Timedelta(days=LEAD)


# --- the places, the config, the truth


def test_the_config_is_valid_and_leads_to_the_files(paths: Paths) -> None:
    config = load(paths.config)
    assert config.observations.path == paths.observations
    assert config.weather.path == paths.weather  # type: ignore[union-attr]
    assert [str(day) for day in config.base_period] == ["2015-01-01", "2015-12-31"]
    regions = yaml.safe_load(paths.regions.read_text())
    stations = pd.read_csv(paths.stations)
    assert list(stations.columns) == ["station", "name", "city", "latitude", "longitude"]
    assert set(stations["city"]) == {city for cities in regions.values() for city in cities}
    assert list(regions) == [region.name for region in REGIONS]


def test_stations_lie_on_the_grid(paths: Paths, era5: dict[str, xr.Dataset]) -> None:
    stations, grid = pd.read_csv(paths.stations), era5["instant"]
    assert stations["latitude"].between(grid["latitude"].min().item(), grid["latitude"].max().item()).all()
    assert stations["longitude"].between(grid["longitude"].min().item(), grid["longitude"].max().item()).all()
    assert not stations.duplicated(["latitude", "longitude"]).any()


def test_a_citys_stations_average_to_the_city(world: SampleWorld) -> None:
    factors = station_factors(world.places, seed=5)
    mean = world.places.stations.assign(factor=world.places.stations["station"].map(factors))
    np.testing.assert_allclose(mean.groupby("city")["factor"].mean(), 1, rtol=1e-12)


def test_the_truth_is_that_of_the_worlds(world: SampleWorld, paths: Paths) -> None:
    truth = xr.load_dataset(paths.truth)
    assert truth["counterfactual"].dims == (
        "name", "pollutant", "statistic", "emission_period", "weather_period",
    )  # fmt: skip
    assert list(truth["emission_period"].values) == [2015, 2016, 2017, 2018]
    for region, of_region in world.worlds.items():
        names = truth["name"][truth["region"] == region].values
        assert list(names) == of_region.places
        chosen = truth.sel(name=names, pollutant="o3")
        expected = of_region.truth("o3", "p90", draws=2).values
        np.testing.assert_array_equal(chosen["counterfactual"].sel(statistic="p90"), expected)
        np.testing.assert_array_equal(chosen["concentration"], of_region.actual["o3"])
    assert truth["counterfactual"].sel(pollutant="pm25", statistic="p90").isnull().all()
    for frequency in ("year", "month", "week"):
        base = truth[f"mci_{frequency}"].sel({frequency: slice("2015-01-01", "2015-12-24")})
        np.testing.assert_allclose(base, 100, rtol=1e-12)
    assert (truth["intervention_effect"].sel(pollutant="pm25") < -15).all()


def test_a_seed_writes_the_same_files(world: SampleWorld, paths: Paths, tmp_path: Path) -> None:
    again = write_observations(world, tmp_path / "again")
    assert [path.name for path in again] == [path.name for path in sorted(paths.observations.iterdir())]
    for path in again[::50]:
        assert path.read_bytes() == (paths.observations / path.name).read_bytes()
    truth = write_truth(world, tmp_path / "truth.nc", draws=2)
    xr.testing.assert_identical(xr.load_dataset(truth), xr.load_dataset(paths.truth))


def test_nothing_half_written_is_left(paths: Paths) -> None:
    assert all(path.exists() for path in astuple(paths))
    assert not list(paths.config.parent.rglob("*.part"))


def test_the_size_is_ones_own_choice() -> None:
    places = layout((2, 3, 1), 4)
    assert len(places.stations) == 4 * 6
    assert [len(cities) for cities in places.cities.values()] == [2, 3, 1]
    assert len({city_name(number)[0] for number in range(400)}) == 400
    assert len({city_name(number)[1] for number in range(400)}) == 400


@pytest.mark.parametrize(("cities", "stations"), [((1, 2), 1), ((1, 0, 1), 1), ((1, 1, 1), 0)])
def test_a_world_without_a_region_a_city_or_a_station_is_refused(cities: tuple[int, ...], stations: int) -> None:
    with pytest.raises(ContractError, match="one per region"):
        layout(cities, stations)


def test_the_cities_are_in_no_list_of_real_ones(shared_data: Path) -> None:
    listed = (shared_data / "regions" / "cities_339.csv").read_text(encoding="utf-8-sig")
    assert not [name for number in range(144) if (name := city_name(number)[1]) in listed]
