"""``workflows/``: definitions are agreed by their engines, trigger as written, and issue weeks that were missed.

Engines are not part of the package: `make workflows-tools` and Debian's rsync, python3-ecflow and systemd bring them,
and what needs one is skipped where it is absent.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import small_world
import typer
from loopback.cds_server import KEY, CdsServer

from pipeline.command_line import app
from pipeline.config import load
from pipeline.errors import TianbangError
from pipeline.store import Run
from pipeline.weekly.issue import issue
from pipeline.weekly.issued import issued

ROOT = Path(__file__).parents[1]
WORKFLOWS = ROOT / "workflows"
CYCLES = {
    "weekly": ("2023-W01", "2023-W04"),
    "monthly": ("2023-01", "2023-03"),
    "annual": ("2021", "2022"),
    "backfill": ("2023-W01", "2023-W03"),
}
"""First and last cycle of the reference logs."""
TOOLS = f"{ROOT / '.venv-workflows' / 'bin'}:{os.environ['PATH']}"
CYLC = shutil.which("cylc", path=TOOLS)
SYSTEM_PYTHON = "/usr/bin/python3"


def ecflow_is_there() -> bool:
    """Whether the system's Python has ecFlow."""
    found = shutil.which(SYSTEM_PYTHON)
    return found is not None and subprocess.run([found, "-c", "import ecflow"], capture_output=True).returncode == 0


needs_cylc = pytest.mark.skipif(CYLC is None, reason="cylc is not there: make workflows-tools")
needs_rsync = pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not there, which cylc installs with")
needs_ecflow = pytest.mark.skipif(not ecflow_is_there(), reason="ecFlow is not there: apt-get install python3-ecflow")
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not there")


def ran(*command: str | Path, seconds: float = 180, **keys: Any) -> subprocess.CompletedProcess[str]:
    """A command that has ended, with what it printed."""
    return subprocess.run(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds, **keys
    )


# -- the commands that workflows call


def test_workflows_call_options_that_the_commands_have() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    calls = [
        (name, options)
        for path in sorted(WORKFLOWS.rglob("*"))
        if path.is_file() and path.suffix != ".md" and "__pycache__" not in path.parts
        for name, options in re.findall(r"\btianbang (index|run|ingest)\b([^\n]*)", path.read_text(encoding="utf-8"))
    ]
    assert {name for name, _ in calls} == {"index", "run", "ingest"}
    for name, options in calls:
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", options)) <= known, (name, options)


def test_exit_codes_are_all_of_different_meaning_and_in_the_table() -> None:
    own = [kind for kind in TianbangError.__subclasses__() if "exit_code" in vars(kind)]
    codes = {kind.exit_code: kind for kind in (TianbangError, *own)}
    assert len(codes) == 1 + len(own)
    table = (WORKFLOWS / "README.md").read_text(encoding="utf-8")
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, flags=re.MULTILINE)} == {0, *codes, 130}


# -- stand-ins


