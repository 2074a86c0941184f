"""The page: one file, no network, escaped, bilingual, with direction words that the intervals bear out."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from test_figures import Key, config_of, frames_of, made, stations_of, stepped

from pipeline import figures, page, tables, wording
from pipeline.figures.subjects import Selection
from pipeline.page import cells, content, images, sentences, truth
from pipeline.readings import mean_of
from pipeline.store import Run

ONE = Selection((("region", "R"),), {}, 0)
CALM, FALLING, RISING = (-0.2, 3.0), (-4.0, 0.5), (4.0, 0.5)
"""Estimate and spread of weather's part: an interval with zero, one below it, one above it."""


class Reader(HTMLParser):
    """What a browser would see: tags with their attributes, and texts."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts, self.open = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, name):
        return [attributes for tag, attributes in self.tags if tag == name]


def written(folder, readings, *, stations=None, truth=None, notes=(), draw=True, **more):
    """The page of some readings, as it is written into a run folder."""
    store, key, config = Run(folder / "run"), Key(), config_of(folder, **more)
    store.path("daily").mkdir(parents=True, exist_ok=True)
    places = {"stations": stations or {}, "regions": {}}
    store.path("daily/places.json").write_text(json.dumps(places), encoding="utf-8")
    store.record("daily/places.json", "made", {})
    frames = frames_of(readings) | ({} if truth is None else {"truth": truth})
    planned = figures.plan(config, readings, frames, stations or {}) if draw else []
    page.write(config, store, key, readings, frames, [figure.draw(store, key) for figure in planned], list(notes))
    assert store.fresh("index.html", key.products)
    return store.path("index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A page with everything: a region that repeats its city, two stations on a map, two pollutants."""
    readings = [made("region", "Beijing", name) for name in ("pm25", "o3")]
    readings += [made("city", "Beijing", name) for name in ("pm25", "o3")]
    readings += [made("station", name, seed=seed) for seed, name in enumerate("AB")]
    return written(tmp_path_factory.mktemp("page"), readings, stations=stations_of("A", "B"), notes=["B: 3 rejected"])


