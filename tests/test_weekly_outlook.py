"""The outlook: forecast hours to days, biases found and taken out, the index ahead, and how past outlooks did."""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import small_world
import xarray as xr
from small_world import STATIONS, content, tianbang
from weekly_document import valid

from pipeline.config import Outlook, load
from pipeline.weekly import terminal
from pipeline.weekly.issue import issue
from pipeline.weekly.outlook import archive, verification
from pipeline.weekly.outlook.ahead import outlook_of_place
from pipeline.weekly.outlook.correction import LARGEST_RATIO, corrected, learned
from pipeline.weekly.outlook.forecast import Forecast, daily, fields_of, issued_day, latest, leads
from pipeline.weekly.outlook.verification import Later

ISSUED = pd.Timestamp("2023-02-05T12:00")
"""20:00 of 5 February where the stations are: the 6th is lead 1, the 15th, of which 20 hours are there, lead 10."""
MONDAY = datetime.datetime(2023, 2, 6, 4, tzinfo=datetime.UTC)
LATER = datetime.datetime(2023, 3, 1, 4, tzinfo=datetime.UTC)
PACKED = 2e-3
"""Points of the index that single precision of a forecast's files may move: a few parts in a hundred thousand."""
NAMES = list(STATIONS["station"])


def dew_point(kelvin: np.ndarray, humidity: np.ndarray) -> np.ndarray:
    """Of which `features.relative_humidity` makes the humidity [%] again."""
    celsius = kelvin - 273.15
    logarithm = np.log(humidity / 100) + 17.67 * celsius / (celsius + 243.5)
    return np.asarray(243.5 * logarithm / (17.67 - logarithm) + 273.15)


def forecast_of(weather: pd.DataFrame, run: pd.Timestamp, *, hours: int = 240) -> xr.Dataset:
    """Hours of a forecast, as `era5-fetch forecast --hourly` writes them, whose days are those of ``weather``."""
    time = pd.date_range(run, periods=hours + 1, freq="h", name="time", unit="ns")
    day = (time + pd.Timedelta(hours=7)).normalize()  # of the hour that ends then, where the stations are
    table = weather.set_index(["time", "station"]).unstack("station").reindex(day)
    values = {name: table[name][NAMES].to_numpy() for name in ("t2m", "rh", "u10", "v10", "blh", "tp")}
    values["d2m"] = dew_point(values["t2m"], values.pop("rh"))
    values["tp"] = values["tp"] / 24
    fields = {name: (("time", "place"), of) for name, of in values.items()}
    lead = np.arange(hours + 1)
    axes = {"time": time, "place": NAMES, "lead": ("time", lead), "step_hours": ("time", np.ones(hours + 1))}
    return xr.Dataset(fields, axes, attrs={"run": f"{run:%Y-%m-%dT%H:%MZ}", "hourly": "from steps"})


def weather() -> pd.DataFrame:
    """The world's, without what no forecast has."""
    return small_world.weather().drop(columns="fog")


@pytest.fixture(scope="module")
def world(frozen: tuple[Path, Path]) -> Path:
    """The config of the small world, beside a folder with one forecast that is right."""
    config, _ = frozen
    folder = config.parent / "forecast"
    forecast_of(weather(), ISSUED).to_netcdf(folder / "run.nc")
    return config


