#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""The suite's driver against a made-up suite_cell: planning, resuming, failing, statistics and reports."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
SUITE = HERE.parents[1] / "benchmarks/suite"
sys.path.insert(0, str(SUITE))

from suite import speed, speed_figures, statistics  # noqa: E402


class Driver(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.out = pathlib.Path(holder.name) / "out"
        self.log = pathlib.Path(holder.name) / "log"

    def start(self, *arguments, **environment):
        command = [sys.executable, str(SUITE / "suite.py"), *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env={**os.environ, "FAKE_LOG": str(self.log), **environment})

    def suite(self, *arguments, expected=0, **environment):
        process = self.start(*arguments, **environment)
        out, error = process.communicate(timeout=3000)
        self.assertEqual(process.returncode, expected, out + error)
        return out + error

    def run_pair(self, *arguments, expected=0, reports=False, **environment):
        """Drawing a report takes seconds, so only those who read it ask for it."""
        return self.suite("run", "--cell", str(HERE / "suite_fake_cell.py"), "--out", str(self.out), "--datasets", "pair",
                          "--methods", "g2d", "ogm", *([] if reports else ["--no-report"]), *arguments, expected=expected,
                          **environment)

    def num_run(self):
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0

    def cells(self):
        return [json.loads(line) for line in (self.out / "cells.jsonl").read_text().splitlines()]


class Statistics(unittest.TestCase):
    def test_paired_interval_and_p_are_those_of_a_t_test(self):
        ours, theirs = dict(enumerate([3.0, 5.0, 4.0, 6.0])), dict(enumerate([1.0, 4.0, 4.0, 3.0]))
        found = statistics.paired(ours, theirs)
        # Differences 2, 1, 0, 3: mean 1.5, deviation 1.2910, t = 2.3238 with 3 degrees of freedom.
        self.assertAlmostEqual(found.mean, 1.5)
        self.assertAlmostEqual(found.high - found.mean, 3.1824463 * 1.2909944 / 2, places=5)
        self.assertAlmostEqual(found.p, 0.1027, places=3)
        self.assertIsNone(statistics.paired({0: 1.0}, {0: 2.0}).p)
        self.assertIsNone(statistics.paired({0: 1.0}, {1: 2.0}))

    def test_holm_is_the_textbook_example(self):
        adjusted = statistics.holm([0.01, 0.04, None, 0.03, 0.005])
        self.assertEqual([None if p is None else round(p, 4) for p in adjusted], [0.03, 0.06, None, 0.06, 0.02])


class Runs(Driver):
    def test_a_run_tunes_on_its_own_seeds_and_reports_against_both_baselines(self):
        said = self.run_pair("--seeds", "0", "1", "2", reports=True)
        self.assertIn("estimate:", said)
        finals = [cell for cell in self.cells() if cell["role"] == "final"]
        tuning = [cell for cell in self.cells() if cell["role"] == "tuning"]
        self.assertEqual({cell["spec"]["seed"] for cell in finals}, {0, 1, 2})
        self.assertEqual({cell["spec"]["seed"] for cell in tuning}, {100})
        self.assertEqual({cell["spec"]["method"] for cell in finals}, {"g2d", "ogm", "joint", "joint-total"})
        points = {}
        for cell in tuning:
            points.setdefault(cell["spec"]["method"], set()).add(json.dumps(cell["spec"]["settings"], sort_keys=True))
        self.assertEqual({name: len(found) for name, found in points.items()}, {"g2d": 3, "ogm": 3, "joint": 3, "joint-total": 3})
        best = max((cell for cell in tuning if cell["spec"]["method"] == "g2d"), key=lambda cell: cell["metrics"]["validation"]["accuracy"])
        self.assertEqual({json.dumps(cell["spec"]["settings"]) for cell in finals if cell["spec"]["method"] == "g2d"},
                         {json.dumps(best["spec"]["settings"])})
        report = (self.out / "report.md").read_text()
        for text in ("minus joint, 95 %", "minus joint-total", "Holm", "±", "Shapley", "linear CKA"):
            self.assertIn(text, report)
        self.check_page()

    def check_page(self):
        """It stands alone and escapes what it shows."""
        page = (self.out / "report.html").read_text()
        self.assertGreater(page.count("<svg"), 8)
        self.assertEqual(re.findall(r"(?:src|href)=\"(?!#)[^\"]*\"", re.sub(r"xlink:href=\"#[^\"]*\"", "", page)), [])
        self.assertNotIn("<made up>", page)
        self.assertIn("&lt;made up&gt;", page)

    def test_what_is_there_is_not_run_again_and_other_versions_are_never_mixed(self):
        self.run_pair("--seeds", "0", "--no-tuning")
        first = self.num_run()
        self.run_pair("--seeds", "0", "--no-tuning")
        self.assertEqual(self.num_run(), first)
        said = self.run_pair("--seeds", "0", "--no-tuning", reports=True, FAKE_VERSION="0.2.0")
        self.assertGreaterEqual(self.num_run(), 2 * first - 2)  # without the two that time an epoch
        self.assertIn("of another", said)
        report = (self.out / "report.md").read_text()
        self.assertIn("0.2.0", report)
        self.assertIn("left aside", report)

    def test_a_failing_cell_is_recorded_and_the_others_go_on(self):
        said = self.run_pair("--seeds", "0", "--no-tuning", expected=1, reports=True, FAKE_FAILS="ogm")
        self.assertIn("expected <luck>, got none", said)
        failures = [json.loads(line) for line in (self.out / "failures.jsonl").read_text().splitlines()]
        self.assertEqual([failure["spec"]["method"] for failure in failures], ["ogm"])
        self.assertEqual({cell["spec"].get("method") for cell in self.cells()}, {None, "g2d", "joint", "joint-total"})
        self.assertIn("ogm", (self.out / "report.md").read_text())
        self.run_pair("--seeds", "0", "--no-tuning", FAKE_CRASHES="nobody")
        self.assertIn("ogm", {cell["spec"].get("method") for cell in self.cells()})

    def test_a_crash_takes_nobody_along(self):
        self.run_pair("--seeds", "0", "--no-tuning", expected=1, FAKE_CRASHES="g2d")
        self.assertEqual({cell["spec"].get("method") for cell in self.cells()}, {None, "ogm", "joint", "joint-total"})

    def test_an_interrupted_run_keeps_what_is_finished_and_goes_on(self):
        process = self.start("run", "--cell", str(HERE / "suite_fake_cell.py"), "--out", str(self.out), "--datasets", "pair",
                             "--methods", "g2d", "--seeds", "0", "1", "--no-tuning", "--no-report", FAKE_SECONDS="0.5")
        end = time.monotonic() + 3000
        while not (self.out / "cells.jsonl").exists() and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(0.8)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=3000)
        self.assertEqual(process.returncode, 130, error)
        self.assertIn("interrupted", error)
        kept = len(self.cells())
        self.assertEqual(list(self.out.glob("work-*")), [])
        before = self.num_run()
        self.suite("run", "--cell", str(HERE / "suite_fake_cell.py"), "--out", str(self.out), "--datasets", "pair",
                   "--methods", "g2d", "--seeds", "0", "1", "--no-tuning", "--no-report")
        self.assertEqual(len({cell["key"] for cell in self.cells()}), len(self.cells()))
        self.assertLessEqual(self.num_run() - before, len(self.cells()) - kept + 1)

    def test_ablations_share_their_common_cells(self):
        self.run_pair("--seeds", "0", "--no-tuning", "--ablation", "order", "suppression", reports=True)
        specs = [json.dumps(cell["spec"], sort_keys=True) for cell in self.cells()]
        self.assertEqual(len(specs), len(set(specs)))
        report = (self.out / "report.md").read_text()
        for text in ("strong first", "partial", "Order of the modalities"):
            self.assertIn(text, report)

    def test_regression_runs_what_admits_it_and_says_what_does_not(self):
        said = self.suite("run", "--cell", str(HERE / "suite_fake_cell.py"), "--out", str(self.out), "--datasets", "prices",
                          "--methods", "regress-only", "g2d", "--seeds", "0", "1", "--no-tuning")
        self.assertIn("RMSE", said)
        self.assertIn("RMSE", (self.out / "report.md").read_text())


