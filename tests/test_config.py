"""One YAML file, one frozen tree: what is agreed is kept as it was said, what is not is refused by its key."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import small_world
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.config import Config, load, validate
from pipeline.errors import ConfigError
from pipeline.stations import READERS
from pipeline.vocabulary import POLLUTANTS

ROOT = Path(__file__).resolve().parents[1]
DAY = st.dates(datetime.date(2000, 1, 1), datetime.date(2030, 12, 31))
MONTH_DAYS = [f"{datetime.date(2001, 1, 1) + datetime.timedelta(days=n):%m-%d}" for n in range(365)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of the names that the config mentions; what is in them does not matter here."""
    folder = tmp_path_factory.mktemp("config")
    for name in ("observations.csv", "weather.csv", "stations.csv", "regions.yml"):
        (folder / name).touch()
    return folder


def written(folder: Path, changes: dict[str, Any]) -> Path:
    return small_world.write_config(folder, changes, name="changed.yml")


def refusal(folder: Path, changes: dict[str, Any], settings: tuple[str, ...] = ()) -> str:
    """What the config is refused with, without the path of its file."""
    path = written(folder, changes)
    with pytest.raises(ConfigError) as refused:
        load(path, settings)
    return str(refused.value).replace(f"{path}: ", "")


# --- laws


@settings(max_examples=50)
@given(
    year_start=st.sampled_from(MONTH_DAYS),
    utc_offset=st.integers(-12, 14),
    pollutants=st.lists(st.sampled_from([*POLLUTANTS, "benzene", "黑碳"]), min_size=1, unique=True),
    levels=st.lists(st.sampled_from(["station", "city", "region"]), min_size=1, unique=True),
    members=st.integers(2, 1000),
    regions=st.none() | st.dictionaries(st.text(min_size=1), st.lists(st.text(min_size=1)), max_size=3),
)
def test_a_config_is_what_its_own_dump_says(folder: Path, **keys: Any) -> None:
    raw = {**small_world.CONFIG, **keys, "model": {"members": keys["members"]}}
    del raw["members"]
    config = validate(raw, folder=folder, where="test")
    assert validate(config.model_dump(mode="json"), folder=Path("/elsewhere"), where="test") == config


@given(period=st.tuples(DAY, DAY), base=st.tuples(DAY, DAY))
def test_a_base_period_lies_in_the_period_or_is_refused(
    folder: Path, period: tuple[datetime.date, datetime.date], base: tuple[datetime.date, datetime.date]
) -> None:
    agreed = period[0] <= base[0] < base[1] <= period[1]
    raw = {**small_world.CONFIG, "period": period, "base_period": base}
    if agreed:
        config = validate(raw, folder=folder, where="test")
        assert (config.period, config.base_period) == (period, base)
    else:
        with pytest.raises(ConfigError, match="period: "):
            validate(raw, folder=folder, where="test")


