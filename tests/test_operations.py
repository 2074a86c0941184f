"""What keeps schedules healthy: doctor, runs, alarms, logs for programs."""

from __future__ import annotations

import copy
import datetime
import json
import os
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
import small_world
import weekly_example
from typer.testing import CliRunner

from pipeline.command_line import app
from pipeline.config import load
from pipeline.errors import ConfigError, InputError
from pipeline.operations.alerts import Alarm, Alerts, alarms, tell
from pipeline.operations.doctor import Machine, as_json, as_text, doctor
from pipeline.operations.runs import as_text as differences
from pipeline.operations.runs import compared, prune, runs
from pipeline.progress import say, speak_json
from pipeline.store import Run

NOW = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)


def machine(folder: Path, **changed: object) -> Machine:
    given = {"now": NOW, "folder": folder, "cache": folder, "environment": {"CDSAPI_KEY": "secret"}, "home": folder}
    return Machine(**(given | changed))  # type: ignore[arg-type]


# --- doctor


def states(found: list) -> dict[str, str]:
    return {check.name: check.state for check in found}


def test_a_machine_that_is_well_has_nothing_to_do_and_shows_no_key(tmp_path: Path) -> None:
    checks = doctor(machine(tmp_path), None)
    assert {check.state for check in checks} == {"ok"}
    assert not any(check.remedy for check in checks)
    assert "secret" not in as_text(checks) + as_json(checks)
    assert as_text(checks).splitlines()[-1] == f"{len(checks)} checks, 0 not well"


def test_what_is_wrong_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = machine(tmp_path, now=datetime.datetime(2019, 1, 1, tzinfo=datetime.UTC), environment={})
    monkeypatch.setattr("pipeline.figures.fonts.find_cjk_font", lambda: None)
    monkeypatch.setattr("pipeline.operations.doctor.LEAST_FREE", 1e18)
    found = {check.name: check for check in doctor(old, None)}
    assert states(list(found.values())) | {"python": "ok", "packages": "ok"} == {
        "python": "ok",
        "packages": "ok",
        "clock": "wrong",
        "fonts": "wrong",
        "key of the climate data store": "warning",
        "disk of the run folder": "warning",
        "disk of the weather cache": "warning",
    }
    assert "before this version was made" in found["clock"].found
    assert "fonts-noto-cjk" in found["fonts"].remedy
    assert ".cdsapirc" in found["key of the climate data store"].remedy


def test_packages_of_other_versions_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.requires", lambda _: ["numpy<1", "no-such-package>=1", "x; extra == 'dev'"])
    [found] = [check for check in doctor(machine(tmp_path), None) if check.name == "packages"]
    assert found.state == "wrong"
    assert "numpy" in found.found
    assert "no-such-package is missing" in found.found


def test_a_clock_behind_the_files_of_the_run_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "index.html").touch()
    os.utime(tmp_path / "index.html", (NOW.timestamp() + 3600,) * 2)
    assert states(doctor(machine(tmp_path), None))["clock"] == "wrong"


def test_inputs_of_a_config_that_are_missing_or_old_are_told(tmp_path: Path) -> None:
    config = load(small_world.write(tmp_path / "world", {"archive": "archive.zarr"}))
    found = {check.name: check for check in doctor(machine(tmp_path / "run"), config)}
    assert found["archive"].state == "wrong"
    assert "tianbang ingest" in found["archive"].remedy
    assert found["weather of the run"].state == "warning"
    assert found["weekly index"].state == "ok"
    week = {"week": {"label": "2026-W20", "end": "2026-05-17"}}
    (tmp_path / "run" / "weekly").mkdir(parents=True)
    (tmp_path / "run" / "weekly" / "index.json").write_text(json.dumps(week))
    late = {check.name: check for check in doctor(machine(tmp_path / "run"), config)}["weekly index"]
    assert (late.state, late.found) == ("warning", "2026-W20, until 2026-05-17 00:00, 16 days ago")


