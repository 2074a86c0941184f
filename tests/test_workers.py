"""The same results wherever and in whatever order the work is done, one thread a task."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import small_world
import xarray as xr
from distributed import LocalCluster, get_client
from hypothesis import given
from hypothesis import strategies as st
from small_work import after, dies_of, dies_once, fails, half_of, process_of

from pipeline import attribution
from pipeline.attribution import Outcome, Task, attribute
from pipeline.clusters import Kind, Scheduler, at
from pipeline.config import load
from pipeline.errors import ConfigError, InputError, TianbangError
from pipeline.stages import daily_stage, keys, tasks
from pipeline.store import Run
from pipeline.workers import DIED, WorkerDied, each

SHORT = {
    "period": ["2021-01-01", "2022-02-28"],
    "pollutants": ["benzene"],
    "levels": ["region"],
    "model": {"members": 2},
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a scheduler with two workers, each a process."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, protocol="tcp://", host="127.0.0.1", dashboard_address=":0"
    ) as local:
        yield local.scheduler_address


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> list[Task]:
    """The tasks of a short small world, its days made."""
    folder = tmp_path_factory.mktemp("workers")
    config = load(small_world.write(folder / "world", SHORT))
    run = Run(folder / "run")
    daily_stage(config, run, keys(config))
    return tasks(config, run, keys(config))


def made(planned: list[Task], folder: Path, *, scheduler: str | None = None) -> dict[str, xr.Dataset]:
    """The readings of the tasks, made in a run folder of their own."""
    Run(folder).path("daily").parent.mkdir(parents=True)
    Run(folder).path("daily").symlink_to(planned[0].folder / "daily")
    moved = [replace(task, folder=folder) for task in planned]
    outcomes: list[Outcome] = list(each(attribute, moved, scheduler=at(scheduler)))
    assert {outcome.task.key for outcome in outcomes} == {task.key for task in planned}
    return {str(outcome.artefact): xr.load_dataset(folder / str(outcome.artefact)) for outcome in outcomes}


@pytest.fixture(scope="module")
def in_process(planned: list[Task], tmp_path_factory: pytest.TempPathFactory) -> dict[str, xr.Dataset]:
    """The readings made one after the other in this process."""
    folder = tmp_path_factory.mktemp("in_process")
    first, second = (made([task], folder / str(number)) for number, task in enumerate(planned))
    return first | second


def identical(one: dict[str, xr.Dataset], other: dict[str, xr.Dataset]) -> bool:
    return set(one) == set(other) and all(one[name].identical(other[name]) for name in one)


# --- the mapping


@given(numbers=st.lists(st.integers(0, 100), max_size=1))
def test_few_items_need_no_workers(numbers: list[int]) -> None:
    assert list(each(half_of, numbers)) == [half_of(number) for number in numbers]
    assert all(process == os.getpid() for process in each(process_of, numbers))


@pytest.mark.parametrize("workers", [1, 2])
def test_every_item_has_its_result_whatever_the_workers(monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    monkeypatch.setattr("pipeline.clusters.os.cpu_count", lambda: workers)
    numbers = [5, 3, 3, 0, 8, 1, 1]  # items that are alike are still items
    assert sorted(each(half_of, numbers)) == sorted(map(half_of, numbers))


def test_every_item_has_its_result_on_a_scheduler(cluster: str) -> None:
    numbers = [5, 3, 3, 0, 8, 1, 1]
    assert sorted(each(half_of, numbers, scheduler=at(cluster))) == sorted(map(half_of, numbers))
    assert list(each(half_of, [], scheduler=at("tcp://nobody-is-asked:1"))) == []


def test_results_come_as_they_are_done(tmp_path: Path, cluster: str) -> None:
    for number, scheduler in enumerate((None, cluster)):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = list(each(after, [folder / "sign", folder], scheduler=at(scheduler)))
        assert [waited for waited, _ in found] == [False, True]
        assert os.getpid() not in {process for _, process in found}


def test_an_agreed_error_of_a_task_stays_one_line_everywhere(cluster: str) -> None:
    for numbers, scheduler in (([-1], None), ([2, -1], None), ([2, -1], cluster)):
        with pytest.raises(InputError) as refused:
            list(each(half_of, numbers, scheduler=at(scheduler)))
        assert str(refused.value) == "found -1, agreed a number that is not negative"


FATAL = 7
"""The item of ``dies_of`` that ends its process."""


@pytest.mark.parametrize("kind", ["processes", "local"])
def test_an_item_that_ends_its_worker_fails_alone(kind: Kind) -> None:
    scheduler = Scheduler(kind=kind, workers=2, retries=1)
    found = list(each(dies_of, [1, FATAL, 2, 3], scheduler=scheduler, failed=lambda item, error: (item, str(error))))
    assert sorted(found) == [(1, "done"), (2, "done"), (3, "done"), (FATAL, DIED)]


def test_an_item_whose_worker_is_lost_once_is_taken_up_again(tmp_path: Path) -> None:
    for kind in ("processes", "local"):
        folder = tmp_path / kind
        folder.mkdir()
        scheduler = Scheduler(kind=kind, workers=2)
        found = list(each(dies_once, [folder / "a", folder / "b"], scheduler=scheduler))
        assert sorted(found) == ["a", "b"]


def test_without_an_answer_for_failures_a_worker_that_dies_is_told_in_one_line() -> None:
    with pytest.raises(WorkerDied, match="the worker process died each time, perhaps for want of memory"):
        list(each(dies_of, [FATAL, 1], scheduler=Scheduler(retries=0)))


def test_what_nobody_agreed_fails_alone_with_its_whole_story_and_a_full_disk_stops_all() -> None:
    [answer] = each(fails, ["ValueError"], failed=lambda _, error: (type(error), error.__notes__))
    assert answer[0] is ValueError
    assert "small_work.py" in answer[1][0]
    for items in (["disk"], ["disk", "fine"]):
        with pytest.raises(OSError, match="No space left"):
            list(each(fails, items, failed=lambda item, _: item))


def test_a_scheduler_of_its_own_gives_every_result_and_keeps_what_its_workers_said(tmp_path: Path) -> None:
    numbers = [5, 3, 3, 0, 8, 1, 1]
    found = each(half_of, numbers, scheduler=Scheduler(kind="local", workers=2), logs=tmp_path / "logs")
    assert sorted(found) == sorted(map(half_of, numbers))
    assert len(list((tmp_path / "logs").glob("*.log"))) == 2


def test_a_scheduler_that_goes_away_is_told_in_one_line(tmp_path: Path) -> None:
    with LocalCluster(
        n_workers=1, threads_per_worker=1, protocol="tcp://", host="127.0.0.1", dashboard_address=":0"
    ) as local:
        answers = each(after, [tmp_path, tmp_path / "never", tmp_path / "never"], scheduler=at(local.scheduler_address))
        next(answers)
        local.close()
        with pytest.raises(TianbangError, match=r"the Dask scheduler .*; run again to continue"):
            list(answers)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://127.0.0.1:1"])
def test_a_scheduler_that_is_not_there_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.clusters.PATIENCE", "0.2s")
    with pytest.raises(ConfigError, match=f"--scheduler: found no Dask scheduler at '{address}'") as refused:
        list(each(half_of, [1, 2], scheduler=at(address)))
    assert "\n" not in str(refused.value)
    # it does not stay the client that everything after it would ask
    with pytest.raises(ValueError, match="No global client found"):
        get_client()


# --- the real work


def test_two_workers_make_the_readings_of_this_process(
    planned: list[Task], in_process: dict[str, xr.Dataset], tmp_path: Path
) -> None:
    assert len(in_process) == 2
    assert identical(made(planned, tmp_path / "run"), in_process)


def test_a_distributed_cluster_makes_the_readings_of_this_process_in_any_order(
    planned: list[Task], in_process: dict[str, xr.Dataset], tmp_path: Path, cluster: str
) -> None:
    assert identical(made(planned[::-1], tmp_path / "run", scheduler=cluster), in_process)


def test_readings_that_are_there_are_not_made_again(planned: list[Task], in_process: dict[str, xr.Dataset]) -> None:
    folder = Path(in_process[planned[0].artefact].encoding["source"]).parents[1]
    task = replace(planned[0], folder=folder)
    before = small_world.content(folder)
    assert attribute(task) == Outcome(task, task.artefact, ())
    assert small_world.content(folder) == before


def test_chunks_of_the_days_change_nothing(planned: list[Task]) -> None:
    from pipeline.samples import samples

    run = Run(planned[0].folder)
    with (
        xr.open_dataset(run.path("daily/observations.nc")) as observations,
        xr.open_dataset(run.path("daily/weather.nc")) as weather,
    ):
        whole = samples(observations, weather, planned[0].place, "benzene")
        for sizes in ({"time": 150}, {"station": 1}):
            parts = samples(observations.chunk(sizes), weather.chunk(sizes), planned[0].place, "benzene")
            assert parts.target.equals(whole.target)
            assert parts.drivers.equals(whole.drivers)


# --- threads


def test_a_task_has_one_thread_in_every_numerical_library(
    planned: list[Task], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    threadpoolctl = pytest.importorskip("threadpoolctl")
    pools: list[int] = []
    asked: list[Any] = []
    real = attribution.readings_of

    def watched(*arguments: Any) -> xr.Dataset:
        pools.extend(pool["num_threads"] for pool in threadpoolctl.threadpool_info())
        # whatever LightGBM is asked to do in a task, it is asked to do in one thread
        train, predict = lightgbm.train, lightgbm.Booster.predict
        with monkeypatch.context() as patch:
            patch.setattr(
                lightgbm,
                "train",
                lambda given, *a, **k: asked.append(given.get("num_threads")) or train(given, *a, **k),
            )
            patch.setattr(
                lightgbm.Booster,
                "predict",
                lambda self, *a, **k: asked.append(k.get("num_threads")) or predict(self, *a, **k),
            )
            return real(*arguments)

    monkeypatch.setattr(attribution, "readings_of", watched)
    made(planned[:1], tmp_path / "run")
    assert pools
    assert set(pools) == {1}
    assert set(asked) <= {1}
