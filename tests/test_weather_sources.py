"""One contract for every source of weather, then what is peculiar to each."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts import agreed_units, check
from pipeline.errors import ConfigError, InputError
from pipeline.quality import plausible
from pipeline.stations import READERS
from pipeline.stations.frames import full_axis
from pipeline.vocabulary import TO_CANONICAL, WEATHER, conversion, weather_variable
from pipeline.weather import SOURCES
from pipeline.weather.features import wind_components
from pipeline.weather.stations import POINTS
from pipeline.weather.table import fitting_unit
from pipeline.worlds.era5_files import write_era5

PERIOD = (datetime.date(2016, 2, 28), datetime.date(2016, 3, 1))
HOURS = pd.date_range("2016-02-28 00:00", "2016-03-02 00:00", freq="h")
STATIONS = pd.DataFrame(
    {"name": ["one", "two"], "city": "c", "latitude": [40.0, 39.75], "longitude": [116.0, 116.25]},
    index=pd.Index(["A1", "B2"], name="station"),
)
NO_OBSERVATIONS = None
FLOAT32 = 2.0**-23


def weather(station: str, time: pd.DatetimeIndex) -> dict[str, np.ndarray]:
    """What is planted, in agreed units: a different value for each hour and station."""
    hour = np.asarray((time - HOURS[0]) / pd.Timedelta(hours=1), dtype=float)
    at = hour + 100.0 * list(STATIONS.index).index(station)
    return {
        "t2m": 270 + 0.1 * at,
        "d2m": 260 + 0.1 * at,
        "sp": 100000 + 10 * at,
        "tp": 0.5 * (hour % 7),
        "u10": 0.02 * at - 1,
        "v10": 1 - 0.02 * at,
    }


def write_stations(folder: Path) -> tuple[dict[str, Any], Any]:
    """The weather columns of the UCI Beijing files."""
    for station in STATIONS.index:
        of = weather(station, HOURS)
        columns = {"year": HOURS.year, "month": HOURS.month, "day": HOURS.day, "hour": HOURS.hour}
        columns |= {"TEMP": of["t2m"] - 273.15, "DEWP": of["d2m"] - 273.15, "PRES": of["sp"] / 100, "RAIN": of["tp"]}
        # all winds blow to the south-east: from the north-west
        columns |= {"WSPM": np.hypot(of["u10"], of["v10"]), "wd": np.where(of["u10"] >= 0, "NW", "SE")}
        frame = pd.DataFrame({**columns, "station": station})
        frame.to_csv(folder / f"PRSA_Data_{station}_2016.csv", index=False, na_rep="NA")
    return {}, READERS["prsa"].Options(reader="prsa", path=folder)


def write_table(folder: Path) -> tuple[dict[str, Any], Any]:
    """A tidy table in agreed units."""
    frames = [
        pd.DataFrame({"station": station, "time": HOURS, **weather(station, HOURS)}) for station in STATIONS.index
    ]
    pd.concat(frames).to_csv(folder / "weather.csv", index=False)
    return {"path": folder / "weather.csv"}, NO_OBSERVATIONS


def write_netcdf(folder: Path) -> tuple[dict[str, Any], Any]:
    """ERA5 as the Climate Data Store gives it: UTC, metres, joules, a grid on whose points the stations lie."""
    latitude, longitude = np.array([40.25, 40.0, 39.75, 39.5]), np.array([115.75, 116.0, 116.25, 116.5])
    names = ("t2m", "d2m", "u10", "v10", "msl", "sp", "blh", "tcc", "tp", "ssrd")
    fields = {name: np.zeros((len(HOURS), 4, 4)) for name in names}
    for station, place in STATIONS.iterrows():
        row, column = list(latitude).index(place["latitude"]), list(longitude).index(place["longitude"])
        for name, values in weather(str(station), HOURS).items():
            fields[name][:, row, column] = values / 1000 if name == "tp" else values
    write_era5(folder, fields, time=HOURS - pd.Timedelta(hours=8), latitude=latitude, longitude=longitude)
    return {"path": folder, "variables": ("t2m", "d2m", "sp", "tp", "u10", "v10")}, NO_OBSERVATIONS


FIXTURES: dict[str, Callable[[Path], tuple[dict[str, Any], Any]]] = {
    "stations": write_stations,
    "table": write_table,
    "era5": write_netcdf,
}


@pytest.fixture(params=sorted(SOURCES))
def source(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, Any]:
    """Each source of the registry in turn: its options with its tiny files written, and the observations' options."""
    keys, observations = FIXTURES[request.param](tmp_path)
    return SOURCES[request.param].Options(source=request.param, **keys), observations


