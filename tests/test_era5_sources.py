"""One contract for every source: the same form, points as of the grid, one line for what cannot be had."""

import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from loopback import cds_server, era5_files, fetch_era5
from loopback.arco_server import KEY, ArcoServer, save, store
from loopback.cds_server import CdsServer

from era5_fetch import lexicon
from era5_fetch.errors import (
    ContentError,
    Era5Error,
    GridError,
    PackageError,
    PeriodError,
    RequestError,
    SourceError,
    VariableError,
)
from era5_fetch.extraction import apply
from era5_fetch.grid import weights
from era5_fetch.neighbourhood import neighbourhood
from era5_fetch.patience import Patience
from era5_fetch.period import hours
from era5_fetch.sources import SOURCES, Settings, Source, source_of
from era5_fetch.sources.arco import BY_HOUR, BY_PLACE
from era5_fetch.sources.earthmover import GROUP, Earthmover
from era5_fetch.sources.google import Google
from era5_fetch.sources.lazy import Store

# ecmwf-opendata takes the time by a function that Python 3.12 deprecates
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

PATIENCE = Patience(retries=(0.01, 0.02), polls=(0.02, 0.05), timeout=(5, 20))
NAMES = ["t2m", "ssrd", "tp"]
PERIOD = ("2020-01-30", "2020-01-31")
TIMES = pd.date_range("2020-01-28", "2020-02-03", freq="h", unit="ns", inclusive="left")
AREA = [40.5, 116, 39.5, 117]
POINTS = pd.DataFrame({"latitude": [40.1, 39.62, 40.25], "longitude": [116.3, 116.9, 116.5]}, index=["a", "b", "c"])
TODAY = pd.Timestamp.now("UTC").tz_localize(None).floor("D")


@dataclass
class Case:
    """A source with a server behind it, and what it should give."""

    source: Callable[..., Source]
    truth: Callable[[str, xr.Dataset], np.ndarray]
    period: tuple = PERIOD
    outside: tuple = ("1939-01-01", "1939-01-02")
    key: str | None = None
    package: str | None = None


def reanalysis(name: str, found: xr.Dataset) -> np.ndarray:
    return era5_files.truth(name, found.indexes["time"], found["latitude"].values, found["longitude"].values)


def settings(folder: Path, **changed) -> Settings:
    return Settings(folder, **{"patience": PATIENCE, "now": fetch_era5.NOW} | changed)


def folder(at: Path, stack: ExitStack) -> Case:
    inputs = {
        "year": ["2020"],
        "month": ["01"],
        "time": [f"{h:02d}:00" for h in range(24)],
        "area": [41, 115.75, 39, 118],
    }
    for day in ("29", "30", "31"):
        names = [lexicon.variable(name).request for name in NAMES]
        (at / f"{day}.nc").write_bytes(era5_files.netcdf("", inputs | {"day": [day], "variable": names}))
    return Case(lambda: source_of(at, Settings()), reanalysis)


def cds(at: Path, stack: ExitStack) -> Case:
    server = stack.enter_context(CdsServer())
    given = {"url": server.url, "key": cds_server.KEY}
    make = lambda **changed: source_of("cds", settings(at, **given | changed))  # noqa: E731
    return Case(make, reanalysis, outside=("2030-01-01", "2030-01-02"), key=cds_server.KEY)


def arco(at: Path, stack: ExitStack) -> Case:
    held = store(NAMES, TIMES, ascending=True)
    save(held, at / BY_PLACE, (TIMES.size, 4, 4))
    save(held, at / BY_HOUR, (1, 100, 100))
    server = stack.enter_context(ArcoServer(at))
    make = lambda **changed: source_of("arco", settings(at, **{"url": server.url, "key": KEY} | changed))  # noqa: E731
    return Case(make, reanalysis, key=KEY, package="obstore")


def google(at: Path, stack: ExitStack) -> Case:
    times = pd.date_range("2020-01-28", "2020-02-05", freq="h", unit="ns")
    padded = store(NAMES, times, around=True, long_names=True, filled=slice(0, TIMES.size))
    marked = {"valid_time_start": "2020-01-28", "valid_time_stop": "2020-01-30", "valid_time_stop_era5t": "2020-02-04"}
    save(padded.assign_attrs(marked), at / "full.zarr", (1, 1000, 2000))
    server = stack.enter_context(ArcoServer(at, key=None))
    return Case(lambda: source_of("google", settings(at, url=f"{server.url}/full.zarr")), reanalysis, package="obstore")


