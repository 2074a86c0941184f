"""The packaging files say one thing: ranges, pins, conda names, versions, and what a wheel carries."""

import ast
import re
import socket
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pytest_socket import SocketConnectBlockedError

import pipeline
from pipeline.vocabulary import GROUPS, POLLUTANTS, WEATHER

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PACKAGES = ("pipeline", "models", "era5_fetch")
EXTRAS = PROJECT["optional-dependencies"]
NEEDED = [Requirement(line) for lines in (PROJECT["dependencies"], *EXTRAS.values()) for line in lines]
PINS = [Requirement(line) for line in (ROOT / "requirements-lock.txt").read_text(encoding="utf-8").splitlines()]

# Where conda-forge has another name than PyPI. dask-core and matplotlib-base leave out what we do not use.
CONDA_NAMES = {
    "dask": "dask-core",
    "eccodes": "python-eccodes",
    "matplotlib": "matplotlib-base",
}
# What is not taken from conda-forge: pip brings it with the project, or by its own line.
PIP_ONLY = {"pylopdf-fonts-zh-cn", "rocrate", "typst"}


def conda_requirements() -> dict[str, str]:
    """Name -> range of every package environment.yml asks conda for."""
    entries = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    parsed = [Requirement(entry) for entry in entries if isinstance(entry, str)]
    return {requirement.name: str(requirement.specifier) for requirement in parsed}


@pytest.mark.parametrize("needed", NEEDED, ids=lambda needed: needed.name)
def test_the_lock_pins_every_requirement_within_its_range(needed):
    pins = [pin for pin in PINS if canonicalize_name(pin.name) == canonicalize_name(needed.name)]
    versions = [specifier.version for pin in pins for specifier in pin.specifier]
    assert versions
    assert list(needed.specifier.filter(versions, prereleases=True)) == versions


def test_the_lock_holds_nothing_but_exact_pins():
    for pin in PINS:
        assert pin.url is None
        assert [specifier.operator for specifier in pin.specifier] == ["=="], pin


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_the_lock_pins_each_package_once_for_each_python(version):
    here = {"python_version": version, "python_full_version": f"{version}.1", "sys_platform": "linux"}
    names = [pin.name for pin in PINS if pin.marker is None or pin.marker.evaluate(here)]
    assert sorted(names) == sorted(set(names))


def test_the_conda_environment_asks_for_the_same_packages_in_the_same_ranges():
    expected = {
        CONDA_NAMES.get(needed.name, canonicalize_name(needed.name)): str(needed.specifier)
        for needed in NEEDED
        if needed.name not in PIP_ONLY
    }
    expected["python"] = str(Requirement(f"python{PROJECT['requires-python']}").specifier)
    expected["pip"] = ""
    assert conda_requirements() == expected


def test_every_file_gives_the_same_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.findall(r"^## \[(\d[^\]]*)\]", changelog, flags=re.MULTILINE)[0]
    given = {citation["version"], newest, metadata.version("tianbang"), pipeline.__version__}
    assert given == {PROJECT["version"]}


def test_the_command_is_installed_under_its_name():
    (script,) = metadata.entry_points(group="console_scripts", name="tianbang")
    assert script.value == PROJECT["scripts"]["tianbang"]


def imported_names(package: str) -> set[str]:
    """Top-level names of every absolute import in a package, wherever it stands in a file."""
    nodes = [node for path in (ROOT / package).rglob("*.py") for node in ast.walk(ast.parse(path.read_bytes()))]
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    of = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.split(".")[0] for name in plain | of}


@pytest.mark.parametrize("package", PACKAGES)
def test_what_a_package_imports_is_declared(package):
    of_users = [line for name, lines in EXTRAS.items() if name != "dev" for line in lines]
    declared = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"] + of_users}
    providers = metadata.packages_distributions()
    foreign = imported_names(package) - set(sys.stdlib_module_names) - set(PACKAGES)
    undeclared = {name for name in foreign if not declared & {canonicalize_name(d) for d in providers.get(name, [])}}
    assert not undeclared


def test_a_wheel_carries_the_three_packages_whole_and_nothing_else(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    carried = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    on_disk = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert carried == on_disk
    assert {f"{package}/py.typed" for package in PACKAGES} <= carried


def test_a_test_reaches_no_further_than_this_machine():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
    with pytest.raises(SocketConnectBlockedError):
        socket.create_connection(("192.0.2.1", 80))  # an address kept for documentation, RFC 5737


def test_the_glossary_holds_every_word_of_the_vocabulary():
    cells = re.findall(r"^\| (`[^|]*) \|", (ROOT / "GLOSSARY.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    explained = {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}
    assert {*POLLUTANTS, *WEATHER, *GROUPS} <= explained