@pytest.fixture
def own(frozen: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy of its run that a test may spoil."""
    return Path(shutil.copytree(frozen[1], tmp_path / "own"))


def of_places(document: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """What is said of O3 by level and key."""
    return {(place["level"], place["key"]): place["pollutants"]["o3"] for place in document["places"]}


# -- laws


def test_a_perfect_outlook_is_the_later_index_and_has_no_error(world: Path, own: Path) -> None:
    config = load(world)
    said = issue(config, own, week=None, now=MONDAY, outlook=True)
    assert said["week"]["label"] == "2023-W05"
    assert said["outlook"]["why"] is None
    for place in of_places(said).values():
        days = place["outlook"]["days"]
        assert [row["lead"] for row in days] == list(range(1, 11))
        assert [row["date"] for row in days] == [f"2023-02-{day:02d}" for day in range(6, 16)]
        assert {row["kind"] for row in days} == {"forecast"}
    found = issue(config, own, week="2023-W06", now=LATER)
    for key, place in of_places(found).items():
        week, base = of_places(said)[key]["outlook"]["week"], place["windows"]["week"]["base"]
        assert week["events"] == place["windows"]["week"]["events"] != []
        assert (week["start"], week["end"]) == ("2023-02-06", "2023-02-12")
        assert [week[name] for name in ("mci", "low", "high")] == pytest.approx(
            [base[name] for name in ("mci", "low", "high")], abs=PACKED
        )
        assert week["class"] == base["class"]
    for row in found["verification"]["o3"]:
        assert (row["count"], row["hit_rate"]) == (1, 1)
        assert row["mean_absolute_error"] == pytest.approx(0, abs=PACKED)
    table = pd.read_csv(own / compose_path())
    assert tuple(table.columns) == verification.COLUMNS
    assert set(table["level"]) == {"cities", "nation", "region", "city"}
    assert table["mean_absolute_error"].max() < PACKED


def compose_path() -> str:
    """Where the scores are."""
    from pipeline.weekly.outlook.compose import VERIFICATION

    return VERIFICATION


def test_the_index_of_the_week_is_the_same_with_and_without_an_outlook(world: Path, own: Path) -> None:
    config = load(world)
    with_it = issue(config, own, week="2023-W03", now=MONDAY, outlook=True)
    without = issue(config, own, week="2023-W03", now=MONDAY)
    assert "outlook" in with_it
    assert "outlook" not in without
    for key, place in of_places(without).items():
        assert "outlook" not in place
        assert {name: part for name, part in of_places(with_it)[key].items() if name != "outlook"} == place


@pytest.mark.slow
def test_regions_in_another_order_change_no_outlook(world: Path, own: Path) -> None:
    settings = [
        "regions={Two: [Westham, Eastham], One: [Westham]}",
        "regions={One: [Westham], Two: [Eastham, Westham]}",
    ]
    found = []
    for setting in settings:
        assert tianbang("run", world, "--out", own, "--set", setting).code == 0
        said = issue(load(world, [setting]), own, week=None, now=MONDAY, outlook=True)
        found.append({key: place["outlook"] for key, place in of_places(said).items()})
    assert found[0] == found[1]
    assert found[0]["region", "One"] == found[0]["city", "Westham"]


# -- hours to days


def test_hours_become_days_as_the_models_know_them() -> None:
    time = pd.date_range("2023-01-31T16:00", periods=49, freq="h", name="time", unit="ns")
    hour = np.arange(49.0)
    fields = {
        "t2m": 280 + hour / 10,
        "d2m": 270 + 0 * hour,
        "u10": 3 + 0 * hour,
        "v10": 4 + 0 * hour,
        "tp": 0.5 + 0 * hour,
    }
    hours = xr.Dataset(
        {k: (("time", "station"), v[:, None]) for k, v in fields.items()}, {"time": time, "station": ["A"]}
    )
    quantities = ["t2m", "tmax", "tmin", "t2m_afternoon", "rh", "wind_speed", "tp", "fog"]
    found = daily(hours, quantities, utc_offset=8)
    assert list(found) == quantities[:-1]
    days = found.get_index("time")
    assert list(days) == [pd.Timestamp("2023-02-01"), pd.Timestamp("2023-02-02")]
    first = found.sel(station="A", time="2023-02-01")
    # of hours 1 to 24 after the first: their mean, and the extremes
    assert float(first["t2m"]) == pytest.approx(280 + 1.25)
    assert [float(first["tmin"]), float(first["tmax"])] == pytest.approx([280.1, 282.4])
    assert float(first["t2m_afternoon"]) == pytest.approx(280 + np.arange(10, 19).mean() / 10)
    assert (float(first["wind_speed"]), float(first["tp"])) == pytest.approx((5, 12))
    # 17 hours are no day
    assert len(daily(hours.isel(time=slice(0, 42)), quantities, utc_offset=8)["time"]) == 1
    assert fields_of([*quantities, "blh", "blh_afternoon"]) == ["t2m", "d2m", "u10", "v10", "tp", "blh"]


def test_leads_count_days_from_the_local_day_of_issue() -> None:
    assert issued_day(pd.Timestamp("2023-02-05T00:00"), 8) == pd.Timestamp("2023-02-05")
    assert issued_day(pd.Timestamp("2023-02-05T18:00"), 8) == pd.Timestamp("2023-02-06")
    assert leads(pd.DatetimeIndex(["2023-02-05", "2023-02-15"]), ISSUED, 8).tolist() == [0, 10]


# -- biases


def past(bias: Callable[[xr.Dataset], xr.Dataset], count: int, *, seed: int = 3) -> tuple[list[xr.Dataset], xr.Dataset]:
    """Forecasts of ``count`` days, each the truth changed by ``bias``, and the truth."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2023-01-01", periods=count + 12)
    shape = (2, len(days))
    truth = xr.Dataset(
        {
            "t2m": (("station", "time"), 280 + 4 * rng.standard_normal(shape)),
            "tp": (("station", "time"), np.clip(rng.normal(0, 3, shape), 0, None)),
            "blh": (("station", "time"), 600 * np.exp(0.4 * rng.standard_normal(shape))),
        },
        {"station": ["A", "B"], "time": days},
    )
    made = []
    for i in range(count):
        own = truth.isel(time=slice(i + 1, i + 11)).assign_coords(lead=("time", np.arange(1, 11)))
        made.append(bias(own))
    return made, truth


def biased(own: xr.Dataset) -> xr.Dataset:
    """Warmer by a third of a kelvin a lead day and half as variable; too much rain, air too shallow."""
    warmer = 280 + 0.5 * (own["t2m"] - 280) + own["lead"] / 3
    return own.assign(t2m=warmer, tp=1.5 * own["tp"], blh=0.8 * own["blh"])