def earthmover(at: Path, stack: ExitStack) -> Case:
    icechunk = pytest.importorskip("icechunk", reason="icechunk is not installed: Earthmover's store is not tested")
    repository = icechunk.Repository.create(icechunk.local_filesystem_storage(str(at / "repository")))
    session = repository.writable_session("main")
    encoding = {name: {"chunks": (TIMES.size, 10, 12)} for name in NAMES}
    held = store(NAMES, TIMES, around=True)
    held.to_zarr(session.store, group=GROUP, zarr_format=3, consolidated=False, encoding=encoding)
    session.commit("ERA5")
    make = lambda: source_of("earthmover", settings(at, url=str(at / "repository")))  # noqa: E731
    return Case(make, reanalysis, package="icechunk")


def opendata(at: Path, stack: ExitStack) -> Case:
    pytest.importorskip("eccodes", reason="eccodes is not installed: forecasts are not tested")
    from loopback import opendata_server

    server = stack.enter_context(opendata_server.OpenDataServer({TODAY: 240}))

    def truth(name: str, found: xr.Dataset) -> np.ndarray:
        axes = found["latitude"].values, found["longitude"].values
        if name == "t2m":
            return opendata_server.truth(name, found["lead"].values, *axes)
        spans = zip(found["lead"].values, found["step_hours"].values.astype(int), strict=True)
        each = [
            (opendata_server.total(name, a, *axes) - opendata_server.total(name, a - n, *axes), n) for a, n in spans
        ]
        return np.stack([amount / (n if name == "ssrd" else 1) for amount, n in each])

    return Case(
        lambda: source_of("opendata", settings(at, url=server.url)),
        truth,
        period=(TODAY + pd.Timedelta("30h"), TODAY + pd.Timedelta("60h")),
        package="ecmwf.opendata",
    )


CASES = {made.__name__: made for made in (folder, cds, arco, google, earthmover, opendata)}


@pytest.fixture(scope="module", params=CASES)
def case(request, tmp_path_factory) -> Iterator[Case]:
    with ExitStack() as stack:
        yield CASES[request.param](tmp_path_factory.mktemp(request.param), stack)


def one_line(error: Exception, *parts: str) -> None:
    assert "\n" not in str(error)
    for part in parts:
        assert part in str(error)


# -- the contract


def test_every_source_that_has_a_name_is_under_the_contract():
    assert set(CASES) == {*SOURCES, "folder"}


def test_the_form_is_canonical_and_the_values_are_those_of_the_archive(case):
    found = case.source().open(NAMES, case.period, area=AREA)
    assert set(found) == set(NAMES)
    for name in NAMES:
        known = lexicon.variable(name)
        assert found[name].dims == ("time", "latitude", "longitude")
        assert found[name].dtype == "float32"
        assert {k: found[name].attrs[k] for k in ("units", "standard_name")} == {
            "units": known.unit,
            "standard_name": known.standard_name,
        }
        assert found[name].attrs["cell_methods"].startswith("time: ")
        # a forecast packs a field in 24 bits of its range, and what is differenced are sums over days
        tolerance = {"rtol": 4e-7, "atol": 0} if "lead" not in found.coords else {"rtol": 0, "atol": 0.1}
        assert np.allclose(found[name], case.truth(name, found), **tolerance)
    assert found.indexes["latitude"].tolist() == [40.5, 40.25, 40, 39.75, 39.5]
    assert found.indexes["longitude"].tolist() == [116, 116.25, 116.5, 116.75, 117]
    assert found.indexes["time"].isin(hours(case.period)).all()
    assert found.indexes["time"].is_monotonic_increasing
    assert found.attrs["Conventions"] == "CF-1.11"
    if "lead" not in found.coords:
        assert found.indexes["time"].equals(hours(case.period))


@pytest.mark.parametrize("method", ["nearest", "bilinear"])
def test_points_are_the_area_taken_to_the_points(case, method):
    grid = case.source().open(NAMES, case.period, area=AREA)
    found = case.source().open(NAMES, case.period, points=POINTS, method=method)
    matrix = weights(grid, POINTS, method=method)
    assert found["place"].values.tolist() == list("abc")
    assert found["latitude"].values.tolist() == POINTS["latitude"].tolist()
    assert found.indexes["time"].equals(grid.indexes["time"])
    for name in NAMES:
        assert found[name].dims == ("time", "place")
        assert found[name].dtype == "float32"
        expected = apply(matrix, grid[name].values.reshape(grid.sizes["time"], -1))
        # rounded to float32 before and after the mean of four cells, or of sums over days
        largest = float(np.abs(grid[name]).max())
        assert np.allclose(found[name], expected, rtol=0, atol=largest * 4 * 100 * np.finfo("f4").eps)
        assert found[name].attrs["units"] == grid[name].attrs["units"]


