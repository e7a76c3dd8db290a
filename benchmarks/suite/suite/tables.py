# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""The tables of one dataset; each is left out where the cells lack what it shows."""

from __future__ import annotations

from collections.abc import Callable

from .catalogue import Json
from .document import Table
from .figures import ALIGNMENT, noise_levels, subset_table
from .metrics import Metric, value_of
from .plan import Ablated
from .results import Comparison, DatasetResults, by_seed, dig, values
from .statistics import Paired, Summary, holm, paired, summary


def spread(value: Summary | None, text: Callable[[float], str]) -> str:
    if value is None:
        return ""
    return text(value.mean) + (f" ± {text(value.deviation)}" if value.deviation is not None else "")


def interval(difference: Paired | None, metric: Metric) -> str:
    if difference is None:
        return ""
    mean = metric.difference(difference.mean)
    if difference.low is None:
        return mean
    return f"{mean} [{metric.difference(difference.low)}, {metric.difference(difference.high)}]"


def p_text(p: float | None) -> str:
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def plain(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:,.0f}"


def of_methods(
    results: DatasetResults, columns: dict[str, Callable[[Json], float | None]], text: Callable[[float], str],
) -> Table | None:
    """A row for each method, best first; columns and rows without a number are left out."""
    found = {
        title: {name: summary(list(values(results.records[name], read).values())) for name in results.best_first()}
        for title, read in columns.items()
    }
    titles = [title for title, column in found.items() if any(column.values())]
    rows = [[name, *(spread(found[title][name], text) for title in titles)] for name in results.best_first()]
    rows = [row for row in rows if any(row[1:])]
    return Table(["method", *titles], rows) if rows and titles else None


def test_table(results: DatasetResults) -> Table:
    comparisons = results.comparisons()
    header = ["method", "fusion", "seeds", *(metric.label for metric in results.metrics)]
    for comparison in comparisons:
        header += [f"minus {comparison.baseline}, 95 %", "Holm p"]
    rows = []
    for name in results.best_first():
        any_record = next(iter(results.records[name].values()))
        row = [name, any_record["spec"].get("fusion") or "", str(len(results.test(name)))]
        row += [spread(results.test_summary(name, metric), metric.text) for metric in results.metrics]
        for comparison in comparisons:
            row += _compared(comparison, name, results.metric)
        rows.append(row)
    return Table(header, rows, (0, 1))


def _compared(comparison: Comparison, name: str, metric: Metric) -> list[str]:
    return [interval(comparison.differences.get(name), metric), p_text(comparison.adjusted.get(name))]


def teacher_table(results: DatasetResults) -> Table | None:
    rows = []
    for modality in results.modalities:
        row = [modality]
        for metric in results.metrics:
            def read(record: Json, metric: Metric = metric) -> float | None:
                return value_of(dig(record, "unimodal", modality), metric)

            row.append(spread(summary(list(values(results.teachers, read).values())), metric.text))
        rows.append(row)
    has_numbers = any(cell for row in rows for cell in row[1:])
    return Table(["teacher", *(metric.label for metric in results.metrics)], rows) if has_numbers else None


def per_modality(results: DatasetResults, part: str, what: str) -> Table | None:
    def reader(modality: str) -> Callable[[Json], float | None]:
        return lambda record: value_of(dig(record, part, modality), results.metric)

    columns = {f"{modality}{what}": reader(modality) for modality in results.modalities}
    return of_methods(results, columns, results.metric.text)


def contributions(results: DatasetResults) -> Table | None:
    def reader(*path: str) -> Callable[[Json], float | None]:
        return lambda record: dig(record, *path)

    columns = {f"Shapley {modality}": reader("shapley", modality) for modality in results.modalities}
    columns |= {"imbalance": reader("imbalance", "degree"), "normalised": reader("imbalance", "normalised")}
    return of_methods(results, columns, plain)


def subsets(results: DatasetResults) -> Table | None:
    labels, means = subset_table(results)
    rows = [[name, *(results.metric.text(found.get(label)) for label in labels)] for name, found in means.items()]
    return Table(["method", *labels], rows) if rows else None