def test_planted_biases_are_taken_out_by_lead() -> None:
    forecasts, truth = past(biased, 40)
    found = learned(forecasts[:-1], truth, needed=30)
    assert found is not None
    assert found.leads == list(range(1, 11))
    last = forecasts[-1]
    right = corrected(last, found)
    true = truth.sel(time=last["time"])
    # the planted changes are exactly of the form that is taken out
    for name in ("t2m", "tp", "blh"):
        np.testing.assert_allclose(right[name], true[name], rtol=1e-8)
        assert float(abs(last[name] - true[name]).mean()) > 0.1
    assert float(right["tp"].where(last["tp"] == 0).max()) == 0


def test_too_few_days_correct_nothing_and_a_correction_has_bounds() -> None:
    forecasts, truth = past(biased, 29)
    found = learned(forecasts, truth, needed=30)
    xr.testing.assert_identical(corrected(forecasts[0], found), forecasts[0])
    assert found is not None
    assert found.leads == []
    assert learned([], truth, needed=30) is None
    forecasts, truth = past(lambda own: own.assign(tp=own["tp"] / 100), 40)
    right = corrected(forecasts[0], learned(forecasts, truth, needed=30))
    np.testing.assert_allclose(right["tp"], LARGEST_RATIO * forecasts[0]["tp"])


def test_a_station_a_quantity_or_a_day_that_is_not_known_stays_as_it_was() -> None:
    forecasts, truth = past(biased, 40)
    found = learned(forecasts, truth.sel(station=["A"]).drop_vars("blh"), needed=30)
    right = corrected(forecasts[0], found)
    xr.testing.assert_equal(right.sel(station="B"), forecasts[0].sel(station="B"))
    xr.testing.assert_equal(right["blh"], forecasts[0]["blh"])
    holed = forecasts[0].where(forecasts[0]["lead"] != 3)
    assert bool(corrected(holed, found)["t2m"].isel(time=2).isnull().all())


# -- scores

DAYS = pd.date_range("2023-01-01", periods=60)
TRUE = 100 + 12 * np.sin(np.arange(60) / 3)
KEY = ("city", "A", "pm25")


def issued_with(folder: Path, change: Callable[[np.ndarray], np.ndarray], count: int) -> list[archive.Issued]:
    """Outlooks of ``count`` days, whose index is the true one changed."""
    for i in range(count):
        at, days = DAYS[i] + pd.Timedelta(hours=4), DAYS[i + 1 : i + 11]
        rows = [
            (*KEY, "day", lead + 1, f"{day:%Y-%m-%d}", f"{day:%Y-%m-%d}", value, value - 1, value + 1)
            for lead, (day, value) in enumerate(zip(days, change(TRUE[i + 1 : i + 11]), strict=True))
        ]
        said = pd.DataFrame(rows, columns=list(archive.SAID))
        fields = xr.Dataset({"t2m": (("station", "time"), np.full((1, 10), 280.0))}, {"station": ["A"], "time": days})
        kept = archive.keep(folder, Forecast(fields, at, "ifs", ()), said, utc_offset=8, made_of={"base": []})
        assert kept is not None
    return archive.issued(folder, source="ifs")[0]


def later(until: int = 60) -> Later:
    """What analysed weather says of the place by then."""
    return Later([KEY], DAYS[:until], TRUE[None, :until], np.full((1, until), 100.0))


def scored(outlooks: list[archive.Issued], until: int = 60) -> pd.DataFrame:
    """Their scores by lead, all cities together."""
    table = verification.table(verification.pairs(outlooks, later(until), utc_offset=8))
    return table[table["level"] == verification.CITIES].set_index("lead")


def test_a_perfect_forecast_has_no_error_and_calls_every_day_rightly(tmp_path: Path) -> None:
    found = scored(issued_with(tmp_path, lambda true: true, 40))
    assert found.index.tolist() == list(range(1, 11))
    assert set(found["count"]) == {40}
    assert found[["mean_absolute_error", "bias"]].abs().to_numpy().max() == 0
    assert set(found["hit_rate"]) == {1}
    # what persistence and climatology would have been, by hand
    at = np.arange(40)
    for lead in (1, 7):
        error = np.abs(TRUE[at] - TRUE[at + lead])
        assert found.loc[lead, "persistence_error"] == pytest.approx(error.mean(), abs=1e-4)
        right = (TRUE[at] > 100) == (TRUE[at + lead] > 100)
        assert found.loc[lead, "persistence_hit_rate"] == pytest.approx(right.mean(), abs=1e-4)
        assert found.loc[lead, "climatology_error"] == pytest.approx(np.abs(100 - TRUE[at + lead]).mean(), abs=1e-4)


def test_a_constant_error_is_the_bias_and_costs_the_calls_it_turns(tmp_path: Path) -> None:
    found = scored(issued_with(tmp_path, lambda true: true + 5, 40))
    assert found["bias"].to_numpy() == pytest.approx(5)
    assert found["mean_absolute_error"].to_numpy() == pytest.approx(5)
    turned = np.mean((TRUE[1:41] <= 100) & (TRUE[1:41] > 95))
    assert found.loc[1, "hit_rate"] == pytest.approx(1 - turned, abs=1e-4)
    assert turned > 0


