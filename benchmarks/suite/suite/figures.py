# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""The figures of one dataset; each is left out where the cells lack what it shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import LogLocator, NullLocator

from .catalogue import G2D, JOINT, Json
from .document import Figure
from .drawing import (FAINT, INK, MUTED, band, highlighted, legend, modality_colours, panels, svg_of)
from .drawing import Figure as Canvas
from .metrics import value_of
from .results import DatasetResults, dig

HEAT = LinearSegmentedColormap.from_list("heat", ["#f7fbff", "#6baed6", "#08306b"])
ALIGNMENT = {"linear_cka": "linear CKA", "mean_cosine": "mean cosine", "procrustes": "Procrustes distance"}
PCA_METHODS = 4
PCA_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf")


def all_figures(results: DatasetResults) -> list[Figure]:
    drawn = (draw(results) for draw in (
        bars, forest, learning_curves, ratios_and_controls, subsets, noise, alignment, pca, cost,
    ))
    return [figure for figure in drawn if figure]


def _rows(results: DatasetResults, name: str, read: Callable[[Json], float | None]) -> list[list[float]]:
    """A number of each epoch, a row for each seed."""
    rows = []
    for record in results.records[name].values():
        row = [read(epoch) for epoch in record.get("history", [])]
        rows.append([results.metric.scaled(value) for value in row if value is not None])
    return [row for row in rows if row]


def bars(results: DatasetResults) -> Figure | None:
    names = results.best_first()[::-1]
    if not names:
        return None
    metric, colours = results.metric, highlighted(results)
    canvas = Canvas(figsize=(8, 0.8 + 0.27 * len(names)))
    axes = canvas.subplots()
    means = {name: results.test_summary(name) for name in names}
    largest = max(metric.scaled(each.mean + (each.deviation or 0)) for each in means.values())
    for place, name in enumerate(names):
        mean, deviation = metric.scaled(means[name].mean), metric.scaled(means[name].deviation or 0)
        axes.barh(place, mean, height=0.66, color=colours.get(name, FAINT), alpha=0.85)
        axes.errorbar(mean, place, xerr=deviation or None, color=INK, linewidth=1, capsize=2)
        text = metric.text(means[name].mean) + (f" ± {metric.text(means[name].deviation)}" if deviation else "")
        axes.text(mean + deviation + 0.012 * largest, place, text, va="center", fontsize=8.5)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlim(min(0, *(metric.scaled(each.mean) for each in means.values())), 1.2 * largest)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"test {metric.label}, {metric.better}")
    return Figure(svg_of(canvas), f"Test {metric.title} of all methods: mean and standard deviation over the seeds.")


def forest(results: DatasetResults) -> Figure | None:
    comparisons = results.comparisons()
    if not comparisons:
        return None
    metric, sign = results.metric, 1 if results.metric.higher_is_better else -1
    first = comparisons[0].differences
    names = sorted(first, key=lambda name: sign * first[name].mean)
    names = [*(name for each in comparisons[1:] for name in each.differences if name not in first), *names]
    names = list(dict.fromkeys(names))
    canvas = Canvas(figsize=(8, 1.1 + 0.3 * len(names)))
    axes = canvas.subplots()
    axes.axvline(0, color=MUTED, linewidth=1)
    looks = (("o", INK), ("s", "#d55e00"))
    for number, (comparison, (marker, colour)) in enumerate(zip(comparisons, looks)):
        shift = (0.14 - 0.28 * number) if len(comparisons) > 1 else 0
        for name, difference in comparison.differences.items():
            place, mean = names.index(name) + shift, metric.scaled(difference.mean)
            if difference.low is not None:
                ends = [metric.scaled(difference.low), metric.scaled(difference.high)]
                axes.plot(ends, [place, place], color=colour, linewidth=1.3)
            p = comparison.adjusted[name]
            filled = colour if p is not None and p < 0.05 else "white"
            axes.plot(mean, place, marker, color=colour, markerfacecolor=filled, markersize=5)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.grid(axis="x", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"difference in test {metric.label}, {metric.better}")
    legend(canvas, {f"minus {comparison.baseline}": {"marker": marker, "color": colour, "markersize": 5}
                    for comparison, (marker, colour) in zip(comparisons, looks)})
    return Figure(svg_of(canvas), "Paired differences over the seeds with 95 % intervals; filled where Holm's p < 0.05.")