def read(
    source: tuple[Any, Any],
    *,
    stations: pd.DataFrame = STATIONS,
    period: tuple[datetime.date, datetime.date] = PERIOD,
    utc_offset: float = 8,
) -> xr.Dataset:
    options, observations = source
    return SOURCES[options.source].read(
        options, observations=observations, stations=stations, period=period, utc_offset=utc_offset
    )


def of_table(folder: Path, **keys: Any) -> tuple[Any, Any]:
    return SOURCES["table"].Options(source="table", path=folder / "weather.csv", **keys), NO_OBSERVATIONS


def change(folder: Path, changed: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    path = folder / "weather.csv"
    changed(pd.read_csv(path)).to_csv(path, index=False)


# --- the contract


def test_every_source_has_its_tiny_files() -> None:
    assert set(FIXTURES) == set(SOURCES)


def test_what_is_read_keeps_the_contract_of_the_seam(source: tuple[Any, Any]) -> None:
    data = read(source)
    names = [str(name) for name in data.data_vars]
    assert set(weather("A1", HOURS)) <= set(names) <= set(WEATHER)
    check(data, names, seam="test")
    assert {data[name].attrs["units"] == agreed_units(name) for name in names} == {True}
    assert data.attrs["resolution"] == "hour"
    assert data["time"].to_index().equals(full_axis(PERIOD, "hour"))
    assert list(data["station"].values) == list(STATIONS.index)


def test_every_value_stands_at_its_local_hour_in_the_agreed_unit(source: tuple[Any, Any]) -> None:
    data = read(source)
    for station in STATIONS.index:
        for name, values in weather(station, data.get_index("time")).items():
            # the widest of the formats keeps 24 bits; a zero may be the difference of two whole numbers
            np.testing.assert_allclose(data[name].sel(station=station), values, rtol=2 * FLOAT32, atol=1e-9)


def test_what_is_read_is_plausible(source: tuple[Any, Any]) -> None:
    assert plausible(read(source), weather_variable)[1] == []


def test_inputs_are_files(source: tuple[Any, Any]) -> None:
    options, observations = source
    files = SOURCES[options.source].inputs(options, observations)
    assert files == sorted(set(files))
    assert all(path.is_file() for path in files)


def test_hours_that_no_file_holds_are_missing(source: tuple[Any, Any]) -> None:
    longer = read(source, period=(PERIOD[0], datetime.date(2016, 3, 3)))
    assert longer.sizes["time"] == 24 * 5
    xr.testing.assert_allclose(longer.sel(time=read(source)["time"]), read(source), rtol=0)
    assert all(values.sel(time=slice("2016-03-02 01:00", None)).isnull().all() for values in longer.values())


def test_a_period_without_weather_is_refused(source: tuple[Any, Any]) -> None:
    with pytest.raises(InputError, match="2001") as refused:
        read(source, period=(datetime.date(2001, 1, 1), datetime.date(2001, 12, 31)))
    assert "\n" not in str(refused.value)


def test_a_file_cut_in_half_is_refused_by_name(source: tuple[Any, Any]) -> None:
    options, observations = source
    path = SOURCES[options.source].inputs(options, observations)[-1]
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2].rstrip(b"\n"))  # a cut between two rows leaves no trace
    with pytest.raises(InputError, match=str(path)) as refused:
        read(source)
    assert "\n" not in str(refused.value)


