"""Every week that was issued, kept as it was: its files in a folder of its own, and what they were made of."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline import __version__
from pipeline.config import WHERE, Config
from pipeline.store import Run, digest, written_whole
from pipeline.weekly import files
from pipeline.weekly.newest import Newest
from pipeline.weekly.windows import Week

FOLDER = "weekly/issued"
MISSING, FORECAST = "missing", "forecast"
"""What a day of a week may be that makes the week worth issuing again."""
WEEK = 7


@dataclass(frozen=True)
class Issue:
    """What a week was issued of, or would be now: ``days`` are those that are not final, date -> kind or "missing"."""

    label: str
    config: str
    models: str
    days: Mapping[str, str]
    version: str = __version__

    @property
    def analysed(self) -> int:
        """How many of its days have weather that is no forecast."""
        return WEEK - sum(kind in (MISSING, FORECAST) for kind in self.days.values())

    def like(self, other: Issue) -> bool:
        """Whether nothing but forecasts may be other; those change by the day."""
        days = [{day: MISSING if kind == FORECAST else kind for day, kind in one.days.items()} for one in (self, other)]
        return days[0] == days[1] and replace(self, days={}) == replace(other, days={})


def issue_of(config: Config, models: str, week: Week, weather: Newest) -> Issue:
    """What an index of a week is made of; ``models`` is the digest of all of them."""
    of_config = digest(config.model_dump(mode="json", exclude=WHERE))
    return Issue(week.label, of_config, models, days_of(week, weather))


def days_of(week: Week, weather: Newest) -> dict[str, str]:
    """Date -> kind of the days of a week that are not final, "missing" where they have no weather."""
    without = set(week.days[week.days > weather.end])
    if weather.days is not None:
        known = weather.days.weather.notnull().any("station").to_dataarray().any("variable").to_numpy()
        new = pd.DatetimeIndex(weather.days.weather.get_index("time"))
        inside = week.days[(week.days > weather.record_end) & (week.days <= weather.end)]
        without |= set(inside.difference(new[np.asarray(known)]))
    without |= set(week.days[week.days < weather.record_start])
    kinds = {day: MISSING if day in without else weather.kinds.get(day, "final") for day in week.days}
    return {f"{day:%Y-%m-%d}": kind for day, kind in kinds.items() if kind != "final"}


def made_of(issue: Issue) -> dict[str, Any]:
    """The same for manifests, which tell the version by themselves."""
    return {"config": issue.config, "models": issue.models, "week": issue.label, "days": dict(issue.days)}


def keep(run: Run, issue: Issue, key: str) -> None:
    """Copies the files that were just written to the week's own folder; the manifest of its JSON comes last."""
    for artefact in files.FILES:
        with written_whole(run.path(_own(issue.label, artefact))) as partial:
            shutil.copyfile(run.path(artefact), partial)
    run.record(_own(issue.label, files.JSON), key, made_of(issue))


def issued(run: Run) -> dict[str, Issue]:
    """The weeks that were issued, by label and in order; one whose manifest is gone does not count."""
    found = {}
    for folder in sorted(run.path(FOLDER).glob("*-W*")):
        manifest = run.manifest(_own(folder.name, files.JSON))
        if manifest is not None:
            told = {name: manifest[name] for name in ("config", "models", "days")}
            found[folder.name] = Issue(folder.name, version=manifest["tianbang"], **told)
    return found


def _own(label: str, artefact: str) -> str:
    return f"{FOLDER}/{label}/{Path(artefact).name}"
