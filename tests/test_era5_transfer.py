"""A file comes whole or not at all: cut anywhere, killed, changed on the server, of the wrong size."""

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st
from loopback.cds_server import CdsServer

from era5_fetch.errors import BusyError, ContentError, TransferError
from era5_fetch.patience import Patience
from era5_fetch.transfer import AssetGone, SizeError, fetch

BODY = bytes(range(256)) * 2000
PATIENCE = Patience(retries=(0.0,) * 3, timeout=(2, 2))


@pytest.fixture
def server():
    with CdsServer() as made:
        made.assets["/store/a"] = BODY
        yield made


def get(server, target, **options):
    options.setdefault("size", len(BODY))
    return fetch(f"{server.root}/store/a", target, patience=options.pop("patience", PATIENCE), **options)


def only(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_what_came_is_there_with_its_digest(server, tmp_path):
    told = []
    received = get(server, tmp_path / "new" / "a.nc", progress=lambda done, total: told.append((done, total)))
    assert (tmp_path / "new" / "a.nc").read_bytes() == BODY
    assert received.bytes == len(BODY)
    assert received.sha256 == hashlib.sha256(BODY).hexdigest()
    assert told == sorted(told)
    assert told[-1] == (len(BODY), len(BODY))
    assert only(tmp_path / "new") == ["a.nc"]


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, len(BODY) // 3), max_size=8), ranges=st.booleans())
def test_wherever_the_connection_is_cut_the_file_is_whole_and_no_byte_comes_twice(cuts, ranges):
    with CdsServer(accept_ranges=ranges) as server, tempfile.TemporaryDirectory() as folder:
        server.assets["/store/a"] = BODY
        server.cuts.extend(cuts)
        get(server, Path(folder, "a.nc"), patience=Patience(retries=(0.0,) * 10))
        assert Path(folder, "a.nc").read_bytes() == BODY
        assert only(Path(folder)) == ["a.nc"]
        starts = [int(h.get("Range", "bytes=0-")[6:-1]) for h in server.downloads]
        if ranges:
            expected = [0]
            for cut in cuts:
                expected.append(min(expected[-1] + cut, len(BODY)))
            assert starts == expected[: len(starts)]


def test_a_connection_cut_for_ever_keeps_what_came_for_the_next_run(server, tmp_path):
    server.cuts.extend([1000] + [0] * 10)
    with pytest.raises(TransferError, match=r"a.nc: .*1000 of 512000 bytes are kept: run again"):
        get(server, tmp_path / "a.nc")
    assert not (tmp_path / "a.nc").exists()
    server.cuts.clear()
    get(server, tmp_path / "a.nc")
    assert server.downloads[-1]["Range"] == "bytes=1000-"
    assert (tmp_path / "a.nc").read_bytes() == BODY


def test_the_rest_of_another_file_is_never_put_behind_what_came(server, tmp_path):
    server.cuts.extend([1000] + [0] * 10)
    with pytest.raises(TransferError):
        get(server, tmp_path / "a.nc")
    server.cuts.clear()
    server.assets["/store/a"] = BODY[::-1]
    get(server, tmp_path / "a.nc")
    assert (tmp_path / "a.nc").read_bytes() == BODY[::-1]


def test_a_process_that_is_killed_in_a_download_leaves_it_to_the_next(server, tmp_path):
    server.stall = 0.01
    code = (
        "import sys; from pathlib import Path; from era5_fetch.transfer import fetch; "
        "fetch(sys.argv[1], Path(sys.argv[2]))"
    )
    target = tmp_path / "a.nc"
    child = subprocess.Popen([sys.executable, "-c", code, f"{server.root}/store/a", str(target)])
    part = tmp_path / "a.nc.part"
    while not part.exists() or part.stat().st_size < 50_000:
        assert child.poll() is None
        time.sleep(0.01)
    with pytest.raises(BusyError, match="another process fetches it"):
        get(server, target)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    server.stall = 0.0
    assert not target.exists()
    came = part.stat().st_size
    get(server, target)
    assert target.read_bytes() == BODY
    assert server.downloads[-1]["Range"] == f"bytes={came}-"


@pytest.mark.parametrize("lie", [-7, 7])
def test_a_file_of_another_size_than_announced_is_not_kept(server, tmp_path, lie):
    with pytest.raises(SizeError, match=f"512000 bytes came, the server announced {512000 + lie}"):
        get(server, tmp_path / "a.nc", size=len(BODY) + lie)
    assert only(tmp_path) == []


def test_a_file_that_fails_its_check_is_not_kept_and_what_was_there_stays(server, tmp_path):
    target = tmp_path / "a.nc"
    target.write_bytes(b"old")

    def check(part: Path) -> None:
        assert part.read_bytes() == BODY
        raise ContentError("not what was asked for")

    with pytest.raises(ContentError):
        get(server, target, check=check)
    assert target.read_bytes() == b"old"
    assert only(tmp_path) == ["a.nc"]


def test_a_file_that_is_gone_is_said_at_once(server, tmp_path):
    server.assets.clear()
    with pytest.raises(AssetGone, match="has it no more"):
        get(server, tmp_path / "a.nc")
    assert len(server.downloads) == 1


def test_errors_of_the_server_are_waited_out_as_long_as_it_asks(server, tmp_path):
    slept = []
    server.fail("asset", 503, headers={"Retry-After": "7"})
    server.fail("asset", 500)
    get(server, tmp_path / "a.nc", patience=Patience(retries=(1.0, 2.0), sleep=slept.append, chance=lambda: 0.0))
    assert slept == [7.0, 2.0]


@pytest.mark.parametrize("status", [501, 520, 524, 599])
def test_what_came_is_kept_whatever_a_server_in_trouble_answers(server, tmp_path, status):
    server.cuts.append(1000)
    server.fail_after(1, "asset", status, times=2)
    get(server, tmp_path / "a.nc")
    assert [headers.get("Range") for headers in server.downloads] == [None, *["bytes=1000-"] * 3]
    assert (tmp_path / "a.nc").read_bytes() == BODY


@pytest.mark.parametrize(("status", "error"), [(400, TransferError), (418, TransferError), (401, AssetGone)])
def test_a_refusal_is_said_at_once_and_what_came_is_kept(server, tmp_path, status, error):
    server.cuts.append(1000)
    server.fail_after(1, "asset", status)
    with pytest.raises(error, match=f"{status}"):
        get(server, tmp_path / "a.nc")
    assert len(server.downloads) == 2
    get(server, tmp_path / "a.nc")
    assert server.downloads[-1]["Range"] == "bytes=1000-"


def test_a_server_without_ranges_that_always_cuts_is_given_up(server, tmp_path):
    server.accept_ranges = False
    server.cuts.extend([1000, 500, 800] * 100)
    with pytest.raises(TransferError, match="run again"):
        get(server, tmp_path / "a.nc")
    assert len(server.downloads) == 2 + len(PATIENCE.retries)


def test_a_server_that_stops_sending_is_given_up_and_asked_again(server, tmp_path):
    server.fail("asset", slow=1.0)
    get(server, tmp_path / "a.nc", patience=Patience(retries=(0.0,), timeout=(1, 0.2)))
    assert (tmp_path / "a.nc").read_bytes() == BODY


def test_a_part_that_is_whole_already_is_only_given_its_name(server, tmp_path):
    server.cuts.append(len(BODY))

    def killed(_: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get(server, tmp_path / "a.nc", check=killed)
    assert only(tmp_path) == ["a.nc.part", "a.nc.part.json"]
    get(server, tmp_path / "a.nc")
    assert (tmp_path / "a.nc").read_bytes() == BODY


def test_a_lock_left_on_disk_by_the_dead_holds_nobody_up(server, tmp_path):
    (tmp_path / "a.nc.lock").touch()
    get(server, tmp_path / "a.nc")
    with FileLock(tmp_path / "a.nc.lock", timeout=0), pytest.raises(BusyError):
        get(server, tmp_path / "a.nc")
