"""The exact marginal against resample-and-predict with LightGBM itself, side by side on one thread.

``python tests/bench/marginal_speed.py [--rounds 20 | --all]``: 26,000 hourly rows x 10 features, 300 trees x 63
leaves, normalized for the weather with all rows as background. Rounds of resampling alternate with exact passes, so
that a busy machine slows both; fewer than 300 rounds are scaled to 300.
"""

from __future__ import annotations

import argparse
from time import perf_counter

import lightgbm
import numpy as np
import pandas as pd

from models.marginal import ensemble, marginal

HOURS, ROUNDS = 26_000, 300
TIME = ["trend", "day_of_year", "hour", "weekday"]
WEATHER = ["temperature", "wind", "direction", "humidity", "pressure", "mixing_height"]


def world(seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Persistent weather, a trend, a season, a day and a week."""
    rng = np.random.default_rng(seed)
    hour = np.arange(HOURS)
    weather = np.zeros((HOURS, len(WEATHER)))
    shocks = rng.standard_normal(weather.shape) * np.sqrt(1 - 0.97**2)
    for i in range(1, HOURS):
        weather[i] = 0.97 * weather[i - 1] + shocks[i]
    frame = pd.DataFrame(weather, columns=WEATHER)
    season, day = 2 * np.pi * hour / 8766, 2 * np.pi * hour / 24
    frame[TIME] = np.column_stack([hour, hour // 24 % 365 + 1, hour % 24, hour // 24 % 7])
    level = 3 - 0.2 * hour / 8766 + 0.3 * np.cos(season) + 0.2 * np.sin(day) - 0.1 * (frame["weekday"] > 4)
    effect = 0.2 * weather[:, 0] - 0.4 * weather[:, 1] * (weather[:, 2] > 0) + 0.1 * weather[:, 3] * weather[:, 5]
    return frame, np.exp(level + effect + 0.2 * rng.standard_normal(HOURS)).to_numpy()


def fit(frame: pd.DataFrame, target: np.ndarray) -> lightgbm.Booster:
    """300 trees x 63 leaves on one thread."""
    options = {"objective": "regression", "num_leaves": 63, "learning_rate": 0.05, "num_threads": 1, "verbose": -1}
    return lightgbm.train(options, lightgbm.Dataset(frame, target), num_boost_round=300)


def main() -> None:
    """Prints seconds, their ratio, and how far 300 rounds lie from the exact mean."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--all", action="store_true", help="all 300 rounds, nothing scaled")
    options = parser.parse_args()
    rounds = ROUNDS if options.all else options.rounds

    frame, target = world()
    booster = fit(frame, target)
    rng, values = np.random.default_rng(1), frame.to_numpy()
    weather = [frame.columns.get_loc(name) for name in WEATHER]
    marginal(ensemble(booster), frame[:100], frame[:100], kept=TIME)  # compiles, once on a machine

    sampled, resampling, exact, reading = np.zeros(HOURS), 0.0, [], []
    for _ in range(rounds):
        start = perf_counter()
        mixed = values.copy()
        mixed[:, weather] = values[rng.integers(HOURS, size=HOURS)][:, weather]
        sampled += booster.predict(mixed, num_threads=1)
        drawn = perf_counter()
        trees = ensemble(booster)
        read = perf_counter()
        normalized = marginal(trees, frame, frame, kept=TIME)
        resampling += drawn - start
        reading.append(read - drawn)
        exact.append(perf_counter() - read)

    scaled = resampling * ROUNDS / rounds
    both = np.add(exact, reading).mean()
    print(f"resample and predict, {ROUNDS} rounds: {scaled:.1f} s" + f" (scaled from {rounds})" * (rounds < ROUNDS))
    print(f"exact, all {HOURS} rows as background: {np.mean(exact):.3f} s, {scaled / np.mean(exact):.0f} times faster")
    print(f"with reading the model, once, {np.mean(reading):.3f} s more: {scaled / both:.0f} times faster")
    relative = np.abs(sampled / rounds / normalized - 1)
    print(f"{rounds} rounds lie {np.quantile(relative, 0.95):.1%} from the exact mean at the 95th percentile of hours")
    for i in (0, HOURS // 2, HOURS - 1):
        mixed = values.copy()
        mixed[:, [frame.columns.get_loc(name) for name in TIME]] = frame.loc[i, TIME].to_numpy()
        print(f"hour {i}: exact less brute force {normalized[i] - booster.predict(mixed, num_threads=1).mean():.1e}")


if __name__ == "__main__":
    main()
