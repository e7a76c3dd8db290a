# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""`suite run` and `suite estimate`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .catalogue import JOINT, Dataset, Json
from .cells import Cell, Store, lock, unique
from .errors import SuiteError
from .estimate import Estimator, duration
from .metrics import metrics_of, value_of
from .plan import Plan
from .pool import Pool
from .runs import Run


@dataclass(frozen=True)
class Machine:
    """What runs the cells; of no influence on their results."""

    binary: Path
    data: Mapping[str, str]
    jobs: int
    batch: int


def check_data(datasets: Iterable[Dataset], data: Mapping[str, str]) -> None:
    for dataset in datasets:
        folder = data.get(dataset.name)
        if dataset.needs_data and folder is None:
            raise SuiteError(f"suite: dataset {dataset.name}: expected --data {dataset.name}=FOLDER, got none")
        if folder is not None and not Path(folder).exists():
            raise SuiteError(f"suite: --data {dataset.name}: expected a folder or file, got {folder}, which is not there")


class Progress:
    """A line for each cell, with the time that is left."""

    def __init__(self, plan: Plan, store: Store, jobs: int) -> None:
        self._tasks = {dataset.name: dataset.task for dataset in plan.datasets}
        self._store, self._jobs = store, jobs
        self.estimator = Estimator(store.results.values())
        self._pending: dict[str, Cell] = {}
        self._num_ended = 0
        self.num_failed = 0

    def expect(self, cells: Iterable[Cell]) -> None:
        self._pending = {cell.key: cell for cell in cells if not self._store.has(cell)}

    def done(self, cell: Cell, record: Json) -> None:
        self.estimator.add(record)
        cost = record.get("wall_seconds") or record.get("cost", {}).get("seconds")
        took = f", {duration(cost)}" if cost else ""
        self._end(cell, self._score(record) + took)

    def failed(self, cell: Cell, reason: str) -> None:
        self.num_failed += 1
        self._end(cell, f"FAILED: {reason.splitlines()[-1] if reason else ''}")

    def _score(self, record: Json) -> str:
        metric = metrics_of(self._tasks[record["spec"]["dataset"]["name"]])[0]
        metrics = record.get("metrics", {})
        split = "test" if "test" in metrics and record["role"] == "final" else "validation"
        value = value_of(metrics.get(split), metric)
        return f"{split} {metric.label} {metric.text(value)}" if value is not None else "done"

    def _end(self, cell: Cell, outcome: str) -> None:
        self._pending.pop(cell.key, None)
        self._num_ended += 1
        total = self._num_ended + len(self._pending)
        seconds = self.estimator.total(self._pending.values())
        left = f"; about {duration(seconds / self._jobs)} left" if seconds else ""
        failures = f"; {self.num_failed} failed" if self.num_failed else ""
        print(f"[{self._num_ended:>{len(str(total))}}/{total}] {cell.title}: {outcome}{failures}{left}", flush=True)


def probes(plan: Plan, estimator: Estimator) -> list[Cell]:
    """One epoch of joint training, and its teachers, for each dataset that was never timed."""
    cells = []
    for dataset in plan.datasets:
        methods = [method for method in plan.admitted(dataset) if method.name == JOINT] or plan.admitted(dataset)
        if estimator.knows(dataset.name) or not methods:
            continue
        seed = plan.protocol.seeds[0]
        teachers = plan.teachers(dataset, seed, epochs=1, role="probe")
        method = methods[0]
        student = plan.student(dataset, method, method.grid[0], seed, "probe", epochs=1, teachers=teachers)
        cells += [teachers, student]
    return cells


def describe(plan: Plan) -> list[str]:
    lines = []
    seeds, tuning = plan.protocol.seeds, plan.protocol.tuning_seeds
    for dataset in plan.datasets:
        methods = plan.admitted(dataset)
        refused = [method.name for method in plan.methods if method not in methods]
        skipped = f"; not for it: {', '.join(refused)}" if refused else ""
        lines.append(f"{dataset.name}: {len(methods)} methods x {len(seeds)} seeds{skipped}")
    counts = {len(method.grid) for method in plan.methods}
    points = "/".join(map(str, sorted(counts)))
    lines.append(f"tuning: {points} grid points for each method x {len(tuning)} seed(s), chosen on validation" if tuning
                 else "tuning: none, each method's first grid point")
    if plan.ablations:
        lines.append(f"ablations of g2d: {', '.join(plan.ablations)}")
    return lines


