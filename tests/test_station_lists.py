"""Station lists in every dialect: encodings, marks in names, missing coordinates, codes twice, several lists in one."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.stations.station_lists import closure, codes_by_name, merge, read_list, read_lists, read_stations

HEADER = "监测点编码,监测点名称,城市,经度,纬度,对照点"
ROWS = [
    "1001A,万寿西宫,北京,116.366,39.8673,N",
    "1002A,定陵(对照点),北京,116.17,40.2865,Y",
    "1014A,南口路(停运161122),天津,117.193,39.173,Y",
    "1462A,草堂寺（已停运）,西安,108.7,34.0,N",
    "3019A,西沙,三沙,-,-,N",
    "1028A,化工学校,石家庄,,,N",
]


def written(path: Path, rows: list[str], encoding: str = "utf-8", marks: int = 0) -> Path:
    path.write_bytes(b"\xef\xbb\xbf" * marks + "\n".join([HEADER, *rows, ""]).encode(encoding))
    return path


@pytest.mark.parametrize(("encoding", "marks"), [("utf-8", 0), ("utf-8", 1), ("utf-8", 2), ("gb18030", 0)])
def test_a_list_of_the_network_is_read_in_every_encoding(tmp_path: Path, encoding: str, marks: int) -> None:
    found, notes = read_list(written(tmp_path / "list.csv", ROWS, encoding, marks))
    assert list(found.index) == ["1001A", "1002A", "1014A", "1462A", "3019A", "1028A"]
    assert list(found["name"]) == ["万寿西宫", "定陵", "南口路", "草堂寺", "西沙", "化工学校"]
    assert list(found["closed"]) == ["", "", "2016-11-22", "yes", "", ""]
    # Y of a closed station says that it is assessed no more, not that it stood in the background
    assert list(found["background"]) == [False, True, False, False, False, False]
    assert found["latitude"].isna().tolist() == [False, False, False, False, True, True]
    assert notes == []


def test_a_workbook_says_what_the_text_says(tmp_path: Path) -> None:
    text = read_stations(written(tmp_path / "list.csv", ROWS))
    pd.DataFrame([row.split(",") for row in ROWS], columns=HEADER.split(",")).to_excel(tmp_path / "a.xlsx", index=False)
    pd.testing.assert_frame_equal(read_stations(tmp_path / "a.xlsx"), text)


@given(day=st.dates(datetime.date(2013, 1, 1), datetime.date(2025, 12, 31)), long=st.booleans(), first=st.booleans())
def test_a_date_of_closure_is_read_as_it_is_written(day: datetime.date, long: bool, first: bool) -> None:
    text = f"{day:%Y%m%d}" if long else f"{day:%y%m%d}"
    assert closure(f"党校({text}停运)" if first else f"党校（停用{text}）") == day.isoformat()


@pytest.mark.parametrize(
    ("name", "found"),
    [("停车场", ""), ("植物园(145)", ""), ("甲(新增200305)", ""), ("乙(停运)", "yes"), ("丙(停运161332)", "yes")],
)
def test_other_marks_close_nothing(name: str, found: str) -> None:
    assert closure(name) == found


def test_a_code_twice_is_merged_when_the_facts_are_the_same_and_told(tmp_path: Path) -> None:
    found, notes = read_list(written(tmp_path / "list.csv", [*ROWS, ROWS[0]]))
    assert len(found) == len(ROWS)
    assert notes == ["stations: list.csv lists 1 stations (1001A) twice with the same facts"]
    moved = "1001A,万寿西宫,北京,116.4,39.9,N"
    found, notes = read_list(written(tmp_path / "list.csv", [*ROWS, moved]))
    assert found.loc["1001A", "longitude"] == 116.4
    assert notes == ["stations: list.csv lists 1 stations (1001A) twice with different facts; the last counts"]


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.csv", b"<html>404</html>", "not a whole CSV file (it holds no table); fetch or export it again"),
        ("a.csv", b"", "not a whole CSV file (it holds no table); fetch or export it again"),
        ("a.csv", b"\xff\xfe\x00\xff", "not a whole CSV file ("),
        ("a.xlsx", b"404", "not a whole Excel workbook ("),
        (
            "a.csv",
            "监测点编码,城市\n1001A,北京\n".encode(),
            "column 'latitude' is missing; found station, city; agreed station",
        ),
        ("a.csv", f"{HEADER}\n,甲,北京,116,39,N\n".encode(), "column 'station' is empty in row 2; agreed a name"),
        (
            "a.csv",
            f"{HEADER}\n1001A,甲,北京,39.9,116.4,N\n".encode(),
            "column 'latitude', row 2: found 116.4, agreed -90 to 90 degrees; are latitude and",
        ),
        (
            "a.csv",
            f"{HEADER}\n1001A,甲,北京,东,39,N\n".encode(),
            "column 'longitude', row 2: found '东', agreed a number",
        ),
    ],
)
def test_what_is_no_list_is_refused_in_one_line(tmp_path: Path, name: str, content: bytes, line: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        read_list(path)
    assert str(refused.value).startswith(f"{path}: {line}")
    assert "\n" not in str(refused.value)


def test_the_newer_of_two_lists_counts_and_the_differences_are_told(tmp_path: Path) -> None:
    older = written(tmp_path / "old.csv", ROWS)
    newer = written(
        tmp_path / "new.csv",
        [
            "1001A,万寿西宫,北京,116.366,39.9673,N",  # 0.1 degrees of latitude further north
            "1014A,南口路,天津,,,Y",
            "1028A,化工学校,石家庄,114.5,38.0,N",
            "4001A,新站,北京,116.1,40.0,N",
        ],
    )
    found, notes = read_lists([older, newer])
    assert list(found.index) == ["1001A", "1002A", "1014A", "1028A", "1462A", "3019A", "4001A"]
    assert found.loc["1001A", "latitude"] == 39.9673
    assert found.loc["1014A", ["longitude", "latitude", "closed"]].tolist() == [117.193, 39.173, "2016-11-22"]
    assert not found.loc["1014A", "background"]
    assert found.loc["1028A", "latitude"] == 38.0
    moved = "stations: between the lists 1 stations (1001A) moved by 1 km or more, 1001A most (11 km); "
    assert notes == [
        "stations: between the lists 1 stations (1014A) are background in one only",
        f"{moved}the newer list's coordinates count",
        "stations: the newer list lacks 3 stations (1002A, 1462A, 3019A); kept from the older",
    ]


@given(order=st.permutations(range(len(ROWS))))
def test_the_order_of_rows_and_a_second_reading_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("lists")
    one = read_stations(written(folder / "a.csv", ROWS))
    other = read_stations(written(folder / "b.csv", [ROWS[number] for number in order]))
    pd.testing.assert_frame_equal(other.loc[one.index], one)
    again, notes = merge([one, other])
    pd.testing.assert_frame_equal(again, one.sort_index())
    assert notes == []


def test_the_citys_own_names_find_their_codes() -> None:
    listed = pd.DataFrame(
        {
            "name": ["海淀万柳", "怀柔镇", "密云镇", "密云新城", "房山燕山", "定陵", "定陵"],
            "city": ["北京"] * 6 + ["上海"],
        },
        index=list("ABCDEFG"),
    )
    names = ["万柳", "怀柔", "密云", "房山", "定陵", "前门"]
    assert codes_by_name(names, listed, city="北京") == {"万柳": "A", "怀柔": "B", "密云": "C", "定陵": "F"}


# --- the real lists


def test_the_real_lists_have_their_stations(shared_data: Path) -> None:
    older, notes = read_list(shared_data / "cnemc" / "站点列表-2020.05.08起.xlsx")
    newer, _ = read_list(shared_data / "cnemc" / "NewSiteList_TrajRF.csv")
    # 1,670 rows, 3207A twice; 2,026 stations, 10 without coordinates (the data's README)
    assert (len(older), len(newer), int(newer["latitude"].isna().sum())) == (1669, 2026, 10)
    assert "3207A" in notes[0]
    assert newer.loc["1002A", ["name", "background"]].tolist() == ["定陵", True]
    assert older.loc["1014A", "closed"] == "2016-11-22"
    merged, _ = merge([older, newer])
    assert set(merged.index) == set(older.index) | set(newer.index)
    assert np.isfinite(merged.loc["1001A", "latitude"])


def test_the_stations_of_beijings_own_files_have_codes(shared_data: Path) -> None:
    listed = read_stations(shared_data / "cnemc" / "站点列表-2020.05.08起.xlsx")
    names = list(pd.read_csv(shared_data / "cnemc" / "beijing_all_20161216.csv", nrows=1).columns[3:])
    found = codes_by_name(names, listed, city="北京")
    # the twelve that the national network had in 2016
    national = {f"{number}A" for number in range(1001, 1013)}
    assert national <= set(found.values())
    assert found["东四"] == "1003A"
    assert found["万柳"] == "1007A"
