"""A store of places: it is what extraction gives, however it was filled, interrupted, extended and filled again."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

import era5_fetch
from era5_fetch import command_line
from era5_fetch import store as module
from era5_fetch.errors import BusyError, FileError, GridError, PeriodError, VariableError
from era5_fetch.extraction import extract, extract_polygons
from era5_fetch.places import Points, Polygons
from era5_fetch.store import PlaceStore, is_store

TIMES = pd.date_range("2020-01-30", periods=72, freq="h", unit="ns")
RANDOM = np.random.default_rng(7)
ALL = ("2020-01-30", "2020-02-01")
TABLE = pd.DataFrame(
    {"latitude": [40.6, 40.61, 40.9, 40.52], "longitude": [116.1, 116.35, 116.4, 116.44]}, index=["甲", "b", "c", "d"]
)


def raw(times=TIMES, *, step=0.25, expver=None) -> xr.Dataset:
    """ERA5 as the CDS gives it; with a step of 0.1, ERA5-Land, where `ssrd` runs up over the day."""
    shape = (times.size, 6, 6)
    axes = {"latitude": 41 - step * np.arange(6), "longitude": 116 + step * np.arange(6)}
    joules = RANDOM.uniform(0, 1e6, shape).round()
    if step == 0.1:
        days = (times - pd.Timedelta("1h")).floor("D")
        joules = pd.DataFrame(joules.reshape(times.size, -1)).groupby(days).cumsum().to_numpy().reshape(shape)
    holes = np.where(RANDOM.random(shape) < 0.1, np.nan, RANDOM.uniform(270, 290, shape))
    fields = {"t2m": (holes, "K"), "ssrd": (joules - 1, "J m**-2")}
    dims = ("valid_time", *axes)
    made = xr.Dataset({n: (dims, v.astype("f4"), {"units": u}) for n, (v, u) in fields.items()}, axes)
    made = made.assign_coords(valid_time=times)
    return made if expver is None else made.assign_coords(expver=("valid_time", np.full(times.size, expver)))


def save(dataset: xr.Dataset, path: Path) -> Path:
    dataset.to_netcdf(path)
    return path


def split(dataset: xr.Dataset, folder: Path, hours: int = 24) -> list[Path]:
    """A file for each so many hours."""
    folder.mkdir(exist_ok=True)
    starts = range(0, dataset.sizes["valid_time"], hours)
    return [save(dataset.isel(valid_time=slice(s, s + hours)), folder / f"{s:03d}.nc") for s in starts]


homes = st.lists(st.sets(st.integers(0, 2), min_size=1), min_size=TIMES.size, max_size=TIMES.size)


@settings(max_examples=12, deadline=None)
@given(
    data=st.data(), step=st.sampled_from([0.25, 0.1]), versions=st.lists(st.sampled_from(["0001", "0005"]), min_size=3)
)
def test_filled_from_any_split_of_a_period_in_any_order_it_is_what_extraction_gives(data, step, versions):
    whole = raw(step=step)
    held = data.draw(homes, label="the files each hour is in")
    period = (TIMES[data.draw(st.integers(0, 30))], TIMES[data.draw(st.integers(31, 71))])
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for home in range(3):
            if mine := [i for i, of in enumerate(held) if home in of]:
                part = whole.isel(valid_time=mine)
                part = part.assign({n: (part[n] + home).assign_attrs(part[n].attrs) for n in part})
                part = part.assign_coords(expver=("valid_time", np.full(len(mine), versions[home])))
                files.append(save(part, Path(folder, f"{home}.nc")))
        files = data.draw(st.permutations(files))
        store = PlaceStore(Path(folder, "s.zarr"))
        cut = data.draw(st.integers(0, len(files)))
        for some in (files[:cut], files[:cut], files[cut:]):
            if some:
                store.update(some, ["t2m", "ssrd"], Points(TABLE))
        found = store.open(["t2m", "ssrd"], period)
        expected = extract(files, ["t2m", "ssrd"], TABLE, period=period)
    xr.testing.assert_identical(found, expected)


def test_a_file_is_read_once_and_again_when_it_has_changed(tmp_path):
    files, store = split(raw(), tmp_path), PlaceStore(tmp_path / "s.zarr")
    assert len(store.update(files, ["t2m"], Points(TABLE)).read) == 3
    assert store.update(files, ["t2m"], Points(TABLE)).known == tuple(files)
    other = raw(TIMES[24:48])
    save(other, files[1])
    assert store.update(files, ["t2m"], Points(TABLE)).read == (files[1],)
    xr.testing.assert_identical(store.open(["t2m"], ALL), extract(files, ["t2m"], TABLE))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_final_hours_replace_preliminary_ones_and_never_the_other_way(order, tmp_path):
    files = [save(raw(expver="0005"), tmp_path / "a.nc"), save(raw(TIMES[:48], expver="0001"), tmp_path / "b.nc")]
    store = PlaceStore(tmp_path / "s.zarr")
    for number in order:
        store.update([files[number]], ["t2m"], Points(TABLE))
    found = store.open(["t2m"], ALL)
    assert found["preliminary"].values.tolist() == [False] * 48 + [True] * 24
    xr.testing.assert_identical(found, extract(files, ["t2m"], TABLE))
    plain = xr.open_zarr(tmp_path / "s.zarr", consolidated=False, chunks=None)
    assert plain["preliminary"].values.tolist() == [False] * 48 + [True] * 24


def test_the_plain_array_says_what_it_is(tmp_path):
    files = split(raw(step=0.1), tmp_path)
    PlaceStore(tmp_path / "s.zarr").update(files, ["t2m", "ssrd"], Points(TABLE))
    plain = xr.open_zarr(tmp_path / "s.zarr", consolidated=False, chunks=None)
    assert plain["t2m"].dims == ("time", "place")
    assert plain.indexes["time"].equals(TIMES)
    assert plain["place"].values.tolist() == TABLE.index.tolist()
    assert plain["t2m"].attrs["standard_name"] == "air_temperature"
    assert plain["t2m"].attrs["units"] == "K"
    assert "since 00 UTC" in plain["ssrd"].attrs["cell_methods"]
    assert plain.attrs["Conventions"].startswith("CF-")
    (digest,) = plain.attrs["weights"].values()
    assert len(digest) == 64


def killed_at(step: int, files: list[Path], store: Path) -> None:
    """Fills a store and is killed before writing for the time `step`, counted over all arrays and the journal."""
    calls = 0

    def count(function):
        def counted(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        return counted

    from zarr.storage import LocalStore

    LocalStore.set = count(LocalStore.set)
    PlaceStore(store).update(files, ["t2m", "ssrd"], Points(TABLE))


@pytest.mark.parametrize("step", [1, 2, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40])
def test_killed_at_any_write_the_next_run_makes_it_whole(step, tmp_path):
    files, path = split(raw(expver="0001"), tmp_path), tmp_path / "s.zarr"
    process = multiprocessing.get_context("fork").Process(target=killed_at, args=(step, files, path))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    PlaceStore(path).update(files, ["t2m", "ssrd"], Points(TABLE))
    xr.testing.assert_identical(PlaceStore(path).open(["t2m", "ssrd"], ALL), extract(files, ["t2m", "ssrd"], TABLE))
    assert xr.open_zarr(path, consolidated=False, chunks=None).indexes["time"].is_unique


def test_new_variables_are_read_from_the_files_and_the_others_are_left(tmp_path):
    files, store, inner = split(raw(), tmp_path), PlaceStore(tmp_path / "s.zarr"), TABLE[:2].assign(longitude=116.6)
    names = ["t2m", "ssrd", "t2m_mean_3x3", "ssrd_gradient_east_3x3"]
    store.update(files, names[:1], Points(inner))
    assert store.update(files, names, Points(inner)).read == tuple(files)
    xr.testing.assert_identical(store.open(names, ALL), extract(files, names, inner))


def test_new_places_are_refused_then_computed_from_every_file(tmp_path):
    files, store = split(raw(expver="0005"), tmp_path), PlaceStore(tmp_path / "s.zarr")
    store.update(files, ["t2m", "ssrd"], Points(TABLE.iloc[[2, 0]]))
    with pytest.raises(GridError, match=r"s\.zarr: lacks 'b' and 1 more: extend it \(extend=True, --extend\)"):
        store.update(files, ["t2m"], Points(TABLE))
    store.update(files[:1], ["t2m"], Points(TABLE), extend=True)
    order = ["c", "甲", "b", "d"]
    xr.testing.assert_identical(store.open(["t2m", "ssrd"], ALL), extract(files, ["t2m", "ssrd"], TABLE.loc[order]))
    xr.testing.assert_identical(store.open(["t2m"], ALL, points=TABLE), extract(files, ["t2m"], TABLE))


def test_a_file_gone_that_new_places_need_is_named_and_nothing_changes(tmp_path):
    files, store = split(raw(), tmp_path), PlaceStore(tmp_path / "s.zarr")
    store.update(files, ["t2m"], Points(TABLE.iloc[:2]))
    before = store.open(["t2m"], ALL)
    files[1].unlink()
    with pytest.raises(FileError, match=r"024\.nc: is gone, and new places need it"):
        store.update([files[0]], ["t2m"], Points(TABLE), extend=True)
    xr.testing.assert_identical(store.open(["t2m"], ALL), before)


@pytest.mark.parametrize(
    ("places", "message"),
    [
        (Points(TABLE, "nearest"), "was made with 'bilinear', asked 'nearest'"),
        (Points(TABLE.iloc[1:]), "also holds '甲': give all its places"),
        (Points(TABLE.assign(latitude=40.7)), r"'甲' was 40\.60000 N, 116\.10000 E and is 40\.70000 N"),
    ],
)
def test_other_places_are_refused_in_one_line(places, message, tmp_path):
    files, store = split(raw(), tmp_path), PlaceStore(tmp_path / "s.zarr")
    store.update(files, ["t2m"], Points(TABLE))
    with pytest.raises(GridError, match=rf"s\.zarr: {message}") as caught:
        store.update(files, ["t2m"], places, extend=True)
    assert "\n" not in str(caught.value)


def test_polygons_go_into_a_store_too(tmp_path):
    files, store = split(raw(), tmp_path), PlaceStore(tmp_path / "s.zarr")
    shapes = {"one": shapely.box(116.1, 40.0, 116.6, 40.4), "two": shapely.box(116.5, 40, 117, 40.9)}
    store.update(files, ["t2m", "ssrd"], Polygons({"one": shapes["one"]}))
    store.update(files, ["t2m", "ssrd"], Polygons(shapes), extend=True)
    xr.testing.assert_identical(store.open(["t2m", "ssrd"], ALL), extract_polygons(files, ["t2m", "ssrd"], shapes))
    moved = {"one": shapely.box(116.1, 40.0, 116.6, 40.5), "two": shapes["two"]}
    with pytest.raises(GridError, match=r"'one' was .* give it another name"):
        store.update(files, ["t2m"], Polygons(moved))


def test_only_files_that_reach_into_the_period_are_read(tmp_path):
    files, store = split(raw(), tmp_path), PlaceStore(tmp_path / "s.zarr")
    assert store.update(files, ["t2m"], Points(TABLE), period="2020-01-31").read == (files[1],)
    assert store.update(files, ["t2m"], Points(TABLE)).known == (files[1],)


def test_two_processes_do_not_fill_one_store(tmp_path):
    from filelock import FileLock

    files, store = split(raw(), tmp_path), PlaceStore(tmp_path / "s.zarr")
    with FileLock(tmp_path / "s.zarr.lock"), pytest.raises(BusyError, match="another process fills it"):
        store.update(files, ["t2m"], Points(TABLE))


def test_a_folder_that_is_something_else_is_not_touched(tmp_path):
    files = split(raw(), tmp_path / "files")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    zarr.create_group(tmp_path / "foreign.zarr", zarr_format=3)
    for name in ("other", "foreign.zarr"):
        assert not is_store(tmp_path / name)
        with pytest.raises(FileError, match="no store of era5_fetch"):
            PlaceStore(tmp_path / name).update(files, ["t2m"], Points(TABLE))
        with pytest.raises(FileError, match="no store of era5_fetch"):
            PlaceStore(tmp_path / name).open(["t2m"], ALL)
    assert (tmp_path / "other" / "thesis.tex").exists()


def test_killed_within_the_very_first_write_it_begins_anew(tmp_path):
    files, path = split(raw(), tmp_path / "files"), tmp_path / "s.zarr"
    path.mkdir()
    (path / "zarr.0f.partial").write_bytes(b'{"attri')
    PlaceStore(path).update(files, ["t2m"], Points(TABLE))
    xr.testing.assert_identical(PlaceStore(path).open(["t2m"], ALL), extract(files, ["t2m"], TABLE))


def test_what_is_not_there_is_named(tmp_path):
    files, store = split(raw(), tmp_path), PlaceStore(tmp_path / "s.zarr")
    with pytest.raises(VariableError, match=r"no blh in the files; .*s\.zarr holds: t2m"):
        store.update(files, ["t2m", "blh"], Points(TABLE))
    with pytest.raises(VariableError, match=r"no ssrd in .*s\.zarr; found: t2m"):
        store.open(["ssrd"], ALL)
    with pytest.raises(PeriodError, match="no hour of t2m from 2019-01-01 00:00"):
        store.open(["t2m"], "2019")
    with pytest.raises(GridError, match="holds places, not a grid"):
        store.open(["t2m"], ALL, area=[41, 116, 40, 117])
    with pytest.raises(GridError, match="lacks 'e'"):
        store.open(["t2m"], ALL, points=TABLE.rename({"d": "e"}))
    with pytest.raises(GridError, match=r"'d' was .* N, 116\.44000 E and is .* N, 116\.40000 E"):
        store.open(["t2m"], ALL, points=TABLE.assign(longitude=[116.1, 116.35, 116.4, 116.4]))
    with pytest.raises(FileError, match=r"nothing\.nc: No such file"):
        store.update([tmp_path / "nothing.nc"], ["t2m"], Points(TABLE))


def test_chunks_hold_a_month(tmp_path):
    store = PlaceStore(tmp_path / "s.zarr")
    store.update(split(raw(), tmp_path), ["t2m"], Points(TABLE))
    array = zarr.open_group(tmp_path / "s.zarr", mode="r")["t2m"]
    assert array.chunks == (module.HOURS_A_CHUNK, module.PLACES_A_CHUNK)
    shutil.rmtree(tmp_path / "s.zarr")


def command(monkeypatch, *arguments) -> None:
    monkeypatch.setattr(sys, "argv", ["era5-fetch", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        command_line.main()
    if stop.value.code:
        raise RuntimeError(stop.value.code)


def test_the_command_writes_a_store_or_a_file_by_the_name_of_out(tmp_path, monkeypatch, capsys):
    files = split(raw(), tmp_path / "files")
    TABLE.to_csv(tmp_path / "all.csv")
    TABLE[:2].to_csv(tmp_path / "two.csv")
    asked = ["extract", "t2m,ssrd", "2020-01-30/2020-02-01", "--source", tmp_path / "files", "--out"]
    command(monkeypatch, *asked, tmp_path / "s.zarr", "--points", tmp_path / "two.csv")
    command(monkeypatch, *asked, tmp_path / "s.zarr", "--points", tmp_path / "all.csv", "--extend")
    command(monkeypatch, *asked, tmp_path / "s.nc", "--points", tmp_path / "all.csv")
    found = PlaceStore(tmp_path / "s.zarr").open(["t2m", "ssrd"], ALL)
    xr.testing.assert_identical(found, extract(files, ["t2m", "ssrd"], TABLE))
    xr.testing.assert_equal(xr.open_dataset(tmp_path / "s.nc").load(), found)
    with pytest.raises(RuntimeError):
        command(monkeypatch, *asked, tmp_path / "t.zarr")
    assert "t.zarr: a store holds points: give them" in capsys.readouterr().err


def test_a_store_is_a_source_by_its_path(tmp_path):
    store = PlaceStore(tmp_path / "s.zarr")
    store.update(split(raw(), tmp_path), ["t2m"], Points(TABLE))
    period = (str(TIMES[0]), str(TIMES[-1]))
    found = era5_fetch.open(["t2m"], period, source=tmp_path / "s.zarr")
    xr.testing.assert_identical(found, store.open(["t2m"], period))


PEAK = """
import sys
from pathlib import Path
import pandas as pd
from era5_fetch.places import Points
from era5_fetch.store import PlaceStore