class Commands(Driver):
    def test_unknown_names_are_refused_with_the_nearest_before_anything_runs(self):
        fake = str(HERE / "suite_fake_cell.py")
        self.assertIn("ogm", self.suite("run", "--cell", fake, "--out", str(self.out), "--methods", "omg", expected=2))
        self.assertIn("pair", self.suite("run", "--cell", fake, "--out", str(self.out), "--datasets", "pairs", expected=2))
        said = self.suite("run", "--cell", fake, "--out", str(self.out), "--datasets", "recorded", expected=2)
        self.assertIn("--data", said)
        self.assertEqual(self.num_run(), 0)
        self.assertIn("suite_cell", self.suite("list", "--cell", "/nowhere/suite_cell", expected=2))

    def test_compare_pairs_the_seeds_and_says_what_differs(self):
        self.run_pair("--seeds", "0", "1", "--no-tuning")
        first, self.out = self.out, self.out.with_name("other")
        self.run_pair("--seeds", "0", "1", "--no-tuning", "--epochs", "4", FAKE_VERSION="0.2.0")
        said = self.suite("compare", str(first), str(self.out))
        self.assertIn("g2d", said)
        self.assertIn("0.2.0", said)
        self.assertIn("expected the folder of a run", self.suite("compare", str(first), str(first.with_name("none")), expected=2))

    def test_csv_has_a_line_for_every_final_cell_and_none_for_tuning(self):
        self.run_pair("--seeds", "0", "1")
        lines = self.suite("csv", str(self.out)).splitlines()
        finals = [cell for cell in self.cells() if cell["role"] in ("final", "teachers")]
        self.assertEqual(len(lines), 1 + len(finals))
        self.assertTrue(lines[0].startswith("dataset,method,fusion,settings,seed,epochs"))
        self.assertTrue(any(line.startswith("pair,g2d,") for line in lines))
        self.assertIn("expected the folder of a run", self.suite("csv", str(self.out.with_name("none")), expected=2))

    def test_list_and_estimate_run_nothing(self):
        fake = str(HERE / "suite_fake_cell.py")
        self.assertIn("ablations of g2d", self.suite("list", "--cell", fake))
        self.assertIn("estimate", self.suite("estimate", "--cell", fake, "--out", str(self.out), "--datasets", "pair", "--methods", "ogm"))