def test_days_that_are_not_known_yet_are_not_scored(tmp_path: Path) -> None:
    found = scored(issued_with(tmp_path, lambda true: true, 12), until=12)
    assert found["count"].to_dict() == {lead: 12 - lead for lead in range(1, 11)}
    nothing = verification.pairs([], later(), utc_offset=8)
    assert len(nothing) == 0
    assert verification.of_document(verification.table(nothing)) == {}
    elsewhere = Later([("city", "B", "pm25")], DAYS, TRUE[None], np.full((1, 60), 100.0))
    assert len(verification.pairs(archive.issued(tmp_path, source="ifs")[0], elsewhere, utc_offset=8)) == 0


def test_an_index_of_several_days_is_that_of_their_means_and_needs_them_all() -> None:
    actual, reference = np.array([[90.0, 120.0, 60.0, np.nan]]), np.array([[100.0, 100.0, 50.0, 50.0]])
    found = Later([KEY], DAYS[:4], actual, reference)
    starts, ends = DAYS[[0, 1, 2, 0, 1]], DAYS[[0, 2, 3, 0, 5]]
    np.testing.assert_allclose(
        found.index(np.array([0, 0, 0, -1, 0]), starts, ends), [90, 100 * 180 / 150, np.nan, np.nan, np.nan]
    )


def test_intervals_are_widened_by_the_errors_of_enough_past_outlooks(tmp_path: Path) -> None:
    outlooks = issued_with(tmp_path, lambda true: true + 5, 30)
    pairs = verification.pairs(outlooks, later(), utc_offset=8)
    assert verification.half_widths(pairs, needed=31) == {}
    errors = verification.half_widths(pairs, needed=30)[KEY]
    assert errors == pytest.approx(dict.fromkeys(range(1, 11), 5.0))
    members = np.array([100.0, 99.0, 101.0, 100.0])
    place = {"ahead_actual": np.tile(members, (7, 1)), "ahead_reference": np.full((7, 4), 100.0)}
    limits = (90.0, 97.0, 103.0, 110.0)
    asked = {"kinds": {}, "limits": limits}
    plain = outlook_of_place(place, DAYS[:7], np.arange(1, 8), errors={}, **asked)  # type: ignore[arg-type]
    wide = outlook_of_place(place, DAYS[:7], np.arange(1, 8), errors=errors, **asked)  # type: ignore[arg-type]
    for one, other in zip(plain["days"], wide["days"], strict=True):
        half = (one["high"] - one["low"]) / 2
        assert (other["high"] - other["low"]) / 2 == pytest.approx(np.hypot(half, 5), abs=1e-3)
        assert (one["forecast_error"], other["forecast_error"]) == (None, 5)
    assert wide["week"]["forecast_error"] is None


def test_a_week_that_is_not_whole_is_not_told() -> None:
    place = {"ahead_actual": np.full((7, 4), 100.0), "ahead_reference": np.full((7, 4), 100.0)}
    place["ahead_actual"][3] = np.nan
    limits = (90.0, 97.0, 103.0, 110.0)
    found = outlook_of_place(place, DAYS[:7], np.arange(1, 8), errors={}, kinds={}, limits=limits)
    assert [row["lead"] for row in found["days"]] == [1, 2, 3, 5, 6, 7]
    assert found["week"] is None


# -- the archive


def test_an_outlook_that_is_kept_stays_what_it_was(tmp_path: Path) -> None:
    first = issued_with(tmp_path, lambda true: true, 1)
    before = content(tmp_path)
    own = first[0]
    forecast = Forecast(own.weather().drop_vars("lead"), own.issued, "ifs", ())
    changed = own.said().assign(mci=0.0)
    assert archive.keep(tmp_path, forecast, changed, utc_offset=8, made_of={"base": []}) is None
    assert content(tmp_path) == before
    weather = own.weather()
    assert weather["lead"].to_numpy().tolist() == list(range(1, 11))
    assert archive.issued(tmp_path, source="aifs") == ([], [])
    assert archive.issued(tmp_path, source="ifs", before=own.issued) == ([], [])


def test_an_outlook_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    fields = xr.Dataset({"t2m": (("station", "time"), np.zeros((1, 1)))}, {"station": ["A"], "time": DAYS[:1]})
    with pytest.raises(KeyError):
        archive.keep(tmp_path, Forecast(fields, ISSUED, "ifs", ()), pd.DataFrame(), utc_offset=8, made_of={})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_outlook_is_told_and_left_out(tmp_path: Path) -> None:
    whole = issued_with(tmp_path, lambda true: true, 2)
    (whole[0].folder / archive.INDEX).unlink()
    (tmp_path / "mine").mkdir()
    found, notes = archive.issued(tmp_path, source="ifs")
    assert [one.folder for one in found] == [whole[1].folder]
    assert len(notes) == 2
    assert "has no whole index.parquet; it is left out, remove it" in notes[0]


# -- the files


def test_the_document_with_an_outlook_and_scores_is_that_of_its_schema(world: Path, own: Path) -> None:
    config = load(world)
    said = issue(config, own, week=None, now=MONDAY, outlook=True)
    (world.parent / "later").mkdir(exist_ok=True)
    forecast_of(weather(), ISSUED + pd.Timedelta(days=20)).to_netcdf(world.parent / "later" / "run.nc")
    scored = issue(load(world, ["weekly.outlook.from=later"]), own, week="2023-W08", now=LATER, outlook=True)
    assert {row["window"] for row in scored["verification"]["o3"]} == {"day", "week"}
    (world.parent / "empty").mkdir(exist_ok=True)
    refused = issue(load(world, ["weekly.outlook.from=empty"]), own, week=None, now=MONDAY, outlook=True)
    assert "没有预报文件" in refused["outlook"]["why"]["zh"]
    for found in (said, scored, refused):
        valid(found)