def test_quantities_that_are_not_there_are_refused_by_name(source: tuple[Any, Any], tmp_path: Path) -> None:
    options, _ = source
    if options.source == "stations":
        for path in tmp_path.glob("*.csv"):
            path.write_text(path.read_text().replace("DEWP", "Something"))
        expected = "column 'DEWP' is missing"
    else:
        asked = {"table": "drivers", "era5": "variables"}[options.source]
        source = (options.model_copy(update={asked: ("t2m", "blh" if asked == "drivers" else "cape")}), source[1])
        expected = "blh|cape"
    with pytest.raises(InputError, match=expected):
        read(source)


# --- weather measured at the stations


@given(speed=st.floats(0, 60), direction=st.floats(0, 360))
def test_wind_components_give_back_speed_and_direction(speed: float, direction: float) -> None:
    u, v = wind_components(np.array(speed), np.array(direction))
    np.testing.assert_allclose(np.hypot(u, v), speed, rtol=1e-12)
    if speed > 1e-3:
        turned = (np.rad2deg(np.arctan2(-u, -v)) - direction + 180) % 360 - 180
        np.testing.assert_allclose(turned, 0, atol=1e-9)


@pytest.mark.parametrize(("point", "u", "v"), [("N", 0, -2), ("E", -2, 0), ("S", 0, 2), ("W", 2, 0)])
def test_the_wind_is_named_by_where_it_comes_from(point: str, u: float, v: float) -> None:
    found = wind_components(np.array(2.0), np.array(22.5 * POINTS.index(point)))
    np.testing.assert_allclose(found, (u, v), atol=1e-15)


def test_a_calm_of_unknown_direction_has_no_components_but_a_speed(tmp_path: Path) -> None:
    source = SOURCES["stations"].Options(source="stations"), write_stations(tmp_path)[1]
    for path in tmp_path.glob("*.csv"):
        path.write_text(path.read_text().replace("NW", "NA").replace("SE", "cv"))
    found = read(source)
    assert found["u10"].isnull().all()
    assert found["wind_speed"].notnull().all()


def test_weather_of_stations_comes_with_the_beijing_files_only(tmp_path: Path) -> None:
    options = SOURCES["stations"].Options(source="stations")
    table = READERS["table"].Options(reader="table", path=tmp_path)
    with pytest.raises(ConfigError, match=r"found 'stations' with observations.reader 'table'; allowed with 'prsa'"):
        SOURCES["stations"].inputs(options, table)


def test_text_among_the_weather_of_stations_is_refused_with_its_row(tmp_path: Path) -> None:
    source = SOURCES["stations"].Options(source="stations"), write_stations(tmp_path)[1]
    path = tmp_path / "PRSA_Data_A1_2016.csv"
    frame = pd.read_csv(path, dtype=str)
    frame.loc[3, "PRES"] = "high"
    frame.to_csv(path, index=False)
    with pytest.raises(InputError, match=f"{path}: column 'PRES', row 5: found 'high', agreed a number or nothing"):
        read(source)


@pytest.mark.usefixtures("shared_data")
def test_the_real_files_hold_plausible_weather(shared_data: Path) -> None:
    observations = READERS["prsa"].Options(reader="prsa", path=shared_data / "prsa")
    options = SOURCES["stations"].Options(source="stations")
    found = read((options, observations), period=(datetime.date(2013, 3, 1), datetime.date(2014, 2, 28)))
    _, notes = plausible(found, weather_variable)
    assert notes == []
    assert (found.notnull().mean(["station", "time"]).to_array() > 0.98).all()
    assert (found["d2m"] <= found["t2m"] + 1).mean() > 0.99


