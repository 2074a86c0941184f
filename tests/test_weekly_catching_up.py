"""``tianbang index --catch-up``, ``--fill`` and ``--check``: weeks that were missed, are late, are not there."""

from __future__ import annotations

import datetime
import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import small_world
from small_world import content, tianbang
from test_weekly_outlook import ISSUED, PACKED, forecast_of

from pipeline.config import load
from pipeline.errors import Incomplete, InputError, NotYet
from pipeline.store import Run
from pipeline.weekly import catching_up
from pipeline.weekly.catching_up import Asked, catch_up
from pipeline.weekly.files import FILES
from pipeline.weekly.issue import issue
from pipeline.weekly.issued import issued

RECORD = {
    "period": ["2021-01-01", "2022-12-31"],
    "model": {"members": 2, "methods": []},
    "levels": ["city"],
    "weekly": {"outlook": {"from": "forecast"}},
}
"""The run ends with 2022; the weather of the world's files goes to 15 March 2023."""
WEATHER = small_world.weather().drop(columns="fog")
"""The world's, without what no forecast has."""
PLAIN = Asked()


def at(day: str) -> datetime.datetime:
    """Noon of a day where the stations are."""
    return datetime.datetime.fromisoformat(f"{day}T04:00:00+00:00")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the config, a forecast that is right, and a run."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "forecast").mkdir()
    config = small_world.write(folder, RECORD)
    WEATHER.to_csv(folder / "weather.csv", index=False)
    forecast_of(WEATHER, ISSUED).to_netcdf(folder / "forecast" / "run.nc")
    outcome = tianbang("run", config, "--out", folder / "run")
    assert outcome.code == 0, outcome.err
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(whole, tmp_path / "own"))


def weather_until(folder: Path, last: str) -> None:
    """Leaves the world's weather up to a day."""
    WEATHER[WEATHER["time"] <= last].to_csv(folder / "weather.csv", index=False)


def caught_up(folder: Path, day: str, asked: Asked = PLAIN) -> str:
    """What catching up says on a day."""
    return catch_up(load(folder / "config.yml"), folder / "run", now=at(day), asked=asked)


def kept(folder: Path, week: str) -> dict[str, Any]:
    """The document of a week as it was issued."""
    path = folder / "run" / "weekly" / "issued" / week / "index.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def week_of(document: dict[str, Any]) -> Any:
    """What the document says of the week of the nation's O3."""
    return document["places"][0]["pollutants"]["o3"]["windows"]["week"]


# -- laws


def test_weeks_that_were_missed_are_issued_in_order_as_each_would_have_been_and_once(folder: Path) -> None:
    weather_until(folder, "2023-02-06")
    assert caught_up(folder, "2023-02-07") == "catch-up: 1 issued (2023-W05)"
    weather_until(folder, "2023-02-28")
    said = caught_up(folder, "2023-03-01")
    assert said == "catch-up: 3 issued (2023-W06, 2023-W07, 2023-W08)"
    assert list(issued(Run(folder / "run"))) == ["2023-W05", "2023-W06", "2023-W07", "2023-W08"]
    for artefact in FILES:
        last = folder / "run" / "weekly" / "issued" / "2023-W08" / Path(artefact).name
        assert (folder / "run" / artefact).read_bytes() == last.read_bytes()
    before = content(folder / "run")
    assert caught_up(folder, "2023-03-01") == "catch-up: nothing to do"
    assert content(folder / "run") == before
    for week in ("2023-W06", "2023-W08"):
        alone = issue(load(folder / "config.yml"), folder / "run", week=week, now=at("2023-03-01"))
        assert json.loads(json.dumps(alone)) == kept(folder, week)


def test_a_week_from_forecasts_is_marked_and_issued_again_from_weather(folder: Path) -> None:
    weather_until(folder, "2023-02-05")
    assert caught_up(folder, "2023-02-06") == "catch-up: 1 issued (2023-W05)"
    # a week later nothing has come
    with pytest.raises(NotYet, match="weather of 2023-W06 is not there yet, it ends on 2023-02-05"):
        caught_up(folder, "2023-02-13")
    assert caught_up(folder, "2023-02-13", Asked(fill=True)).startswith("catch-up: 1 issued (2023-W06); weather of")
    marked = kept(folder, "2023-W06")
    assert week_of(marked)["kinds"] == {"forecast": 7}
    assert "2023-W06: weather from 2023-02-06 to 2023-02-12 is forecast, not analysed" in [
        note["en"] for note in marked["notes"]
    ]
    assert set(pd.read_csv(folder / "run" / "weekly" / "index.csv").query("window == 'week'")["kind"]) == {"forecast"}
    # the same forecast is no reason to issue it again
    before = content(folder / "run")
    with pytest.raises(NotYet, match="nothing to do; weather of 2023-W06 is not there yet"):
        caught_up(folder, "2023-02-13", Asked(fill=True))
    assert content(folder / "run") == before
    weather_until(folder, "2023-02-13")
    assert caught_up(folder, "2023-02-14") == "catch-up: 1 issued (2023-W06)"
    analysed = kept(folder, "2023-W06")
    assert week_of(analysed)["kinds"] == {"final": 7}
    # the forecast was right
    assert week_of(marked)["base"]["mci"] == pytest.approx(week_of(analysed)["base"]["mci"], abs=PACKED)
    assert caught_up(folder, "2023-02-14") == "catch-up: nothing to do"