@given(key=st.text(min_size=1).filter(lambda key: key not in Config.model_fields))
def test_a_key_that_is_not_agreed_is_refused_by_name(folder: Path, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        validate({**small_world.CONFIG, key: 1}, folder=folder, where="test")
    assert str(refused.value).startswith(f"test: {key}: unknown key; known here: name, period, base_period")


@given(members=st.integers(2, 1000), seed=st.integers(0, 2**40))
def test_a_setting_says_what_the_file_could_say(folder: Path, members: int, seed: int) -> None:
    said = load(written(folder, {"model": {"members": members, "seed": seed}}))
    path = written(folder, {"model": {"members": 7}})
    assert load(path, [f"model.members={members}", f"model.seed={seed}"]) == said


def test_a_year_may_start_on_any_day_that_every_year_has(folder: Path) -> None:
    raw = small_world.CONFIG
    configs = [validate({**raw, "year_start": day}, folder=folder, where="test") for day in MONTH_DAYS]
    assert [config.year_start for config in configs] == MONTH_DAYS


@pytest.mark.parametrize("wrong", ["02-29", "02-30", "13-01", "00-10", "3-1", "0301", "W01-1", "March 1", ""])
def test_a_year_starts_on_no_other_day(folder: Path, wrong: str) -> None:
    assert refusal(folder, {"year_start": wrong}) == (
        f"year_start: found {wrong!r}; allowed: MM-DD, a day that every year has, such as '03-01'"
    )


# --- what is kept


def test_paths_are_relative_to_the_config_wherever_it_is_run_from(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(folder, {"regions": "regions.yml"})
    monkeypatch.chdir(tmp_path)
    config = load(path)
    assert config.observations.path == folder / "observations.csv"
    assert config.weather.path == folder / "weather.csv"  # type: ignore[union-attr]
    assert (config.stations, config.regions) == (folder / "stations.csv", folder / "regions.yml")
    monkeypatch.chdir(folder)
    assert load(Path("changed.yml")) == config


def test_the_tree_is_frozen(folder: Path) -> None:
    config = load(written(folder, {}))
    for part, key in ((config, "name"), (config.model, "seed"), (config.observations, "path")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(part, key, 1)


def test_the_later_of_two_settings_holds(folder: Path) -> None:
    config = load(written(folder, {}), ["model.seed=1", "model.seed=2", "regions={One: [Eastham, Westham]}"])
    assert config.model.seed == 2
    assert config.model.members == small_world.CONFIG["model"]["members"]
    assert config.regions == {"One": ("Eastham", "Westham")}


def test_a_setting_can_open_a_block_that_the_file_does_not_have(folder: Path) -> None:
    assert load(written(folder, {"model": None}), ["model.members=3"]).model.members == 3


def test_cities_may_be_named_by_numbers(folder: Path) -> None:
    assert load(written(folder, {"regions": {2: [110000, 120000]}})).regions == {"2": ("110000", "120000")}


@pytest.mark.usefixtures("shared_data")
def test_the_shipped_configs_are_valid() -> None:
    shipped = sorted((ROOT / "configs").glob("*.yml"))
    assert [load(path).name for path in shipped] == [path.stem for path in shipped]


def test_every_method_that_can_be_named_is_there(folder: Path) -> None:
    from pipeline.other_methods import METHODS

    assert load(written(folder, {"model": {"methods": list(METHODS)}})).model.methods == tuple(METHODS)
    assert load(written(folder, {}), ["model.methods=[]"]).model.methods == ()


# --- what is refused, in one line that names the key, what was found and what is allowed

TABLE = small_world.CONFIG["observations"]
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no such block": ({"tree": {}}, "tree: unknown key; known here: name, period"),
    "no such key of the model": ({"model": {"membrs": 4}}, "model.membrs: unknown key; known here: members, block_"),
    "no such key of a reader": ({"observations": {**TABLE, "pth": 1}}, "observations.pth: unknown key; known here: pa"),
    "no such key of an event": (
        {"interventions": [{"name": "x", "start": "2020-01-01", "end": "2020-01-02", "until": 1}]},
        "interventions.0.until: unknown key; known here: name, start, end",
    ),
    "nothing where a key is required": ({"period": None}, "period: found nothing; this key is required"),
    "a reader that is not there": (
        {"observations": {**TABLE, "reader": "foo"}},
        f"observations: found 'foo'; allowed: {', '.join(map(repr, READERS))}",
    ),
    "no reader": ({"observations": {"path": "."}}, "observations: found no 'reader'; this key is required"),
    "no block where one is agreed": ({"observations": "a.csv"}, "observations: found 'a.csv'; allowed: a valid map"),
    "a source that is not there": ({"weather": {"source": "era6", "path": "."}}, "weather: found 'era6'; allowed: "),
    "a file that is not there": ({"stations": "no.csv"}, "stations: found no file or folder "),
    "observations that are not there": (
        {"observations": {**TABLE, "path": "no.csv"}},
        "observations.path: found no file or folder ",
    ),
    "a period that ends before it starts": (
        {"period": ["2021-01-01", "2019-01-01"]},
        "period: starts 2021-01-01 and ends 2019-01-01; allowed: [first day, last day], in order",
    ),
    "a period that is no pair": ({"period": "2019"}, "period: found '2019'; allowed: a valid list"),
    "a base period outside the period": (
        {"base_period": ["2018-01-01", "2018-12-31"]},
        "base_period: found 2018-01-01/2018-12-31; allowed: inside the period 2021-01-01/2023-03-15",
    ),
    "an event that ends before it starts": (
        {"interventions": [{"name": "x", "start": "2020-02-01", "end": "2020-01-01"}]},
        "interventions.0: starts 2020-02-01 after it ends 2020-01-01; allowed: start <= end",
    ),
    "a region without a list": ({"regions": {"Plain": "Eastham"}}, "regions: found {'Plain': 'Eastham'}; allowed: a"),
    "regions without names": (
        {"regions": ["Eastham"]},
        "regions: 'Eastham' is no definition of a region; known: bth_2_26",
    ),
    "a pollutant twice": ({"pollutants": ["o3", "o3"]}, "pollutants: found ['o3', 'o3']; allowed: each name once"),
    "a known pollutant misspelt": ({"pollutants": ["PM2.5"]}, "pollutants: found 'PM2.5'; allowed: 'pm25'"),
    "no pollutant": ({"pollutants": []}, "pollutants: found []; allowed: "),
    "a number out of range": ({"utc_offset": 99}, "utc_offset: found 99; allowed: less than or equal to 14"),
    "a word for a number": ({"model": {"members": "many"}}, "model.members: found 'many'; allowed: a valid integer"),
    "a method that is not there": (
        {"model": {"methods": ["oracle"]}},
        "model.methods.0: found 'oracle'; allowed: 'add",
    ),
    "a method twice": (
        {"model": {"methods": ["additive", "additive"]}},
        "model.methods: found ['additive', 'additive']; allowed: each name once",
    ),
    "a name that leads out of the folder": ({"name": ".."}, "name: found '..'; allowed: "),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_one_line_that_names_the_key(folder: Path, case: str) -> None:
    changes, expected = REFUSED[case]
    line = refusal(folder, changes)
    assert line.startswith(expected)
    assert "\n" not in line


def test_each_wrong_key_has_its_line(folder: Path) -> None:
    lines = refusal(folder, {"utc_offset": 99, "tree": 1, "model": {"members": 1}}).splitlines()
    assert [line.split(":")[0] for line in lines] == ["utc_offset", "model.members", "tree"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: a\nname: b\n", "line 1: key 'name' given twice; allowed: once"),
        ("name: a\nmodel:\n  seed: 1\n  seed: 2\n", "line 3: key 'seed' given twice; allowed: once"),
        ("a: [b\nc: {", "not YAML: while parsing a flow sequence"),
        ("a:\n\t- b", "not YAML: while scanning for the next token"),
        ("period: [2021-02-30, 2021-03-01]", "found a date that does not exist (day is out of range for month)"),
        ("", "found NoneType; allowed: a mapping of keys"),
        ("- a\n- b", "found list; allowed: a mapping of keys"),
        ("? [a]\n: b", "not YAML: while constructing a mapping"),
        ("a: \x00", "not YAML: unacceptable character"),
    ],
)
def test_what_is_not_yaml_is_refused_in_one_line(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "config.yml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        load(path)
    assert str(refused.value).startswith(f"{path}: {expected}")
    assert "\n" not in str(refused.value)


def test_what_is_no_text_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.yml").write_bytes(bytes(range(256)))
    for path in (tmp_path, tmp_path / "no.yml", tmp_path / "bytes.yml"):
        with pytest.raises(ConfigError, match="cannot be read"):
            load(path)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("regions", "--set: found 'regions'; allowed: KEY=VALUE"),
        ("=x", "--set: found '=x'; allowed: KEY=VALUE"),
        ("name.first=x", "--set name.first: 'name' holds a value, not keys; allowed: name=VALUE"),
        ("regions={a", "--set regions: not YAML: "),
        ("base_period=[2019-02-30, 2019-12-31]", "--set base_period: found a date that does not exist"),
        ("model.membrs=2", "model.membrs: unknown key; known here: members"),
        ("model={seed: 1, seed: 2}", "--set model: line 1: key 'seed' given twice; allowed: once"),
    ],
)
def test_a_setting_is_held_to_the_same(folder: Path, setting: str, expected: str) -> None:
    line = refusal(folder, {}, (setting,))
    assert line.startswith(expected)
    assert "\n" not in line


def test_the_text_of_the_small_world_is_plain_yaml(folder: Path) -> None:
    assert yaml.safe_load(written(folder, {}).read_text(encoding="utf-8")) == small_world.CONFIG
