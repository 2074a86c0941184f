"""The report's tables: every number a fact, like beside like, printed once rounded in both languages."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from report_example import REGIONS, example, readings, scope, tables

from pipeline.report.facts import facts
from pipeline.report.tables import TABLES, shown
from pipeline.report.tables import tables as report_tables
from pipeline.report.wording import PHRASES, place_in
from pipeline.wording import Language

LANGUAGES: tuple[Language, Language] = ("en", "zh")


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    return example()


def test_every_table_is_there_with_its_regions_in_the_order_of_the_scope(found: pd.DataFrame) -> None:
    made = report_tables(found, scope())
    assert tuple(made) == TABLES
    for name, frame in made.items():
        assert not frame.empty, name
        for _, own in frame.groupby(frame.get("pollutant", pd.Series("", frame.index)), sort=False):
            assert list(dict.fromkeys(own["name"])) == list(REGIONS[:4]), name


def test_every_number_of_the_tables_is_a_fact(found: pd.DataFrame) -> None:
    known = np.concatenate([found[name].dropna().to_numpy() for name in ("value", "low", "high")])
    for name, frame in report_tables(found, scope()).items():
        numbers = frame.select_dtypes("float").drop(columns=["limit"], errors="ignore").to_numpy().ravel()
        numbers = numbers[np.isfinite(numbers)]
        assert len(numbers) > 0, name
        assert np.isin(numbers, known).all(), name


def test_changes_are_between_the_values_beside_them(found: pd.DataFrame) -> None:
    made = report_tables(found, scope())
    for name, before, after, change in (
        ("changes", "value_from", "value_to", "change"),
        ("attaining", "attaining_from", "attaining_to", "change"),
        ("heavy_days", "value_from", "value_to", "change_points"),
    ):
        frame = made[name]
        np.testing.assert_allclose(frame[after] - frame[before], frame[change], atol=1e-9)
        windows = set(frame["window"])
        assert {"months_to_date", "partial_with_year"} <= windows


def test_parts_add_up_in_the_tables_of_attribution(found: pd.DataFrame) -> None:
    for name in ("attribution", "attribution_seasons"):
        frame = report_tables(found, scope())[name]
        parts = frame[["weather", "emissions", "residual", "unobserved"]].sum(axis=1)
        np.testing.assert_allclose(frame["observed_change"], parts)
        assert (frame["weather_low"] < frame["weather"]).all()


def test_days_are_told_by_aqi_and_by_pm25_with_dust_and_without(found: pd.DataFrame) -> None:
    frame = report_tables(found, scope())["heavy_days"]
    kinds = set(frame[["measure", "dust"]].itertuples(index=False, name=None))
    assert {("heavy_days_percent", "kept"), ("heavy_days_percent", "excluded")} <= kinds
    assert {("heavy_days_pm25_percent", "kept"), ("heavy_days_pm25_percent", "excluded")} <= kinds


def test_the_index_stands_against_base_year_year_before_and_recent_years(found: pd.DataFrame) -> None:
    frame = report_tables(found, scope())["index"].query("name == 'nation' and pollutant == 'pm25'")
    own = frame[frame["window"] == "months_to_date"]
    assert list(own["against"]) == ["base_year", "year_before", "recent_years"]
    assert list(own["reading"]) == ["favourable", "little", "favourable"]
    assert set(frame["window"]) == {"months_to_date", "season MAM", "season JJA"}


def test_a_whole_year_has_no_like_months(found: pd.DataFrame) -> None:
    asked = {"year": 2024, "months": 12}
    made = report_tables(example(**asked), scope(**asked))
    for name in ("changes", "attaining", "heavy_days"):
        assert set(made[name]["window"]) <= {"year", "three_years"}
        assert (made[name]["marks"] == "").all()


@pytest.mark.parametrize("language", LANGUAGES)
def test_printed_tables_are_rounded_labelled_and_marked(found: pd.DataFrame, language: Language) -> None:
    printed = {one.name: one for one in shown(found, scope(), language)}
    assert set(printed) == set(TABLES)
    for name, one in printed.items():
        assert one.title == PHRASES[f"table_{name}"][LANGUAGES.index(language)]
        assert {len(row) for row in one.rows} == {len(one.headings)}
        text = " ".join(cell for row in one.rows for cell in row)
        assert "nan" not in text
        assert not re.search(r"\d\.\d{3}", text)
        assert not re.search(r"(^| |\[)-\d", text)
    changes = printed["changes"].rows[0]
    assert changes[0] == place_in("nation", language)
    assert changes[4].endswith("†")
    assert changes[-1].startswith("−")
    assert any("‡" in note for note in printed["changes"].notes)
    assert len(printed["concentrations"].rows) == 4 * 2 * 4
    assert not any("‡" in cell for row in printed["changes"].rows[:2] for cell in row)


@pytest.mark.parametrize("language", LANGUAGES)
def test_tables_say_what_is_missing_and_keep_the_rest(language: Language) -> None:
    own = {name: frame for name, frame in tables().items() if name != "attainment"}
    left = facts(own, readings(REGIONS[:3]), scope())
    printed = {one.name: one for one in shown(left, scope(), language)}
    empty, missing = (PHRASES[key][LANGUAGES.index(language)] for key in ("note_empty", "missing"))
    assert printed["attaining"].rows == ()
    assert empty in printed["attaining"].notes
    assert printed["index"].notes[-1].startswith(missing[:1])
    assert place_in("yrd_31", language) in printed["index"].notes[-1]
    assert len(printed["changes"].rows) > 10


def test_no_facts_make_empty_tables() -> None:
    nothing = facts({}, [], scope())
    assert all(frame.empty for frame in report_tables(nothing, scope()).values())
    assert all(one.notes for one in shown(nothing, scope(), "zh"))