class SpeedPicture(unittest.TestCase):
    def selected(self, *aims):
        """The numbers of the rows drawn of one benchmark, whose speed-ups fall from row to row."""
        entries = [{"benchmark": "many", "what": str(i), "kind": "speedup", "a": "g2d", "b": "authors", "ratio": 20.0 - i, "ratio_low": 1.0,
                    "ratio_high": 30.0, "is_smoke": False, **({"aim": aim} if aim else {})} for i, aim in enumerate(aims)]
        (title, rows), = speed_figures.bars_of_benchmarks([speed.read_figure(json.dumps(entry)) for entry in entries])
        return title, [int(what) for what, _ in rows]

    def test_of_many_speedups_the_aims_are_drawn_and_of_many_aims_the_extremes(self):
        self.assertEqual(self.selected(*[""] * 8), ("many: g2d / authors", list(range(8))))
        self.assertEqual(self.selected("", ">= 4", *[""] * 6, "<= 1"), ("many, 2 of 9: g2d / authors", [1, 8]))
        self.assertEqual(self.selected("", *[">= 4"] * 9, ""), ("many, 2 of 11: g2d / authors", [1, 9]))
        self.assertEqual(self.selected(*[""] * 9), ("many, 2 of 9: g2d / authors", [0, 8]))


