"""Files of a folder: however a period is split, shuffled and overlapped, it is the same Dataset."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import era5_fetch
from era5_fetch import canonical, missing_hours
from era5_fetch.combine import combined
from era5_fetch.errors import DecodeError, Era5Warning, FileError, GridError, PeriodError, SourceError, VariableError
from era5_fetch.extraction import extract, extract_polygons
from era5_fetch.period import hours

TIMES = pd.date_range("2020-01-01", periods=30, freq="h", unit="ns")
LATITUDE, LONGITUDE = np.arange(41.0, 39.7, -0.25), np.arange(116.0, 117.3, 0.25)
RANDOM = np.random.default_rng(11)
NOWHERE = "http://127.0.0.1:9/api"
"""Where nothing answers."""


def raw(times=TIMES, *, step=0.25, expver=None, units="J m**-2") -> xr.Dataset:
    """ERA5 as the CDS gives it; with a step of 0.1, ERA5-Land, where `ssrd` runs up over the day."""
    shape = (times.size, LATITUDE.size, LONGITUDE.size)
    axes = {"latitude": 41 - step * np.arange(6), "longitude": 116 + step * np.arange(6)}
    joules = RANDOM.uniform(0, 1e6, shape).round()
    if step == 0.1:
        days = (times - pd.Timedelta("1h")).floor("D")
        joules = pd.DataFrame(joules.reshape(times.size, -1)).groupby(days).cumsum().to_numpy().reshape(shape)
    fields = {"t2m": (RANDOM.uniform(270, 290, shape), "K"), "ssrd": (joules, units)}
    dims = ("valid_time", *axes)
    made = xr.Dataset({n: (dims, v.astype("f4"), {"units": u}) for n, (v, u) in fields.items()}, axes)
    made = made.assign_coords(valid_time=times)
    return made if expver is None else made.assign_coords(expver=("valid_time", [expver] * times.size))


def save(dataset: xr.Dataset, path: Path) -> Path:
    dataset.to_netcdf(path)
    return path


def points(dataset: xr.Dataset) -> pd.DataFrame:
    inside = {n: RANDOM.uniform(float(dataset[n].min()), float(dataset[n].max()), 4) for n in ("latitude", "longitude")}
    return pd.DataFrame(inside, index=["a", "b", "c", "d"])


# Each hour of each variable in one file at least, in any of three, and in as many more as you like.
homes = st.lists(st.sets(st.integers(0, 2), min_size=1), min_size=TIMES.size, max_size=TIMES.size)


@settings(max_examples=20)
@given(data=st.data(), step=st.sampled_from([0.25, 0.1]), at_points=st.booleans())
def test_splitting_a_period_into_files_in_any_way_gives_the_same_dataset(data, step, at_points):
    whole = raw(step=step)
    split = {name: data.draw(homes, label=name) for name in ("t2m", "ssrd")}
    period = (TIMES[data.draw(st.integers(0, 10))], TIMES[data.draw(st.integers(11, 29))])
    places = points(whole) if at_points else None
    with tempfile.TemporaryDirectory() as folder:
        for name, homes_of_hours in split.items():
            for home in range(3):
                held = [i for i, of in enumerate(homes_of_hours) if home in of]
                held = data.draw(st.permutations(held)) if len(held) < 6 else held
                if held:
                    save(whole[[name]].isel(valid_time=held), Path(folder, f"{name}-{home}.nc"))
        found = era5_fetch.open(["t2m", "ssrd"], period, source=folder, points=places)
        shutil.rmtree(folder)
        Path(folder).mkdir()
        save(whole, Path(folder, "whole.nc"))
        expected = era5_fetch.open(["t2m", "ssrd"], (TIMES[0], TIMES[-1]), source=folder, points=places)
    assert found.identical(expected.sel(time=slice(*period)))
    assert found.indexes["time"].equals(pd.date_range(*period, freq="h", unit="ns"))


def test_a_folder_is_its_file(tmp_path):
    whole = raw()
    save(whole, tmp_path / "a.nc")
    assert era5_fetch.open(["t2m", "ssrd"], "2020", source=tmp_path).identical(canonical(whole))
    assert era5_fetch.open(["t2m", "ssrd"], "2020", source=tmp_path / "a.nc").identical(canonical(whole))
    assert era5_fetch.open(["2m_temperature"], "2020", source=f"{tmp_path}/*.nc")["t2m"].equals(canonical(whole)["t2m"])


@pytest.mark.parametrize("order", [("final", "preliminary"), ("preliminary", "final")])
def test_the_final_hours_win_whatever_the_order_of_the_files(order, tmp_path):
    parts = {"final": raw(TIMES[:20], expver="0001"), "preliminary": raw(TIMES[10:], expver="0005")}
    for number, name in enumerate(order):
        save(parts[name], tmp_path / f"{number}.nc")
    found = era5_fetch.open(["t2m"], "2020-01", source=tmp_path)
    expected = xr.concat([parts["final"], parts["preliminary"].isel(valid_time=slice(10, None))], "valid_time")
    assert np.array_equal(found["t2m"], expected["t2m"])
    assert found["preliminary"].values.tolist() == [False] * 20 + [True] * 10


def test_of_two_as_good_the_later_file_wins(tmp_path):
    first, second = raw(), raw(TIMES[5:8])
    save(first, tmp_path / "a.nc")
    save(second, tmp_path / "b.nc")
    found = era5_fetch.open(["t2m"], "2020", source=tmp_path)["t2m"]
    assert np.array_equal(found[5:8], second["t2m"])
    assert np.array_equal(found[8:], first["t2m"][8:])


def test_hours_of_which_nothing_is_known_are_counted(tmp_path):
    save(raw(TIMES[:10]), tmp_path / "a.nc")
    save(raw(TIMES[8:], expver="0005"), tmp_path / "b.nc")
    found = era5_fetch.open(["t2m"], "2020", source=tmp_path)
    assert found["preliminary"].values.tolist() == [False] * 10 + [True] * 20
    assert found["preliminary"].attrs["hours_unknown"] == 10


def test_files_of_other_variables_and_times_do_no_harm(tmp_path):
    save(raw()[["t2m"]], tmp_path / "a.nc")
    save(raw(TIMES + pd.Timedelta("365D")), tmp_path / "b.nc")
    save(raw()[["t2m"]].rename(t2m="mystery"), tmp_path / "c.nc")
    (tmp_path / "notes.txt").write_text("not weather")
    found = era5_fetch.open(["t2m"], "2020-01", source=tmp_path)
    assert list(found.data_vars) == ["t2m"]
    assert found.sizes["time"] == 30


def test_a_variable_the_lexicon_does_not_know_can_be_asked_for(tmp_path):
    save(raw()[["t2m"]].rename(t2m="mystery"), tmp_path / "c.nc")
    with pytest.warns(Era5Warning, match="'mystery'"):
        assert list(era5_fetch.open(["mystery"], "2020", source=tmp_path)) == ["mystery"]


def test_hours_only_one_variable_has_are_nan_in_the_other_and_are_missing(tmp_path):
    save(raw()[["t2m"]], tmp_path / "a.nc")
    save(raw(TIMES[4:])[["ssrd"]], tmp_path / "b.nc")
    found = era5_fetch.open(["t2m", "ssrd"], ("2020-01-01", TIMES[29]), source=tmp_path)
    assert found["ssrd"].isnull().all(["latitude", "longitude"]).values.tolist() == [True] * 4 + [False] * 26
    assert missing_hours(found, ("2020-01-01", TIMES[29])).equals(TIMES[:4])
    assert missing_hours(found.drop_vars("ssrd"), ("2020-01-01", TIMES[29])).empty


def test_an_area_cuts_the_grid_and_leaves_the_values(tmp_path):
    whole = raw()
    save(whole.assign_coords(longitude=whole["longitude"] + 360).sortby("latitude"), tmp_path / "a.nc")
    found = era5_fetch.open(["t2m"], "2020", source=tmp_path, area=[40.5, 116.2, 40, 116.9])
    assert found["latitude"].values.tolist() == [40.5, 40.25, 40.0]
    assert found["longitude"].values.tolist() == [116.25, 116.5, 116.75]
    assert found["t2m"].equals(canonical(whole)["t2m"].sel(found.coords))
    with pytest.raises(GridError, match=r"a\.nc: area .* reaches beyond the grid"):
        era5_fetch.open(["t2m"], "2020", source=tmp_path, area=[50, 100, 30, 120])


def test_an_area_may_cross_the_date_line(tmp_path):
    whole = raw().assign_coords(longitude=[178.0, 179, 180, 181, 182, 183])
    save(
        whole.assign_coords(longitude=(whole["longitude"] + 180) % 360 - 180).sortby("longitude"),
        tmp_path / "a.nc",
    )
    found = era5_fetch.open(["t2m"], "2020", source=tmp_path, area=[41, 179, 40.5, -178])
    assert found["longitude"].values.tolist() == [-180, -179, -178, 179]
    expected = whole["t2m"].sel(longitude=[180, 181, 182, 179], latitude=[41, 40.75, 40.5])
    assert np.array_equal(found["t2m"], expected)


@pytest.mark.parametrize("block", [1, 100, 4_000_000])
@pytest.mark.parametrize("method", ["nearest", "bilinear"])
def test_points_are_the_grid_at_the_points_however_it_is_read(method, block, tmp_path, monkeypatch):
    monkeypatch.setattr("era5_fetch.extraction.BLOCK", block)
    whole = raw()
    places = points(whole)
    path = save(whole, tmp_path / "a.nc")
    found = extract([path], ["t2m", "ssrd"], places, method=method)
    assert found["t2m"].dims == ("time", "place")
    assert found["place"].values.tolist() == ["a", "b", "c", "d"]
    assert found["ssrd"].attrs["units"] == "W m-2"
    at = {n: xr.DataArray(places[n], dims="place", coords={"place": places.index}) for n in places}
    grid = canonical(whole)
    theirs = grid.interp(at, method="linear") if method == "bilinear" else grid.sel(at, method="nearest")
    # float32 of values up to 290, and a fraction snapped within 1e-5 of 0.25 degree
    assert np.abs(found["t2m"] - theirs["t2m"]).max() < 2 * np.finfo("f4").eps * 290 + 20 * 1e-5 / 0.25


def test_permuted_points_permute_the_columns(tmp_path):
    path, places = save(raw(), tmp_path / "a.nc"), points(raw())
    straight = extract([path], ["t2m"], places)
    order = ["c", "a", "d", "b"]
    assert extract([path], ["t2m"], places.loc[order]).identical(straight.sel(place=order))


def test_files_on_two_grids_give_points_but_no_one_grid(tmp_path):
    whole = raw()
    save(whole.isel(valid_time=slice(10)), tmp_path / "a.nc")
    save(whole.isel(valid_time=slice(10, None), latitude=slice(1, None)), tmp_path / "b.nc")
    places = pd.DataFrame({"latitude": [40.1], "longitude": [116.6]}, index=["here"])
    found = era5_fetch.open(["t2m"], "2020", source=tmp_path, points=places)
    assert found["t2m"].equals(extract([save(whole, tmp_path / "whole")], ["t2m"], places)["t2m"])
    with pytest.raises(GridError, match=r"grids differ: 6 x 6.* and 5 x 6"):
        era5_fetch.open(["t2m"], "2020", source=tmp_path)


def test_preliminary_travels_with_the_points(tmp_path):
    path = save(raw(expver="0005"), tmp_path / "a.nc")
    assert extract([path], ["t2m"], points(raw()))["preliminary"].all()


def test_polygons_are_means_over_their_cells(tmp_path):
    whole = raw()
    path = save(whole, tmp_path / "a.nc")
    polygons = {"one cell": shapely.box(116.15, 40.2, 116.3, 40.3), "all": shapely.box(116, 40, 117, 40.9)}
    found = extract_polygons([path], ["t2m"], polygons, period="2020-01-01")
    assert found["t2m"].dims == ("time", "place")
    assert np.array_equal(found["t2m"].sel(place="one cell"), whole["t2m"].sel(latitude=40.25, longitude=116.25)[:24])
    assert 270 < float(found["t2m"].sel(place="all").mean()) < 290


# --- what is refused ---


def test_a_missing_variable_names_itself_the_folder_and_what_there_is(tmp_path):
    save(raw(), tmp_path / "a.nc")
    with pytest.raises(VariableError, match=rf"no blh in {tmp_path}; found: ssrd, t2m"):
        era5_fetch.open(["t2m", "boundary_layer_height"], "2020", source=tmp_path)


def test_no_hour_of_the_period_is_an_error(tmp_path):
    save(raw(), tmp_path / "a.nc")
    save(raw(TIMES + pd.Timedelta("7D"))[["t2m"]], tmp_path / "b.nc")
    with pytest.raises(PeriodError, match="no hour of t2m, ssrd from 2019-01-01 00:00 to 2019-12-31 23:00"):
        era5_fetch.open(["t2m", "ssrd"], "2019", source=tmp_path)
    with pytest.raises(PeriodError, match="no hour of ssrd from 2020-01-08"):
        era5_fetch.open(["t2m", "ssrd"], "2020-01-08", source=tmp_path)


def test_the_hour_before_the_period_is_no_hour_of_it(tmp_path):
    save(raw(TIMES[:24]), tmp_path / "a.nc")
    with pytest.raises(PeriodError, match="no hour of t2m from 2020-01-02 00:00"):
        era5_fetch.open(["t2m"], "2020-01-02", source=tmp_path)


def test_an_empty_folder_and_a_glob_of_nothing_are_errors(tmp_path):
    (tmp_path / "notes.txt").write_text("not weather")
    for source in (tmp_path, tmp_path / "*.nc", tmp_path / "nowhere"):
        with pytest.raises(FileError, match=r"no file in .*, agreed a folder or a glob"):
            era5_fetch.open(["t2m"], "2020", source=source)


def test_a_web_page_among_the_files_is_named(tmp_path):
    save(raw(), tmp_path / "a.nc")
    (tmp_path / "b.nc").write_text("<html>404</html>")
    with pytest.raises(FileError, match=r"b\.nc: begins with b'<html>404</html>' \(a web page"):
        era5_fetch.open(["t2m"], "2020", source=tmp_path)


def test_a_point_outside_names_the_file_and_itself(tmp_path):
    save(raw(), tmp_path / "a.nc")
    lhasa = pd.DataFrame({"latitude": [29.6], "longitude": [91.1]}, index=["Lhasa"])
    with pytest.raises(GridError, match=r"a\.nc: 'Lhasa' at 29.6 N, 91.1 E: outside the grid"):
        era5_fetch.open(["t2m"], "2020", source=tmp_path, points=lhasa)


def test_an_area_and_points_together_are_refused(tmp_path):
    save(raw(), tmp_path / "a.nc")
    with pytest.raises(GridError, match="an area and points, agreed one of them"):
        era5_fetch.open(["t2m"], "2020", source=tmp_path, area=[41, 116, 40, 117], points=points(raw()))


def test_what_is_asked_for_by_mistake_is_told_before_anything_is_read(tmp_path):
    save(raw(), tmp_path / "a.nc")
    with pytest.raises(SourceError, match="source 'cdss', agreed cds, arco, google, earthmover, opendata, or a folder"):
        era5_fetch.open(["t2m"], "2020", source="cdss")
    with pytest.raises(VariableError, match="no variables, agreed one at least"):
        era5_fetch.open([], "2020", source=tmp_path)
    with pytest.raises(GridError, match="method 'cubic', agreed 'nearest' or 'bilinear'"):
        era5_fetch.open(["t2m"], "2020", source=tmp_path, points=points(raw()), method="cubic")
    with pytest.raises(GridError, match="method 'cubic', agreed 'nearest' or 'bilinear'"):
        era5_fetch.open(["t2m"], "2020", source="cds", cache=tmp_path / "c", key="none", url=NOWHERE, method="cubic")
    bad = points(raw()).drop(columns="longitude")
    with pytest.raises(GridError, match=r"points lack the columns \['longitude'\]"):
        era5_fetch.open(["t2m"], "2020", source="cds", cache=tmp_path / "c", key="none", url=NOWHERE, points=bad)
    assert not (tmp_path / "c").exists()
    alone = era5_fetch.open("t2m", "2020", source=tmp_path)
    xr.testing.assert_identical(alone, era5_fetch.open(["t2m"], "2020", source=tmp_path))


def test_era5_and_era5_land_do_not_mix_at_points(tmp_path):
    save(raw(), tmp_path / "a.nc")
    save(raw(TIMES + pd.Timedelta("30h"), step=0.1), tmp_path / "b.nc")
    places = pd.DataFrame({"latitude": [40.9], "longitude": [116.1]}, index=["here"])
    with pytest.raises(DecodeError, match="'ssrd' accumulates over the hour and over the day: part ERA5 from"):
        era5_fetch.open(["ssrd"], "2020", source=tmp_path, points=places)
    assert era5_fetch.open(["t2m"], "2020", source=tmp_path, points=places).sizes["time"] == 60


def test_canonical_files_can_be_read_again_and_their_counts_add_up(tmp_path):
    dirty = raw()
    dirty["ssrd"][[3, 4, 20], 0, 0] = -1
    once = canonical(dirty)
    save(canonical(dirty.isel(valid_time=slice(10))), tmp_path / "a.nc")
    save(canonical(dirty.isel(valid_time=slice(10, None))), tmp_path / "b.nc")
    found = era5_fetch.open(["t2m", "ssrd"], "2020", source=tmp_path)
    assert found["ssrd"].attrs["negatives_clipped"] == 3
    assert found.identical(once)


def test_pieces_at_other_places_do_not_combine():
    one = canonical(raw()).isel(longitude=0, drop=True).rename(latitude="place")
    with pytest.raises(GridError, match=r"\{'time': 30, 'place': 6\} and \{'time': 30, 'place': 5\}"):
        combined([one, one.isel(place=slice(5))])


def test_nothing_combined_is_an_error():
    with pytest.raises(PeriodError, match="no pieces"):
        combined([])


# --- periods ---


@pytest.mark.parametrize(
    ("period", "first", "last", "count"),
    [
        ("2020", "2020-01-01 00:00", "2020-12-31 23:00", 8784),
        ("2020-02", "2020-02-01 00:00", "2020-02-29 23:00", 696),
        ("2020-02-03 05:00", "2020-02-03 05:00", "2020-02-03 05:00", 1),
        (("2020-01-31", "2020-02"), "2020-01-31 00:00", "2020-02-29 23:00", 720),
        (("2020-01-01", pd.Timestamp("2020-01-02")), "2020-01-01 00:00", "2020-01-02 00:00", 25),
        (("2020-01-01T08:00+08:00", "2020-01-01T10:30+08:00"), "2020-01-01 00:00", "2020-01-01 02:00", 3),
        ((pd.Timestamp("2020-01-01").date(),) * 2, "2020-01-01 00:00", "2020-01-01 23:00", 24),
        (
            (np.datetime64("2020-01-01T00:30"), np.datetime64("2020-01-01T02:30")),
            "2020-01-01 01:00",
            "2020-01-01 02:00",
            2,
        ),
    ],
)
def test_a_period_is_all_its_full_hours(period, first, last, count):
    found = hours(period)
    assert (found[0], found[-1], len(found)) == (pd.Timestamp(first), pd.Timestamp(last), count)


@pytest.mark.parametrize("period", [("2020-02", "2020-01"), ("2020-01-01 02:00", "2020-01-01 01:00")])
def test_an_empty_period_is_an_error(period):
    with pytest.raises(PeriodError, match="holds no hour: is its end before its start"):
        hours(period)


@pytest.mark.parametrize("period", ["last week", ("2020-13-01", "2020-14-01"), ("2020", "soon")])
def test_a_period_that_cannot_be_read_is_an_error(period):
    with pytest.raises(PeriodError, match=r"cannot read '.*', agreed '2017'"):
        hours(period)


def test_missing_hours_are_those_between():
    found = TIMES.delete([3, 4, 20])
    assert missing_hours(found, ("2020-01-01", TIMES[-1])).tolist() == TIMES[[3, 4, 20]].tolist()
    assert len(missing_hours(found, "2020-01-02")) == 18


def test_a_variable_that_is_never_there_makes_no_hour_missing():
    land_only = canonical(raw()).assign(sst=lambda d: d["t2m"] * np.nan)
    assert missing_hours(land_only, (TIMES[0], TIMES[-1])).empty
