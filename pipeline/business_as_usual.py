"""The command ``tianbang bau``: an event against business as usual, place by place, beside its placebos.

Table, figure and manifests go to the run folder of the config; the days are those of ``tianbang run``.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from threadpoolctl import threadpool_limits

from models.business_as_usual import Comparison, Window, compared, placebo_p_value, placebo_windows
from pipeline.attribution import Task, file_name, settings
from pipeline.clusters import at
from pipeline.config import Config, Intervention
from pipeline.errors import ConfigError, NothingToDo
from pipeline.figures import style
from pipeline.figures.fonts import find_cjk_font
from pipeline.progress import say, tracked
from pipeline.samples import samples
from pipeline.stages import Keys, daily_stage, keys, read_places, tasks
from pipeline.store import Run, digest, written_whole
from pipeline.wording import Language, pollutant_in, signed
from pipeline.workers import each

COLUMNS = (
    "level", "name", "pollutant", "kind", "start", "end", "days", "observed", "expected", "effect_percent",
    "effect_low", "effect_high", "placebos", "placebo_low", "placebo_high", "p_value", "units",
)  # fmt: skip
MOST_ROWS = 24
"""Places in the figure: regions first, then cities."""
WORDS: dict[str, tuple[str, str]] = {
    "title": ("{event}: against business as usual", "{event}：与照常情景相比"),
    "axis": ("observed against business as usual (%)", "观测值相对照常情景的变化（%）"),
    "effect": ("the event, 90 % interval", "事件及其90%区间"),
    "placebo": ("placebo dates before it", "此前的安慰剂日期"),
    "held": (
        "The last level before the event is held; no trend is extrapolated.",
        "保持事件前的最后水平，不外推趋势。",
    ),
}


def event_of(config: Config, name: str, first: str, last: str) -> Intervention:
    """The intervention of that name in the config, or the one from ``first`` to ``last`` (ISO dates).

    Raises ConfigError when neither or both are given, for an unknown name, and for dates that are none.
    """
    if bool(name) == bool(first or last):
        raise ConfigError("bau: give either --event NAME or both --from DATE and --to DATE")
    if name:
        known = {event.name: event for event in config.interventions}
        if name not in known:
            raise ConfigError(f"--event: found {name!r}; allowed: {', '.join(known) or 'none, interventions is empty'}")
        return known[name]
    try:
        start, end = (datetime.date.fromisoformat(text) for text in (first, last))
        return Intervention(name=f"{start}--{end}", start=start, end=end)
    except ValueError:
        raise ConfigError(f"--from, --to: found {first!r}, {last!r}; allowed: two dates YYYY-MM-DD, in order") from None


def business_as_usual(config: Config, folder: Path, event: Intervention, *, scheduler: str | None = None) -> Path:
    """Makes table and figures of one event, unless they are there already; returns the path of the table."""
    store, key = Run(folder), keys(config)
    own = digest([key.products, "bau", event.model_dump(mode="json")])
    name = f"bau-{file_name(event.name)}"
    table = f"tables/{name}.csv"
    if store.fresh(table, own):
        say(f"nothing has changed since {store.path(table)} was made; nothing to do")
        return store.path(table)
    daily_stage(config, store, key)
    planned = [Analysis(task, event) for task in tasks(config, store, key)]
    done = list(
        tracked(each(analysed, planned, scheduler=at(scheduler, config.scheduler)), stage="bau", total=len(planned))
    )
    order = {(plan.task.place.level, plan.task.place.name, plan.task.pollutant): i for i, plan in enumerate(planned)}
    done.sort(key=lambda found: order[found.identity])
    frame = table_of(config, read_places(store)[1], done)
    if frame.empty:
        raise NothingToDo(
            f"bau: no place has enough days in {event.start}/{event.end} and a year before them; see `period`"
        )
    for language in config.languages:
        _draw(config, store, key, own, frame, event, language)
    with written_whole(store.path(table)) as partial_path:
        frame.to_csv(partial_path, index=False, float_format="%.6g", encoding="utf-8")
    store.record(table, own, key.made_of)
    _tell(frame)
    return store.path(table)


@dataclass(frozen=True)
class Analysis:
    """One place and pollutant against its business as usual; all a worker needs."""

    task: Task
    event: Intervention


@dataclass(frozen=True)
class Found:
    """The comparisons of one place and pollutant: the event's first, if it could be made, then the placebos'."""

    identity: tuple[str, str, str]
    units: str
    comparisons: tuple[Comparison, ...]


def analysed(plan: Analysis) -> Found:
    """The event and its placebos at one place, from the daily files of the run."""
    task, store = plan.task, Run(plan.task.folder)
    with (
        xr.open_dataset(store.path("daily/observations.nc")) as observations,
        xr.open_dataset(store.path("daily/weather.nc")) as weather,
    ):
        rows = samples(observations, weather, task.place, task.pollutant)
        units = str(observations[task.pollutant].attrs["units"])
    event = _window("event", plan.event)
    avoid = [_window("event", other) for other in task.config.interventions if other != plan.event]
    windows = placebo_windows(pd.DatetimeIndex(rows.target.index), event, avoid=avoid, seed=task.config.model.seed)
    own = settings(task.config)
    few = replace(own, members=2)  # of a placebo the estimate alone is read
    compare = partial(compared, rows.target, rows.drivers, drivers=rows.roles)
    with threadpool_limits(limits=1):
        found = compare(event, settings=own)
        others = [compare(window, settings=few) for window in windows] if found else []
    kept = tuple(comparison for comparison in (found, *others) if comparison is not None)
    return Found((task.place.level, task.place.name, task.pollutant), units, kept)


def _window(kind: str, event: Intervention) -> Window:
    return Window(kind, pd.Timestamp(event.start), pd.Timestamp(event.end))


def table_of(config: Config, regions: dict[str, list[str]], done: Sequence[Found]) -> pd.DataFrame:
    """Regions, cities and stations that the config asks for; columns ``COLUMNS``."""
    found = {one.identity: one for one in done if one.comparisons}
    of_regions = [
        _mean_of(region, pollutant, [found[key] for city in cities if (key := ("city", city, pollutant)) in found])
        for region, cities in regions.items()
        for pollutant in config.pollutants
    ]
    everything = [*(one for one in of_regions if one.comparisons), *found.values()]
    rows = [row for one in everything if one.identity[0] in config.levels for row in _rows(one)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _mean_of(region: str, pollutant: str, cities: Sequence[Found]) -> Found:
    """A region's comparisons: means over its cities, of the windows that all of them have."""
    by_window = [{comparison.window: comparison for comparison in city.comparisons} for city in cities]
    shared = [window for window in (by_window[0] if by_window else {}) if all(window in one for one in by_window)]
    means = [_mean([one[window] for one in by_window]) for window in shared]
    return Found(("region", region, pollutant), cities[0].units if cities else "", tuple(means))


