#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""The benchmark suite: methods x datasets x seeds, with tables and figures. docs/guide/suite.md explains it."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

try:
    from suite import comparing, report, rows, speed
except ModuleNotFoundError as error:
    sys.exit(f"g2d: suite: expected the Python package {error.name}, got none; run `make setup`, then build/python/bin/python")
from suite.ablations import NAMES
from suite.catalogue import Catalogue, read_catalogue
from suite.errors import SuiteError
from suite.markdown import table
from suite.document import Table
from suite.plan import Plan, Protocol, with_baselines
from suite.running import Machine, estimate, run

BUILD = speed.ROOT / "build/release"
FULL_OUT, QUICK_OUT = speed.ROOT / "build/suite", speed.ROOT / "build/suite-quick"
QUICK = {"epochs": 4, "teacher_epochs": 2, "samples": [160, 80, 80], "batch": 12}


def find_cell(named: Path | None) -> Path:
    """Where the build puts it, unless named."""
    return named or next((BUILD / "benchmarks").glob("**/suite_cell"), BUILD / "benchmarks/suite_cell")


def read_options(entries: Sequence[str]) -> dict[str, dict[str, object]]:
    """NAME.KEY=VALUE, the value as JSON or else as text."""
    options: dict[str, dict[str, object]] = {}
    for entry in entries:
        path, _, text = entry.partition("=")
        name, _, key = path.partition(".")
        if not key or not text:
            raise SuiteError(f"suite: --option: expected NAME.KEY=VALUE, got {entry}")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        options.setdefault(name, {})[key] = value
    return options


def read_data(entries: Sequence[str]) -> dict[str, str]:
    data = {}
    for entry in entries:
        name, _, folder = entry.partition("=")
        if not folder:
            raise SuiteError(f"suite: --data: expected NAME=FOLDER, got {entry}")
        data[name] = str(Path(folder).resolve())
    return data


