"""`weather: {source: era5}` without a path: a run fetches what it needs by itself, once."""

import datetime
import json

import numpy as np
import pandas as pd
import pytest
import small_world
import xarray as xr
from loopback.cds_server import KEY, CdsServer
from loopback.era5_files import dataset, truth
from pydantic import ValidationError

from era5_fetch.cache import Cache
from era5_fetch.lexicon import variable
from era5_fetch.places import Points
from era5_fetch.store import PlaceStore
from pipeline.config import load
from pipeline.daily import weather_of_days
from pipeline.errors import ConfigError, InputError
from pipeline.events import left_out
from pipeline.weather import era5, features, published

VARIABLES = ["2m_temperature", "u10", "v10", "blh", "tp"]
PERIOD = (datetime.date(2021, 1, 1), datetime.date(2021, 4, 10))
STATIONS = small_world.STATIONS.set_index("station")


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A CDS whose address and key stand where the clients look for them."""
    for name in ("CDSAPI_KEY", "CDSAPI_URL", "ECMWF_DATASTORES_KEY", "ECMWF_DATASTORES_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with CdsServer() as made:
        (tmp_path / ".cdsapirc").write_text(f"url: {made.url}\nkey: {KEY}\n")
        yield made


def options(folder, **keys) -> era5.Options:
    return era5.Options.model_validate(
        {"source": "era5", "variables": VARIABLES, "cache": "cache", "method": "nearest"} | keys,
        context={"folder": folder},
    )


def read(chosen: era5.Options, period=PERIOD) -> xr.Dataset:
    return era5.read(chosen, observations=None, stations=STATIONS, period=period, utc_offset=8)


def planted(name: str, station: str, local: pd.DatetimeIndex) -> np.ndarray:
    """What the server's files hold in the cell of a station, at local times."""
    row = STATIONS.loc[station]
    cell = (np.array([round(row["latitude"] * 4) / 4]), np.array([round(row["longitude"] * 4) / 4]))
    return truth(name, local - pd.Timedelta(hours=8), *cell)[:, 0, 0]


def test_weather_that_is_fetched_is_that_of_the_stations_at_local_time(server, tmp_path):
    period = (datetime.date(2021, 1, 30), datetime.date(2021, 2, 2))
    found = read(options(tmp_path), period)
    times = pd.DatetimeIndex(found["time"].values)
    assert times[[0, -1]].tolist() == [pd.Timestamp("2021-01-30 01:00"), pd.Timestamp("2021-02-03 00:00")]
    for name in ("t2m", "tp", "blh"):
        for station in STATIONS.index:
            values = planted(name, station, times)
            # float32 in the file, after a unit conversion for what accumulates: two roundings
            assert np.allclose(found[name].sel(station=station), values, rtol=4 * np.finfo("f4").eps, atol=0), name


def test_a_second_run_needs_neither_network_nor_key(server, tmp_path, monkeypatch):
    period = (datetime.date(2021, 1, 30), datetime.date(2021, 2, 2))
    first = read(options(tmp_path), period)
    asked = len(server.log)
    (tmp_path / ".cdsapirc").unlink()
    xr.testing.assert_identical(read(options(tmp_path), period), first)
    held = {entry.path: entry.sha256 for entry in Cache(tmp_path / "cache").files()}
    assert first.attrs["fetched"] == held
    assert len(held) > 1
    assert len(server.log) == asked
    with pytest.raises(InputError, match="no key for the CDS"):
        read(options(tmp_path), (period[0], datetime.date(2021, 3, 1)))


def test_the_cells_around_stations_are_fetched_with_them(server, tmp_path):
    period = (datetime.date(2021, 1, 30), datetime.date(2021, 1, 30))
    found = read(options(tmp_path, variables=["t2m", "t2m_mean_9x9", "msl_gradient_east_5x5"]), period)
    assert set(found.data_vars) == {"t2m", "t2m_mean_9x9", "msl_gradient_east_5x5"}
    assert all(bool(field.notnull().all()) for field in found.data_vars.values())


