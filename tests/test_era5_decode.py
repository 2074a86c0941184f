"""Every dialect of file and dataset gives the same canonical Dataset, or one line that says why not."""

import io
import sys
import zipfile
from itertools import pairwise
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from era5_fetch import Era5Error, Era5Warning, canonical, open_file
from era5_fetch.accumulation import hourly
from era5_fetch.errors import DecodeError, FileError, GridError, PackageError

TIMES = pd.date_range("2026-08-31 22:00", periods=5, freq="h", unit="ns")
LATITUDE, LONGITUDE = np.array([41.0, 40.75, 40.5]), np.array([-0.25, 0.0, 0.25, 0.5])
SHAPE = (TIMES.size, LATITUDE.size, LONGITUDE.size)
RANDOM = np.random.default_rng(7)
TRUTH = {
    "t2m": RANDOM.uniform(280, 300, SHAPE),
    "tp": RANDOM.uniform(0, 3, SHAPE).round(2),
    "ssrd": RANDOM.uniform(0, 900, SHAPE).round(1),
}
PRELIMINARY = pd.Series(TIMES).ge("2026-09-01").to_numpy()
RAW = {"t2m": ("K", 1), "tp": ("m", 1e-3), "ssrd": ("J m**-2", 3600)}
"""Unit in the archive, and what one of ours is in it."""
LONG = {"t2m": "2m_temperature", "tp": "total_precipitation", "ssrd": "surface_solar_radiation_downwards"}
GRIB = {"t2m": (167, "instant"), "tp": (228, "accum"), "ssrd": (169, "accum")}


def cmor() -> xr.Dataset:
    """As CMIP6 and CORDEX name and measure it: precipitation and radiation are rates over the hour."""
    raw = new_cds().rename(t2m="tas", tp="pr", ssrd="rsds", valid_time="time", latitude="lat", longitude="lon")
    rain, sun = (
        (raw["pr"] * 1e3 / 3600).assign_attrs(units="kg m-2 s-1"),
        (raw["rsds"] / 3600).assign_attrs(units="W m-2"),
    )
    return raw.assign(pr=rain, rsds=sun)


def new_cds(names=("t2m", "tp", "ssrd"), values=TRUTH, times=TIMES, longitude=LONGITUDE) -> xr.Dataset:
    """As the CDS's converter writes since late 2024."""
    dims = ("valid_time", "latitude", "longitude")
    fields = {n: (dims, (values[n] * RAW[n][1]).astype("f4"), {"units": RAW[n][0]}) for n in names}
    coordinates = {
        "number": 0,
        "valid_time": times,
        "latitude": LATITUDE,
        "longitude": longitude,
        "expver": ("valid_time", np.where(PRELIMINARY[: len(times)], "0005", "0001")),
    }
    return xr.Dataset(fields, coordinates)


def old_cds() -> xr.Dataset:
    """As grib_to_netcdf wrote: `time`, and an `expver` dimension whose halves are NaN by turns."""
    new = new_cds().drop_vars(["expver", "number"]).rename(valid_time="time")
    final = xr.DataArray(~PRELIMINARY, coords={"time": new["time"]})
    halves = [new.where(final), new.where(~final)]
    both = xr.concat(halves, pd.Index(np.array([1, 5], dtype="i4"), name="expver"))
    return both.transpose("time", "expver", "latitude", "longitude")


def arco() -> xr.Dataset:
    """As the Zarr stores have it: long names, longitudes from 0, latitudes ascending."""
    new = new_cds().drop_vars(["number"]).rename(LONG | {"valid_time": "time"})
    turned = new.assign_coords(longitude=new["longitude"] % 360).sortby(["latitude", "longitude"])
    return turned.rename(latitude="lat", longitude="lon")


def write_packed(dataset: xr.Dataset, path: Path) -> Path:
    """Write a classic file of packed int16, as the old CDS did."""
    packing = {
        name: {
            "dtype": "i2",
            "_FillValue": -32767,
            "scale_factor": np.ptp(TRUTH[name]) * RAW[name][1] / 65_000,
        }
        | {"add_offset": float(TRUTH[name].min() + np.ptp(TRUTH[name]) / 2) * RAW[name][1]}
        for name in map(str, dataset.data_vars)
    }
    time = {"units": "hours since 1900-01-01 00:00:00.0", "dtype": "i4"}
    dataset.to_netcdf(path, format="NETCDF3_64BIT", encoding=packing | {"time": time})
    return path


def write_grib(path: Path, names=("t2m", "tp", "ssrd"), *, editions=None, holes=()) -> Path:
    """Write messages as MARS gives them: analyses, and accumulations from the 06 and 18 UTC forecasts."""
    eccodes = pytest.importorskip("eccodes")
    pytest.importorskip("cfgrib")
    with path.open("wb") as stream:
        for name in names:
            for hour, time in enumerate(TIMES):
                if (name, hour) not in holes:
                    message = grib_message(eccodes, name, hour, time, (editions or {}).get(name, 1))
                    eccodes.codes_write(message, stream)
                    eccodes.codes_release(message)
    return path


