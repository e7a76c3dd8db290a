# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Runs cells in parallel processes of suite_cell."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from .catalogue import Json
from .cells import Cell, Store, now, unique
from .errors import SuiteError

POLL_SECONDS = 0.05
GRACE_SECONDS = 5.0
TAIL_CHARACTERS = 2000


@dataclass
class Job:
    process: subprocess.Popen[bytes]
    cells: list[Cell]
    folder: Path
    started: float

    def error(self) -> str:
        text = (self.folder / "stderr").read_text(errors="replace").strip()[-TAIL_CHARACTERS:]
        status = self.process.returncode
        how = f"ended by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        return f"{how}: {text}" if text else how

    def end(self) -> None:
        """The process and whatever it started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(GRACE_SECONDS)
                return
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue


class Pool:
    """`batch` cells of one dataset share a process, which saves its start and loading; else each has its own."""

    def __init__(
        self, binary: Path, store: Store, data: Mapping[str, str], *, jobs: int, threads: int, batch: int,
        on_done: Callable[[Cell, Json], None], on_failed: Callable[[Cell, str], None],
    ) -> None:
        self._binary, self._store, self._data = binary, store, data
        self._jobs, self._batch = jobs, batch
        self._on_done, self._on_failed = on_done, on_failed
        self._environment = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ, "OMP_NUM_THREADS": str(threads)}
        self._running: list[Job] = []
        self._alone: set[str] = set()
        self._given_up: set[str] = set()
        self._waiting: list[Cell] = []

    def __enter__(self) -> Pool:
        self._scratch = Path(tempfile.mkdtemp(prefix="work-", dir=self._store.folder))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for job in self._running:
            job.end()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def run(self, cells: list[Cell]) -> None:
        """Those that the store lacks, and before them the teachers that they need."""
        with_teachers = unique([*(cell.teachers for cell in cells if cell.teachers), *cells])
        self._waiting = [cell for cell in with_teachers if not self._store.has(cell) and cell.key not in self._given_up]
        while self._waiting or self._running:
            self._drop_without_teachers()
            while len(self._running) < self._jobs and (ready := self._next()):
                self._waiting = [cell for cell in self._waiting if cell not in ready]
                self._running.append(self._start(ready))
            for job in [job for job in self._running if job.process.poll() is not None]:
                self._running.remove(job)
                self._finish(job)
            time.sleep(POLL_SECONDS)

    def _drop_without_teachers(self) -> None:
        for cell in [cell for cell in self._waiting if cell.teachers and cell.teachers.key in self._given_up]:
            self._waiting.remove(cell)
            self._give_up(cell, "its teachers failed")

    def _give_up(self, cell: Cell, reason: str) -> None:
        self._given_up.add(cell.key)
        self._store.add_failure(cell, reason, now())
        self._on_failed(cell, reason)

    def _next(self) -> list[Cell]:
        ready = [cell for cell in self._waiting if not cell.teachers or self._store.has(cell.teachers)]
        if not ready:
            return []
        first = ready[0]
        if first.key in self._alone:
            return [first]
        alike = [cell for cell in ready if cell.dataset == first.dataset and cell.key not in self._alone]
        share = -(-len(alike) // self._jobs)
        return alike[: max(1, min(self._batch, share))]

    def _start(self, cells: list[Cell]) -> Job:
        folder = Path(tempfile.mkdtemp(dir=self._scratch))
        arguments = []
        for cell in cells:
            specification = folder / f"{cell.key}.json"
            specification.write_text(json.dumps(self._with_paths(cell, folder)))
            arguments += [str(specification), str(folder / f"{cell.key}.out.json")]
        with open(folder / "stderr", "wb") as errors:
            try:
                process = subprocess.Popen(
                    [str(self._binary), "run", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=errors, env=self._environment, start_new_session=True,
                )
            except OSError as error:
                raise SuiteError(f"suite: expected to start {self._binary}, got {error.strerror}") from error
        return Job(process, cells, folder, time.monotonic())

    def _with_paths(self, cell: Cell, folder: Path) -> Json:
        """Teachers are moved to their place when they are whole."""
        is_teacher = cell.spec["kind"] == "teachers"
        teachers = folder / f"{cell.key}.teachers" if is_teacher else self._store.teachers_folder(cell.teachers)
        dataset = {**cell.spec["dataset"], "data": self._data.get(cell.dataset)}
        return {**cell.spec, "dataset": dataset, "teachers": str(teachers.resolve())}

    def _finish(self, job: Job) -> None:
        wall = time.monotonic() - job.started if len(job.cells) == 1 else None
        for cell in job.cells:
            result = self._result(job, cell)
            if result is not None:
                self._keep_teachers(job, cell)
                self._on_done(cell, self._store.add(cell, result, wall, now()))
            elif len(job.cells) > 1:
                # Who of several is to blame shows when each runs alone.
                self._alone.add(cell.key)
                self._waiting.append(cell)
            else:
                self._give_up(cell, job.error() if job.process.returncode else "exit status 0, but no result was written")
        shutil.rmtree(job.folder, ignore_errors=True)

    def _result(self, job: Job, cell: Cell) -> Json | None:
        try:
            result = json.loads((job.folder / f"{cell.key}.out.json").read_text())
        except (OSError, ValueError):
            return None
        is_whole = cell.spec["kind"] == "teachers" or "metrics" in result
        return result if is_whole else None

    def _keep_teachers(self, job: Job, cell: Cell) -> None:
        if cell.spec["kind"] != "teachers":
            return
        kept = self._store.teachers_folder(cell)
        kept.parent.mkdir(exist_ok=True)
        shutil.rmtree(kept, ignore_errors=True)
        written = job.folder / f"{cell.key}.teachers"
        written.mkdir(exist_ok=True)
        os.replace(written, kept)
