# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""report.md and report.html of a folder."""

from __future__ import annotations

import os
from pathlib import Path

from . import html, markdown, tables
from .catalogue import Json, flat
from .cells import Cell, Store
from .document import Block, Bullets, Code, Fold, Heading, Paragraph, Table
from .errors import SuiteError
from .estimate import duration
from .figures import all_figures
from .results import DatasetResults
from .runs import Selection, select

LEGEND = [
    "Mean ± standard deviation over the seeds. A seed decides split, first weights and order, and all methods share it.",
    "Differences are paired over the seeds, with 95 % intervals of Student's t; p values are corrected by Holm's method over "
    "all methods of a column. With one seed there is no interval.",
    "Weights are chosen on validation; the test is read once for each model. Every method sees as many student samples as the "
    "others; joint-total sees the teachers' as well, and is what methods with teachers are to be compared with.",
    "Readouts are what a modality says alone in the trained model. Probes are linear heads trained on frozen encoders.",
    "Shapley values share the test score among the modalities; the imbalance is the mean absolute difference of two of them, and "
    "that divided by the sum of their sizes. This measure is ours.",
]


def planned_cells(selection: Selection, store: Store) -> list[Cell]:
    return [*selection.plan.first_cells(), *selection.plan.final_cells(store.results)]


def _machine(record: Json) -> str:
    machine = record.get("machine") or {}
    return ", ".join(f"{key} {value}" for key, value in machine.items()) or "not recorded"


def provenance(selection: Selection, store: Store) -> list[Block]:
    cells = planned_cells(selection, store)
    records = [store.results[cell.key] for cell in cells if cell.key in store.results]
    walls = [run.entry["wall_seconds"] for run in selection.group.runs if run.entry["wall_seconds"]]
    seconds = sum(record.get("wall_seconds") or record.get("cost", {}).get("seconds") or 0 for record in records)
    protocol = selection.plan.protocol
    commands = list(dict.fromkeys(run.entry["command"] for run in selection.group.runs))
    machines = sorted({_machine(record) for record in records})
    # Every cell of the set has these; git may differ from the version it is built as.
    builds = sorted({", ".join(f"{key} {value}" for key, value in (record.get("versions") or {}).items()) for record in records})
    items = [
        f"versions: {'; '.join(filter(None, builds)) or selection.plan.catalogue.version_text()}",
        f"machine: {'; '.join(machines) or 'not recorded'}",
        f"wall time: {duration(sum(walls))} in {len(selection.group.runs)} run(s); "
        f"{len(records)} cells, {seconds * protocol.threads / 3600:.2f} CPU hours, {protocol.threads} thread(s) each",
        f"seeds: {', '.join(map(str, protocol.seeds))}; for tuning: {', '.join(map(str, protocol.tuning_seeds)) or 'none'}",
    ]
    if records:
        times = sorted(record["finished"] for record in records)
        items.append(f"cells finished between {times[0]} and {times[-1]}")
    return [Code("\n".join(commands)), *(Paragraph(message) for message in selection.messages), Bullets(items)]


def failures(selection: Selection, store: Store) -> list[Block]:
    failed = [record for cell in planned_cells(selection, store) if (record := store.failed(cell))]
    if not failed:
        return []
    rows = [[record["title"], (record["reason"].splitlines() or [""])[-1][:300]] for record in failed]
    return [Heading("Failed cells", 2), Paragraph(f"{len(failed)} cell(s) failed and are not in any table:"),
            Table(["cell", "reason"], rows, (0, 1))]


def _section(title: str, table: Table | None, *notes: str) -> list[Block]:
    return [Heading(title, 3), *map(Paragraph, notes), table] if table else []


def _part(title: str, table: Table | None) -> list[Block]:
    return [Fold(title, [table])] if table else []


def dataset_blocks(results: DatasetResults) -> list[Block]:
    dataset, metric = results.dataset, results.metric
    blocks: list[Block] = [Heading(f"{dataset.title} ({dataset.name})" if dataset.title != dataset.name else dataset.name, 2)]
    if not results.best_first():
        return [*blocks, Paragraph("No cell with test results.")]
    plan = results.plan
    blocks.append(Paragraph(
        f"{dataset.task}, modalities {', '.join(results.modalities)}; {plan.epochs(dataset)} epochs, teachers "
        f"{plan.teacher_epochs(dataset)}; data fingerprint {', '.join(results.fingerprints()) or 'not recorded'}."
    ))
    blocks += _section("Test", tables.test_table(results), f"By {metric.label}, {metric.better}.")
    blocks += _section("Teachers", tables.teacher_table(results))
    blocks += all_figures(results)
    blocks += _section(f"Each modality alone, {metric.label}", tables.per_modality(results, "unimodal", ""))
    blocks += _section(f"Linear probes of the encoders, {metric.label}", tables.per_modality(results, "probe", ""))
    blocks += _section("Contributions", tables.contributions(results))
    blocks += _section(f"Subsets of modalities, {metric.label}", tables.subsets(results))
    blocks += _section(f"Noise, {metric.label} by modality and standard deviation", tables.noise(results))
    blocks += _section("Alignment with the teachers, last epoch", tables.alignment(results))
    blocks += _section("Costs", tables.costs(results), "Of training one student; means over the seeds.")
    blocks += ablation_blocks(results)
    blocks += tuning_blocks(results)
    rows = [list(row) for row in flat((results.any_record or {}).get("recipe") or {}).items()]
    blocks += _part(f"Resolved recipe of {next(iter(results.records))}", Table(["setting", "value"], rows, (0, 1)) if rows else None)
    return blocks


def ablation_blocks(results: DatasetResults) -> list[Block]:
    plan = results.plan
    if not plan.ablations:
        return []
    settings = plan.chosen(results.dataset, plan.g2d, results.results)
    found = (tables.ablation(results, ablated) for ablated in plan.ablated(results.dataset, settings))
    there = [table for table in found if table]
    return [Heading("Ablations of g2d", 3), *there] if there else []


def tuning_blocks(results: DatasetResults) -> list[Block]:
    grid = tables.grids(results)
    if not grid:
        return [Heading("Settings", 3), Paragraph("Nothing was tuned: each method has its first grid point."),
                Fold("Settings", [tables.untuned_settings(results)])]
    runs = sum(int(row[2]) for row in grid.rows)
    return [Heading("Settings", 3), Paragraph(
        f"{runs} runs on seeds that no table uses; the best mean on validation was chosen, the test was not looked at."
    ), Fold("Grids and chosen settings", [grid])]


def method_table(selection: Selection) -> Table:
    rows = [[method.name, method.title, method.source, "yes" if method.needs_teachers else "", method.citation]
            for method in selection.plan.methods]
    return Table(["method", "title", "source", "teachers", "citation"], rows, (0, 1, 2, 3, 4))


def build(store: Store) -> list[Block]:
    selection = select(store)
    blocks: list[Block] = [Heading("g2d benchmark suite", 1), *provenance(selection, store), *failures(selection, store)]
    blocks += [Fold("How to read this", [Bullets(LEGEND)]), Fold("Methods", [method_table(selection)])]
    for dataset in selection.plan.datasets:
        blocks += dataset_blocks(DatasetResults(selection.plan, dataset, store.results))
    return blocks


def write(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise SuiteError(f"suite: report: expected the folder of a run, got {folder}, which is not there")
    blocks = build(Store(folder))
    paths = []
    for name, text in (("report.md", markdown.render(blocks)), ("report.html", html.render(blocks))):
        partial = folder / f".{name}.partial"
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, folder / name)
        paths.append(folder / name)
    return paths