def test_any_dialects_name_is_understood(case):
    assert list(case.source().open(["2m_temperature"], case.period, points=POINTS)) == ["t2m"]


def test_an_unknown_variable_is_named_in_one_line(case):
    with pytest.raises(VariableError) as refused:
        case.source().open(["t2m", "phlogiston"], case.period, area=AREA)
    one_line(refused.value, "phlogiston", "t2m")


def test_a_period_outside_is_told_in_one_line(case):
    with pytest.raises(PeriodError) as refused:
        case.source().open(["t2m"], case.outside, area=AREA)
    one_line(refused.value, case.outside[0])


def test_an_area_and_points_together_are_refused(case):
    with pytest.raises(GridError, match="points need no area"):
        case.source().open(["t2m"], case.period, area=AREA, points=POINTS)


def test_a_key_is_never_shown(case, caplog, capfd):
    if case.key is None:
        pytest.skip("this source has no key")
    caplog.set_level(logging.DEBUG)
    source = case.source()
    found = source.open(["t2m"], case.period, points=POINTS)
    wrong = case.source(key="not-" + case.key)
    with pytest.raises(Era5Error) as refused:
        wrong.open(["d2m"], ("2020-01-28", "2020-01-28"), points=POINTS)
    told = [caplog.text, *capfd.readouterr(), *traceback.format_exception(refused.value), str(found), str(found.attrs)]
    told += [repr(thing) for thing in (source, wrong, source._settings, wrong._settings, vars(source))]
    assert [text for text in told if case.key in text] == []


def test_a_missing_package_is_one_line(case, monkeypatch):
    if case.package is None:
        pytest.skip("this source needs no package of its own")
    monkeypatch.setitem(sys.modules, case.package, None)
    later = (case.period[0], pd.Timestamp(case.period[0]) + pd.Timedelta("7h"))
    with pytest.raises(PackageError) as refused:
        case.source().open(["t2m"], later, points=POINTS)
    one_line(refused.value, case.package, "pip install tianbang[")


def test_the_weather_around_points_is_that_of_the_grid(case):
    names = ["t2m_mean_3x3", "t2m", "t2m_gradient_east_3x3", "tp_mean_3x3"]
    if case.package == "ecmwf.opendata":
        with pytest.raises(VariableError) as refused:
            case.source().open(names, case.period, points=POINTS)
        one_line(refused.value, "opendata: t2m_mean_3x3, t2m_gradient_east_3x3, tp_mean_3x3: forecasts")
        return
    found = case.source().open(names, case.period, points=POINTS)
    assert set(found) == set(names)
    grid = case.source().open(["t2m", "tp"], case.period, area=[41, 115.75, 39, 118])
    matrices = neighbourhood(grid, POINTS, size=3)
    for name, variable, statistic in (
        ("t2m_mean_3x3", "t2m", "mean"),
        ("t2m_gradient_east_3x3", "t2m", "gradient_east"),
        ("tp_mean_3x3", "tp", "mean"),
    ):
        expected = apply(matrices[statistic], grid[variable].values.reshape(grid.sizes["time"], -1))
        assert np.allclose(found[name], expected, rtol=1e-6, atol=1e-6 * float(grid[variable].max()))
    assert found["t2m_gradient_east_3x3"].attrs["units"] == "1e-5 K m-1"
    with pytest.raises(VariableError) as refused:
        case.source().open(["t2m_mean_3x3"], case.period, area=AREA)
    one_line(refused.value, "t2m_mean_3x3: around places, found a grid: give points")


# -- Zarr stores


@pytest.fixture
def served(tmp_path):
    """The CDS's store by place, with its server; to be filled."""
    with ArcoServer(tmp_path) as server:
        yield server, source_of("arco", settings(tmp_path, url=server.url, key=KEY)), tmp_path / BY_PLACE


def test_points_read_the_chunks_around_them_and_no_others(served):
    server, source, path = served
    save(store(NAMES, TIMES, ascending=True), path, (50, 4, 4))
    here = pd.DataFrame({"latitude": [39.3, 40.9], "longitude": [116.3, 117.8]}, index=["a", "b"])
    source.open(["t2m"], ("2020-01-28", "2020-01-29"), points=here)
    # the first chunk of time; a within a tile, b between the second and the third row of tiles
    assert {chunk.rsplit("/", 1)[-1] for chunk in server.read("t2m")} == {"0.0.0", "0.1.2", "0.2.2"}
    assert server.read("ssrd") == []


