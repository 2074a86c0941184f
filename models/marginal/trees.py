"""Tree ensembles as flat arrays, whatever library fitted them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from models.marginal import bits
from models.marginal.bits import Answers, Layout, Nodes

NAN_IS_ZERO, ZERO_IS_MISSING, NAN_IS_MISSING, CATEGORY = range(4)
"""What a split does with what is missing: LightGBM's missing types none, zero and nan, and its categorical split."""
NEARLY_ZERO = float(np.float32(1e-35))
"""LightGBM's zero reaches so far."""
Rows = pd.DataFrame | np.ndarray


@dataclass(frozen=True)
class Splits:
    """The distinct splits of an ensemble, sorted by feature, kind, threshold and direction; arrays (s,).

    A row goes left where its ``feature`` is at most ``threshold``, or, for a ``kind`` of CATEGORY, where the integer
    part of the feature is one of the ``members`` (k, categories) in row ``threshold``. What is missing by the rule of
    its ``kind`` goes left where ``missing_left``; NaN is in no category.
    """

    feature: np.ndarray
    kind: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    members: np.ndarray

    def runs(self) -> Iterator[tuple[int, int, slice]]:
        """Feature, kind and place of each run of splits that share both."""
        change = np.flatnonzero(np.diff(self.feature) | np.diff(self.kind)) + 1
        bounds = [0, *change.tolist(), len(self.feature)]
        for first, last in pairwise(bounds):
            if last > first:
                yield int(self.feature[first]), int(self.kind[first]), slice(first, last)

    def answers(self, values: np.ndarray, asked: np.ndarray) -> Answers:
        """Which of the rows ``values`` (64 words, p) go left at each split on a feature ``asked`` (p,) for."""
        row = np.full(len(self.feature), -1, dtype=np.int32)
        masks, count = [np.zeros((0, len(values) // 64), dtype=np.uint64)], 0
        for feature, kind, run in self.runs():
            if asked[feature]:
                found = self._run(values[:, feature], kind, run)
                row[run] = found.row + count
                masks.append(found.masks)
                count += len(found.masks)
        return Answers(np.concatenate(masks), row)

    def _run(self, column: np.ndarray, kind: int, run: slice) -> Answers:
        if kind == CATEGORY:
            known = (column > -1) & (column < self.members.shape[1])
            inside = self.members[self.threshold[run].astype(np.intp)][:, np.where(known, column, 0).astype(np.intp)]
            return Answers(bits.packed(inside & known), np.arange(run.stop - run.start))
        column = column if kind == NAN_IS_MISSING else np.where(np.isnan(column), 0.0, column)
        missing = np.abs(column) <= NEARLY_ZERO if kind == ZERO_IS_MISSING else np.isnan(column)
        order = np.argsort(column)
        order = order[~missing[order]] if missing.any() else order
        threshold, left = self.threshold[run], self.missing_left[run]
        return bits.at_most(np.ascontiguousarray(column), order, threshold, left, bits.packed(missing[None])[0])


@dataclass(frozen=True)
class Ensemble:
    """A sum of trees, in the order parent, left subtree, right subtree.

    ``roots`` (t + 1,) are the trees' first nodes, and the number of nodes; ``value`` (nodes,) holds what a leaf adds,
    ``constant`` what every row gets. ``names`` (p,) are the features; ``single`` says that the model rounds its input
    to 32 bits; ``categories`` are those of a data frame's categorical columns, in their order.
    """

    names: tuple[str, ...]
    splits: Splits
    roots: np.ndarray
    nodes: Nodes
    value: np.ndarray
    constant: float
    single: bool = False
    categories: tuple[tuple[object, ...], ...] = ()

    def predict(self, rows: Rows) -> np.ndarray:
        """The model's prediction for ``rows`` (n, p), (n,); what is missing goes where the library sends it."""
        table = self.table(rows)
        places = bits.layout(np.zeros(len(table), dtype=np.intp))
        found = np.zeros(len(places.order))
        self.spread(table, places, self.mask(self.names), self.nodes, self.value[:, None].copy(), found)
        return places.rows(found) + self.constant

    def count(
        self, table: np.ndarray, places: Layout, asked: np.ndarray, nodes: Nodes, weights: np.ndarray | None
    ) -> np.ndarray:
        """How many rows of ``table`` (n, p), or how much of their ``weights`` (n,), reach each leaf, (nodes, labels).

        Rows go both ways at splits on features not ``asked`` (p,) for.
        """
        arrivals = np.zeros((len(nodes.end), int(places.labels[-1]) + 1))
        for _, rows, block in places.blocks():
            answers = self.splits.answers(table[rows], asked)
            bits.count(nodes, answers, block, None if weights is None else weights[rows], arrivals)
        return arrivals

    def spread(
        self, table: np.ndarray, places: Layout, asked: np.ndarray, nodes: Nodes, add: np.ndarray, found: np.ndarray
    ) -> None:
        """Adds to ``found`` (64 words,) what the leaves that a row of ``table`` (n, p) reaches ``add`` (nodes, labels).

        Rows go both ways at splits on features not ``asked`` (p,) for. ``add`` is used up.
        """
        folded = add, bits.fold(nodes, asked[self.splits.feature], add)
        for place, rows, block in places.blocks():
            bits.spread(nodes, self.splits.answers(table[rows], asked), block, folded, found[place])

    def table(self, rows: Rows) -> np.ndarray:
        """``rows`` (n, p) as numbers, columns in the model's order.

        A data frame is matched by name. Raises ValueError for missing columns or categories unknown to the model.
        """
        values = self._framed(rows) if isinstance(rows, pd.DataFrame) else np.asarray(rows, dtype=float)
        if values.ndim != 2 or values.shape[1] != len(self.names):
            raise ValueError(f"rows have shape {values.shape}; the model takes (n, {len(self.names)}): {self.names}")
        return values.astype(np.float32).astype(float) if self.single else values

    def _framed(self, rows: pd.DataFrame) -> np.ndarray:
        known = dict(zip((str(name).replace(" ", "_") for name in rows.columns), rows.columns, strict=True))
        if absent := [name for name in self.names if name.replace(" ", "_") not in known]:
            raise ValueError(f"no column {absent} among {list(rows.columns)}")
        frame = rows[[known[name.replace(" ", "_")] for name in self.names]]
        categorical = [name for name in frame.columns if isinstance(frame[name].dtype, pd.CategoricalDtype)]
        if len(categorical) != len(self.categories):
            raise ValueError(f"categorical columns {categorical}; the model was fitted to {len(self.categories)}")
        columns = {name: frame[name] for name in frame.columns}
        for name, categories in zip(categorical, self.categories, strict=True):
            codes = frame[name].cat.set_categories(list(categories)).cat.codes
            columns[name] = codes.where(codes >= 0)
        return np.column_stack([column.to_numpy(dtype=float) for column in columns.values()])

    def mask(self, features: Sequence[str | int]) -> np.ndarray:
        """Which features (p,) are named; names or positions. Raises ValueError for one the model does not have."""
        chosen = np.zeros(len(self.names), dtype=bool)
        for feature in features:
            if feature in self.names:
                chosen[self.names.index(str(feature))] = True
            elif isinstance(feature, int | np.integer) and 0 <= feature < len(self.names):
                chosen[feature] = True
            else:
                raise ValueError(f"no feature {feature!r}; the model has {list(self.names)}")
        return chosen
