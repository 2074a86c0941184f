"""The command ``tianbang``. Heavy libraries are imported inside the commands: help is at hand at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline import __version__

app = typer.Typer(
    name="tianbang",
    help="天帮忙: how much of a change of air quality was the weather, how much the emissions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Out = Annotated[Path | None, typer.Option("--out", help="The run folder; by default runs/NAME.")]
Scheduler = Annotated[
    str | None, typer.Option(help="Address of a Dask scheduler; by default processes on this machine.")
]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"tianbang {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    config: Annotated[Path, typer.Argument(help="A YAML config, such as configs/beijing.yml.")],
    out: Out = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE laid over the config; repeatable.")
    ] = None,
    scheduler: Scheduler = None,
) -> None:
    """Separate weather from emissions: tables, netCDF, figures and a page, from station data and weather."""
    from pipeline.config import load
    from pipeline.stages import run as run_stages

    loaded = load(config, settings or ())
    page = run_stages(loaded, (out or Path("runs") / loaded.name).resolve(), scheduler=scheduler)
    typer.echo(page)


@app.command()
def demo(
    out: Out = None,
    seed: Annotated[int, typer.Option(help="Seed of the sample world.")] = 1,
    scheduler: Scheduler = None,
) -> None:
    """The whole chain on the sample world: writes its files, runs on them, compares with the planted truth."""
    from pipeline.demo import demo as run_demo

    typer.echo(run_demo((out or Path("runs") / "demo").resolve(), seed=seed, scheduler=scheduler))


def main() -> None:
    """Runs the command; whatever is refused is one line on standard error and a non-zero exit."""
    from pipeline.errors import TianbangError

    try:
        app()
    except TianbangError as error:
        typer.echo(f"tianbang: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:  # a full disk, a folder that may not be written
        typer.echo(f"tianbang: {error.filename or 'the run folder'}: {error.strerror or error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        typer.echo("tianbang: interrupted; run the same command again to continue", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
