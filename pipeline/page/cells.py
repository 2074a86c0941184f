"""The page's tables: columns and cells as text, ready to be printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.events import criteria, event_in, of_interest
from pipeline.page.sentences import Row, concentration_units, level_of, longest
from pipeline.vocabulary import GROUPS
from pipeline.wording import (
    Language,
    decimals_of,
    direction,
    group_in,
    index_word,
    number,
    phrase,
    pollutant_in,
    signed,
    units_in,
)

WORDS = (
    "place", "level", "pollutant", "statistic", "period", "year", "weather", "valid", "series", "date", "date_interval",
    "intervention", "dates", "rule", "threshold", "panel", "dust", "attains", "rule_source", "variable", "first_day",
    "last_day", "event",
)  # fmt: skip
"""Columns of words, aligned left; all others hold numbers."""
FULL_YEAR = 365


@dataclass(frozen=True)
class Table:
    """A table in one language. ``whole`` marks rows that sum up the others; ``note`` stands below."""

    title: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]
    whole: frozenset[int] = frozenset()
    note: str = ""


Cells = Mapping[str, str]


def table(title: str, rows: Sequence[Cells], language: Language, **more: Any) -> Table:
    """A Table whose columns are the keys of its rows; a column is headed by its key's phrase."""
    keys = list(rows[0]) if rows else []
    columns = tuple((phrase(key, language), "text" if key in WORDS else "number") for key in keys)
    return Table(phrase(title, language), columns, tuple(tuple(row.values()) for row in rows), **more)


def attribution(frame: pd.DataFrame, language: Language) -> Table:
    """First to last full year of each pollutant and statistic, then year by year."""
    chosen = [
        (row, whole)
        for _, own in frame.groupby(["pollutant", "statistic"], sort=False)
        for row, whole in _whole_then_years(own)
    ]
    rows = [_attribution_cells(row, language) for row, _ in chosen]
    whole = frozenset(i for i, (_, is_whole) in enumerate(chosen) if is_whole)
    return table("attribution", rows, language, whole=whole, note=phrase("interval_note", language))


def _whole_then_years(own: pd.DataFrame) -> list[tuple[Row, bool]]:
    following = own.sort_values("period_to").drop_duplicates("period_from").sort_values("period_from")
    if len(following) < 2:
        return [(row, True) for row in following.to_dict("records")]
    first = [(row, True) for row in longest(own).to_dict("records")]
    return first + [(row, False) for row in following.to_dict("records")]


def _attribution_cells(row: Row, language: Language) -> Cells:
    decimals = decimals_of(level_of(row))
    return {
        "pollutant": f"{with_units(row, language)}\n{phrase(str(row['statistic']), language)}",
        "period": f"{row['period_from']}–{row['period_to']}",
        "observed_from_to": f"{number(row['observed_from'], decimals)} → {number(row['observed_to'], decimals)}",
        "change": signed(row["observed_change"], decimals),
        **parts(row, language),
        "interaction": signed(row["interaction"], decimals),
        "residual": signed(row["residual"], decimals),
    }


def parts(row: Row, language: Language) -> Cells:
    """Both parts with their intervals, and below them the direction words."""
    return {
        f"{key}_part": f"{bounded(row, column, signed)}\n{_word(row, column, language)}"
        for key, column in (("weather", "meteorology"), ("emissions", "emissions"))
    }


def _word(row: Row, column: str, language: Language) -> str:
    return phrase(direction(row[f"{column}_low"], row[f"{column}_high"]), language)


def bounded(row: Row, column: str, written: Callable[[float, int], str]) -> str:
    """A value with its interval in square brackets."""
    decimals = decimals_of(level_of(row))
    low, high = (written(row[f"{column}_{end}"], decimals) for end in ("low", "high"))
    return f"{written(row[column], decimals)} [{low}, {high}]"


def with_units(row: Row, language: Language) -> str:
    """The pollutant and its units."""
    names = (pollutant_in(language, str(row["pollutant"])), units_in(language, str(row["units"])))
    return phrase("comma", language).join(names)


def drivers(frame: pd.DataFrame, language: Language) -> Table:
    """Shares of the driver groups, a column each: of the longest change there is, then year by year."""
    chosen = [
        (rows, whole) for _, own in frame.groupby("pollutant", sort=False) for rows, whole in _changes_of_shares(own)
    ]
    groups = [group for group in GROUPS if group in set(frame["group"])]
    whole = frozenset(i for i, (_, is_whole) in enumerate(chosen) if is_whole)
    words = tuple((phrase(key, language), "text") for key in ("pollutant", "period"))
    columns = (*words, *((group_in(language, group), "number") for group in groups))
    rows = tuple(tuple(_share_cells(own, groups, language)) for own, _ in chosen)
    return Table(phrase("drivers", language), columns, rows, whole, phrase("drivers_note", language))


