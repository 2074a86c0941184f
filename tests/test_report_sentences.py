"""The report's sentences: direction by the interval, numbers that are facts, and both languages set right."""

from __future__ import annotations

import re
from string import Formatter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_example import REGIONS, example, scope

from pipeline.report.gaps import SECTIONS, missing
from pipeline.report.sentences import Sentence, sentences
from pipeline.report.wording import (
    PHRASES,
    number,
    period_in,
    place_in,
    say,
    signed,
    statistic_in,
    telling,
)
from pipeline.wording import Language, direction

LANGUAGES: tuple[Language, Language] = ("en", "zh")


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    return example()


@pytest.fixture(scope="module")
def whole() -> pd.DataFrame:
    return example(year=2024, months=12)


def told(found: pd.DataFrame, language: Language, **changes: object) -> list[Sentence]:
    return sentences(found, scope(**changes), language)


def names(text: str) -> str:
    """What of a text is no number of a fact: names of places, pollutants, statistics, periods, limits, days."""
    for language in LANGUAGES:
        for region in REGIONS:
            text = text.replace(place_in(region, language), "")
    labels = (
        r"PM₂\.₅|O₃|8-hour|8小时|90th|第90|90\xa0% interval|90%区间|AQI above 200|AQI up to 100",
        r"HJ 663|\d years known|有资料的\d年",
        r"\d{4}–\d{4}|\d{4}—\d{4}年|\d+—\d+月|\d{4}年(\d+月)?|近12个月|20\d\d",
        r"共有的\d+个日历日|the \d+ calendar days|(35|30|160)(?= ?(µg|微克))",
    )
    return re.sub("|".join(labels), "", text)


def printed(row: pd.Series) -> set[str]:
    """Every way a fact's number and its interval may be printed."""
    values = [value for value in (row["value"], row["low"], row["high"]) if pd.notna(value)]
    return {number(abs(value), places) for value in values for places in range(4)}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["partial", "whole"])
def test_sentences_contain_no_number_that_is_not_one_of_their_facts(
    found: pd.DataFrame, whole: pd.DataFrame, language: Language, kind: str
) -> None:
    facts, asked = (found, {}) if kind == "partial" else (whole, {"year": 2024, "months": 12})
    rows = facts.set_index("fact")
    count = 0
    for sentence in told(facts, language, **asked):
        allowed = set().union(*(printed(rows.loc[fact]) for fact in sentence.facts))
        numbers = set(re.findall(r"\d+(?:\.\d+)?", names(sentence.text)))
        assert numbers <= allowed, (sentence.text, numbers - allowed)
        count += len(numbers)
    assert count > 150


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_section_speaks_of_every_region_in_the_order_of_the_scope(
    found: pd.DataFrame, language: Language
) -> None:
    made = told(found, language)
    assert list(dict.fromkeys(sentence.section for sentence in made)) == list(SECTIONS)
    for section in SECTIONS:
        text = "".join(sentence.text for sentence in made if sentence.section == section)
        places = [text.index(place_in(region, language)) for region in REGIONS[:4]]
        assert places == sorted(places)


def with_interval(found: pd.DataFrame, fact: str, value: float, low: float, high: float) -> pd.DataFrame:
    changed = found.copy()
    changed.loc[changed["fact"] == fact, ["value", "low", "high"]] = value, low, high
    return changed


INDEX = "region/nation/pm25/mean/mci_change_percent/months_to_date/2020-01--2020-09/2025-01--2025-09"
WEATHER = "region/nation/pm25/mean/weather/shared_days/2020/2025"


@pytest.mark.parametrize(
    ("low", "high", "english", "chinese"),
    [
        (-3.0, -0.001, ("below that of", "favourable"), ("下降", "有利于")),
        (-3.0, 0.0, ("little changed", "like that of"), ("基本持平", "相当")),
        (-0.5, 0.5, ("little changed", "like that of"), ("基本持平", "相当")),
        (0.0, 3.0, ("little changed", "like that of"), ("基本持平", "相当")),
        (0.001, 3.0, ("above that of", "unfavourable"), ("上升", "不利于")),
    ],
)
def test_direction_words_of_the_index_flip_exactly_with_the_interval(
    found: pd.DataFrame, low: float, high: float, english: tuple[str, ...], chinese: tuple[str, ...]
) -> None:
    changed = with_interval(found, INDEX, (low + high) / 2, low, high)
    for language, words in (("en", english), ("zh", chinese)):
        text = next(one.text for one in told(changed, language) if one.facts == (INDEX,))
        assert all(word in text for word in words), text
        assert ("unfavourable" in text or "不利" in text) == (low > 0)


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(-2.0, -0.01, "lowered it by"), (-1.0, 0.0, "left it little changed"), (0.01, 1.0, "raised it by")],
)
def test_direction_words_of_the_weather_flip_exactly_with_the_interval(
    found: pd.DataFrame, low: float, high: float, word: str
) -> None:
    changed = with_interval(found, WEATHER, (low + high) / 2, low, high)
    text = next(one.text for one in told(changed, "en") if WEATHER in one.facts)
    assert f"the weather {word}" in text


@given(st.floats(-50, 50).filter(bool), st.floats(0, 60))
def test_no_bound_of_an_interval_without_zero_is_printed_as_zero(value: float, half: float) -> None:
    low, high = value - half, value + half
    for bound in (low, high):
        if direction(low, high) != "little" and abs(bound) >= 0.01:
            assert float(number(abs(bound), telling(bound, 1))) > 0