def print_estimate(plan: Plan, store: Store, estimator: Estimator, jobs: int) -> None:
    cells = plan.expected_cells()
    lacking = [cell for cell in cells if not store.has(cell)]
    counts = {role: sum(cell.role == role for cell in cells) for role in ("teachers", "tuning", "final")}
    parts = ", ".join(f"{count} {role}" for role, count in counts.items() if count)
    print(f"cells: {len(cells)} ({parts}), {len(cells) - len(lacking)} of them done", flush=True)
    seconds = estimator.total(lacking)
    if seconds is not None:
        hours = seconds * plan.protocol.threads / 3600
        print(f"estimate: {hours:.2f} CPU hours, {duration(seconds / jobs)} with --jobs {jobs}; "
              "methods that were not timed yet count as much as those that were", flush=True)


def report_strangers(plan: Plan, store: Store) -> None:
    known = {cell.key for cell in [*plan.expected_cells(), *plan.final_cells(store.results)]}
    asked = {method.name for method in plan.methods}
    strangers = [record for key, record in store.results.items()
                 if key not in known and record["role"] != "probe" and record["spec"].get("method", JOINT) in asked]
    if strangers:
        print(f"{len(strangers)} cell(s) in {store.folder} are of another recipe or version, or were not asked for; "
              "they are ignored", flush=True)
    if store.num_of_other_data:
        print(f"{store.num_of_other_data} cell(s) of data with another fingerprint are ignored", flush=True)


def make_pool(plan: Plan, store: Store, machine: Machine, progress: Progress) -> Pool:
    return Pool(
        machine.binary, store, machine.data, jobs=machine.jobs, threads=plan.protocol.threads, batch=machine.batch,
        on_done=progress.done, on_failed=progress.failed,
    )


def estimate(plan: Plan, folder: Path, machine: Machine) -> int:
    check_data(plan.datasets, machine.data)
    with lock(folder):
        store = Store(folder)
        progress = Progress(plan, store, machine.jobs)
        print("\n".join(describe(plan)), flush=True)
        with make_pool(plan, store, machine, progress) as pool:
            probe(plan, store, progress, pool)
        print_estimate(plan, store, progress.estimator, machine.jobs)
    return 1 if progress.num_failed else 0


def probe(plan: Plan, store: Store, progress: Progress, pool: Pool) -> None:
    cells = unique(probes(plan, progress.estimator))
    if cells:
        print(f"timing {len(cells)} cells of one epoch:", flush=True)
        progress.expect(cells)
        pool.run(cells)


def run(plan: Plan, folder: Path, machine: Machine, command: str, *, with_probes: bool) -> int:
    check_data(plan.datasets, machine.data)
    with lock(folder):
        store = Store(folder)
        report_strangers(plan, store)
        print("\n".join(describe(plan)), flush=True)
        started = time.monotonic()
        record = Run.start(folder, plan, command, machine.jobs)
        status = "interrupted"
        try:
            num_failed = _run_cells(plan, store, machine, with_probes)
            status = f"{num_failed} failed" if num_failed else "finished"
        finally:
            record.finish(status, time.monotonic() - started)
    if num_failed:
        print(f"{num_failed} cell(s) failed; see {folder / 'failures.jsonl'}", flush=True)
    return 1 if num_failed else 0


def _run_cells(plan: Plan, store: Store, machine: Machine, with_probes: bool) -> int:
    probing = Progress(plan, store, machine.jobs)
    if with_probes:
        with make_pool(plan, store, machine, probing) as pool:
            probe(plan, store, probing, pool)
    print_estimate(plan, store, probing.estimator, machine.jobs)
    progress = Progress(plan, store, machine.jobs)
    with make_pool(plan, store, machine, progress) as pool:
        progress.expect(plan.expected_cells())
        pool.run(plan.first_cells())
        print_choices(plan, store)
        progress.expect(plan.final_cells(store.results))
        pool.run(plan.final_cells(store.results))
    return progress.num_failed


def print_choices(plan: Plan, store: Store) -> None:
    for dataset in plan.datasets:
        metric = metrics_of(dataset.task)[0]
        for method in plan.tuned(dataset):
            grid = plan.grid(dataset, method)
            if not grid:
                continue
            scores = [point.score(dataset, store.results) for point in grid]
            shown = ", ".join(f"{point.settings or 'defaults'}: {metric.text(score.mean) if score else 'failed'}"
                              for point, score in zip(grid, scores))
            chosen = plan.chosen(dataset, method, store.results)
            print(f"{dataset.name} {method.name}: validation {metric.label} {shown}; chosen "
                  f"{'none' if chosen is None else chosen or 'defaults'}", flush=True)