def test_days_and_the_week_ahead_are_in_table_and_netcdf_and_marked_as_forecast(world: Path, own: Path) -> None:
    said = issue(load(world), own, week=None, now=MONDAY, outlook=True)
    assert terminal.as_text(said).count("(without forecast error)") == len(said["places"])
    table = pd.read_csv(own / "weekly" / "index.csv")
    ahead = table[table["window"].isin(["day_ahead", "week_ahead"])]
    assert set(ahead["kind"]) == {"forecast"}
    assert set(table.drop(ahead.index)["kind"]) == {"final"}
    assert set(ahead["issued"]) == {said["outlook"]["issued"]}
    with xr.open_dataset(own / "weekly" / "index.nc") as data:
        flags = dict(zip(data["kind"].flag_meanings.split(), data["kind"].flag_values, strict=True))
        assert set(data["kind"].values.ravel()) == {flags["final"]}
        assert set(data["outlook_kind"].values) == {flags["forecast"]}
        for (level, key), place in of_places(said).items():
            rows = ahead[(ahead["level"] == level) & (ahead["name"] == key)].set_index(["window", "start"])
            at = data.sel(place=f"{level}:{key}", pollutant="o3")
            for day in place["outlook"]["days"]:
                row = rows.loc[("day_ahead", day["date"])]
                assert (row["end"], row["days"], row["lead"]) == (day["date"], 1, day["lead"])
                assert row["mci_low"] == pytest.approx(day["low"], rel=1e-5)
                assert float(at["outlook_mci_low"].sel(ahead=day["date"])) == day["low"]
            week = place["outlook"]["week"]
            row = rows.loc[("week_ahead", week["start"])]
            assert (row["end"], row["days"], row["class"]) == (week["end"], 7, week["class"])
            assert row["mci"] == pytest.approx(week["mci"], rel=1e-5)
            assert float(at["outlook_week_mci"]) == week["mci"]
            # no outlook was kept before: its error is in no interval
            assert row["forecast_error"] != row["forecast_error"]
            assert bool(at["outlook_week_forecast_error"].isnull())


# -- the command


@pytest.fixture
def beside(world: Path, tmp_path: Path) -> Path:
    """A folder for another forecast."""
    folder = tmp_path / "forecasts"
    folder.mkdir()
    return folder


def command(world: Path, own: Path, origin: str | Path, *more: str) -> Any:
    """The index of a week of the record with the outlook of a source, whose runs are of 2023."""
    asked = ("--outlook", "--set", f"weekly.outlook.from={origin}", *more)
    return tianbang("index", world, "--out", own, "--week", "2023-W05", *asked)


def document(folder: Path) -> dict[str, Any]:
    """What is in the run folder."""
    return json.loads((folder / "weekly" / "index.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_a_forecast_that_cannot_be_had_leaves_the_index_and_is_told(world: Path, own: Path) -> None:
    outcome = command(world, own, "http://127.0.0.1:9", "--set", f"weekly.outlook.cache={own / 'cache'}")
    assert outcome.code == 0, outcome.err
    assert "open data have no boundary-layer height (blh), a driver of the models; train an emulator" in outcome.err
    found = document(own)
    why = found["outlook"]["why"]
    assert why["en"] in outcome.out
    assert why["en"] not in [note["en"] for note in found["notes"]]
    assert why["zh"].startswith("原因：开放数据不含模型所用的边界层高度（blh）")
    assert found["places"][0]["pollutants"]["o3"]["windows"]["week"]["days"] == 7
    page = (own / "weekly" / "index.html").read_text(encoding="utf-8")
    assert all(text in page for text in why.values())
    assert not (own / "weekly" / "outlooks").exists()


def test_a_driver_that_the_forecast_lacks_is_named(world: Path, own: Path, beside: Path) -> None:
    forecast_of(weather(), ISSUED).drop_vars("tp").to_netcdf(beside / "run.nc")
    outcome = command(world, own, beside)
    assert outcome.code == 0, outcome.err
    told = [line for line in outcome.err.splitlines() if line.startswith("warning: outlook: the forecast has no")]
    assert len(told) == 1
    assert "'log_tp', a driver of the model of city Eastham; give a forecast that has it, or leave it out" in told[0]
    assert "issued 2023-02-05T12:00:00Z begins before weather ends (2023-03-15)" in outcome.err
    assert all("outlook" not in place for place in of_places(document(own)).values())
    assert not (own / "weekly" / "outlooks").exists()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda found: found.isel(place=[0, 1]), "the forecast has no place 'W1'; agreed a grid, or every station"),
        (lambda found: found.isel(time=slice(0, 17)), "the forecast holds no whole local day"),
        (lambda found: found.assign_attrs(run=None), "found no forecast; agreed netCDF files of `era5-fetch forecast`"),
    ],
)
def test_a_folder_that_holds_no_forecast_says_what_is_agreed(
    world: Path, own: Path, beside: Path, spoil: Callable[[xr.Dataset], xr.Dataset], said: str
) -> None:
    found = spoil(forecast_of(weather(), ISSUED))
    found.attrs = {name: value for name, value in found.attrs.items() if value is not None}
    found.to_netcdf(beside / "run.nc")
    outcome = command(world, own, beside)
    assert (outcome.code, outcome.err.count("warning")) == (0, 1)
    assert said in outcome.err


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("weekly.outlook.from=nowhere", "weekly.outlook.from: found no file or folder"),
        ("weekly.outlook.source=gfs", "weekly.outlook.source: found 'gfs'; allowed: 'ifs' or 'aifs'"),
        ("weekly.outlook.mirror=x", "weekly.outlook.mirror: unknown key; known here: source, from, emulator, archive"),
    ],
)
def test_a_block_that_is_not_agreed_is_refused_by_key(world: Path, own: Path, setting: str, said: str) -> None:
    outcome = tianbang("index", world, "--out", own, "--outlook", "--set", setting)
    assert outcome.code == 2
    assert said in outcome.err
    assert not (own / "weekly").exists()