def test_of_two_layouts_that_with_fewer_chunks_is_read(tmp_path):
    held = store(["t2m"], TIMES, ascending=True)
    save(held, tmp_path / BY_PLACE, (TIMES.size, 4, 4))
    save(held, tmp_path / BY_HOUR, (1, 100, 100))
    with ArcoServer(tmp_path) as server:
        source = source_of("arco", settings(tmp_path, url=server.url, key=KEY))
        short = source.open(["t2m"], ("2020-01-30 00:00", "2020-01-30 02:00"), area=[41.25, 115.75, 39, 118])
        assert {chunk.split("/")[1] for chunk in server.read("t2m")} == {BY_HOUR.split("/")[0]}
        asked = len(server.log)
        long = source.open(["t2m"], "2020-01-30", area=[41.25, 115.75, 39, 118])
        assert {path.split("/")[1] for path, _ in server.log[asked:]} == {BY_PLACE.split("/")[0]}
    assert short["t2m"].equals(long["t2m"][:3])


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_one_line(tmp_path, status):
    with ArcoServer(tmp_path) as server:
        server.fail("/", *[status] * 20)
        with pytest.raises(RequestError) as refused:
            source_of("arco", settings(tmp_path, url=server.url, key=KEY)).open(["t2m"], PERIOD, points=POINTS)
    one_line(refused.value, "refuses the key", str(status), "licence")


def test_a_server_that_stumbles_is_asked_again(served):
    server, source, path = served
    save(store(["t2m"], TIMES, ascending=True), path, (TIMES.size, 4, 4))
    server.fail("/t2m/0", 503, 500)
    assert np.isfinite(source.open(["t2m"], PERIOD, points=POINTS)["t2m"]).all()


def test_a_server_that_is_down_is_one_line(served):
    server, source, path = served
    save(store(["t2m"], TIMES, ascending=True), path, (TIMES.size, 4, 4))
    server.fail("/t2m/0", *[503] * 40)
    with pytest.raises(SourceError) as refused:
        source.open(["t2m"], PERIOD, points=POINTS)
    one_line(refused.value, "arco", server.url, "does not answer")


def test_a_store_that_is_not_there_is_one_line(tmp_path):
    with ArcoServer(tmp_path, key=None) as server:
        for address in (f"{server.url}/nothing.zarr", str(tmp_path / "nothing.zarr")):
            with pytest.raises(SourceError) as refused:
                Google(settings(tmp_path, url=address)).open(["t2m"], PERIOD, points=POINTS)
            one_line(refused.value, "google: no Zarr store", address)
    with pytest.raises(SourceError) as refused:
        Google(settings(tmp_path, url=f"{server.url}/nothing.zarr")).open(["t2m"], PERIOD, points=POINTS)
    one_line(refused.value, "google", server.url, "does not answer")


@pytest.mark.parametrize("absent", [404, 403])
def test_chunks_that_are_not_there_are_missing_hours_not_data(tmp_path, absent):
    save(store(["t2m", "tp"], TIMES, ascending=True, filled=slice(0, 60)), tmp_path / BY_PLACE, (12, 4, 4))
    with ArcoServer(tmp_path, absent=absent) as server:
        source = source_of("arco", settings(tmp_path, url=server.url, key=KEY))
        found = source.open(["t2m"], ("2020-01-29", "2020-01-31"), points=POINTS)
        assert found.indexes["time"].equals(TIMES[24:60])
        with pytest.raises(PeriodError) as refused:
            source.open(["t2m"], ("2020-01-31", "2020-02-01"), points=POINTS)
    one_line(refused.value, "no hour of t2m from 2020-01-31 00:00", "arco")


def test_a_hole_in_an_hour_that_is_there_is_an_error_at_points_and_in_an_area(served):
    _, source, path = served
    holed = store(["t2m"], TIMES, ascending=True)
    holed["t2m"][60, 4, 2] = np.nan  # 40 N, 116.25 E: a corner of the first point
    save(holed, path, (TIMES.size, 4, 4))
    for place in ({"points": POINTS}, {"area": AREA}):
        with pytest.raises(ContentError) as refused:
            source.open(["t2m"], PERIOD, **place)
        one_line(refused.value, "arco: 1 values of t2m are missing in 1 hours from 2020-01-30 12:00")


def test_the_sea_may_be_missing_on_land():
    raw = store(["t2m"], TIMES).assign(sst=(("time", "latitude", "longitude"), np.full((TIMES.size, 10, 10), np.nan)))
    raw["sst"][:, 3, 3] = 285.0
    raw["sst"].attrs["units"] = "K"
    found = Store("memory", raw).read(["t2m", "sst"], PERIOD, area=AREA)
    assert found.indexes["time"].equals(hours(PERIOD))
    assert int(found["sst"].notnull().sum()) == 48


