"""The exact marginal of tree ensembles: weather normalization, dependence and driver shares without sampling noise.

``trees = ensemble(model)`` reads a fitted forest or boosting; ``marginal(trees, rows, rows, kept=["trend"])`` is its
mean prediction over every row's weather; ``shapley(game(trees, rows, rows, groups, kept=["trend"]))`` are the shares of
groups of drivers.
"""

from models.marginal.coalitions import coalitions, game, paired_game, shapley
from models.marginal.means import marginal, partial_dependence
from models.marginal.readers import ensemble
from models.marginal.trees import Ensemble

__all__ = ["Ensemble", "coalitions", "ensemble", "game", "marginal", "paired_game", "partial_dependence", "shapley"]