def _mean(of_cities: Sequence[Comparison]) -> Comparison:
    return Comparison(
        of_cities[0].window,
        float(np.mean([one.observed for one in of_cities])),
        np.mean([one.expected for one in of_cities], axis=0),
        min(one.days for one in of_cities),
    )


def _rows(found: Found) -> Iterable[dict[str, object]]:
    event, *placebos = found.comparisons
    effects = [placebo.percent for placebo in placebos]
    low, high = event.percent_interval
    judged = {
        "effect_low": low,
        "effect_high": high,
        "placebos": len(effects),
        "placebo_low": np.quantile(effects, 0.05) if effects else np.nan,
        "placebo_high": np.quantile(effects, 0.95) if effects else np.nan,
        "p_value": placebo_p_value(event.percent, effects),
    }
    for comparison in found.comparisons:
        yield {
            **dict(zip(("level", "name", "pollutant"), found.identity, strict=True)),
            "kind": comparison.window.kind,
            "start": f"{comparison.window.start:%Y-%m-%d}",
            "end": f"{comparison.window.end:%Y-%m-%d}",
            "days": comparison.days,
            "observed": comparison.observed,
            "expected": comparison.expected[0],
            "effect_percent": comparison.percent,
            "units": found.units,
            **(judged if comparison is event else {}),
        }