def stand_in(folder: Path, name: str, script: str) -> None:
    """A command that notes its arguments in ``folder/calls`` and does as ``script`` says."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "{name} $*" >> "{folder}/calls"\n{script}\n', encoding="utf-8")
    path.chmod(0o755)


def calls(folder: Path) -> list[str]:
    """What stand-ins were called with."""
    return (folder / "calls").read_text(encoding="utf-8").splitlines()


def scripted(folder: Path, script: str, **variables: str) -> int:
    """The exit code of one of ``workflows/bin`` with stand-ins before everything else."""
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "CONFIG": "my.yml", "RUN": str(folder / "run")} | variables
    return ran("sh", WORKFLOWS / "bin" / script, env=environment).returncode


@pytest.mark.parametrize(
    ("code", "days_late", "expected", "times"), [(0, "1", 0, 1), (6, "1", 6, 1), (7, "8", 7, 1), (7, "1", 0, 2)]
)
def test_the_weekly_script_fills_only_what_is_late(
    tmp_path: Path, code: int, days_late: str, expected: int, times: int
) -> None:
    folder = tmp_path / "bin"
    stand_in(folder, "tianbang", f'case "$*" in *--fill*) exit 0;; esac\nexit {code}')
    assert scripted(folder, "tianbang-weekly", DAYS_LATE=days_late) == expected
    first = f"tianbang index my.yml --out {folder}/run --catch-up"
    assert calls(folder) == [f"{first} --outlook", f"{first} --fill"][:times]


@pytest.mark.parametrize(("failing", "expected"), [("nothing", 0), ("ingest", 3), ("run", 3), ("--catch-up", 3)])
def test_the_monthly_script_makes_the_next_step_of_what_is_there(tmp_path: Path, failing: str, expected: int) -> None:
    folder = tmp_path / "bin"
    stand_in(folder, "tianbang", f'case "$*" in *"{failing}"*) exit 3;; *--catch-up*) exit 7;; esac')
    stand_in(folder, "era5-fetch", "")
    told = {"MONTH": "2024-02", "START": "2015-01-01", "STATIONS": "stations.csv"}
    if failing == "run":  # every folder here is called so; the command is at the beginning
        stand_in(folder, "tianbang", 'case "$*" in run*) exit 3;; *--catch-up*) exit 7;; esac')
    assert scripted(folder, "tianbang-monthly", **told) == expected
    made = calls(folder)
    assert made[0] == "tianbang ingest my.yml"
    assert made[1].endswith("2023-10-01/2024-02-29 --points stations.csv --refresh")
    assert made[2] == f"tianbang run my.yml --out {folder}/run --set period=[2015-01-01, 2024-02-29]"
    assert made[3] == f"tianbang index my.yml --out {folder}/run --catch-up"


def test_the_annual_script_reports_the_year_before(tmp_path: Path) -> None:
    stand_in(tmp_path / "bin", "tianbang", "exit 5")
    assert scripted(tmp_path / "bin", "tianbang-annual", YEAR="2025") == 5
    assert calls(tmp_path / "bin") == [f"tianbang report my.yml --out {tmp_path}/bin/run --year 2025"]


# -- systemd and cron


@needs_systemd
def test_units_are_verified_and_their_times_are_times() -> None:
    units = sorted([*(WORKFLOWS / "systemd").glob("*.service"), *(WORKFLOWS / "systemd").glob("*.timer")])
    assert len(units) == 7
    outcome = ran("systemd-analyze", "verify", *units)
    assert (outcome.returncode, outcome.stdout) == (0, "")
    for timer in (unit for unit in units if unit.suffix == ".timer"):
        assert timer.with_suffix(".service") in units
        (when,) = re.findall(r"^OnCalendar=(.*)$", timer.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert ran("systemd-analyze", "calendar", when).returncode == 0


def test_cron_lines_have_five_fields_in_range_and_a_command_that_is_there() -> None:
    lines = (WORKFLOWS / "cron" / "tianbang.cron").read_text(encoding="utf-8").splitlines()
    jobs = [line for line in lines if line and not line.startswith("#") and not re.match(r"[A-Z]+=", line)]
    assert len(jobs) == 3
    for line in jobs:
        *fields, command = line.split(maxsplit=5)
        for field, (low, high) in zip(fields, ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7)), strict=True):
            assert field == "*" or low <= int(field) <= high, line
        assert os.access(WORKFLOWS / "bin" / command.split()[0], os.X_OK)
        assert not re.search(r"(?<!\\)%", command), "cron reads an unescaped % as a new line"


# -- ecFlow

SIMULATED = """
import datetime, runpy, sys
import ecflow
suite, home, run, path, first = sys.argv[1:]
variables = {"CONFIG": "my.yml", "RUN": run, "BIN": path, "ECF_HOME": home, "START": "2015-01-01", "STATIONS": ""}
week = datetime.date.fromisoformat(first)
jobs, year = (
    runpy.run_path(suite)["suite"](variables, week=week, month=week.replace(day=1)) for _ in range(2)
)
assert jobs.check() == "", jobs.check()
jobs.find_abs_node("/tianbang/weekly").add_variable({"PAUSE": "0", "POLLS": "3"})
jobs.check_job_creation(True)
year.find_suite("tianbang").add_clock(ecflow.Clock(1, 1, 2023, False))
year.simulate()
"""


def simulated(folder: Path, week: str) -> list[str]:
    """The log of a year of the suite, from 1 January 2023 on; jobs are left in ``folder``."""
    suite = WORKFLOWS / "ecflow" / "suite.py"
    outcome = ran(SYSTEM_PYTHON, "-B", "-c", SIMULATED, suite, folder, folder / "run", folder / "bin", week, cwd=folder)
    assert outcome.returncode == 0, outcome.stdout
    return (folder / "tianbang.def.log").read_text(encoding="utf-8").splitlines()


@needs_ecflow
def test_the_suite_begins_a_week_and_a_month_when_they_are_published(tmp_path: Path) -> None:
    log = simulated(tmp_path, "2023-01-02")
    done = {
        task: sum(line.endswith(f" submitted: /tianbang/{task}") for line in log)
        for task in ("weekly/weather", "weekly/index", "weekly/marked", "monthly/refresh")
    }
    # Saturdays from 14 January to 30 December, and the seventh of February to December
    assert done == {"weekly/weather": 51, "weekly/index": 51, "weekly/marked": 0, "monthly/refresh": 11}
    later = tmp_path / "later"
    later.mkdir()
    assert not any(" submitted: " in line for line in simulated(later, "2024-01-01"))


@needs_ecflow
@pytest.mark.parametrize(("answers", "there"), [("7 0", True), ("7 7 7", False)])
def test_a_job_polls_for_weather_and_tells_the_server(tmp_path: Path, answers: str, there: bool) -> None:
    simulated(tmp_path, "2024-01-01")
    (tmp_path / "answers").write_text(answers.replace(" ", "\n") + "\n")
    stand_in(
        tmp_path / "bin", "tianbang", f"code=$(head -1 {tmp_path}/answers); sed -i 1d {tmp_path}/answers; exit $code"
    )
    stand_in(tmp_path / "bin", "ecflow_client", "")
    assert ran("bash", tmp_path / "tianbang" / "weekly" / "weather.job0").returncode == 0
    made = calls(tmp_path / "bin")
    asked = f"tianbang index my.yml --out {tmp_path}/run --week 2024-W01 --check"
    assert [line for line in made if line.startswith("tianbang")] == [asked] * len(answers.split())
    assert made[0].startswith("ecflow_client --init=")
    assert made[-1] == "ecflow_client --complete"
    assert ("ecflow_client --event=there" in made) is there


@needs_ecflow
def test_a_job_that_fails_is_aborted_with_its_exit_code(tmp_path: Path) -> None:
    simulated(tmp_path, "2024-01-01")
    stand_in(tmp_path / "bin", "tianbang", "exit 3")
    stand_in(tmp_path / "bin", "ecflow_client", "")
    for job in ("weekly/index", "weekly/marked"):
        ran("bash", tmp_path / "tianbang" / f"{job}.job0")
        assert calls(tmp_path / "bin")[-1] == "ecflow_client --abort=exit code 3"


# -- Cylc


@pytest.fixture(scope="module")
def cylc(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command in a home of its own."""
    environment = of_cylc(tmp_path_factory.mktemp("home"))

    def command(*arguments: str | Path, seconds: float = 180) -> subprocess.CompletedProcess[str]:
        assert CYLC is not None
        return ran(CYLC, *arguments, env=environment, seconds=seconds)

    return command


