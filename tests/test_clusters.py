"""Queues and Kubernetes as far as their libraries say without a cluster, and runs in which a place fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
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
