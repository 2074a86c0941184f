"""The command ``tianbang``. Heavy libraries are imported inside the commands: help is at hand at once."""

from __future__ import annotations

import sys
from enum import StrEnum
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
archive_app = typer.Typer(help="The growing archive of station observations.", no_args_is_help=True)
app.add_typer(archive_app, name="archive")

INTERRUPTED = 130


class IndexFormat(StrEnum):
    """How ``tianbang index`` prints."""

    table = "table"
    csv = "csv"
    json = "json"


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
    forest: Annotated[bool, typer.Option("--forest", help="The error of a resampled random forest too.")] = False,
    scheduler: Scheduler = None,
) -> None:
    """The whole chain on the sample world: writes its files, runs on them, compares with the planted truth."""
    from pipeline.demo import demo as plain
    from pipeline.demo import demo_beside_forest

    run_demo = demo_beside_forest if forest else plain
    typer.echo(run_demo((out or Path("runs") / "demo").resolve(), seed=seed, scheduler=scheduler))


@app.command()
def benchmark(
    out: Out = None,
    worlds: Annotated[int | None, typer.Option(min=1, help="How many worlds; by default all.")] = None,
    methods: Annotated[str, typer.Option(help="Methods by name, with commas between; by default all.")] = "",
    draws: Annotated[int, typer.Option(min=1, help="Draws of what is unobserved behind the truth.")] = 160,
    trees: Annotated[int, typer.Option(min=1, help="Trees of the field's forests.")] = 100,
    real_weather: Annotated[
        Path | None, typer.Option(help="Folder of the UCI Beijing files: worlds of real weather too.")
    ] = None,
    page: Annotated[Path | None, typer.Option(help="A Markdown page to bring up to date.")] = None,
    scheduler: Scheduler = None,
) -> None:
    """Methods of the field and ours, compared on worlds whose truth is known: tables and a figure."""
    from pipeline.benchmark import Options, benchmark

    names = tuple(name.strip() for name in methods.split(",") if name.strip())
    options = Options(worlds, names, draws, trees, real_weather)
    folder = (out or Path("runs") / "benchmark").resolve()
    typer.echo(benchmark(folder, options, scheduler=scheduler, page_path=page))


@app.command()
def bau(
    config: Annotated[Path, typer.Argument(help="A YAML config, such as configs/beijing.yml.")],
    event: Annotated[str, typer.Option(help="Name of one of the config's interventions.")] = "",
    first: Annotated[str, typer.Option("--from", help="First day of an event, YYYY-MM-DD.")] = "",
    last: Annotated[str, typer.Option("--to", help="Last day of an event, YYYY-MM-DD.")] = "",
    out: Out = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE laid over the config; repeatable.")
    ] = None,
    scheduler: Scheduler = None,
) -> None:
    """Business as usual: an event's days against a model of the days before it, beside placebo dates."""
    from pipeline.business_as_usual import business_as_usual, event_of
    from pipeline.config import load

    loaded = load(config, settings or ())
    folder = (out or Path("runs") / loaded.name).resolve()
    typer.echo(business_as_usual(loaded, folder, event_of(loaded, event, first, last), scheduler=scheduler))


@app.command()
def index(
    config: Annotated[Path, typer.Argument(help="A YAML config, such as configs/beijing.yml.")],
    week: Annotated[str | None, typer.Option(help="A week, such as 2025-W40.")] = None,
    latest: Annotated[bool, typer.Option("--latest", help="The last whole week with weather; the default.")] = False,
    outlook: Annotated[
        bool, typer.Option("--outlook", help="The ten days ahead too, from the forecast of `weekly.outlook`.")
    ] = False,
    out: Out = None,
    form: Annotated[IndexFormat, typer.Option("--format", help="What is printed.")] = IndexFormat.table,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE laid over the config; repeatable.")
    ] = None,
    scheduler: Scheduler = None,
    fill: Annotated[
        bool, typer.Option("--fill", help="As --outlook; days that have no weather yet by forecasts, marked so.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only whether the weather of --week is there: exit code 7 if not.")
    ] = False,
    catch_up: Annotated[
        bool, typer.Option("--catch-up", help="Every week that has weather and was not issued, in order.")
    ] = False,
    since: Annotated[
        str | None, typer.Option(help="With --catch-up: from this week on, and what would be other now too.")
    ] = None,
) -> None:
    """The meteorological condition index of a week, from the models a run has kept and the newest weather."""
    import datetime

    from pipeline.config import load
    from pipeline.weekly import files, terminal
    from pipeline.weekly.catching_up import Asked, check_week, require_one
    from pipeline.weekly.catching_up import catch_up as catch_up_weeks
    from pipeline.weekly.issue import issue

    require_one(week=week, since=since, latest=latest, check=check, catch_up=catch_up)
    loaded = load(config, settings or ())
    folder = (out or Path("runs") / loaded.name).resolve()
    now = datetime.datetime.now(datetime.UTC)
    if catch_up:
        asked = Asked(since, outlook=outlook, fill=fill, scheduler=scheduler)
        typer.echo(catch_up_weeks(loaded, folder, now=now, asked=asked))
        return
    if check and week is not None:
        typer.echo(check_week(loaded, folder, week=week, now=now))
        return
    document = issue(loaded, folder, week=week, now=now, scheduler=scheduler, outlook=outlook, fill=fill)
    if form is IndexFormat.table:
        typer.echo(terminal.as_text(document))
    else:
        printed = {IndexFormat.csv: files.CSV, IndexFormat.json: files.JSON}[form]
        typer.echo((folder / printed).read_text(encoding="utf-8"), nl=form is IndexFormat.json)


@app.command()
def ingest(
    config: Annotated[Path, typer.Argument(help="A YAML config with the keys `observations` and `archive`.")],
) -> None:
    """Append what is new in a folder of station files to the archive; safe to interrupt, run again to continue."""
    from pipeline.archive.ingest import ingest as append
    from pipeline.archive.settings import settings_of

    found = settings_of(config)
    typer.echo(append(found.observations, found.archive, utc_offset=found.utc_offset))


@app.command()
def serve(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes any that is free.")] = 8765,
) -> None:
    """Show a run folder in the browser: on this machine only, read-only, until Ctrl-C."""
    from pipeline.serve import serve as serve_folder

    serve_folder(folder, port, tell=typer.echo)


@archive_app.command()
def status(
    path: Annotated[Path, typer.Argument(help="An archive, or a config that names one.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    rejected: Annotated[
        Path | None, typer.Option(help="A CSV file to write: every file and value that was not taken.")
    ] = None,
) -> None:
    """What the archive holds: days, gaps, stations, last hour, what was rejected by rule."""
    from pipeline.archive import status as of_archive
    from pipeline.archive.settings import archive_of

    found = of_archive.status(archive_of(path))
    if rejected is not None:
        of_archive.write_rejected(archive_of(path), rejected)
    typer.echo(of_archive.as_json(found) if as_json else of_archive.as_text(found))


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
    except SystemExit as stop:
        # typer turns Ctrl-C into this exit code before anyone else sees it
        if stop.code == INTERRUPTED:
            typer.echo("tianbang: interrupted; run the same command again to continue", err=True)
        raise


if __name__ == "__main__":
    main()
