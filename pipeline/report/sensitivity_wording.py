"""What the sensitivity's choices, variants and notes are called, and its one sentence, in English and Chinese."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.regions import definitions, label
from pipeline.report.sensitivity import WHOLE_YEARS
from pipeline.tables import OURS
from pipeline.wording import Language, decimals_of, phrase, pollutant_in, signed, statistic_in, units_in

WORDS: dict[str, tuple[str, str]] = {
    # choices
    "base_year": ("base year", "基准年"),
    "definition": ("cities of the region", "区域范围"),
    "panel": ("stations", "站点"),
    "method": ("method", "方法"),
    WHOLE_YEARS: ("method (whole years)", "方法（至上一整年）"),
    "reference_period": ("reference weather", "参考气象"),
    # quantities
    "weather": ("weather's part", "气象贡献"),
    "emissions": ("emissions' part", "排放贡献"),
    "mci_change_percent": ("change of the MCI", "气象条件指数变化"),
    # variants
    "panel/all": ("all stations", "全部站点"),
    "panel/constant": ("in every year", "历年均有效站点"),
    f"method/{OURS}": ("ours", "本方法"),
    "method/additive": ("additive model", "广义可加模型"),
    "method/regression": ("stepwise regression", "逐步回归"),
    "method/boosting": ("gradient boosting", "梯度提升"),
    "method/boosting-swap": ("boosting, days swapped", "梯度提升(换日)"),
    "method/forest": ("random forest", "随机森林"),
    "method/fixed-emission": ("fixed emission", "固定排放"),
    "method/filter": ("KZ filter", "KZ滤波"),
    "reference_period/base_year": ("base year", "基准年"),
    "reference_period/recent_years": ("last five years", "近5年平均"),
    "reference_period/all_years": ("all years before", "此前各年平均"),
    "reference_period/season": ("since March", "3月以来（季节年）"),
    "count": ("{count} cities", "{count}市"),
    # notes
    "skipped": ("not computed: {value} cities would be separated once more", "未计算：需重新分离{value}个城市"),
    "differ": ("{value} cities with other stations", "{value}个城市站点不同"),
    "cities": ("{value} cities known", "{value}个城市有结果"),
    "whole_years": ("tells of whole years alone", "仅适用于整年"),
    "shrinks": (
        "finds {value} of the weather's part where truth is known",
        "真值已知时仅得到气象贡献的{value}倍",
    ),
    "years": ("{value}", "{value}年"),
    # figure and sentence
    "not_told": ("not computed", "未计算"),
    "dagger": (
        "† known to find too little of the weather's part (BENCHMARK.md)",
        "† 已知低估气象贡献（见 BENCHMARK.md）",
    ),
    "headline": ("headline and its 90 % interval", "本报告结果及其90%区间"),
    "other": ("other choice", "其他选择"),
    "title": (
        "{place}, {pollutant}, {first}–{last}",
        "结论对各项选择的依赖：{place}，{pollutant}，{first}—{last}年",
    ),
    "summary": (
        "{place}, {pollutant} ({statistic}): weather's part {low} to {high} {units}; sign held in {same} of {all}.",
        (
            "{place}：{pollutant}（{statistic}）在各种选择下的气象贡献介于{low}与{high}{units}之间，"
            "{all}种选择中有{same}种符号不变。"
        ),
    ),
    "nothing": (
        "{place}, {pollutant} ({statistic}): no weather's part is told.",
        "{place}：{pollutant}（{statistic}）无气象贡献结果。",
    ),
}


def word(key: str, language: Language, **values: object) -> str:
    """A word or sentence of the sensitivity."""
    return WORDS[key][0 if language == "en" else 1].format(**values)


def variant_in(language: Language, choice: str, variant: str) -> str:
    """What a variant is called beneath its choice; a definition by the number of its cities, where that tells."""
    if choice == "definition" and variant in definitions():
        own = definitions()[variant]
        alike = [key for key, other in definitions().items() if other.region == own.region]
        counts = [len(definitions()[key].cities) for key in alike]
        short = word("count", language, count=len(own.cities))
        return short if counts.count(len(own.cities)) == 1 else label(variant, language)
    key = f"{'method' if choice == WHOLE_YEARS else choice}/{variant}"
    return word(key, language) if key in WORDS else variant


def note_in(language: Language, note: str) -> str:
    """A note of the table in words; an empty one stays empty."""
    key, _, value = note.partition("=")
    return word(key, language, value=value) if key else ""


def title(rows: pd.DataFrame, language: Language, *, first: int, last: int) -> str:
    """The title of the figure of a place and pollutant."""
    return word("title", language, **_named(rows, language), first=first, last=last)


def summary(rows: pd.DataFrame, language: Language) -> str:
    """Within what the weather's part of one place, pollutant and statistic lies, and how often its sign is that told.

    The headline is counted once; what is told of other years than its own is not.
    """
    own = rows[(rows["quantity"] == "weather") & rows["value"].notna() & (rows["choice"] != WHOLE_YEARS)]
    named = {**_named(rows, language), "statistic": _statistic(rows, language)}
    told = own[own["headline"]]["value"]
    values = np.concatenate([told.to_numpy()[:1], own[~own["headline"]]["value"].to_numpy()])
    if not len(told):
        return word("nothing", language, **named)
    decimals = decimals_of(float(np.abs(values).max()))
    return word(
        "summary",
        language,
        **named,
        low=signed(float(values.min()), decimals),
        high=signed(float(values.max()), decimals),
        units=units_in(language, str(own["units"].iloc[0])),
        same=int((np.sign(values) == np.sign(values[0])).sum()),
        all=len(values),
    )


def _named(rows: pd.DataFrame, language: Language) -> dict[str, str]:
    first = rows.iloc[0]
    return {"place": label(str(first["name"]), language), "pollutant": pollutant_in(language, str(first["pollutant"]))}


def _statistic(rows: pd.DataFrame, language: Language) -> str:
    first = rows.iloc[0]
    return statistic_in(language, str(first["pollutant"]), str(first["statistic"])) or phrase("mean", language)
