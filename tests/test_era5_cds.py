"""The CDS as a source: the real client against a server on this machine that fails in every way known."""

import json
import logging
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import pytest_socket
import requests
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from loopback import fetch_era5
from loopback.cds_server import KEY, QUEUE_FULL, CdsServer, Job
from loopback.era5_files import bytes_of, dataset, times_of, truth, zipped
from loopback.fetch_era5 import AREA, NOW, PATIENCE

import era5_fetch
from era5_fetch import command_line, missing_hours
from era5_fetch.cache import Cache, default_folder
from era5_fetch.credentials import Key, access
from era5_fetch.errors import (
    BusyError,
    ContentError,
    FileError,
    PackageError,
    PeriodError,
    RequestError,
    SourceError,
    TransferError,
    WaitError,
)
from era5_fetch.journal import VERSION, Journal, State
from era5_fetch.patience import Patience
from era5_fetch.period import hours
from era5_fetch.plan import plan, split
from era5_fetch.progress import Bar, Lines, for_terminal, state
from era5_fetch.request import normalised
from era5_fetch.server import Server
from era5_fetch.sources import SOURCES, Settings, source_of
from era5_fetch.sources.cds import Cds
from era5_fetch.validate import check_file

PERIOD = ("2020-01-30", "2020-02-01")


@pytest.fixture
def server():
    with CdsServer() as made:
        yield made


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


class Heard:
    """Keeps what it is told."""

    def __init__(self):
        self.lines: list[str] = []
        self.download = Lines(every=0.0).download

    def say(self, line: str) -> None:
        self.lines.append(line)


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def cds(cache, server, **changed) -> Cds:
    given_ = {"key": KEY, "url": server.url, "patience": PATIENCE, "teller": Heard(), "now": NOW}
    return Cds(Settings(cache, **given_ | changed))


def fetched(source: Cds, variables=("t2m",), period=PERIOD, **place):
    return source.open(list(variables), period, **place or {"area": AREA})


def assert_true(found: xr.Dataset, variables, period) -> None:
    """Every value is the one the server's files are made of."""
    assert found.indexes["time"].equals(hours(period))
    for name in variables:
        planted = truth(name, hours(period), found["latitude"].values, found["longitude"].values)
        # float32 in the file, after a unit conversion for what accumulates: two roundings
        assert np.allclose(found[name], planted, rtol=4 * np.finfo("f4").eps, atol=0), name


def assert_whole(cache: Path) -> None:
    """Nothing in the cache but files that are as they came, and no loose ends."""
    held = Cache(cache)
    assert held.damaged() == []
    on_disk = {p for p in cache.rglob("*") if p.suffix in {".nc", ".grib", ".part"} or p.name.endswith(".part.json")}
    assert on_disk == {cache / str(entry.path) for entry in held.files()}


def assert_asked_once(server: CdsServer) -> None:
    counted = Counter(str(sorted(normalised(inputs).items())) for inputs in server.posts)
    assert set(counted.values()) <= {1}


def run(cache, server, *, variables="t2m,ssrd", first="2020-01-30", last="2020-02-01", **environment):
    """A process that fetches."""
    script = Path(fetch_era5.__file__)
    return subprocess.Popen(
        [sys.executable, str(script), str(cache), server.url, variables, first, last],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"CDSAPI_KEY": KEY} | environment,
    )


def until(happened, child=None):
    for _ in range(6000):
        if happened():
            return
        assert child is None or child.poll() is None, child.communicate()
        time.sleep(0.01)
    raise AssertionError("it did not happen in a minute")


def kill(child) -> None:
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()


# -- the whole way


def test_what_is_asked_for_comes_and_is_not_asked_for_again(server, cache):
    names = ["t2m", "ssrd", "tp", "t850", "u850"]
    assert_true(fetched(cds(cache, server), names), names, PERIOD)
    asked = len(server.log)
    assert_true(fetched(cds(cache, server), names), names, PERIOD)
    assert len(server.log) == asked
    assert_asked_once(server)
    assert_whole(cache)


def test_points_are_served_from_the_box_around_them(server, cache):
    places = pd.DataFrame({"latitude": [40.1, 39.62], "longitude": [116.3, 116.9]}, index=["a", "b"])
    found = era5_fetch.open(["t2m"], "2020-01-30", points=places, cache=cache, key=KEY, url=server.url)
    grid = fetched(cds(cache, server), period="2020-01-30", area=[40.5, 116, 39.25, 117.25])
    expected = grid.interp(latitude=places["latitude"].to_xarray(), longitude=places["longitude"].to_xarray())
    assert found["t2m"].dims == ("time", "place")
    assert np.allclose(found["t2m"], expected["t2m"], rtol=1e-6)
    assert len(server.posts) == 1


@settings(max_examples=5)
@given(data=st.data())
def test_any_split_of_a_period_into_requests_gives_the_same_dataset(data):
    names = ["t2m", "blh", "ssrd", "t850", "t925"]
    (*whole,) = plan(names, PERIOD, area=AREA)
    parts = list(whole)
    for _ in range(data.draw(st.integers(0, 5))):
        part = data.draw(st.sampled_from(parts))
        if len(part.days) * len(part.variables) > 1:
            parts.remove(part)
            parts.extend(split(part))
    with CdsServer() as server, tempfile.TemporaryDirectory() as folder:
        source = cds(Path(folder), server)
        source.fetch(data.draw(st.permutations(parts)))
        split_up = fetched(source, names)
        assert len(server.posts) == len(parts)
    assert_true(split_up, names, PERIOD)


def test_a_longer_period_and_more_variables_ask_only_for_what_is_new(server, cache):
    fetched(cds(cache, server), ["t2m"], ("2020-01-03", "2020-01-05"))
    found = fetched(cds(cache, server), ["t2m", "blh"], ("2020-01-02", "2020-01-05"))
    assert_true(found, ["t2m", "blh"], ("2020-01-02", "2020-01-05"))
    asked = [(inputs["variable"], inputs["day"]) for inputs in server.posts]
    assert sorted(asked) == [
        (["2m_temperature"], ["02"]),
        (["2m_temperature"], ["03", "04", "05"]),
        (["boundary_layer_height"], ["02", "03", "04", "05"]),
    ]


