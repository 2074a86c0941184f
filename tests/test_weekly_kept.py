"""A fitted model as a file: the same numbers back, the same bytes twice, and nothing built that is not agreed."""

from __future__ import annotations

import dataclasses
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from weekly_world import DAYS, RECORD, kept, weather

from models import kept as codec
from pipeline.errors import InputError
from pipeline.store import Run
from pipeline.weekly import fitted
from pipeline.weekly.days import extended

PATH = "models/city-Here-pm25.npz"


def same(one: Any, other: Any) -> None:
    """Asserts that two models hold the same fields, the arrays in them bit by bit."""
    assert type(one) is type(other)
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_exact=True, check_freq=False)
    elif isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other, strict=True)
    elif isinstance(one, pd.DatetimeIndex):
        assert one.equals(other)
    elif dataclasses.is_dataclass(one):
        same(
            [getattr(one, field.name) for field in dataclasses.fields(one)],
            [getattr(other, field.name) for field in dataclasses.fields(one)],
        )
    elif isinstance(one, list | tuple | dict):
        assert len(one) == len(other)
        pairs = zip(one.items(), other.items(), strict=True) if isinstance(one, dict) else zip(one, other, strict=True)
        for parts in pairs:
            same(*parts)
    else:
        assert one == other


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.npz"
    codec.keep(path, kept())
    return path


def test_a_model_comes_back_bit_by_bit(file: Path) -> None:
    same(kept(), codec.load(file))


def test_a_model_that_came_back_says_the_same_of_new_days(file: Path) -> None:
    later = weather().loc[RECORD[-1] < DAYS]
    one, other = (extended(model, later, place="city") for model in (kept(), codec.load(file)))
    np.testing.assert_array_equal(one.weather, other.weather)
    np.testing.assert_array_equal(one.emissions, other.emissions)


def test_the_same_model_makes_the_same_bytes(file: Path, tmp_path: Path) -> None:
    codec.keep(tmp_path / "again.npz", codec.load(file))
    assert (tmp_path / "again.npz").read_bytes() == file.read_bytes()


def test_what_is_not_agreed_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"Path.* cannot be kept; agreed the dataclasses"):
        codec.keep(tmp_path / "model.npz", dataclasses.replace(kept(), observed=Path()))  # type: ignore[arg-type]


def foreign(path: Path) -> None:
    path.write_text("station,value\n")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def pickled(path: Path) -> None:
    np.savez(path, structure=np.array([{"a": 1}], dtype=object))


def plain_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"structure": 1}))


def without_structure(path: Path) -> None:
    np.savez(path, a=np.arange(3))


@pytest.mark.parametrize("spoil", [foreign, empty, cut, pickled, plain_pickle, without_structure])
def test_a_file_that_is_no_whole_model_is_refused_in_one_line(file: Path, spoil: Any) -> None:
    spoil(file)
    with pytest.raises(ValueError, match="not a whole kept model") as error:
        codec.load(file)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["Separation", "days"])
def test_a_model_of_another_form_is_refused(file: Path, name: str) -> None:
    with np.load(file) as archive:
        arrays = {key: archive[key] for key in archive.files}
    arrays["structure"] = np.frombuffer(
        bytes(arrays["structure"]).replace(b'"%b"' % name.encode(), b'"else"'), np.uint8
    )
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    file.write_bytes(stream.getvalue())
    with pytest.raises(ValueError, match="a model of another version"):
        codec.load(file)


def test_a_kept_model_that_was_changed_or_is_gone_is_refused_with_what_to_do(tmp_path: Path) -> None:
    run = Run(tmp_path)
    with pytest.raises(InputError, match=r"found no kept model; run `tianbang run`"):
        fitted.load(run, PATH)
    fitted.keep(run, PATH, kept(), "key", {"seed": 1})
    same(kept(), fitted.load(run, PATH))
    run.path(PATH).write_bytes(run.path(PATH).read_bytes() + b" ")
    with pytest.raises(InputError, match="not what its manifest says; remove it and run"):
        fitted.load(run, PATH)


def test_one_digest_stands_for_all_models_in_any_order(tmp_path: Path) -> None:
    run, other = Run(tmp_path), "models/city-There-o3.npz"
    for path in (PATH, other):
        fitted.keep(run, path, kept(), "key", {})
    first = fitted.digest_of(run, [PATH, other])
    assert first == fitted.digest_of(run, [other, PATH])
    assert first != fitted.digest_of(run, [PATH])
    fitted.keep(run, other, dataclasses.replace(kept(), ratio=kept().ratio * 2), "key", {})
    assert first != fitted.digest_of(run, [PATH, other])
