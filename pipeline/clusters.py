"""Where work is done is configuration: processes here, a Dask scheduler, a queue, Kubernetes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipeline.errors import ConfigError, TianbangError
from pipeline.progress import say

if TYPE_CHECKING:
    from distributed import Client

Kind = Literal["processes", "local", "address", "slurm", "pbs", "kubernetes"]
HERE: Kind = "processes"
"""Without a ``distributed`` scheduler: nothing to start or to wait for. Never threads: netCDF is not safe in them."""
QUEUES: tuple[Kind, ...] = ("slurm", "pbs")
PATIENCE = "10s"
"""How long a scheduler is waited for."""
ONE_THREAD = tuple(f"export {name}=1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"))
OF_KINDS: Mapping[str, tuple[Kind, ...]] = {
    "address": ("address",),
    "memory": ("local", "slurm", "pbs", "kubernetes"),
    "fewest": ("local", "slurm", "pbs", "kubernetes"),
    "queue": QUEUES,
    "account": QUEUES,
    "walltime": QUEUES,
    "interface": QUEUES,
    "prologue": QUEUES,
    "directives": QUEUES,
    "image": ("kubernetes",),
    "namespace": ("kubernetes",),
}
"""Keys that mean something to some kinds alone."""


class Scheduler(BaseModel):
    """The key ``scheduler`` of a config. What a run finds does not depend on it.

    A worker is one process with one numerical thread; ``workers`` are the most there may be, ``fewest`` those that stay
    when there is little to do.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: Kind = "processes"
    workers: int | None = Field(default=None, ge=1, le=10_000, description="by default one a core of this machine")
    fewest: int | None = Field(default=None, ge=0, description="workers that stay; by default all of them")
    memory: str | None = Field(
        default=None, pattern=r"^\d+(\.\d+)? ?[kMGT]i?B$", description="of a worker, such as 4GB"
    )
    retries: int = Field(default=2, ge=0, le=20, description="times that the task of a lost worker is tried again")
    address: str | None = Field(default=None, description="of a scheduler that runs, such as tcp://10.0.0.1:8786")
    queue: str | None = None
    account: str | None = None
    walltime: str = "24:00:00"
    interface: str | None = Field(default=None, description="network interface of the workers, such as ib0")
    prologue: tuple[str, ...] = Field(default=(), description="lines of the job script before the worker starts")
    directives: tuple[str, ...] = Field(default=(), description="lines for the queue, such as --exclusive")
    image: str | None = Field(default=None, description="container with this version of tianbang")
    namespace: str = "default"

    @model_validator(mode="after")
    def _keys_of_its_kind(self) -> Scheduler:
        for name, kinds in OF_KINDS.items():
            if self.kind not in kinds and getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"found {name!r} with kind {self.kind}; allowed: with {', '.join(kinds)}")
        needed = {"address": "address", "kubernetes": "image", "slurm": "memory", "pbs": "memory"}.get(self.kind)
        if needed and getattr(self, needed) is None:
            raise ValueError(f"found kind {self.kind} without {needed!r}; this key is required there")
        if self.fewest is not None and self.fewest > self.most:
            raise ValueError(f"found fewest {self.fewest} above workers {self.most}; allowed: up to these")
        return self

    @property
    def most(self) -> int:
        """Workers that there may be."""
        return self.workers or os.cpu_count() or 1


def at(address: str | None, otherwise: Scheduler | None = None) -> Scheduler:
    """The scheduler at an ``address`` that was asked for, else the configured one, else processes here."""
    return Scheduler(kind="address", address=address) if address else otherwise or Scheduler()


@contextmanager
def connected(scheduler: Scheduler, logs: Path | None = None) -> Iterator[Client]:
    """A client of the scheduler, which is started and stopped here unless it has an address.

    ``logs`` is a folder for what workers say: queues write their jobs' output there, other kinds when work is done.
    A scheduler that is not there, or whose library is missing, is a ConfigError.
    """
    import dask
    from distributed import Client

    settings = {"distributed.scheduler.allowed-failures": scheduler.retries}
    with dask.config.set(settings), _cluster(scheduler, logs) as cluster:
        try:
            # not the default: a client that found nobody would stay it, and xarray would ask it for locks
            client = Client(cluster, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"--scheduler: found no Dask scheduler at {scheduler.address!r} ({error}); start one with "
                "`dask scheduler`"
            ) from None
        with client:
            say(f"dask: {_told(client)}")
            try:
                yield client
            finally:
                if logs is not None and scheduler.kind not in QUEUES:
                    _keep_logs(client, logs)