def of_cylc(home: Path) -> dict[str, str]:
    """What Cylc needs to run in a home of its own: its jobs must find it, whatever their login shell's PATH."""
    assert CYLC is not None
    (home / "global.cylc").write_text(f"[platforms]\n    [[localhost]]\n        cylc path = {Path(CYLC).parent}\n")
    return dict(os.environ) | {"HOME": str(home), "CYLC_CONF_PATH": str(home), "PATH": TOOLS}


def installed(name: str, first: str, last: str, *settings: str) -> list[str]:
    """Arguments that install and play a workflow from one cycle to another, in the foreground."""
    cycles = [f"--initial-cycle-point={first}", f"--final-cycle-point={last}"]
    sets = [part for setting in settings for part in ("--set", setting)]
    return [f"--workflow-name={name}", "--no-run-name", "--no-detach", *cycles, *sets]


def changed(folder: Path, name: str, *changes: tuple[str, str], more: str = "") -> Path:
    """A copy of a workflow with text of its definition replaced, and more at its end."""
    copy = Path(shutil.copytree(WORKFLOWS / "cylc" / name, folder / name))
    text = (copy / "flow.cylc").read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    (copy / "flow.cylc").write_text(text + more, encoding="utf-8")
    return copy


@needs_cylc
@pytest.mark.parametrize("name", sorted(CYCLES))
def test_a_workflow_is_valid_and_lint_finds_nothing(cylc: Callable[..., Any], name: str) -> None:
    for command in ("validate", "lint"):
        outcome = cylc(command, WORKFLOWS / "cylc" / name)
        assert outcome.returncode == 0, outcome.stdout