# --- weather from a table


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Path]:
    """A folder with the tidy table."""
    write_table(tmp_path)
    return tmp_path


def test_columns_of_numbers_that_are_not_known_are_drivers_and_others_are_not(table: Path) -> None:
    change(
        table,
        lambda frame: frame.assign(fog=-1.5, site="text", pm25=3, **{"PM2.5": 3.0}, AQI=9, empty=np.nan, date="x"),
    )
    found = read(of_table(table))
    assert set(found.data_vars) == {*weather("A1", HOURS), "fog"}
    assert found["fog"].attrs["units"] == "unknown"
    assert (found["fog"] == -1.5).all()


def test_drivers_may_be_chosen(table: Path) -> None:
    assert list(read(of_table(table, drivers=("v10", "t2m"))).data_vars) == ["v10", "t2m"]


def test_what_the_observations_read_from_the_same_file_is_no_weather(table: Path) -> None:
    change(table, lambda frame: frame.assign(Benzol=3.0))
    path = table / "weather.csv"
    same = READERS["table"].Options(reader="table", path=path, columns={"benzene": "Benzol"})
    assert "Benzol" not in read((of_table(table)[0], same))
    other = READERS["table"].Options(reader="table", path=table, columns={"benzene": "Benzol"})
    assert "Benzol" in read((of_table(table)[0], other))


@pytest.mark.parametrize("name", ["t2m", "fog"])
def test_text_among_numbers_is_refused_not_left_out(table: Path, name: str) -> None:
    change(table, lambda frame: frame.assign(fog=1.0).astype(object))
    change(
        table,
        lambda frame: frame.astype(object).assign(**{name: frame[name].astype(object).where(frame.index != 5, "high")}),
    )
    with pytest.raises(InputError, match=rf"weather\.csv: column '{name}', row 7: found 'high', agreed a number"):
        read(of_table(table))


def test_a_table_without_weather_is_refused(table: Path) -> None:
    change(table, lambda frame: frame[["station", "time"]].assign(site="text"))
    with pytest.raises(InputError, match="found no weather column; agreed station,time and any of t2m, tmax"):
        read(of_table(table))


@pytest.mark.parametrize("column", ["station", "time"])
def test_a_table_without_station_or_time_is_refused(table: Path, column: str) -> None:
    change(table, lambda frame: frame.drop(columns=column))
    with pytest.raises(InputError, match=f"column '{column}' is missing; found .*; agreed station, time"):
        read(of_table(table))


def test_a_declared_unit_is_converted_in_silence_and_a_guessed_one_with_a_note(table: Path) -> None:
    before = read(of_table(table))
    change(table, lambda frame: frame.assign(t2m=frame["t2m"] - 273.15, sp=frame["sp"] / 100))
    declared = read(of_table(table, units={"t2m": "degC", "sp": "hPa"}))
    guessed = read(of_table(table))
    assert before.attrs["notes"] == declared.attrs["notes"] == []
    assert guessed.attrs["notes"] == [
        "weather: column 't2m' cannot be in K; read as degC (declare weather.units: {t2m: degC})",
        "weather: column 'sp' cannot be in Pa; read as hPa (declare weather.units: {sp: hPa})",
    ]
    for found in (declared, guessed):
        xr.testing.assert_allclose(found, before, rtol=1e-12)


def test_values_that_fit_no_unit_are_refused(table: Path) -> None:
    change(table, lambda frame: frame.assign(t2m=frame["t2m"] * 100))
    with pytest.raises(InputError, match=r"'t2m' runs from .*, agreed K within \(180, 340\); declare its unit"):
        read(of_table(table))


@pytest.mark.parametrize(("unit", "known"), [("furlong", False), ("degC", True)])
def test_a_unit_must_be_known(table: Path, unit: str, known: bool) -> None:
    change(table, lambda frame: frame.assign(t2m=20.0))
    if known:
        assert read(of_table(table, units={"t2m": unit}))["t2m"][0, 0] == 293.15
    else:
        with pytest.raises(InputError, match="'t2m' is in 'furlong'; known units: K, degC, C, degF"):
            read(of_table(table, units={"t2m": unit}))


