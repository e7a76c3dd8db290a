#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""A made-up speed benchmark: the figures that FAKE_FIGURES holds, or the exit status of FAKE_STATUS if its name is in it.

It refuses one option, as a benchmark refuses all that it does not know."""

import json
import os
import pathlib
import sys

name = pathlib.Path(sys.argv[0]).name
arguments = sys.argv[1:]
print(f"{name}: {' '.join(arguments)}; compares with {os.environ['G2D_PYTHON']}")
if name in os.environ.get("FAKE_STATUS", ""):
    sys.exit(3)
if "--pears" in arguments:
    sys.exit(f"{name}: expected [--pairs FACTOR], got --pears")
with open(arguments[arguments.index("--json") + 1], "a", encoding="utf-8") as file:
    for figure in json.loads(os.environ["FAKE_FIGURES"]):
        file.write(json.dumps({"benchmark": name, "is_smoke": "--smoke" in arguments, "threads": 1, **figure}) + "\n")