def test_what_is_analysed_of_a_week_is_not_taken_from_forecasts(folder: Path) -> None:
    weather_until(folder, "2023-02-09")
    found = issue(load(folder / "config.yml"), folder / "run", week="2023-W06", now=at("2023-02-13"), fill=True)
    assert week_of(found)["kinds"] == {"final": 4, "forecast": 3}
    assert found["outlook"]["why"] is None


@pytest.mark.slow
def test_from_a_week_on_only_what_would_be_other_is_issued_again(folder: Path) -> None:
    assert caught_up(folder, "2023-03-14", Asked(since="2023-W08")).startswith("catch-up: 3 issued (2023-W08,")
    assert caught_up(folder, "2023-03-14", Asked(since="2023-W08")) == "catch-up: nothing to do"
    assert caught_up(folder, "2023-03-14", Asked(since="2023-W07")) == "catch-up: 2 issued (2023-W07, 2023-W10)"
    small_world.write_config(folder, RECORD | {"weekly": {"classes": [80, 95, 105, 120]}})
    assert caught_up(folder, "2023-03-14") == "catch-up: nothing to do"
    assert caught_up(folder, "2023-03-14", Asked(since="2023-W09")) == "catch-up: 2 issued (2023-W09, 2023-W10)"


def test_the_outlook_is_that_of_the_last_week(folder: Path) -> None:
    weather_until(folder, "2023-02-05")
    caught_up(folder, "2023-02-06", Asked(since="2023-W04", outlook=True))
    assert "outlook" not in kept(folder, "2023-W04")
    assert kept(folder, "2023-W05")["outlook"]["issued"] == "2023-02-05T12:00:00Z"


# -- failures


@pytest.mark.slow
def test_a_week_that_fails_does_not_stop_the_others(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any, week: str, **keys: Any) -> Any:
        if week in failing:
            raise InputError(f"{week} is broken")
        return issue(*arguments, week=week, **keys)

    monkeypatch.setattr(catching_up, "issue", broken)
    failing = {"2023-W08"}
    with pytest.raises(Incomplete, match=r"2 issued \(2023-W07, 2023-W09\); 1 failed \(2023-W08\); run the same"):
        caught_up(folder, "2023-03-07", Asked(since="2023-W07"))
    failing = {"2023-W08", "2023-W09", "2023-W10"}
    outcome = tianbang("index", folder / "config.yml", "--out", folder / "run", "--catch-up", "--since", "2023-W08")
    assert (outcome.code, outcome.err.splitlines()[-1]) == (3, "tianbang: 2023-W08 is broken")
    failing = {"2023-W08"}
    outcome = tianbang("index", folder / "config.yml", "--out", folder / "run", "--catch-up", "--since", "2023-W08")
    assert outcome.code == 6
    assert "1 issued (2023-W10); 1 failed (2023-W08)" in outcome.err
    failing = set()
    assert caught_up(folder, "2023-03-14", Asked(since="2023-W08")) == "catch-up: 2 issued (2023-W08, 2023-W10)"


def test_a_week_that_is_not_there_yet_has_an_exit_code_of_its_own(folder: Path) -> None:
    arguments = ["index", folder / "config.yml", "--out", folder / "run"]
    outcome = tianbang(*arguments, "--check", "--week", "2023-W10")
    assert (outcome.code, outcome.out) == (0, "2023-W10: weather is there: 7 days final\n")
    outcome = tianbang(*arguments, "--check", "--week", "2023-W11")
    assert outcome.code == 7
    assert outcome.err == "tianbang: weather of 2023-W11 is not there yet, it ends on 2023-03-15\n"
    assert not (folder / "run" / "weekly").exists()
    assert tianbang(*arguments, "--catch-up").code == 0
    again = tianbang(*arguments, "--catch-up")
    alert, refused = again.err.splitlines()
    assert again.code == 7
    assert alert.startswith("alert (late): the newest index is of 2023-W10, which ended 2023-03-12")
    assert "catch-up: nothing to do; weather of 2023-W11 is not there yet" in refused


def test_why_weather_is_not_there_is_told(folder: Path) -> None:
    # the source holds the record and nothing later
    weather_until(folder, "2022-12-31")
    with pytest.raises(NotYet, match=r"2022-W52 is not there yet, it ends on 2022-12-31 \(weather after the record: "):
        caught_up(folder, "2023-01-03", Asked(since="2023-W01"))
    # and no forecast reaches so far
    shutil.rmtree(folder / "forecast")
    (folder / "forecast").mkdir()
    with pytest.raises(NotYet, match=r"week 2023-W01 .*: no day has weather"):
        caught_up(folder, "2023-01-09", Asked(since="2023-W01", fill=True))