def grib_message(eccodes, name, hour, time, edition) -> int:
    parameter, step = GRIB[name]
    message = eccodes.codes_grib_new_from_samples(f"regular_ll_sfc_grib{edition}")
    base = (time - pd.Timedelta("7h")).floor("12h") + pd.Timedelta("6h") if step == "accum" else time
    ahead = (time - base) // pd.Timedelta("1h")
    keys = {"centre": "ecmf", "Ni": LONGITUDE.size, "Nj": LATITUDE.size, "setLocalDefinition": 1}
    keys |= {"localDefinitionNumber": 1, "marsClass": "ea", "marsStream": "oper"}
    keys |= {"experimentVersionNumber": "0005" if PRELIMINARY[hour] else "0001"}
    keys |= {"latitudeOfFirstGridPointInDegrees": 41.0, "latitudeOfLastGridPointInDegrees": 40.5}
    keys |= {"longitudeOfFirstGridPointInDegrees": 359.75, "longitudeOfLastGridPointInDegrees": 0.5}
    keys |= {"iDirectionIncrementInDegrees": 0.25, "jDirectionIncrementInDegrees": 0.25}
    keys |= {"marsType": "fc" if step == "accum" else "an", "stepType": step, "bitsPerValue": 24}
    keys |= {"dataDate": int(f"{base:%Y%m%d}"), "dataTime": base.hour * 100, "paramId": parameter}
    keys |= {"stepRange": f"{ahead - 1}-{ahead}"} if step == "accum" else {}
    for key, value in keys.items():
        eccodes.codes_set(message, key, value)
    eccodes.codes_set_values(message, (TRUTH[name][hour] * RAW[name][1]).ravel())
    return message


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def netcdf(dataset: xr.Dataset, path: Path) -> Path:
    dataset.to_netcdf(path, engine="netcdf4")
    return path


def zip_of_parts(folder: Path) -> Path:
    parts = {"instant": ["t2m"], "accum": ["tp", "ssrd"]}
    members = {
        f"data_stream-oper_stepType-{step}.nc": netcdf(new_cds(names), folder / f"{step}.nc").read_bytes()
        for step, names in parts.items()
    }
    return zipped(folder / "era5.nc", members)