def _changes_of_shares(own: pd.DataFrame) -> list[tuple[pd.DataFrame, bool]]:
    pairs = [rows for _, rows in own.groupby(["period_from", "period_to"], sort=True)]
    lengths = [int(rows["period_to"].iloc[0] - rows["period_from"].iloc[0]) for rows in pairs]
    following = [(rows, False) for rows, length in zip(pairs, lengths, strict=True) if length == min(lengths)]
    if len(pairs) == 1:
        return [(pairs[0], True)]
    return [(pairs[lengths.index(max(lengths))], True), *following]


def _share_cells(own: pd.DataFrame, groups: Sequence[str], language: Language) -> list[str]:
    shares = {row["group"]: row for row in own.to_dict("records")}
    first = own.iloc[0].to_dict()
    decimals = decimals_of(10 * float(own["share"].abs().max()))
    period = f"{first['period_from']}–{first['period_to']}"
    cells = [_share(shares[group], decimals) if group in shares else "" for group in groups]
    return [with_units(first, language), period, *cells]


def _share(row: Row, decimals: int) -> str:
    low, high = (signed(row[f"share_{end}"], decimals) for end in ("low", "high"))
    return f"{signed(row['share'], decimals)}\n[{low}, {high}]"


def trends(frame: pd.DataFrame, language: Language) -> Table:
    """Slopes of the observed and the normalized series, with their intervals."""
    rows = [_trend_cells(row, language) for row in frame.to_dict("records")]
    return table("trends", rows, language, note=phrase("trends_note", language))


def _trend_cells(row: Row, language: Language) -> Cells:
    decimals = decimals_of(10 * abs(row["slope_high"] - row["slope_low"]))
    value, low, high = (signed(row[name], decimals) for name in ("slope", "slope_low", "slope_high"))
    return {
        "pollutant": with_units({**row, "units": concentration_units(row)}, language),
        "series": phrase(str(row["series"]), language),
        "period": f"{str(row['start'])[:7]} – {str(row['end'])[:7]}",
        "per_year": f"{value} [{low}, {high}]\n{phrase(direction(row['slope_low'], row['slope_high']), language)}",
        "p_value": number(row["p_value"], 2),
    }


def changepoints(frame: pd.DataFrame, language: Language) -> Table:
    """Lasting steps with the intervals of their dates and sizes."""
    rows = [_changepoint_cells(row, language) for row in frame.to_dict("records")]
    return table("changepoints", rows, language, note=phrase("changepoints_note", language))


def _changepoint_cells(row: Row, language: Language) -> Cells:
    decimals = decimals_of(100 * abs(row["size"] / row["percent"]) if row["percent"] else abs(row["size"]))
    return {
        "pollutant": with_units(row, language),
        "date": str(row["date"])[:7],
        "date_interval": f"{str(row['date_low'])[:7]} – {str(row['date_high'])[:7]}",
        "size": _spanned(row, "size", decimals),
        "size_percent": _spanned(row, "percent", 0),
    }


def interventions(frame: pd.DataFrame, language: Language) -> Table:
    """The size of each dated intervention with its interval."""
    rows = [
        {
            "pollutant": pollutant_in(language, str(row["pollutant"])),
            "intervention": str(row["intervention"]),
            "dates": f"{row['start']} – {row['end']}",
            "effect": f"{signed(row['effect_percent'], 0)} "
            f"[{signed(row['effect_low'], 0)}, {signed(row['effect_high'], 0)}]",
        }
        for row in frame.to_dict("records")
    ]
    return table("interventions", rows, language, note=phrase("interventions_note", language))


def _spanned(row: Row, column: str, decimals: int) -> str:
    value, low, high = (signed(row[f"{column}{end}"], decimals) for end in ("", "_low", "_high"))
    return f"{value} [{low}, {high}]"


PARTS = ("meteorology", "emissions")
CHANGE = ["level", "name", "pollutant", "statistic", "period_from", "period_to"]


