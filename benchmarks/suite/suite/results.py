# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""What the tables and figures read: the cells of one dataset, by method and seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .catalogue import JOINT, JOINT_TOTAL, Dataset, Json, Method
from .cells import Cell
from .metrics import Metric, metrics_of, value_of
from .plan import Plan, Results
from .statistics import Paired, Summary, holm, paired, summary

Records = dict[int, Json]  # by seed


def by_seed(cells: list[Cell], results: Results) -> Records:
    return {cell.spec["seed"]: results[cell.key] for cell in cells if cell.key in results}


def dig(record: Any, *path: str) -> Any:
    """What lies at the end of the path; None where a part is absent."""
    for key in path:
        record = record.get(key) if isinstance(record, dict) else None
    return record


def values(records: Mapping[int, Json], read: Callable[[Json], float | None]) -> dict[int, float]:
    found = {seed: read(record) for seed, record in records.items()}
    return {seed: value for seed, value in found.items() if value is not None}


@dataclass(frozen=True)
class Comparison:
    """Paired differences of methods to one baseline, p values corrected together."""

    baseline: str
    differences: dict[str, Paired]
    adjusted: dict[str, float | None]


class DatasetResults:
    def __init__(self, plan: Plan, dataset: Dataset, results: Results) -> None:
        self.plan, self.dataset, self.results = plan, dataset, results
        self.metrics = metrics_of(dataset.task)
        self.metric: Metric = self.metrics[0]
        chosen = {method: plan.chosen(dataset, method, results) for method in plan.admitted(dataset)}
        cells = {method: by_seed(plan.final(dataset, method, settings), results)
                 for method, settings in chosen.items()}
        self.records: dict[str, Records] = {method.name: found for method, found in cells.items() if found}
        self.teachers = by_seed([plan.teachers(dataset, seed) for seed in plan.protocol.seeds], results)

    @cached_property
    def modalities(self) -> list[str]:
        """As declared, else as the cells name them."""
        named = [name for records in self.records.values() for record in records.values()
                 for name in record.get("unimodal", {})]
        return list(self.dataset.modalities) or list(dict.fromkeys(named))

    @property
    def any_record(self) -> Json | None:
        return next((record for records in self.records.values() for record in records.values()), None)

    def method(self, name: str) -> Method:
        return self.plan.catalogue.methods[name]

    def test(self, name: str, metric: Metric | None = None) -> dict[int, float]:
        metric = metric or self.metric
        return values(self.records.get(name, {}), lambda record: value_of(dig(record, "metrics", "test"), metric))

    def summary(self, name: str, *path: str) -> Summary | None:
        """Over the seeds, of the number at the end of the path."""
        return summary(list(self.values(name, *path).values()))

    def values(self, name: str, *path: str) -> dict[int, float]:
        return values(self.records.get(name, {}), lambda record: dig(record, *path))

    def test_summary(self, name: str, metric: Metric | None = None) -> Summary | None:
        return summary(list(self.test(name, metric).values()))

    def comparison(self, baseline: str) -> Comparison | None:
        """To joint training all methods; to joint-total those with teachers."""
        if baseline not in self.records:
            return None
        names = [name for name in self.records if name != baseline and self._faces(name, baseline)]
        reference = self.test(baseline)
        found = {name: paired(self.test(name), reference) for name in names}
        there = {name: difference for name, difference in found.items() if difference}
        adjusted = holm([difference.p for difference in there.values()])
        return Comparison(baseline, there, dict(zip(there, adjusted)))

    def _faces(self, name: str, baseline: str) -> bool:
        return baseline == JOINT or self.method(name).needs_teachers

    def comparisons(self) -> list[Comparison]:
        found = (self.comparison(baseline) for baseline in (JOINT, JOINT_TOTAL))
        return [comparison for comparison in found if comparison and comparison.differences]

    def best_first(self) -> list[str]:
        means = {name: self.test_summary(name) for name in self.records}
        sign = -1 if self.metric.higher_is_better else 1
        return sorted((name for name in means if means[name]), key=lambda name: sign * means[name].mean)

    def total_seconds(self, name: str) -> Summary | None:
        """Training, and teachers and trials where the method needs them."""
        def read(record: Json) -> float | None:
            cost = record.get("cost", {})
            if cost.get("seconds") is None:
                return None
            return cost["seconds"] + (cost.get("teacher_seconds") or 0) + (cost.get("trial_seconds") or 0)

        return summary(list(values(self.records[name], read).values()))

    def fingerprints(self) -> list[str]:
        found = [record.get("data_fingerprint") for records in self.records.values() for record in records.values()]
        return sorted({fingerprint for fingerprint in found if fingerprint})