DIALECTS = {
    "new CDS": lambda folder: netcdf(new_cds(), folder / "new.nc"),
    "old CDS, packed": lambda folder: write_packed(old_cds(), folder / "old.nc"),
    "a ZIP named .nc": zip_of_parts,
    "ARCO": lambda folder: netcdf(arco(), folder / "arco.nc"),
    "GRIB": lambda folder: write_grib(folder / "era5.grib"),
    "GRIB of two editions": lambda folder: write_grib(folder / "mixed.nc", editions={"t2m": 2}),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_one_truth_in_every_dialect_is_one_canonical_dataset(dialect, tmp_path):
    found = open_file(DIALECTS[dialect](tmp_path))
    assert dict(found.sizes) == {"time": 5, "latitude": 3, "longitude": 4}
    assert found["longitude"].values.tolist() == LONGITUDE.tolist()
    assert found["latitude"].values.tolist() == LATITUDE.tolist()
    assert found.indexes["time"].equals(TIMES)
    assert found["preliminary"].values.tolist() == PRELIMINARY.tolist()
    for name, values in TRUTH.items():
        step = np.ptp(values) / 65_000 if "packed" in dialect else np.ptp(values) / 2**23
        rounding = 2 * np.finfo("f4").eps * np.abs(values).max()
        assert found[name].dtype == "float32"
        assert np.abs(found[name].values - values).max() <= step + rounding


@pytest.mark.parametrize("dialect", DIALECTS)
def test_decoding_twice_is_decoding_once(dialect, tmp_path):
    once = open_file(DIALECTS[dialect](tmp_path))
    assert canonical(once).identical(once)
    assert open_file(netcdf(once, tmp_path / "canonical.nc")).identical(once)


def test_the_attributes_say_what_the_values_are():
    found = canonical(new_cds())
    assert found["tp"].attrs["units"] == "mm"
    assert found["tp"].attrs["cell_methods"] == "time: sum (interval: 1 hour)"
    assert found["ssrd"].attrs["units"] == "W m-2"
    assert found["ssrd"].attrs["cell_methods"] == "time: mean (interval: 1 hour)"
    assert found["t2m"].attrs["cell_methods"] == "time: point"
    assert found["t2m"].attrs["standard_name"] == "air_temperature"
    assert found["latitude"].attrs["units"] == "degrees_north"
    assert found.attrs["Conventions"].startswith("CF-")


def test_lazy_in_is_lazy_out():
    lazy = canonical(new_cds().chunk(valid_time=2))
    assert all(field.chunks is not None for field in lazy.data_vars.values())
    eager = canonical(new_cds())
    xr.testing.assert_equal(lazy, eager)


def test_two_parameters_of_a_grib_file_need_not_have_the_same_hours(tmp_path):
    found = open_file(write_grib(tmp_path / "a.grib", holes={("tp", 4), ("t2m", 0)}))
    assert found.sizes["time"] == 5
    assert found["tp"].isnull().any(["latitude", "longitude"]).values.tolist() == [False] * 4 + [True]
    assert found["t2m"].isnull().any(["latitude", "longitude"]).values.tolist() == [True] + [False] * 4


def test_grib_without_its_extra_says_what_to_install(tmp_path, monkeypatch):
    path = write_grib(tmp_path / "a.grib")
    monkeypatch.setitem(sys.modules, "cfgrib", None)
    with pytest.raises(PackageError, match=r"GRIB needs more packages: pip install tianbang\[grib\]"):
        open_file(path)


# --- accumulations over the day ---

day_amounts = st.lists(st.integers(0, 50), min_size=30, max_size=60)


def day_sums(amounts: np.ndarray, times: pd.DatetimeIndex) -> np.ndarray:
    """ERA5-Land's way: the sum over the UTC day so far; the value at 00 closes the day before."""
    days = pd.Series(amounts).groupby((times - pd.Timedelta("1h")).floor("D"))
    return days.cumsum().to_numpy(float)


@given(amounts=day_amounts, start=st.integers(0, 23))
def test_undoing_the_sums_over_the_day_gives_the_amounts_back(amounts, start):
    times = pd.date_range("2020-01-01", periods=len(amounts) + start, freq="h")
    total = day_sums(np.pad(amounts, (start, 0)), times)[start:]
    found = hourly(xr.DataArray(total, {"time": times[start:]}, ["time"], name="tp"))
    first_known = 0 if times[start].hour == 1 else 1
    assert np.isnan(found.values[:first_known]).all()
    assert found.values[first_known:].tolist() == list(amounts[first_known:])


LAND_TIMES = pd.date_range("2020-01-01 01:00", periods=48, freq="h", unit="ns")
AMOUNTS = RANDOM.uniform(0, 1, LAND_TIMES.size)
"""Precipitation of each hour [mm]."""


def land(values=None, *, step=0.1, cells=2, **attributes) -> xr.Dataset:
    values = day_sums(AMOUNTS, LAND_TIMES) / 1000 if values is None else values
    field = np.broadcast_to(values[:, None, None], (LAND_TIMES.size, cells, cells))
    axes = {"latitude": 40 - step * np.arange(cells), "longitude": 116 + step * np.arange(cells)}
    fields = {"tp": (("time", *axes), field, {"units": "m"} | attributes)}
    return xr.Dataset(fields, {"time": LAND_TIMES} | axes)


@pytest.mark.parametrize(
    ("dataset", "keyword"),
    [
        (land(), None),
        (land(step=0.25), "day"),
        (land(step=0.25, GRIB_marsClass="l5"), None),
        (land(cells=1), "day"),
        (land(cells=1, GRIB_iDirectionIncrementInDegrees=0.1), None),
    ],
)
def test_era5_land_is_known_by_its_grid_its_class_or_the_keyword(dataset, keyword):
    found = canonical(dataset, accumulation=keyword)["tp"]
    rounding = 2 * np.finfo("f4").eps * 24  # of the sums, at most 24 mm, whose difference is taken
    assert np.abs(found.values[:, 0, 0] - AMOUNTS).max() < rounding
    assert found.attrs["units"] == "mm"
    assert "accumulation" not in found.attrs


@pytest.mark.parametrize(("step", "keyword"), [(0.1, "hour"), (0.25, None)])
def test_other_grids_and_the_keyword_leave_amounts_hourly(step, keyword):
    found = canonical(land(AMOUNTS / 1000, step=step), accumulation=keyword)["tp"]
    assert np.abs(found.values[:, 0, 0] - AMOUNTS).max() < np.finfo("f4").eps


def test_hourly_amounts_read_as_sums_over_the_day_are_an_error_that_says_so():
    with pytest.raises(DecodeError, match=r"'tp' read as a sum over the day falls in \d+.\d% of the hours.*'hour'"):
        canonical(land(AMOUNTS / 1000))


def test_sums_over_the_day_without_the_hour_before_cannot_be_undone():
    with pytest.raises(DecodeError, match="'tp' is a sum over the day, and no hour follows another"):
        canonical(land().isel(time=slice(5, None, 6)))


# --- what files hold besides ---


def field(name="t2m", *, dims=("time", "latitude", "longitude"), **attributes) -> xr.Dataset:
    sizes = {"time": TIMES.size, "latitude": 3, "longitude": 4, "level": 2, "number": 2}
    values = RANDOM.uniform(280, 300, [sizes[d] for d in dims]).astype("f4")
    coordinates = {"time": TIMES, "latitude": LATITUDE, "longitude": LONGITUDE}
    return xr.Dataset({name: (dims, values, {"units": "K"} | attributes)}, coordinates)


def of_one_point() -> xr.Dataset:
    """As the CDS gives a time series: the place is a number."""
    return new_cds().isel(latitude=0, longitude=1)


def of_runs_and_steps() -> xr.Dataset:
    """As cfgrib opens forecasts: runs by steps, valid times over both."""
    times = pd.date_range("2026-08-31 22:00", periods=4, freq="h", unit="ns")
    flat = new_cds(times=times, values={n: v[:4] for n, v in TRUTH.items()}).drop_vars("expver")
    index = pd.MultiIndex.from_product([times[::2], pd.to_timedelta([0, 1], unit="h")], names=("time", "step"))
    coordinates = xr.Coordinates.from_pandas_multiindex(index, "valid_time")
    both = flat.drop_vars("valid_time").assign_coords(coordinates).unstack("valid_time")
    return both.assign_coords(valid_time=(("time", "step"), times.to_numpy().reshape(2, 2)))


def with_axes_of_cf() -> xr.Dataset:
    """Axes whose names say nothing: standard names do, as CF has it."""
    plain = new_cds().rename(valid_time="when", latitude="y", longitude="x")
    for name, standard in (("when", "time"), ("y", "latitude"), ("x", "longitude")):
        plain[name].attrs["standard_name"] = standard
    return plain


OTHER_FORMS = {
    "a single point": (of_one_point, (slice(None), slice(0, 1), slice(1, 2))),
    "runs and steps": (of_runs_and_steps, (slice(0, 4),)),
    "axes by CF's standard names": (with_axes_of_cf, ()),
    "axes in capitals": (lambda: new_cds().rename(valid_time="Time", latitude="LAT", longitude="Longitude"), ()),
    "NCAR's names": (lambda: new_cds().rename(t2m="VAR_2T", tp="TP", ssrd="VAR_SSRD"), ()),
    "parameters for names": (lambda: new_cds().rename(t2m="var167", tp="param228.128.0", ssrd="169"), ()),
    "the climate community's names": (cmor, ()),
    "longitude before latitude": (lambda: new_cds().transpose("longitude", "latitude", "valid_time"), ()),
    "a member of an ensemble": (lambda: new_cds().drop_vars("number").expand_dims(number=[0]), ()),
    "float64": (lambda: new_cds().map(lambda f: f.astype("f8").assign_attrs(f.attrs), keep_attrs=True), ()),
    "bounds of time": (lambda: new_cds().assign(time_bnds=(("valid_time", "bnds"), np.zeros((5, 2)))), ()),
}


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_other_forms_are_the_same_dataset(form, tmp_path):
    make, part = OTHER_FORMS[form]
    for found in (canonical(make()), open_file(netcdf(make(), tmp_path / "a.nc"))):
        for name, values in TRUTH.items():
            assert found[name].dims == ("time", "latitude", "longitude")
            # float32 in the file and after the unit's conversion
            assert np.allclose(found[name], values[part], rtol=4 * np.finfo("f4").eps, atol=0), name


@pytest.mark.parametrize(
    ("name", "unit", "factor", "offset"),
    [
        *(("t2m", unit, 1, -273.15) for unit in ("degC", "Celsius", "°C", "degrees_C", "deg C")),
        ("t2m", "degF", 1.8, -459.67),
        ("t2m", "Kelvin", 1, 0),
        *(("tp", unit, 1, 0) for unit in ("mm/h", "mm hr-1", "kg m**-2", "kg/m^2", "mm")),
        ("tp", "m of water equivalent", 1e-3, 0),
        ("tp", "kg m**-2 s**-1", 1 / 3600, 0),
        *(("ssrd", unit, 3600, 0) for unit in ("J m**-2", "J/m2", "J/m^2")),
        *(("ssrd", unit, 1, 0) for unit in ("W/m2", "W m^-2", "W.m-2")),
        ("ssrd", "MJ m-2", 3.6e-3, 0),
    ],
)
def test_units_however_they_are_spelled(name, unit, factor, offset):
    raw = new_cds([name])
    raw[name] = (raw[name].dims, TRUTH[name] * factor + offset, {"units": unit})
    # float64 before, float32 after; of Celsius and Fahrenheit 460 is added first
    assert np.allclose(canonical(raw)[name], TRUTH[name], rtol=2 * np.finfo("f4").eps)


def test_a_daily_sum_of_era5_land_is_not_undone_where_the_unit_is_a_rate():
    fine = new_cds(["tp"]).assign_coords(latitude=[41.0, 40.9, 40.8], longitude=[0.0, 0.1, 0.2, 0.3])
    fine["tp"] = (fine["tp"].dims, TRUTH["tp"], {"units": "mm h-1"})
    assert np.allclose(canonical(fine)["tp"], TRUTH["tp"])


def test_what_the_system_adds_to_an_archive_is_passed_over(tmp_path):
    plain = netcdf(new_cds(), tmp_path / "plain.nc").read_bytes()
    path = zipped(tmp_path / "a.zip", {"__MACOSX/._a.nc": b"\0\5\x16\7", ".DS_Store": b"\0\0\0\1Bud1", "a.nc": plain})
    xr.testing.assert_identical(open_file(path), canonical(new_cds()))


@pytest.mark.parametrize(
    ("name", "start", "told"),
    [
        ("a.zip", b"PK\x05\x06" + bytes(18), "a ZIP of 0 files, agreed 1 to 100"),
        ("a.nc.gz", b"\x1f\x8b\x08\x00", "packed by gzip, agreed ZIP"),
    ],
)
def test_what_is_no_file_to_read_is_told(name, start, told, tmp_path):
    path = tmp_path / name
    path.write_bytes(start)
    with pytest.raises(FileError, match=f"{name}: {told}"):
        open_file(path)


def test_a_damaged_grib_file_is_told_once(tmp_path, caplog):
    pytest.importorskip("cfgrib")
    path = tmp_path / "a.grib"
    path.write_bytes(b"GRIB" + bytes(100) + b"7777")
    with pytest.raises(FileError, match=r"a\.grib: truncated or damaged"):
        open_file(path)
    assert caplog.records == []


@pytest.mark.parametrize(("name", "unit"), [("t2m", "KELVIN"), ("tp", "M"), ("ssrd", "J M-2")])
def test_units_in_capitals_are_the_same(name, unit):
    raw = new_cds([name])
    raw[name].attrs["units"] = unit
    xr.testing.assert_identical(canonical(raw), canonical(new_cds([name])))


def series(places: list[tuple[float, float]], *, header: str = "valid_time,t2m,tp,ssrd,latitude,longitude") -> bytes:
    """The CDS's time series as CSV: two hours of some places, in the archive's units."""
    rows = [
        f"2026-08-31 {22 + hour}:00:00,{290 + hour},{hour / 1000},{3600.0 * hour},{latitude},{longitude}"
        for latitude, longitude in places
        for hour in range(2)
    ]
    return "\n".join([header, *rows, ""]).encode()


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_a_time_series_as_csv_has_the_units_of_the_archive(start, tmp_path):
    path = zipped(tmp_path / "series.zip", {"series-sfc.csv": start + series([(40.0, 243.5)])})
    found = open_file(path)
    assert dict(found.sizes) == {"time": 2, "latitude": 1, "longitude": 1}
    assert found["longitude"].item() == -116.5
    assert list(found.indexes["time"]) == list(pd.date_range("2026-08-31 22:00", periods=2, freq="h"))
    assert found["t2m"].values.ravel().tolist() == [290.0, 291.0]
    assert found["tp"].values.ravel() == pytest.approx([0.0, 1.0])
    assert found["ssrd"].values.ravel().tolist() == [0.0, 1.0]
    assert [found[name].attrs["units"] for name in ("t2m", "tp", "ssrd")] == ["K", "mm", "W m-2"]


def test_a_time_series_of_a_box_is_a_grid_and_leaves_waves_on_another_out(tmp_path):
    box = [(latitude, longitude) for latitude in (40.0, 40.25) for longitude in (116.0, 116.25, 116.5)]
    waves = b"valid_time,swh,latitude,longitude\n2026-08-31 22:00:00,1.1,40.0,116.0\n"
    path = zipped(tmp_path / "series.zip", {"sfc.csv": series(box), "wav.csv": waves})
    with pytest.warns(Era5Warning, match="'swh'"):
        found = open_file(path)
    assert found["latitude"].values.tolist() == [40.25, 40.0]
    assert found["t2m"].shape == (2, 2, 3)


def test_a_time_series_of_era5_land_is_a_sum_over_the_day(tmp_path):
    day = [f"2026-08-31 {hour:02d}:00:00,{hour / 1000},40.1,116.4" for hour in range(1, 24)]
    path = tmp_path / "land.csv"
    path.write_text("\n".join(["valid_time,tp,latitude,longitude", *day]))
    assert np.allclose(open_file(path)["tp"], 1.0, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (series([(40.0, 116.0), (40.25, 116.25)]), "its places form no grid"),
        (series([(40.0, 116.0)] * 2), "2 rows are of an hour and place that are there already"),
        (series([(40.0, 116.0)]).replace(b"290", b"cold"), "a table of text that cannot be read"),
        (series([(40.0, 116.0)]).replace(b"2026-08-31 22", b"some day"), "a table of text that cannot be read"),
        (b"name,latitude,longitude\na,40.1,116.4\n", "begins with b'name,latitude"),
    ],
)
def test_a_table_that_is_no_time_series_is_one_line(text, told, tmp_path):
    path = tmp_path / "series.csv"
    path.write_bytes(text)
    with pytest.raises(Era5Error, match=rf"series\.csv: {told}") as error:
        open_file(path)
    assert "\n" not in str(error.value)


