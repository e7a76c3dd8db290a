# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""The speed benchmarks' figures as SVG files: speed-ups beside their aims, sweeps over one axis at a time, and curves of scaling."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import LogLocator

from .drawing import INK, MODALITIES, MUTED, panels
from .speed import Figure

MOST_ROWS = 8  # of one benchmark beside others
ROW_INCHES = 0.29  # two lines of a label
Bars = tuple[str, list[tuple[str, Figure]]]  # a title, and figures with their labels
POINT = re.compile(r"(?P<axis>.+?) = (?P<x>[\d.e+]+): (?P<quantity>.+)")


def file_of(canvas: Canvas) -> str:
    buffer = io.StringIO()
    canvas.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def is_speedup(figure: Figure) -> bool:
    return figure.unit in ("speedup", "times faster")


def grouped(figures: Sequence[Figure], key: Callable[[Figure], str]) -> dict[str, list[Figure]]:
    groups: dict[str, list[Figure]] = {}
    for figure in figures:
        groups.setdefault(key(figure), []).append(figure)
    return groups


def extremes(figures: Sequence[Figure]) -> list[Figure]:
    """The lowest and the highest of each comparison."""
    kept = [end(group, key=lambda figure: figure.value) for group in grouped(figures, lambda figure: figure.sides).values() for end in (min, max)]
    return [figure for figure in figures if figure in kept]


def selection(figures: Sequence[Figure]) -> list[Figure]:
    """Of one benchmark what a picture of all has room for: MOST_ROWS at most are all drawn; of more, those with an aim and those
    over several rows ("times faster"), if any; of still more, the extremes of these, so that the worst of them is seen."""
    if len(figures) > MOST_ROWS:
        figures = [figure for figure in figures if figure.aim or figure.unit == "times faster"] or figures
    return list(figures) if len(figures) <= MOST_ROWS else extremes(figures)


def titled(title: str, figures: Sequence[Figure], number: int) -> Bars:
    """What is compared stands in the title when it is the same for all, else beside each; and how many of `number` are drawn."""
    sides = {figure.sides for figure in figures if figure.sides}
    is_same = len(sides) == 1
    counted = f"{title}, {len(figures)} of {number}" if len(figures) < number else title
    return f"{counted}: {sides.pop()}" if is_same else counted, [(figure.what if is_same else figure.label, figure) for figure in figures]


def bars_of_benchmarks(figures: Sequence[Figure]) -> list[Bars]:
    return [titled(name, selection(group), len(group)) for name, group in grouped(figures, lambda figure: figure.benchmark).items()]


def bars_of_sweeps(figures: Sequence[Figure]) -> list[Bars]:
    """All of them, by what is done, so that the cases of an axis stand below each other."""
    groups = grouped(figures, lambda figure: figure.what.rpartition(": ")[2])
    return [titled(what, [replace(figure, what=figure.what.removesuffix(f": {what}")) for figure in group], len(group)) for what, group in groups.items()]


def ends_of(figure: Figure) -> list[float]:
    return [end for end in (1, figure.value, figure.low, figure.high, figure.limit) if end is not None]


def draw_bar(axes: Axes, place: float, figure: Figure) -> None:
    axes.barh(place, figure.value - 1, left=1, height=0.6, color=MODALITIES[0 if figure.reached != "no" else 1])
    if figure.low is not None:
        axes.plot([figure.low, figure.high], [place, place], color=INK, linewidth=1.2)
    if figure.aim:
        axes.plot([figure.limit] * 2, [place - 0.4, place + 0.4], color=INK, linewidth=1.6, linestyle=(0, (2, 1)))
    axes.annotate(f"{figure.value:.2f}×", (max(ends_of(figure)), place), (5, 0), textcoords="offset points", va="center", fontsize=8)


def scale(axes: Axes, figures: Sequence[Figure]) -> None:
    """Logarithmic: a bar as long to the left of 1 is as much slower."""
    ends = [end for figure in figures for end in ends_of(figure)]
    axes.set_xscale("log")
    axes.set_xlim(min(ends) / 1.08, max(ends) * 1.25)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}×")
    axes.xaxis.set_minor_formatter("")
    axes.axvline(1, color=MUTED, linewidth=0.8)


def draw_speedups(groups: Sequence[Bars]) -> str:
    """A title and bars below it, group by group."""
    rows = [row for title, bars in groups for row in ((title, None), *bars)]
    figures = [figure for _, figure in rows if figure]
    canvas = Canvas(figsize=(8.5, 0.9 + ROW_INCHES * len(rows)))
    axes = canvas.subplots()
    for place, (_, figure) in enumerate(rows):
        if figure:
            draw_bar(axes, place, figure)
    scale(axes, figures)
    axes.set_yticks(range(len(rows)), [textwrap.fill(text, 62) for text, _ in rows], fontsize=7.5)
    for label, (_, figure) in zip(axes.get_yticklabels(), rows):
        label.set_fontweight("normal" if figure else "bold")
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)  # the first on top
    aims = ", aim (dashed; orange: missed)" if any(figure.aim for figure in figures) else ""
    axes.set_title(f"Times faster: median, quartiles (line){aims}")
    return file_of(canvas)


Curves = dict[tuple[str, str], dict[str, list[tuple[float, float]]]]


def curves_of(figures: Sequence[Figure]) -> Curves:
    """By axis and unit: for each quantity, its points."""
    curves: Curves = {}
    for figure in figures:
        if (match := POINT.fullmatch(figure.what)) and figure.low is None:
            curves.setdefault((match["axis"], figure.unit), {}).setdefault(match["quantity"], []).append((float(match["x"]), figure.value))
    return curves


def abbreviated(number: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:g}{letter}"
    return f"{number:g}"


def draw_scaling(curves: Curves) -> str:
    canvas, all_axes = panels(len(curves), 2, 4.2, 2.6)
    for axes, ((axis, unit), quantities) in zip(all_axes, curves.items()):
        for colour, (quantity, points) in zip(MODALITIES, quantities.items()):
            axes.plot(*zip(*sorted(points)), marker="o", markersize=3.5, color=colour, label=quantity)
        axes.set(xscale="log", yscale="log", xlabel=axis, ylabel=unit)
        ticks = sorted({x for points in quantities.values() for x, _ in points})
        axes.set_xticks(ticks, [abbreviated(x) for x in ticks])
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
        if axes.get_ylim()[1] < 10 * axes.get_ylim()[0]:  # a decade at least: a flat curve looks flat
            middle = (axes.get_ylim()[0] * axes.get_ylim()[1]) ** 0.5
            axes.set_ylim(middle / 10**0.5, middle * 10**0.5)
        axes.legend()
    return file_of(canvas)


def draw(figures: Sequence[Figure]) -> dict[str, str]:
    """File names and SVG."""
    speedups = [figure for figure in figures if is_speedup(figure)]
    benchmarks = bars_of_benchmarks([figure for figure in speedups if figure.benchmark != "sweep"])
    sweeps = bars_of_sweeps([figure for figure in speedups if figure.benchmark == "sweep"])
    curves = curves_of(figures)
    return {
        **({"speed-ups.svg": draw_speedups(benchmarks)} if benchmarks else {}),
        **({"sweeps.svg": draw_speedups(sweeps)} if sweeps else {}),
        **({"scaling.svg": draw_scaling(curves)} if curves else {}),
    }