def quick_options(catalogue: Catalogue, given: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    """Few samples, where a dataset lets their number be chosen; what was given stays."""
    small = {name: {"samples": QUICK["samples"]} for name, dataset in catalogue.datasets.items()
             if "samples" in dataset.defaults and not dataset.needs_data}
    return {name: {**small.get(name, {}), **given.get(name, {})} for name in {**small, **given}}


def make_protocol(arguments: argparse.Namespace, catalogue: Catalogue) -> Protocol:
    options, quick = read_options(arguments.option), arguments.quick
    seeds = arguments.seeds or ((0,) if quick else Protocol.seeds)
    return Protocol(
        seeds=tuple(seeds),
        tuning_seeds=() if quick or arguments.no_tuning else tuple(arguments.tuning_seeds),
        epochs=arguments.epochs or (QUICK["epochs"] if quick else None),
        teacher_epochs=arguments.teacher_epochs or (QUICK["teacher_epochs"] if quick else None),
        threads=arguments.threads,
        fusion=arguments.fusion,
        options=quick_options(catalogue, options) if quick else options,
    )


def make_plan(arguments: argparse.Namespace, catalogue: Catalogue) -> Plan:
    data = read_data(arguments.data)
    for name in data:
        catalogue.dataset(name)
    built_in = [name for name, dataset in catalogue.datasets.items() if not dataset.needs_data]
    datasets = arguments.datasets or list(dict.fromkeys([*built_in, *data]))
    methods = with_baselines(catalogue, arguments.methods) if arguments.methods else list(catalogue.methods)
    ablations = NAMES if "all" in arguments.ablation else arguments.ablation
    return Plan(catalogue, make_protocol(arguments, catalogue), methods, datasets, ablations)


def make_machine(arguments: argparse.Namespace, binary: Path) -> Machine:
    jobs = arguments.jobs or (min(2, os.cpu_count() or 1) if arguments.quick else 1)
    return Machine(binary.resolve(), read_data(arguments.data), jobs, QUICK["batch"] if arguments.quick else 1)


def out_of(arguments: argparse.Namespace) -> Path:
    return arguments.out or (QUICK_OUT if arguments.quick else FULL_OUT)


def run_command(arguments: argparse.Namespace) -> int:
    binary = find_cell(arguments.cell)
    plan = make_plan(arguments, read_catalogue(binary))
    command = shlex.join(["suite", *sys.argv[1:]])
    folder = out_of(arguments)
    status = run(plan, folder, make_machine(arguments, binary), command, with_probes=not arguments.quick)
    if not arguments.no_report:
        write_report(folder)
    return status


def estimate_command(arguments: argparse.Namespace) -> int:
    binary = find_cell(arguments.cell)
    return estimate(make_plan(arguments, read_catalogue(binary)), out_of(arguments), make_machine(arguments, binary))


def write_report(folder: Path) -> None:
    for path in report.write(folder):
        print(path)


def report_command(arguments: argparse.Namespace) -> int:
    write_report(arguments.folder)
    return 0


def compare_command(arguments: argparse.Namespace) -> int:
    print(comparing.compare(arguments.first, arguments.second), end="")
    return 0


def csv_command(arguments: argparse.Namespace) -> int:
    rows.write(arguments.folder, sys.stdout)
    return 0


def list_command(arguments: argparse.Namespace) -> int:
    catalogue = read_catalogue(find_cell(arguments.cell))
    methods = [[each.name, each.title, ", ".join(each.tasks), "yes" if each.needs_teachers else "", ", ".join(each.fusions)]
               for each in catalogue.methods.values()]
    datasets = [[each.name, each.title, each.task, ", ".join(each.modalities), "yes" if each.needs_data else ""]
                for each in catalogue.datasets.values()]
    print(catalogue.version_text())
    print("\n" + table(Table(["method", "title", "tasks", "teachers", "fusions"], methods, (0, 1, 2, 3, 4))))
    print("\n" + table(Table(["dataset", "title", "task", "modalities", "needs --data"], datasets, (0, 1, 2, 3, 4))))
    print(f"\nablations of g2d: {', '.join(NAMES)}\nspeed benchmarks: suite speed --list")
    return 0


def speed_command(arguments: argparse.Namespace) -> int:
    """The options that `suite speed` knows not are the benchmarks'."""
    given = [text for text in arguments.rest if text != "--"]
    shared = ["--smoke"] if arguments.smoke else []
    if arguments.all:
        if given and not given[0].startswith("-"):
            raise SuiteError(f"suite: speed: expected --all or the name of one benchmark, got both, {given[0]}")
        return speed.run_all(arguments.build, [*shared, *given], arguments.json)
    if arguments.list or not (given or shared or arguments.json):
        print(speed.listing(arguments.build))
        return 0
    if not given or given[0].startswith("-"):
        raise SuiteError("suite: speed: expected options behind --all or the name of one benchmark, got neither")
    name, *options = given
    if name == "report":
        return speed_report_command(options)
    return speed.run(arguments.build, name, [*shared, *options], arguments.json)


def speed_report_command(given: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="suite speed report", description="table and figures of a file of --all --json")
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    arguments = parser.parse_args(given)
    for path in speed.write_report(arguments.file, arguments.out):
        print(path)
    return 0


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number >= 1, got {text}")
    return number


def add_cell_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cell", type=Path, metavar="PROGRAM", help="suite_cell; by default the one of build/release")


def add_plan_options(parser: argparse.ArgumentParser) -> None:
    add_cell_option(parser)
    add = parser.add_argument
    add("--out", type=Path, help="folder for results; by default build/suite, with --quick build/suite-quick")
    add("--methods", nargs="+", default=[], metavar="NAME", help="all by default; the baselines are added")
    add("--datasets", nargs="+", default=[], metavar="NAME", help="by default those built in and those with --data")
    add("--data", action="append", default=[], metavar="NAME=FOLDER", help="where a dataset lies")
    add("--option", action="append", default=[], metavar="NAME.KEY=VALUE", help="of a dataset; VALUE is JSON")
    add("--seeds", nargs="+", type=int, metavar="N", help="0 1 2 3 4 by default")
    add("--tuning-seeds", nargs="+", type=int, default=list(Protocol.tuning_seeds), metavar="N", help="100 by default")
    add("--no-tuning", action="store_true", help="the first grid point of each method")
    add("--epochs", type=positive, metavar="N", help="of students; by default the dataset's")
    add("--teacher-epochs", type=positive, metavar="N", help="of teachers; by default the dataset's")
    add("--fusion", metavar="NAME", help="of all methods that admit it; by default each method's own")
    add("--ablation", nargs="+", default=[], choices=[*NAMES, "all"], metavar="NAME", help=f"of g2d: {', '.join(NAMES)}, all")
    add("--jobs", type=positive, metavar="N", help="cells run at once; 1 by default")
    add("--threads", type=positive, default=1, metavar="N", help="of each cell; 1 by default")
    add("--quick", action="store_true", help="one seed, few samples and epochs, no tuning: does everything work?")


def add_speed_options(parser: argparse.ArgumentParser) -> None:
    parser.usage = "suite speed [--list] [--build FOLDER] [--all | NAME] [--json FILE] [--smoke] [OPTION ...]\n" \
                   "       suite speed report FILE --out FOLDER"
    parser.epilog = "Other options are handed to the benchmarks: --threads N, --pairs FACTOR (times as many pairs), --default-heap."
    parser.allow_abbrev = False  # a benchmark's option must not be taken for one of these
    parser.add_argument("--list", action="store_true", help="names and purposes")
    parser.add_argument("--all", action="store_true", help="run all of them, and print one table")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures as JSON lines; with --all in place of what is there, else appended")
    parser.add_argument("--smoke", action="store_true", help="once, with little data: does everything run?")
    parser.add_argument("--build", type=Path, default=BUILD, metavar="FOLDER", help="by default build/release")


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """With what `suite speed` hands on as `rest`."""
    arguments, rest = parser.parse_known_args()
    if rest and arguments.function is not speed_command:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    arguments.rest = rest
    return arguments


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="suite", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, text: str, function) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(function=function)
        return added

    running = command("run", "run what is missing, then report", run_command)
    add_plan_options(running)
    running.add_argument("--no-report", action="store_true", help="only the cells; `suite report` writes it later")
    add_plan_options(command("estimate", "how many cells and CPU hours a run would take", estimate_command))
    folder = command("report", "write report.md and report.html of a folder", report_command)
    folder.add_argument("folder", type=Path, nargs="?", default=FULL_OUT)
    table_of = command("csv", "every final cell of a folder as comma-separated values", csv_command)
    table_of.add_argument("folder", type=Path, nargs="?", default=FULL_OUT)
    both = command("compare", "two folders, method by method", compare_command)
    both.add_argument("first", type=Path, metavar="A")
    both.add_argument("second", type=Path, metavar="B")
    add_cell_option(command("list", "methods, datasets and ablations", list_command))
    add_speed_options(command("speed", "list or run the speed benchmarks, or report their figures", speed_command))
    return parser


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    arguments = parse(make_parser())
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell may have left SIGINT ignored for what runs in the background
        signal.signal(number, interrupt)
    try:
        return arguments.function(arguments)
    except SuiteError as error:
        print(f"g2d: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read our lines has left; Python would complain again when it flushes
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("interrupted: finished cells are kept, the same command goes on from there", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