def test_a_variable_on_pressure_levels_is_one_of_its_own():
    flat = store(["t2m"], TIMES)["t2m"]
    levels = xr.concat([flat + 1, flat + 2], pd.Index([850, 925], name="level")).transpose("time", "level", ...)
    raw = xr.Dataset({"temperature": levels.assign_attrs(units="K"), "2m_temperature": flat})
    found = Store("memory", raw).read(["t850", "t2m"], PERIOD, points=POINTS)
    assert np.allclose(found["t850"], found["t2m"] + 1, rtol=1e-6)
    with pytest.raises(VariableError, match=r"no u850 in memory; found: t2m, and 2 on pressure levels"):
        Store("memory", raw).read(["u850"], PERIOD, points=POINTS)


def test_an_area_around_greenwich_reads_both_ends_of_a_store_and_not_between(tmp_path):
    held = store(["t2m"], TIMES, around=True).assign_attrs(valid_time_start="2020-01-28", valid_time_stop="2020-02-02")
    save(held, tmp_path / "full.zarr", (TIMES.size, 10, 40))
    with ArcoServer(tmp_path, key=None) as server:
        source = Google(settings(tmp_path, url=f"{server.url}/full.zarr"))
        found = source.open(["t2m"], PERIOD, area=[40.5, -1, 39.5, 1])
        place = pd.DataFrame({"latitude": [40.1], "longitude": [-0.1]}, index=["here"])
        at = source.open(["t2m"], PERIOD, points=place)
        assert {chunk.rsplit("/", 1)[-1] for chunk in server.read("t2m")} == {"0.0.0", "0.0.35"}
    assert found.indexes["longitude"].tolist() == np.arange(-1, 1.1, 0.25).tolist()
    assert np.allclose(found["t2m"], reanalysis("t2m", found), rtol=4e-7)
    expected = apply(weights(found, place), found["t2m"].values.reshape(48, -1))
    assert np.allclose(at["t2m"], expected, rtol=4e-7)


def test_google_says_which_hours_are_preliminary_and_what_it_says_is_audited(tmp_path):
    with ExitStack() as stack:
        source = google(tmp_path, stack).source()
        found = source.open(["t2m"], ("2020-01-30", "2020-02-05"), points=POINTS)
    assert found["time"].values[-1] == TIMES[-1]  # its attributes go on to 4 February, its data do not
    assert found["preliminary"].values.tolist() == [False] * 24 + [True] * (found.sizes["time"] - 24)
    save(store(["t2m"], TIMES), tmp_path / "other.zarr", (10, 10, 10))
    with pytest.raises(SourceError, match="no attribute valid_time_start, valid_time_stop"):
        Google(settings(tmp_path, url=str(tmp_path / "other.zarr"))).open(["t2m"], PERIOD, points=POINTS)


def test_a_snapshot_of_earthmovers_store_never_changes(tmp_path):
    icechunk = pytest.importorskip("icechunk")
    with ExitStack() as stack:
        earthmover(tmp_path, stack)
    given = settings(tmp_path, url=str(tmp_path / "repository"))
    before = Earthmover(given).open(["t2m"], PERIOD, points=POINTS)
    session = icechunk.Repository.open(icechunk.local_filesystem_storage(given.url)).writable_session("main")
    changed = store(["t2m"], TIMES, around=True) + 1
    changed["t2m"].attrs["units"] = "K"
    changed.to_zarr(session.store, group=GROUP, mode="w", zarr_format=3, consolidated=False)
    session.commit("another")
    after = Earthmover(given).open(["t2m"], PERIOD, points=POINTS)
    again = Earthmover(given, snapshot=before.attrs["snapshot"]).open(["t2m"], PERIOD, points=POINTS)
    assert np.allclose(after["t2m"], before["t2m"] + 1)
    assert again.identical(before)
    with pytest.raises(SourceError) as refused:
        Earthmover(settings(tmp_path, url=str(tmp_path / "none"))).open(["t2m"], PERIOD, points=POINTS)
    one_line(refused.value, "none", "Icechunk repository")


def test_the_public_icechunk_store_needs_the_second_icechunk_and_says_so(monkeypatch, tmp_path):
    icechunk = pytest.importorskip("icechunk")
    monkeypatch.setattr(icechunk, "__version__", "1.1.21")
    with pytest.raises(PackageError) as refused:
        source_of("earthmover", settings(tmp_path)).open(["t2m"], PERIOD, points=POINTS)
    one_line(refused.value, "Python 3.12", "icechunk 2", "1.1.21", "pip install tianbang[earthmover]")
