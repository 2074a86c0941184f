"""Forecasts: sums since the start made amounts of steps and hours, and ECMWF's open data by its own client."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import era5_fetch
from era5_fetch import command_line
from era5_fetch.emulator import train
from era5_fetch.errors import DecodeError, Era5Warning, PeriodError, SourceError
from era5_fetch.forecast import hourly, stepped
from era5_fetch.patience import Patience
from era5_fetch.sources import Settings
from era5_fetch.sources.opendata import STEPS, OpenData

pytest.importorskip("eccodes", reason="eccodes is not installed: forecasts are not tested")
from loopback.opendata_server import OpenDataServer, total, truth

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

RUN = pd.Timestamp("2026-05-20 12:00")
IFS = STEPS["ifs"]
TODAY = pd.Timestamp.now("UTC").tz_localize(None).floor("D")
YESTERDAY = TODAY - pd.Timedelta("1D")
PATIENCE = Patience(retries=(0.01, 0.01), timeout=(5, 20))
AREA = [40.5, 116, 39.5, 117]


def forecast(steps, **fields) -> xr.Dataset:
    """Decoded fields at one place, by lead."""
    times = RUN + pd.to_timedelta(list(steps), unit="h")
    time = pd.DatetimeIndex(times, name="time").as_unit("ns")
    made = {name: (("time", "place"), np.asarray(values, "f4")[:, None]) for name, values in fields.items()}
    return xr.Dataset(made, {"time": time, "place": ["here"]})


# -- steps and hours


@settings(max_examples=25)
@given(
    rain=st.lists(st.floats(0, 20, width=32), min_size=len(IFS) - 1, max_size=len(IFS) - 1),
    first=st.integers(0, len(IFS) - 3),
)
def test_the_amounts_of_steps_add_up_to_the_total_of_the_run(rain, first):
    totals = np.concatenate([[np.nan], np.cumsum(rain)])
    found = stepped(forecast(IFS[first:], tp=totals[first:]), RUN, IFS)
    known = found["tp"].values[1:, 0]
    start = 0.0 if first == 0 else totals[first]
    # each total is rounded to float32, of a sum up to 20 mm in each of 65 steps
    assert np.nansum(known) == pytest.approx(totals[-1] - start, abs=1300 * 65 * 1.2e-7)
    assert (known >= 0).all()
    assert np.isnan(found["tp"].values[0, 0]) == (first != 1)
    assert found["step_hours"].values[1:].tolist() == np.diff(IFS)[first:].tolist()
    assert found["lead"].values.tolist() == list(IFS[first:])


def test_radiation_becomes_the_mean_over_its_step_whatever_the_step():
    steps = (0, 3, 6, 12)
    found = stepped(forecast(steps, ssrd=[np.nan, 300, 900, 2100], t2m=[1, 2, 3, 4]), RUN, steps)
    assert found["ssrd"].values[1:, 0].tolist() == [100, 200, 200]
    assert found["t2m"].values[:, 0].tolist() == [1, 2, 3, 4]
    assert found["ssrd"].attrs["cell_methods"] == "time: mean (comment: over the step_hours that end at time)"


def test_a_step_whose_step_before_is_not_there_is_missing():
    found = stepped(forecast((6, 12, 24), tp=[1, 2, 5]), RUN, (0, 6, 12, 18, 24))
    assert np.array_equal(found["tp"].values[:, 0], [1, 1, np.nan], equal_nan=True)


def test_what_packing_pushes_below_zero_is_zero_and_counted_and_a_fall_is_refused():
    steps = tuple(range(0, 241, 6))
    night = np.full(len(steps), 1e5)
    night[5] -= 0.5  # a sum of radiation up to 1600 W m-2 for 30 h, in 16 bits, is within 0.7 of itself
    found = stepped(forecast(steps, ssrd=night), RUN, steps)
    assert found["ssrd"].attrs["negatives_clipped"] == 1
    assert found["ssrd"].values[5, 0] == 0
    with pytest.raises(DecodeError, match=r"'tp' falls in 2\.5% of the steps"):
        stepped(forecast(steps, tp=np.where(np.array(steps) < 100, 0.1 * np.array(steps), 2.0)), RUN, steps)


def test_hours_keep_the_sums_of_steps_and_the_line_between_instants():
    steps = (0, 3, 6, 12)
    found = hourly(
        stepped(forecast(steps, tp=[np.nan, 3, 3, 9], ssrd=[np.nan, 30, 60, 360], t2m=[0, 3, 9, 3]), RUN, steps)
    )
    assert found["tp"].values[1:, 0].tolist() == [1, 1, 1, 0, 0, 0, *[1] * 6]
    assert found["ssrd"].values[1:, 0].tolist() == [10] * 6 + [50] * 6
    assert found["t2m"].values[:, 0].tolist() == [0, 1, 2, 3, 5, 7, 9, 8, 7, 6, 5, 4, 3]
    assert np.isnan(found["tp"].values[0, 0])
    assert found["step_hours"].values.tolist() == [0, *[3] * 6, *[6] * 6]
    assert found["lead"].values.tolist() == list(range(13))
    assert "from steps of step_hours" in found["tp"].attrs["cell_methods"]


# -- open data


def opendata(cache: Path, server: OpenDataServer, **changed) -> OpenData:
    return OpenData(Settings(cache, url=server.url, patience=PATIENCE), **changed)


def test_ten_days_ahead_by_steps_of_three_and_six_hours(tmp_path):
    with OpenDataServer({TODAY: 240}) as server:
        found = opendata(tmp_path, server).open(["t2m", "tp"], (TODAY, TODAY + pd.Timedelta("10D")), area=AREA)
    assert found["lead"].values.tolist() == list(IFS)
    assert found["step_hours"].values.tolist() == [0, *np.diff(IFS)]
    assert found.attrs["model"] == "ifs"
    assert pd.Timestamp(found.attrs["run"]).tz_localize(None) == TODAY
    axes = found["latitude"].values, found["longitude"].values
    whole = found["tp"].sum("time").values
    assert np.allclose(whole, total("tp", 240, *axes), rtol=1e-5)
    assert np.allclose(found["t2m"], truth("t2m", np.array(IFS), *axes), rtol=1e-5)


def test_the_latest_run_that_is_complete_is_taken(tmp_path):
    runs = {YESTERDAY: 240, YESTERDAY + pd.Timedelta("12h"): 240, TODAY: 120}
    with OpenDataServer(runs) as server:
        found = opendata(tmp_path, server).open(["t2m"], (TODAY, TODAY + pd.Timedelta("6h")), area=AREA)
        earlier = opendata(tmp_path, server, run=YESTERDAY).open(["t2m"], TODAY.strftime("%Y-%m-%d"), area=AREA)
    assert pd.Timestamp(found.attrs["run"]).tz_localize(None) == YESTERDAY + pd.Timedelta("12h")
    assert found["lead"].values.tolist() == [12, 15, 18]
    assert pd.Timestamp(earlier.attrs["run"]).tz_localize(None) == YESTERDAY


def test_the_aifs_is_another_model_of_the_same_form(tmp_path):
    with OpenDataServer({TODAY: 360}) as server:
        source = opendata(tmp_path, server, model="aifs-single", hourly=True)
        found = source.open(["t2m", "ssrd", "t850"], (TODAY, TODAY + pd.Timedelta("1D")), area=AREA)
        assert all("/aifs-single/" in path for _, path in server.log)
    assert found.sizes["time"] == 25
    assert set(found["step_hours"].values[1:]) == {6}


@pytest.mark.parametrize(
    ("without", "said"),
    [
        (("tcc",), "no tcc in the run"),
        (("tcc", "2t", "tp"), "no t2m, tcc, tp in the run"),
        (("tp@9",), "no tp at 9 h in the run"),
    ],
)
def test_a_parameter_that_is_not_there_is_an_error_that_names_it(tmp_path, without, said):
    with OpenDataServer({TODAY: 240}, without=without) as server:
        with pytest.raises(SourceError) as refused:
            opendata(tmp_path, server).open(["t2m", "tcc", "tp"], (TODAY, TODAY + pd.Timedelta("12h")), area=AREA)
        assert said in str(refused.value)
        assert "\n" not in str(refused.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_mirrors_are_tried_in_turn_and_all_are_told(tmp_path):
    span = (TODAY, TODAY + pd.Timedelta("6h"))
    with (
        OpenDataServer({}, status=503) as down,
        OpenDataServer({}) as empty,
        OpenDataServer({TODAY: 240}, without=("2t",)) as lacking,
        OpenDataServer({TODAY: 240}) as good,
    ):
        mirrors = [down.url, empty.url, lacking.url]
        with pytest.raises(SourceError) as refused:
            opendata(tmp_path, good, mirrors=mirrors).open(["t2m"], span, area=AREA)
        assert all(url in str(refused.value) for url in mirrors)
        assert "no t2m in the run" in str(refused.value)
        found = opendata(tmp_path, good, mirrors=[*mirrors, good.url]).open(["t2m"], span, area=AREA)
    assert found["lead"].values.tolist() == [0, 3, 6]


def test_a_run_that_is_held_needs_no_network(tmp_path):
    span = (TODAY, TODAY + pd.Timedelta("6h"))
    with OpenDataServer({TODAY: 240}) as server:
        first = opendata(tmp_path, server).open(["t2m"], span, area=AREA)
        asked = len(server.log)
        named = opendata(tmp_path, server, run=TODAY).open(["t2m"], span, area=AREA)
        assert len(server.log) == asked
    assert named.identical(first)
    with pytest.warns(Era5Warning, match=r"the run of .* is from the cache"):
        again = opendata(tmp_path, server).open(["t2m"], span, area=AREA)
    assert again.identical(first)
    with pytest.raises(SourceError, match="no answer"):
        opendata(tmp_path, server).open(["d2m"], span, area=AREA)


def test_what_open_data_have_not_is_told_before_anything_is_fetched(tmp_path):
    with OpenDataServer({TODAY: 240}) as server:
        with pytest.raises(
            SourceError, match=r"blh \(boundary layer height\) is not among open data: give an emulator"
        ):
            opendata(tmp_path, server).open(["t2m", "blh"], TODAY.strftime("%Y-%m-%d"), area=AREA)
        with pytest.raises(SourceError, match="avg_sdswrf is not among open data"):
            opendata(tmp_path, server).open(["avg_sdswrf"], TODAY.strftime("%Y-%m-%d"), area=AREA)
        assert server.log == []
        later = TODAY + pd.Timedelta("20D")
        with pytest.raises(PeriodError, match=r"no hour from .*: the run goes from .* to "):
            opendata(tmp_path, server).open(["t2m"], (later, later), area=AREA)


def test_the_client_prints_nothing_of_its_own(tmp_path, capfd):
    with OpenDataServer({TODAY: 240}) as server, warnings.catch_warnings():
        opendata(tmp_path, server).open(["t2m"], (TODAY, TODAY + pd.Timedelta("3h")), area=AREA)
    assert tuple(capfd.readouterr()) == ("", "")


def test_the_height_that_open_data_have_not_is_filled_by_an_emulator_and_marked(tmp_path):
    time = pd.date_range("2026-01-01", periods=24 * 70, freq="h", name="time", unit="ns")
    random = np.random.default_rng(5)
    low = {"t2m": 280.0, "d2m": 275.0, "u10": 3.0, "v10": 1.0, "tcc": 0.5, "ssrd": 200.0, "blh": 600.0}
    fields = {
        n: (("time", "place"), (v * random.uniform(0.9, 1.1, (time.size, 1))).astype("f4")) for n, v in low.items()
    }
    place = {"place": ["here"], "latitude": ("place", [40.0]), "longitude": ("place", [116.5])}
    emulator = train(xr.Dataset(fields, {"time": time} | place), held_out="week")
    with OpenDataServer({TODAY: 240}) as server:
        source = opendata(tmp_path, server, emulator=emulator)
        found = source.open(["blh", "t2m"], (TODAY + pd.Timedelta("1D"), TODAY + pd.Timedelta("36h")), area=AREA)
    assert list(found) == ["blh", "t2m"]
    assert found["blh"].attrs["emulated"] == "true"
    assert found["blh"].attrs["skill"] == str(emulator.skill)
    assert found["blh"].dims == ("time", "latitude", "longitude")
    assert np.isfinite(found["blh"]).all()
    assert "emulated" not in found["t2m"].attrs


@pytest.fixture(scope="module")
def emulator(tmp_path_factory) -> Path:
    """The file of an emulator, of a made-up climate in which nothing acts on anything."""
    time = pd.date_range("2026-01-01", periods=24 * 30, freq="h", name="time", unit="ns")
    random = np.random.default_rng(5)
    low = {"t2m": 280.0, "d2m": 275.0, "u10": 3.0, "v10": 1.0, "tcc": 0.5, "ssrd": 200.0, "blh": 600.0}
    fields = {
        n: (("time", "place"), (v * random.uniform(0.9, 1.1, (time.size, 1))).astype("f4")) for n, v in low.items()
    }
    place = {"place": ["here"], "latitude": ("place", [40.0]), "longitude": ("place", [116.5])}
    path = tmp_path_factory.mktemp("emulator") / "blh.json"
    train(xr.Dataset(fields, {"time": time} | place), held_out="week").save(path)
    return path


def test_a_forecast_with_its_height_is_written_by_the_command(tmp_path, emulator, monkeypatch, capsys):
    def command(*arguments) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["era5-fetch", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            command_line.main()
        return (stop.value.code, *capsys.readouterr())

    first, last, out = TODAY + pd.Timedelta("1D"), TODAY + pd.Timedelta("36h"), tmp_path / "out.nc"
    where = ("--area", "40.5,116,39.5,117", "--cache", tmp_path / "c", "--out", out)
    with OpenDataServer({TODAY: 240}) as server:
        ask = ("forecast", "t2m,blh", f"{first:%Y-%m-%dT%H}/{last:%Y-%m-%dT%H}", *where, "--url", server.url)
        code, _, told = command(*ask)
        assert (code, "give an emulator of it" in told, out.exists()) == (1, True, False)
        assert command(*ask, "--hourly", "--emulator", emulator)[:2] == (0, f"{out}\n")
        with xr.open_dataset(out) as found:
            # the command's hour without minutes is all of that hour
            assert found.indexes["time"].equals(pd.date_range(first, last, freq="h"))
            assert (found["blh"].attrs["emulated"], found["blh"].attrs["units"]) == ("true", "m")
        code, _, told = command(*ask, "--model", "gfs")
        assert (code, told) == (1, "era5-fetch: model 'gfs', agreed ifs or aifs-single\n")
        opened = era5_fetch.open(
            ["blh"],
            (first, last),
            source="opendata",
            area=AREA,
            cache=tmp_path / "c",
            url=server.url,
            emulator=emulator,
        )
    assert opened["blh"].attrs["emulated"] == "true"