def _told(client: Client) -> str:
    """Where the scheduler and its dashboard are."""
    about = f"scheduler {client.scheduler.address}" if client.scheduler else "scheduler"
    if find_spec("bokeh") is None:
        return f"{about}; no dashboard, which needs `pip install bokeh`"
    return f"{about}, dashboard {client.dashboard_link}"


def _keep_logs(client: Client, logs: Path) -> None:
    """What each worker said, one file a worker; a scheduler that has gone has none."""
    try:
        said = client.get_worker_logs()
    except Exception:  # noqa: BLE001 - the logs of a scheduler that broke are not what a user waits for
        return
    logs.mkdir(parents=True, exist_ok=True)
    for worker, lines in said.items():
        name = "".join(character if character.isalnum() else "-" for character in str(worker))
        text = "\n".join(f"{level} {message}" for level, message in reversed(lines))
        (logs / f"{name}.log").write_text(text + "\n", encoding="utf-8")


@contextmanager
def _cluster(scheduler: Scheduler, logs: Path | None) -> Iterator[Any]:
    if scheduler.kind == "address":
        yield scheduler.address
        return
    try:
        made = MAKERS[scheduler.kind](scheduler, logs)
    except (OSError, RuntimeError, TimeoutError) as error:
        raise TianbangError(
            f"scheduler: {scheduler.kind} could not be started ({' '.join(str(error).split())}); run again to continue"
        ) from None
    with made as cluster:
        if scheduler.kind != "local" or scheduler.fewest is not None:
            cluster.adapt(
                minimum=scheduler.most if scheduler.fewest is None else scheduler.fewest, maximum=scheduler.most
            )
        yield cluster


def _local(scheduler: Scheduler, _: Path | None) -> Any:
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=scheduler.most if scheduler.fewest is None else scheduler.fewest,
        threads_per_worker=1,
        host="127.0.0.1",
        protocol="tcp://",
        dashboard_address="127.0.0.1:0",
        memory_limit=scheduler.memory or "auto",
    )


def queue_arguments(scheduler: Scheduler, logs: Path | None) -> dict[str, Any]:
    """What ``dask-jobqueue`` is asked for: jobs of one worker with one thread, their output in ``logs``."""
    given = {
        "queue": scheduler.queue,
        "account": scheduler.account,
        "interface": scheduler.interface,
        "log_directory": str(logs) if logs else None,
    }
    return {
        "job_name": "tianbang",
        "cores": 1,
        "processes": 1,
        "memory": scheduler.memory,
        "walltime": scheduler.walltime,
        "job_script_prologue": [*ONE_THREAD, *scheduler.prologue],
        "job_extra_directives": list(scheduler.directives),
        "scheduler_options": {"dashboard_address": ":0"},
        **{name: value for name, value in given.items() if value is not None},
    }


def _slurm(scheduler: Scheduler, logs: Path | None) -> Any:
    return _of_extra("dask_jobqueue", "hpc").SLURMCluster(**queue_arguments(scheduler, logs))


def _pbs(scheduler: Scheduler, logs: Path | None) -> Any:
    return _of_extra("dask_jobqueue", "hpc").PBSCluster(**queue_arguments(scheduler, logs))


def _kubernetes(scheduler: Scheduler, _: Path | None) -> Any:
    return _of_extra("dask_kubernetes.operator", "kubernetes").KubeCluster(
        custom_cluster_spec=kubernetes_specification(scheduler), namespace=scheduler.namespace
    )


def kubernetes_specification(scheduler: Scheduler) -> Any:
    """The resource that Dask's operator for Kubernetes is asked for: workers of one thread with the agreed memory."""
    memory = {"memory": scheduler.memory.replace(" ", "").removesuffix("B")} if scheduler.memory else {}
    return _of_extra("dask_kubernetes.operator", "kubernetes").make_cluster_spec(
        name="tianbang",
        image=scheduler.image,
        n_workers=scheduler.most if scheduler.fewest is None else scheduler.fewest,
        resources={"requests": {"cpu": "1", **memory}, "limits": {"cpu": "1", **memory}},
        env={line.removeprefix("export ").partition("=")[0]: "1" for line in ONE_THREAD},
        worker_command=["dask", "worker", "--nthreads", "1"],
    )


def _of_extra(module: str, extra: str) -> Any:
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError:
        raise ConfigError(
            f"scheduler: found no {module.partition('.')[0].replace('_', '-')}; install it with "
            f"`pip install 'tianbang[{extra}]'`"
        ) from None


MAKERS: Mapping[Kind, Callable[[Scheduler, Path | None], Any]] = {
    "local": _local,
    "slurm": _slurm,
    "pbs": _pbs,
    "kubernetes": _kubernetes,
}
