"""``tianbang doctor``: is this machine, and this config on it, fit for work, and if not what is to do.

Every check is a function of what it is given (paths, clock, environment) and changes nothing.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pipeline import __version__
from pipeline.config import Config
from pipeline.errors import TianbangError
from pipeline.store import Run

State = Literal["ok", "warning", "wrong"]
PYTHONS = ((3, 11), (3, 13))
LEAST_FREE = 5e9
"""Bytes free below which a nation's run may fill the disk."""
STALE_DAYS = 8
"""Days without new hours after which an archive or the weather is called stale: a week and a day."""
COULD_BE_NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
"""This version did not exist before: a clock that says so is wrong."""


@dataclass(frozen=True)
class Check:
    """What was looked at, what was found, and what to do about it (empty when it is well)."""

    name: str
    state: State
    found: str
    remedy: str = ""


@dataclass(frozen=True)
class Machine:
    """What the checks look at beside the config."""

    now: datetime.datetime
    folder: Path
    cache: Path
    environment: Mapping[str, str]
    home: Path


def here(folder: Path) -> Machine:
    """This machine, with the run ``folder``."""
    from era5_fetch.cache import default_folder

    return Machine(datetime.datetime.now(datetime.UTC), folder, default_folder(), os.environ, Path.home())


def doctor(machine: Machine, config: Config | None) -> list[Check]:
    """Every check in order; those of archive, weather and index need a config."""
    checks = [*_environment(), _clock(machine), _font(), _key(machine, config)]
    checks += [_disk("disk of the run folder", machine.folder), _disk("disk of the weather cache", machine.cache)]
    if config is not None:
        checks += [check(machine, config) for check in OF_CONFIG]
    return checks


def as_text(checks: list[Check]) -> str:
    """One line a check, and beneath what is not well what to do."""
    lines = []
    for check in checks:
        lines.append(f"{check.state:<8}{check.name}: {check.found}")
        lines += [f"{'':<8}-> {check.remedy}"] if check.remedy else []
    wrong = [check.name for check in checks if check.state != "ok"]
    return "\n".join([*lines, f"{len(checks)} checks, {len(wrong)} not well{': ' if wrong else ''}{', '.join(wrong)}"])


def as_json(checks: list[Check]) -> str:
    """The checks as a list of objects."""
    return json.dumps([asdict(check) for check in checks], ensure_ascii=False, indent=1)


def _environment() -> Iterator[Check]:
    version = sys.version_info[:2]
    told = f"Python {version[0]}.{version[1]}, tianbang {__version__}"
    if PYTHONS[0] <= version <= PYTHONS[1]:
        yield Check("python", "ok", told)
    else:
        yield Check("python", "wrong", told, "use Python 3.11, 3.12 or 3.13")
    wanting = list(_packages())
    if wanting:
        yield Check("packages", "wrong", "; ".join(wanting), "install tianbang again: `pip install --upgrade tianbang`")
    else:
        yield Check("packages", "ok", "all there, in the versions asked for")


def _packages() -> Iterator[str]:
    from packaging.requirements import Requirement

    for text in importlib.metadata.requires("tianbang") or ():
        asked = Requirement(text)
        if asked.marker is not None and not asked.marker.evaluate({"extra": ""}):
            continue
        try:
            found = importlib.metadata.version(asked.name)
        except importlib.metadata.PackageNotFoundError:
            yield f"{asked.name} is missing"
            continue
        if not asked.specifier.contains(found, prereleases=True):
            yield f"{asked.name} {found}, agreed {asked.specifier}"


def _clock(machine: Machine) -> Check:
    told = f"{machine.now:%Y-%m-%d %H:%M} UTC"
    newest = max((path.stat().st_mtime for path in machine.folder.glob("*")), default=0.0)
    behind = newest > machine.now.timestamp() + 60
    if machine.now < COULD_BE_NOW or behind:
        before = "before files of the run folder were written" if behind else "before this version was made"
        return Check(
            "clock", "wrong", f"{told}, {before}", "set the clock, for instance with `timedatectl set-ntp true`"
        )
    return Check("clock", "ok", told)