def test_sums_since_the_start_of_a_forecast_are_not_taken_for_those_of_an_hour(tmp_path):
    pytest.importorskip("cfgrib")
    from loopback.opendata_server import message

    run = pd.Timestamp("2026-05-20 12:00")
    (tmp_path / "t.grib2").write_bytes(b"".join(message("2t", run, step, None) for step in (3, 6)))
    (tmp_path / "p.grib2").write_bytes(b"".join(message("tp", run, step, None) for step in (3, 6)))
    assert open_file(tmp_path / "t.grib2").sizes["time"] == 2
    with pytest.raises(DecodeError, match=r"'tp' is a sum over several hours or since the start of a forecast"):
        open_file(tmp_path / "p.grib2")
    assert open_file(tmp_path / "p.grib2", accumulation="hour").sizes["time"] == 2


@pytest.mark.parametrize("edition", [1, 2])
def test_a_sum_over_three_hours_is_not_taken_for_that_of_one(tmp_path, edition):
    """As the ten members of ERA5 have it."""
    eccodes, path = pytest.importorskip("eccodes"), tmp_path / "a.grib"
    message = grib_message(eccodes, "tp", 0, TIMES[0], edition)
    eccodes.codes_set(message, "stepRange", "3-6")
    with path.open("wb") as stream:
        eccodes.codes_write(message, stream)
    eccodes.codes_release(message)
    with pytest.raises(DecodeError, match=r"a\.grib: 'tp' is a sum over several hours"):
        open_file(path)