def _tell(frame: pd.DataFrame) -> None:
    for row in frame[frame["kind"] == "event"].head(MOST_ROWS).to_dict("records"):
        say(
            f"{row['level']} {row['name']}, {row['pollutant']}: {row['effect_percent']:+.1f} % "
            f"({row['effect_low']:+.1f} to {row['effect_high']:+.1f}); {row['placebos']:.0f} placebos "
            f"{row['placebo_low']:+.1f} to {row['placebo_high']:+.1f} %, p = {row['p_value']:.2f}"
        )


def _draw(
    config: Config, store: Run, key: Keys, own: str, frame: pd.DataFrame, event: Intervention, language: Language
) -> None:
    if language == "zh" and find_cjk_font() is None:
        return
    with rc_context(style.settings(language)):
        for suffix, write in (("png", style.write_png), ("svg", style.write_svg)):
            artefact = f"figures/{language}/bau-{file_name(event.name)}.{suffix}"
            canvas = paint(config, frame, event, language)
            with written_whole(store.path(artefact)) as path:
                write(canvas, path)
            store.record(artefact, own, key.made_of)


def paint(config: Config, frame: pd.DataFrame, event: Intervention, language: Language) -> Canvas:
    """The event's effect at each place with its interval, over the effects of its placebos."""
    events = frame[(frame["kind"] == "event") & frame["level"].isin(["region", "city"])].head(MOST_ROWS)
    events = events if len(events) else frame[frame["kind"] == "event"].head(MOST_ROWS)
    height = 1.9 + 0.24 * len(events)
    canvas = style.canvas(height, title=_word("title", language, event=event.name), source=_source(config, language))
    (axes,) = style.panels(canvas, [1], legend_rows=1)
    axes.set_position((0.34, axes.get_position().y0 + 0.22 / height, 0.63, axes.get_position().height - 0.22 / height))
    for height_of, row in enumerate(events.to_dict("records")):
        marks = _mark(axes, frame, row, height_of)
    axes.axvline(0, color=style.QUIET, lw=0.8)
    axes.grid(axis="y", visible=False)
    axes.set_yticks(range(len(events)), [_label(row, language) for row in events.to_dict("records")])
    axes.set_ylim(len(events) - 0.4, -0.6)
    axes.set_xlabel(_word("axis", language))
    style.legend(canvas, [(marks[0], _word("effect", language)), (marks[1], _word("placebo", language))], columns=2)
    return canvas


def _mark(axes: Axes, frame: pd.DataFrame, row: Mapping[Any, Any], height: int) -> tuple[Artist, Artist]:
    """One place's effect with its interval, and its placebos under it."""
    same = (frame[["level", "name", "pollutant"]] == [row["level"], row["name"], row["pollutant"]]).all(axis=1)
    effects = frame.loc[same & (frame["kind"] != "event"), "effect_percent"]
    placebos = axes.scatter(effects, np.full(len(effects), height), s=9, color=style.RESIDUAL, alpha=0.7, lw=0)
    axes.plot([row["effect_low"], row["effect_high"]], [height, height], color=style.EMISSIONS, lw=1.6)
    (event,) = axes.plot(row["effect_percent"], height, marker="o", ms=5, color=style.EMISSIONS, lw=1.6)
    return event, placebos


def _label(row: Mapping[Any, Any], language: Language) -> str:
    name = f"{row['name']} {pollutant_in(language, str(row['pollutant']))}"
    return f"{style.shortened(name, 24)}  {signed(row['effect_percent'], 0)}"


def _source(config: Config, language: Language) -> str:
    from pipeline.figures import source_line

    return f"{_word('held', language)}\n{source_line(config, language)}"


def _word(key: str, language: Language, **values: object) -> str:
    return WORDS[key][("en", "zh").index(language)].format(**values)