def test_a_zip_under_the_name_of_netcdf_is_served_too(cache):
    with CdsServer(producer=zipped) as server:
        assert_true(fetched(cds(cache, server)), ["t2m"], PERIOD)


# -- offline manners


def test_what_is_held_needs_neither_network_nor_key(server, tmp_path, monkeypatch):
    fetched(cds(tmp_path / "full", server), period="2020-01-30")
    asked = len(server.log)
    pytest_socket.disable_socket()
    with pytest.raises(pytest_socket.SocketBlockedError):
        socket.create_connection(("127.0.0.1", 80))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "nobody")
    for name in ("CDSAPI_KEY", "ECMWF_DATASTORES_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SourceError, match=r"no key for the CDS: set CDSAPI_KEY"):
        era5_fetch.open(["t2m"], "2020-01-30", area=AREA, cache=tmp_path / "empty")
    found = era5_fetch.open(["t2m"], "2020-01-30", area=AREA, cache=tmp_path / "full")
    assert_true(found, ["t2m"], "2020-01-30")
    assert len(server.log) == asked


def test_importing_everything_opens_nothing_and_help_is_fast():
    code = (
        "import sys; import era5_fetch.sources, era5_fetch.command_line; "
        "print(sorted({'numpy', 'pandas', 'xarray', 'requests', 'ecmwf.datastores', 'sqlite3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("echo", [False, True])
def test_the_key_is_nowhere(server, cache, caplog, capfd, echo):
    """Not in a log at any level, an error, a file, a line or a repr; not even when the server says it back."""
    caplog.set_level(logging.DEBUG)
    said = f"no {KEY}" if echo else "no"
    server.fail("execution", 500, body={"title": said})
    server.fail("execution", 400, body={"title": "invalid request", "detail": said})
    source = cds(cache, server, teller=None)
    with pytest.raises(RequestError) as refused:
        fetched(source)
    fetched(source)
    child = run(cache, server, variables="blh", DEBUG="1")
    told = [*child.communicate(), caplog.text, *capfd.readouterr(), str(refused.value), repr(refused.value)]
    told += [repr(thing) for thing in (source, source._settings, Key(KEY), access(KEY, server.url))]
    engine = Server(access(KEY, server.url), PATIENCE)
    told += [repr(engine), repr(engine._client), repr(engine._client.get_remote(next(iter(server.jobs))))]
    told += [f"{Key(KEY)} {Key(KEY)!r} {[Key(KEY)]}"]
    assert child.returncode == 0
    assert "submit" in told[1] or "asked for" in told[1]
    assert [text for text in told if KEY in text] == []
    held = [path for path in cache.rglob("*") if path.is_file()]
    assert held
    assert [path for path in held if KEY.encode() in path.read_bytes()] == []
    assert server.log[-1][2]["PRIVATE-TOKEN"] == KEY or server.downloads
    assert all(KEY not in str(headers) for headers in server.downloads)


def test_the_key_is_not_sent_on_to_another_host(server):
    engine = Server(access(KEY, server.url), PATIENCE)
    session = engine._client.session
    with CdsServer() as other:
        reply = requests.Response()
        reply.request = requests.Request("GET", f"{server.url}/x").prepare()
        onward = requests.Request("GET", f"{other.url}/x", headers={"PRIVATE-TOKEN": KEY}).prepare()
        session.rebuild_auth(onward, reply)
        assert "PRIVATE-TOKEN" not in onward.headers


def test_a_key_is_not_pickled():
    import pickle

    with pytest.raises(TypeError, match="not written anywhere"):
        pickle.dumps(Key(KEY))


@pytest.mark.parametrize(
    ("environment", "files", "expected"),
    [
        ({"CDSAPI_KEY": "a", "ECMWF_DATASTORES_KEY": "b"}, {}, "b"),
        ({"CDSAPI_KEY": "a"}, {".cdsapirc": "key: c"}, "a"),
        ({}, {".cdsapirc": "url: https://x/api\nkey: 'c'\nverify: 0"}, "c"),
        ({}, {".cdsapirc": "key: c", ".ecmwfdatastoresrc": "# key: e\nkey: d"}, "d"),
        ({"CDSAPI_RC": "~/other"}, {"other": "key: f", ".cdsapirc": "key: c"}, "f"),
    ],
)
def test_the_key_is_found_where_the_clients_look(tmp_path, monkeypatch, environment, files, expected):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert access(environment=environment, home=tmp_path).key.reveal() == expected


@pytest.mark.parametrize(
    ("key", "url", "says"),
    [("123:abc", None, "UID:KEY of the CDS before 2024"), ("k", "https://x/api/v2", "the CDS before 2024")],
)
def test_the_key_and_address_of_the_old_cds_are_told(key, url, says):
    with pytest.raises(SourceError, match=says) as refused:
        access(key, url, environment={})
    assert key not in str(refused.value) or key == "k"


# -- faults: the server


@pytest.mark.parametrize(
    ("route", "status"),
    [
        *((route, 0) for route in ("messages", "process", "execution", "job", "jobs", "results", "asset")),
        *(("execution", status) for status in (429, 500, 503)),
        *((route, 503) for route in ("job", "results", "asset")),
    ],
)
def test_passing_faults_are_waited_out_and_nothing_is_asked_for_twice(server, cache, route, status):
    server.fail(route, status, times=2, headers={"Retry-After": "0"})
    assert_true(fetched(cds(cache, server), period="2020-01-30"), ["t2m"], "2020-01-30")
    assert len(server.jobs) == 1
    assert_whole(cache)


def test_retry_after_is_heeded(server, cache):
    slept = []
    patient = Patience(retries=(1.0, 2.0), polls=(0.0,), sleep=slept.append, chance=lambda: 0.0)
    server.fail("execution", 429, headers={"Retry-After": "30"})
    fetched(cds(cache, server, patience=patient), period="2020-01-30")
    assert max(slept) == 30.0


@pytest.mark.parametrize("in_list", [True, False])
def test_a_job_whose_reply_was_lost_is_found_and_not_asked_for_again(server, cache, in_list):
    server.requests_in_list = in_list
    server.fail("execution", 0, after_work=True)
    source = cds(cache, server)
    assert_true(fetched(source, period="2020-01-30"), ["t2m"], "2020-01-30")
    assert len(server.posts) == len(server.jobs) == 1
    assert any("the server has it already" in line for line in source._teller.lines)


@pytest.mark.parametrize("in_list", [True, False])
def test_the_same_requests_of_somebody_else_are_used_of_every_dataset(server, tmp_path, in_list):
    server.requests_in_list = in_list
    fetched(cds(tmp_path / "one", server), ["t2m", "t850"], period="2020-01-30")
    fetched(cds(tmp_path / "other", server), ["t2m", "t850"], period="2020-01-30")
    assert len(server.posts) == 2


def test_replies_lost_of_two_datasets_are_found_in_both(server, cache):
    server.fail("execution", 0, times=2, after_work=True)
    assert_true(fetched(cds(cache, server), ["t2m", "t850"], "2020-01-30"), ["t2m", "t850"], "2020-01-30")
    assert len(server.posts) == len(server.jobs) == 2


@pytest.mark.parametrize("odd", ["null", "gone"])
def test_an_odd_job_in_the_list_is_none_of_ours_and_stops_nobody(server, tmp_path, odd):
    fetched(cds(tmp_path / "one", server), period="2020-01-30")
    (ours,) = server.jobs.values()
    strange = Job(ours.dataset, ours.inputs, 0, status="running", odd=odd)
    server.jobs[strange.id] = strange
    assert_true(fetched(cds(tmp_path / "other", server), period="2020-01-30"), ["t2m"], "2020-01-30")
    assert len(server.posts) == 1


def test_the_list_is_read_from_the_newest_and_no_further_than_a_match(server, tmp_path):
    server.requests_in_list = False
    for day in ("2020-01-01", "2020-01-02", "2020-01-03"):
        fetched(cds(tmp_path / "one", server), period=day)
    asked = len(server.log)
    fetched(cds(tmp_path / "other", server), period="2020-01-03")
    (newest,) = [job.id for job in server.jobs.values() if job.inputs["day"] == ["03"]]
    assert {path.split("/")[-1] for _, path, _, _ in server.log[asked:] if "/jobs/" in path} <= {newest, "results"}


def test_a_server_that_stays_away_is_told_in_a_line_and_the_next_run_goes_on(server, cache):
    server.fail("job", 503, times=30)
    source = cds(cache, server)
    with pytest.raises(SourceError, match=r"the CDS answers 503 .* 5 times: run again later to go on with job"):
        fetched(source, period="2020-01-30")
    server.faults.clear()
    assert_true(fetched(cds(cache, server), period="2020-01-30"), ["t2m"], "2020-01-30")
    assert len(server.posts) == 1


def test_a_slow_server_is_asked_again_and_not_for_another_job(server, cache):
    server.fail("execution", 0, after_work=True, slow=0.6)
    patient = Patience(retries=(0.01,) * 4, polls=(0.01,), timeout=(5, 0.3))
    assert_true(fetched(cds(cache, server, patience=patient), period="2020-01-30"), ["t2m"], "2020-01-30")
    assert len(server.posts) == 1


def test_no_more_than_two_of_a_dataset_are_in_flight(server, cache):
    server.polls, server.in_flight_limit = 3, 2
    names = ["t2m", "ssrd"]
    period = ("2020-01-15", "2020-03-02")
    assert_true(fetched(cds(cache, server), names, period), names, period)
    assert server.most_in_flight == 2
    assert_asked_once(server)


def test_a_full_queue_is_waited_for(server, cache):
    server.outcomes.extend([("rejected", QUEUE_FULL)] * 2)
    slept, clock = [], iter(np.arange(0, 1e6, 50.0))
    patient = Patience(polls=(10.0,), sleep=slept.append, clock=lambda: float(next(clock)), chance=lambda: 0.0)
    source = cds(cache, server, patience=patient)
    assert_true(fetched(source, period="2020-01-30"), ["t2m"], "2020-01-30")
    waits = [line for line in source._teller.lines if "takes no more of this dataset now; again in" in line]
    assert [wait.split()[-2] for wait in waits] == ["180", "240"]
    assert len(server.posts) == 3


def test_a_queue_that_stays_full_is_told(server, cache):
    server.outcomes.extend([("rejected", QUEUE_FULL)] * 50)
    with pytest.raises(SourceError, match="temporarily limited"):
        fetched(cds(cache, server, patience=Patience(queue_full=(0.0,) * 3, polls=(0.0,))), period="2020-01-30")


@pytest.mark.parametrize(
    ("set_up", "error", "says"),
    [
        ({"licence_accepted": False}, RequestError, r"visit http://.*manage-licences .* accept it once on that page"),
        ({"key": "another"}, RequestError, r"the CDS does not know the key .*: set CDSAPI_KEY or `key` in"),
    ],
)
def test_what_no_request_gets_past_is_one_line_and_asked_once(server, cache, set_up, error, says):
    for name, value in set_up.items():
        setattr(server, name, value)
    with pytest.raises(error, match=says) as refused:
        fetched(cds(cache, server), ["t2m", "ssrd"])
    assert "\n" not in str(refused.value)
    assert len(server.posts) <= 1
    server.licence_accepted, server.key = True, KEY
    assert_true(fetched(cds(cache, server), ["t2m", "ssrd"]), ["t2m", "ssrd"], PERIOD)


def test_a_request_that_fails_does_not_stop_the_others_and_its_reason_is_told(server, cache):
    server.outcomes.append(("failed", "something broke\nin two lines"))
    with pytest.raises(
        RequestError, match="ssrd: the CDS refuses: The job has failed: something broke in two lines"
    ) as refused:
        fetched(cds(cache, server), ["t2m", "ssrd"])
    assert "\n" not in str(refused.value)
    assert len(Cache(cache).files()) == 3
    assert_true(fetched(cds(cache, server), ["t2m", "ssrd"]), ["t2m", "ssrd"], PERIOD)
    assert len(server.posts) == 5


@pytest.mark.parametrize("where", ["submission", "job"])
def test_a_request_that_is_too_large_is_split_until_it_is_not(server, cache, where):
    if where == "submission":
        server.max_fields = 24 * 5
    else:
        server.outcomes.extend([("failed", "Your request is too large, please reduce your selection.")] * 2)
    names = ["t2m", "blh"]
    period = ("2020-01-10", "2020-01-16")
    assert_true(fetched(cds(cache, server), names, period), names, period)
    assert_asked_once(server)
    asked = len(server.log)
    assert_true(fetched(cds(cache, server), names, period), names, period)
    assert len(server.log) == asked


def test_what_cannot_be_split_any_more_is_told(server, cache):
    server.max_fields = 23
    with pytest.raises(RequestError, match="too large for the server, and it is one variable on one day"):
        fetched(cds(cache, server), ["t2m", "blh"], ("2020-01-10", "2020-01-11"))


def test_a_split_that_was_killed_goes_on_with_the_halves(server, cache):
    server.max_fields, server.polls = 24, 10**6
    child = run(cache, server, variables="t2m", last="2020-01-31")
    until(lambda: len(server.jobs) == 2, child)
    kill(child)
    for job in server.jobs.values():
        job.polls = 0
    server.polls = 0
    period = ("2020-01-30", "2020-01-31")
    assert_true(fetched(cds(cache, server), period=period), ["t2m"], period)
    assert_asked_once(server)


@pytest.mark.parametrize("gone", ["results", "job", "asset"])
def test_a_job_that_expired_is_asked_for_anew(server, cache, gone):
    server.cuts.extend([100] + [0] * 20)
    with pytest.raises(TransferError, match="run again to go on from there"):
        fetched(cds(cache, server), period="2020-01-30")
    server.cuts.clear()
    (job,) = server.jobs.values()
    if gone == "job":
        server.jobs.clear()
    elif gone == "asset":
        server.assets.clear()
    job.expired = gone == "results"
    assert_true(fetched(cds(cache, server), period="2020-01-30"), ["t2m"], "2020-01-30")
    assert len(server.posts) == 2
    assert_whole(cache)


def test_each_change_of_a_job_is_told_and_every_ten_minutes_that_it_has_not_changed(server, cache):
    server.polls = 50  # a question is two calls
    clock = Clock()
    source = cds(cache, server, patience=Patience(polls=(60.0,), sleep=clock.sleep, clock=clock, chance=lambda: 0.0))
    fetched(source, period="2020-01-30")
    (job,) = server.jobs
    told = [line.removeprefix(f"2020-01-30 t2m: job {job} is ") for line in source._teller.lines if "is " in line]
    assert told == ["running", "still running after 10 min", "still running after 20 min"]


def test_a_queue_is_waited_for_as_long_as_was_agreed_and_the_next_run_goes_on(server, cache):
    server.polls = 10**6
    clock = Clock()
    patient = Patience(polls=(600.0,), sleep=clock.sleep, clock=clock, chance=lambda: 0.0)
    with pytest.raises(WaitError) as over:
        fetched(cds(cache, server, patience=patient, wait=pd.Timedelta("2h")), ["t2m", "ssrd"])
    assert str(over.value).startswith("4 requests are not here after 2 h (")
    assert "run again to fetch them" in str(over.value)
    assert 7200 <= clock.now < 7200 + 2 * 600
    assert sum(entry.job is not None for entry in Cache(cache).journal.entries()) == 2
    server.polls = 0
    for job in server.jobs.values():
        job.polls = 0
    assert_true(fetched(cds(cache, server), ["t2m", "ssrd"]), ["t2m", "ssrd"], PERIOD)
    assert_asked_once(server)


def test_what_is_done_in_time_knows_of_no_limit(server, cache):
    source = cds(cache, server, wait=pd.Timedelta(0))
    assert_true(fetched(source, period="2020-01-30"), ["t2m"], "2020-01-30")


# -- faults: the file


@pytest.mark.parametrize("seed", range(4))
def test_a_connection_cut_at_random_bytes_is_taken_up_again(server, cache, seed):
    server.cuts.extend(np.random.default_rng(seed).integers(0, 6000, 6).tolist())
    assert_true(fetched(cds(cache, server), period="2020-01-30"), ["t2m"], "2020-01-30")
    assert len(server.posts) == 1
    assert_whole(cache)


def test_hours_the_server_trims_in_silence_are_told_and_asked_for_next_time(server, cache):
    server.producer = lambda _, inputs: bytes_of(dataset(inputs | {"time": inputs["time"][:7]}))
    with pytest.raises(ContentError, match=r"2020-01-30 t2m: 7 of 24 hours came, missing 2020-01-30 07:00, .* 14 more"):
        fetched(cds(cache, server), period="2020-01-30")
    assert len(server.posts) == len(server.downloads) == 1
    assert_whole(cache)
    server.producer = CdsServer().producer
    assert_true(fetched(cds(cache, server), period="2020-01-30"), ["t2m"], "2020-01-30")
    assert len(server.posts) == 2


def broken(whole: bytes, how: str) -> bytes:
    """A file with bytes that are not what they were."""
    if how == "page":
        return b"<html>Service unavailable</html>"
    if how == "zip":
        return b"PK\x03\x04" + whole[4:]
    return whole[: len(whole) // 2] if how == "short" else whole[:200] + bytes(len(whole) - 200)


@pytest.mark.parametrize("how", ["page", "zip", "short", "zeros"])
def test_corrupted_bytes_are_fetched_once_more_and_never_kept(server, cache, how):
    whole = server.producer
    server.producer = lambda name, inputs: broken(whole(name, inputs), how)
    with pytest.raises(FileError, match=r"truncated or damaged|begins with b'<html>"):
        fetched(cds(cache, server), period="2020-01-30")
    assert (len(server.posts), len(server.downloads)) == (1, 2)
    assert_whole(cache)
    server.producer = whole
    assert_true(fetched(cds(cache, server), period="2020-01-30"), ["t2m"], "2020-01-30")


def test_a_file_of_the_wrong_size_is_not_kept(server, cache):
    server.lie_about_size = 7
    with pytest.raises(TransferError, match="bytes came, the server announced"):
        fetched(cds(cache, server), period="2020-01-30")
    assert len(server.posts) == 1
    assert_whole(cache)


def test_a_file_that_was_shortened_or_deleted_on_disk_is_fetched_again(server, cache):
    fetched(cds(cache, server), period="2020-01-30")
    (entry,) = Cache(cache).files()
    (cache / entry.path).write_bytes(b"short")
    assert [fault for _, fault in Cache(cache).damaged()] == [f"has 5 bytes, {entry.bytes} came"]
    assert_true(fetched(cds(cache, server), period="2020-01-30"), ["t2m"], "2020-01-30")
    (cache / entry.path).unlink()
    assert_true(fetched(cds(cache, server), period="2020-01-30"), ["t2m"], "2020-01-30")
    assert_whole(cache)


# -- processes


def test_a_process_killed_between_submission_and_download_leaves_its_jobs_to_the_next(server, cache):
    server.polls = 10**6
    child = run(cache, server)
    until(lambda: sum(e.job is not None for e in Cache(cache).journal.entries()) == 2, child)
    kill(child)
    for job in server.jobs.values():
        job.polls = 1
    server.polls = 0
    source = cds(cache, server)
    assert_true(fetched(source, ["t2m", "ssrd"]), ["t2m", "ssrd"], PERIOD)
    assert sum("goes on with job" in line for line in source._teller.lines) == 2
    assert_asked_once(server)
    assert_whole(cache)


def test_a_process_killed_while_its_submission_is_on_its_way_does_not_submit_twice(server, cache):
    server.fail("execution", 0, after_work=True, slow=30)
    child = run(cache, server, variables="t2m", last="2020-01-30")
    until(lambda: server.jobs, child)
    kill(child)
    (entry,) = Cache(cache).journal.entries()
    assert (entry.state, entry.job) == (State.SUBMITTING, None)
    assert_true(fetched(cds(cache, server), period="2020-01-30"), ["t2m"], "2020-01-30")
    assert len(server.posts) == 1


def test_a_process_killed_in_its_download_leaves_the_rest_to_the_next(server, cache):
    server.stall = 0.1
    child = run(cache, server, variables="t2m", last="2020-01-31")
    until(lambda: any(p.stat().st_size > 8000 for p in cache.rglob("*.part")), child)
    kill(child)
    server.stall = 0.0
    period = ("2020-01-30", "2020-01-31")
    assert_true(fetched(cds(cache, server), period=period), ["t2m"], period)
    assert int(server.downloads[-1]["Range"].removeprefix("bytes=").removesuffix("-")) > 8000
    assert len(server.posts) == 1
    assert_whole(cache)


@pytest.mark.slow
def test_a_process_killed_again_and_again_gets_there(server, cache):
    server.stall, server.polls = 0.01, 1
    random = np.random.default_rng(5)
    for _ in range(8):
        child = run(cache, server, variables="t2m,ssrd,blh")
        try:
            child.communicate(timeout=float(random.uniform(0.5, 1.5)))
        except subprocess.TimeoutExpired:
            kill(child)
    server.stall = 0.0
    names = ["t2m", "ssrd", "blh"]
    assert_true(fetched(cds(cache, server), names), names, PERIOD)
    assert_asked_once(server)
    assert_whole(cache)


def test_the_jobs_of_the_dead_do_not_keep_others_from_being_asked(server, cache):
    server.polls = 10**6
    child = run(cache, server)
    until(lambda: len(server.jobs) == 2, child)
    kill(child)
    for job in server.jobs.values():
        job.polls = 2
    server.polls = 0
    assert_true(fetched(cds(cache, server), ["blh"], "2020-05-01"), ["blh"], "2020-05-01")


def test_two_processes_on_one_cache_share_the_work(server, cache):
    server.polls, server.stall = 2, 0.001
    children = [run(cache, server, variables="t2m,ssrd,blh,t850") for _ in range(2)]
    told = [child.communicate(timeout=300) for child in children]
    assert [child.returncode for child in children] == [0, 0], told
    assert told[0][0] == told[1][0]
    assert server.most_in_flight <= 4  # two of each of two datasets
    assert_asked_once(server)
    assert_whole(cache)


# -- preliminary and late hours


def test_preliminary_hours_are_fetched_again_once_they_are_final(server, cache):
    period = ("2026-08-31", "2026-09-01")
    source = cds(cache, server, now=pd.Timestamp("2026-09-10"))
    assert fetched(source, period=period)["preliminary"].values.tolist() == [False] * 24 + [True] * 24
    entries = {e.request.month: e.preliminary_until for e in Cache(cache).files()}
    assert entries == {8: None, 9: pd.Timestamp("2026-09-01 23:00")}
    server.producer = lambda _, inputs: bytes_of(dataset(inputs, final_until=pd.Timestamp("2027")))
    later = pd.Timestamp("2026-12-20")
    for refresh, now, posts in [
        (True, pd.Timestamp("2026-11-24"), 2),
        (False, later, 2),
        (True, later, 3),
        (True, later, 3),
    ]:
        found = fetched(cds(cache, server, now=now, refresh=refresh), period=period)
        assert len(server.posts) == posts
        assert found["preliminary"].any() == (posts == 2)
        assert_true(found, ["t2m"], period)
    assert_whole(cache)


def test_a_refresh_asks_for_what_no_file_holds_as_final_in_as_few_requests_as_a_plan(server, cache, tmp_path, command):
    early, later = pd.Timestamp("2026-09-10"), pd.Timestamp("2026-12-20")
    for day in ("2026-09-01", "2026-09-02", "2026-09-03"):
        fetched(cds(cache, server, now=early), ["t2m", "blh"], day)
    server.producer = lambda _, inputs: bytes_of(dataset(inputs, final_until=pd.Timestamp("2027")))
    fetched(cds(cache, server, now=later, refresh=True), ["t2m"], "2026-09-02")
    assert (len(server.posts), server.posts[-1]["variable"]) == (4, ["2m_temperature"])
    source, period = cds(cache, server, now=later, refresh=True), ("2026-09-01", "2026-09-03")
    due, _ = source.left(source.plan(["t2m", "blh"], period, area=AREA))
    assert {(request.variables, request.days) for request in due} == {(("t2m",), (1, 3)), (("blh",), (1, 2, 3))}
    found = fetched(source, ["t2m", "blh"], period)
    assert len(server.posts) == 6
    assert not found["preliminary"].any()
    assert_true(found, ["t2m", "blh"], period)
    assert source.left(source.plan(["t2m", "blh"], period, area=AREA))[0] == []
    assert_whole(cache)


def test_a_dry_run_of_a_refresh_tells_what_is_due(server, cache, command, monkeypatch):
    fetched(cds(cache, server, now=pd.Timestamp("2026-09-10")), period="2026-09-01")
    monkeypatch.setattr(pd.Timestamp, "now", lambda zone: pd.Timestamp("2026-12-20", tz=zone))
    ask = ("get", "t2m", "2026-09-01", "--area", "40.5,116,39.5,117", "--cache", cache, "--dry-run")
    assert command(*ask, "--refresh")[1].splitlines()[-1].startswith("1 in all")
    assert command(*ask)[1].splitlines()[-1].startswith("0 in all")


def test_a_refresh_that_fails_keeps_what_was_there(server, cache):
    fetched(cds(cache, server, now=pd.Timestamp("2026-09-10")), period="2026-09-01")
    later = pd.Timestamp("2026-12-20")
    server.outcomes.append(("failed", "something broke"))
    with pytest.raises(RequestError, match="something broke"):
        fetched(cds(cache, server, now=later, refresh=True), period="2026-09-01")
    assert_true(fetched(cds(cache, server, now=later), period="2026-09-01"), ["t2m"], "2026-09-01")
    assert_whole(cache)


def test_hours_not_published_yet_are_pending_and_asked_for_when_they_are(server, cache):
    published = {"until": pd.Timestamp("2026-11-19 05:00")}

    def produce(_, inputs):
        times = times_of(inputs)
        return bytes_of(dataset(inputs, times=times[times <= published["until"]]))

    server.producer = produce
    period = ("2026-11-17", "2026-11-21")
    found = fetched(cds(cache, server), period=period)
    assert found.attrs["hours_not_published"] == missing_hours(found, period).size == 18 + 48
    assert_true(found, ["t2m"], ("2026-11-17", "2026-11-19 05:00"))
    assert server.posts[0]["day"] == ["17", "18", "19"]
    published["until"] = pd.Timestamp("2026-11-20 23:00")
    source = cds(cache, server, now=NOW + pd.Timedelta("1D"))
    found = fetched(source, period=period)
    assert_true(found, ["t2m"], ("2026-11-17", "2026-11-20 23:00"))
    assert server.posts[1]["day"] == ["19", "20"]
    assert any("24 hours from 2026-11-21 00:00 on are not published yet" in line for line in source._teller.lines)


def test_days_that_are_all_to_come_are_told_without_asking(server, cache):
    with pytest.raises(PeriodError, match="not published yet, ERA5 comes 5 days later"):
        fetched(cds(cache, server), period="2026-11-23")
    assert server.log == []


def test_a_newest_day_the_archive_has_not_is_pending(server, cache):
    server.outcomes.append(("failed", "MARS returned no data, please check your selection."))
    with pytest.raises(PeriodError, match="not published yet"):
        fetched(cds(cache, server), period="2026-11-18")
    server.outcomes.append(("failed", "MARS returned no data, please check your selection."))
    with pytest.raises(RequestError, match="MARS returned no data"):
        fetched(cds(cache, server), period="2026-10-18")


# -- the rest


def test_sources_are_names_paths_or_themselves(tmp_path):
    source = Cds(Settings(tmp_path))
    assert source_of(source, Settings()) is source
    assert source_of("cds", Settings(tmp_path)).name == "cds"
    assert [source_of(path, Settings()).name for path in (tmp_path, "a/*.nc")] == ["folder", "folder"]


def test_the_cache_is_where_caches_are():
    assert default_folder({"ERA5_FETCH_CACHE": "/x"}) == Path("/x")
    assert default_folder({"XDG_CACHE_HOME": "/y"}) == Path("/y/era5_fetch")


def test_a_journal_that_is_none_is_told(tmp_path):
    (tmp_path / "journal.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(SourceError, match=r"the journal cannot be used .*: move the file away"):
        Journal(tmp_path / "journal.sqlite").entries()


def test_a_journal_that_another_process_holds_is_told_from_damage(tmp_path, monkeypatch):
    journal = Journal(tmp_path / "journal.sqlite")
    (request,) = plan(["t2m"], "2020-01-30", area=AREA)
    assert journal.claim(request, limit=2)
    monkeypatch.setattr("era5_fetch.journal.WAIT", 0.05)
    other = sqlite3.connect(journal.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BusyError, match="another process has held the journal for 0 s: wait for its end"):
        journal.entries()
    other.close()
    assert [entry.digest for entry in journal.entries()] == [request.digest]


def test_a_journal_has_a_version_and_one_of_a_later_version_is_refused(tmp_path):
    journal = Journal(tmp_path / "journal.sqlite")
    (request,) = plan(["t2m"], "2020-01-30", area=AREA)
    journal.claim(request, limit=2)
    for version, known in ((0, True), (VERSION, True), (VERSION + 1, False)):
        with closing(sqlite3.connect(journal.path)) as database:
            database.execute(f"PRAGMA user_version = {version}")
        if known:
            assert len(journal.entries()) == 1
            continue
        with pytest.raises(SourceError, match=f"of version {version}, agreed up to {VERSION}: install a newer"):
            journal.entries()


def test_a_download_tells_bytes_rate_and_time_left(capsys):
    clock = iter([0.0, 4.0, 10.0, 12.0])
    with Lines(every=10, clock=lambda: next(clock)).download("x") as told:
        told(1_000_000, 30_000_000)
        told(21_000_000, 30_000_000)
        told(22_000_000, 30_000_000)
    assert capsys.readouterr().err == "x: 21.0 of 30.0 MB at 2.0 MB/s, 4 s left\n"
    assert state(5_000_000, None, 0.0) == "5.0 MB at 0.0 MB/s"


def test_on_a_terminal_a_download_is_a_bar_and_lines_stand_above_it(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    teller = for_terminal()
    teller.say("[t2m] asked for")
    with teller.download("2020-01") as told:
        told(1_000_000, 30_000_000)
    assert isinstance(teller, Bar)
    assert "[t2m] asked for" in capsys.readouterr().err


def test_grib_without_its_reader_is_told_before_anything_is_asked_for(server, cache, monkeypatch):
    monkeypatch.setattr("era5_fetch.sources.cds.find_spec", lambda _: None)
    with pytest.raises(PackageError, match="pip install tianbang"):
        fetched(cds(cache, server, data_format="grib"))
    assert server.log == []


def test_a_real_grib_file_passes_for_its_request(shared_data):
    pytest.importorskip("cfgrib", reason="GRIB is read by the extra [grib]")
    (request,) = plan(["t2m"], "2019-03", area=[58, -10, 50, 2], data_format="grib")
    assert check_file(shared_data / "era5" / "xarraydata_era5-2mt-2019-03-uk.grib", request).hours.equals(request.hours)


def test_a_disk_that_is_full_is_no_reason_to_ask_again(server, cache):
    """A file may not grow beyond 32 kB: the system says EFBIG."""
    code = (
        "import resource, runpy, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); sys.argv = sys.argv[1:]; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (32768, 32768)); runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    server.producer = lambda _, inputs: bytes_of(dataset(inputs)) + bytes(40_000)
    ask = [fetch_era5.__file__, str(cache), server.url, "t2m", "2020-01-30", "2020-01-30"]
    done = subprocess.run(
        [sys.executable, "-c", code, *ask], capture_output=True, text=True, env=os.environ | {"CDSAPI_KEY": KEY}
    )
    assert done.stderr.splitlines()[-1] == "OSError: [Errno 27] File too large"
    assert len(server.downloads) == 1
    server.producer = CdsServer().producer
    (job,) = server.jobs.values()
    server.assets[job.asset] = whole = server.producer(job.dataset, job.inputs)
    job.size = len(whole)
    assert_true(fetched(cds(cache, server), period="2020-01-30"), ["t2m"], "2020-01-30")
    assert len(server.posts) == 1
    assert_whole(cache)


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Runs `era5-fetch` here, for a user whose home is the test's folder: exit code, output, errors."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("CDSAPI_KEY", "CDSAPI_URL", "ECMWF_DATASTORES_KEY", "ECMWF_DATASTORES_URL"):
        monkeypatch.delenv(name, raising=False)

    def run_command(*arguments) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["era5-fetch", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            command_line.main()
        return (stop.value.code, *capsys.readouterr())

    return run_command


def test_the_command_plans_fetches_checks_and_extracts(server, tmp_path, command):
    (tmp_path / ".cdsapirc").write_text(f"url: {server.url}\nkey: {KEY}\n")
    cache = ("--cache", tmp_path / "c")
    ask = ("t2m,tp", "2020-01-30/2020-02-01", "--area", "40.5,116,39.5,117", *cache)
    _, planned, _ = command("get", *ask, "--dry-run")
    assert planned.splitlines()[-1].split()[:4] == ["4", "in", "all", "144"]
    assert server.log == []
    costed = json.loads(command("plan", *ask, "--json", "--cost")[1])
    assert [row["cost"] for row in costed] == [row["fields"] for row in costed]
    code, got, told = command("get", *ask)
    assert (code, len(got.splitlines()), told.count("are here")) == (0, 4, 4)
    assert json.loads(command("get", *ask, "--json")[1]) == {"files": got.splitlines(), "pending": []}
    assert json.loads(command("plan", *ask, "--json")[1]) == []
    assert len(json.loads(command("plan", *ask, "--json", "--all")[1])) == 4
    assert command("status", *cache)[1].count("held  ") == 4
    assert {entry["state"] for entry in json.loads(command("status", *cache, "--json")[1])} == {"held"}
    assert command("check", *cache)[1] == "every file is as it came\n"
    (tmp_path / "p.csv").write_text("name,Lat, lon\na,40.1,116.4\n")
    out = tmp_path / "out.nc"
    files = ("--source", f"{tmp_path}/c/*/*.nc", "--points", tmp_path / "p.csv")
    assert command("extract", *ask[:2], *files, "--out", out)[:2] == (0, f"{out}\n")
    with xr.open_dataset(out) as found:
        assert dict(found.sizes) == {"time": 72, "place": 1}
    Path(got.splitlines()[0]).write_bytes(b"x")
    code, _, told = command("check", *cache)
    assert (code, told) == (
        1,
        "era5-fetch: 1 files are damaged: delete them and run `era5-fetch get` again\n",
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["get", "t2n", "2020"], "no variable 't2n'"),
        (["get", "t2m", "2020-01", "--area", "a,b"], "area 'a,b', agreed north,west,south,east"),
        (["get", "t2m", "2020-01"], "no key for the CDS"),
        (["get", " , ", "2020-01"], "no variable in ' , '"),
        (["extract", "t2m", "2020-01", "--out", "none/x.nc"], "none/x.nc: there is no folder none: make it"),
        (["forecast", "t2m", "--out", "none/x.nc"], "there is no folder none"),
        (["plan", "t2m", "2020-01", "--points", "none.csv"], "none.csv: no such file, agreed a CSV"),
        (["plan", "t2m", "/2017"], "cannot read ''"),
        (["plan", "t2m", "2017/"], "cannot read ''"),
        (["plan", "t2m", "NaT"], "cannot read 'NaT'"),
        (["plan", "t2m", "1900"], "1900-01-01 is before 1940-01-01, when ERA5 begins"),
        (["get", "t2m", "2020-01", "--wait", "2"], "wait '2', agreed a time with its unit"),
        (["get", "t2m", "2020-01", "--wait", "soon"], "wait 'soon', agreed a time with its unit"),
        (["check"], "no cache, agreed the folder that `era5-fetch get` has filled"),
        (["status"], "no cache, agreed the folder that `era5-fetch get` has filled"),
        (["forecast", "t2m", "--out", "x.nc", "--run", "NaT"], "run 'NaT', agreed its start in UTC"),
        (["plan", "t2m", "2020-01", "--format", "csv"], "format 'csv', agreed 'netcdf' or 'grib'"),
        (
            ["extract", "t2m", "2020-01", "--out", "x.nc", "--method", "cubic"],
            "method 'cubic', agreed 'nearest' or 'bilinear'",
        ),
    ],
)
def test_what_the_command_refuses_is_one_line(tmp_path, command, arguments, says):
    code, _, told = command(*arguments, "--cache", tmp_path / "c")
    assert code == 1
    assert told.startswith("era5-fetch: ")
    assert says in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["plan", "t2m"], "Missing argument 'period': see `era5-fetch plan --help`"),
        (["plan", "t2m", "2020", "--pints", "x"], "No such option: --pints"),
        (["fetch"], "No such command 'fetch'"),
        (["forecast", "t2m"], "Missing option '--out'"),
    ],
)
def test_wrong_usage_is_one_line_too(command, arguments, says):
    code, _, told = command(*arguments)
    assert code == 2
    assert told.startswith(f"era5-fetch: {says}")
    assert len(told.splitlines()) == 1


def test_points_in_one_column_are_told_what_may_separate_them(tmp_path, command):
    (tmp_path / "p.csv").write_text("name;lat;lon\na;40.1;116.4\n")
    code, _, told = command("plan", "t2m", "2020-01", "--points", tmp_path / "p.csv", "--cache", tmp_path / "c")
    assert code == 1
    assert told.endswith("is it separated by ';'? use commas\n")


def test_what_the_package_gives_is_there_whatever_was_imported_before():
    import era5_fetch.extraction
    import era5_fetch.store

    assert all(callable(getattr(era5_fetch, name)) for name in era5_fetch.__all__)


def test_the_documentation_names_what_there_is():
    text = (Path(__file__).parents[1] / "docs" / "era5_fetch.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    compile(code, "docs/era5_fetch.md", "exec")
    assert set(re.findall(r"era5_fetch\.(\w+)", text)) <= set(era5_fetch.__all__)
    commands = {command.name or command.callback.__name__ for command in command_line.app.registered_commands}
    assert set(re.findall(r"era5-fetch (\w+)", text)) <= {*commands, "blh"}
    assert f"| {command_line.NOT_YET} |" in text
    assert {name for name in SOURCES if f"| `{name}` |" not in text} == set()


def test_a_cache_that_is_a_file_is_one_line(tmp_path, command):
    (tmp_path / "file").touch()
    for asked in ("status", "check"):
        code, _, told = command(asked, "--cache", tmp_path / "file")
        assert (code, told.count("\n")) == (1, 1)
        assert "no cache" in told


def test_a_wait_that_is_over_has_an_exit_code_of_its_own(server, tmp_path, command):
    (tmp_path / ".cdsapirc").write_text(f"url: {server.url}\nkey: {KEY}\n")
    server.polls = 10**6
    ask = ("get", "t2m", "2020-01-30", "--area", "40,116,39,117", "--cache", tmp_path / "c")
    code, printed, told = command(*ask, "--wait", "0h")
    assert (code, printed) == (command_line.NOT_YET, "")
    assert "1 requests are not here after 0 min (2020-01-30 t2m: running)" in told.splitlines()[-1]


def test_a_fetch_of_what_is_not_published_prints_no_line(tmp_path, command):
    code, printed, _ = command("get", "t2m", "2200-01-01", "--area", "40,116,39,117", "--cache", tmp_path / "c")
    assert (code, printed) == (0, "")


def test_the_command_tells_its_version(command):
    assert command("--version")[:2] == (0, f"era5-fetch {metadata.version('tianbang')}\n")


def test_a_file_is_written_under_a_name_of_the_process_and_leaves_nothing_beside(tmp_path, capsys):
    beside = []

    class Watched(xr.Dataset):
        __slots__ = ()

        def to_netcdf(self, path, **options):
            beside.append(Path(path).name)
            return super().to_netcdf(path, **options)

    command_line._write(Watched({"x": 1.0}), tmp_path / "out.nc")
    assert beside == [f"out.nc.{os.getpid()}.part"]
    assert [path.name for path in tmp_path.iterdir()] == ["out.nc"]
    assert capsys.readouterr().out == f"{tmp_path / 'out.nc'}\n"


def test_help_and_an_interrupted_command_leave_as_they_should(command, monkeypatch):
    assert command("--help")[0] == 0

    def pressed(*arguments, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "_source", pressed)
    assert command("status") == (130, "", "era5-fetch: interrupted; run the same command again to go on\n")


def test_a_cache_that_cannot_be_written_is_one_line(server, tmp_path, command):
    (tmp_path / ".cdsapirc").write_text(f"url: {server.url}\nkey: {KEY}\n")
    (tmp_path / "file").touch()
    code, _, told = command("get", "t2m", "2020-01-30", "--area", "40,116,39,117", "--cache", tmp_path / "file")
    assert (code, told) == (1, f"era5-fetch: {tmp_path / 'file' / 'locks'}: Not a directory\n")


def test_help_comes_before_xarray_is_even_imported():
    took = min(timed(["-m", "era5_fetch.command_line", "--help"]) for _ in range(3))
    assert took < min(timed(["-c", "import xarray"]) for _ in range(3))


def timed(arguments: list[str]) -> float:
    begun = time.monotonic()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.monotonic() - begun
