"""What the annual report says, English and Chinese, in the set phrases of China's bulletins; how it prints numbers.

Words that the run's page shares stand in ``pipeline.wording``. Direction words come from the 90 % interval; where a
number has none, from the number as it is printed.
"""

from __future__ import annotations

import re

from pipeline.regions import label
from pipeline.report.scope import Scope
from pipeline.standards.rounding import decimals, rounded_decimal
from pipeline.vocabulary import pollutant as known_pollutant
from pipeline.wording import POLLUTANT_SIGNS, Direction, Language

NO_BREAK = "\u00a0"
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip

PHRASES: dict[str, tuple[str, str]] = {
    # sections
    "section_concentrations": ("Concentrations", "污染物浓度"),
    "section_attaining": ("Cities that attain the limits", "城市达标情况"),
    "section_heavy_days": ("Heavily polluted and good days", "重污染与优良天数"),
    "section_index": ("Meteorological condition index", "气象条件评估指数"),
    "section_attribution": ("Weather or emissions", "气象与排放贡献"),
    # what is measured
    "mean_of_year": ("the annual mean {pollutant} concentration", "{pollutant}年均浓度"),
    "mean": ("the mean {pollutant} concentration", "{pollutant}平均浓度"),
    "mean_mda8": (
        "the mean of the daily maximum 8-hour means of {pollutant}",
        "{pollutant}日最大8小时平均浓度均值",
    ),
    "p90_mda8": (
        "the 90th percentile of the daily maximum 8-hour means of {pollutant}",
        "{pollutant}日最大8小时平均第90百分位数浓度",
    ),
    "percentile": (
        "the {number}th percentile of the daily means of {pollutant}",
        "{pollutant}日均值第{number}百分位数浓度",
    ),
    "heavy_days_percent": ("the share of heavily polluted days (AQI above 200)", "重度及以上污染天数比例"),
    "heavy_days_pm25_percent": (
        "the share of days heavily polluted by PM₂.₅",
        "以PM₂.₅评价的重度及以上污染天数比例",
    ),
    "good_days_percent": ("the share of good days (AQI up to 100)", "优良天数比例"),
    "dust_excluded": ("{what}, dust days left out,", "扣除沙尘影响后，{what}"),
    # periods
    "year": ("{year}", "{year}年"),
    "months": ("{first} to {last} {year}", "{year}年{first}—{last}月"),
    "one_month": ("{first} {year}", "{year}年{first}月"),
    "months_of_two_years": ("{first} {year} to {last} {next}", "{year}年{first}月至{next}年{last}月"),
    "same_months": ("the same months of {year}", "{year}年同期"),
    "whole_year": ("the whole of {year}", "{year}年全年"),
    "years": ("{first}–{last}", "{first}—{last}年"),
    "recent": ("{period} on average", "{period}平均"),
    "recent_same_months": ("the same months of {period} on average", "{period}同期平均"),
    "years_known": ("{period} ({years} years known)", "{period}（有资料的{years}年）"),
    "season_MAM": ("spring (March to May)", "春季（3—5月）"),
    "season_JJA": ("summer (June to August)", "夏季（6—8月）"),
    "season_SON": ("autumn (September to November)", "秋季（9—11月）"),
    "season_DJF": ("winter (January, February, December)", "冬季（1、2、12月）"),
    # concentrations
    "concentration": (
        "{place}: in {period} {statistic} was {value} {units}{comparisons}.",
        "{period}，{place}{statistic}为{value}{units}{comparisons}。",
    ),
    "fell_percent": ("{size} % lower than in {before} ({base} {units})", "较{before}（{base}{units}）下降{size}%"),
    "rose_percent": ("{size} % higher than in {before} ({base} {units})", "较{before}（{base}{units}）上升{size}%"),
    "same_percent": ("the same as in {before} ({base} {units})", "与{before}（{base}{units}）持平"),
    "unlike_fell": (
        "Set against {before} ({base} {units}), a period unlike these months, it is {size} % lower.",
        "若与{before}（{base}{units}）相比则下降{size}%，但时段不同，不宜直接比较。",
    ),
    "unlike_rose": (
        "Set against {before} ({base} {units}), a period unlike these months, it is {size} % higher.",
        "若与{before}（{base}{units}）相比则上升{size}%，但时段不同，不宜直接比较。",
    ),
    "unlike_same": (
        "Set against {before} ({base} {units}), a period unlike these months, it is the same.",
        "若与{before}（{base}{units}）相比则持平，但时段不同，不宜直接比较。",
    ),
    "trailing": (
        "{place}: over the twelve months {period} {statistic} was {value} {units}{comparisons}.",
        "近12个月（{period}），{place}{statistic}为{value}{units}{comparisons}。",
    ),
    "three_years": (
        "{place}: over {period} the three-year moving mean of {statistic} was {value} {units}{comparisons}.",
        "{period}，{place}{statistic}的三年滑动平均为{value}{units}{comparisons}。",
    ),
    # cities
    "attaining": (
        "{place}: {attaining} of {cities} cities attained {limit} {units} of {pollutant} in {period}{comparisons}.",
        "{period}，{place}数据有效的{cities}个城市中，有{attaining}个{pollutant}浓度达到{limit}{units}限值{comparisons}。",
    ),
    "more_cities": ("{size} more than in {before}", "较{before}增加{size}个"),
    "fewer_cities": ("{size} fewer than in {before}", "较{before}减少{size}个"),
    "same_cities": ("as many as in {before}", "与{before}持平"),
    # days
    "days": (
        "{place}: in {period} {what} was {value} %{comparisons}.",
        "{period}，{place}{what}为{value}%{comparisons}。",
    ),
    "days_dust": (
        "{place}: in {period} {what} was, without dust days, {value} %{comparisons}.",
        "{period}，扣除沙尘影响后{place}{what}为{value}%{comparisons}。",
    ),
    "fell_points": ("{size} percentage points less than in {before}", "较{before}下降{size}个百分点"),
    "rose_points": ("{size} percentage points more than in {before}", "较{before}上升{size}个百分点"),
    "same_points": ("the same as in {before}", "与{before}持平"),
    # index
    "index": (
        "{place}: the {pollutant} meteorological condition index of {period} was {change}: {reading}.",
        "{period}，{place}{pollutant}气象条件评估指数{change}，表明{reading}。",
    ),
    "index_recent": (
        "{place}: the {pollutant} meteorological condition index of {period} was {change}.",
        "{period}，{place}{pollutant}气象条件评估指数{change}。",
    ),
    "index_lowered": (
        "{size} % below that of {before} (90 % interval of the change {low} % to {high} %)",
        "较{before}下降{size}%（变化的90%区间{low}%至{high}%）",
    ),
    "index_raised": (
        "{size} % above that of {before} (90 % interval of the change {low} % to {high} %)",
        "较{before}上升{size}%（变化的90%区间{low}%至{high}%）",
    ),
    "index_little": (
        "little changed from that of {before} ({value} %, 90 % interval {low} % to {high} %, which holds zero)",
        "与{before}基本持平（{value}%，90%区间{low}%至{high}%，含零）",
    ),
    "reading_lowered": (
        "on the whole the weather was favourable for lowering {pollutant}",
        "气象条件整体有利于{pollutant}浓度下降",
    ),
    "reading_raised": (
        "on the whole the weather was unfavourable for lowering {pollutant}",
        "气象条件整体不利于{pollutant}浓度下降",
    ),
    "reading_little": (
        "on the whole the weather was like that of {before}",
        "气象条件整体与{before}相当",
    ),
    "index_regions": (
        "Against {before}, the {pollutant} index of {period}, by region: {groups}.",
        "{period}各区域{pollutant}气象条件评估指数与{before}相比：{groups}。",
    ),
    "group_lowered": ("lower (favourable) in {places}", "{places}下降（有利）"),
    "group_raised": ("higher (unfavourable) in {places}", "{places}上升（不利）"),
    "group_little": ("little changed in {places}", "{places}基本持平"),
    # attribution
    "attribution": (
        "{place}, {period} against {before} (the {days} calendar days of both): {statistic} {observed}; {parts}.",
        "{period}与{before}相比（共有的{days}个日历日），{place}{statistic}{observed}；其中{parts}。",
    ),
    "observed_lowered": ("fell by {size} {units}", "下降{size}{units}"),
    "observed_raised": ("rose by {size} {units}", "上升{size}{units}"),
    "observed_little": ("was unchanged", "持平"),
    "weather_lowered": (
        "the weather lowered it by {size} {units} (90 % interval {low} to {high})",
        "气象条件使其下降{size}{units}（90%区间{low}至{high}）",
    ),
    "weather_raised": (
        "the weather raised it by {size} {units} (90 % interval {low} to {high})",
        "气象条件使其上升{size}{units}（90%区间{low}至{high}）",
    ),
    "weather_little": (
        "the weather left it little changed ({value} {units}, 90 % interval {low} to {high}, which holds zero)",
        "气象条件的影响基本持平（{value}{units}，90%区间{low}至{high}，含零）",
    ),
    "emissions_lowered": (
        "the emissions lowered it by {size} {units} ({low} to {high})",
        "排放变化使其下降{size}{units}（{low}至{high}）",
    ),
    "emissions_raised": (
        "the emissions raised it by {size} {units} ({low} to {high})",
        "排放变化使其上升{size}{units}（{low}至{high}）",
    ),
    "emissions_little": (
        "the emissions left it little changed ({value} {units}, {low} to {high}, which holds zero)",
        "排放变化的影响基本持平（{value}{units}，{low}至{high}，含零）",
    ),
    "residual_value": ("the residual is {value} {units}", "残差为{value}{units}"),
    "unobserved_value": ("days not observed in both years take {value} {units}", "缺测日影响为{value}{units}"),
    # what is missing; `where` names places and pollutants
    "missing": ("Missing: {what} ({why}).", "缺：{what}（{why}）。"),
    "missing_pollutant": ("{pollutant}", "{pollutant}"),
    "missing_region": ("{place}", "{place}"),
    "missing_year": ("{pollutant} of {period}, in every region", "各区域{period}{pollutant}浓度"),
    "missing_cell": ("{pollutant} of {period} in {place}", "{place}{period}{pollutant}浓度"),
    "missing_section": ("{section}", "{section}"),
    "missing_part": ("{section} of {pollutant} in {place}", "{place}{pollutant}的{section}"),
    "missing_days": ("{section} in {place}", "{place}的{section}"),
    "missing_base": ("{section}: the base year {year}", "{section}：基准年{year}年"),
    "why_pollutant": ("the run does not have it", "本次运行未包含"),
    "why_region": ("the run has no such region, or no city of it", "本次运行没有该区域或其城市"),
    "why_concentrations": (
        "not in the run's period, or not valid by HJ 663: too few days or cities",
        "不在运行时段内，或天数、城市数不足，按HJ 663判为无效",
    ),
    "why_attaining": (
        "no valid year, or limits of this pollutant are not counted",
        "没有有效年度，或该污染物未统计达标城市",
    ),
    "why_heavy_days": (
        "no valid year of days judged by the AQI, in the report's year or the base year",
        "报告年或基准年没有有效的AQI评价天数",
    ),
    "why_index": (
        "the weather of the report's year or of the base year is not whole, or the place could not be separated",
        "报告年或基准年气象资料不全，或该地点未能分解",
    ),
    "why_attribution": (
        "the two years share too few days, or the place could not be separated",
        "两年共有天数不足，或该地点未能分解",
    ),
    # lists
    "comma": (", ", "，"),
    "and_then": ("; ", "；"),
    "list": (", ", "、"),
    "colon": ("{name}: {value}", "{name}：{value}"),
}  # fmt: skip
"""Key -> (English, Chinese). Placeholders are the same in both."""