@pytest.mark.parametrize(
    ("name", "levels", "unit"),
    [
        ("level", [500, 850], "millibars"),
        ("isobaricInPa", [50_000.0, 85_000.0], "Pa"),
        ("plev", [50_000.0, 85_000.0], None),
        ("lev", [500.0, 850.0], "hPa"),
        ("pressure_level", [500.0, 850.0], "hPa"),
        ("isobaricInhPa", [500.0, 850.0], "hPa"),
        ("plev", [50_000.0, 85_000.0], "Pa"),
    ],
)
def test_pressure_levels_are_flattened(name, levels, unit):
    raw = field("t", dims=("time", "level", "latitude", "longitude"))
    raw = raw.rename_dims({} if name == "level" else {"level": name})
    raw = raw.assign_coords({name: (name, levels, {"units": unit} if unit else {})})
    found = canonical(raw)
    assert list(found.data_vars) == ["t500", "t850"]
    assert found["t850"].attrs["long_name"] == "air temperature at 850 hPa"
    assert np.array_equal(found["t850"], raw["t"].isel({name: 1}))
    assert canonical(found).identical(found)


def test_a_single_level_is_flattened_too():
    raw = field("t").assign_coords(pressure_level=((), 850.0, {"units": "hPa"}))
    assert list(canonical(raw)) == ["t850"]
    raw = field("relative_humidity", units="%").assign_coords(level=300)
    assert list(canonical(raw)) == ["r300hPa"]