def beside_interval(methods: pd.DataFrame, attribution: pd.DataFrame) -> pd.DataFrame:
    """For each change in ``methods`` our row of ``attribution``, with lowest and highest of all methods.

    Columns of the attribution table, and for either part ``_least`` and ``_most``, with ``names`` and ``count`` of the
    methods.
    """
    spread = methods.groupby(CHANGE, sort=False, as_index=False).agg(
        names=("method", lambda names: tuple(dict.fromkeys(names))),
        count=("method", "nunique"),
        **{f"{part}_{word}": (part, how) for part in PARTS for word, how in (("least", "min"), ("most", "max"))},
    )
    return attribution.merge(spread, on=CHANGE)


def methods(frame: pd.DataFrame, language: Language) -> Table:
    """Our parts with their intervals beside the spread between methods (``beside_interval``)."""
    chosen = [row for _, own in frame.groupby(["pollutant", "statistic"], sort=False) for row in _whole_then_years(own)]
    rows = [_method_cells(row, language) for row, _ in chosen]
    names = tuple(dict.fromkeys(name for names in frame["names"] for name in names))
    said = phrase("comma", language).join(names)
    note = phrase("methods_note", language, count=len(names), names=said)
    whole = frozenset(i for i, (_, is_whole) in enumerate(chosen) if is_whole)
    return table("methods", rows, language, whole=whole, note=note)


def _method_cells(row: Row, language: Language) -> Cells:
    decimals = decimals_of(level_of(row))
    spread = {
        f"{key}_methods": " … ".join(signed(row[f"{column}_{word}"], decimals) for word in ("least", "most"))
        for key, column in (("weather", "meteorology"), ("emissions", "emissions"))
    }
    return {
        "pollutant": f"{with_units(row, language)}\n{phrase(str(row['statistic']), language)}",
        "period": f"{row['period_from']}–{row['period_to']}",
        "weather_part": bounded(row, "meteorology", signed),
        "weather_methods": spread["weather_methods"],
        "emissions_part": bounded(row, "emissions", signed),
        "emissions_methods": spread["emissions_methods"],
        "method_count": str(row["count"]),
    }


def events(frame: pd.DataFrame, language: Language) -> Table:
    """Events that matter for each pollutant, over all years: days, and concentrations at fixed emissions."""
    chosen = of_interest(frame)
    rows = [_event_cells(row, language) for row in chosen.to_dict("records")]
    doubtful = [key for key in dict.fromkeys(chosen["event"]) if key in criteria() and not criteria()[key].verified]
    said = phrase("comma", language).join(event_in(language, key) for key in doubtful)
    unverified = phrase("events_unverified", language, names=said) if doubtful else ""
    return table("events", rows, language, note=phrase("events_note", language) + unverified)


def _event_cells(row: Row, language: Language) -> Cells:
    decimals = decimals_of(float(row["on_event"]))
    return {
        "pollutant": with_units(row, language),
        "event": event_in(language, str(row["event"])),
        "share_of_days": f"{number(100 * row['share'])} %",
        "longest_days": number(row["longest"], 0),
        "on_event": number(row["on_event"], decimals),
        "otherwise": number(row["otherwise"], decimals),
        "difference": _spanned(row, "difference", decimals),
        "difference_within_months": _spanned(row, "difference_season_matched", decimals),
    }


def index(frame: pd.DataFrame, language: Language) -> Table:
    """The index of every year; years that are not whole are marked."""
    years = frame[frame["frequency"] == "year"].to_dict("records")
    rows = [_index_cells(row, language) for row in years]
    is_partial = any(row["days"] < FULL_YEAR for row in years)
    return table("index", rows, language, note=phrase("partial", language) if is_partial else "")


def _index_cells(row: Row, language: Language) -> Cells:
    return {
        "pollutant": pollutant_in(language, str(row["pollutant"])),
        "year": f"{row['period']}{'†' if row['days'] < FULL_YEAR else ''}",
        "mci": index_value(row),
        "weather": phrase("base" if _is_base(row) else index_word(row["mci_low"], row["mci_high"]), language),
        "days": str(row["days"]),
        "stations": number(row["stations_reporting"]),
    }


def _is_base(row: Row) -> bool:
    return all(abs(row[name] - 100) < 1e-6 for name in ("mci", "mci_low", "mci_high"))


def index_value(row: Row) -> str:
    """The index with its interval."""
    return f"{number(row['mci'])} [{number(row['mci_low'])}, {number(row['mci_high'])}]"


def concentrations(frame: pd.DataFrame, language: Language) -> Table:
    """What was observed in every year and three-year mean, and whether its days suffice."""
    years = frame[frame["frequency"].isin(["year", "three_year"])]
    rows = [_concentration_cells(row, language) for row in years.to_dict("records")]
    return table("concentrations", rows, language, note=phrase("valid_note", language))