class Speed(Driver):
    RATIO = {"what": "Adam", "kind": "speedup", "a": "g2d", "b": "torch::optim", "seconds_a": 1.0, "seconds_b": 4.5, "ratio": 4.5,
             "ratio_low": 4.25, "ratio_high": 4.75, "aim": ">= 4"}
    SLOW = {**RATIO, "what": "SGD", "kind": "time ratio", "ratio": 1.25, "ratio_low": 1.125, "ratio_high": 1.5, "aim": "<= 1.02"}
    POINTS = [{"what": f"batch = {x}: time of a step", "value": 0.5 * x, "unit": "ms"} for x in (16, 32, 64)]
    FIGURES = json.dumps([RATIO, SLOW, *POINTS])

    def setUp(self):
        super().setUp()
        self.build = self.out.with_name("build")
        for name in ("benchmarks/first_bench", "benchmarks/deeper/second_bench"):
            (self.build / name).parent.mkdir(parents=True, exist_ok=True)
            (self.build / name).symlink_to(HERE / "speed_fake_bench.py")

    def speed(self, *arguments, **environment):
        return self.suite("speed", "--build", str(self.build), *arguments, **{"FAKE_FIGURES": self.FIGURES, **environment})

    def test_all_benchmarks_run_and_their_figures_make_one_table(self):
        file = self.out / "speed.jsonl"
        file.parent.mkdir()
        file.write_text("of another run\n")
        said = self.speed("--all", "--json", str(file))
        self.assertEqual(len(file.read_text().splitlines()), 10)
        for name in ("first_bench", "second_bench"):
            self.assertRegex(said, rf"\| {name} +\| Adam: g2d / torch::optim +\| 4\.500 \[4\.250, 4\.750\] +\| >= 4 +\| yes +\|")
            self.assertRegex(said, rf"\| {name} +\| SGD: g2d / torch::optim +\| time ratio 1\.250 \[1\.125, 1\.500\] +\| <= 1\.02 +\| no +\|")
            self.assertRegex(said, rf"\| {name} +\| batch = 32: time of a step +\| 16 ms +\| +\| +\|")
        self.assertIn(f"compares with {sys.executable}", said)
        self.assertNotIn("smoke", said)

    def test_figures_of_the_default_heap_are_told_apart(self):
        said = self.speed("--all", FAKE_FIGURES=json.dumps([{**self.RATIO, "keeps_memory": False}, {**self.RATIO, "keeps_memory": True}]))
        self.assertRegex(said, r"\| first_bench +\| Adam, default heap: g2d / torch::optim +\|")
        self.assertRegex(said, r"\| first_bench +\| Adam: g2d / torch::optim +\|")

    def test_the_machines_stand_above_the_table_and_unknown_fields_do_no_harm(self):
        machine = {"cpu": "EPYC", "capability": "AVX2", "cores": 2, "colour": ["blue"]}
        figures = [{**self.RATIO, **machine, "load": 0.5}, {**self.SLOW, **machine, "load": 1.25}, {**self.SLOW, "cpu": "Xeon"}, self.SLOW]
        said = self.speed("--all", FAKE_FIGURES=json.dumps(figures))
        self.assertRegex(said, r"(?m)^EPYC, AVX2, 2 cores; load 0\.50 to 1\.25\n\nXeon\n\n\| benchmark")
        self.assertEqual(said.count("EPYC"), 1)

    def test_a_smoke_run_says_that_it_is_one(self):
        said = self.speed("--all", "--smoke")
        self.assertIn("first_bench: --smoke --json", said)
        self.assertIn("no figure means anything", said)

    def test_options_that_the_driver_knows_not_reach_every_benchmark_wherever_they_stand(self):
        file, options = self.out / "speed.jsonl", ("--threads", "2", "--pairs", "0.5", "--default-heap")
        for given in (("--pairs", "0.5", "--all", "--threads", "2", "--json", str(file), "--default-heap"), ("--json", str(file), "--all", "--", *options)):
            said = self.speed(*given)
            handed = " ".join(text for text in given if text not in ("--all", "--json", str(file), "--"))
            for name in ("first_bench", "second_bench"):
                self.assertIn(f"{name}: {handed} --json {file}", said)
            self.assertEqual(len(file.read_text().splitlines()), 10)

    def test_one_benchmark_runs_with_its_options_and_its_figures_are_appended(self):
        file = self.out.with_name("speed.jsonl")
        file.write_text("of another run\n")
        said = self.speed("first_bench", "--smoke", "--json", str(file), "--pairs", "0.5")
        self.assertIn(f"first_bench: --smoke --pairs 0.5 --json {file}", said)
        self.assertNotIn("second_bench", said)
        self.assertEqual(len(file.read_text().splitlines()), 6)

    def test_a_failing_benchmark_is_named_and_the_others_run(self):
        said = self.speed("--all", FAKE_STATUS="first_bench", expected=1)
        self.assertIn("first_bench failed", said)
        self.assertRegex(said, r"\| second_bench +\| Adam")

    def test_the_report_of_one_file_has_the_table_and_all_pictures(self):
        sweeps = [{**self.RATIO, "benchmark": "sweep", "what": f"MLP, M {m}: {what}"} for m in (2, 4) for what in ("one alone", "all learn")]
        each = {"what": "a step of each", "value": 2.25, "unit": "times faster"}
        file, folder = self.out / "speed.jsonl", self.out / "report"
        self.speed("--all", "--json", str(file), FAKE_FIGURES=json.dumps([self.RATIO, self.SLOW, *self.POINTS, each, *sweeps]))
        self.speed("report", str(file), "--out", str(folder))
        pictures = {path.name: path.read_text() for path in folder.iterdir()}
        self.assertEqual(set(pictures), {"speed.md", "speed-ups.svg", "sweeps.svg", "scaling.svg"})
        self.assertIn("first_bench", pictures["speed.md"])
        for text in ("first_bench: g2d / torch::optim", "second_bench", ">Adam<", "4.50×", ">a step of each<", "2.25×"):
            self.assertIn(text, pictures["speed-ups.svg"])
        for text in ("MLP", "SGD"):
            self.assertNotIn(text, pictures["speed-ups.svg"])
        for text in (">one alone: g2d / torch::optim<", ">all learn: g2d / torch::optim<", ">MLP, M 4<"):
            self.assertIn(text, pictures["sweeps.svg"])
        self.assertIn("time of a step", pictures["scaling.svg"])

    def test_what_cannot_be_read_or_is_contradictory_is_refused(self):
        self.assertIn("expected a file of figures", self.speed("report", "/nowhere/speed.jsonl", "--out", str(self.out), expected=2))
        strange = self.build / "strange"
        strange.write_text("{}\n")
        self.assertIn("expected JSON lines", self.speed("report", str(strange), "--out", str(self.out), expected=2))
        self.assertIn("got both", self.speed("--all", "first_bench", expected=2))
        self.assertIn("got neither", self.speed("--smoke", expected=2))
        self.assertIn("got neither", self.speed("--pairs", "0.5", expected=2))
        self.assertIn("first_bench failed", self.speed("--all", "--pears", "0.5", expected=1))
        self.assertIn("unrecognized arguments: --pairs", self.suite("list", "--pairs", "0.5", expected=2))
        self.assertIn("first_bench", self.speed("frist_bench", expected=2))


if __name__ == "__main__":
    unittest.main()
