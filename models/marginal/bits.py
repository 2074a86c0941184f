"""Sets of rows as bits, and how they go down trees.

Sixty-four rows are one word. A split is a row of bits that says which rows go left; the rows that reach a node are
those that reach its parent and the split's bits, so 64 rows (512 where the processor is wide) go down at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.core.cgutils import true_bit
from numba.extending import intrinsic

WORDS = 64
"""Words in a block: the bits of 4096 rows at every threshold of a few features fit a processor's cache."""
ONE, NONE, ALL = np.uint64(1), np.uint64(0), ~np.uint64(0)  # words


class Nodes(NamedTuple):
    """Nodes of trees, arrays (nodes,), in the order parent, left subtree, right subtree.

    ``split`` is the split on the way into the node (-1: a root) and ``left`` the side taken there; ``end`` is the
    node after the subtree.
    """

    split: np.ndarray
    left: np.ndarray
    depth: np.ndarray
    end: np.ndarray

    def part(self, first: int, last: int) -> Nodes:
        """Whole trees, from node ``first`` to before ``last``, counted from zero."""
        here = slice(first, last)
        return Nodes(self.split[here], self.left[here], self.depth[here], self.end[here] - first)


class Answers(NamedTuple):
    """What rows answer to splits: bits (masks, words), and each split's row among them (-1: not asked)."""

    masks: np.ndarray
    row: np.ndarray


class Block(NamedTuple):
    """Words of rows: bits of the places ``held`` (words,); ``labels`` (k,) of the words between ``bounds`` (k + 1,)."""

    held: np.ndarray
    bounds: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Layout:
    """Rows sorted by label into words of one label each.

    ``order`` (64 words,) is the row in each place, -1 where a word is not full; ``labels`` (words,).
    """

    order: np.ndarray
    labels: np.ndarray

    def blocks(self) -> Iterator[tuple[slice, np.ndarray, Block]]:
        """Some words at a time: their places, the row in each (any row where there is none), and the block."""
        for first in range(0, len(self.labels), WORDS):
            labels = self.labels[first : first + WORDS]
            place = slice(64 * first, 64 * (first + len(labels)))
            bounds = np.concatenate([[0], np.flatnonzero(np.diff(labels)) + 1, [len(labels)]])
            order = self.order[place]
            yield place, np.maximum(order, 0), Block(packed(order[None] >= 0)[0], bounds, labels[bounds[:-1]])

    def rows(self, found: np.ndarray) -> np.ndarray:
        """``found`` (64 words,) in the order of the rows, (n,)."""
        held = self.order >= 0
        result = np.empty(np.count_nonzero(held))
        result[self.order[held]] = found[held]
        return result