table = pd.DataFrame({"latitude": [40.1, 30.3], "longitude": [116.3, 120.2]}, index=["a", "b"])
PlaceStore(sys.argv[1]).update(sys.argv[2:], ["t2m", "d2m"], Points(table))
(line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
print(line.split()[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak memory of one process is told by Linux")
def test_memory_is_flat_in_the_number_of_files(tmp_path):
    """Ten files more may not take the room of one field of one file, and hold twenty of them."""
    hours, axes = 744, {"latitude": 45 - 0.25 * np.arange(101), "longitude": 100 + 0.25 * np.arange(121)}
    values = np.round(RANDOM.normal(285, 15, (hours, 101, 121)), 1).astype("f4")
    fields = {name: (("valid_time", *axes), values, {"units": "K"}) for name in ("t2m", "d2m")}
    packed = {name: {"zlib": True, "complevel": 1, "shuffle": True} for name in fields}
    for number in range(12):
        times = pd.date_range("2020-01-01", periods=hours, freq="h", unit="ns") + pd.Timedelta(hours=hours * number)
        path = tmp_path / f"{number:02d}.nc"
        if number:
            shutil.copyfile(tmp_path / "00.nc", path)
            with netCDF4.Dataset(path, "a") as copied:
                copied["valid_time"][:] = times.as_unit("s").asi8
        else:
            seconds = {"valid_time": {"units": "seconds since 1970-01-01", "dtype": "int64"}}
            xr.Dataset(fields, axes | {"valid_time": times}).to_netcdf(
                path, engine="netcdf4", encoding=packed | seconds
            )
    files = sorted(tmp_path.glob("*.nc"))

    def peak(count: int) -> int:
        """Peak memory of a process that extracts some of the files [bytes]."""
        ask = [sys.executable, "-c", PEAK, str(tmp_path / f"{count}.zarr"), *map(str, files[:count])]
        return 1024 * int(subprocess.run(ask, capture_output=True, text=True, check=True).stdout)

    assert peak(12) - peak(2) < values.nbytes
    with xr.open_zarr(tmp_path / "12.zarr", consolidated=False) as found:
        assert found.sizes["time"] == 12 * hours