def test_numbers_are_rounded_half_to_even_once_with_a_true_minus_sign() -> None:
    assert [number(value, 0) for value in (60.5, 61.5, -0.4, -2.5)] == ["60", "62", "0", "−2"]
    assert [number(value, 1) for value in (27.95, 27.85, 28.05)] == ["28.0", "27.8", "28.0"]
    assert [signed(value, 1) for value in (0.04, 0.06, -0.06)] == ["0.0", "+0.1", "−0.1"]


def test_shares_change_by_percentage_points_and_never_by_per_cent(found: pd.DataFrame) -> None:
    for language, unit in (("en", "percentage points"), ("zh", "个百分点")):
        days = [one for one in told(found, language) if one.section == "heavy_days"]
        assert len(days) > 10
        assert all(unit in one.text for one in days)
    everything = "".join(chinese for _, chinese in PHRASES.values())
    assert "百分比" not in everything


def test_a_partial_year_is_named_with_its_months_and_compared_with_the_same_months_first(found: pd.DataFrame) -> None:
    english = next(one.text for one in told(found, "en") if one.section == "concentrations")
    chinese = next(one.text for one in told(found, "zh") if one.section == "concentrations")
    assert "January to September 2025" in english
    assert "2025年1—9月" in chinese
    assert english.index("the same months of 2020") < english.index("the whole of 2020")
    assert chinese.index("2020年同期") < chinese.index("2020年全年")
    assert "unlike" in english
    assert "不宜直接比较" in chinese
    assert "annual mean" not in english
    assert "年均" not in chinese


def test_a_whole_year_says_nothing_of_months_and_names_the_three_year_moving_mean(whole: pd.DataFrame) -> None:
    made = {language: told(whole, language, year=2024, months=12) for language in LANGUAGES}
    english, chinese = ("".join(one.text for one in made[language]) for language in LANGUAGES)
    assert not re.search("same months|the whole of|January|twelve months", english)
    assert not re.search("同期|全年|年1—", chinese)
    assert "three-year moving mean of the annual mean" in english
    assert "年均浓度的三年滑动平均" in chinese


def test_the_decline_of_the_index_of_regions_is_told_without_the_nation(found: pd.DataFrame) -> None:
    text = next(one.text for one in told(found, "zh") if "各区域PM" in one.text)
    assert "全国" not in text
    assert text.index("下降（有利）") < text.index("长三角地区31市") < text.index("上升（不利）")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_missing_is_said_in_its_place_and_the_rest_is_made(found: pd.DataFrame, language: Language) -> None:
    left = found[
        (found["name"] != "fwp_13")
        & ~((found["pollutant"] == "o3") & (found["name"] == "yrd_31") & found["quantity"].str.startswith("mci"))
        & ~((found["pollutant"] == "pm25") & (found["period_to"] == "2022"))
        & (found["quantity"] != "heavy_days_percent")
    ]
    made = told(left, language)
    absent = {section: [one.text for one in made if one.section == section and not one.facts] for section in SECTIONS}
    assert all(place_in("fwp_13", language) in absent[section][0] for section in SECTIONS)
    assert next(gap for gap in missing(left, scope()) if gap.what == "year").periods == ("2022",)
    assert any(period_in("2022", language) in text for text in absent["concentrations"])
    assert any(place_in("yrd_31", language) in text for text in absent["index"])
    assert len(absent["heavy_days"]) == 2
    assert sum(bool(one.facts) for one in made) > 50
    assert not any(one.facts for one in made if place_in("fwp_13", language) in one.text)


def test_a_pollutant_that_is_missing_is_said_once_in_each_section_about_pollutants(found: pd.DataFrame) -> None:
    left = found[found["pollutant"] != "o3"]
    gaps = [gap for gap in missing(left, scope()) if gap.pollutant == "o3"]
    assert [gap.section for gap in gaps] == ["concentrations", "attaining", "index", "attribution"]
    assert gaps[0].said("en") == "Missing: O₃ (the run does not have it)."
    assert gaps[0].said("zh") == "缺：臭氧（本次运行未包含）。"


def test_nothing_is_missing_of_a_whole_run(found: pd.DataFrame, whole: pd.DataFrame) -> None:
    assert missing(found, scope()) == []
    assert missing(whole, scope(year=2024, months=12))[0].periods == ("2019",)


def test_phrases_have_the_same_placeholders_in_both_languages() -> None:
    allowed = {"three_years": set(), "season": set()}
    for key, (english, chinese) in PHRASES.items():
        fields = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in (english, chinese)]
        assert fields[0] == fields[1] or key in allowed, key


def test_statistics_and_periods_have_their_names() -> None:
    assert statistic_in("o3", "p90", "zh") == "臭氧日最大8小时平均第90百分位数浓度"
    assert statistic_in("pm25", "mean", "zh", annual=True) == "PM₂.₅年均浓度"
    assert statistic_in("co", "p95", "en") == "the 95th percentile of the daily means of CO"
    assert period_in("2025-01/2025-01", "zh") == "2025年1月"
    assert period_in("2016-03/2017-01", "en") == "March 2016 to January 2017"
    with pytest.raises(KeyError):
        say("no such phrase", "en")
