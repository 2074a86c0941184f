"""Alarms of the weekly cycle: it is late, an input is stale, or the index has left the band that is plausible.

An alarm is a line for people and a row for programs; each is handed to a command of the user's, which mails, pages or
posts it.
"""

from __future__ import annotations

import datetime
import json
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipeline.progress import say

PATIENCE = 60
"""Seconds that the command may take."""


class Alerts(BaseModel):
    """The key ``alerts`` of a config.

    The ``hook`` is run once for each alarm, with the alarm as a JSON object on its standard input; without one alarms
    are printed alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    hook: str | None = Field(default=None, description="a command, such as mail -s tianbang office@example.org")
    late_days: int = Field(default=3, ge=0, le=60, description="days after a week's end when its index must be there")
    stale_days: int = Field(default=8, ge=1, le=90, description="age of the last hour observed that is too old")
    band: tuple[float, float] = Field(default=(50.0, 200.0), description="a region's index of a week outside is told")

    @field_validator("band")
    @classmethod
    def _about_100(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0 < value[0] < 100 < value[1]:
            raise ValueError(f"found {list(value)}; allowed: a limit below and one above 100")
        return value


@dataclass(frozen=True)
class Alarm:
    """What is amiss."""

    kind: Literal["late", "stale", "implausible"]
    about: str
    line: str


def alarms(document: Mapping[str, Any], options: Alerts, *, now: datetime.datetime) -> list[Alarm]:
    """The alarms of an index (content of ``index.json``) at the time ``now``, with its zone."""
    return [*_late(document, options, now), *_stale(document, options, now), *_implausible(document, options)]


def _late(document: Mapping[str, Any], options: Alerts, now: datetime.datetime) -> Iterator[Alarm]:
    """The week after the one of this index has ended long enough ago for its own index to be there."""
    week = document["week"]
    due = datetime.date.fromisoformat(week["end"]) + datetime.timedelta(days=7 + options.late_days)
    if now.date() > due:
        line = (
            f"the newest index is of {week['label']}, which ended {week['end']}; that of the week after was due {due}"
        )
        yield Alarm("late", week["label"], line)


def _stale(document: Mapping[str, Any], options: Alerts, now: datetime.datetime) -> Iterator[Alarm]:
    """Pollutants without an observation in any place of the week, however old the week is."""
    end = datetime.date.fromisoformat(document["week"]["end"])
    for pollutant in sorted({name for place in document["places"] for name in place["pollutants"]}):
        found = [place["pollutants"][pollutant] for place in document["places"] if pollutant in place["pollutants"]]
        days = max((one["windows"]["week"]["observed"] or {}).get("days") or 0 for one in found)
        age = (now.date() - end).days
        if not days and age >= options.stale_days:
            line = f"no observation of {pollutant} in the week {document['week']['label']}, {age} days ago"
            yield Alarm("stale", pollutant, line)


def _implausible(document: Mapping[str, Any], options: Alerts) -> Iterator[Alarm]:
    """Weeks of regions and of the nation outside the band; single cities have wilder weather."""
    low, high = options.band
    for place in document["places"]:
        for pollutant, found in place["pollutants"].items() if place["level"] != "city" else ():
            mci = (found["windows"]["week"]["base"] or {}).get("mci")  # None where a window has no index
            if mci is not None and not low <= mci <= high:
                told = f"{place['name']['en']}, {pollutant}: index {mci:.1f} in {document['week']['label']}"
                yield Alarm("implausible", f"{place['key']} {pollutant}", f"{told}, outside {low:g} to {high:g}")


def tell_of_newest(folder: Path, options: Alerts, *, now: datetime.datetime) -> None:
    """``tell`` for the newest index of a run ``folder``; nothing where none was issued."""
    path = folder / "weekly" / "index.json"
    if path.is_file():
        tell(alarms(json.loads(path.read_text(encoding="utf-8")), options, now=now), options)


def tell(found: Sequence[Alarm], options: Alerts) -> None:
    """Prints each alarm and hands it to the hook; a hook that fails is told and stops nothing."""
    for alarm in found:
        say(f"alert ({alarm.kind}): {alarm.line}")
        if options.hook is not None:
            _handed(alarm, options.hook)


def _handed(alarm: Alarm, hook: str) -> None:
    try:
        done = subprocess.run(
            shlex.split(hook),
            input=json.dumps(asdict(alarm), ensure_ascii=False) + "\n",
            text=True,
            timeout=PATIENCE,
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        say(f"warning: alerts.hook could not be run ({error}); correct it in the config")
        return
    if done.returncode:
        told = " ".join(done.stderr.split())[-200:]
        say(f"warning: alerts.hook ended with {done.returncode} ({told}); correct it in the config")