def test_doctor_ends_with_1_where_something_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.figures.fonts.find_cjk_font", lambda: None)
    ended = CliRunner().invoke(app, ["doctor", "--out", str(tmp_path), "--json"])
    assert ended.exit_code == 1
    assert {"fonts"} <= {row["name"] for row in json.loads(ended.stdout) if row["state"] == "wrong"}


# --- runs


def a_run(folder: Path, values: dict[str, float], *, days_old: int = 0) -> Path:
    table = folder / "tables" / "attribution.csv"
    table.parent.mkdir(parents=True)
    frame = pd.DataFrame({"name": list(values), "year": 2020, "meteorology": list(values.values())})
    frame.to_csv(table, index=False)
    Run(folder).record("tables/attribution.csv", "key", {"config": "c" * 64})
    made = NOW.timestamp() - 86400 * days_old
    os.utime(table, (made, made))
    return folder


def test_runs_are_listed_the_newest_first_and_other_folders_are_not(tmp_path: Path) -> None:
    a_run(tmp_path / "old", {"A": 1.0}, days_old=9)
    a_run(tmp_path / "new", {"A": 1.0})
    (tmp_path / "other").mkdir()
    assert [run.folder.name for run in runs(tmp_path)] == ["new", "old"]
    assert [run.folder.name for run in runs(tmp_path / "old")] == ["old"]
    with pytest.raises(InputError, match="found no such folder"):
        runs(tmp_path / "nowhere")


def test_a_run_compared_with_itself_says_the_same(tmp_path: Path) -> None:
    one = a_run(tmp_path / "one", {"A": 1.0, "B": float("nan")})
    shutil.copytree(one, tmp_path / "other")
    assert differences(compared(one, tmp_path / "other")) == "1 of 1 tables say the same"


def test_what_two_runs_say_differently_is_found_whatever_the_order_of_rows(tmp_path: Path) -> None:
    one = a_run(tmp_path / "one", {"A": 1.0, "B": 2.0, "C": 3.0, "D": 4.0})
    other = a_run(tmp_path / "other", {"C": 3.0, "B": 2.5, "A": 1.0 + 1e-9, "E": 4.0, "F": 0.0})
    [row] = compared(one, other).itertuples()
    assert (row.rows, row.only_first, row.only_second, row.differing) == (3, 1, 2, 1)
    assert row.largest == pytest.approx(0.5)
    assert row.where == "meteorology of B 2020"
    with pytest.raises(InputError, match="found no run there"):
        compared(one, tmp_path)


def test_old_runs_are_removed_only_when_asked_and_never_the_newest_or_an_unfinished_one(tmp_path: Path) -> None:
    for name, age in (("newest", 400), ("old", 500), ("older", 600)):
        a_run(tmp_path / name, {"A": 1.0}, days_old=age)
    (tmp_path / "at work" / "manifests" / "daily").mkdir(parents=True)
    asked = {"older_than": 365, "now": NOW}
    assert {run.folder.name for run in prune(tmp_path, dry_run=True, **asked)} == {"old", "older"}
    assert len(list(tmp_path.iterdir())) == 4
    prune(tmp_path, dry_run=False, **asked)
    assert {path.name for path in tmp_path.iterdir()} == {"newest", "at work"}


# --- alarms


@pytest.fixture(scope="module")
def document() -> dict:
    return weekly_example.weekly_example(count=12)


AFTER = datetime.datetime(2025, 10, 7, tzinfo=datetime.UTC)


def test_an_index_in_time_and_in_its_band_raises_no_alarm(document: dict) -> None:
    assert alarms(document, Alerts(), now=AFTER) == []


def test_a_late_week_is_told_once_the_next_one_was_due(document: dict) -> None:
    due = datetime.datetime(2025, 10, 5 + 7 + 3, tzinfo=datetime.UTC)
    assert alarms(document, Alerts(), now=due) == []
    [alarm] = alarms(document, Alerts(), now=due + datetime.timedelta(days=1))
    assert (alarm.kind, alarm.about) == ("late", "2025-W40")


