"""``tianbang index --catch-up``: every week that is due, in order; ``--check``: whether the weather of one is there."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import Config
from pipeline.errors import ConfigError, Incomplete, NotYet, TianbangError
from pipeline.progress import say
from pipeline.store import Run
from pipeline.weekly.issue import day_before, issue, models_of, weather_since, week_over
from pipeline.weekly.issued import WEEK, Issue, days_of, issue_of, issued
from pipeline.weekly.newest import Newest
from pipeline.weekly.windows import DAY, Week, week_named


@dataclass(frozen=True)
class Asked:
    """What is asked of catching up: from which week on (None: since the last one issued), and as ``issue`` has it."""

    since: str | None = None
    outlook: bool = False
    fill: bool = False
    scheduler: str | None = None


def require_one(*, week: str | None, since: str | None, latest: bool, check: bool, catch_up: bool) -> None:
    """ConfigError unless a week is told in one way, and what belongs to an option comes with it."""
    ways = {"--week": week is not None, "--latest": latest, "--catch-up": catch_up}
    if len(found := [name for name, is_told in ways.items() if is_told]) > 1:
        raise ConfigError(f"--week: found {' and '.join(found)}; allowed: one of them")
    if check and week is None:
        raise ConfigError("--check: found no --week; agreed the week whose weather is asked for")
    if since is not None and not catch_up:
        raise ConfigError("--since: found without --catch-up; agreed both")


def check_week(config: Config, folder: Path, *, week: str, now: datetime.datetime) -> str:
    """Says that the weather of a week is there, fetching what the config lets be fetched; else raises NotYet."""
    asked = week_named(week, config.weekly.week_starts)
    weather = weather_since(config, Run(folder), min(asked.end, day_before(config, now)))
    if asked.end > weather.end:
        raise NotYet(_awaited(asked, weather))
    counts = Counter(days_of(asked, weather).values())
    told = "".join(f", {count} {kind}" for kind, count in counts.items())
    return f"{asked.label}: weather is there: {WEEK - counts.total()} days final{told}"


def catch_up(config: Config, folder: Path, *, now: datetime.datetime, asked: Asked) -> str:
    """Issues every week that is due, in order, and says in a line what was done.

    Due are the weeks after the last whole one that was issued, up to the last all of whose days have weather; and weeks
    that were issued while days had none, or a forecast's, and of which more is known now. Of a run that never issued
    one, the last. With ``since`` every week from that one on that was not issued of the same models, config and kinds
    of weather. With ``fill`` weeks that are over and wait for weather too. A week that fails does not stop the others.

    Incomplete when some weeks failed, the first one's error when all did; NotYet when none was due and the weather of
    one that is over is not there yet.
    """
    weather, over = weather_since(config, Run(folder), day_before(config, now)), week_over(config, now)
    there = _last_whole(weather, over)
    due = _due(config, Run(folder), weather, since=asked.since, last=over if asked.fill else there)
    done: list[str] = []
    failed: dict[str, TianbangError] = {}
    for week in due:
        outlook, fill = asked.outlook and week == due[-1], asked.fill and week.end > weather.end
        try:
            issue(
                config, folder, week=week.label, now=now, scheduler=asked.scheduler,
                outlook=outlook, fill=fill, weather=weather,
            )  # fmt: skip
            done.append(week.label)
        except TianbangError as error:
            say(f"{week.label}: {error}")
            failed[week.label] = error
    waits = there.start < over.start
    line = _line(done, list(failed), _awaited(Week(there.start + 7 * DAY), weather) if waits else "")
    if failed and done:
        raise Incomplete(f"{line}; run the same command again")
    if failed:
        raise next(iter(failed.values()))
    if waits and not done:
        raise NotYet(line)
    return line


def _last_whole(weather: Newest, over: Week) -> Week:
    """The last week that is over and does not reach beyond the weather."""
    short = max(0, -((weather.end - over.end) // (7 * DAY)))
    return Week(over.start - 7 * short * DAY)


def _due(config: Config, run: Run, weather: Newest, *, since: str | None, last: Week) -> list[Week]:
    """The weeks to be issued in order; the last one that was issued stays the last."""
    starts, known, models = config.weekly.week_starts, issued(run), models_of(config, run)
    weeks = {label: week_named(label, starts) for label in known}
    first = _first(known, weeks, last) if since is None else week_named(since, starts)
    count = (last.start - first.start) // (7 * DAY) + 1
    asked = {week.label: week for week in (Week(first.start + 7 * k * DAY) for k in range(count))}
    if since is None:
        asked |= {label: week for label, week in weeks.items() if week.end <= last.end and known[label].analysed < WEEK}
    now = {label: issue_of(config, models, week, weather) for label, week in asked.items()}
    due = [asked[label] for label in sorted(asked) if _is_due(known.get(label), now[label], again=since is not None)]
    newest = weeks[max(weeks)] if weeks else last
    return [*due, newest] if due and due[-1].start < newest.start else due


def _first(known: Mapping[str, Issue], weeks: Mapping[str, Week], last: Week) -> Week:
    """The week after the last whole one that was issued; where none was, the first that was, or else ``last``."""
    whole = [label for label, own in known.items() if own.analysed == WEEK]
    if whole:
        return Week(weeks[max(whole)].start + 7 * DAY)
    return weeks[min(weeks)] if weeks else last


def _is_due(before: Issue | None, now: Issue, *, again: bool) -> bool:
    if before is None or now.analysed > before.analysed:
        return True
    return again and now.analysed == before.analysed and not now.like(before)


def _awaited(week: Week, weather: Newest) -> str:
    why = f" ({'; '.join(weather.notes)})" if weather.notes else ""
    return f"weather of {week.label} is not there yet, it ends on {weather.end:%Y-%m-%d}{why}"


def _line(done: Sequence[str], failed: Sequence[str], awaited: str) -> str:
    spans = {"issued": done, "failed": failed}
    told = [f"{len(weeks)} {what} ({', '.join(weeks)})" for what, weeks in spans.items() if weeks]
    return "catch-up: " + "; ".join([*(told or ["nothing to do"]), *([awaited] if awaited else [])])
