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
        (
            "{place}: cities that attained {limit} {units} of {pollutant} in {period}: {attaining} of "
            "{cities}{comparisons}."
        ),
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
    # tables
    "table_concentrations": ("Concentrations", "污染物浓度"),
    "table_changes": ("Changes of concentrations", "浓度变化"),
    "table_attaining": ("Cities that attain the limits", "达标城市数"),
    "table_heavy_days": ("Heavily polluted and good days", "重污染与优良天数比例"),
    "table_index": ("Meteorological condition index (MCI)", "气象条件评估指数（MCI）"),
    "table_attribution": ("Changes by weather and emissions", "浓度变化的气象与排放贡献"),
    "table_attribution_seasons": ("Changes by weather and emissions, by season", "分季节的气象与排放贡献"),
    "column_place": ("region", "区域"),
    "column_pollutant": ("pollutant", "污染物"),
    "column_window": ("window", "时段类型"),
    "column_compared": ("compared", "比较方式"),
    "column_period_from": ("from", "对比时段"),
    "column_period_to": ("to", "时段"),
    "column_value_from": ("before", "对比值"),
    "column_value_to": ("now", "现值"),
    "column_change": ("change", "变化"),
    "column_change_percent": ("change (%)", "变化（%）"),
    "column_change_points": ("change (percentage points)", "变化（百分点）"),
    "column_limit": ("limit", "限值"),
    "column_cities": ("cities with valid data", "数据有效城市数"),
    "column_attaining_from": ("attained before", "对比时段达标数"),
    "column_attaining_to": ("attain now", "现达标数"),
    "column_measure": ("share (%)", "比例（%）"),
    "column_dust": ("dust days", "沙尘日"),
    "column_against": ("against", "对比基准"),
    "column_mci": ("MCI (base year = 100)", "MCI（基准年=100）"),
    "column_reading": ("weather", "气象条件"),
    "column_observed_change": ("observed change", "观测变化"),
    "column_weather": ("weather", "气象贡献"),
    "column_emissions": ("emissions", "排放贡献"),
    "column_residual": ("residual", "残差"),
    "column_unobserved": ("unobserved days", "缺测日影响"),
    "column_weather_percent": ("weather (% of before)", "气象贡献（占对比值%）"),
    "column_emissions_percent": ("emissions (% of before)", "排放贡献（占对比值%）"),
    "column_claim": ("claim", "论断"),
    "column_claimed": ("claimed", "论断值"),
    "column_ours": ("our value [90 % interval]", "本报告值[90%区间]"),
    "column_same_months": ("over the same months", "同期值"),
    "column_agrees": ("agrees?", "是否一致"),
    "column_note": ("note", "说明"),
    "table_claims": ("Claims and our values", "论断核对"),
    "note_claims": (
        (
            "A value agrees when it meets our 90 % interval, give or take its tolerance; without an interval when both "
            "differ by no more than the tolerance. A direction agrees when our interval lies on its side of zero."
        ),
        "论断值（计入容差）与本报告90%区间相交即为一致；无区间时二者之差不超过容差为一致；方向以区间是否在零的同侧判定。",
    ),
    "claimed_up": ("up", "上升"),
    "claimed_down": ("down", "下降"),
    "claimed_little": ("little changed", "基本持平"),
    "with_reason": ("{what}: {why}", "{what}：{why}"),
    "column_season": ("season", "季节"),
    "window_year": ("whole year", "全年"),
    "window_months_to_date": ("same months", "同期各月"),
    "window_trailing_twelve_months": ("trailing twelve months", "近12个月"),
    "window_three_years": ("three-year moving mean", "三年滑动平均"),
    "compared_year": ("whole years", "全年对全年"),
    "compared_months_to_date": ("same months", "同期对同期"),
    "compared_trailing_twelve_months": ("trailing twelve months", "近12个月对近12个月"),
    "compared_three_years": ("three-year moving means", "三年滑动平均对三年滑动平均"),
    "compared_partial_with_year": ("part of a year with a whole year ‡", "不完整年对全年‡"),
    "against_base_year": ("{period} (base year)", "{period}（基准年）"),
    "against_year_before": ("{period} (year before)", "{period}（上年）"),
    "against_recent_years": ("{period} on average", "{period}平均"),
    "short_mean": ("mean", "平均"),
    "short_p90": ("8-hour, 90th percentile", "日最大8小时第90百分位数"),
    "short_p95": ("daily, 95th percentile", "日均第95百分位数"),
    "short_heavy_days_percent": ("heavily polluted (AQI)", "重度及以上污染（AQI）"),
    "short_heavy_days_pm25_percent": ("heavily polluted (PM₂.₅)", "重度及以上污染（PM₂.₅）"),
    "short_good_days_percent": ("good days", "优良天数"),
    "dust_kept": ("kept", "保留"),
    "dust_excluded": ("left out", "扣除"),
    "word_favourable": ("favourable", "有利"),
    "word_unfavourable": ("unfavourable", "不利"),
    "word_little": ("little changed", "基本持平"),
    "with_statistic": ("{name}, {statistic}", "{name}，{statistic}"),
    "with_units": ("{name} ({units})", "{name}（{units}）"),
    "note_partial": ("† A part of a year.", "†不完整年。"),
    "note_unlike": (
        "‡ Unlike periods: not to be read as a change of the air.",
        "‡时段不同，不宜直接作为空气质量变化解读。",
    ),
    "note_interval": (
        "Square brackets: 90 % intervals. Words follow the interval: one that holds zero is little changed.",
        "方括号内为90%区间；用语由区间判定，区间含零为基本持平。",
    ),
    "note_shared_days": (
        (
            "Over the calendar days that both years have; weather, emissions, residual and unobserved days add up to "
            "the change."
        ),
        "按两年共有的日历日计算；气象贡献、排放贡献、残差与缺测日影响之和为观测变化。",
    ),
    "note_empty": ("The run has no number for this table.", "本次运行没有该表的数值。"),
    # Figure 1
    "figure_one": (
        "{pollutants} and their meteorological condition index (MCI), {first} to {last}",
        "{first}—{last}年{pollutants}浓度及气象条件评估指数（MCI）",
    ),
    "figure_one_caption": (
        (
            "Concentrations (columns: annual mean of PM₂.₅, 90th percentile of the daily maximum 8-hour "
            "means of O₃) with their three-year moving means (dotted, at the last of the three years), and the "
            "meteorological condition index beside them ({base} = 100; below 100 favourable) with 90 % intervals."
            "{partial}"
        ),
        (
            "污染物浓度（柱：PM₂.₅年均浓度，臭氧日最大8小时平均第90百分位数）及其三年滑动平均（点线，标于末年），"
            "右侧为气象条件评估指数（{base}年=100，低于100为有利）及其90%区间。{partial}"
        ),
    ),
    "figure_one_partial": (
        " {year} is {months} alone (hatched); diamonds are the same months of the other years, to compare it with.",
        "{year}年仅为{months}（斜线柱）；菱形为其他年份同期，供比较。",
    ),
    "figure_one_source": ("† {months}. {source}", "†{months}。{source}"),
    "figure_one_alt": (
        "Columns and lines by region and year. {values}.",
        "分区域分年份的柱状图与折线图。{values}。",
    ),
    "panel_concentration": ("{name} ({units})", "{name}（{units}）"),
    "panel_index": ("MCI of {pollutant}", "{pollutant} MCI"),
    "panel_p90": ("O₃-8H-90per", "O₃-8H-90per"),
    "panel_none": ("no data", "无资料"),
    "legend_column": ("whole year", "全年"),
    "legend_partial": ("{months} {year}", "{year}年{months}"),
    "legend_same_months": ("same months of other years", "其他年份同期"),
    "legend_three_years": ("three-year moving mean", "三年滑动平均"),
    "legend_index": ("MCI with 90 % interval", "MCI及90%区间"),
    "legend_index_partial": ("MCI, {months}", "MCI（{months}）"),
    "span_of_months": ("{first} to {last}", "{first}—{last}月"),
    # claims
    "claim_inside_interval": ("inside our 90 % interval, give or take the tolerance", "在我们的90%区间内（计入容差）"),
    "claim_outside_interval": ("outside our 90 % interval", "在我们的90%区间之外"),
    "claim_inside_tolerance": ("within the tolerance", "在容差以内"),
    "claim_outside_tolerance": ("farther off than the tolerance", "超出容差"),
    "claim_direction_agrees": ("the same direction", "方向一致"),
    "claim_direction_differs": ("another direction", "方向不一致"),
    "claim_interval_holds_zero": (
        "our interval holds zero: neither confirmed nor refuted",
        "我们的区间含零，既不能证实也不能否定",
    ),
    "claim_no_region": ("the run does not have the region", "本次运行没有该区域"),
    "claim_no_pollutant": ("the run does not have the pollutant", "本次运行没有该污染物"),
    "claim_no_period": ("the run does not have the period", "本次运行没有该时段"),
    "claim_no_fact": ("the run does not have the number", "本次运行没有该数值"),
    "claim_yes": ("yes", "是"),
    "claim_no": ("no", "否"),
    "claim_cannot_be_checked": ("cannot be checked", "无法核对"),
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
