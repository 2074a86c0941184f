"""Fitted models of LightGBM and scikit-learn as flat arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.marginal import bits
from models.marginal.bits import Nodes
from models.marginal.trees import CATEGORY, NAN_IS_MISSING, NAN_IS_ZERO, ZERO_IS_MISSING, Ensemble, Splits

LINKLESS = set("regression regression_l1 huber fair quantile mape custom none".split())  # codespell:ignore mape
"""LightGBM's objectives whose prediction is the sum of the trees."""
CATEGORICAL, DEFAULT_LEFT = 1, 2
"""Bits of LightGBM's decision types; the next two are the missing type."""
MISSING_TYPES = np.array([NAN_IS_ZERO, ZERO_IS_MISSING, NAN_IS_MISSING, NAN_IS_ZERO], dtype=np.int8)


@dataclass(frozen=True)
class Tree:
    """One tree as a library keeps it; arrays (nodes,), the root first.

    ``left`` and ``right`` are children, -1 at leaves, where what the split asks means nothing; ``members`` are the
    categories (k, c) that a categorical split's ``threshold`` counts.
    """

    left: np.ndarray
    right: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    kind: np.ndarray
    missing_left: np.ndarray
    value: np.ndarray
    members: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), dtype=bool))


def ensemble(model: Any) -> Ensemble:
    """The trees of a fitted ``model``.

    LightGBM's Booster and LGBMRegressor (also as random forest); scikit-learn's decision and extra trees, forests of
    either, gradient boosting and histogram gradient boosting, with one target. Raises TypeError for any other model,
    ValueError for one that is no sum of trees: linear leaves, links, another model as start, categories that
    histogram gradient boosting encodes itself.
    """
    for kind in type(model).__mro__:
        if kind.__name__ in READERS:
            return READERS[kind.__name__](model)
    raise TypeError(f"no reader for a {type(model).__name__}; known: {sorted(READERS)}")


def _joined(trees: Sequence[Tree], names: Sequence[str], **others: Any) -> Ensemble:
    sizes = np.array([len(tree.left) for tree in trees])
    roots = np.concatenate([[0], np.cumsum(sizes)])
    offset = np.repeat(roots[:-1], sizes)

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(tree, name) for tree in trees])

    inner = joined("left") >= 0
    left, right = (np.where(inner, joined(side) + offset, -1) for side in ("left", "right"))
    place, depth, end, parent = bits.preorder(left, right, roots)
    splits, split = _distinct(trees, sizes, inner, joined)
    into = np.where(parent >= 0, split[place[parent]], -1).astype(np.int32)
    from_left = (parent >= 0) & (left[place[parent]] == place)
    return Ensemble(tuple(names), splits, roots, Nodes(into, from_left, depth, end), joined("value")[place], **others)