def test_a_forecast_on_a_grid_is_taken_to_the_stations(world: Path, own: Path, beside: Path) -> None:
    # of fields that are the same everywhere, the stations' place does not matter
    same = weather().assign(**{name: weather()[name].mean() for name in ("t2m", "rh", "u10", "v10", "blh", "tp")})
    at_places = forecast_of(same, ISSUED)
    flat = at_places.isel(place=0, drop=True)
    axes = {"latitude": np.arange(32.0, 29.0, -0.5), "longitude": np.arange(113.5, 116.5, 0.5)}
    grid = flat.expand_dims(axes).transpose("time", "latitude", "longitude")
    found = []
    for forecast in (at_places, grid):
        (beside / "run.nc").unlink(missing_ok=True)
        forecast.to_netcdf(beside / "run.nc")
        assert command(world, own, beside).code == 0
        found.append({key: place["outlook"] for key, place in of_places(document(own)).items()})
    assert found[0] == found[1]
    grid.isel(latitude=slice(0, 2)).to_netcdf(beside / "run.nc", mode="w")
    assert "station 'E1' lies beyond the forecast's grid" in command(world, own, beside).err


def test_biases_of_the_outlooks_kept_are_taken_out_of_the_next(world: Path, own: Path) -> None:
    config = load(world, ["weekly.outlook.correct_from=10"])
    perfect = issue(config, own, week=None, now=MONDAY, outlook=True)
    shutil.rmtree(own / "weekly")
    wrong = weather().assign(t2m=weather()["t2m"] + 4, tp=2 * weather()["tp"])
    daily_of = wrong.set_index(["station", "time"])[["t2m", "rh", "u10", "v10", "blh", "tp"]].to_xarray()
    daily_of = daily_of.assign(wind_speed=np.hypot(daily_of["u10"], daily_of["v10"]))
    said = pd.DataFrame(columns=list(archive.SAID))
    for back in range(1, 16):
        at = ISSUED - pd.Timedelta(days=10 + back)
        first = issued_day(at, 8)
        days = daily_of.sel(time=slice(first + pd.Timedelta(days=1), first + pd.Timedelta(days=10)))
        base = [str(day) for day in config.base_period]
        archive.keep(
            own / "weekly" / "outlooks", Forecast(days, at, "ifs", ()), said, utc_offset=8, made_of={"base": base}
        )
    folder = world.parent / "wrong"
    folder.mkdir(exist_ok=True)
    forecast_of(wrong, ISSUED).to_netcdf(folder / "run.nc")
    found = issue(
        load(world, ["weekly.outlook.correct_from=10", "weekly.outlook.from=wrong"]),
        own,
        week=None,
        now=MONDAY,
        outlook=True,
    )
    assert found["outlook"]["corrected_leads"] == list(range(1, 11))
    raw = issue(load(world, ["weekly.outlook.from=wrong"]), own, week=None, now=MONDAY, outlook=True)
    assert raw["outlook"]["corrected_leads"] == []
    for key, place in of_places(perfect).items():
        true, right, left = (
            np.array([row["mci"] for row in of_places(one)[key]["outlook"]["days"]]) for one in (perfect, found, raw)
        )
        np.testing.assert_allclose(right, true, atol=PACKED)
        assert place["outlook"]["days"][0]["forecast_error"] is None
        assert np.abs(left - true).mean() > 1