def learning_curves(results: DatasetResults) -> Figure | None:
    metric, colours = results.metric, modality_colours(results)

    def fused(epoch: Json) -> float | None:
        return value_of(dig(epoch, "validation", "fused"), metric)

    rows = {name: _rows(results, name, fused) for name in results.records}
    names = [name for name in results.best_first() if rows[name]]
    if not names:
        return None
    canvas, all_axes = panels(len(names), 4, 2.35, 1.75, sharex=True, sharey=True)
    for name, axes in zip(names, all_axes):
        if rows.get(JOINT) and name != JOINT:
            band(axes, None, rows[JOINT], "#aab1b8", linewidth=1)
        for modality, colour in colours.items():
            alone = _rows(results, name, lambda epoch: value_of(dig(epoch, "validation", "unimodal", modality), metric))
            if alone:
                band(axes, None, alone, colour, linestyle="--", linewidth=1.1)
        band(axes, None, rows[name], INK)
        axes.set_title(name)
    for axes in all_axes[:: min(4, len(names))]:
        axes.set_ylabel(metric.label)
    canvas.supxlabel("epoch", fontsize=9)
    legend(canvas, {
        "fused": {"color": INK}, **{f"{name} alone": {"color": colour, "linestyle": "--"} for name, colour in colours.items()},
        "joint, fused": {"color": "#aab1b8"},
    })
    return Figure(svg_of(canvas), f"Validation {metric.title} over the epochs: mean and one standard deviation over the seeds.")


def ratios_and_controls(results: DatasetResults) -> Figure | None:
    """kappa above, rho below: a column for each method that has any."""
    colours = modality_colours(results)

    def rows(name: str, symbol: str, modality: str) -> list[list[float]]:
        found = ([dig(epoch, symbol, modality) for epoch in record.get("history", [])]
                 for record in results.records[name].values())
        kept = ([value for value in row if value is not None] for row in found)
        return [row for row in kept if row]

    symbols = ("kappa", "rho")
    names = [name for name in results.best_first() if any(rows(name, symbol, m) for symbol in symbols for m in colours)]
    if not names:
        return None
    canvas, all_axes = panels(2 * len(names), 2, 4.2, 1.45)
    for number, name in enumerate(names):
        for symbol, title, axes in zip(symbols, ("κ", "ρ"), all_axes[2 * number:]):
            for modality, colour in colours.items():
                found = rows(name, symbol, modality)
                if found:
                    band(axes, None, found, colour, drawstyle="steps-mid" if symbol == "kappa" else "default")
            axes.set_title(f"{name}: {title}")
            if symbol == "kappa":
                axes.set_ylim(-0.08, 1.15)
    canvas.supxlabel("epoch", fontsize=9)
    legend(canvas, {name: {"color": colour} for name, colour in colours.items()})
    return Figure(svg_of(canvas), "How much of each encoder's update passes (κ) and how well a modality does alone (ρ), over the "
                  "epochs and so the stages: mean and one standard deviation over the seeds.")


def subset_table(results: DatasetResults) -> tuple[list[str], dict[str, dict[str, float]]]:
    """Names of the subsets, few modalities first, and each method's mean on each."""
    sizes: dict[str, int] = {}
    means: dict[str, dict[str, float]] = {}
    for name in results.best_first():
        found: dict[str, list[float]] = {}
        for record in results.records[name].values():
            for entry in record.get("subsets", []):
                label = " + ".join(entry["modalities"]) or "none"
                sizes[label] = len(entry["modalities"])
                if (number := value_of(entry.get("metric"), results.metric)) is not None:
                    found.setdefault(label, []).append(number)
        if found:
            means[name] = {label: float(np.mean(numbers)) for label, numbers in found.items()}
    return sorted(sizes, key=lambda label: sizes[label]), means


