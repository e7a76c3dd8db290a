# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""What a task is measured by, and how its numbers are written."""

from __future__ import annotations

from dataclasses import dataclass

from .catalogue import Json


def number(value: float, sign: str = "") -> str:
    """Four digits, or all before the point."""
    return f"{value:{sign},.0f}" if abs(value) >= 1000 else f"{value:{sign}.4g}"


@dataclass(frozen=True)
class Metric:
    name: str
    title: str
    is_share: bool  # written in percent
    higher_is_better: bool

    def text(self, value: float | None) -> str:
        if value is None:
            return ""
        return f"{100 * value:.1f}" if self.is_share else number(value)

    def difference(self, value: float | None) -> str:
        if value is None:
            return ""
        return f"{100 * value:+.2f}" if self.is_share else number(value, "+")

    def scaled(self, value: float) -> float:
        return 100 * value if self.is_share else value

    @property
    def label(self) -> str:
        return f"{self.title} in %" if self.is_share else self.title

    @property
    def better(self) -> str:
        return "higher is better" if self.higher_is_better else "lower is better"


ACCURACY = Metric("accuracy", "accuracy", True, True)
RMSE = Metric("rmse", "RMSE", False, False)
OF_TASK = {
    "classification": (ACCURACY, Metric("macro_f1", "macro-F1", True, True)),
    "regression": (RMSE, Metric("mae", "MAE", False, False), Metric("r2", "R²", False, True)),
}


def metrics_of(task: str) -> tuple[Metric, ...]:
    """The first is the one that settings are chosen and methods compared by."""
    return OF_TASK.get(task, OF_TASK["classification"])


def value_of(metrics: Json | float | None, metric: Metric) -> float | None:
    """A metric of a result; where only one number is given, it is that of the task's first metric."""
    return metrics.get(metric.name) if isinstance(metrics, dict) else metrics
