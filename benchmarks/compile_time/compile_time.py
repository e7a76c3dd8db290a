# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Seconds and peak memory that the compiler takes, beside what it takes for torch/torch.h alone.

    compile_time.py [--headers] [--examples] [--precompiled] [--repeat N] COMPILER [FLAG ...]

--headers      each family header alone
--examples     the examples, and what the trainers among them share
--precompiled  a program that trains a run-time student: with g2d/g2d.hpp as a precompiled header, with its trainer declared
               `extern template`, with both and with neither

All of them if none is named. The fastest of N runs counts: what disturbs a compiler only makes it slower.
"""

import argparse
import os
import pathlib
import sys
import tempfile
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NOT_FAMILIES = ("g2d.hpp", "reference.hpp")  # the umbrella comes last, and the reference is not on LibTorch


@dataclass(frozen=True)
class Cost:
    seconds: float  # of the processor
    mebibytes: float


def run(command):
    pid = os.fork()
    if pid == 0:
        os.execvp(command[0], command)
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        sys.exit(f"failed: {' '.join(command)}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


class Compiler:
    def __init__(self, command, repeat):
        self.command = [*command, "-std=c++20", "-O2", f"-I{ROOT / 'include'}"]
        self.repeat = repeat

    def cost(self, source, *flags, into=os.devnull):
        runs = [run([*self.command, *flags, "-c", str(source), "-o", str(into)]) for _ in range(self.repeat)]
        return Cost(min(cost.seconds for cost in runs), max(cost.mebibytes for cost in runs))

    def cost_of_header(self, name):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "alone.cpp"
            source.write_text(f"#include <{name}>\n")
            return self.cost(source)


class Printed:
    """A table, row by row as they are measured."""

    def __init__(self, title, width, baseline):
        self.width, self.baseline = width, baseline
        print(f"{title:<{width}} {'seconds':>8} {'MiB':>6} {'ratio':>6}")
        self.add("torch/torch.h", baseline)

    def add(self, name, cost):
        ratio = cost.seconds / self.baseline.seconds
        print(f"{name:<{self.width}} {cost.seconds:8.1f} {cost.mebibytes:6.0f} {ratio:6.2f}", flush=True)


def headers(compiler, baseline):
    printed = Printed("header", 28, baseline)
    families = sorted(path.name for path in (ROOT / "include/g2d").glob("*.hpp") if path.name not in NOT_FAMILIES)
    for name in [*families, "g2d.hpp"]:
        printed.add(f"g2d/{name}", compiler.cost_of_header(f"g2d/{name}"))


def examples(compiler, baseline):
    printed = Printed("example", 28, baseline)
    folder = ROOT / "examples"
    for source in [*sorted(folder.glob("*.cpp")), *sorted(folder.glob("support/*.cpp"))]:
        printed.add(str(source.relative_to(folder).with_suffix("")), compiler.cost(source))


def precompiled(compiler, baseline):
    printed = Printed("a program that trains a run-time student", 48, baseline)
    program, declared = HERE / "run_time_student.cpp", "-DTRAINER_IS_INSTANTIATED_ELSEWHERE"
    printed.add("as it is", compiler.cost(program))
    printed.add("extern template class Trainer", compiler.cost(program, declared))
    with tempfile.TemporaryDirectory() as folder:
        header = pathlib.Path(folder) / "all.hpp"
        header.write_text("#include <g2d/g2d.hpp>\n")
        into = header.with_name("all.hpp.gch")
        once = compiler.cost(header, "-x", "c++-header", into=into)
        use = ("-include", str(header), "-Winvalid-pch", "-Werror=invalid-pch")
        printed.add("g2d/g2d.hpp precompiled", compiler.cost(program, *use))
        printed.add("g2d/g2d.hpp precompiled, extern template", compiler.cost(program, *use, declared))
        printed.add(f"to precompile g2d/g2d.hpp, once: {into.stat().st_size / 1e6:.0f} MB", once)


PARTS = (headers, examples, precompiled)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for part in PARTS:
        parser.add_argument(f"--{part.__name__}", dest="parts", action="append_const", const=part)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("compiler", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if not options.compiler:
        parser.error("expected a compiler, got none")
    compiler = Compiler(options.compiler, options.repeat)
    baseline = compiler.cost_of_header("torch/torch.h")
    for i, part in enumerate(options.parts or PARTS):
        if i > 0:
            print()
        part(compiler, baseline)


if __name__ == "__main__":
    main()