def say(key: str, language: Language, **values: object) -> str:
    """The phrase of a key, filled; an unknown key or a missing value is a KeyError. English % stays by its number."""
    english, chinese = PHRASES[key]
    text = english.replace(" %", NO_BREAK + "%") if language == "en" else chinese
    return text.format(**values)


def joined(texts: list[str], key: str, language: Language) -> str:
    """Texts in a row, with the separator of a language between."""
    return say(key, language).join(texts)


def pollutant_in(name: str, language: Language) -> str:
    """PM₂.₅, O₃ or 臭氧; an unknown pollutant stays as it is."""
    chinese = known_pollutant(name).chinese
    spelled = language == "zh" and not chinese.isascii() and chinese != name
    return chinese if spelled else POLLUTANT_SIGNS.get(name, name)


def place_in(name: str, language: Language) -> str:
    """How a region or city is printed."""
    return label(name, language)


def statistic_in(pollutant: str, statistic: str, language: Language, *, annual: bool = False) -> str:
    """What a concentration is, in words; ``annual`` for the mean of a whole year."""
    name = pollutant_in(pollutant, language)
    daily = known_pollutant(pollutant).daily
    if statistic == "mean" and daily == "mean":
        return say("mean_of_year" if annual else "mean", language, pollutant=name)
    if f"{statistic}_{daily}" in PHRASES:
        return say(f"{statistic}_{daily}", language, pollutant=name)
    return say("percentile", language, pollutant=name, number=statistic.removeprefix("p"))