def noise(results: DatasetResults) -> Table | None:
    keys = list(dict.fromkeys(
        (modality, level) for modality in results.modalities for name in results.records
        for level in noise_levels(results, name, modality)
    ))
    keys.sort(key=lambda key: (results.modalities.index(key[0]), key[1]))
    rows = []
    for name in results.best_first():
        levels = {modality: noise_levels(results, name, modality) for modality in results.modalities}
        rows.append([name, *(spread(summary(levels[m].get(level, [])), results.metric.text) for m, level in keys)])
    return Table(["method", *(f"{modality} {level:g}" for modality, level in keys)], rows) if keys else None


def alignment(results: DatasetResults) -> Table | None:
    def reader(modality: str, measure: str) -> Callable[[Json], float | None]:
        return lambda record: (dig(record, "alignment", modality) or [{}])[-1].get(measure)

    columns = {f"{modality}: {title}": reader(modality, measure)
               for modality in results.modalities for measure, title in ALIGNMENT.items()}
    return of_methods(results, columns, plain)


def _count(number: float) -> str:
    return f"{number:,.0f}"


def costs(results: DatasetResults) -> Table | None:
    parts = {
        "seconds": ("seconds", "{:.1f}"), "teacher_seconds": ("teachers, s", "{:.1f}"), "trial_seconds": ("trials, s", "{:.1f}"),
        "samples": ("samples", "{:,.0f}"), "updates": ("updates", "{:,.0f}"),
    }
    header = [title for title, _ in parts.values()]
    header += [f"{kind} {modality}" for kind in ("forwards", "backwards") for modality in results.modalities]
    rows = []
    for name in results.best_first():
        found = [results.summary(name, "cost", part) for part in parts]
        row = [style.format(each.mean) if each else "" for each, (_, style) in zip(found, parts.values())]
        for kind in ("forwards", "backwards"):
            each_modality = (results.summary(name, "cost", kind, modality) for modality in results.modalities)
            row += [_count(each.mean) if each else "" for each in each_modality]
        peak = results.summary(name, "cost", "peak_rss_bytes")
        rows.append([name, *row, f"{peak.mean / 2**20:,.0f}" if peak else ""])
    table = Table(["method", *header, "peak MiB"], rows)
    return table if any(cell for row in rows for cell in row[1:]) else None


def settings_text(settings: Json | None) -> str:
    if settings is None:
        return "none: all failed"
    return ", ".join(f"{key}={value}" for key, value in settings.items()) or "defaults"


def grids(results: DatasetResults) -> Table | None:
    """Every grid point with its validation score, and the one that was chosen."""
    plan, dataset = results.plan, results.dataset
    rows = []
    for method in plan.tuned(dataset):
        chosen = plan.chosen(dataset, method, results.results)
        for point in plan.grid(dataset, method):
            score = point.score(dataset, results.results)
            is_chosen = chosen is not None and point.settings == chosen
            rows.append([method.name, settings_text(point.settings), str(len(point.cells)),
                         spread(score, results.metric.text) if score else "failed", "chosen" if is_chosen else ""])
    return Table(["method", "settings", "runs", f"validation {results.metric.label}", ""], rows, (0, 1, 4)) if rows else None


def untuned_settings(results: DatasetResults) -> Table:
    rows = [[name, settings_text(next(iter(records.values()))["spec"].get("settings"))]
            for name, records in results.records.items()]
    return Table(["method", "settings"], rows, (0, 1))


def ablation(results: DatasetResults, ablated: Ablated) -> Table | None:
    """Each variant, and its paired difference to the first, corrected over the ablation."""
    each, variants = ablated

    def test(record: Json) -> float | None:
        return value_of(dig(record, "metrics", "test"), results.metric)

    scores = [(variant.title, values(by_seed(cells, results.results), test)) for variant, cells in variants]
    base = scores[0][1]
    differences = [paired(found, base) for _, found in scores[1:]]
    adjusted = holm([difference.p if difference else None for difference in differences])
    compared = [("", ""), *((interval(d, results.metric), p_text(p)) for d, p in zip(differences, adjusted))]
    rows = [[title, spread(summary(list(found.values())), results.metric.text) or "missing", *difference]
            for (title, found), difference in zip(scores, compared)]
    header = [each.title, f"test {results.metric.label}", f"minus {scores[0][0]}, 95 %", "Holm p"]
    return Table(header, rows) if any(found for _, found in scores) else None
