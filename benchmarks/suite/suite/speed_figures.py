# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""The speed benchmarks' figures as SVG files: speed-ups beside their aims, and curves of scaling."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Sequence

from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import LogLocator

from .drawing import INK, MODALITIES, MUTED, panels
from .speed import Figure

POINT = re.compile(r"(?P<axis>.+?) = (?P<x>[\d.e+]+): (?P<quantity>.+)")


def file_of(canvas: Canvas) -> str:
    buffer = io.StringIO()
    canvas.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def draw_speedups(figures: Sequence[Figure]) -> str:
    """One bar each on a logarithmic axis that starts at 1: as long to the left is as much slower."""
    canvas = Canvas(figsize=(8.5, 0.9 + 0.42 * len(figures)))
    axes = canvas.subplots()
    places = range(len(figures))
    for place, figure in zip(places, figures):
        axes.barh(place, figure.value - 1, left=1, height=0.6, color=MODALITIES[0 if figure.reached != "no" else 1])
        axes.plot([figure.low, figure.high], [place, place], color=INK, linewidth=1.2)
        if figure.aim:
            axes.plot([figure.limit] * 2, [place - 0.42, place + 0.42], color=INK, linewidth=1.6, linestyle=(0, (2, 1)))
        axes.annotate(f"{figure.value:.2f}×", (max(figure.high, figure.limit or 0), place), (5, 0), textcoords="offset points", va="center")
    axes.axvline(1, color=MUTED, linewidth=0.8)
    axes.set_xscale("log")
    ends = [end for figure in figures for end in (figure.low, figure.high, figure.limit or 1)]
    axes.set_xlim(min(1, *ends) / 1.08, max(ends) * 1.25)
    axes.xaxis.set_major_formatter("{x:g}×")
    axes.xaxis.set_minor_formatter("{x:g}×" if max(ends) < 6 * min(1, *ends) else "")
    axes.set_yticks(places, [textwrap.fill(f"{figure.benchmark}: {figure.label}", 62) for figure in figures], fontsize=7.5)
    axes.set_ylim(len(figures) - 0.4, -0.6)  # the first on top
    axes.set_title("Times faster: median, quartiles (line), aim (dashed)")
    return file_of(canvas)


Curves = dict[tuple[str, str], dict[str, list[tuple[float, float]]]]


def curves_of(figures: Sequence[Figure]) -> Curves:
    """By axis and unit: for each quantity, its points."""
    curves: Curves = {}
    for figure in figures:
        if (match := POINT.fullmatch(figure.what)) and figure.low is None:
            curves.setdefault((match["axis"], figure.unit), {}).setdefault(match["quantity"], []).append((float(match["x"]), figure.value))
    return curves


def draw_scaling(curves: Curves) -> str:
    canvas, all_axes = panels(len(curves), 2, 4.2, 2.6)
    for axes, ((axis, unit), quantities) in zip(all_axes, curves.items()):
        for colour, (quantity, points) in zip(MODALITIES, quantities.items()):
            axes.plot(*zip(*sorted(points)), marker="o", markersize=3.5, color=colour, label=quantity)
        axes.set(xscale="log", yscale="log", xlabel=axis, ylabel=unit)
        ticks = sorted({x for points in quantities.values() for x, _ in points})
        axes.set_xticks(ticks, [f"{x / 1000:g}k" if x >= 1000 else f"{x:g}" for x in ticks])
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
    speedups = [figure for figure in figures if figure.unit == "speedup"]
    curves = curves_of(figures)
    return {
        **({"speed-ups.svg": draw_speedups(speedups)} if speedups else {}),
        **({"scaling.svg": draw_scaling(curves)} if curves else {}),
    }