def period_in(period: str, language: Language) -> str:
    """A year (2025), months (2025-01/2025-09) or years (2022-2024) in words."""
    if re.fullmatch(r"\d{4}", period):
        return say("year", language, year=period)
    if re.fullmatch(r"\d{4}-\d{4}", period):
        return say("years", language, first=period[:4], last=period[5:])
    year, first, following, last = (int(part) for part in re.split("[-/]", period))
    named = (MONTHS[first - 1], MONTHS[last - 1]) if language == "en" else (first, last)
    key = "months_of_two_years" if year != following else "one_month" if first == last else "months"
    return say(key, language, first=named[0], last=named[1], year=year, next=following)


def before_in(window: str, period: str, language: Language) -> str:
    """What a period is compared with, as the second in a sentence: 2020, the same months of 2020, the whole of 2020."""
    key = {"months_to_date": "same_months", "partial_with_year": "whole_year"}.get(window)
    return say(key, language, year=period[:4]) if key else period_in(period, language)


def concentration_decimals(pollutant: str, scope: Scope) -> int:
    """Decimals of all concentrations of a report: as the ministry prints them at its end, so that they compare."""
    return decimals(pollutant, date=scope.end.date(), printing="ministry")


def number(value: float, places: int) -> str:
    """A number by GB/T 8170, rounded once, with a true minus sign; zero has none."""
    exact = rounded_decimal(float(value), places)
    return str(abs(exact) if exact == 0 else exact).replace("-", "−")


def signed(value: float, places: int) -> str:
    """A number with its sign, also when positive."""
    text = number(value, places)
    return f"+{text}" if rounded_decimal(float(value), places) > 0 else text


def telling(value: float, places: int) -> int:
    """``places``, or up to two more where a number that is not zero would be printed as zero."""
    return next((more for more in range(places, places + 2) if rounded_decimal(float(value), more)), places + 2)


def as_printed(value: float, places: int) -> Direction:
    """The direction of a number without an interval: of what is printed of it."""
    exact = rounded_decimal(float(value), places)
    return "little" if exact == 0 else "lowered" if exact < 0 else "raised"