def _font() -> Check:
    from pipeline.figures.fonts import find_cjk_font

    found = find_cjk_font()
    if found is None:
        return Check("fonts", "wrong", "none has Chinese characters", "install one: `apt-get install fonts-noto-cjk`")
    return Check("fonts", "ok", found)


def _key(machine: Machine, config: Config | None) -> Check:
    from era5_fetch.credentials import access
    from era5_fetch.errors import SourceError

    try:
        found = access(environment=machine.environment, home=machine.home)
    except SourceError as error:
        needed = (
            config is not None and config.weather.source == "era5" and getattr(config.weather, "path", None) is None
        )
        state: State = "wrong" if needed else "warning"
        return Check("key of the climate data store", state, "none that could be used", str(error))
    return Check("key of the climate data store", "ok", f"there is one for {found.url}")


def _disk(name: str, folder: Path) -> Check:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    told = f"{free / 1e9:.0f} GB free at {there}"
    if not os.access(there, os.W_OK):
        return Check(name, "wrong", f"{there} may not be written", "change its permissions, or give another --out")
    if free < LEAST_FREE:
        return Check(name, "warning", told, "free some; `tianbang runs prune` removes old runs")
    return Check(name, "ok", told)


def _archive(machine: Machine, config: Config) -> Check:
    from pipeline.archive.status import status

    if config.archive is None:
        return Check("archive", "ok", "the config has none: files are read as they are")
    try:
        found = status(config.archive)
    except TianbangError as error:
        return Check("archive", "wrong", str(error), "fill it: `tianbang ingest CONFIG`")
    if not found.last_hour:
        return Check("archive", "wrong", "it is empty", "fill it: `tianbang ingest CONFIG`")
    last = datetime.datetime.fromisoformat(found.last_hour)
    return _age(machine, config, "archive", last, "look for new files and run `tianbang ingest CONFIG`")


def _weather(machine: Machine, config: Config) -> Check:
    import xarray as xr

    path = Run(machine.folder).path("daily/weather.nc")
    if not path.is_file():
        return Check("weather of the run", "warning", "no run yet", "make it: `tianbang run CONFIG`")
    with xr.open_dataset(path) as data:
        last = data["time"].to_numpy()[-1].astype("datetime64[s]").astype(datetime.datetime)
    ended = datetime.datetime.combine(config.period[1], datetime.time())
    if last >= ended:
        return Check("weather of the run", "ok", f"until {last:%Y-%m-%d}, the end of the config's period")
    return _age(machine, config, "weather of the run", last, "fetch what is new and run `tianbang run CONFIG` again")


def _index(machine: Machine, config: Config) -> Check:
    path = Run(machine.folder).path("weekly/index.json")
    if not path.is_file():
        return Check("weekly index", "ok", "none was issued from this run")
    week = json.loads(path.read_text(encoding="utf-8"))["week"]
    end = datetime.datetime.fromisoformat(week["end"])
    check = _age(machine, config, "weekly index", end, "issue what is missing: `tianbang index CONFIG --catch-up`")
    return Check(check.name, check.state, f"{week['label']}, {check.found}", check.remedy)


def _age(machine: Machine, config: Config, name: str, last: datetime.datetime, remedy: str) -> Check:
    local = (machine.now + datetime.timedelta(hours=config.utc_offset)).replace(tzinfo=None)
    days = (local - last) / datetime.timedelta(days=1)
    told = f"until {last:%Y-%m-%d %H:%M}, {max(days, 0):.0f} days ago"
    return Check(name, "ok", told) if days <= STALE_DAYS else Check(name, "warning", told, remedy)


OF_CONFIG: tuple[Callable[[Machine, Config], Check], ...] = (_archive, _weather, _index)
