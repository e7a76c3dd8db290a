# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Seconds and peak memory that the compiler takes for each family header alone, beside torch/torch.h.

    compile_time.py [--repeat N] COMPILER [FLAG ...]

The fastest of N runs counts: what disturbs a compiler only makes it slower.
"""

import argparse
import os
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def measure(command):
    """User seconds and peak MiB of one child process."""
    pid = os.fork()
    if pid == 0:
        os.execvp(command[0], command)
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        sys.exit(f"failed: {' '.join(command)}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def best(header, compiler, repeat):
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "alone.cpp"
        source.write_text(f"#include <{header}>\n")
        command = [*compiler, "-c", str(source), "-o", os.devnull]
        runs = [measure(command) for _ in range(repeat)]
    return min(seconds for seconds, _ in runs), max(memory for _, memory in runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("compiler", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    compiler = [*options.compiler, "-std=c++20", "-O2", f"-I{ROOT / 'include'}"]
    families = sorted(path.name for path in (ROOT / "include/g2d").glob("*.hpp") if path.name not in ("reference.hpp", "g2d.hpp"))
    baseline, memory = best("torch/torch.h", compiler, options.repeat)
    print(f"{'header':<28} {'seconds':>8} {'MiB':>6} {'ratio':>6}")
    print(f"{'torch/torch.h':<28} {baseline:8.1f} {memory:6.0f} {1:6.2f}")
    for name in [*families, "g2d.hpp"]:
        seconds, memory = best(f"g2d/{name}", compiler, options.repeat)
        print(f"{'g2d/' + name:<28} {seconds:8.1f} {memory:6.0f} {seconds / baseline:6.2f}", flush=True)


if __name__ == "__main__":
    main()
