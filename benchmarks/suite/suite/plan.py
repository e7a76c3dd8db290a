# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Which cells a comparison needs. A pure function of the catalogue, the protocol and the cells that are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field

from .ablations import NAMES, Ablation, Variant, ablation
from .catalogue import G2D, JOINT, JOINT_TOTAL, Catalogue, Dataset, Json, Method
from .cells import Cell, digest, unique
from .errors import SuiteError, check_name
from .metrics import metrics_of, value_of
from .statistics import Summary, summary

Results = Mapping[str, Json]
Ablated = tuple[Ablation, list[tuple[Variant, list[Cell]]]]


@dataclass(frozen=True)
class Protocol:
    """What all cells of a comparison share. Cells of two protocols are never mixed."""

    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    tuning_seeds: tuple[int, ...] = (100,)  # none: each method's first grid point
    epochs: int | None = None
    teacher_epochs: int | None = None
    threads: int = 1
    fusion: str | None = None
    options: Json = field(default_factory=dict)  # of a dataset, by its name

    @staticmethod
    def of(entry: Json) -> Protocol:
        lists = {"seeds": tuple(entry["seeds"]), "tuning_seeds": tuple(entry["tuning_seeds"])}
        return Protocol(**{**entry, **lists})

    def check(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise SuiteError(f"suite: --seeds: expected different seeds, got {list(self.seeds)}")
        common = sorted(set(self.seeds) & set(self.tuning_seeds))
        if common:
            raise SuiteError(f"suite: --tuning-seeds: expected seeds that are not among --seeds, got {common} in both")


@dataclass(frozen=True)
class GridPoint:
    settings: Json
    cells: list[Cell]

    def score(self, dataset: Dataset, results: Results) -> Summary | None:
        """Validation over the tuning seeds; nothing unless all of them are there."""
        metric = metrics_of(dataset.task)[0]
        scores = [value_of(results[cell.key]["metrics"]["validation"], metric)
                  for cell in self.cells if cell.key in results]
        complete = len(scores) == len(self.cells) and None not in scores
        return summary(scores) if complete else None


class Plan:
    def __init__(
        self, catalogue: Catalogue, protocol: Protocol, methods: Iterable[str], datasets: Iterable[str],
        ablations: Iterable[str] = (),
    ) -> None:
        protocol.check()
        self.catalogue, self.protocol = catalogue, protocol
        self.methods = [catalogue.method(name) for name in dict.fromkeys(methods)]
        self.datasets = [catalogue.dataset(name) for name in dict.fromkeys(datasets)]
        self.ablations = [check_name("suite: --ablation", name, NAMES) for name in dict.fromkeys(ablations)]
        for name in protocol.options:
            check_name("suite: --option", name, catalogue.datasets)
        if protocol.fusion:
            check_name("suite: --fusion", protocol.fusion, {name for each in self.methods for name in each.fusions})
        if self.ablations and G2D not in catalogue.methods:
            raise SuiteError("suite: --ablation: expected a suite_cell with the method g2d, got one without")

    @property
    def identity(self) -> str:
        choices = {method.name: [method.grid, method.fusions] for method in self.catalogue.methods.values()}
        return digest({"versions": self.catalogue.versions, "protocol": asdict(self.protocol), "choices": choices})

    @property
    def g2d(self) -> Method:
        return self.catalogue.methods[G2D]

    def admitted(self, dataset: Dataset) -> list[Method]:
        return [method for method in self.methods if method.admits(dataset)]

    def tuned(self, dataset: Dataset) -> list[Method]:
        """The methods compared, and G2D where its ablations start from its chosen settings."""
        methods = self.admitted(dataset)
        if self.ablations and self.g2d.admits(dataset):
            methods.append(self.g2d)
        return list({method.name: method for method in methods}.values())

    def fusion(self, method: Method) -> str | None:
        if self.protocol.fusion in method.fusions:
            return self.protocol.fusion
        return method.fusions[0] if method.fusions else None

    def epochs(self, dataset: Dataset) -> int:
        return self.protocol.epochs or int(dataset.defaults.get("epochs", 1))

    def teacher_epochs(self, dataset: Dataset) -> int:
        return self.protocol.teacher_epochs or int(dataset.defaults.get("teacher_epochs", self.epochs(dataset)))

    def _spec(self, kind: str, dataset: Dataset, seed: int, epochs: int) -> Json:
        options = self.protocol.options.get(dataset.name, {})
        return {"kind": kind, "dataset": {"name": dataset.name, **options}, "seed": seed, "epochs": epochs,
                "threads": self.protocol.threads}

    def teachers(self, dataset: Dataset, seed: int, epochs: int | None = None, role: str = "teachers") -> Cell:
        spec = self._spec("teachers", dataset, seed, epochs or self.teacher_epochs(dataset))
        return Cell.of(spec, self.catalogue.versions, role)

    def student(
        self, dataset: Dataset, method: Method, settings: Json, seed: int, role: str, *,
        fusion: str | None = None, epochs: int | None = None, teachers: Cell | None = None,
    ) -> Cell:
        """Every student has teachers at hand: what it does not learn from it is still compared with."""
        spec = self._spec("student", dataset, seed, epochs or self.epochs(dataset)) | {
            "method": method.name, "fusion": fusion or self.fusion(method), "settings": settings,
            "analysis": role != "tuning", "budget": "total" if method.name == JOINT_TOTAL else "equal",
        }
        return Cell.of(spec, self.catalogue.versions, role, teachers or self.teachers(dataset, seed))

    def grid(self, dataset: Dataset, method: Method) -> list[GridPoint]:
        """No points without tuning seeds, nor where there is nothing to choose."""
        if not self.protocol.tuning_seeds or len(method.grid) == 1:
            return []
        return [
            GridPoint(settings, [
                self.student(dataset, method, settings, seed, "tuning") for seed in self.protocol.tuning_seeds
            ])
            for settings in method.grid
        ]

    def chosen(self, dataset: Dataset, method: Method, results: Results) -> Json | None:
        """The grid point with the best mean on validation, the first of equals; points that failed have none."""
        grid = self.grid(dataset, method)
        if not grid:
            return method.grid[0]
        sign = 1 if metrics_of(dataset.task)[0].higher_is_better else -1
        scores = [point.score(dataset, results) for point in grid]
        there = [i for i, score in enumerate(scores) if score]
        return grid[max(there, key=lambda i: sign * scores[i].mean)].settings if there else None

    def final(self, dataset: Dataset, method: Method, settings: Json | None) -> list[Cell]:
        if settings is None:
            return []
        return [self.student(dataset, method, settings, seed, "final") for seed in self.protocol.seeds]

    def ablated(self, dataset: Dataset, settings: Json | None) -> list[Ablated]:
        """Each ablation's variants with their cells; those that two ablations share are equal."""
        method = self.g2d
        if settings is None or not method.admits(dataset):
            return []
        found = []
        for name in self.ablations:
            each = ablation(name, method, self.fusion(method), dataset)
            variants = [(variant, [
                self.student(dataset, method, changed(dataset, settings, variant.settings), seed, "final", fusion=variant.fusion)
                for seed in self.protocol.seeds
            ]) for variant in each.variants]
            found.append((each, variants))
        return found

    def first_cells(self) -> list[Cell]:
        """Teachers and tuning: what can be run before anything is chosen."""
        cells = []
        for dataset in self.datasets:
            methods = self.tuned(dataset)
            if not methods:
                continue
            points = [point for method in methods for point in self.grid(dataset, method)]
            seeds = (*(self.protocol.tuning_seeds if points else ()), *self.protocol.seeds)
            cells += [self.teachers(dataset, seed) for seed in seeds]
            cells += [cell for point in points for cell in point.cells]
        return unique(cells)

    def last_cells(self, choose: Callable[[Dataset, Method], Json | None]) -> list[Cell]:
        cells = []
        for dataset in self.datasets:
            for method in self.admitted(dataset):
                cells += self.final(dataset, method, choose(dataset, method))
            if self.ablations:
                for _, variants in self.ablated(dataset, choose(dataset, self.g2d)):
                    cells += [cell for _, of_variant in variants for cell in of_variant]
        return unique(cells)

    def final_cells(self, results: Results) -> list[Cell]:
        return self.last_cells(lambda dataset, method: self.chosen(dataset, method, results))

    def expected_cells(self) -> list[Cell]:
        """As many cells as there will be, before it is known with which settings."""
        return unique([*self.first_cells(), *self.last_cells(lambda dataset, method: method.grid[0])])


def changed(dataset: Dataset, settings: Json, change: Json) -> Json:
    """Without what only repeats the dataset's default, or a flag's: equal cells are run once."""
    both = {**settings, **change}
    return {name: value for name, value in both.items()
            if name not in change or value != dataset.defaults.get(name, False if value is False else None)}


def with_baselines(catalogue: Catalogue, methods: Iterable[str]) -> list[str]:
    """What every table compares with: joint training, and with the teachers' budget where a method has teachers."""
    names = list(dict.fromkeys(methods))
    needs_total = any(catalogue.method(name).needs_teachers for name in names)
    baselines = [JOINT, *([JOINT_TOTAL] if needs_total else [])]
    missing = [name for name in baselines if name in catalogue.methods and name not in names]
    return [*missing, *names] if names else []