def test_model_levels_are_refused():
    raw = field("t", dims=("time", "level", "latitude", "longitude")).assign_coords(
        level=("level", [136, 137], {"units": "1"})
    )
    with pytest.raises(DecodeError, match="levels are in '1', agreed pressure in 'hPa'"):
        canonical(raw)


def test_a_variable_nobody_knows_is_kept_with_a_warning():
    raw = field("ozone_of_mars", units="kg m**-2", long_name="O3", GRIB_paramId=999_999)
    with pytest.warns(Era5Warning, match=r"'ozone_of_mars' \[kg m\*\*-2\] is not in the lexicon: kept"):
        found = canonical(raw)
    assert found["ozone_of_mars"].attrs == {"units": "kg m-2", "long_name": "O3"}
    levels = field("x", dims=("time", "level", "latitude", "longitude")).assign_coords(level=[700, 850])
    with pytest.warns(Era5Warning, match="'x(700|850)'"):
        assert list(canonical(levels)) == ["x700", "x850"]


def test_a_variable_nobody_knows_without_units_is_left_out_with_a_warning():
    raw = field().assign(mask=field()["t2m"].assign_attrs(units=""), crs=0)
    with pytest.warns(Era5Warning, match="'mask'.*left out, it has no units"):
        assert list(canonical(raw)) == ["t2m"]


def test_the_parameter_names_a_variable_and_not_the_name_in_the_file():
    raw = field("2m_air_temperature_by_another_name", GRIB_paramId=167)
    assert list(canonical(raw)) == ["t2m"]


def test_a_variable_made_of_another_is_not_the_other():
    raw = field("heat_index", GRIB_paramId=167, GRIB_cfVarName="t2m")
    with pytest.warns(Era5Warning, match="'heat_index'"):
        assert list(canonical(raw)) == ["heat_index"]


def test_tiny_negatives_of_what_cannot_be_negative_are_clipped_and_counted():
    raw = field("tp", units="m")
    raw["tp"][:] = 0.001
    raw["tp"][0, 0, 0], raw["tp"][1, 1, 1], raw["tp"][2, 2, 2] = -1e-9, -1e-6, -0.01
    found = canonical(raw)["tp"]
    assert found.attrs["negatives_clipped"] == 2
    assert (found.values == 0).sum() == 2
    assert found.values.min() == pytest.approx(-10)
    wind = field("u10", units="m s**-1")
    wind["u10"][:] = -1e-9
    assert (canonical(wind)["u10"] < 0).all()


def test_times_are_sorted_and_the_final_one_of_two_stays():
    first = new_cds(["t2m"]).isel(valid_time=[4, 3, 2, 1, 0])
    second = new_cds(["t2m"]).assign_coords(expver=("valid_time", ["0005"] * 3 + ["0001"] * 2))
    second["t2m"] += 1
    found = canonical(xr.concat([first, second], "valid_time"))
    warmer = (found["t2m"].values - TRUTH["t2m"])[:, 0, 0]
    assert found.indexes["time"].equals(TIMES)
    assert warmer.round(3).tolist() == [0, 0, 1, 1, 1]
    assert found["preliminary"].values.tolist() == [False, False, True, False, False]


@pytest.mark.parametrize(("version", "preliminary"), [("0001", False), ("0005", True), (5, True), (1, False)])
def test_one_expver_is_every_hours(version, preliminary):
    found = canonical(field().assign_coords(expver=version))
    assert found["preliminary"].values.tolist() == [preliminary] * 5


def test_a_file_that_does_not_tell_has_no_preliminary():
    assert "preliminary" not in canonical(field()).coords


def test_an_expver_dimension_of_no_field_tells_nothing():
    found = canonical(field().assign_coords(expver=[1, 5]))
    assert "preliminary" not in found.coords
    assert dict(found.sizes) == {"time": 5, "latitude": 3, "longitude": 4}