def test_the_page_asks_nothing_of_the_network(whole):
    reader = Reader(whole)
    pictures = [tag["src"] for tag in reader.all("img")]
    links = [tag["href"] for name in ("a", "link") for tag in reader.all(name)]
    assert pictures
    assert all(source.startswith("data:image/png;base64,") for source in pictures)
    assert all(link.startswith(("#", "data:")) for link in links)
    assert not re.search(r"https?://|@import|url\(|fetch\(|XMLHttpRequest|localStorage|cookie", whole)
    assert not any("src" in tag for tag in reader.all("script"))
    (policy,) = [tag["content"] for tag in reader.all("meta") if tag.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")


def test_the_page_is_small_and_says_what_its_pictures_show(whole):
    assert len(whole.encode()) < 3_000_000
    alternatives = [tag["alt"] for tag in Reader(whole).all("img")]
    assert len(alternatives) == 2 * (2 * 4 + 1)
    assert all(len(text) > 20 for text in alternatives)


def test_the_first_language_is_shown_and_a_button_leads_to_the_other(whole):
    reader = Reader(whole)
    blocks = [tag for tag in reader.all("div") if tag.get("class") == "language"]
    assert [(block["lang"], "hidden" in block) for block in blocks] == [("en", False), ("zh", True)]
    buttons = [tag for tag in reader.all("button") if "switch" in tag["class"]]
    assert [button["data-language"] for button in buttons] == ["zh", "en"]
    assert all(button["type"] == "button" for button in buttons)


def test_chinese_comes_first_where_the_config_says_so_and_one_language_needs_no_button(tmp_path):
    html = written(tmp_path, [made("region", "R")], languages=["zh"], draw=False)
    assert '<html lang="zh">' in html
    assert not Reader(html).all("button")


def test_ids_are_unique_and_links_find_their_place(whole):
    reader = Reader(whole)
    ids = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {tag["href"][1:] for tag in reader.all("a")} <= set(ids)


@pytest.mark.parametrize("level", ["region", "station"])
def test_every_text_from_data_is_escaped(tmp_path, level):
    evil = "<script>alert(1)</script>"
    readings = [made(level, evil, 'x"><img src=x onerror=alert(1)>'), made("station", evil + "2", seed=2)]
    stations = {evil: {"name": evil, "city": evil, "latitude": 1.0, "longitude": 1.0}}
    html = written(tmp_path, readings, stations=stations, notes=[evil], languages=["en"])
    reader = Reader(html)
    assert len(reader.all("script")) == 1
    assert not any("onerror" in attributes for _, attributes in reader.tags)
    assert evil in reader.texts  # it shows, as text
    assert "<li>&lt;script&gt;alert(1)&lt;/script&gt;</li>" in html


def test_the_notes_of_every_stage_are_listed_once(whole):
    assert whole.count("<li>B: 3 rejected</li>") == 2  # in either language


def test_a_run_without_notes_says_so(tmp_path):
    html = written(tmp_path, [made("region", "R")], languages=["en"], draw=False)
    assert wording.phrase("no_notes", "en") in html


def test_provenance_names_version_config_seed_and_inputs(whole):
    for value in ("tianbang 0.", "0" * 64, "<dd>1</dd>"):
        assert value in whole


def test_the_index_is_called_mci_and_never_emi(whole):
    text = " ".join(Reader(whole).texts)
    assert "meteorological condition index (MCI)" in text
    assert "气象条件评估指数" in text
    assert "EMI" not in text


@pytest.mark.parametrize(
    ("meteorology", "english", "chinese"),
    [
        (CALM, "The weather alone left it little changed", "气象条件的影响基本持平"),
        (FALLING, "The weather lowered it", "气象条件使其下降"),
        (RISING, "The weather raised it", "气象条件使其上升"),
    ],
)
def test_direction_words_come_from_the_interval(tmp_path, meteorology, english, chinese):
    html = written(tmp_path, [made("region", "R", meteorology=meteorology)], draw=False)
    assert english in html
    assert chinese in html


def test_an_interval_that_touches_its_base_is_little_changed():
    assert wording.direction(-2.0, -0.1) == "lowered"
    assert wording.direction(0.1, 2.0) == "raised"
    for low, high in ((-1.0, 1.0), (0.0, 1.0), (-1.0, 0.0), (float("nan"), float("nan"))):
        assert wording.direction(low, high) == "little"
    assert [wording.index_word(*bounds) for bounds in ((90, 99), (101, 110), (95, 105))] == [
        "favourable",
        "unfavourable",
        "near_base",
    ]


def test_the_headline_gives_the_numbers_of_the_longest_change():
    readings = [made("region", "R", meteorology=FALLING)]
    frames = frames_of(readings)
    (row,) = sentences.longest(sentences.marked(frames["attribution"], frames["concentrations"])).to_dict("records")
    assert (row["period_from"], row["period_to"]) == (2019, 2021)
    said = sentences.headline(row, frames["index"], "en")
    assert said.startswith("From 2019 to 2021 the annual mean fell by 6.5 µg m⁻³ (13.0 %), from 50.0 to 43.5.")
    assert f"{wording.signed(row['meteorology'])} µg m⁻³" in said
    chinese = sentences.headline(row, frames["index"], "zh")
    assert chinese.startswith("2021年年均浓度为43.5微克/立方米，较2019年的50.0微克/立方米下降6.5微克/立方米（13.0%）。")


def test_the_headline_names_the_largest_share_and_the_trend_with_their_intervals():
    frames = frames_of([made("region", "R", meteorology=FALLING)])
    row = sentences.longest(frames["attribution"]).iloc[0].to_dict()
    said = sentences.driver_sentence(row, frames["drivers"], "en")
    assert "wind and transport, which lowered it: −3.6 µg m⁻³" in said
    assert "风与传输，使其下降：−3.6微克/立方米" in sentences.driver_sentence(row, frames["drivers"], "zh")
    assert sentences.driver_sentence({**row, "statistic": "p90"}, frames["drivers"], "en") == ""
    (slope,) = frames["trends"].query("series == 'normalized'").to_dict("records")
    told = sentences.trend_sentence(frames["trends"], "en", level=50.0)
    assert "From 2019-01 to 2021-12 the weather-normalized concentration fell" in told
    assert f"{wording.signed(slope['slope_low'], 2)} to {wording.signed(slope['slope_high'], 2)}" in told
    assert sentences.trend_sentence(frames["trends"].iloc[:0], "en", level=50.0) == ""


@pytest.mark.parametrize(("bounds", "word"), [((-1, 2), "no clear trend"), ((1, 2), "rose"), ((-2, -1), "fell")])
def test_the_word_for_a_trend_comes_from_its_interval(bounds, word):
    trends = frames_of([made("region", "R")])["trends"].assign(slope=0.5, slope_low=bounds[0], slope_high=bounds[1])
    assert word in sentences.trend_sentence(trends, "en", level=50.0)


@pytest.mark.parametrize(
    ("r2", "expected"),
    [(0.8, ""), (0.3, ""), (0.29, "explains little"), (-0.1, "worse than the mean"), (float("nan"), "")],
)
def test_a_model_that_explains_little_is_cautioned_against(r2, expected):
    said = sentences.caution(frames_of([made("region", "R")])["skill"].assign(r2=r2), "en")
    assert expected in said
    assert bool(said) == bool(expected)


def test_the_caution_stands_above_the_headline(tmp_path):
    readings = made("region", "R")
    unskilled = readings.assign(held_out=readings["observed"] * 0 + 500)
    html = written(tmp_path, [unskilled], draw=False)
    assert html.count('<p class="caution">') == 2  # in either language
    assert '<p class="caution">' not in written(tmp_path, [readings], draw=False)


def test_shares_trends_and_change_points_stand_in_tables():
    frames = frames_of([stepped(made("region", "R", meteorology=FALLING, years=tuple(range(2016, 2024))))])
    shares = cells.drivers(frames["drivers"], "en")
    names = [name for name, _ in shares.columns]
    assert names[:4] == ["pollutant", "period", "temperature", "wind and transport"]
    assert "other" not in names  # there is no such driver
    assert shares.rows[0][1] == "2016–2023"
    assert shares.whole == {0}
    assert shares.rows[0][3].startswith("−3.6\n[")
    slopes = cells.trends(frames["trends"], "zh")
    assert [row[1] for row in slopes.rows] == ["观测", "气象归一化"]
    steps = cells.changepoints(frames["changepoints"], "en")
    assert [row[1] for row in steps.rows] == ["2020-07"]


def dated(place, effect):
    """Readings with two dated interventions: one of ``effect`` [%], and one that nobody observed."""
    members = place.sizes["member"] - 1
    spread = np.linspace(-3, 3, members)
    values = np.array([[effect, *(effect + spread)], np.full(members + 1, np.nan)])
    starts = np.array(["2020-01-24", "2020-06-01"], dtype="datetime64[ns]")
    return place.assign(intervention_effect=(("intervention", "member"), values)).assign_coords(
        intervention=np.array(["lockdown", "games"], dtype=object),
        intervention_start=("intervention", starts),
        intervention_end=("intervention", starts + np.timedelta64(9, "D")),
    )


def test_the_size_of_a_dated_intervention_stands_in_a_table(tmp_path):
    readings = [dated(made("city", "C"), -31.4)]
    rows = tables.interventions(readings)
    shown = cells.interventions(rows, "en")
    assert [row[1:3] for row in shown.rows] == [("lockdown", "2020-01-24 – 2020-02-02")]
    assert shown.rows[0][3].startswith("−31 [−")
    assert rows["effect_low"][0] < -31.4 < rows["effect_high"][0]
    assert tables.interventions([made("city", "C")]).empty


def test_a_regions_intervention_is_the_mean_over_its_cities():
    cities = [dated(made("city", name), effect) for name, effect in (("A", -20.0), ("B", -40.0))]
    (row,) = tables.interventions([mean_of(cities)]).to_dict("records")
    assert row["effect_percent"] == pytest.approx(-30)
    nowhere = cities[1].assign(intervention_effect=cities[1]["intervention_effect"] * np.nan)
    (alone,) = tables.interventions([mean_of([cities[0], nowhere])]).to_dict("records")
    assert alone["effect_percent"] == pytest.approx(-20)


def test_the_spread_between_methods_stands_beside_our_interval(tmp_path):
    readings = [made("region", "R", meteorology=FALLING)]
    frames = frames_of(readings)
    ours = frames["attribution"][[*cells.CHANGE, "meteorology", "emissions", "units"]]
    shifts = {"tianbang": 0.0, "forest": 1.0, "boosting": -2.0}
    methods = pd.concat([ours.assign(method=name, meteorology=ours["meteorology"] + by) for name, by in shifts.items()])
    table = cells.methods(cells.beside_interval(methods, frames["attribution"]), "en")
    own = frames["attribution"].query("period_from == 2019 and period_to == 2021").iloc[0].to_dict()
    assert table.rows[0][2] == cells.bounded(own, "meteorology", wording.signed)
    assert table.rows[0][3] == "−6.0 … −3.0"
    assert table.rows[0][6] == "3"
    assert all(name in table.note for name in shifts)
    html = page.render(content.Run(config_of(tmp_path), frames | {"methods": methods}, ONE, {}, [], [], {}))
    assert wording.phrase("methods", "en") in html
    assert wording.phrase("methods", "zh") in html


def test_chemical_regime_and_feedback_are_among_the_caveats(whole):
    texts = Reader(whole).texts
    for key in ("caveat_regime", "caveat_feedback"):
        assert all(wording.phrase(key, language) in texts for language in ("en", "zh"))


def test_numbers_carry_a_true_minus_and_zero_has_no_sign():
    assert wording.number(-1.25, 1) == "−1.2"
    assert wording.number(-0.04, 1) == "0.0"
    assert wording.number(float("nan")) == "–"
    assert [wording.signed(value) for value in (1.0, 0.04, -1.0)] == ["+1.0", "0.0", "−1.0"]
    assert [wording.decimals_of(size) for size in (80.0, 0.8, 0.02, float("nan"))] == [1, 2, 3, 1]


def test_years_are_told_from_first_to_last_and_then_one_by_one():
    table = cells.attribution(frames_of([made("region", "R")])["attribution"], "en")
    assert [row[1] for row in table.rows] == ["2019–2021", "2019–2020", "2020–2021"]
    assert table.whole == {0}
    two = cells.attribution(frames_of([made("region", "R", years=(2020, 2021))])["attribution"], "en")
    assert [row[1] for row in two.rows] == ["2020–2021"]


def test_the_base_period_is_no_direction_and_part_of_a_year_is_marked():
    frame = frames_of([made("region", "R")])["index"]
    year = frame["frequency"] == "year"
    frame.loc[year & (frame["period"] == "2019"), ["mci", "mci_low", "mci_high"]] = 100.0
    frame.loc[year & (frame["period"] == "2021"), "days"] = 200
    table = cells.index(frame, "en")
    assert table.rows[0][2:4] == ("100.0 [100.0, 100.0]", "base period")
    assert [row[1] for row in table.rows] == ["2019", "2020", "2021†"]
    assert "†" in table.note


def test_an_invalid_year_is_marked():
    frame = frames_of([made("region", "R")])["concentrations"]
    frame.loc[frame["period"] == "2020", "valid"] = False
    rows = cells.concentrations(frame, "zh").rows
    assert [(row[3].endswith("*"), row[5]) for row in rows] == [
        (False, "是"),
        (True, "否"),
        (False, "是"),
        (False, "是"),
    ]


def test_a_city_that_repeats_its_region_is_named_there(whole):
    assert wording.phrase("only_city", "en", city="Beijing") in whole
    assert len([tag for tag in Reader(whole).all("section") if tag.get("class") == "place"]) == 2


def test_many_places_can_be_chosen_filtered_and_are_told_of(tmp_path):
    readings = [made("region", f"R{i}", seed=i) for i in range(3)] + [
        made("city", f"C{i}", seed=9 + i) for i in range(12)
    ]
    html = written(tmp_path, readings, languages=["en"], draw=False)
    reader = Reader(html)
    options = [tag["value"] for tag in reader.all("option")]
    assert options == ["", "en-place-0", "en-place-1", "en-place-2"]
    assert [tag for tag in reader.all("input") if tag["type"] == "search"]
    assert wording.phrase("not_drawn", "en", drawn=3, left=12) in html
    assert "C11" in reader.texts


def test_stations_alone_make_a_page_with_their_own_names(tmp_path):
    html = written(tmp_path, [made("station", "A")], stations=stations_of("A"))
    assert "站0（A）" in html
    assert "The weather lowered it" in html
    assert not Reader(html).all("img")


def test_one_year_makes_a_page_that_says_there_is_nothing_to_compare(tmp_path):
    html = written(tmp_path, [made("region", "R", years=(2020,))], languages=["en"])
    assert wording.phrase("no_change", "en") in html


def test_rows_and_notes_beyond_the_limit_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(content, "ROWS_SHOWN", 2)
    monkeypatch.setattr(content, "NOTES_SHOWN", 2)
    readings = [made("station", f"S{i}", seed=i) for i in range(5)]
    html = written(tmp_path, readings, languages=["en"], notes=["one", "two", "three"], draw=False)
    assert wording.phrase("rows_left_out", "en", left=3) in html
    assert wording.phrase("notes_left_out", "en", left=1) in html


def test_pictures_beyond_the_budget_are_named_by_their_path(tmp_path):
    store, readings = Run(tmp_path / "run"), [made("region", "R")]
    planned = figures.plan(config_of(tmp_path), readings, frames_of(readings), {})
    drawn = [figure.draw(store, Key()) for figure in planned]
    found = images.embedded(store, drawn, budget=120_000)
    assert sum(len(image.source) for image in found) <= 120_000
    shown = {
        language: [bool(one.source) for one in found if one.figure.language == language] for language in ("en", "zh")
    }
    assert all(any(flags) and not all(flags) for flags in shown.values())
    assert all(image.figure.artefact("png") in image.elsewhere for image in found if not image.source)


def test_a_known_truth_is_shown_with_coverage_and_error(tmp_path):
    readings = [made("region", "R", meteorology=FALLING)]
    attribution = frames_of(readings)["attribution"]
    known = attribution[truth.KEYS].assign(
        meteorology_true=attribution["meteorology"] + [1.0, -2.0, 3.0],
        emissions_true=attribution["emissions"] - 0.5,
        inside=[True, True, False],
    )
    (row,) = truth.errors(known, attribution).to_dict("records")
    assert row["weather_error"] == pytest.approx(2.0)
    assert row["emissions_error"] == pytest.approx(0.5)
    assert row["inside"] == pytest.approx(2 / 3)
    html = written(tmp_path, readings, truth=known, draw=False)
    assert wording.phrase("truth", "en") in html
    assert "67 %" in html
    assert wording.phrase("truth", "zh") in html


def test_without_a_known_truth_there_is_no_such_section(whole):
    assert wording.phrase("truth", "en") not in whole


def placeholders(text):
    return set(re.findall(r"{(\w+)}", text))


@pytest.mark.parametrize("key", sorted(wording.PHRASES))
def test_every_phrase_says_the_same_in_both_languages(key):
    english, chinese = wording.PHRASES[key]
    assert english.strip()
    assert chinese.strip()
    assert placeholders(english) == placeholders(chinese)


def test_an_unknown_phrase_or_a_missing_value_is_an_error():
    for key, values in (("no such phrase", {}), ("title", {})):
        with pytest.raises(KeyError):
            wording.phrase(key, "en", **values)


def test_pollutants_units_and_sources_have_names_and_unknown_ones_keep_theirs():
    assert [wording.pollutant_in("zh", name) for name in ("pm25", "o3", "benzene")] == [
        "PM₂.₅",
        "臭氧（O₃）",
        "benzene",
    ]
    assert wording.pollutant_in("en", "o3") == "O₃"
    assert [wording.units_in("zh", units) for units in ("ug m-3", "ppb")] == ["微克/立方米", "ppb"]
    assert [wording.source_in("en", name) for name in ("era5", "mine")] == ["ERA5", "mine"]
    assert wording.statistic_in("en", "o3", "p90") == "90th percentile of the daily maximum 8-hour means"


def test_a_station_s_own_name_is_given_where_it_can_be_read():
    stations = {"1001A": {"name": "万寿西宫"}, "UK1": {"name": "Marylebone"}, "X": {"name": "X"}}
    names = {
        code: [content.place_in(stations, ("station", code), language) for language in ("en", "zh")]
        for code in (*stations, "gone")
    }
    assert names["1001A"] == ["1001A", "万寿西宫（1001A）"]
    assert names["UK1"] == ["Marylebone (UK1)", "Marylebone（UK1）"]
    assert names["X"] == ["X", "X"]
    assert names["gone"] == ["gone", "gone"]


def test_the_same_run_makes_the_same_page(tmp_path):
    readings = [made("region", "R")]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert written(tmp_path / "a", readings) == written(tmp_path / "b", readings)


def test_a_page_of_many_stations_stays_small(tmp_path):
    readings = [made("region", "R")]
    frames = frames_of(readings)
    rows = [frames["attribution"].assign(level="station", name=f"station {i}") for i in range(2000)]
    frames["attribution"] = pd.concat([frames["attribution"], *rows], ignore_index=True)
    config = config_of(tmp_path)
    run = content.Run(config, frames, ONE, {}, [], [], {})
    assert len(page.render(run).encode()) < 1_000_000
