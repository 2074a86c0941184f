"""Every real file decodes to what netCDF4 or ecCodes reads in it, in our units."""

import zipfile
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from era5_fetch import missing_hours, open, open_file  # noqa: A004
from era5_fetch.extraction import extract

pytestmark = pytest.mark.shared_data

# 6,696 messages: seconds of ecCodes each time it is read
SLOW = {"era5land_jan2020_mixed_edition.grib", "era5land_zip_of_grib.zip"}
SCALE = {"J m**-2": 1 / 3600, "m": 1000, "m of water equivalent": 1000}
IN_METRES = {"fsr", "blh", "sd"}
ROOT = Path(__file__).resolve().parents[2] / "shared/data/era5"
FILES = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file())
LAND_SUMS = {"tp", "e", "ro", "smlt"}


def ours(name: str, unit: str, values: np.ndarray) -> np.ndarray:
    return values * (1 if name in IN_METRES else SCALE.get(unit, 1))


def undone(total: np.ndarray, times: pd.DatetimeIndex) -> np.ndarray:
    """ERA5-Land's sums over the day as amounts, hour by hour, the slow and obvious way."""
    amounts = np.full_like(total, np.nan)
    for i, time in enumerate(times):
        if time.hour == 1:
            amounts[i] = total[i]
        elif i and times[i - 1] == time - pd.Timedelta("1h"):
            amounts[i] = total[i] - total[i - 1]
    return amounts


def read_netcdf(path: Path) -> tuple[pd.DatetimeIndex, dict[str, np.ndarray]]:
    with netCDF4.Dataset(path) as raw:
        time = raw["valid_time" if "valid_time" in raw.variables else "time"]
        times = pd.DatetimeIndex(netCDF4.num2date(time[:], time.units, only_use_cftime_datetimes=False))
        fields = {name: v for name, v in raw.variables.items() if {"latitude", "longitude"} <= set(v.dimensions)}
        return times, {n: ours(n, v.units, first_half(v)) for n, v in fields.items()}


def first_half(variable: netCDF4.Variable) -> np.ndarray:
    """The values; of an `expver` dimension the final half, and the other where that is NaN."""
    values = np.ma.filled(variable[:].astype("float64"), np.nan)
    if "expver" in variable.dimensions:
        final, preliminary = np.moveaxis(values, variable.dimensions.index("expver"), 0)
        return np.where(np.isnan(final), preliminary, final)
    return values


def read_grib(path: Path) -> tuple[pd.DatetimeIndex, dict[str, np.ndarray]]:
    eccodes = pytest.importorskip("eccodes")
    found: dict[str, dict[pd.Timestamp, np.ndarray]] = {}
    with path.open("rb") as stream:
        while (message := eccodes.codes_grib_new_from_file(stream)) is not None:
            name, unit = (eccodes.codes_get(message, key) for key in ("cfVarName", "units"))
            date, hour = (eccodes.codes_get(message, key) for key in ("validityDate", "validityTime"))
            shape = tuple(eccodes.codes_get(message, key) for key in ("Nj", "Ni"))
            values = eccodes.codes_get_values(message).reshape(shape)
            found.setdefault(name, {})[pd.Timestamp(f"{date} {hour:04d}")] = ours(name, unit, values)
            eccodes.codes_release(message)
    times = pd.DatetimeIndex(sorted(next(iter(found.values()))))
    return times, {name: np.stack([fields[t] for t in times]) for name, fields in found.items()}


def read(path: Path, folder: Path) -> tuple[pd.DatetimeIndex, dict[str, np.ndarray]]:
    """Times and values by name, read without `era5_fetch`."""
    head = path.read_bytes()[:4]
    if head == b"GRIB":
        return read_grib(path)
    if head != b"PK\x03\x04":
        return read_netcdf(path)
    with zipfile.ZipFile(path) as archive:
        parts = [read(Path(archive.extract(member, folder)), folder) for member in archive.namelist()]
    return parts[0][0], {name: values for _, fields in parts for name, values in fields.items()}


def marked(name: str):
    return pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())