@needs_cylc
@needs_rsync
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CYCLES))
def test_a_workflow_triggers_as_its_reference_says(cylc: Callable[..., Any], name: str) -> None:
    arguments = installed(name, *CYCLES[name], "RUNMODE='skip'")
    outcome = cylc("vip", WORKFLOWS / "cylc" / name, *arguments, "--reference-test")
    assert outcome.returncode == 0, outcome.stdout


@needs_cylc
@needs_rsync
@pytest.mark.slow
def test_a_workflow_that_triggers_otherwise_fails_its_reference(cylc: Callable[..., Any], tmp_path: Path) -> None:
    mutant = changed(tmp_path, "weekly", ("            weather? => index?\n", "            @published => index?\n"))
    arguments = installed("mutant", *CYCLES["weekly"], "RUNMODE='skip'")
    assert cylc("vip", mutant, *arguments, "--reference-test").returncode != 0


@needs_cylc
@needs_rsync
@pytest.mark.slow
def test_weather_that_never_comes_makes_a_marked_index_and_no_other(cylc: Callable[..., Any], tmp_path: Path) -> None:
    more = (
        "    [[weather]]\n        [[[skip]]]\n            outputs = failed\n"
        "[scheduler]\n    [[events]]\n        expected task failures = 2023-W01/weather, 2023-W02/weather\n"
    )
    late = changed(tmp_path, "weekly", more=more)
    weather = ("2022-W52/index", "2022-W52/index", "2022-W52/marked", "2022-W52/marked"), ("2023-W01/marked",)
    expected = [
        f"{cycle}/{task} -triggered off {list(of)} in flow 1"
        for cycle, before in zip(("2023-W01", "2023-W02"), weather, strict=True)
        # asked for twice, since one retry is given
        for task, of in (
            ("weather", before), ("weather", before), ("marked", [f"{cycle}/weather"]), ("late", [f"{cycle}/marked"]),
        )
    ]  # fmt: skip
    (late / "reference.log").write_text("\n".join(expected) + "\n", encoding="utf-8")
    arguments = installed("late", "2023-W01", "2023-W02", "RUNMODE='skip'", "POLL='PT1S'")
    outcome = cylc("vip", late, *arguments, "--reference-test")
    assert outcome.returncode == 0, outcome.stdout