def test_a_pollutant_that_no_place_observed_is_stale(document: dict) -> None:
    blind = copy.deepcopy(document)
    for place in blind["places"]:
        place["pollutants"]["pm25"]["windows"]["week"]["observed"] = None
    found = alarms(blind, Alerts(), now=AFTER + datetime.timedelta(days=7))
    assert [(alarm.kind, alarm.about) for alarm in found] == [("stale", "pm25")]


def test_a_region_outside_its_band_is_told_and_a_city_is_not(document: dict) -> None:
    wild = copy.deepcopy(document)
    for place in wild["places"][-1], wild["places"][1]:
        place["pollutants"]["pm25"]["windows"]["week"]["base"]["mci"] = 350.0
    [alarm] = alarms(wild, Alerts(), now=AFTER)
    assert alarm.kind == "implausible"
    assert "index 350.0 in 2025-W40, outside 50 to 200" in alarm.line


def test_a_week_without_an_index_or_observations_is_not_implausible(document: dict) -> None:
    unknown = copy.deepcopy(document)
    for place in unknown["places"]:
        for found in place["pollutants"].values():
            found["windows"]["week"] |= {"base": None, "recent": None}
    assert alarms(unknown, Alerts(), now=AFTER) == []


def test_each_alarm_is_handed_to_the_hook_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "hook.py"
    script.write_text("import sys; open(sys.argv[1], 'a').write(sys.stdin.read())")
    hook = f"{sys.executable} {script} {tmp_path / 'told'}"
    found = [Alarm("late", "2025-W40", "it is late"), Alarm("stale", "o3", "no observation")]
    tell(found, Alerts(hook=hook))
    rows = [json.loads(line) for line in (tmp_path / "told").read_text().splitlines()]
    assert [row["kind"] for row in rows] == ["late", "stale"]
    assert "alert (late): it is late" in capsys.readouterr().err


@pytest.mark.parametrize("hook", ["/no/such/command", "false", "unbalanced '"])
def test_a_hook_that_fails_is_told_and_stops_nothing(hook: str, capsys: pytest.CaptureFixture[str]) -> None:
    tell([Alarm("late", "2025-W40", "it is late")], Alerts(hook=hook))
    assert "warning: alerts.hook" in capsys.readouterr().err


# --- logs, and where work is done


def test_lines_for_programs_are_json_with_level_and_stage(capsys: pytest.CaptureFixture[str]) -> None:
    speak_json(True)
    try:
        for line in ("readings: 3 of 12", "warning: a station has moved", "done in 3 s: /run/index.html"):
            say(line)
    finally:
        speak_json(False)
    rows = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(row["level"], row["stage"]) for row in rows] == [
        ("info", "readings"),
        ("warning", "warning"),
        ("info", ""),
    ]
    assert all(datetime.datetime.fromisoformat(row["time"]).tzinfo for row in rows)


@pytest.mark.parametrize(
    ("scheduler", "told"),
    [
        ({"kind": "slurm"}, "found kind slurm without 'memory'"),
        ({"kind": "address"}, "found kind address without 'address'"),
        ({"kind": "local", "queue": "long"}, "found 'queue' with kind local; allowed: with slurm, pbs"),
        ({"kind": "local", "workers": 2, "fewest": 3}, "found fewest 3 above workers 2"),
        ({"kind": "local", "memory": "much"}, "scheduler.memory"),
        ({"kind": "yarn"}, "scheduler.kind: found 'yarn'"),
        ({"kinds": "local"}, "unknown key; known here: kind, workers, fewest"),
    ],
)
def test_a_scheduler_that_cannot_be_is_refused_in_one_line(tmp_path: Path, scheduler: dict, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(small_world.write(tmp_path, {"scheduler": scheduler}))
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
