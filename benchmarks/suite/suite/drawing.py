# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""What all figures share: colours, styles, and SVG that goes into a page."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence

import matplotlib

matplotlib.use("svg")

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .catalogue import G2D, JOINT, JOINT_TOTAL
from .results import DatasetResults

INK, MUTED, FAINT = "#1b1f24", "#6a737d", "#d0d5da"
OTHERS = ("#0072b2", "#009e73", "#cc79a7", "#e69f00")
MODALITIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")

matplotlib.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "g2d", "font.family": "sans-serif", "font.size": 9, "text.parse_math": False,
    "font.sans-serif": ["DejaVu Sans", "Verdana", "sans-serif"],
    "axes.edgecolor": MUTED, "axes.labelcolor": INK, "axes.titlesize": 9.5, "axes.spines.top": False,
    "axes.spines.right": False, "xtick.color": MUTED, "ytick.color": MUTED, "xtick.labelcolor": INK,
    "ytick.labelcolor": INK, "legend.frameon": False, "legend.fontsize": 8.5, "lines.linewidth": 1.4,
    "axes.titlelocation": "left", "figure.constrained_layout.use": True,
})


def svg_of(figure: Figure) -> str:
    """Only what a page needs: no prolog, no namespaces, no names that another figure has too."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg"):]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text).replace("xlink:href", "href")
    text = re.sub(r'<g id="[^"]*">', "<g>", text)
    return re.sub(r"\n\s*", "\n", text).strip()


def highlighted(results: DatasetResults, limit: int = 6) -> dict[str, str]:
    """Colours of the baselines, G2D and the best others; more could not be told apart."""
    colours = {JOINT: INK, JOINT_TOTAL: "#8b939d", G2D: "#d55e00"}
    names = [name for name in colours if name in results.records]
    spare = iter(OTHERS)
    for name in results.best_first():
        if name not in colours and len(names) < limit:
            colours[name] = next(spare)
            names.append(name)
    return {name: colours[name] for name in names}


def modality_colours(results: DatasetResults) -> dict[str, str]:
    return {name: MODALITIES[i % len(MODALITIES)] for i, name in enumerate(results.modalities)}


def band(
    axes: Axes, x: Sequence[float] | None, rows: Sequence[Sequence[float]], colour: str, **style: object
) -> None:
    """Mean over the rows and one standard deviation to either side; rows end with the shortest. Without x: 1, 2, ..."""
    length = min(map(len, rows))
    if length == 0:
        return
    numbers = np.asarray([row[:length] for row in rows], float)
    mean, places = numbers.mean(axis=0), list(x or range(1, length + 1))[:length]
    style = {"marker": "o" if length == 1 else None, "markersize": 4, **style}
    axes.plot(places, mean, color=colour, **style)
    if len(numbers) > 1:
        spread = numbers.std(axis=0, ddof=1)
        axes.fill_between(places, mean - spread, mean + spread, color=colour, alpha=0.18, linewidth=0)


def panels(count: int, columns: int, width: float, height: float, **options: object) -> tuple[Figure, list[Axes]]:
    """`count` panels in rows; those that would be left over are not there."""
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(width * columns, height * rows + 0.35))
    grid = figure.subplots(rows, columns, squeeze=False, **options)
    flat = list(grid.ravel())
    for axes in flat[count:]:
        axes.set_visible(False)
    for axes in flat[:count]:
        axes.tick_params(labelbottom=True)
    return figure, flat[:count]


def legend(figure: Figure, styles: Mapping[str, Mapping[str, object]]) -> None:
    """One for all panels, above them."""
    handles = [Line2D([], [], label=label, **style) for label, style in styles.items()]
    widest = max(map(len, styles))
    fitting = int(figure.get_figwidth() / (0.5 + 0.085 * widest))
    figure.legend(handles=handles, loc="outside upper left", ncols=max(1, min(fitting, len(handles))))
