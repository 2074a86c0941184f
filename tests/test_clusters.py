"""Queues and Kubernetes as far as their libraries say without a cluster, and runs in which a place fails."""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
import small_world

from pipeline import attribution, workers
from pipeline.clusters import Scheduler, kubernetes_specification, queue_arguments
from pipeline.config import load
from pipeline.errors import ConfigError, Incomplete
from pipeline.stages import keys, run
from pipeline.store import Run

QUEUED = {
    "workers": 40,
    "memory": "4GB",
    "queue": "long",
    "account": "air",
    "interface": "lo",
    "prologue": ("module load python",),
}


@pytest.mark.parametrize(
    ("kind", "cluster", "expected"),
    [
        ("slurm", "SLURMCluster", ("#SBATCH -p long", "#SBATCH -A air", "#SBATCH --mem=4G", "#SBATCH -t 06:00:00")),
        ("pbs", "PBSCluster", ("#PBS -q long", "#PBS -A air", "ncpus=1:mem=3815MB", "walltime=06:00:00")),
    ],
)
def test_a_job_is_one_worker_of_one_thread_with_its_memory(
    tmp_path: Path, kind: Any, cluster: str, expected: tuple[str, ...]
) -> None:
    jobqueue = pytest.importorskip("dask_jobqueue")
    scheduler = Scheduler(kind=kind, walltime="06:00:00", **QUEUED)
    with getattr(jobqueue, cluster)(**queue_arguments(scheduler, tmp_path)) as made:
        script = made.job_script()
    for line in (*expected, "export OMP_NUM_THREADS=1", "module load python", str(tmp_path)):
        assert line in script
    # the key of the worker is its thread; what comes before it would be lost
    assert "--nthreads 1 --memory-limit 3.73GiB" in script
    assert script.index("export OMP_NUM_THREADS=1") < script.index("dask_worker")


def test_pods_are_workers_of_one_thread_with_their_memory() -> None:
    pytest.importorskip("dask_kubernetes.operator")
    scheduler = Scheduler(kind="kubernetes", image="registry.example.org/tianbang:0.1", memory="4GiB", workers=3)
    made = kubernetes_specification(scheduler)
    assert made["spec"]["worker"]["replicas"] == 3
    [worker] = made["spec"]["worker"]["spec"]["containers"]
    assert worker["image"] == "registry.example.org/tianbang:0.1"
    assert worker["resources"]["limits"] == {"cpu": "1", "memory": "4Gi"}
    assert worker["args"][:4] == ["dask", "worker", "--nthreads", "1"]
    assert {"name": "OMP_NUM_THREADS", "value": "1"} in worker["env"]


def test_a_library_that_is_missing_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "dask_kubernetes.operator", None)
    with pytest.raises(ConfigError, match=r"found no dask-kubernetes; install it with `pip install 'tianbang\[kubern"):
        kubernetes_specification(Scheduler(kind="kubernetes", image="x"))


def test_where_work_is_done_stands_in_no_digest(tmp_path: Path) -> None:
    here = load(small_world.write(tmp_path, {}))
    there = here.model_copy(update={"scheduler": Scheduler(kind="local", workers=2)})
    assert keys(here).products == keys(there).products
    assert keys(here).made_of == keys(there).made_of


def test_a_place_that_fails_is_told_and_tried_again_and_the_rest_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load(
        small_world.write(
            tmp_path / "world",
            {
                "period": ["2021-01-01", "2022-02-28"],
                "pollutants": ["benzene", "o3"],
                "levels": ["region", "city"],
                "model": {"members": 2, "methods": []},
            },
        )
    )
    folder, real = tmp_path / "run", attribution.readings_of
    victim = config.pollutants[0]

    def broken(rows: Any, config: Any, pollutant: str) -> Any:
        if pollutant == victim:
            raise ZeroDivisionError("planted")
        return real(rows, config, pollutant)

    monkeypatch.setattr(attribution, "readings_of", broken)
    monkeypatch.setattr(workers, "_with_dask", lambda function, items, _: workers._here(function, items))
    with pytest.raises(
        Incomplete, match=f"series failed, such as city .*, {victim}: failed, ZeroDivisionError: planted"
    ):
        run(config, folder)
    table = pd.read_csv(folder / "tables" / "attribution.csv")
    assert set(table["pollutant"]) == set(config.pollutants) - {victim}
    assert "planted" in (folder / "index.html").read_text(encoding="utf-8")
    [log, *_] = sorted((folder / "logs").glob("*.log"))
    assert "Traceback" in log.read_text(encoding="utf-8")
    whole = keys(config).products
    assert not Run(folder).fresh("tables/attribution.csv", whole)

    monkeypatch.setattr(attribution, "readings_of", real)
    run(config, folder)
    assert set(pd.read_csv(folder / "tables" / "attribution.csv")["pollutant"]) == set(config.pollutants)
    assert Run(folder).fresh("tables/attribution.csv", whole)
    assert json.loads((folder / "manifests" / "index.html.json").read_text())["key"] == whole


@pytest.mark.slow
def test_tables_are_the_same_bytes_on_one_worker_on_four_and_without_a_scheduler(tmp_path: Path) -> None:
    path = small_world.write(tmp_path / "world", {"pollutants": ["benzene", "o3"], "model": {"members": 2}})
    made = {}
    for name, scheduler in {
        "processes": Scheduler(),
        "one": Scheduler(kind="local", workers=1),
        "four": Scheduler(kind="local", workers=4, memory="2GB"),
    }.items():
        run(load(path).model_copy(update={"scheduler": scheduler}), tmp_path / name)
        tables = sorted((tmp_path / name / "tables").glob("*.csv"))
        made[name] = {table.name: table.read_bytes() for table in tables}
        assert len(tables) > 10
    assert made["one"] == made["processes"]
    assert made["four"] == made["processes"]


@pytest.mark.slow
def test_a_run_whose_workers_are_killed_at_any_moment_ends_with_the_same_tables(tmp_path: Path) -> None:
    path = small_world.write(tmp_path / "world", {"pollutants": ["benzene", "o3"], "model": {"members": 2}})
    whole = load(path).model_copy(update={"scheduler": Scheduler(kind="local", workers=2, retries=20)})
    run(whole, tmp_path / "whole")
    killed: list[int] = []

    def kill_some() -> None:
        rng = random.Random(1)
        while not list((tmp_path / "killed").glob("readings/*.nc")):
            time.sleep(0.1)
        while not (tmp_path / "killed" / "index.html").exists() and len(killed) < 3:
            time.sleep(rng.uniform(0.2, 2))
            workers = [child for child in psutil.Process().children(recursive=True) if _works(child)]
            if workers:
                victim = rng.choice(workers)
                with contextlib.suppress(psutil.NoSuchProcess):
                    victim.kill()
                    killed.append(victim.pid)

    killer = threading.Thread(target=kill_some, daemon=True)
    killer.start()
    run(whole, tmp_path / "killed")
    killer.join(timeout=10)
    assert killed
    for table in sorted((tmp_path / "whole" / "tables").glob("*.csv")):
        assert (tmp_path / "killed" / "tables" / table.name).read_bytes() == table.read_bytes(), table.name


def _works(process: psutil.Process) -> bool:
    """Whether a process is a Dask worker: a child of the nanny, in which tasks run."""
    with contextlib.suppress(psutil.Error):
        return "spawn_main" in " ".join(process.cmdline())
    return False