def _concentration_cells(row: Row, language: Language) -> Cells:
    mark = "" if row["valid"] else "*"
    return {
        "pollutant": with_units(row, language),
        "statistic": phrase(str(row["statistic"]), language),
        "period": str(row["period"]).replace("-", "–"),
        "value": number(row["value"], decimals_of(row["value"])) + mark,
        "days": str(row["days"]),
        "valid": phrase("yes" if row["valid"] else "no", language),
        "stations": number(row["stations_reporting"]),
    }


def skill(frame: pd.DataFrame, language: Language) -> Table:
    """Scores on held-out months, and how often the model extrapolates."""
    rows = [
        {
            "pollutant": pollutant_in(language, str(row["pollutant"])),
            "r2": number(row["r2"], 2),
            "rmse": number(row["rmse"], decimals_of(row["rmse"])),
            "bias": signed(row["bias"], decimals_of(row["rmse"])),
            "slope": number(row["slope"], 2),
            "outside": f"{number(row['outside_percent'])} %",
        }
        for row in frame.to_dict("records")
    ]
    return table("skill", rows, language)


def assessment(frame: pd.DataFrame, language: Language) -> Table:
    """Annual statistics by the standard: all and constant stations, dust kept and excluded where it was declared."""
    own = frame[(frame["window"] == "year") & frame["valid"].eq(True)]
    rows = [
        {
            "year": str(row["period"]),
            "pollutant": pollutant_in(language, str(row["pollutant"])),
            "statistic": phrase(f"{row['statistic']}_of_days", language),
            "panel": phrase(f"panel_{row['panel']}", language),
            "dust": phrase(f"dust_{row['dust']}", language),
            "printed": str(row["printed"]),
            "limit": number(row["limit"], 0),
            "attains": phrase("yes" if row["attains"] in (True, "True") else "no", language),
        }
        for row in own.to_dict("records")
    ]
    return table("assessment", rows, language, note=phrase("assessment_note", language))


def quality(rows: Sequence[Mapping[str, str]], language: Language) -> Table:
    """What was rejected by which rule, of ``pipeline.quality.report_rows``."""
    shown = [
        {
            "rule": row["meaning"],
            "threshold": row["threshold"],
            "rule_source": row["source"],
            "variable": pollutant_in(language, row["variable"]) if row["variable"] else "",
            "files": row["files"],
            "stations_count": row["stations"],
            "values_count": row["values"],
            "share_of_values": row["share"],
            "first_day": row["first"],
            "last_day": row["last"],
        }
        for row in rows
    ]
    return table("quality", shown, language, note=phrase("quality_note", language))


def overview(
    frames: Mapping[str, pd.DataFrame], names: Callable[[str, str], str], language: Language, *, limit: int
) -> Table:
    """First to last full year of every place, with the last year's index and the skill; at most ``limit`` rows.

    ``names`` gives a place's printed name from its level and name.
    """
    if frames["attribution"].empty:
        return table("all_places", [], language, note=phrase("no_change", language))
    keys = ["level", "name", "pollutant"]
    indices = frames["index"][frames["index"]["frequency"] == "year"].assign(
        period_to=lambda years: years["period"].astype(int)
    )
    rows = longest(frames["attribution"]).merge(
        indices[[*keys, "period_to", "mci", "mci_low", "mci_high"]], on=[*keys, "period_to"], how="left"
    )
    rows = rows.merge(frames["skill"][[*keys, "r2", "outside_percent"]], on=keys, how="left")
    cells = [_overview_cells(row, names, language) for row in rows.head(limit).to_dict("records")]
    left = max(0, len(rows) - limit)
    note = phrase("rows_left_out", language, left=left) if left else ""
    return table("all_places", cells, language, note=note)


def _overview_cells(row: Row, names: Callable[[str, str], str], language: Language) -> Cells:
    return {
        "place": names(str(row["level"]), str(row["name"])),
        "level": phrase(str(row["level"]), language),
        "pollutant": f"{with_units(row, language)}\n{phrase(str(row['statistic']), language)}",
        "period": f"{row['period_from']}–{row['period_to']}",
        "change": signed(row["observed_change"], decimals_of(level_of(row))),
        **parts(row, language),
        "mci": index_value(row) if row["statistic"] == "mean" else "",
        "r2": number(row["r2"], 2),
        "outside": f"{number(row['outside_percent'])} %",
    }
