"""An index.json as the weekly index writes it: 339 cities, six regions, the nation, two pollutants, made-up weather.

Some values are missing and some names are dirty, as they may come from anyone's station list.
"""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from pipeline.regions.cities import cities
from pipeline.regions.definitions import definitions

REGIONS = ("bth_2_36", "fwp_13", "yrd_31", "prd_9", "cy_16", "mid_yangtze_22")
WEEK = datetime.date(2025, 9, 29)
WEEKS = 40
DIRTY = "<img src=x onerror=alert(1)>"
DIRTY_CITY, FORMULA_CITY, EMPTY_CITY = "130300", "130200", "460300"
"""A city with a name that would be an element, one whose name a spreadsheet would run, one without any index."""
GROUPS = {
    "temperature": "气温", "wind": "风与传输", "mixing": "混合层高度", "moisture": "湿度与降水",
    "radiation": "辐射与云",
}  # fmt: skip
EVENTS = {
    "stagnation": "静稳",
    "inversion_850": "逆温",
    "heatwave_35": "高温热浪",
    "cold_surge": "寒潮",
    "wet_day": "湿清除日",
}
CLASSES = [
    {"key": "very_favourable", "above": None, "below": 90.0, "en": "very favourable", "zh": "很有利"},
    {"key": "favourable", "above": 90.0, "below": 97.0, "en": "favourable", "zh": "有利"},
    {"key": "neutral", "above": 97.0, "below": 103.0, "en": "neutral", "zh": "正常"},
    {"key": "unfavourable", "above": 103.0, "below": 110.0, "en": "unfavourable", "zh": "不利"},
    {"key": "very_unfavourable", "above": 110.0, "below": None, "en": "very unfavourable", "zh": "很不利"},
]
LIMITS = {
    "week": [90, 97, 103, 110],
    "month": [90, 97, 103, 110],
    "year": [95, 98, 102, 105],
    "season": [95, 98, 102, 105],
}
LEVELS = {"pm25": 28.0, "o3": 104.0}


def weekly_example(seed: int = 1, *, count: int = 339) -> dict[str, Any]:
    """The content of an index.json; ``count`` cities, the first by code."""
    rng = np.random.default_rng(seed)
    chosen = list(cities().values())[:count]
    regions = [definitions()[key] for key in REGIONS]
    places = [_place(rng, "nation", "nation", {"en": "339 cities", "zh": "全国339个城市"})]
    places += [
        _place(rng, "region", key, {"en": region.english, "zh": region.chinese}) | {"cities": list(region.cities)}
        for key, region in zip(REGIONS, regions, strict=True)
    ]
    places += [_city(rng, city) for city in chosen]
    return {
        "schema": "tianbang-index/1", "run": "example", "made": "2025-10-06T08:00:00+08:00", "version": "0.1.0",
        "models": "3f9c" * 16,
        "week": {"label": "2025-W40", "start": "2025-09-29", "end": "2025-10-05"}, "week_starts": "monday",
        "references": {
            "base": {"label": "2020", "start": "2020-01-01", "end": "2020-12-31"},
            "recent": {"label": "2020-2024", "start": "2020-01-01", "end": "2024-12-31"},
        },
        "classes": CLASSES,
        "class_limits": LIMITS,
        "kinds": ["final", "preliminary", "emulated", "forecast"],
        "groups": [{"key": key, "en": key, "zh": chinese} for key, chinese in GROUPS.items()],
        "places": places, "notes": [{"en": f"{DIRTY} is a note", "zh": f"{DIRTY}为说明"}],
        "event_names": [{"key": key, "en": key.replace("_", " "), "zh": chinese} for key, chinese in EVENTS.items()],
        "events": [event for place in places[:9] for event in _events(rng, place)],
        "verification": {name: [_lead(rng, lead) for lead in range(1, 11)] for name in LEVELS},
    }  # fmt: skip


def _city(rng: np.random.Generator, city: Any) -> dict[str, Any]:
    place = _place(rng, "city", city.code, {"en": city.distinct, "zh": city.chinese}) | {"adcode": int(city.code)}
    if city.code == DIRTY_CITY:
        place["name"] = {"en": DIRTY, "zh": f'"秦皇岛"{DIRTY}</script><!--'}
    if city.code == FORMULA_CITY:
        place["name"] = {"en": '=HYPERLINK("x"),\nTangshan', "zh": "唐山"}
    if city.code == EMPTY_CITY:
        own = place["pollutants"]["pm25"]
        blank = {"mci": None, "low": None, "high": None, "class": None, "rank": None, "of": None, "percentile": None}
        own["windows"]["week"] |= {"base": blank, "recent": blank, "drivers": [], "observed": None}
        own["weeks"][-1] |= {"mci": None, "low": None, "high": None}
        del place["pollutants"]["o3"]
    return place


def _place(rng: np.random.Generator, level: str, key: str, name: dict[str, str]) -> dict[str, Any]:
    return {
        "level": level, "key": key, "name": name, "latitude": 35.0, "longitude": 110.0,
        "pollutants": {pollutant: _own(rng, pollutant) for pollutant in LEVELS},
    }  # fmt: skip


def _own(rng: np.random.Generator, pollutant: str) -> dict[str, Any]:
    weeks = _weeks(rng)
    last = weeks[-1]
    return {
        "units": "ug m-3",
        "windows": {
            "week": _window(rng, "2025-09-29", 7, LEVELS[pollutant], last["mci"]),
            "month": _window(rng, "2025-10-01", 5, LEVELS[pollutant]),
            "year": _window(rng, "2025-01-01", 278, LEVELS[pollutant]),
            "season": _window(rng, "2025-03-01", 219, LEVELS[pollutant]),
        },
        "weeks": weeks,
        "band": [_band(rng, week) for week in range(1, 54)],
        "outlook": _outlook(rng),
    }