@pytest.mark.slow
def test_a_run_fetches_its_weather_and_is_done_when_nothing_is_new(server, tmp_path):
    changes = {
        "period": [*map(str, PERIOD)],
        "base_period": [*map(str, PERIOD)],
        "weather": {"source": "era5", "cache": "cache", "variables": VARIABLES},
        "model": {"members": 2, "minimum_days": 90},
    }
    config = small_world.write(tmp_path, changes)
    outcome = small_world.tianbang("run", config, "--out", tmp_path / "run")
    assert outcome.code == 0, outcome.err
    assert KEY not in outcome.err + outcome.out
    assert len(server.posts) == len({str(inputs) for inputs in server.posts})
    assert Cache(tmp_path / "cache").damaged() == []
    with xr.open_dataset(tmp_path / "run" / "daily" / "weather.nc") as daily:
        day = pd.date_range("2021-02-03 01:00", periods=24, freq="h")
        mean = planted_bilinear("t2m", "E1", day)
        assert float(daily["t2m"].sel(station="E1", time="2021-02-03")) == pytest.approx(mean, rel=1e-5)
    manifest = json.loads((tmp_path / "run" / "manifests" / "daily" / "weather.nc.json").read_text())
    held = {entry.path: entry.sha256 for entry in Cache(tmp_path / "cache").files()}
    assert held
    assert held.items() <= manifest["inputs"].items()
    asked = len(server.log)
    assert "nothing to do" in small_world.tianbang("run", config, "--out", tmp_path / "run").err
    assert len(server.log) == asked


def planted_bilinear(name: str, station: str, local: pd.DatetimeIndex) -> float:
    """The mean of what is planted at a station, between the four cells around it."""
    row = STATIONS.loc[station]
    south, west = (np.floor(row[axis] * 4) / 4 for axis in ("latitude", "longitude"))
    up, right = (row["latitude"] - south) * 4, (row["longitude"] - west) * 4
    corners = truth(name, local - pd.Timedelta(hours=8), np.array([south, south + 0.25]), np.array([west, west + 0.25]))
    weights = np.outer([1 - up, up], [1 - right, right])
    return float((corners * weights).sum(axis=(1, 2)).mean())


def test_a_store_of_places_is_weather_by_its_path(tmp_path):
    hours = pd.date_range("2021-01-29", "2021-02-02 23:00", freq="h")
    raw = dataset({"variable": ["2m_temperature"], "area": [32, 114, 30, 116]}, times=hours)
    raw.to_netcdf(tmp_path / "a.nc", engine="netcdf4")
    points = Points(STATIONS[["latitude", "longitude"]], "nearest")
    PlaceStore(tmp_path / "stations.zarr").update([tmp_path / "a.nc"], ["t2m"], points)
    chosen = era5.Options.model_validate(
        {"source": "era5", "path": "stations.zarr", "variables": ["t2m"], "method": "nearest"},
        context={"folder": tmp_path},
    )
    assert era5.inputs(chosen, None) == [tmp_path / "stations.zarr" / "zarr.json"]
    found = read(chosen, (datetime.date(2021, 1, 30), datetime.date(2021, 1, 31)))
    times = pd.DatetimeIndex(found["time"].values)
    assert np.allclose(found["t2m"].sel(station="W1"), planted("t2m", "W1", times), rtol=4 * np.finfo("f4").eps)


