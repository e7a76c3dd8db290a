# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""`suite compare A B`."""

from __future__ import annotations

from pathlib import Path

from . import markdown
from .catalogue import Json, flat
from .cells import Store
from .document import Block, Bullets, Heading, Paragraph, Table
from .errors import SuiteError
from .results import DatasetResults
from .runs import Selection, select
from .statistics import paired
from .tables import interval, p_text, spread


def differing(ours: Json, theirs: Json) -> list[str]:
    a, b = flat(ours), flat(theirs)
    return [f"{key}: {a.get(key, 'none')} against {b.get(key, 'none')}"
            for key in dict.fromkeys([*a, *b]) if a.get(key) != b.get(key)]


def read(folder: Path) -> tuple[Selection, dict[str, DatasetResults]]:
    if not folder.is_dir():
        raise SuiteError(f"suite: compare: expected the folder of a run, got {folder}, which is not there")
    store = Store(folder)
    selection = select(store)
    return selection, {dataset.name: DatasetResults(selection.plan, dataset, store.results) for dataset in selection.plan.datasets}


def _what_differs(a: Json, b: Json) -> list[str]:
    """Of two cells of one method and seed: versions, data, specification and what it resolved to."""
    parts = ("versions", "spec", "recipe")
    found = differing({part: a.get(part) or {} for part in parts}, {part: b.get(part) or {} for part in parts})
    return found + differing({"data_fingerprint": a.get("data_fingerprint")}, {"data_fingerprint": b.get("data_fingerprint")})


def dataset_blocks(ours: DatasetResults, theirs: DatasetResults) -> list[Block]:
    metric, rows, flags = ours.metric, [], {}
    for name in (name for name in ours.records if name in theirs.records):
        a, b = ours.test(name), theirs.test(name)
        difference = paired(b, a)
        common = sorted(ours.records[name].keys() & theirs.records[name].keys())
        found = _what_differs(ours.records[name][common[0]], theirs.records[name][common[0]]) if common else []
        for line in found:
            flags.setdefault(line, []).append(name)
        rows.append([name, spread(ours.test_summary(name), metric.text), spread(theirs.test_summary(name), metric.text),
                     interval(difference, metric), p_text(difference.p if difference else None),
                     str(difference.count if difference else 0), "yes" if found else ""])
    if not rows:
        return []
    header = ["method", "A", "B", "B minus A, 95 %", "p", "seeds in both", "differs"]
    blocks: list[Block] = [Heading(ours.dataset.title, 2), Paragraph(f"Test {metric.label}, {metric.better}."), Table(header, rows, (0, 6))]
    if flags:
        every = len(rows)
        blocks.append(Paragraph("What differs, by a seed in both:"))
        blocks.append(Bullets([f"{line} ({'all methods' if len(names) == every else ', '.join(names)})"
                               for line, names in flags.items()]))
    return blocks


def compare(first: Path, second: Path) -> str:
    (a, ours), (b, theirs) = read(first), read(second)
    blocks: list[Block] = [Heading("Comparison", 1), Bullets([f"A: {first}", f"B: {second}"])]
    blocks += [Paragraph(f"{letter}: {message}") for letter, each in (("A", a), ("B", b)) for message in each.messages]
    found = [block for name in ours if name in theirs for block in dataset_blocks(ours[name], theirs[name])]
    if not found:
        found = [Paragraph("Nothing is comparable: the folders share no method of one dataset.")]
    return markdown.render([*blocks, *found])
