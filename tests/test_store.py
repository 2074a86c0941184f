"""The run folder: a file under its final name is whole, and is fresh only for what made it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import __version__
from pipeline.errors import InputError
from pipeline.store import Run, digest, file_digest, write_text, written_whole

SHA256_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def recorded(folder: Path, artefact: str = "tables/a.csv", key: str = "key", **made_of: Any) -> Run:
    """A run with one artefact and its manifest."""
    run = Run(folder)
    write_text(run.path(artefact), "content")
    run.record(artefact, key, made_of, notes=["a note"])
    return run


@settings(max_examples=50)
@given(content=st.dictionaries(st.text(), JSON))
def test_a_digest_does_not_depend_on_the_order_of_keys(content: dict[str, Any]) -> None:
    assert digest(content) == digest(dict(reversed(content.items())))


@given(one=JSON, other=JSON)
def test_different_content_has_different_digests(one: Any, other: Any) -> None:
    assert (digest(one) == digest(other)) == (json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True))


def test_the_digest_of_a_file_is_the_sha_256_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert file_digest(tmp_path / "abc") == SHA256_OF_ABC


def test_the_digest_of_a_folder_follows_names_and_content(tmp_path: Path) -> None:
    found = []
    for name, text in (("a", "1"), ("a", "2"), ("b", "2")):
        folder = tmp_path / f"{name}{text}"
        folder.mkdir()
        (folder / name).write_text(text)
        found.append(file_digest(folder))
    assert len(set(found)) == 3


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.csv: cannot be read \(No such file or directory\)"):
        file_digest(tmp_path / "no.csv")


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    final = tmp_path / "new" / "a.csv"
    write_text(final, "old")

    def die_half_way() -> None:
        with written_whole(final) as partial:
            partial.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        die_half_way()
    assert final.read_text() == "old"
    assert [path.name for path in final.parent.iterdir()] == ["a.csv"]


def test_readers_never_see_half_a_file(tmp_path: Path) -> None:
    final = tmp_path / "a.nc"
    with written_whole(final) as partial:
        partial.write_text("content")
        assert not final.exists()
        assert partial.suffix == ".nc"  # libraries choose a format by it
        assert partial.name.startswith(".")
    assert final.read_text() == "content"
    assert final.stat().st_mode & 0o777 == 0o644


def test_an_artefact_is_fresh_for_its_key_only(tmp_path: Path) -> None:
    run = recorded(tmp_path)
    assert run.fresh("tables/a.csv", "key")
    assert not run.fresh("tables/a.csv", "other key")
    assert not run.fresh("tables/b.csv", "key")


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("tables/a.csv", None),
        ("tables/a.csv", "content of a run that was killed before it wrote the manifest"),
        ("manifests/tables/a.csv.json", None),
        ("manifests/tables/a.csv.json", '{"key": "ke'),
        ("manifests/tables/a.csv.json", "[]"),
    ],
)
def test_an_artefact_without_its_own_manifest_is_not_fresh(tmp_path: Path, path: str, content: str | None) -> None:
    run = recorded(tmp_path)
    (tmp_path / path).unlink()
    if content is not None:
        (tmp_path / path).write_text(content)
    assert not run.fresh("tables/a.csv", "key")


def test_a_manifest_says_what_made_the_artefact(tmp_path: Path) -> None:
    manifest = recorded(tmp_path, seed=3, inputs={"文件.csv": "abc"}).manifest("tables/a.csv")
    assert manifest == {
        "artefact": "tables/a.csv",
        "tianbang": __version__,
        "key": "key",
        "sha256": file_digest(tmp_path / "tables" / "a.csv"),
        "seed": 3,
        "inputs": {"文件.csv": "abc"},
        "notes": ["a note"],
    }
