# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Means over seeds, paired differences, and Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special


@dataclass(frozen=True)
class Summary:
    mean: float
    deviation: float | None  # of one value: none
    count: int


@dataclass(frozen=True)
class Paired:
    """Differences over the seeds that both have; interval and p of Student's t, two-sided, from two seeds on."""

    mean: float
    low: float | None
    high: float | None
    p: float | None
    count: int


def summary(values: Sequence[float]) -> Summary | None:
    numbers = np.asarray([value for value in values if value is not None], float)
    if numbers.size == 0:
        return None
    deviation = float(numbers.std(ddof=1)) if numbers.size > 1 else None
    return Summary(float(numbers.mean()), deviation, int(numbers.size))


def paired(ours: Mapping[int, float], theirs: Mapping[int, float], confidence: float = 0.95) -> Paired | None:
    seeds = sorted(ours.keys() & theirs.keys())
    if not seeds:
        return None
    differences = np.asarray([ours[seed] - theirs[seed] for seed in seeds])
    mean, freedom = float(differences.mean()), len(seeds) - 1
    if freedom == 0:
        return Paired(mean, None, None, None, 1)
    error = float(differences.std(ddof=1)) / math.sqrt(len(seeds))
    half = float(special.stdtrit(freedom, (1 + confidence) / 2)) * error
    if error == 0:
        p = 1.0 if mean == 0 else 0.0
    else:
        p = 2 * float(special.stdtr(freedom, -abs(mean) / error))
    return Paired(mean, mean - half, mean + half, p, len(seeds))


def holm(values: Sequence[float | None]) -> list[float | None]:
    """Adjusted p values in the order given; tests without one take no part."""
    order = sorted((p, i) for i, p in enumerate(values) if p is not None)
    adjusted: list[float | None] = [None] * len(values)
    largest = 0.0
    for rank, (p, i) in enumerate(order):
        largest = max(largest, min(1.0, p * (len(order) - rank)))
        adjusted[i] = largest
    return adjusted
