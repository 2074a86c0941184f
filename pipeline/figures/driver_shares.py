"""Figure: what the weather's part is made of, a waterfall of the driver groups from the base year to the last."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch

from pipeline.figures import style
from pipeline.figures.subjects import Subject
from pipeline.vocabulary import GROUPS
from pipeline.wording import Language, decimals_of, direction, group_in, phrase, signed, statistic_in, units_in

Limits = tuple[float, float]
PALE, FULL = 0.4, 1.0
COLOURS = {"lowered": style.FAVOURABLE, "raised": style.UNFAVOURABLE}
WIDTH = 0.62


def rows(subject: Subject) -> pd.DataFrame:
    """The steps of the waterfall in order: columns group, start, value, low, high; the last group is ``all``.

    ``low`` and ``high`` are ends of the interval of the step's end. The steps add up to the weather's part of
    ``subject.attribution``, with which the last row stands. Empty where there are no shares from the first year on.
    """
    later = subject.drivers[subject.drivers["period_from"] == subject.first]
    own = later[later["period_to"] == later["period_to"].max()]
    known = subject.attribution.query("statistic == 'mean' and period_from == @subject.first")
    whole = known[known["period_to"] == later["period_to"].max()]
    if own.empty or whole.empty:
        return pd.DataFrame(columns=["group", "start", "value", "low", "high"])
    order = {group: i for i, group in enumerate(GROUPS)}
    own = own.sort_values("group", key=lambda groups: groups.map(order))
    start = own["share"].cumsum() - own["share"]
    steps = pd.DataFrame(
        {
            "group": own["group"],
            "start": start,
            "value": own["share"],
            "low": start + own["share_low"],
            "high": start + own["share_high"],
        }
    )
    total = whole.iloc[0]
    last = {"group": "all", "start": 0.0, "value": total["meteorology"]}
    last |= {end: total[f"meteorology_{end}"] for end in ("low", "high")}
    return pd.concat([steps, pd.DataFrame([last])], ignore_index=True)


def years(subject: Subject) -> tuple[int, int]:
    """First and last year of the waterfall."""
    return subject.first, int(subject.drivers.loc[subject.drivers["period_from"] == subject.first, "period_to"].max())


def limits(subjects: Sequence[Subject]) -> Limits:
    """One y axis for all places of a pollutant, whiskers and zero inside."""
    values = np.concatenate(
        [rows(subject)[["start", "low", "high"]].to_numpy(dtype=float).ravel() for subject in subjects]
    )
    known = values[np.isfinite(values)]
    return style.padded(min([0.0, *known]), max([0.0, *known]), 0.1)


def paint(subject: Subject, shared: Limits, language: Language, *, title: str, source: str) -> Canvas:
    """Floating bars from group to group, whiskers at their ends, the weather's part as the last bar."""
    steps = rows(subject)
    figure = style.canvas(3.9, title=title, source=source)
    (axes,) = style.panels(figure, [1], legend_rows=2)
    axes.set_position(_raised(axes.get_position().bounds))
    positions = np.arange(len(steps))
    ends = (steps["start"] + steps["value"]).to_numpy()
    certain = [direction(low, high) != "little" for low, high in zip(*_own_interval(steps), strict=True)]
    for at, (_, step), is_certain in zip(positions, steps.iterrows(), certain, strict=True):
        colour = style.WEATHER if step["group"] == "all" else COLOURS["raised" if step["value"] > 0 else "lowered"]
        axes.bar(at, step["value"], WIDTH, step["start"], color=colour, alpha=FULL if is_certain else PALE, zorder=2)
    axes.hlines(ends[:-1], positions[:-1] + WIDTH / 2, positions[1:] - WIDTH / 2, color=style.QUIET, lw=0.8)
    whiskers = np.clip(np.stack([ends - steps["low"], steps["high"] - ends]), 0, None)
    axes.errorbar(positions, ends, whiskers, fmt="none", ecolor="black", elinewidth=1, capsize=3, zorder=3)
    axes.axhline(0, color="black", lw=0.9, zorder=2.5)
    axes.set_ylim(shared)
    axes.set_xlim(-0.6, len(steps) - 0.4)
    axes.set_xticks(positions, [_wrapped(name_of(group, language)) for group in steps["group"]], fontsize=8.5)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel(phrase("drivers_axis", language, units=units_in(language, subject.units)))
    first, last = years(subject)
    heading = f"{first}–{last}, {statistic_in(language, subject.pollutant, 'mean')}"
    axes.set_title(heading, loc="left", fontsize=9, color=style.QUIET, pad=4)
    style.legend(figure, _entries(language), columns=2)
    return figure


def _raised(bounds: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """The axes with room for names of two lines below."""
    left, bottom, width, height = bounds
    return left, bottom + 0.035, width, height - 0.035


def _own_interval(steps: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return (steps["low"] - steps["start"]).to_numpy(), (steps["high"] - steps["start"]).to_numpy()


def name_of(group: str, language: Language) -> str:
    """A driver group, or the weather's part of all."""
    return phrase("weather_part", language) if group == "all" else group_in(language, group)


def _wrapped(name: str) -> str:
    """An English name of several words on two lines."""
    first, space, rest = name.partition(" ")
    return f"{first}\n{rest}" if space else name


def _entries(language: Language) -> list[tuple[Artist, str]]:
    return [
        (Patch(color=style.FAVOURABLE), phrase("lowered_it", language)),
        (Patch(color=style.UNFAVOURABLE), phrase("raised_it", language)),
        (Patch(color=style.WEATHER), phrase("weather_part", language)),
        (Patch(color=style.QUIET, alpha=PALE, lw=0), phrase("holds_zero", language)),
    ]


def summary(subject: Subject, language: Language) -> str:
    """The shares in words, for those who do not see the figure."""
    steps, (first, last) = rows(subject), years(subject)
    decimals = decimals_of(float(subject.attribution["observed_from"].max()))
    said = [
        f"{name_of(str(step['group']), language)} {signed(step['value'], decimals)}" for _, step in steps.iterrows()
    ]
    return f"{first}–{last}: " + phrase("comma", language).join(said)