def test_days_between_the_analysis_and_the_forecast_are_those_of_the_outlooks_before(world: Path, own: Path) -> None:
    known = weather()
    known[known["time"] <= "2023-02-01"].to_csv(world.parent / "until.csv", index=False)
    settings = ["weather.path=until.csv"]
    # an outlook of 31 January that was right knows the days from 2 to 5 February
    (world.parent / "before").mkdir(exist_ok=True)
    forecast_of(weather(), ISSUED - pd.Timedelta(days=5)).to_netcdf(world.parent / "before" / "run.nc")
    first = datetime.datetime(2023, 2, 1, 4, tzinfo=datetime.UTC)
    issue(load(world, ["weekly.outlook.from=before"]), own, week=None, now=first, outlook=True)
    bridged = issue(load(world, settings), own, week=None, now=MONDAY, outlook=True)
    assert bridged["outlook"]["before"] == [f"2023-02-0{day}" for day in range(2, 6)]
    assert bridged["outlook"]["without_weather"] == []
    shutil.rmtree(own / "weekly")
    perfect = issue(load(world), own, week=None, now=MONDAY, outlook=True)
    for key, place in of_places(perfect).items():
        one, other = (own["outlook"]["days"] for own in (place, of_places(bridged)[key]))
        assert [row["mci"] for row in one] == pytest.approx([row["mci"] for row in other], abs=PACKED)
    shutil.rmtree(own / "weekly")
    lacking = issue(load(world, settings), own, week=None, now=MONDAY, outlook=True)
    assert lacking["outlook"]["without_weather"] == [f"2023-02-0{day}" for day in range(2, 6)]
    stale = known[known["time"] <= "2023-01-03"]
    stale.to_csv(world.parent / "until.csv", index=False)
    refused = issue(load(world, settings), own, week=None, now=MONDAY, outlook=True)
    why = refused["outlook"]["why"]
    assert "weather ends on 2023-01-03, 33 days before the forecast of 2023-02-05; agreed 31" in why["en"]
    assert "气象资料止于2023-01-03，距2023-02-05的预报33天" in why["zh"]


# -- ECMWF's own client against open data on this machine

YESTERDAY = pd.Timestamp.now("UTC").tz_localize(None).normalize() - pd.Timedelta(days=1)
RUN = YESTERDAY + pd.Timedelta(hours=12)
"""20:00 of the local day before today: all of the ten days after it are whole but the last, which has 20 hours."""
AT_NODES = STATIONS.assign(latitude=[40.0, 40.25, 40.5], longitude=[116.5, 116.75, 117.0])


@pytest.fixture
def today(tmp_path: Path) -> Path:
    """The config of the world as if it had ended two days before yesterday, between nodes of the forecast's grid."""
    config = small_world.write(tmp_path)
    later = YESTERDAY - pd.Timedelta(days=2) - small_world.DAYS[-1]
    for name in ("weather", "observations"):
        table = pd.read_csv(tmp_path / f"{name}.csv", parse_dates=["time"])
        table = table.assign(time=table["time"] + later).drop(columns="fog", errors="ignore")
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    AT_NODES.to_csv(tmp_path / "stations.csv", index=False)
    first = small_world.DAYS[0] + later
    changes: dict[str, Any] = {
        "period": [f"{first:%Y-%m-%d}", f"{YESTERDAY - pd.Timedelta(days=12):%Y-%m-%d}"],
        "base_period": [f"{first:%Y-%m-%d}", f"{first + pd.Timedelta(days=364):%Y-%m-%d}"],
        "model": {"members": 4, "methods": []},
        "levels": ["city", "region"],
    }
    return small_world.write_config(config.parent, changes)


def emulator(path: Path) -> Path:
    """The file of an emulator of a made-up climate in which nothing acts on anything."""
    from era5_fetch.emulator import train

    time = pd.date_range("2022-01-01", periods=24 * 30, freq="h", name="time", unit="ns")
    random = np.random.default_rng(5)
    middle = {"t2m": 280.0, "d2m": 275.0, "u10": 3.0, "v10": 1.0, "tcc": 0.5, "ssrd": 200.0, "blh": 600.0}
    fields = {
        name: (("time", "place"), (value * random.uniform(0.9, 1.1, (time.size, 1))).astype("f4"))
        for name, value in middle.items()
    }
    place = {"place": ["here"], "latitude": ("place", [40.0]), "longitude": ("place", [116.5])}
    train(xr.Dataset(fields, {"time": time} | place), held_out="week").save(path)
    return path


