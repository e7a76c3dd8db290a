# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""How long cells will take, from those that were run."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from .catalogue import Json
from .cells import Cell


@dataclass(frozen=True)
class Timing:
    """Seconds that a cell takes whatever its epochs, and those of an epoch."""

    fixed: float
    per_epoch: float

    @staticmethod
    def of(record: Json) -> Timing | None:
        cost = record.get("cost", {})
        wall = record.get("wall_seconds") or cost.get("seconds")
        if not wall:
            return None
        history = [epoch["seconds"] for epoch in record.get("history", []) if epoch.get("seconds")]
        epochs = max(1, record["spec"]["epochs"])
        in_epochs = min(sum(history), wall) if history else wall
        return Timing(wall - in_epochs, in_epochs / epochs)

    def seconds(self, epochs: int) -> float:
        return self.fixed + self.per_epoch * epochs


class Estimator:
    """Learns with each finished cell."""

    def __init__(self, records: Iterable[Json] = ()) -> None:
        self._timings: dict[tuple[str, str, str], list[Timing]] = {}
        for record in records:
            self.add(record)

    def add(self, record: Json) -> None:
        timing = Timing.of(record)
        if timing:
            spec = record["spec"]
            key = spec["dataset"]["name"], spec["kind"], spec.get("method", "")
            self._timings.setdefault(key, []).append(timing)

    def seconds(self, cell: Cell) -> float | None:
        """By the cells most alike: same method; else another of the dataset; else any."""
        spec = cell.spec
        wanted = spec["dataset"]["name"], spec["kind"], spec.get("method", "")
        for length in (3, 2, 0):
            alike = [timing.seconds(spec["epochs"]) for key, timings in self._timings.items()
                     if key[:length] == wanted[:length] for timing in timings]
            if alike:
                return statistics.fmean(alike)
        return None

    def knows(self, dataset: str) -> bool:
        return any(key[:2] == (dataset, "student") for key in self._timings)

    def total(self, cells: Iterable[Cell]) -> float | None:
        seconds = [self.seconds(cell) for cell in cells]
        return None if None in seconds else sum(seconds)


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