def test_forecast_time_and_step_give_way_to_valid_time():
    raw = field().rename(time="step").assign_coords(step=np.arange(5)).expand_dims(time=TIMES[:1])
    raw = raw.assign_coords(valid_time=(("time", "step"), TIMES.values[None]))
    assert canonical(raw).indexes["time"].equals(TIMES)
    one = field().assign_coords(step=0, surface=0.0, valid_time=("time", TIMES + pd.Timedelta("1h")))
    assert canonical(one).indexes["time"].equals(TIMES + pd.Timedelta("1h"))


def test_one_hour_without_a_dimension_is_a_time_axis_of_one():
    assert canonical(field().isel(time=0)).sizes["time"] == 1


def test_longitude_180_is_minus_180():
    raw = field().assign_coords(longitude=[179.5, 179.75, 180, 180.25])
    assert canonical(raw)["longitude"].values.tolist() == [-180, -179.75, 179.5, 179.75]


def two_forecasts() -> xr.Dataset:
    raw = xr.concat([field(), field()], pd.Index(TIMES[:2], name="base")).rename(time="step", base="time")
    return raw.assign_coords(valid_time=(("time", "step"), np.stack([TIMES, TIMES])))


def along_a_path() -> xr.Dataset:
    plain = field().isel(longitude=0, drop=True).rename_dims(latitude="place").drop_vars("latitude")
    return plain.assign_coords(latitude=("place", LATITUDE), longitude=("place", LONGITUDE[:3]))


def curved() -> xr.Dataset:
    plain = field().rename_dims(latitude="y", longitude="x").drop_vars(["latitude", "longitude"])
    return plain.assign_coords(latitude=(("y", "x"), np.ones((3, 4))), longitude=(("y", "x"), np.ones((3, 4))))


def numbered_time() -> xr.Dataset:
    return field().assign_coords(time=np.arange(5))


REFUSED = {
    "no time": (lambda: field(dims=("latitude", "longitude")).drop_vars("time"), "no time axis: found "),
    "times of a number": (numbered_time, "no time axis: 'time' holds int64"),
    "two forecasts of an hour": (two_forecasts, "no time axis: two runs forecast the same hour"),
    "no hour at all": (lambda: field().isel(time=slice(0)), "no time axis: 'time' holds nothing"),
    "a time that is missing": (lambda: field().assign_coords(time=[pd.NaT, *TIMES[1:]]), "1 of 5 times are missing"),
    "a latitude that is missing": (lambda: field().assign_coords(latitude=[41, np.nan, 40.5]), "it holds NaN"),
    "stations": (lambda: field().isel(latitude=0).rename(longitude="station"), "no longitude axis: found "),
    "a path through the grid": (along_a_path, "no field on time, latitude, longitude: found "),
    "monthly sums": (
        lambda: field("tp", units="m").assign_coords(time=pd.date_range("2020-01-01", periods=5, freq="MS")),
        "'tp' is a monthly mean of daily sums, agreed hourly values",
    ),
    "an ensemble": (
        lambda: field(dims=("time", "number", "latitude", "longitude")),
        r"dimensions \{'number': 2\} besides time, latitude, longitude: choose one member",
    ),
    "no latitude": (lambda: field().rename(latitude="y"), "no latitude axis: found "),
    "a curved grid": (curved, "no latitude axis: found "),
    "a monthly mean": (lambda: field("tp", GRIB_stepType="avgad"), "'tp' is a monthly mean of daily sums"),
    "a wrong unit": (lambda: field(units="ppb"), "'t2m' is in 'ppb', agreed 'K'"),
    "no unit": (lambda: field().drop_attrs(), "'t2m' has no units, agreed 'K'"),
    "one variable twice": (
        lambda: field().assign({"2t": field()["t2m"]}),
        "two fields are 't2m', agreed one",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_one_line_of_what_was_found_and_agreed(case):
    make, message = REFUSED[case]
    with pytest.raises(DecodeError, match=message) as caught:
        canonical(make())
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, Era5Error)


def test_an_error_in_a_file_begins_with_its_path(tmp_path):
    path = netcdf(field(units="ppb"), tmp_path / "a.nc")
    with pytest.raises(DecodeError, match=r"a\.nc: 't2m' is in 'ppb'"):
        open_file(path)


def test_members_of_a_zip_on_two_grids_are_an_error(tmp_path):
    other = new_cds(["tp"], longitude=LONGITUDE + 1)
    members = {
        "a.nc": netcdf(new_cds(["t2m"]), tmp_path / "a").read_bytes(),
        "b.nc": netcdf(other, tmp_path / "b").read_bytes(),
    }
    with pytest.raises(GridError, match=r"c\.zip: grids differ: 3 x 4, 40.5 to 41 N"):
        open_file(zipped(tmp_path / "c.zip", members))


# --- bytes that are not to be trusted ---


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html><html>504 Gateway Time-out</html>", r"begins with b'<!DOCTYPE html>.*\(a web page"),
        (b"", "an empty file"),
        (b'{"status": "rejected"}', r"begins with b'\{\"status\""),
        (b"CDF\5 of 64-bit data, which ERA5 is not written in", r"begins with b'CDF\\x05"),
        (b"GRI", "begins with b'GRI', agreed ZIP, netCDF classic, netCDF 4, GRIB"),
    ],
)
def test_what_is_no_file_of_these_formats_shows_its_first_bytes(content, message, tmp_path):
    path = tmp_path / "era5.nc"
    path.write_bytes(content)
    with pytest.raises(FileError, match=message):
        open_file(path)