@pytest.mark.slow
def test_open_data_become_an_outlook_and_a_mirror_that_is_gone_leaves_the_last_or_none(
    today: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ecmwf.opendata")
    pytest.importorskip("cfgrib")
    from loopback.opendata_server import OpenDataServer, truth

    folder = tmp_path / "run"
    assert tianbang("run", today, "--out", folder).code == 0

    def index(url: str, cache: str) -> Any:
        settings = (f"emulator={emulator_file}", f"from={url}", f"cache={tmp_path / cache}")
        asked = [part for setting in settings for part in ("--set", f"weekly.outlook.{setting}")]
        return tianbang("index", today, "--out", folder, "--outlook", *asked)

    emulator_file = emulator(tmp_path / "blh.json")
    runs = {RUN - pd.Timedelta(days=back): 240 for back in range(3)}
    with OpenDataServer(runs, swing=0.05) as server:
        outcome = index(server.url, "cache")
        assert outcome.code == 0, outcome.err
    found = document(folder)
    told = found["outlook"]
    assert (told["why"], told["issued"], told["emulated"]) == (None, f"{RUN:%Y-%m-%dT%H:%M:%SZ}", ["blh"])
    before = [YESTERDAY - pd.Timedelta(days=1), YESTERDAY]
    assert (told["before"], told["without_weather"]) == ([f"{day:%Y-%m-%d}" for day in before], [])
    for place in of_places(found).values():
        assert [row["lead"] for row in place["outlook"]["days"]] == list(range(1, 11))
        assert {row["kind"] for row in place["outlook"]["days"]} == {"forecast"}
        assert place["outlook"]["week"]["start"] == f"{YESTERDAY + pd.Timedelta(days=1):%Y-%m-%d}"

    kept = next((folder / "weekly" / "outlooks").iterdir())
    assert kept.name == f"{RUN:%Y%m%dT%H}-ifs"
    weather = pd.read_parquet(kept / archive.WEATHER).query("station == 'E1' and lead == 1").iloc[0]
    # today's hours end 5 to 28 hours after the run began; steps are of three hours
    steps, hours = np.arange(0, 31, 3), np.arange(5, 29)
    where = (np.array([40.0]), np.array([116.5]))
    expected = np.interp(hours, steps, truth("t2m", steps, *where, 0.05)[:, 0, 0]).mean()
    assert weather["t2m"] == pytest.approx(expected, abs=0.01)
    rain = np.repeat(truth("tp", np.arange(1, 31), *where, 0.05)[:, 0, 0].reshape(-1, 3).mean(axis=1), 3)
    assert weather["tp"] == pytest.approx(rain[hours - 1].sum(), rel=1e-3)

    before_files = content(kept)
    again = index("http://127.0.0.1:9", "cache")
    assert again.code == 0
    assert "from the cache" in again.err
    assert document(folder)["outlook"]["issued"] == told["issued"]
    assert content(kept) == before_files
    none = index("http://127.0.0.1:9", "empty")
    assert none.code == 0
    assert none.err.count("warning") == 1
    assert all("no answer" in said for said in document(folder)["outlook"]["why"].values())
    assert "verification" in document(folder)


@pytest.mark.slow
def test_a_folder_of_files_says_what_open_data_say(tmp_path: Path) -> None:
    pytest.importorskip("ecmwf.opendata")
    pytest.importorskip("cfgrib")
    from loopback.opendata_server import OpenDataServer

    from era5_fetch.sources import Settings
    from era5_fetch.sources.opendata import OpenData

    places = AT_NODES.set_index("station")
    quantities = ["t2m", "tmax", "rh", "wind_speed", "tp", "ssrd"]
    raw, steps = tmp_path / "raw", tmp_path / "steps"
    with OpenDataServer({RUN: 240}, swing=0.05) as server:
        remote = Outlook.model_validate({"from": server.url, "cache": tmp_path / "cache"})
        asked = latest(remote, places, quantities, utc_offset=8)
        source = OpenData(Settings(tmp_path / "cache", url=server.url))
        steps.mkdir()
        source.open(fields_of(quantities), points=places[["latitude", "longitude"]]).to_netcdf(steps / "run.nc")
        raw.mkdir()
        for step in (*range(0, 144, 3), *range(144, 241, 6)):
            name = f"{RUN:%Y%m%d%H}0000-{step}h-oper-fc.grib2"
            body = server.body(f"/{RUN:%Y%m%d/%H}z/ifs/0p25/oper/{name}")
            assert body is not None
            (raw / name).write_bytes(body)
    for folder in (steps, raw):
        own = latest(Outlook.model_validate({"from": str(folder)}), places, quantities, utc_offset=8)
        assert own.issued == asked.issued == RUN
        xr.testing.assert_allclose(own.weather, asked.weather, rtol=1e-6)


@pytest.mark.slow
def test_the_page_of_a_run_shows_outlook_scores_and_events(world: Path, own: Path, tmp_path: Path) -> None:
    from test_weekly_page import Browser, chromium

    if chromium() is None:
        pytest.skip("no chromium and chromedriver here")
    pytest.importorskip("selenium")
    config = load(world)
    issue(config, own, week=None, now=MONDAY, outlook=True)
    (world.parent / "later").mkdir(exist_ok=True)
    later = load(world, ["weekly.outlook.from=later"])
    forecast_of(weather(), ISSUED + pd.Timedelta(days=20)).to_netcdf(world.parent / "later" / "run.nc")
    found = issue(later, own, week="2023-W08", now=LATER, outlook=True)
    opened = Browser(tmp_path)
    try:
        opened.open(own / "weekly" / "index.html", "#lang=en&place=Plain")
        said = opened.text("#outlook")
        assert "Forecast issued 2023-02-25 12:00 UTC, source ifs. All days are forecast days." in said
        assert "forecast error is not in them" in said
        assert "1 past outlooks are kept, 30 are needed" in said
        rows = opened.texts("#verification tbody tr")
        # ten lead days and the coming week
        assert len(rows) == len(found["verification"]["o3"]) == 11
        assert "error of persistence, points" in opened.text("#verification")
        assert found["events"]
        assert opened.texts("#events tbody tr")
        opened.click("#languages button[aria-pressed=false]")
        assert "预报偏差未订正" in opened.text("#outlook")
        opened.driver.save_screenshot(str(tmp_path / "page.png"))
        assert opened.complaints() == []
    finally:
        opened.driver.quit()