def _distinct(
    trees: Sequence[Tree], sizes: np.ndarray, inner: np.ndarray, joined: Callable[[str], np.ndarray]
) -> tuple[Splits, np.ndarray]:
    """The distinct splits, and which of them stands at each node (-1 at leaves)."""
    widest = max(tree.members.shape[1] for tree in trees)
    members = [np.pad(tree.members, ((0, 0), (0, widest - tree.members.shape[1]))) for tree in trees]
    counted = np.cumsum([0, *(len(tree) for tree in members)])[:-1]
    columns = [joined(name) for name in ("feature", "kind", "threshold", "missing_left")]
    columns[2] = columns[2] + np.where(columns[1] == CATEGORY, np.repeat(counted, sizes), 0)
    columns = [column[inner] for column in columns]
    order = np.lexsort(columns[::-1])
    columns = [column[order] for column in columns]
    new = np.arange(len(order)) == 0
    new[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    split = np.full(len(inner), -1)
    split[np.flatnonzero(inner)[order]] = np.cumsum(new) - 1
    feature, kind, threshold, missing_left = (column[new] for column in columns)
    return Splits(feature, kind, threshold, missing_left, np.concatenate(members)), split


def _lightgbm(booster: Any) -> Ensemble:
    head, *blocks = booster.model_to_string().split("\nend of trees")[0].split("\nTree=")
    about = _fields(head)
    objective = about.get("objective", "none").split(" ")
    if objective[0] not in LINKLESS or "sqrt" in objective or about["num_tree_per_iteration"] != "1":
        raise ValueError(f"objective {' '.join(objective)!r}: its prediction is not a sum over trees")
    trees = [_lightgbm_tree(_fields(block), 1 / len(blocks) if "average_output" in head else 1.0) for block in blocks]
    categories = tuple(tuple(known) for known in booster.pandas_categorical or ())
    return _joined(trees, about["feature_names"].split(" "), constant=0.0, categories=categories)


def _fields(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _lightgbm_tree(text: Mapping[str, str], share: float) -> Tree:
    if text.get("is_linear", "0") != "0":
        raise ValueError("linear leaves have no one value; fit with linear_tree=False")

    def numbers(name: str, kind: type = int) -> np.ndarray:
        return np.fromstring(text.get(name, ""), sep=" ").astype(kind)

    leaves = int(text["num_leaves"])
    decision = numbers("decision_type")[: leaves - 1]
    kind = np.where(decision & CATEGORICAL, CATEGORY, MISSING_TYPES[decision >> 2 & 3])

    def padded(values: np.ndarray, fill: float) -> np.ndarray:
        return np.concatenate([values[: leaves - 1], np.full(leaves, fill, dtype=values.dtype)])

    def children(name: str) -> np.ndarray:
        found = numbers(name)[: leaves - 1]
        return padded(np.where(found >= 0, found, leaves - 2 - found), -1)

    value = np.concatenate([np.zeros(leaves - 1), share * numbers("leaf_value", float)])
    missing_left = (decision & DEFAULT_LEFT > 0) & (kind != CATEGORY)
    return Tree(
        children("left_child"), children("right_child"), padded(numbers("split_feature"), 0),
        padded(numbers("threshold", float), 0), padded(kind, 0), padded(missing_left, 0), value,
        _members(numbers("cat_boundaries"), numbers("cat_threshold", np.uint32)),
    )  # fmt: skip


def _members(bounds: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Categories (k, 32 w) from bitsets that lie in ``words`` between ``bounds`` (k + 1,)."""
    widths = np.diff(bounds)
    rows = np.zeros((len(widths), widths.max(initial=0)), dtype="<u4")
    rows[np.arange(rows.shape[1]) < widths[:, None]] = words
    return np.unpackbits(rows.view(np.uint8), axis=1, bitorder="little").astype(bool)


def _sklearn_tree(tree: Any, share: float) -> Tree:
    if tree.value.shape[1:] != (1, 1):
        raise ValueError(f"{tree.value.shape[1]} targets; fit one model a target")
    kind = np.full(tree.node_count, NAN_IS_MISSING, dtype=np.int8)
    missing_left = tree.missing_go_to_left.astype(bool)
    value = np.where(tree.children_left < 0, share * tree.value[:, 0, 0], 0.0)
    return Tree(tree.children_left, tree.children_right, tree.feature, tree.threshold, kind, missing_left, value)


def _names(model: Any) -> list[str]:
    known = getattr(model, "feature_names_in_", None)
    return [f"Column_{i}" for i in range(model.n_features_in_)] if known is None else list(known)


def _forest(model: Any) -> Ensemble:
    trees = [_sklearn_tree(member.tree_, 1 / len(model.estimators_)) for member in model.estimators_]
    return _joined(trees, _names(model), constant=0.0, single=True)


def _boosting(model: Any) -> Ensemble:
    start = 0.0 if isinstance(model.init_, str) else getattr(model.init_, "constant_", None)
    if start is None:
        raise ValueError(f"the boosting starts from a {type(model.init_).__name__}, which is no tree")
    trees = [_sklearn_tree(member.tree_, model.learning_rate) for member in model.estimators_[:, 0]]
    return _joined(trees, _names(model), constant=float(np.ravel(start)[0]), single=True)


def _histogram(model: Any) -> Ensemble:
    if model.is_categorical_ is not None:
        raise ValueError("histogram gradient boosting encodes categories by itself; encode them before the model")
    if type(model._loss.link).__name__ != "IdentityLink":
        raise ValueError(f"loss {model.loss!r}: its prediction is not a sum over trees")
    trees = [_histogram_tree(predictors[0].nodes) for predictors in model._predictors]
    return _joined(trees, _names(model), constant=float(np.ravel(model._baseline_prediction)[0]))


def _histogram_tree(nodes: np.ndarray) -> Tree:
    leaf = nodes["is_leaf"].astype(bool)
    left, right = (np.where(leaf, -1, nodes[side].astype(np.int64)) for side in ("left", "right"))
    kind = np.full(len(nodes), NAN_IS_MISSING, dtype=np.int8)
    missing_left = nodes["missing_go_to_left"].astype(bool)
    value = np.where(leaf, nodes["value"], 0.0)
    return Tree(left, right, nodes["feature_idx"], nodes["num_threshold"], kind, missing_left, value)


def _single(model: Any) -> Ensemble:
    return _joined([_sklearn_tree(model.tree_, 1.0)], _names(model), constant=0.0, single=True)


READERS: Mapping[str, Callable[[Any], Ensemble]] = {
    "Booster": _lightgbm,
    "LGBMRegressor": lambda model: _lightgbm(model.booster_),
    "DecisionTreeRegressor": _single,
    "ExtraTreeRegressor": _single,
    "RandomForestRegressor": _forest,
    "ExtraTreesRegressor": _forest,
    "GradientBoostingRegressor": _boosting,
    "HistGradientBoostingRegressor": _histogram,
}
"""Which reader knows which class."""
