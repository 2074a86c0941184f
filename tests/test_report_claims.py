"""Claims of a report: each beside our value, agreeing by its interval or tolerance, or said to be beyond checking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from report_example import REGIONS, example, monthly, scope, weather

from pipeline.errors import ConfigError
from pipeline.report.claims import CLAIMS, WHY, Claim, claims, claims_2025, load_claims, shown_claims, why_in
from pipeline.report.facts import facts
from pipeline.report.wording import PHRASES

NOTHING = {"name": "nation", "quantity": "mci_change_percent", "window": "months_to_date", "pollutant": "pm25"}
OF = {**NOTHING, "period_from": "2020-01/2020-09", "period_to": "2025-01/2025-09"}


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    return example()


def claim(**content: Any) -> Claim:
    return Claim.model_validate({"id": "one", "en": "It fell.", "zh": "下降。", "of": OF, **content})


def checked(found: pd.DataFrame, **content: Any) -> pd.Series:
    return claims(found, scope(), [claim(**content)]).iloc[0]


def with_interval(found: pd.DataFrame, low: float, high: float) -> pd.DataFrame:
    changed = found.copy()
    own = (
        (changed["quantity"] == "mci_change_percent") & (changed["name"] == "nation") & (changed["pollutant"] == "pm25")
    )
    changed.loc[own, ["value", "low", "high"]] = (low + high) / 2, low, high
    return changed


@given(low=st.floats(-20, 20), width=st.floats(0, 10), value=st.floats(-30, 30), tolerance=st.floats(0, 3))
def test_a_value_agrees_when_it_meets_the_interval_give_or_take_its_tolerance(
    found: pd.DataFrame, low: float, width: float, value: float, tolerance: float
) -> None:
    row = checked(with_interval(found, low, low + width), value=value, tolerance=tolerance)
    distance = max(low - value, value - low - width, 0.0)
    if abs(distance - tolerance) > 1e-6:
        assert row["agrees"] == ("yes" if distance < tolerance else "no")


@pytest.mark.parametrize(
    ("low", "high", "answers"),
    [
        (-2.0, -0.1, {"down": "yes", "up": "no", "little": "no"}),
        (0.1, 2.0, {"down": "no", "up": "yes", "little": "no"}),
        (-1.0, 1.0, {"down": "cannot be checked", "up": "cannot be checked", "little": "yes"}),
    ],
)
def test_a_direction_agrees_by_the_interval_and_one_with_zero_refutes_nothing(
    found: pd.DataFrame, low: float, high: float, answers: dict[str, str]
) -> None:
    for direction, answer in answers.items():
        assert checked(with_interval(found, low, high), direction=direction)["agrees"] == answer


def test_a_number_without_an_interval_agrees_within_the_tolerance(found: pd.DataFrame) -> None:
    of = {"name": "nation", "pollutant": "pm25", "quantity": "concentration", "window": "year", "period_to": "2020"}
    level = monthly("nation", "pm25", 2020).mean()
    assert checked(found, of=of, value=level + 0.4, tolerance=0.5)["agrees"] == "yes"
    assert checked(found, of=of, value=level + 0.6, tolerance=0.5)["agrees"] == "no"


def test_the_truth_that_was_planted_is_borne_out_in_full_by_a_file_of_claims(
    found: pd.DataFrame, tmp_path: Path
) -> None:
    entries = [
        {
            "id": f"{region}-{pollutant}", "en": "The index changed.", "zh": "指数变化。",
            "of": {**OF, "name": region, "pollutant": pollutant},
            "value": float(100 * (weather(region, pollutant, 2025) / weather(region, pollutant, 2020) - 1)),
        }
        for region in REGIONS[:4]
        for pollutant in ("pm25", "o3")
    ]  # fmt: skip
    path = tmp_path / "truth.yml"
    path.write_text(yaml.safe_dump({"claims": entries}, allow_unicode=True), encoding="utf-8")
    table = claims(found, scope(), load_claims(path))
    assert list(table["agrees"]) == ["yes"] * 8
    assert list(table.columns) == list(CLAIMS)


def test_a_claim_against_a_whole_year_has_the_same_months_beside_it(found: pd.DataFrame) -> None:
    of = {"name": "nation", "pollutant": "pm25", "quantity": "change_percent", "window": ["partial_with_year", "year"],
          "period_from": "2020", "period_to": ["2025-01/2025-09", "2025"]}  # fmt: skip
    row = checked(found, of=of, value=-15.4)
    means = [monthly("nation", "pm25", year)[:9].mean() for year in (2020, 2025)]
    assert row["same_months"] == pytest.approx(100 * (means[1] / means[0] - 1))
    assert row["value"] == pytest.approx(100 * (means[1] / monthly("nation", "pm25", 2020).mean() - 1))
    assert np.isnan(checked(found, direction="down")["same_months"])


def test_the_words_year_and_base_year_are_those_of_the_report(found: pd.DataFrame) -> None:
    of = {"name": "nation", "pollutant": "o3", "quantity": "weather", "statistic": "p90", "window": "shared_days",
          "period_from": "base_year", "period_to": "year"}  # fmt: skip
    assert checked(found, of=of, direction="up")["fact"] == "region/nation/o3/p90/weather/shared_days/2020/2025"


@pytest.mark.parametrize(
    ("of", "why"),
    [
        ({"name": "mid_yangtze_22"}, "no_region"),
        ({"pollutant": "no2"}, "no_pollutant"),
        ({"period_to": "1999"}, "no_period"),
        ({"quantity": "joy"}, "no_fact"),
    ],
)
def test_what_the_run_does_not_have_cannot_be_checked_and_says_why(
    found: pd.DataFrame, of: dict[str, str], why: str
) -> None:
    row = checked(found, of={**OF, **of}, direction="down")
    assert (row["agrees"], row["why"]) == ("cannot be checked", why)
    assert why_in("zh", row) == PHRASES[f"claim_{why}"][1]
    assert pd.isna(row["value"])


def test_the_claims_of_the_2025_report_ship_and_are_checked(found: pd.DataFrame) -> None:
    shipped = claims_2025()
    values = {one.id: one.value for one in shipped}
    assert (values["pm25_nation_change"], values["pm25_bths_change"], values["pm25_fwp_change"]) == (-15.4, -32, -27)
    assert (values["pm25_cities"], values["pm25_cities_change"], values["o3_index_nation"]) == (290, 86, 1.2)
    assert {one.id: one.direction for one in shipped}["pm25_index_yrd"] == "up"
    table = claims(found, scope())
    assert set(table["why"]) <= set(WHY)
    assert set(table.loc[table["why"] == "no_region", "name"]) == {"prd_9", "cy_16"}
    checkable = table[table["why"] != "no_region"]
    assert checkable["fact"].isin(found["fact"]).all()


def test_no_facts_leave_every_claim_unchecked() -> None:
    table = claims(facts({}, [], scope()), scope())
    assert set(table["why"]) == {"no_region"}


def test_the_printed_claims_have_a_row_and_a_reason_each_in_both_languages(found: pd.DataFrame) -> None:
    table = claims(found, scope())
    for language, yes in (("en", "yes: the same direction"), ("zh", "是：方向一致")):
        printed = shown_claims(table, language)
        assert len(printed.rows) == len(table)
        assert {len(row) for row in printed.rows} == {len(printed.headings)}
        assert yes in {row[4] for row in printed.rows}
        assert any("[" in row[2] for row in printed.rows)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("claims: 3", "no list of claims"),
        ("a: [", "not YAML"),
        ("claims: [{id: x, en: a, zh: b, of: {name: n, quantity: q, window: w, period_to: 2025}}]", "one of them"),
        ("claims: [{id: x, en: a, zh: b, value: 1}]", "claim x: of: Field required"),
        ("claims: [{id: x, en: a, zh: b, value: 1, of: {name: n, quantity: q, window: w}}]", "x: of.period_to"),
        ("claims: [hello]", "claim 1: entry"),
        (
            "claims: [&o {id: x, en: a, zh: b, value: 1, of: {name: n, quantity: q, window: w, period_to: 1}}, *o]",
            "'x' is given twice",
        ),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_in_one_line_with_the_claim_and_key(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "claims.yml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_claims(path)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_claims(tmp_path / "none.yml")
