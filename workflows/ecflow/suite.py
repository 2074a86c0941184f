"""The suite `tianbang` for ecFlow: `python3 suite.py CONFIG RUN --home FOLDER > tianbang.def` (Debian: python3-ecflow).

A week or a month begins when it is published, one after the other: what was missed while the server was down is made
up for. Run by the system's Python; not part of the package.
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Sequence
from pathlib import Path

import ecflow

HERE = Path(__file__).resolve().parent
LAST = datetime.date(2035, 12, 31)
PUBLISHED = datetime.timedelta(days=12)
"""From a week's Monday: its days, and five until ERA5T has the last."""
SEVENTH = datetime.timedelta(days=6)
"""From a month's first day to a day of its own that is not the one after it."""
THERE, NOT_THERE = (f"weather == complete and {event}" for event in ("weather:there", "not weather:there"))


def suite(variables: dict[str, str], *, week: datetime.date, month: datetime.date) -> ecflow.Defs:
    """The definition; `week` and `month` are first days, of the first week and the first month."""
    found = ecflow.Suite("tianbang")
    found.add_variable({"ECF_FILES": str(HERE), "ECF_INCLUDE": str(HERE / "include"), "ECF_TRIES": "1", **variables})
    found.add_family(weekly(week))
    found.add_family(monthly(month))
    definition = ecflow.Defs()
    definition.add_suite(found)
    return definition


def weekly(week: datetime.date) -> ecflow.Family:
    """Repeats over the days on which weeks are published, PUBLISHED after their first day.

    `weather` asks POLLS times, PAUSE seconds apart, and sets the event `there`: `index` is made then, else `marked`.
    """
    family = ecflow.Family("weekly")
    family.add_variable({"POLLS": "14", "PAUSE": "21600"})
    family.add_repeat(ecflow.RepeatDate("DAY", number(week + PUBLISHED), number(LAST), 7))
    weather = family.add_task("weather")
    weather.add_event("there")
    weather.add_trigger("../weekly:DAY le :ECF_DATE")
    for name, run, leave in (("index", THERE, NOT_THERE), ("marked", NOT_THERE, THERE)):
        task = family.add_task(name)
        task.add_trigger(run)
        task.add_complete(leave)
    return family


def monthly(month: datetime.date) -> ecflow.Family:
    """Repeats over the seventh of the months after: by then a month's last day is published."""
    every = (datetime.date(year, n, 7) for year in range(month.year, LAST.year + 1) for n in range(1, 13))
    family = ecflow.Family("monthly")
    family.add_repeat(ecflow.RepeatDateList("DAY", [number(day) for day in every if day - month > SEVENTH]))
    refresh = family.add_task("refresh")
    refresh.add_trigger("../monthly:DAY le :ECF_DATE")
    return family


def number(day: datetime.date) -> int:
    """A day as ecFlow counts it, YYYYMMDD."""
    return int(f"{day:%Y%m%d}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the definition."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="the YAML config")
    parser.add_argument("run", help="the run folder")
    parser.add_argument("--home", required=True, help="where ecFlow writes jobs and their output")
    parser.add_argument("--bin", default="/opt/tianbang/.venv/bin:/opt/tianbang/workflows/bin")
    parser.add_argument("--start", default="2015-01-01", help="first day of the record")
    parser.add_argument("--stations", default="", help="CSV of the stations whose weather is fetched; none: nothing")
    first = {"type": datetime.date.fromisoformat, "metavar": "YYYY-MM-DD"}
    parser.add_argument("--week", default="2025-09-29", help="Monday of the first week", **first)
    parser.add_argument("--month", default="2025-09-01", help="first day of the first month", **first)
    asked = parser.parse_args(arguments)
    variables = {"CONFIG": asked.config, "RUN": asked.run, "ECF_HOME": asked.home, "BIN": asked.bin}
    variables |= {"START": asked.start, "STATIONS": asked.stations}
    definition = suite(variables, week=asked.week, month=asked.month)
    if fault := definition.check():
        raise SystemExit(fault)
    print(definition)


if __name__ == "__main__":
    main()
