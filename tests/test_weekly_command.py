"""``tianbang index`` from the command line: new days after a run's record, its files, and what is refused."""

from __future__ import annotations

import datetime
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from small_world import content, tianbang
from weekly_document import valid

from pipeline.config import load
from pipeline.errors import InputError
from pipeline.vocabulary import GROUPS
from pipeline.weekly.files import COLUMNS, EVENT_COLUMNS, FILES, SCHEMA, json_schema
from pipeline.weekly.index import class_of
from pipeline.weekly.issue import issue
from pipeline.weekly.notes import note_in_both

NOW = datetime.datetime(2023, 4, 1, tzinfo=datetime.UTC)
PRINTED = 0.005


@pytest.fixture(scope="module")
def world(frozen: tuple[Path, Path]) -> Path:
    """The config of the small world, whose record ends with 2022; 2023 is new to it, up to 15 March."""
    return frozen[0]


@pytest.fixture
def own(frozen: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy of its run that a test may spoil."""
    return Path(shutil.copytree(frozen[1], tmp_path / "own"))


def document(folder: Path) -> dict[str, Any]:
    """What is in the run folder."""
    return json.loads((folder / "weekly" / "index.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_a_week_after_the_record_is_made_of_new_weather_and_new_observations(world: Path, own: Path) -> None:
    outcome = tianbang("index", world, "--out", own, "--week", "2023-W05")
    assert outcome.code == 0, outcome.err
    assert "week 2023-W05, 2023-01-30 to 2023-02-05" in outcome.out
    assert "classes of weeks: very favourable below 80; favourable 80 to 95; neutral 95 to 105" in outcome.out
    assert (
        "of year and seasonal year to date the limits are 90, 97, 103, 110; both are this project's own" in outcome.out
    )
    found = document(own)
    assert found["models"][:16] in outcome.out
    assert [(place["level"], place["key"]) for place in found["places"]] == [
        ("nation", "nation"), ("region", "Plain"), ("city", "Eastham"), ("city", "Westham"),
    ]  # fmt: skip
    for place in found["places"]:
        windows = place["pollutants"]["o3"]["windows"]
        assert windows["week"]["days"] == 7
        assert windows["week"]["kinds"] == {"final": 7}
        assert windows["week"]["observed"]["days"] > 5
        assert windows["week"]["base"]["of"] == 3
        for window in windows.values():
            total = sum(share["points"] for share in window["drivers"])
            assert total == pytest.approx(window["base"]["mci"] - 100, abs=7 * PRINTED + 0.01)
    given = pd.read_csv(world.parent / "observations.csv", parse_dates=["time"])
    week = given[(given["station"] == "W1") & given["time"].between("2023-01-30", "2023-02-05")]["o3"]
    westham = found["places"][3]["pollutants"]["o3"]["windows"]["week"]["observed"]
    assert westham["value"] == pytest.approx(week.mean(), abs=PRINTED)
    assert westham["days"] == week.count()


def test_a_week_of_the_record_is_that_of_the_runs_own_table(world: Path, own: Path) -> None:
    table = pd.read_csv(own / "tables" / "index.csv").query("frequency == 'week'").set_index(["name", "period"])
    for week in ("2021-W20", "2022-W30"):
        assert tianbang("index", world, "--out", own, "--week", week).code == 0
        for place in document(own)["places"][1:]:
            row, base = table.loc[(place["key"], week)], place["pollutants"]["o3"]["windows"]["week"]["base"]
            assert [base["mci"], base["low"], base["high"]] == pytest.approx(
                [row["mci"], row["mci_low"], row["mci_high"]], abs=2 * PRINTED
            )


def test_the_latest_week_is_the_last_whole_one_with_weather(world: Path, own: Path) -> None:
    found = issue(load(world), own, week=None, now=NOW)
    assert found["week"] == {"label": "2023-W10", "start": "2023-03-06", "end": "2023-03-12"}
    # on a Monday in February the days after it are not known yet, whatever the files hold
    early = issue(load(world), own, week=None, now=datetime.datetime(2023, 2, 6, 4, tzinfo=datetime.UTC))
    assert early["week"]["label"] == "2023-W05"


def test_days_of_the_week_that_have_no_weather_are_named(world: Path, own: Path) -> None:
    outcome = tianbang("index", world, "--out", own, "--week", "2023-W11")
    assert outcome.code == 0
    missing = [f"2023-03-{day}" for day in (16, 17, 18, 19)]
    assert f"no weather on {', '.join(missing)}; they do not count" in outcome.err
    window = document(own)["places"][0]["pollutants"]["o3"]["windows"]["week"]
    assert (window["days"], window["missing"]) == (3, missing)
    assert "3 of 7 days" in outcome.out
    # of three days there is no class, of twelve there is one
    assert window["base"]["mci"] is not None
    assert (window["base"]["class"], window["recent"]["class"]) == (None, None)
    assert document(own)["places"][0]["pollutants"]["o3"]["windows"]["month"]["base"]["class"]
    assert document(own)["notes"][-1] == {"en": "weather ends on 2023-03-15", "zh": "气象资料止于2023-03-15。"}
    assert "no class with fewer than 5 days" in outcome.out
    assert "observed: O3 mean of daily maximum 8-hour means" in outcome.out
    valid(document(own))


def test_files_hold_the_same_numbers_and_their_columns_are_agreed(world: Path, own: Path) -> None:
    printed = tianbang("index", world, "--out", own, "--week", "2023-W05", "--format", "csv")
    found = document(own)
    assert printed.out == (own / "weekly" / "index.csv").read_text(encoding="utf-8")
    table = pd.read_csv(own / "weekly" / "index.csv")
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 4 * 4 * 2
    with xr.open_dataset(own / "weekly" / "index.nc") as data:
        assert data.attrs["Conventions"] == "CF-1.11"
        assert data.attrs["models_sha256"] == found["models"]
        for place in found["places"]:
            at = {"place": f"{place['level']}:{place['key']}", "pollutant": "o3"}
            for name, window in place["pollutants"]["o3"]["windows"].items():
                for reference in ("base", "recent"):
                    mci = window[reference]["mci"]
                    assert float(data["mci"].sel(**at, window=name, reference=reference)) == mci
                    row = table.query(
                        f"level == '{place['level']}' and name == '{place['key']}' and window == '{name}' and "
                        f"reference == '{reference}'"
                    ).iloc[0]
                    assert row["mci"] == pytest.approx(mci, rel=1e-5)
                    assert row["class"] == window[reference]["class"]
                    for share in window["drivers_of_change"]["previous"]:
                        found_share = row[f"driver_previous_{share['group']}"]
                        assert found_share == pytest.approx(
                            share["points"] if reference == "base" else np.nan, abs=1e-4, nan_ok=True
                        )
                shares = {share["group"]: share["points"] for share in window["drivers"]}
                # a group of which no driver is in the weather has no share, not one of zero
                assert set(GROUPS) - set(shares) == {"radiation", "other"}
                for group in GROUPS:
                    own_share = float(data["driver"].sel(**at, window=name, group=group))
                    assert own_share == pytest.approx(shares.get(group, np.nan), nan_ok=True)
    assert (own / "weekly" / found["$schema"]).read_text(encoding="utf-8") == json_schema()
    valid(found)
    as_json = tianbang("index", world, "--out", own, "--week", "2023-W05", "--format", "json")
    assert json.loads(as_json.out)["schema"] == "tianbang-index/1"


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        (lambda found: found["week"].pop("end"), "$.week"),
        (lambda found: found.update(schema="tianbang-index/2"), "$.schema"),
        (lambda found: found["kinds"].append("guessed"), "$.kinds[4]"),
        (lambda found: found["places"][0]["pollutants"]["o3"]["windows"].update(day={}), "$.places[0].pollutants.o3"),
        (lambda found: found["places"][0].update(latitude="north"), "$.places[0].latitude"),
    ],
)
def test_another_document_is_not_that_of_the_schema(
    world: Path, own: Path, spoil: Callable[[dict[str, Any]], object], where: str
) -> None:
    assert tianbang("index", world, "--out", own, "--week", "2023-W05").code == 0
    found = document(own)
    assert found["schema"] == SCHEMA
    spoil(found)
    with pytest.raises(AssertionError, match=re.escape(where)):
        valid(found)


def test_every_file_has_its_manifest_and_a_later_run_leaves_them_alone(world: Path, own: Path) -> None:
    assert tianbang("index", world, "--out", own, "--week", "2023-W05").code == 0
    for artefact in FILES:
        manifest = json.loads((own / "manifests" / f"{artefact}.json").read_text(encoding="utf-8"))
        assert manifest["models"] == document(own)["models"]
    found = document(own)
    page = (own / "weekly" / "index.html").read_text(encoding="utf-8")
    assert all(text in page for text in (found["models"], "2023-W05", "Plain"))
    table = pd.read_csv(own / "tables" / "events.csv", dtype={"year": str}).query("level == 'region'")
    of_region = [row for row in found["events"] if row["level"] == "region"]
    assert len(of_region) == len(table) > 0
    assert {row["event"] for row in found["events"]} <= {name["key"] for name in found["event_names"]}
    for row, (_, said) in zip(of_region, table.iterrows(), strict=True):
        assert (row["level"], row["key"], row["event"], str(row["year"])) == (
            "region", said["name"], said["event"], said["year"],
        )  # fmt: skip
        assert row["days"] == said["days"]
        if row["on_event"] is not None:
            assert row["on_event"] == pytest.approx(said["on_event"], abs=1e-4)
    before = content(own)
    assert tianbang("run", world, "--out", own, "--set", "languages=[zh]").code == 0
    after = content(own)
    assert {name: after[name] for name in before if name.startswith(("weekly/", "models/"))} == {
        name: value for name, value in before.items() if name.startswith(("weekly/", "models/"))
    }


def test_a_page_that_is_refused_leaves_every_file_of_the_week_before(
    world: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue(load(world), own, week="2023-W05", now=NOW)
    before = {name: (own / name).read_bytes() for name in FILES}

    def refused(*_: object) -> str:
        raise InputError("no page")

    monkeypatch.setattr("pipeline.weekly.page.render", refused)
    with pytest.raises(InputError, match="no page"):
        issue(load(world), own, week="2023-W06", now=NOW)
    assert {name: (own / name).read_bytes() for name in FILES} == before
    assert not list((own / "weekly").glob(".*"))


def test_stagnation_planted_after_the_record_is_an_event_of_its_week(world: Path, own: Path) -> None:
    planted = pd.read_csv(world.parent / "weather.csv", parse_dates=["time"])
    calm, windy = (planted["time"].between(*days) for days in (CALM, WINDY))
    planted.loc[calm | windy, ["u10", "v10", "tp"]] = [0.5, 0.5, 0.0]
    planted.loc[windy, "u10"] = 9.0
    planted.to_csv(world.parent / "planted.csv", index=False)
    outcome = tianbang("index", world, "--out", own, "--week", "2023-W05", "--set", "weather.path=planted.csv")
    assert outcome.code == 0, outcome.err
    table = pd.read_csv(own / "weekly" / "events.csv")
    assert tuple(table.columns) == EVENT_COLUMNS
    usual = {"Eastham": usual_stagnation(planted, ["E1", "E2"]), "Westham": usual_stagnation(planted, ["W1"])}
    for place in document(own)["places"]:
        found = {row["event"]: row for row in place["pollutants"]["o3"]["windows"]["week"]["events"]}
        stagnant = found["stagnation_partial"]
        assert (stagnant["days"], stagnant["judged_days"], stagnant["years"]) == (5, 7, 2)
        assert stagnant["usual_days"] == pytest.approx(np.mean([usual[city] for city in place["cities"]]), abs=1e-4)
        assert found["wet_day"]["days"] == 0
        # inversions matter for particles, and this weather has no levels
        assert not {"inversion_850", "cold_surge"} & set(found)
        own_rows = table[(table["level"] == place["level"]) & (table["name"] == place["key"])].set_index("event")
        assert own_rows.loc["stagnation_partial", "days"] == 5
        assert set(own_rows["window"]) == {"week"}
    valid(document(own))
    page = (own / "weekly" / "index.html").read_text(encoding="utf-8")
    assert '["event_days",["event","days","judged","usual"]]' in page
    assert '"event_stagnation_partial"' in page


CALM, WINDY = ("2023-01-30", "2023-02-03"), ("2023-02-04", "2023-02-05")


def usual_stagnation(weather: pd.DataFrame, stations: list[str]) -> float:
    """Days of a week of the record, 30 January to 5 February, that are calm and dry; the mean of two years."""
    own = weather[weather["station"].isin(stations)].assign(wind=lambda of: np.hypot(of["u10"], of["v10"]))
    means = own.groupby("time")[["wind", "tp"]].mean()
    calm = (means["wind"] < 3.2) & (means["tp"] < 1)
    return float(np.mean([calm[f"{year}-01-30" : f"{year}-02-05"].sum() for year in (2021, 2022)]))


def test_the_nation_has_the_events_of_all_cities_where_no_region_is_defined_as_it(world: Path, own: Path) -> None:
    assert tianbang("index", world, "--out", own, "--week", "2023-W05").code == 0
    rows = document(own)["events"]
    named = ("event", "year", "pollutant")
    nation, plain = (
        {tuple(row[name] for name in named): row for row in rows if row["key"] == key} for key in ("nation", "Plain")
    )
    # the region holds every city
    assert set(nation) == set(plain)
    for of, row in nation.items():
        for value in ("days", "share", "on_event", "otherwise"):
            assert row[value] == pytest.approx(plain[of][value], rel=1e-3, nan_ok=True), (of, value)


def test_the_block_weekly_makes_no_run_anew_and_changes_weeks_and_classes(world: Path, own: Path) -> None:
    settings = ["--set", "weekly.week_starts=sunday", "--set", "weekly.classes=[50,60,300,400]"]
    outcome = tianbang("index", world, "--out", own, "--week", "2023-W05", *settings)
    assert outcome.code == 0, outcome.err
    found = document(own)
    assert found["week"] == {"label": "2023-W05", "start": "2023-01-29", "end": "2023-02-04"}
    assert [own["above"] for own in found["classes"]] == [None, 50, 60, 300, 400]
    assert found["class_limits"]["month"] == [50, 60, 300, 400]
    assert found["class_limits"]["season"] == [90, 97, 103, 110]
    for place in found["places"]:
        windows = place["pollutants"]["o3"]["windows"]
        # the month has four days by then, too few for a class
        assert (windows["week"]["base"]["class"], windows["month"]["base"]["class"]) == ("neutral", None)
        mci, limits = windows["year"]["base"]["mci"], found["class_limits"]["year"]
        assert windows["year"]["base"]["class"] == class_of(mci, limits)
    again = tianbang("run", world, "--out", own, *settings)
    assert "nothing to do" in again.err


def test_regions_in_another_order_change_nothing(world: Path, own: Path) -> None:
    regions = ["regions={Two: [Westham, Eastham], One: [Westham]}", "regions={One: [Westham], Two: [Eastham, Westham]}"]
    found = []
    for setting in regions:
        folder = own.parent / setting[9:12]
        shutil.copytree(own, folder)
        assert tianbang("run", world, "--out", folder, "--set", setting).code == 0
        assert tianbang("index", world, "--out", folder, "--set", setting, "--week", "2023-W05").code == 0
        found.append({(place["level"], place["key"]): place for place in document(folder)["places"]})
    assert found[0] == found[1]
    one, west = found[0]["region", "One"]["pollutants"], found[0]["city", "Westham"]["pollutants"]
    assert one == west


# -- refused


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--week", "2023-W53"], 2, "--week: found '2023-W53'; the weeks of 2023 are 2023-W01 to 2023-W52"),
        (["--week", "2023-W01", "--latest"], 2, "found --week and --latest; allowed: one of them"),
        (["--week", "2023-W01", "--catch-up"], 2, "found --week and --catch-up; allowed: one of them"),
        (["--since", "2023-W01"], 2, "--since: found without --catch-up; agreed both"),
        (["--check"], 2, "--check: found no --week; agreed the week whose weather is asked for"),
        (["--week", "2023-W20"], 7, "no day has weather; the record runs from 2021-01-01 to 2023-03-15"),
        (["--set", "pollutants=[o3, benzene]"], 3, "models of 'benzene' are missing; run `tianbang run`"),
        (["--week", "2019-W20"], 3, "no day has weather; the record runs from 2021-01-01 to 2022-12-31"),
        (["--set", "weekly.starts=monday"], 2, "weekly.starts: unknown key; known here: week_starts, season_starts"),
        (["--set", "weekly.classes=[90,95,99,110]"], 2, "two below and two above 100"),
        (["--set", "weekly.season_starts=02-29"], 2, "allowed: MM-DD, a day that every year has"),
    ],
)
def test_what_is_not_agreed_is_one_line_and_writes_nothing(
    world: Path, own: Path, arguments: list[str], code: int, said: str
) -> None:
    outcome = tianbang("index", world, "--out", own, *arguments)
    assert outcome.code == code
    assert said in outcome.err
    assert not (own / "weekly").exists()


def test_a_folder_without_a_run_and_one_without_a_model_say_what_to_run(world: Path, own: Path, tmp_path: Path) -> None:
    outcome = tianbang("index", world, "--out", tmp_path / "nowhere")
    assert outcome.code == 3
    assert "no run folder with places; run `tianbang run CONFIG --out`" in outcome.err
    (own / "models" / "city-Eastham-o3.npz").unlink()
    outcome = tianbang("index", world, "--out", own)
    assert (outcome.code, outcome.err.count("\n")) == (3, 1)
    assert "models of 1 places, such as Eastham, o3, are missing; run `tianbang run`" in outcome.err
    assert tianbang("run", world, "--out", own).code == 0
    assert tianbang("index", world, "--out", own, "--week", "2022-W10").code == 0


def test_a_source_that_holds_nothing_new_leaves_the_record(world: Path, own: Path) -> None:
    files = world.parent
    shorter = pd.read_csv(files / "weather.csv")
    shorter[shorter["time"] < "2023-01-01"].to_csv(files / "shorter.csv", index=False)
    found = tianbang("index", world, "--out", own, "--set", "weather.path=shorter.csv", "--latest")
    assert found.code == 0, found.err
    assert "warning: weather after the record:" in found.err
    assert document(own)["week"]["label"] == "2022-W51"  # 2022 ends on a Saturday
    (note,) = document(own)["notes"]
    assert note["zh"].startswith("未取得建模期之后的气象资料（程序原文：")
    assert str(files) not in json.dumps(document(own))


@pytest.mark.parametrize(
    ("note", "english", "chinese"),
    [
        ("weather after the record: /data/era 5/a.nc: no", "weather after the record: era 5/a.nc: no", None),
        ("observations after the record: /srv/x/y.csv: bad", "observations after the record: y.csv: bad", None),
        ("read https://host/folder/file, 3/4 of it", "read https://host/folder/file, 3/4 of it", None),
        (
            "outlook: /runs/a/weekly/outlooks/20230205 has no whole index.parquet; it is left out, remove it",
            "outlook: 20230205 has no whole index.parquet; it is left out, remove it",
            "展望：存档20230205缺少完整的index.parquet，未予采用，请删除。",
        ),
        (
            "2 places have no model, such as Eastham, o3: the run did not separate them",
            "2 places have no model, such as Eastham, o3: the run did not separate them",
            "2个地点没有模型（如Eastham, o3）：运行时未能分离。",
        ),
        ("what nobody knew", "what nobody knew", "程序原文：what nobody knew"),
    ],
)
def test_notes_have_both_languages_and_no_folders(note: str, english: str, chinese: str | None) -> None:
    found = note_in_both(note)
    assert found["en"] == english
    assert chinese in (None, found["zh"])


# -- days that may still change


def test_hours_of_era5t_make_the_local_days_they_lie_in_preliminary(tmp_path: Path) -> None:
    from pipeline.weather.era5 import Options, read
    from pipeline.worlds.era5_files import write_era5

    time = pd.date_range("2023-01-01", "2023-01-05 23:00", freq="h")
    latitude, longitude = np.array([31.0, 30.0]), np.array([114.0, 115.0])
    rng = np.random.default_rng(0)
    fields = {name: 280 + rng.random((len(time), 2, 2)) for name in FIELDS}
    paths = write_era5(tmp_path, fields, time=time, latitude=latitude, longitude=longitude)
    for path in paths:
        with xr.open_dataset(path, decode_times=False) as data:
            # from 16:00 UTC of the third on, so from the local hour that ends at 24:00 of that day
            versions = np.where(time < pd.Timestamp("2023-01-03 16:00"), "0001", "0005").astype("U4")
            changed = data.load().assign_coords(expver=("valid_time", versions))
        changed.to_netcdf(path)
    stations = pd.DataFrame({"latitude": [30.5], "longitude": [114.5]}, index=["A"])
    period = (datetime.date(2023, 1, 2), datetime.date(2023, 1, 5))
    options = Options(source="era5", path=tmp_path, variables=("t2m",))
    found = read(options, observations=None, stations=stations, period=period, utc_offset=8)
    assert found.attrs["preliminary"] == list(pd.date_range("2023-01-03", "2023-01-05"))


FIELDS = ("t2m", "d2m", "u10", "v10", "msl", "sp", "blh", "tp", "ssrd", "tcc")


def test_preliminary_days_are_marked_in_every_window_week_and_file(world: Path, own: Path) -> None:
    path = own / "daily" / "weather.nc"
    with xr.open_dataset(path) as data:
        flags = data.get_index("time") >= pd.Timestamp("2022-12-12")
        marked = data.load().assign_coords(preliminary=("time", flags))
    marked.to_netcdf(path)
    outcome = tianbang("index", world, "--out", own, "--week", "2022-W50")
    assert outcome.code == 0, outcome.err
    assert "7 preliminary" in outcome.out
    for place in document(own)["places"]:
        found = place["pollutants"]["o3"]
        assert found["windows"]["week"]["kinds"] == {"preliminary": 7}
        assert found["windows"]["month"]["kinds"] == {"final": 11, "preliminary": 7}
        assert [week["kind"] for week in found["weeks"][-2:]] == ["final", "preliminary"]
    table = pd.read_csv(own / "weekly" / "index.csv")
    assert set(table["kind"]) == {"preliminary"}