@pytest.mark.parametrize("name", [marked(name) for name in FILES])
def test_a_real_file_decodes_to_what_is_in_it(name, tmp_path):
    if ROOT.joinpath(name).read_bytes()[:4] == b"GRIB" or name in SLOW:
        pytest.importorskip("cfgrib")
    found = open_file(ROOT / name)
    times, fields = read(ROOT / name, tmp_path)
    assert set(found.data_vars) == set(fields)
    assert found.indexes["time"].equals(times.as_unit("ns"))
    for variable, values in fields.items():
        exact = undone(values, times) if "era5land_" in name and variable in LAND_SUMS else values
        if "negatives_clipped" in found[variable].attrs:
            exact = np.maximum(exact, 0)
        rounding = 2 * np.finfo("f4").eps * np.nanmax(np.abs(values))
        assert found[variable].dims == ("time", "latitude", "longitude")
        assert np.array_equal(np.isnan(found[variable].values), np.isnan(exact))
        assert np.nanmax(np.abs(found[variable].values - exact)) <= rounding


def write_first_messages(path: Path, days: int) -> Path:
    """The messages of the first days of January 2020 of ERA5-Land, in their order."""
    eccodes = pytest.importorskip("eccodes")
    pytest.importorskip("cfgrib")
    with (ROOT / "era5land_jan2020_mixed_edition.grib").open("rb") as stream, path.open("wb") as sink:
        for _ in range(9 * 24 * days):
            message = eccodes.codes_grib_new_from_file(stream)
            eccodes.codes_write(message, sink)
            eccodes.codes_release(message)
    return path


def test_era5_land_is_the_same_from_grib_and_from_netcdf(shared_data, tmp_path):
    grib = open_file(write_first_messages(tmp_path / "land.grib", 2))
    netcdf = open_file(shared_data / "era5/era5land_jan2020_data_0.nc")
    assert set(grib.data_vars) == {"t2m", "d2m", "sp", "tp", "e", "ro", "smlt", "snowc", "rsn"}
    xr.testing.assert_equal(grib["tp"], netcdf["tp"].sel(time=grib["time"]))
    assert grib["tp"].isel(time=0).isnull().all()
    assert grib["tp"].isel(time=slice(1, None)).notnull().all()


@pytest.mark.parametrize(
    ("name", "hours"),
    [
        ("prakash_ERA5T_0005_instant.nc", 24),
        ("cgalsal_2020_2021.nc", 2),
        ("eric157_mixed_expver/data_stream-oper_stepType-accum.nc", 1),
        ("NeoByte_scalar_expver.nc", 0),
        ("feedinlib_ERA5_example_data.nc", None),
    ],
)
def test_preliminary_hours_are_known_where_the_file_tells(shared_data, name, hours):
    found = open_file(shared_data / "era5" / name)
    assert (int(found["preliminary"].sum()) if "preliminary" in found.coords else None) == hours


def test_the_sea_is_nan_and_a_coast_takes_the_land(shared_data):
    path = shared_data / "era5/emfcreaf_era5land_monthly_seaNaN_old.nc"
    grid = open_file(path)["t2m"]
    land = grid.notnull().all("time")
    # a point half way between a land cell and the sea cell west of it
    row, column = next(zip(*np.nonzero(~land.values[:, :-1] & land.values[:, 1:]), strict=True))
    places = {
        "latitude": [float(grid.latitude[row])] * 2,
        "longitude": [float(grid.longitude[column]) + 0.05, -9.95],
    }
    places["latitude"][1] = 43.95
    found = extract([path], ["t2m"], pd.DataFrame(places, index=["coast", "sea"]))["t2m"]
    assert np.array_equal(found.sel(place="coast"), grid[:, row, column + 1])
    assert found.sel(place="sea").isnull().all()


def test_a_year_of_berlin_opens_over_a_period_at_a_point(shared_data):
    points = pd.DataFrame({"latitude": [52.5], "longitude": [13.4]}, index=["Berlin"])
    source = shared_data / "era5/feedinlib_*.nc"
    found = open(["2m_temperature", "ssrd"], ("2017-06-01", "2017-06-30"), source=source, points=points)
    assert dict(found.sizes) == {"time": 720, "place": 1}
    assert missing_hours(found, "2017-06").empty
    assert len(missing_hours(found, "2017-07")) == 31 * 24
    # astronomy: the sun is highest in Berlin at 11:08 UTC, inside the hour labelled 12
    daily = found["ssrd"].groupby("time.hour").mean().squeeze()
    assert int(daily.idxmax()) in {11, 12}
    assert 15 < float(found["t2m"].mean()) - 273.15 < 22


def test_instant_and_accumulated_parts_of_a_folder_are_one_dataset(shared_data):
    found = open(["d2m", "tp"], "2023-09-02", source=shared_data / "era5/kotra_instant_accum")
    assert dict(found.sizes) == {"time": 24, "latitude": 21, "longitude": 21}
    assert found.to_array().notnull().all()