@given(
    name=st.sampled_from(["t2m", "msl", "sp"]),
    seed=st.integers(0, 1000),
    data=st.data(),
)
def test_the_unit_of_temperature_and_pressure_is_recognised(name: str, seed: int, data: st.DataObject) -> None:
    agreed = agreed_units(name)
    # C is another spelling of degC, mbar of hPa; degF overlaps with degC and is not told apart
    units = [agreed, *(found for found, to in TO_CANONICAL if to == agreed and found not in ("C", "mbar", "degF"))]
    unit = data.draw(st.sampled_from(units))
    low, high = {"t2m": (250, 310), "msl": (98000, 104000), "sp": (60000, 104000)}[name]
    values = np.random.default_rng(seed).uniform(low, high, 400)
    factor, offset = conversion(name, unit) or (1, 0)
    assert fitting_unit(name, (values - offset) / factor, where="test") == unit


def test_rain_in_metres_and_humidity_as_a_fraction_are_recognised() -> None:
    rain = np.random.default_rng(0).exponential(4, 800)
    assert fitting_unit("tp", rain, where="test") == "mm"
    assert fitting_unit("tp", rain / 1000, where="test") == "m"
    humidity = np.random.default_rng(0).uniform(10, 100, 800)
    assert fitting_unit("rh", humidity, where="test") == "%"
    assert fitting_unit("rh", humidity / 100, where="test") == "1"


# --- weather from ERA5


@pytest.fixture
def era5(tmp_path: Path) -> tuple[Any, Any]:
    """A folder of ERA5 files."""
    keys, observations = write_netcdf(tmp_path)
    return SOURCES["era5"].Options(source="era5", **keys), observations


def test_a_day_of_era5_is_the_local_day(era5: tuple[Any, Any]) -> None:
    # the same stamps in another zone are other local hours
    found = read(era5, utc_offset=7)
    expected = weather("A1", found.get_index("time") + pd.Timedelta(hours=1))
    np.testing.assert_allclose(found["t2m"].sel(station="A1")[:-1], expected["t2m"][:-1], rtol=2 * FLOAT32)


def test_a_pattern_or_a_file_is_as_good_as_a_folder(era5: tuple[Any, Any]) -> None:
    options = era5[0]
    pattern = options.model_copy(update={"path": options.path / "*_stepType-*.nc"})
    xr.testing.assert_identical(read((pattern, None)), read(era5))
    file = next(options.path.glob("*instant.nc"))
    one = options.model_copy(update={"path": file, "variables": ("t2m",)})
    xr.testing.assert_identical(read((one, None)), read(era5)[["t2m"]])


def test_the_order_of_stations_changes_no_weather(era5: tuple[Any, Any]) -> None:
    xr.testing.assert_identical(read(era5, stations=STATIONS[::-1]), read(era5).isel(station=[1, 0]))


def test_stations_without_coordinates_are_refused(era5: tuple[Any, Any]) -> None:
    with pytest.raises(InputError, match=r"stations: 'B2' has no coordinates, which weather.source 'era5' needs"):
        read(era5, stations=STATIONS.assign(latitude=[40.0, np.nan]))


def test_a_station_off_the_grid_is_refused(era5: tuple[Any, Any]) -> None:
    with pytest.raises(InputError) as refused:
        read(era5, stations=STATIONS.assign(latitude=[40.0, 60.0]))
    assert "\n" not in str(refused.value)


def test_the_errors_of_era5_files_are_one_of_ours(era5: tuple[Any, Any]) -> None:
    (era5[0].path / "junk.nc").write_bytes(b"<html>403</html>")
    with pytest.raises(InputError, match=r"junk\.nc"):
        read(era5)