def subsets(results: DatasetResults) -> Figure | None:
    labels, means = subset_table(results)
    if not means:
        return None
    metric, names = results.metric, list(means)
    numbers = np.array([[metric.scaled(means[name].get(label, math.nan)) for label in labels] for name in names])
    canvas = Canvas(figsize=(2.2 + 0.95 * len(labels), 1.2 + 0.26 * len(names)))
    axes = canvas.subplots()
    image = axes.pcolormesh(numbers, cmap=HEAT if metric.higher_is_better else HEAT.reversed(), edgecolor="white")
    axes.invert_yaxis()
    for (row, column), number in np.ndenumerate(numbers):
        if not math.isnan(number):
            red, green, blue, _ = image.cmap(image.norm(number))
            is_dark = 0.3 * red + 0.59 * green + 0.11 * blue < 0.55
            text = metric.text(means[names[row]][labels[column]])
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=8, color="white" if is_dark else INK)
    axes.set_xticks(np.arange(len(labels)) + 0.5, [label.replace(" + ", " +\n") for label in labels])
    axes.xaxis.tick_top()
    axes.set_yticks(np.arange(len(names)) + 0.5, names)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return Figure(svg_of(canvas), f"Test {metric.label} with only these modalities given, mean over the seeds; {metric.better}.")


def noise_levels(results: DatasetResults, name: str, modality: str) -> dict[float, list[float]]:
    found: dict[float, list[float]] = {}
    for record in results.records[name].values():
        for entry in record.get("noise", []):
            number = value_of(entry.get("metric"), results.metric)
            if entry["modality"] == modality and number is not None:
                found.setdefault(entry["level"], []).append(number)
    return dict(sorted(found.items()))


def noise(results: DatasetResults) -> Figure | None:
    metric, colours = results.metric, highlighted(results)
    modalities = [modality for modality in results.modalities
                  if any(noise_levels(results, name, modality) for name in results.records)]
    if not modalities:
        return None
    canvas, all_axes = panels(len(modalities), 3, 3.1, 2.5, sharey=True)
    for modality, axes in zip(modalities, all_axes):
        for name in [*(name for name in results.records if name not in colours), *colours]:
            levels = noise_levels(results, name, modality)
            count = min(map(len, levels.values()), default=0)
            rows = [[metric.scaled(numbers[i]) for numbers in levels.values()] for i in range(count)]
            if name in colours and rows:
                band(axes, list(levels), rows, colours[name], marker="o", markersize=3)
            elif rows:
                axes.plot(list(levels), np.mean(rows, axis=0), color=FAINT, linewidth=0.9)
        axes.set_title(f"noise on {modality}")
        axes.set_xlabel("standard deviation")
    all_axes[0].set_ylabel(f"test {metric.label}")
    legend(canvas, _method_legend(results, colours))
    return Figure(svg_of(canvas), f"Test {metric.title} under growing noise on one modality.")


def _method_legend(results: DatasetResults, colours: dict[str, str]) -> dict[str, dict[str, Any]]:
    others = {"other methods": {"color": FAINT}} if len(results.records) > len(colours) else {}
    return {**{name: {"color": colour} for name, colour in colours.items()}, **others}


def alignment(results: DatasetResults) -> Figure | None:
    colours = highlighted(results)

    def rows(name: str, modality: str, measure: str) -> tuple[list[float], list[list[float]]]:
        traces = [dig(record, "alignment", modality) or [] for record in results.records[name].values()]
        kept = [[entry for entry in trace if entry.get(measure) is not None] for trace in traces]
        kept = [trace for trace in kept if trace]
        epochs = [entry["epoch"] for entry in kept[0]] if kept else []
        return epochs, [[entry[measure] for entry in trace] for trace in kept]

    pairs = [(modality, measure) for modality in results.modalities for measure in ALIGNMENT
             if any(rows(name, modality, measure)[1] for name in results.records)]
    if not pairs:
        return None
    canvas, all_axes = panels(len(pairs), len({measure for _, measure in pairs}), 2.9, 2.0)
    for (modality, measure), axes in zip(pairs, all_axes):
        for name in [*(name for name in results.records if name not in colours), *colours]:
            epochs, found = rows(name, modality, measure)
            if found and name in colours:
                band(axes, epochs, found, colours[name])
            elif found:
                length = min(map(len, found))
                axes.plot(epochs[:length], np.mean([row[:length] for row in found], axis=0), color=FAINT, linewidth=0.9, zorder=1)
        axes.set_title(f"{modality}: {ALIGNMENT[measure]}")
    canvas.supxlabel("epoch", fontsize=9)
    legend(canvas, _method_legend(results, colours))
    return Figure(svg_of(canvas), "Features of each student encoder beside its teacher's, on validation samples: linear CKA and mean cosine "
                  "are 1 where they are alike, the Procrustes distance 0.")