@pytest.mark.parametrize("keep", [0.999, 0.6, 0.3])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_truncated_file_is_an_error_and_not_zeros(dialect, keep, tmp_path):
    path = DIALECTS[dialect](tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) - 5])
    with pytest.raises(FileError, match="truncated or damaged: fetch it again"):
        open_file(path)


def test_a_file_damaged_inside_is_an_error(tmp_path):
    path = tmp_path / "a.nc"
    smooth = new_cds()
    smooth.to_netcdf(path, encoding={n: {"zlib": True, "fletcher32": True} for n in smooth.data_vars})
    with netCDF4.Dataset(path) as opened:
        raw = opened["t2m"]
        assert raw.filters()["fletcher32"]
    content = bytearray(path.read_bytes())
    marks = [i for i, pair in enumerate(pairwise(content)) if pair == (0x78, 0x5E)]  # where zlib streams begin
    for mark in marks:
        content[mark + 20] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(FileError, match="truncated or damaged"):
        open_file(path)


def test_a_damaged_member_of_a_zip_is_an_error(tmp_path):
    path = zip_of_parts(tmp_path)
    content = bytearray(path.read_bytes())
    content[2000] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(FileError, match="truncated or damaged"):
        open_file(path)


@pytest.mark.parametrize("name", ["../evil.nc", "/etc/evil.nc", "a/../../evil.nc", "..\\evil.nc"])
def test_a_member_outside_its_archive_is_refused_and_written_nowhere(name, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    path = zipped(inner / "era5.zip", {name: b"CDF\x01"})
    with pytest.raises(FileError, match="points outside the archive"):
        open_file(path)
    assert [p.name for p in tmp_path.rglob("*")] == ["inner", "era5.zip"]


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "era5.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.nc", bytes(10_000_000))
    with pytest.raises(FileError, match="unpack to 10000000, agreed 200 times at most"):
        open_file(path)


def test_a_zip_holds_one_layer_of_a_sensible_number_of_files(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.nc", b"CDF\x01")
    with pytest.raises(FileError, match="a ZIP inside a ZIP"):
        open_file(zipped(tmp_path / "nested.zip", {"a.zip": inner.getvalue()}))
    with pytest.raises(FileError, match="a ZIP of 101 files, agreed 1 to 100"):
        open_file(zipped(tmp_path / "many.zip", {f"{i}.nc": b"CDF\x01" for i in range(101)}))


def test_a_missing_file_is_the_systems_own_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_file(tmp_path / "nowhere.nc")


def test_of_an_hour_that_a_grib_file_holds_twice_the_final_one_stays(tmp_path):
    path, eccodes = write_grib(tmp_path / "a.grib", ["t2m"]), pytest.importorskip("eccodes")
    with path.open("ab") as stream:
        for hour, version in [(0, "0005"), (3, "0001")]:
            message = grib_message(eccodes, "t2m", hour, TIMES[hour], 1)
            eccodes.codes_set(message, "experimentVersionNumber", version)
            eccodes.codes_set_values(message, np.full(12, 200.0))
            eccodes.codes_write(message, stream)
            eccodes.codes_release(message)
    found = open_file(path)
    assert found["preliminary"].values.tolist() == [False, False, True, False, True]
    assert found["t2m"].values[[0, 3], 0, 0].tolist() == pytest.approx([TRUTH["t2m"][0, 0, 0], 200])


def test_messages_that_form_no_cube_are_an_error(tmp_path):
    path, eccodes = write_grib(tmp_path / "a.grib", ["t2m"]), pytest.importorskip("eccodes")
    with path.open("ab") as stream:
        message = grib_message(eccodes, "t2m", 0, TIMES[0] + pd.Timedelta("9h"), 1)
        eccodes.codes_set(message, "subCentre", 98)
        eccodes.codes_write(message, stream)
        eccodes.codes_release(message)
    with pytest.raises(DecodeError, match=r"a\.grib: its messages form no cube .*: split it by grid and level"):
        open_file(path)


def test_a_grib_file_damaged_inside_is_an_error(tmp_path, capfd):
    path = write_grib(tmp_path / "a.grib", ["t2m"])
    content = bytearray(path.read_bytes())
    second = content.index(b"GRIB", 4)
    content[second + 6] ^= 0x40  # its length
    path.write_bytes(content)
    with pytest.raises(FileError, match="truncated or damaged"):
        open_file(path)


def test_a_grib_file_of_two_grids_is_an_error(tmp_path):
    path = write_grib(tmp_path / "a.grib", ["t2m"])
    eccodes = pytest.importorskip("eccodes")
    with path.open("ab") as stream:  # the same parameter on a second grid
        message = grib_message(eccodes, "t2m", 0, TIMES[0], 1)
        eccodes.codes_set(message, "latitudeOfFirstGridPointInDegrees", 51.0)
        eccodes.codes_set(message, "latitudeOfLastGridPointInDegrees", 50.5)
        eccodes.codes_write(message, stream)
        eccodes.codes_release(message)
    with pytest.raises(GridError, match=r"a\.grib: grids differ: 3 x 4, 40.5 to 41 N, .* and 3 x 4, 50.5 to 51 N"):
        open_file(path)
