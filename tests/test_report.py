"""The annual report end to end, on the small world: made, made again, asked for what is not there."""

import re
import shutil
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

from tests import small_world
from tests.small_world import tianbang

YEAR = "2022"


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    """The config of the small world in both languages; ozone alone is separated."""
    changes = {"languages": ["en", "zh"], "levels": ["city", "region"], "model": {"members": 4, "methods": []}}
    return small_world.write(tmp_path_factory.mktemp("world"), changes)


@pytest.fixture(scope="module")
def run(world, tmp_path_factory) -> Path:
    """A run folder with the report of 2022."""
    folder = tmp_path_factory.mktemp("run")
    made = tianbang("report", world, "--year", YEAR, "--out", folder)
    assert made.code == 0, made.err
    return folder


@pytest.fixture(scope="module")
def report(run) -> Path:
    return run / "report" / YEAR


@pytest.fixture(scope="module")
def facts(report) -> pd.DataFrame:
    return pd.read_csv(report / "facts.csv", keep_default_na=False, na_values={"low": "", "high": "", "days": ""})


def files(folder: Path) -> dict[str, bytes]:
    """The bytes of every file of the report, by name; manifests aside."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class Page(HTMLParser):
    """What a reader and a program find in the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag: str, attribute: str) -> list[str]:
        """The values of an attribute of every such tag that has it."""
        return [value for name, own in self.tags if name == tag and (value := own.get(attribute)) is not None]


@pytest.fixture(scope="module")
def page(report) -> Page:
    return Page((report / "report.html").read_text(encoding="utf-8"))


def test_every_number_of_the_page_leads_to_a_fact_with_its_value(page, facts):
    known = facts.set_index("fact")["value"]
    named = [own for tag, own in page.tags if tag == "data" and "data-fact" in own]
    assert named
    for own in named:
        first, *others = own["data-fact"].split(" | ")
        assert {first, *others} <= set(known.index)
        assert float(own["value"]) == pytest.approx(known[first], rel=1e-5)


def test_the_page_asks_nothing_of_the_network_and_leads_nowhere_that_is_not_there(page):
    sources = [*page.all("img", "src"), *page.all("link", "href")]
    assert sources
    assert all(source.startswith("data:") for source in sources)
    assert not page.all("script", "src")
    anchors = [anchor.removeprefix("#") for anchor in page.all("a", "href")]
    identifiers = [value for _, own in page.tags if (value := own.get("id"))]
    assert len(set(identifiers)) == len(identifiers)
    assert set(anchors) <= set(identifiers)


def test_each_picture_of_the_page_says_what_is_seen(page):
    assert all(page.all("img", "alt"))
    assert len(page.all("img", "alt")) == len(page.all("img", "src"))


def test_what_the_run_lacks_is_said_and_the_rest_is_made(page, facts):
    text = "".join(page.text)
    assert "pm25" not in set(facts["pollutant"])
    assert "Missing" in text or "missing" in text
    assert "O3" in text.replace("₃", "3")


def test_each_language_has_a_pdf_with_its_fonts_inside(report):
    for language in ("en", "zh"):
        content = (report / f"report.{language}.pdf").read_bytes()
        assert content.startswith(b"%PDF")
        assert b"/FontFile" in content
        assert b"NotoSerifSC" in content or language == "en"


def test_the_zip_holds_every_file_of_the_folder_and_nothing_else(run, report):
    with zipfile.ZipFile(run / "report" / f"tianbang-report-small-{YEAR}.zip") as packed:
        packed_files = {name.partition("/")[2]: packed.read(name) for name in packed.namelist()}
    assert packed_files == files(report)


def test_the_grid_holds_the_facts(report, facts):
    row = facts[(facts["quantity"] == "weather") & (facts["level"] == "region")].iloc[0]
    with xr.open_dataset(report / "report.nc") as grid:
        cell = grid["weather"].sel(
            name=f"region:{row['name']}",
            pollutant=row["pollutant"],
            statistic=row["statistic"],
            comparison=f"{row['window']} {row['period_from']} {row['period_to']}",
        )
        assert cell.item() == pytest.approx(row["value"], rel=1e-5)


def test_nothing_names_a_folder_or_a_user_of_this_machine(run, report, world):
    folders = [str(run), str(world.parent), str(Path.home()), str(Path(__file__).parents[1])]
    for name, content in files(report).items():
        for folder in folders:
            assert folder.encode() not in content, (name, folder)


def test_a_report_made_in_another_folder_is_the_same_bytes(world, run, report, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "report")
    made = tianbang("report", world, "--year", YEAR, "--out", tmp_path / "run")
    assert made.code == 0, made.err
    mine, theirs = files(run / "report"), files(tmp_path / "run" / "report")
    assert sorted(mine) == sorted(theirs)
    assert [name for name in mine if mine[name] != theirs[name]] == []


def test_a_second_time_nothing_is_written_and_a_change_of_hand_is_made_good(world, run, report):
    before = small_world.content(run)
    assert tianbang("report", world, "--year", YEAR, "--out", run).code == 0
    assert small_world.content(run) == before
    page = report / "report.html"
    whole = page.read_bytes()
    page.write_text("something else", encoding="utf-8")
    assert tianbang("report", world, "--year", YEAR, "--out", run).code == 0
    assert page.read_bytes() == whole


def test_the_run_leaves_its_reports_alone(world, run, report):
    before = files(run / "report")
    (run / "index.html").unlink()
    assert tianbang("run", world, "--out", run).code == 0
    assert files(run / "report") == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--year", "2030"], "2030"),
        (["--year", "2022", "--through", "2021-06"], "--through"),
        (["--year", "2022", "--through", "2022-13"], "--through"),
        (["--year", "2023", "--through", "2023-09"], "--through"),
        (["--year", "2022", "--set", "regions=null"], "regions"),
    ],
)
def test_what_cannot_be_reported_is_one_line_and_nothing_is_made(world, tmp_path, arguments, told):
    refused = tianbang("report", world, *arguments, "--out", tmp_path / "run")
    assert refused.code == 2
    assert refused.out == ""
    assert re.fullmatch(r"tianbang: [^\n]*\n", refused.err)
    assert told in refused.err
    assert not (tmp_path / "run").exists()