def pca(results: DatasetResults) -> Figure | None:
    """One seed: pictures of several cannot be averaged."""
    shown = {}
    for name in [name for name in (JOINT, G2D, *results.best_first()) if name in results.records]:
        pictures = next((record["pca"] for record in results.records[name].values() if record.get("pca")), None)
        if pictures and name not in shown and len(shown) < PCA_METHODS:
            shown[name] = pictures
    modalities = [modality for modality in results.modalities if any(modality in pictures for pictures in shown.values())]
    if not modalities:
        return None
    width = 1 + len(shown)
    canvas, all_axes = panels(width * len(modalities), width, 1.75, 1.75)
    for row, modality in enumerate(modalities):
        teacher = next(pictures[modality] for pictures in shown.values() if modality in pictures).get("teacher", [])
        clouds = {"teacher": teacher, **{name: dig(pictures, modality, "student") or [] for name, pictures in shown.items()}}
        for axes, (title, cloud) in zip(all_axes[row * width:], clouds.items()):
            _scatter(axes, cloud, results.dataset.task)
            axes.set_title(title if row == 0 else "")
        all_axes[row * width].set_ylabel(modality)
    return Figure(svg_of(canvas), "The first two principal components of the teacher's features and of students' encoders, "
                  "each in axes of its own; colours are labels. One seed.")


def _scatter(axes: Any, cloud: list[list[float]], task: str) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(visible=True, color=FAINT)
    if not cloud:
        axes.text(0.5, 0.5, "none", transform=axes.transAxes, ha="center", color=MUTED)
        return
    points = np.asarray(cloud, float)
    if task == "classification":
        axes.scatter(points[:, 0], points[:, 1], s=5, linewidths=0,
                     c=[PCA_COLOURS[int(label) % len(PCA_COLOURS)] for label in points[:, 2]])
    else:
        axes.scatter(points[:, 0], points[:, 1], s=5, linewidths=0, c=points[:, 2], cmap="viridis")


def cost(results: DatasetResults) -> Figure | None:
    """Names stand in a column beside the points, for near ones would lie on each other."""
    metric, colours = results.metric, highlighted(results)
    points = {}
    for name in results.best_first():
        seconds = results.total_seconds(name)
        if seconds and seconds.mean > 0:
            points[name] = seconds.mean, metric.scaled(results.test_summary(name).mean)
    if not points:
        return None
    canvas = Canvas(figsize=(8, max(3.2, 0.6 + 0.19 * len(points))))
    axes = canvas.subplots()
    heights = [y for _, y in points.values()]
    margin = 0.06 * (max(heights) - min(heights) or 1)
    low, high = min(heights) - margin, max(heights) + margin
    names = sorted(points, key=lambda name: points[name][1])
    places = _spread([points[name][1] for name in names], low, high)
    furthest = max(x for x, _ in points.values())
    nearest = min(x for x, _ in points.values())
    column = furthest * (furthest / nearest) ** 0.1 * 1.05
    for name, place in zip(names, places):
        x, y = points[name]
        axes.plot([x, column], [y, place], color=FAINT, linewidth=0.5, zorder=1)
        axes.plot(x, y, "o", color=colours.get(name, "#aab1b8"), markersize=6, zorder=2)
        axes.text(column, place, f" {name}", va="center", fontsize=8, color=colours.get(name, INK), clip_on=False)
    if furthest > 3 * nearest:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlim(nearest / 1.1, column)
    axes.set_ylim(low, high)
    axes.set_xlabel("seconds: training, teachers and trials")
    axes.set_ylabel(f"test {metric.label}")
    return Figure(svg_of(canvas), "What a method costs in seconds, its teachers and trials included, and what it reaches; means over the seeds.")


def _spread(places: list[float], low: float, high: float) -> list[float]:
    """Near the places given, in their order, but never closer than a line of text."""
    gap = (high - low) / max(1, len(places))
    spread: list[float] = []
    for place in places:
        spread.append(max(place, spread[-1] + gap) if spread else place)
    ceiling = high
    for i in range(len(spread) - 1, -1, -1):
        spread[i] = min(spread[i], ceiling)
        ceiling = spread[i] - gap
    return spread