def layout(labels: np.ndarray) -> Layout:
    """The layout of rows with ``labels`` (n,), whole numbers from 0."""
    sizes = np.bincount(labels)
    words = -(-sizes // 64)
    rows = np.argsort(labels, kind="stable")
    padding = 64 * (np.cumsum(words) - words) - (np.cumsum(sizes) - sizes)
    order = np.full(64 * words.sum(), -1)
    order[np.arange(len(rows)) + padding[labels[rows]]] = rows
    return Layout(order, np.repeat(np.arange(len(sizes)), words))


def packed(flags: np.ndarray) -> np.ndarray:
    """``flags`` (k, 64 words) as bits (k, words), the first row lowest."""
    octets = np.ascontiguousarray(np.packbits(flags, axis=1, bitorder="little"))
    return octets.view("<u8").astype(np.uint64, copy=False)


# Compiled functions import none from other modules: numba's cache does not see when those change.


def _count_ones(_: Any, word: Any) -> Any:  # pragma: no cover
    return types.uint64(types.uint64), lambda context, builder, signature, words: builder.ctpop(words[0])


def _find_lowest(_: Any, word: Any) -> Any:  # pragma: no cover
    return types.uint64(types.uint64), lambda context, builder, signature, words: builder.cttz(words[0], true_bit)


ones: Any = intrinsic(_count_ones)
"""How many bits of a word are set, in one machine instruction."""
lowest: Any = intrinsic(_find_lowest)
"""The place of the lowest bit set; there must be one."""


@njit(cache=True)
def preorder(left: np.ndarray, right: np.ndarray, roots: np.ndarray) -> tuple[np.ndarray, ...]:  # pragma: no cover
    """Nodes in the order parent, left subtree, right subtree.

    Their places in ``left`` and ``right`` (nodes,), children or -1; depths, ends of subtrees and new parents.
    """
    size = left.size
    place, depth = np.empty(size, dtype=np.int64), np.zeros(size, dtype=np.int32)
    parent, end = np.empty(size, dtype=np.int64), np.arange(1, size + 1)
    waiting, above = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
    node = 0
    for root in roots[:-1]:
        waiting[0], above[0], count = root, -1, 1
        while count > 0:
            count -= 1
            old = waiting[count]
            place[node], parent[node] = old, above[count]
            depth[node] = depth[parent[node]] + 1 if parent[node] >= 0 else 0
            if left[old] >= 0:
                waiting[count], waiting[count + 1] = right[old], left[old]
                above[count : count + 2] = node
                count += 2
            node += 1
    for node in range(size - 1, -1, -1):
        if parent[node] >= 0:
            end[parent[node]] = max(end[parent[node]], end[node])
    return place, depth, end, parent


@njit(cache=True)
def at_most(
    column: np.ndarray, order: np.ndarray, threshold: np.ndarray, missing_left: np.ndarray, missing: np.ndarray
) -> Answers:  # pragma: no cover
    """Which rows of a ``column`` (64 words,) are at most each ``threshold`` (s,), ascending.

    ``order`` are the rows not ``missing`` (words, bits) by value; those missing count as asked by ``missing_left``.
    """
    masks = np.empty((min(threshold.size, 2 * (order.size + 1)), missing.size), dtype=np.uint64)
    row = np.empty(threshold.size, dtype=np.int32)
    below = np.zeros(missing.size, dtype=np.uint64)
    known = np.full(2, -1)  # the mask last made with the missing right, and left
    passed = used = 0
    for s in range(threshold.size):
        while passed < order.size and column[order[passed]] <= threshold[s]:
            place = np.uint64(order[passed])
            below[place >> np.uint64(6)] |= ONE << (place & np.uint64(63))
            known[:] = -1
            passed += 1
        side = 1 if missing_left[s] else 0
        if known[side] < 0:
            masks[used] = below
            if missing_left[s]:
                masks[used] |= missing
            known[side] = used
            used += 1
        row[s] = known[side]
    return Answers(masks[:used], row)


@njit(inline="always")
def _arrive(node: int, nodes: Nodes, answers: Answers, sets: np.ndarray, at: np.ndarray) -> bool:  # pragma: no cover
    """Makes ``sets[at[depth]]`` the rows that reach the node; False if there are none."""
    depth = nodes.depth[node]
    row = answers.row[nodes.split[node]] if depth > 0 else -1
    if row < 0:
        at[depth] = at[depth - 1] if depth > 0 else 0
        return True
    above, at[depth] = at[depth - 1], depth
    flip = NONE if nodes.left[node] else ALL
    some = NONE
    for w in range(sets.shape[1]):
        here = sets[above, w] & (answers.masks[row, w] ^ flip)
        sets[depth, w] = here
        some |= here
    return bool(some != NONE)


@njit(cache=True)
def count(
    nodes: Nodes, answers: Answers, block: Block, weights: np.ndarray | None, arrivals: np.ndarray
) -> None:  # pragma: no cover
    """Adds to ``arrivals`` (nodes, labels) the rows, or their ``weights`` (64 words,), that reach each leaf.

    Rows go both ways at splits not asked.
    """
    depth = nodes.depth.max() + 1
    sets, at = np.empty((depth, block.held.size), dtype=np.uint64), np.zeros(depth, dtype=np.int64)
    sets[0] = block.held
    node = 0
    while node < nodes.end.size:
        if not _arrive(node, nodes, answers, sets, at):
            node = nodes.end[node]
            continue
        if nodes.end[node] == node + 1:
            own = at[nodes.depth[node]]
            for run in range(block.labels.size):
                total = NONE
                for w in range(block.bounds[run], block.bounds[run + 1]):
                    if weights is None:
                        total += ones(sets[own, w])
                    else:
                        rest = sets[own, w]
                        while rest != NONE:
                            arrivals[node, block.labels[run]] += weights[64 * w + lowest(rest)]
                            rest &= rest - ONE
                arrivals[node, block.labels[run]] += total
        node += 1


@njit(cache=True)
def fold(nodes: Nodes, asked: np.ndarray, add: np.ndarray) -> np.ndarray:  # pragma: no cover
    """Moves what leaves ``add`` (nodes, labels) up to where it is decided.

    Below a split not ``asked`` (splits,) both sides add; at one asked, the right side's value becomes the parent's
    and the left adds the difference. Says below which nodes something is still asked, (nodes,).
    """
    deeper = np.zeros(nodes.end.size, dtype=np.bool_)
    for node in range(nodes.end.size - 1, -1, -1):
        if nodes.end[node] > node + 1:
            left, right = node + 1, nodes.end[node + 1]
            here = asked[nodes.split[left]]
            deeper[node] = here or deeper[left] or deeper[right]
            for k in range(add.shape[1]):
                if here:
                    add[node, k] = add[right, k]
                    add[left, k] -= add[right, k]
                else:
                    add[node, k] = add[left, k] + add[right, k]
    return deeper


@njit(cache=True)
def spread(
    nodes: Nodes, answers: Answers, block: Block, folded: tuple[np.ndarray, np.ndarray], found: np.ndarray
) -> None:  # pragma: no cover
    """Adds to ``found`` (64 words,) what the nodes that rows reach add.

    ``folded`` is what nodes add, once folded, and below which of them something is still asked.
    """
    add, deeper = folded
    depth = nodes.depth.max() + 1
    sets, at = np.empty((depth, block.held.size), dtype=np.uint64), np.zeros(depth, dtype=np.int64)
    sets[0] = block.held
    node = 0
    while node < nodes.end.size:
        if not _arrive(node, nodes, answers, sets, at):
            node = nodes.end[node]
            continue
        level = nodes.depth[node]
        if level == 0 or (nodes.left[node] and at[level] == level):
            for run in range(block.labels.size):
                more = add[node, block.labels[run]]
                for w in range(block.bounds[run], block.bounds[run + 1]):
                    rest = sets[at[level], w]
                    while rest != NONE:
                        found[64 * w + lowest(rest)] += more
                        rest &= rest - ONE
        node = node + 1 if deeper[node] else nodes.end[node]