def _weeks(rng: np.random.Generator) -> list[dict[str, Any]]:
    values = 100 + np.cumsum(rng.normal(0, 4, WEEKS)) * 0.7
    first = WEEK - datetime.timedelta(weeks=WEEKS - 1)
    rows: list[dict[str, Any]] = []
    for number, mci in enumerate(values, start=1):
        start = first + datetime.timedelta(weeks=number - 1)
        kind = "preliminary" if number > WEEKS - 3 else "emulated" if number == 20 else "final"
        rows.append({"label": f"2025-W{number:02d}", "start": start.isoformat(), "kind": kind} | _spread(rng, mci))
    rows[9] |= {"mci": None, "low": None, "high": None}
    return rows


def _spread(rng: np.random.Generator, mci: float) -> dict[str, float]:
    low, high = rng.uniform(1, 6, 2)
    return {"mci": float(mci), "low": float(mci - low), "high": float(mci + high)}


def _window(rng: np.random.Generator, start: str, days: int, level: float, mci: float | None = None) -> dict[str, Any]:
    index = float(100 + rng.normal(0, 8)) if mci is None else mci
    observed = float(level * rng.uniform(0.7, 1.3))
    change, weather = float(rng.normal(0, 4)), float(rng.normal(0, 3))
    return {
        "start": start, "end": "2025-10-05", "days": days, "events": _event_days(rng) if days == 7 else [],
        "kinds": {"final": days - 3, "preliminary": 2, "emulated": 1} if days == 7 else {"final": days},
        "base": _reference(rng, index), "recent": _reference(rng, index + 2),
        "change": {"previous": float(rng.normal(0, 5)), "last_year": float(rng.normal(0, 5)), "five_years": None},
        "drivers": _drivers(rng, index - 100),
        "drivers_of_change": {"previous": _drivers(rng, 3.0), "last_year": _drivers(rng, -2.0)},
        "observed": {
            "value": observed, "days": days, "last_year": observed - change, "change": change, "weather": weather,
            "weather_low": weather - 1.5, "weather_high": weather + 1.5,
        },
    }  # fmt: skip


def _reference(rng: np.random.Generator, mci: float) -> dict[str, Any]:
    rank = int(rng.integers(1, 12))
    return _spread(rng, mci) | {"class": class_of(mci), "rank": rank, "of": 11, "percentile": 10.0 * (rank - 1)}


def class_of(mci: float) -> str:
    """The class of an index by the example's limits."""
    return str(next(one["key"] for one in CLASSES if one["below"] is None or mci < one["below"]))


def _drivers(rng: np.random.Generator, total: float) -> list[dict[str, Any]]:
    points = rng.normal(0, 4, len(GROUPS))
    points[-1] = total - points[:-1].sum()
    return [
        {"group": group, "points": float(one), "low": float(one - 2), "high": float(one + 2)}
        for group, one in zip(GROUPS, points, strict=True)
    ]


def _band(rng: np.random.Generator, week: int) -> dict[str, float]:
    low, p10, median, p90, high = np.sort(100 + rng.normal(0, 14, 5) + 4 * np.sin(week / 8))
    return {"week": week, "min": low, "p10": p10, "median": median, "p90": p90, "max": high, "years": 10}


def _outlook(rng: np.random.Generator) -> dict[str, Any]:
    values = 100 + np.cumsum(rng.normal(0, 5, 10))
    first = WEEK + datetime.timedelta(days=7)
    days = [
        {"date": (first + datetime.timedelta(days=lead - 1)).isoformat(), "lead": lead, "kind": "forecast"}
        | {"mci": float(mci), "low": float(mci - 2 - lead), "high": float(mci + 2 + lead)}
        | {"forecast_error": 1.0 + lead}
        for lead, mci in enumerate(values, start=1)
    ]
    week = {"start": days[0]["date"], "end": days[6]["date"]} | _spread(rng, values[:7].mean())
    week |= {"class": class_of(week["mci"]), "forecast_error": 3.0}
    week["events"] = _event_days(rng)
    return {"issued": "2025-10-06T00:00:00Z", "source": "ifs", "days": days, "week": week}


def _events(rng: np.random.Generator, place: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "level": place["level"], "key": place["key"], "pollutant": pollutant, "event": event, "year": year,
            "days": int(rng.integers(5, 90)), "share": float(rng.uniform(0.02, 0.25)),
            "on_event": float(level * rng.uniform(0.7, 1.7)), "otherwise": level,
        }
        for pollutant, level in LEVELS.items()
        for event in EVENTS
        for year in ("all", *range(2015, 2026))
    ]  # fmt: skip


def _event_days(rng: np.random.Generator) -> list[dict[str, Any]]:
    return [
        {"event": event, "days": int(rng.integers(0, 6)), "judged_days": 7, "usual_days": float(rng.uniform(0, 4))}
        | {"years": 10}
        for event in ("stagnation", "cold_surge", "wet_day")
    ]


def _lead(rng: np.random.Generator, lead: int) -> dict[str, Any]:
    return {
        "lead": lead, "count": 40, "mean_absolute_error": 2 + 0.8 * lead, "bias": float(rng.normal(0, 0.5)),
        "hit_rate": 0.95 - 0.04 * lead,
    }  # fmt: skip