def test_a_folder_of_single_and_pressure_levels_tells_of_every_event(tmp_path):
    hours = pd.date_range("2021-01-29", "2021-02-02 23:00", freq="h")
    single = {"variable": ["2m_temperature", "10m_u_component_of_wind", "10m_v_component_of_wind"]}
    others = {"variable": ["total_precipitation", "surface_solar_radiation_downwards"]}
    levels = {"variable": ["temperature", "u_component_of_wind", "v_component_of_wind", "vertical_velocity"]}
    asked = {"a": single, "b": others, "c": levels | {"pressure_level": ["500", "850", "925"]}}
    for file, inputs in asked.items():
        dataset(inputs | {"area": [32, 114, 30, 116]}, times=hours).to_netcdf(tmp_path / f"{file}.nc", engine="netcdf4")
    names = ["t2m", "u10", "v10", "tp", "ssrd", "t850", "t925", "u500", "v500", "w500"]
    chosen = era5.Options.model_validate(
        {"source": "era5", "path": ".", "variables": names, "method": "nearest"}, context={"folder": tmp_path}
    )
    found = read(chosen, (datetime.date(2021, 1, 30), datetime.date(2021, 2, 1)))
    times = pd.DatetimeIndex(found["time"].values)
    for name in ("t2m", "t850", "t925", "u500", "w500"):
        # beside float32 in the file: relative to the range, for values near zero
        tolerance = 4 * np.finfo("f4").eps * max(map(abs, variable(name).plausible))
        assert np.allclose(found[name].sel(station="W1"), planted(name, "W1", times), rtol=0, atol=tolerance), name
    assert left_out([str(name) for name in features.daily(found)]) == []
    assert left_out([str(name) for name in features.daily(found.drop_vars("t850"))]) != []


def test_what_is_there_every_six_hours_has_no_days_and_a_note_says_so(tmp_path):
    hours = pd.date_range("2021-01-29", "2021-02-02 23:00", freq="h")
    area = {"area": [32, 114, 30, 116]}
    dataset({"variable": ["2m_temperature"]} | area, times=hours).to_netcdf(tmp_path / "a.nc")
    aloft = {"variable": ["temperature"], "pressure_level": ["850"]} | area
    dataset(aloft, times=hours[::6]).to_netcdf(tmp_path / "b.nc")
    config = small_world.write(tmp_path, {"weather": {"source": "era5", "path": "*.nc", "variables": ["t2m", "t850"]}})
    found, notes = weather_of_days(load(config), STATIONS, pd.date_range("2021-01-30", "2021-02-01", unit="ns"))
    assert bool(found["t2m"].notnull().all())
    assert bool(found["t850"].isnull().all())
    assert [note for note in notes if "t850" in note] == [
        "weather: t850: no day has the 18 hours that a day's value needs; not used"
    ]


def test_a_run_is_stale_while_hours_are_still_to_be_published(tmp_path):
    def at(day: int) -> str:
        return era5.published(options(tmp_path), PERIOD, today=datetime.date(2021, 4, day))

    assert at(10) != at(11)
    assert at(15) == at(16) == "published to 2021-04-10"
    assert options(tmp_path, refresh=True).refresh
    ages = [datetime.date(2021, 7, day) for day in (10, 11, 12)]
    final = [era5.published(options(tmp_path, refresh=True), PERIOD, today=age) for age in ages]
    assert final[0] != final[1] == final[2]
    assert published(small_world_options(tmp_path), PERIOD) == []


def small_world_options(folder):
    return load(small_world.write(folder)).weather


@pytest.mark.parametrize(
    ("weather", "says"),
    [
        ({"path": ".", "cache": "c"}, "found path and cache; agreed one: files, or to fetch them"),
        ({"fetch": "cmip"}, "weather.fetch: found 'cmip'; allowed: 'cds', 'arco', 'google' or 'earthmover'"),
        ({"path": "none"}, "found no file or folder"),
        ({"variables": ["t2m_mean_4x4"]}, "'t2m_mean_4x4' is over 4x4 cells, agreed 3x3"),
        ({"variables": []}, "weather.variables"),
    ],
)
def test_what_is_not_agreed_of_a_source_is_told(tmp_path, weather, says):
    config = small_world.write(tmp_path, {"weather": {"source": "era5"} | weather})
    with pytest.raises(ConfigError) as told:
        load(config)
    assert says in str(told.value)
    with pytest.raises(ValidationError):
        options(tmp_path, nothing=1)