# -- played

MISSED = ("2021-W15", "2021-W16", "2021-W17")
WORLD = {
    "period": ["2021-01-01", "2021-04-11"],
    "base_period": ["2021-01-01", "2021-04-11"],
    "weather": {"source": "era5", "cache": "cache", "variables": ["t2m", "u10", "v10", "blh", "tp"]},
    "model": {"members": 2, "minimum_days": 90, "methods": []},
    "levels": ["city"],
    "languages": ["en"],
}
"""The record ends on a Sunday; the weeks after it are to be fetched."""


@pytest.fixture
def server() -> Iterator[CdsServer]:
    """The weather server."""
    with CdsServer() as made:
        yield made


def until(condition: Callable[[], bool], *, seconds: float, told: Callable[[], str]) -> None:
    """Waits for what processes do."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, told()
        time.sleep(0.2)


def contact(home: Path, name: str) -> Mapping[str, str]:
    """What a scheduler says of itself while it runs."""
    lines = (home / "cylc-run" / name / ".service" / "contact").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


@needs_cylc
@needs_rsync
@pytest.mark.slow
def test_three_missed_weeks_are_caught_up_though_the_server_refuses_and_the_scheduler_is_killed(
    tmp_path: Path, server: CdsServer
) -> None:
    assert CYLC is not None
    config, run = small_world.write(tmp_path / "world", WORLD), tmp_path / "run"
    environment = of_cylc(tmp_path) | {"CDSAPI_URL": server.url, "CDSAPI_KEY": KEY}
    binaries = Path(sys.executable).parent
    made = ran(binaries / "tianbang", "run", config, "--out", run, env=environment, seconds=900)
    assert made.returncode == 0, made.stdout
    settings = {
        "CONFIG": config, "RUN": run, "BIN": binaries, "OUTLOOK": "", "POLL": "60*PT1S", "RETRY": "PT1S",
    }  # fmt: skip
    given = [f"{name}='{value}'" for name, value in settings.items()]
    flow, jobs = tmp_path / "cylc-run" / "weekly", tmp_path / "cylc-run" / "weekly" / "log" / "job"

    def log() -> str:
        return "\n".join(path.read_text() for path in sorted(flow.glob("log/scheduler/*.log")))

    server.licence_accepted = False
    playing = [CYLC, "vip", WORKFLOWS / "cylc" / "weekly", *installed("weekly", MISSED[0], MISSED[-1], *given)]
    first = subprocess.Popen(
        list(map(str, playing)),
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        # refused once, asked again
        until((jobs / MISSED[0] / "weather" / "02").is_dir, seconds=300, told=log)
        refused = (jobs / MISSED[0] / "weather" / "01" / "job.err").read_text()
        assert f"weather of {MISSED[0]} is not there yet" in refused
        assert "licence" in refused
        server.licence_accepted = True
        until(lambda: MISSED[0] in issued(Run(run)), seconds=600, told=log)
        os.kill(int(contact(tmp_path, "weekly")["CYLC_WORKFLOW_PID"]), signal.SIGKILL)
        first.wait(timeout=60)
    finally:
        first.kill()
    again = ran(CYLC, "play", "weekly", "--no-detach", env=environment, seconds=900)
    assert again.returncode == 0, again.stdout
    known = issued(Run(run))
    assert list(known) == list(MISSED)
    assert all(week.days == {} for week in known.values())
    for week in MISSED:
        assert [path.name for path in sorted((jobs / week / "index").iterdir())] == ["01", "NN"]
    kept = {week: (run / "weekly" / "issued" / week / "index.json").read_text() for week in MISSED}
    for week, text in kept.items():
        now = datetime.datetime(2021, 6, 1, tzinfo=datetime.UTC)
        alone = issue(load(config), run, week=week, now=now)
        assert json.loads(text) == json.loads(json.dumps(alone)) | {"made": json.loads(text)["made"]}
