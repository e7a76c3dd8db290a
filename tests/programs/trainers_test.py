#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Runs the example trainers as a user does: what they print, write and refuse.

trainers_test.py GROUP train_audio_visual train_features train_image_tabular

Exit status 77 when everything was skipped.
"""

import csv
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest
from typing import NamedTuple

from made_data import CLASSES, make_rows, png_size, priced, write_png, write_rows, write_wav

PROGRAMS = {}
DATASETS = {
    "digits": "train_audio_visual", "cremad": "train_audio_visual", "av_mnist": "train_audio_visual", "vggsound": "train_audio_visual",
    "ur_funny": "train_features", "iemocap": "train_features", "manifest": "train_features",
    "trimodal": "train_features", "trimodal-regression": "train_features",
    "houses": "train_image_tabular", "mis_me": "train_image_tabular",
}
OPTIONS_OF_EACH = {
    "digits": "--audio-noise", "cremad": "--frames", "av_mnist": "--validation-fraction", "vggsound": "--classes",
    "ur_funny": "--max-length", "iemocap": "--class-names", "manifest": "--label-column",
    "trimodal": "--noise-correlation", "trimodal-regression": "--text-noise",
    "houses": "--modalities", "mis_me": "--target-column",
}


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


def start(program, *arguments, folder):
    command = [PROGRAMS[program], *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)


def read_results(folder):
    """The rows of results.csv."""
    with open(folder / "results.csv", newline="") as file:
        return list(csv.DictReader(file))


def without_seconds(folder):
    """results.csv, byte for byte but for one column."""
    rows = [line.split(b",") for line in (folder / "results.csv").read_bytes().splitlines(keepends=True)]
    assert all(len(row) == len(rows[0]) for row in rows)
    seconds = rows[0].index(b"seconds")
    return [row[:seconds] + row[seconds + 1:] for row in rows]


def read_tensors(path):
    """The bytes of each tensor of a .safetensors by name."""
    content = path.read_bytes()
    begin = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:begin])
    return {name: content[begin + entry["data_offsets"][0]:begin + entry["data_offsets"][1]]
            for name, entry in header.items() if name != "__metadata__"}


def values_of(config):
    """The lines of --print-config by name."""
    return dict(line.split("=", 1) for line in config.splitlines())


class TrainerTest(unittest.TestCase):
    """Each test has a folder of its own, in which the programs run."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def expect(self, status, dataset, *options):
        """Runs a dataset's trainer. Nothing may be said on stderr where it succeeds."""
        outcome = start(DATASETS[dataset], dataset, *options, folder=self.folder)
        self.assertEqual(outcome.status, status, outcome)
        return outcome

    def refused(self, status, words, dataset, *options):
        """The error says all of `words`, in one line of readable length, and no file is written."""
        before = self.files()
        err = self.expect(status, dataset, *options).err
        for word in words:
            self.assertIn(word, err)
        self.assertLess(max(map(len, err.splitlines())), 600, err)
        self.assertEqual(self.files(), before)
        return err

    def files(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))

    def manifest(self, ending="csv", change=None):
        """The made-up fruit, with what `change` makes of its rows."""
        rows = make_rows(self.folder)
        return write_rows(self.folder / f"manifest.{ending}", change(rows) if change else rows)


class CommandLine(TrainerTest):
    def test_without_a_dataset_the_datasets_are_named(self):
        for program in PROGRAMS:
            named = [name for name, owner in DATASETS.items() if owner == program]
            for arguments, status in (((), 2), (("--help",), 0), (("-h",), 0)):
                outcome = start(program, *arguments, folder=self.folder)
                self.assertEqual(outcome.status, status)
                text, silent = (outcome.out, outcome.err) if status == 0 else (outcome.err, outcome.out)
                self.assertEqual(silent, "")
                self.assertEqual(re.findall(r"^  ([\w-]+) ", text, re.MULTILINE), named)
                self.assertIn(f"Usage: {program} DATASET [options]", text)

    def test_an_unknown_dataset_is_refused_with_the_nearest(self):
        for given, meant in (("hose", "houses"), ("misme", "mis_me"), ("manifets", "manifest"), ("crema-d", "cremad")):
            outcome = start(DATASETS[meant], given, folder=self.folder)
            self.assertEqual((outcome.status, outcome.out), (2, ""))
            self.assertIn(f'got "{given}"; did you mean "{meant}"?', outcome.err)

    def test_help_groups_the_options_and_shows_the_recipe(self):
        for dataset, own_option in OPTIONS_OF_EACH.items():
            text = self.expect(0, dataset, "--help").out
            groups = re.findall(r"^([A-Z][\w-]*( [A-Z]\w*)?):$", text, re.MULTILINE)
            names = [group for group, _ in groups]
            self.assertEqual(names[:5], ["Options", "Data", "Method", "Training", "Run"])
            self.assertEqual(len(names), 6)
            self.assertIn(own_option, text.split(f"\n{names[5]}:\n")[1])
            self.assertIn(f"Expected below --data: ", text)
            recipe = values_of(self.expect(0, dataset, "--print-config").out)
            for option in ("encoders", "epochs", "learning-rate", "batch-size", "out", "logit-distillation"):
                self.assertRegex(text, rf"--{option} \S+[=]{re.escape(recipe[option])}\s")

    def test_the_recipes_are_those_of_the_paper_and_fit_the_task(self):
        audio_visual = values_of(self.expect(0, "cremad", "--print-config").out)
        expected = {"encoders": "resnet18", "fusion": "late", "epochs": "300", "batch-size": "16", "optimizer": "sgd",
                    "momentum": "0.9", "feature-distillation": "mse", "logit-distillation": "auto", "suppression": "complete"}
        self.assertEqual({key: audio_visual[key] for key in expected}, expected)
        self.assertEqual(values_of(self.expect(0, "vggsound", "--print-config").out)["loading"], "stream")

    def test_an_unknown_option_is_refused_with_the_nearest(self):
        for given, meant in (("--bath-size", "--batch-size"), ("--epoch", "--epochs"), ("--label-colum", "--label-column")):
            for arguments in ((given, "3"), (f"{given}=3",), ("--methods", "g2d", given, "3")):
                err = self.refused(2, [f"{given}", f"did you mean {meant}?"], "manifest", *arguments)
                self.assertIn("no such option", err)
        self.refused(2, ["more", "no such option"], "manifest", "more")

    def test_a_bad_value_is_refused_with_the_choices(self):
        choices = {"--methods": ("joint", "ogm-ge"), "--encoders": ("auto", "transformer"), "--fusion": ("sum", "film"),
                   "--readout": ("exact", "masked"), "--feature-distillation": ("mse", "cosine"), "--loading": ("memory", "stream"),
                   "--suppression": ("complete", "partial"), "--order": ("weak-first", "random"),
                   "--confidence": ("held-out", "cross-fitted"), "--optimizer": ("sgd", "adamw"),
                   "--selection": ("best-validation", "last"), "--precision": ("float32", "bfloat16"),
                   "--missing-files": ("refuse", "drop")}
        for option, some in choices.items():
            self.refused(2, [option, "nonsense", *some], "manifest", option, "nonsense")

    def test_a_bad_number_is_refused_with_what_is_expected(self):
        for option, value, expected in (
                ("--epochs", "0", "at least 1"), ("--epochs", "ten", "a whole number"), ("--batch-size", "2.5", "a whole number"),
                ("--workers", "-1", "at least 0"), ("--threads", "-2", "at least 0"), ("--seeds", "-1", "at least 0"),
                ("--stage-epochs", "-1", "at least 0"), ("--drop-after", "3", "range 0"), ("--alone-share", "-0.5", "range 0"),
                ("--drop-after", "nan", "range 0"), ("--alone-share", "nan", "range 0"), ("--batch-size", str(2**62), "at most 2147483647"),
                ("--stage-epochs", str(2**63 - 1), "at most 2147483647"), ("--epochs", str(2**70), "at most 2147483647")):
            self.refused(2, [option, value, expected], "manifest", option, value)
        self.refused(2, ["--learning-rate", "fast"], "manifest", "--learning-rate", "fast")
        self.refused(2, ["--seeds"], "manifest", "--seeds")

    def test_data_that_are_not_there_are_refused_with_the_layout(self):
        files = {"cremad": "AudioWAV", "av_mnist": "_labels.npy", "vggsound": "vggsound.csv", "ur_funny": "train.npz",
                 "iemocap": "train.npz", "manifest": "manifest.csv", "houses": "HousesInfo.txt", "mis_me": "labels.csv",
                 "digits": "train-images-idx3-ubyte"}
        (self.folder / "empty").mkdir()
        for dataset, file in files.items():
            self.refused(1, ["error: g2d: ", "nowhere", file], dataset, "--data", "nowhere")
            self.refused(1, ["error: g2d: ", "empty", "expected"], dataset, "--data", "empty")
            if dataset != "digits":
                self.refused(2, ["--data: expected ", ", got nothing"], dataset)

    def test_a_device_that_is_not_there_is_refused(self):
        self.refused(1, ["error: ", "xyz"], "manifest", "--data", self.manifest(), "--device", "xyz")


class Config(TrainerTest):
    given = {"manifest": ("--methods", "joint", "g2d", "--encoders", "mlp", "--epochs", "7", "--learning-rate", "0.0003", "--cross-fit",
                          "--seeds", "3", "4", "--target-unit", "US dollars", "--augment", "true", "--missing-files", "drop",
                          "--data", "a folder/of mine, here", "--stage-epochs", "1", "2", "4"),
             "houses": ("--modalities", "frontal", "table", "--shared-encoder", "frontal", "--logit-weight", "0.25"),
             "digits": ("--samples", "10", "20", "30", "--audio-noise", "0.1", "--imbalance", "balanced"),
             "trimodal": ("--samples", "10", "20", "30", "--text-strength", "0.5"),
             "cremad": ("--frames", "2", "--drop-after", "0.123456789")}

    def config(self, dataset, *options):
        outcome = self.expect(0, dataset, *options, "--print-config")
        self.assertEqual(outcome.err, "")
        return outcome.out

    def test_a_printed_config_stands_for_its_options(self):
        for dataset, options in self.given.items():
            for given in ((), options):
                printed = self.config(dataset, *given)
                (self.folder / "my.cfg").write_text(printed)
                self.assertEqual(self.config(dataset, "--config", "my.cfg"), printed)
        values = values_of(self.config("manifest", *self.given["manifest"]))
        self.assertEqual(values["methods"], "joint g2d")
        self.assertEqual(values["cross-fit"], "true")
        self.assertEqual(values["target-unit"], '"US dollars"')
        self.assertEqual(values_of(self.config("cremad"))["drop-after"], repr(2 / 3))
        self.assertEqual(self.files(), ["my.cfg"])

    def test_a_config_trains_what_the_options_train(self):
        options = ("--data", self.manifest(), "--image-size", "16", "--methods", "g2d", "--epochs", "8", "--alone-share", "0.13")
        (self.folder / "my.cfg").write_text(self.config("manifest", *options))
        by_options = self.expect(0, "manifest", *options, "--dry-run").out
        self.assertEqual(self.expect(0, "manifest", "--config", "my.cfg", "--dry-run").out, by_options)
        self.assertIn("methods g2d; stages 1 1 1 5 of 8 epochs", by_options)

    def test_the_command_line_wins(self):
        (self.folder / "my.cfg").write_text("# mine\nepochs = 7\nmethods = joint g2d\nbatch-size=5  # few\n")
        values = values_of(self.config("manifest", "--epochs", "9", "--config", "my.cfg", "--methods", "smp"))
        self.assertEqual((values["epochs"], values["methods"], values["batch-size"]), ("9", "smp", "5"))

    def test_a_bad_config_is_refused(self):
        for text, words in (("epochs=3\nbath-size=4\n", ["bath-size", "did you mean --batch-size?"]),
                            ("epochs=none\n", ["--epochs", "none"]), ("optimizer=adm\n", ["--optimizer", "adm", "sgd"]),
                            ("smoke=true\n", ["smoke"]), ("dry-run=true\n", ["dry-run"])):
            (self.folder / "my.cfg").write_text(text)
            self.refused(2, words, "manifest", "--config", "my.cfg")
        self.refused(2, ["none.cfg"], "manifest", "--config", "none.cfg")


class Plan(TrainerTest):
    """--dry-run, and what is refused before anything is trained."""

    def test_a_dry_run_says_what_would_be_trained_and_writes_nothing(self):
        manifest = self.manifest()
        before = self.files()
        out = self.expect(0, "manifest", "--data", manifest, "--image-size", "16", "--epochs", "10", "--stage-epochs", "1", "2", "3", "4",
                          "--encoders", "small-cnn", "gru", "mlp", "--methods", "joint", "g2d", "--seeds", "5", "6", "--dry-run").out
        self.assertEqual(self.files(), before)
        self.assertIn("36 training, 12 validation, 12 test samples of (picture, walk, table)", out)
        self.assertRegex(out, r"picture: samples \[3, 16, 16\], encoder small-cnn with \d+ parameters")
        self.assertRegex(out, r"walk: samples \[\d, 2\], encoder gru with \d+ parameters")
        self.assertRegex(out, r"table: samples \[3\], encoder mlp with \d+ parameters")
        self.assertIn("methods joint g2d; stages 1 2 3 4 of 10 epochs; teachers 10 epochs; seeds 5 6", out)

    def test_encoders_are_chosen_by_the_samples(self):
        manifest = self.manifest()
        for size, encoder in ((16, "small-cnn"), (96, "small-cnn"), (97, "resnet18")):
            out = self.expect(0, "manifest", "--data", manifest, "--image-size", size, "--dry-run").out
            self.assertEqual(re.findall(r"encoder (\S+)", out), [encoder, "transformer", "mlp"])

    def test_what_cannot_work_is_refused_before_training(self):
        manifest = self.manifest()
        for words, options in (
                (["stage_epochs", "10 epochs", "[1, 2, 3, 3]", "9"], ("--epochs", "10", "--stage-epochs", "1", "2", "3", "3")),
                (["stage_epochs"], ("--epochs", "10", "--stage-epochs", "5", "5")),
                (["--alone-share 0.5", "3 modalities", "10 epochs"], ("--epochs", "10", "--alone-share", "0.5")),
                (["--encoders", '"picture"', "gru", "[3, 16, 16]"], ("--encoders", "gru")),
                (["--encoders", '"walk"', "small-cnn"], ("--encoders", "small-cnn")),
                (["lengths"], ("--encoders", "small-cnn", "mlp", "mlp")),
                (["--encoders", "one for each", "picture, walk, table"], ("--encoders", "mlp", "mlp")),
                (["--shared-encoder", '"picture"', '"table"'], ("--shared-encoder", "picture", "table")),
                (["pictures", "picture"], ("--shared-encoder", "pictures")),
                (["SmallCnn", "[1, 3, 4, 4]"], ("--image-size", "4")),
                (["image_size", "0"], ("--image-size", "0")),
                (["distillation", "classification", "choose kl"], ("--logit-distillation", "bernoulli-kl")),
                (["fusion::Film", "width"], ("--fusion", "film")),
                (["temperature", "0"], ("--temperature", "0")),
                (["learning_rate", "-1"], ("--learning-rate", "-1")),
                (["momentum", "2"], ("--optimizer", "sgd", "--momentum", "2")),
                (["weight_decay", "-1"], ("--weight-decay", "-1")),
                (["--seeds", "1 1"], ("--seeds", "1", "1")),
                (["--methods", "g2d g2d"], ("--methods", "g2d", "g2d")),
                (["label", "kind"], ("--label-column", "kind"))):
            size = () if "--image-size" in options else ("--image-size", "16")
            with self.subTest(options=options):
                for stop in ((), ("--dry-run",)):
                    self.refused(1, words, "manifest", "--data", manifest, *size, *options, *stop)

    def test_what_no_regression_can_do_is_refused(self):
        manifest = self.manifest(change=priced)
        common = ("--data", manifest, "--image-size", "16")
        self.expect(0, "manifest", *common, "--dry-run")
        for words, options in ((["distillation", "regression", "choose mse"], ("--logit-distillation", "kl")),
                               (["--methods ogm", "classification"], ("--methods", "ogm")),
                               (["--methods ogm-ge", "classification"], ("--methods", "joint", "ogm-ge"))):
            with self.subTest(options=options):
                self.refused(1, words, "manifest", *common, *options)


class Inspect(TrainerTest):
    def inspect(self, manifest, *options):
        return self.expect(0, "manifest", "--data", manifest, "--image-size", "16", "--inspect", "--out", "seen", *options).out

    def test_it_shows_counts_classes_shapes_ranges_and_a_picture(self):
        out = self.inspect(self.manifest())
        for split, count, each in (("training", 36, 12), ("validation", 12, 4), ("test", 12, 4)):
            section = out[out.index(f"\n{split}: {count} samples\n"):]
            self.assertIn(f"3 classes: {CLASSES[0]} {each}, {CLASSES[1]} {each}, {CLASSES[2]} {each}; smallest {each}, largest {each}", section)
        self.assertRegex(out, r"picture: \[3, 16, 16\], -\S+ to \S+, mean \S+, deviation [\d.]+, absent in 1\n")
        self.assertRegex(out, r"walk: \[2, 2\] to \[5, 2\] \(4 shapes\), .*, absent in 1\n")
        self.assertRegex(out, r"table: \[3\], -\S+ to \S+, mean \S+, deviation [\d.]+\n")
        self.assertNotIn("cannot be read", out)
        self.assertEqual([name for name in self.files() if name.startswith("seen/")], ["seen/samples.png"])
        # Three cells wide and eight high, of 112 pixels, with gaps of 4.
        self.assertEqual(png_size(self.folder / "seen" / "samples.png"), (3 * 112 + 2 * 4, 8 * 112 + 7 * 4))

    def test_unreadable_samples_are_named_and_hide_no_others(self):
        manifest = self.manifest()
        (self.folder / "files" / "15.png").write_bytes(b"\x89PNG\r\n\x1a\nand so on")
        (self.folder / "files" / "16.csv").write_text("x,y\n1,one\n")
        for loading in ("memory", "stream"):
            out = self.inspect(manifest, "--loading", loading)
            self.assertIn("2 of 36 samples cannot be read", out)
            self.assertRegex(out, r'sample "fruit-15", modality "picture": .*files/15\.png')
            self.assertRegex(out, r'sample "fruit-16", modality "walk": .*files/16\.csv')
            self.assertIn("written: seen/samples.png", out)
        self.refused(1, ['sample "fruit-15"', "files/15.png"], "manifest", "--data", manifest, "--image-size", "16", "--dry-run")

    def test_a_regression_shows_its_target(self):
        out = self.inspect(self.manifest(change=priced), "--target-unit", "EUR")
        self.assertEqual(len(re.findall(r"target EUR: \d+ to \d+, mean \d+, deviation [\d.]+", out)), 3)

    def test_made_up_digits(self):
        out = self.expect(0, "digits", "--samples", "100", "50", "50", "--inspect", "--out", "seen").out
        self.assertIn("training: 100 samples", out)
        self.assertIn("10 classes: 0 10, ", out)
        self.assertEqual(png_size(self.folder / "seen" / "samples.png"), (2 * 112 + 4, 8 * 112 + 7 * 4))


class Runs(TrainerTest):
    """What trains."""

    common = ("--image-size", "16", "--threads", "1", "--smoke")

    def train(self, data, out, *options, methods=("joint", "g2d")):
        """On a manifest; returns what was printed."""
        return self.expect(0, "manifest", "--data", data, "--out", out, *self.common, "--methods", *methods, *options).out


class Manifest(Runs):
    def test_it_writes_all_that_it_promises(self):
        out = self.train(self.manifest(), "run", "--seeds", "1", "2", "--target-unit", "unused")
        names = ["picture teacher", "walk teacher", "table teacher", "teachers' mean", "joint", "g2d"]
        self.assertEqual(re.findall(r"^\| (\w[^|]*?) *\|", out, re.MULTILINE), ["test", *names])
        self.assertRegex(out, r"g2d - joint +[+-][\d.]+ points, 95 % interval \[[+-][\d.]+, [+-][\d.]+\]")
        run = self.folder / "run"
        teachers = [f"teacher-{name}-seed{seed}.safetensors" for name in ("picture", "table", "walk") for seed in (1, 2)]
        self.assertEqual(sorted(os.listdir(run)), sorted(["results.csv", "results.json", "student.safetensors", *teachers]))

        rows = read_results(run)
        self.assertEqual(list(rows[0]), ["seed", "name", "accuracy", "macro_f1", "picture_alone", "walk_alone", "table_alone", "epochs", "seconds",
                                         "skipped_steps", "status"])
        self.assertEqual({(row["skipped_steps"], row["status"]) for row in rows}, {("0", "finished")})
        self.assertEqual([(row["seed"], row["name"]) for row in rows], [(seed, name) for seed in "12" for name in names])
        for row in rows:
            for share in ("accuracy", "macro_f1"):
                self.assertTrue(0 <= float(row[share]) <= 1, row)
            # Twelve test samples.
            self.assertAlmostEqual(float(row["accuracy"]) * 12, round(float(row["accuracy"]) * 12), places=9)
        self.assertEqual((rows[0]["picture_alone"], rows[0]["walk_alone"]), (rows[0]["accuracy"], ""))
        self.assertTrue(all(rows[5][f"{name}_alone"] for name in ("picture", "walk", "table")))

        report = json.loads((run / "results.json").read_text())
        self.assertRegex(report["g2d"], r"^\d+\.\d+\.\d+$")
        self.assertEqual((report["dataset"], report["threads"], report["smoke"], report["interrupted"]), ("manifest", 1, True, False))
        self.assertEqual(list(report["seeds"]), ["1", "2"])
        for seed, entry in report["seeds"].items():
            self.assertIn("manifest.csv; splits: split", entry["data"])
            self.assertIn(f"seed {seed}", entry["data"])
            self.assertIn("resize 16 x 16", entry["data"])
            for measure in ("training", "held-out"):
                self.assertTrue(all(0 < entry["rho"][measure][name] < 1 for name in ("picture", "walk", "table")))
                self.assertEqual(sorted(entry["rho"][measure]["order"].split(" < ")), ["picture", "table", "walk"])
        self.assertEqual([(str(row["seed"]), row["name"]) for row in report["results"]], [(row["seed"], row["name"]) for row in rows])
        for row, told in zip(rows, report["results"]):
            self.assertEqual(float(row["accuracy"]), told["accuracy"])
        # The settings are a file for --config.
        (self.folder / "again.cfg").write_text(report["settings"])
        self.assertEqual(self.expect(0, "manifest", "--config", "again.cfg", "--print-config").out, report["settings"])

    def test_a_seed_repeats_and_teachers_are_taken_over(self):
        manifest = self.manifest()
        for out, options in (("one", ()), ("two", ()), ("other", ("--seeds", "1")), ("taught", ("--teachers", "one"))):
            self.train(manifest, out, *options)
        self.assertEqual(without_seconds(self.folder / "one"), without_seconds(self.folder / "two"))
        self.assertNotEqual(without_seconds(self.folder / "one"), without_seconds(self.folder / "other"))
        self.assertEqual(without_seconds(self.folder / "one"), without_seconds(self.folder / "taught"))
        self.assertEqual((self.folder / "one" / "student.safetensors").read_bytes(), (self.folder / "taught" / "student.safetensors").read_bytes())
        self.assertEqual([name for name in os.listdir(self.folder / "taught") if name.startswith("teacher")], [])
        for row in read_results(self.folder / "taught")[:3]:
            self.assertEqual(float(row["seconds"]), 0)
        for words, options in ((["teacher-picture-seed7.safetensors"], ("--seeds", "7")),
                               (["teacher-walk-seed0.safetensors"], ("--encoders", "small-cnn", "gru", "mlp"))):
            outcome = self.expect(1, "manifest", "--data", manifest, "--teachers", "one", "--out", "none", *self.common, *options)
            for word in words:
                self.assertIn(word, outcome.err)
            self.assertFalse((self.folder / "none" / "results.csv").exists())

    def test_every_method_runs(self):
        methods = ["joint", "joint-total", "multi-task", "g2d-loss", "g2d", "smp", "umt", "ogm", "ogm-ge"]
        self.train(self.manifest(), "run", methods=methods)
        self.assertEqual([row["name"] for row in read_results(self.folder / "run")][4:], methods)

    def test_an_interrupted_run_keeps_what_was_finished(self):
        command = [PROGRAMS["train_features"], "manifest", "--data", self.manifest(), "--image-size", "16", "--teacher-epochs", "1",
                   "--epochs", "1000000", "--methods", "g2d", "--out", "run"]
        with subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            # The teachers are finished, and the student begins.
            while not process.stdout.readline().startswith("  rho, held-out"):
                self.assertIsNone(process.poll())
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=3000)
        self.assertEqual(process.returncode, 130)
        self.assertIn("stopping after this step", err)
        self.assertIn("written: run/results.csv", out)
        self.assertEqual([row["name"] for row in read_results(self.folder / "run")][-1], "teachers' mean")
        self.assertTrue(json.loads((self.folder / "run" / "results.json").read_text())["interrupted"])
        self.assertFalse((self.folder / "run" / "student.safetensors").exists())

    def test_cross_fitted_confidence(self):
        self.train(self.manifest(), "run", "--confidence", "cross-fitted")
        report = json.loads((self.folder / "run" / "results.json").read_text())
        self.assertEqual(sorted(report["seeds"]["0"]["rho"]), ["cross-fitted", "held-out", "training"])

    def test_sound_and_a_table(self):
        (self.folder / "sounds").mkdir()
        rows = []
        for i in range(24):
            write_wav(self.folder / "sounds" / f"{i}.wav", 200 * (1 + i % 2))
            rows.append({"id": i, "label": i % 2, "audio:sound": f"sounds/{i}.wav", "table:mass": i})
        manifest = write_rows(self.folder / "manifest.csv", rows)
        out = self.train(manifest, "run", "--encoders", "small-cnn", "mlp", methods=["joint"])
        self.assertIn("of (sound, table)", out)
        self.assertEqual(len(read_results(self.folder / "run")), 4)

    def test_made_up_digits(self):
        self.expect(0, "digits", "--samples", "60", "30", "30", "--methods", "g2d", "--epochs", "3", "--out", "run")
        self.assertEqual([row["name"] for row in read_results(self.folder / "run")], ["audio teacher", "image teacher", "teachers' mean", "g2d"])


class Loading(Runs):
    # A Transformer's dropout is drawn for the padding too, which is longer in memory.
    common = (*Runs.common, "--encoders", "small-cnn", "gru", "mlp")

    def test_threads_that_read_are_taken_from_the_arithmetic(self):
        for options, line in ((("--threads", "2", "--workers", "1"), "1 of the arithmetic, 1 that read"),
                              (("--threads", "3", "--workers", "1"), "2 of the arithmetic, 1 that read"),
                              (("--threads", "1", "--workers", "2"), "1 of the arithmetic, 2 that read")):
            with self.subTest(options=options):
                dry = self.expect(0, "manifest", "--data", self.manifest(), "--image-size", "16", "--dry-run", "--loading", "stream", *options).out
                self.assertIn(f"threads: {line}\n", dry)
        self.assertNotIn("that read", self.expect(0, "manifest", "--data", self.manifest(), "--image-size", "16", "--dry-run").out)

    def test_streaming_any_workers_and_json_change_no_figure(self):
        manifest = self.manifest()
        self.train(manifest, "reference")
        json_manifest = self.manifest("json")
        for out, data, options in (("stream-0", manifest, ("--loading", "stream", "--workers", "0")),
                                   ("stream-1", manifest, ("--loading", "stream", "--workers", "1")),
                                   ("stream-3", manifest, ("--loading", "stream", "--workers", "3")),
                                   ("memory-0", manifest, ("--loading", "memory", "--workers", "0")),
                                   ("memory-3", manifest, ("--loading", "memory", "--workers", "3")),
                                   ("json", json_manifest, ()), ("folder", self.folder, ())):
            with self.subTest(out):
                self.train(data, out, *options)
                self.assertEqual(without_seconds(self.folder / out), without_seconds(self.folder / "reference"))
                if "stream" not in out:
                    self.assertEqual(*(read_tensors(self.folder / name / "student.safetensors") for name in (out, "reference")))

    def test_augmented_samples_are_the_same_for_any_workers(self):
        manifest = self.manifest()
        for workers in (0, 3):
            out = self.train(manifest, f"augmented-{workers}", "--augment", "true", "--workers", workers)
            self.assertIn("augmented at random, so the teachers are run in every step", out)
        self.train(manifest, "plain")
        self.assertEqual(without_seconds(self.folder / "augmented-0"), without_seconds(self.folder / "augmented-3"))
        zero, three, plain = (read_tensors(self.folder / out / "teacher-picture-seed0.safetensors") for out in ("augmented-0", "augmented-3", "plain"))
        self.assertEqual(zero, three)
        self.assertNotEqual(zero, plain)


class Regression(Runs):
    def test_errors_are_in_the_unit_of_the_target(self):
        out = self.train(self.manifest(change=priced), "run", "--target-unit", "EUR")
        head = re.search(r"^\| test .*$", out, re.MULTILINE).group()
        self.assertEqual([cell.strip() for cell in head.strip("|").split("|")],
                         ["test", "rmse in EUR", "picture alone", "walk alone", "table alone", "mae in EUR", "R²", "epochs", "seconds"])
        self.assertRegex(out, r"g2d - joint +[+-]\d+ EUR")
        self.assertIn("lower is better", out)
        rows = read_results(self.folder / "run")
        self.assertEqual(list(rows[0])[2:5], ["rmse", "mae", "r2"])
        for row in rows:
            # Prices of 5000 to 7000, predicted by standardised values: no error of 1 and none of 5000.
            self.assertTrue(100 < float(row["mae"]) <= float(row["rmse"]) < 3000, row)
            self.assertLess(float(row["r2"]), 1)

    def test_several_targets_by_name(self):
        rows = [{**row, "height": i % 7} for i, row in enumerate(priced(make_rows(self.folder)))]
        manifest = write_rows(self.folder / "manifest.csv", rows)
        self.train(manifest, "run", "--target-columns", "target:price", "height", methods=["joint"])
        self.assertEqual(len(read_results(self.folder / "run")), 5)


class Files(TrainerTest):
    """Manifests whose files or rows are not as they should be."""

    def with_cell(self, row, column, value):
        def change(rows):
            rows[row][column] = value
            return rows
        return self.manifest(change=change)

    def refused_manifest(self, manifest, *words, options=()):
        return self.refused(1, [str(manifest), *words], "manifest", "--data", manifest, "--image-size", "16", *options)

    def test_paths_out_of_the_folder_are_refused(self):
        (self.folder.parent / f"{self.folder.name}.png").touch()
        self.addCleanup((self.folder.parent / f"{self.folder.name}.png").unlink)
        for path in ("../../etc/passwd", "/etc/passwd", f"../{self.folder.name}.png", "files/../../x.png"):
            manifest = self.with_cell(5, "image:picture", path)
            self.refused_manifest(manifest, "line 7", f'"{path}"', "inside", options=("--missing-files", "drop"))

    def test_missing_files_are_refused_by_name_or_dropped(self):
        manifest = self.with_cell(5, "image:picture", "files/gone.png")
        self.refused_missing(manifest)
        out = self.expect(0, "manifest", "--data", manifest, "--image-size", "16", "--missing-files", "drop", "--dry-run").out
        self.assertIn("35 training, 12 validation, 12 test", out)
        self.assertRegex(out, r"warning: 1 of 60 samples lack files: fruit-5 \(.*files/gone\.png\): left out")

    def test_unreadable_samples_are_left_out_and_counted(self):
        manifest = self.manifest()
        (self.folder / "files" / "15.png").write_bytes(b"no picture")
        (self.folder / "files" / "16.csv").write_text("x,y\n1,one\n")
        options = ("--data", manifest, "--image-size", "16", "--dry-run")
        self.refused(1, ['sample "fruit-15"', "files/15.png"], "manifest", *options)
        out = self.expect(0, "manifest", *options, "--unreadable-samples", "drop").out
        self.assertIn("34 training, 12 validation, 12 test", out)
        self.assertRegex(out, r'warning: 2 of 60 samples cannot be read: left out; the first: sample "fruit-15".*files/15\.png')

    def test_what_readers_notice_is_counted_in_a_line_for_each_kind(self):
        rows = []
        for i in range(24):
            write_wav(self.folder / f"{i}.WAV", 200 * (1 + i % 2), seconds=0.5 if i in (3, 8) else 0.25)
            rows.append({"id": i, "label": i % 2, "audio:sound": f"{i}.WAV", "table:mass": i})
        killed = bytearray((self.folder / "5.WAV").read_bytes())
        killed[4:8] = killed[40:44] = bytes(4)
        (self.folder / "5.WAV").write_bytes(killed)
        manifest = write_rows(self.folder / "manifest.csv", rows)
        for loading in ("memory", "stream"):
            out = self.expect(0, "manifest", "--data", manifest, "--audio-seconds", "0.25", "--sample-rate", "8000", "--loading", loading,
                              "--inspect").out
            warnings = [line for line in out.splitlines() if line.startswith("warning: ")]
            self.assertEqual(len(warnings), 2, out)
            self.assertRegex(warnings[0], r"warning: 2 files: recording of more than 0\.25 s, the rest of which is not used, first \S*3\.WAV$")
            self.assertRegex(warnings[1], r"warning: 1 file: recording whose header tells a wrong length, or none, first \S*5\.WAV$")
        self.assertNotIn("more than", self.expect(0, "manifest", "--data", manifest, "--audio-seconds", "0.5", "--inspect").out)

    def refused_missing(self, manifest):
        err = self.refused(1, ["1 of 60 samples", "fruit-5", "files/gone.png", "leave these samples out"], "manifest", "--data", manifest,
                           "--image-size", "16")
        self.assertEqual(err.count("fruit-"), 1)

    def test_rows_that_say_nonsense_are_refused_by_line(self):
        for row, column, value, words in (
                (4, "id", "fruit-3", ("fruit-3",)), (4, "split", "trian", ("trian", "validation")), (4, "label", "", ("label",)),
                (4, "table:mass", "heavy", ("heavy", "table:mass"))):
            with self.subTest(column):
                self.refused_manifest(self.with_cell(row, column, value), "line 6", *words)

    def test_columns_that_say_nothing_are_named(self):
        renamed = lambda old, new: self.manifest(change=lambda rows: [{new if key == old else key: value for key, value in row.items()} for row in rows])
        self.refused_manifest(renamed("image:picture", "imag:picture"), '"imag"', 'nearest is "image"')
        self.refused_manifest(renamed("label", "kind"), "label", "kind")
        self.refused_manifest(renamed("id", "name"), "id", "name")
        out = self.expect(0, "manifest", "--data", renamed("table:mass", "mass"), "--image-size", "16", "--dry-run").out
        self.assertRegex(out, r"warning: .*columns without a prefix are not used: mass")

    def test_broken_manifests_are_refused(self):
        for name, text, words in (("manifest.csv", "", ()), ("manifest.csv", "id,label,table:x\n", ("sample",)),
                                  ("manifest.csv", "id,label\n1,2\n", ("image:<name>",)),
                                  ("manifest.csv", 'id,label,table:x\n1,a,"2\n', ()), ("manifest.csv", "id,label,table:x\n1,a\n", ("line 2",)),
                                  ("manifest.json", "[{", ()), ("manifest.json", '{"id": 1}', ("array",)), ("manifest.json", "[1]", ("object",))):
            with self.subTest(text):
                path = self.folder / name
                path.write_text(text)
                self.refused_manifest(path, *words)

    def test_results_that_cannot_be_written_are_refused(self):
        (self.folder / "taken").touch()
        self.refused(1, ["--out", "taken"], "manifest", "--data", self.manifest(), "--image-size", "16", "--smoke", "--out", "taken/run")
        for name in ("results.csv", "results.json", "student.safetensors"):
            (self.folder / name / name).mkdir(parents=True)
            self.refused(1, [name, "expected a regular file"], "manifest", "--data", self.manifest(), "--image-size", "16", "--smoke", "--out", name)
            self.assertEqual([path.name for path in (self.folder / name).iterdir()], [name])  # nothing was trained

    def test_a_dry_run_finds_what_a_run_would(self):
        (self.folder / "taken").touch()
        (self.folder / "held" / "results.csv").mkdir(parents=True)
        data = ("--data", self.manifest(), "--image-size", "16")
        for options, words in ((("--out", "taken/run"), ["--out", "taken", "is a file"]), (("--out", "taken"), ["--out", "taken", "is a file"]),
                               (("--out", "held"), ["results.csv", "expected a regular file"]),
                               (("--teachers", "nowhere"), ["nowhere/teacher-picture-seed0.safetensors"]),
                               (("--epochs", "3"), ["--epochs 3: expected an epoch at least"]),
                               (("--epochs", "10", "--alone-share", "0.5"), ["--alone-share 0.5: expected an epoch at least"])):
            for mode in ((), ("--dry-run",)):
                with self.subTest(options=options, mode=mode):
                    self.refused(1, words, "manifest", *data, *options, *mode)
        if os.geteuid() != 0:
            (self.folder / "locked").mkdir(mode=0o555)
            self.refused(1, ["--out", "locked"], "manifest", *data, "--out", "locked/run", "--dry-run")
        self.expect(0, "manifest", *data, "--epochs", "1", "--methods", "joint", "--dry-run")  # no stages

    def test_names_that_could_not_be_written_are_refused_before_training(self):
        for name in ("left/mass", "a,b", 'a"b', "..", "a\nb", "x" * 200):
            with self.subTest(name):
                manifest = self.manifest(change=lambda rows: [{"npy:" + name if key == "image:picture" else key: value for key, value in row.items()}
                                                              for row in rows])
                self.refused(1, ["modality 0", "expected a name in UTF-8"], "manifest", "--data", manifest, "--smoke", "--out", "run")
                self.assertFalse((self.folder / "run").exists())
        manifest = self.manifest()
        manifest.write_bytes(manifest.read_bytes().replace(b"round", b"caf\xe9", 1))
        self.refused_manifest(manifest, "expected UTF-8 text, got the byte 0xe9")

    def test_folders_of_any_bytes_get_their_results(self):
        small = ("--smoke", "--methods", "joint", "--encoders", "small-cnn", "gru", "mlp", "--image-size", "16")
        out = os.fsencode(self.folder) + b"/caf\xe9"
        command = [PROGRAMS["train_features"], "manifest", "--data", str(self.manifest()), *small, "--out", out]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(out + b"/results.json", encoding="utf-8") as file:
            self.assertEqual(json.load(file)["dataset"], "manifest")

    def test_speakers_stay_in_one_split(self):
        manifest = self.manifest(change=lambda rows: [{**{key: value for key, value in row.items() if key != "split"}, "speaker": i // 5}
                                                      for i, row in enumerate(rows)])
        dry = ("manifest", "--data", manifest, "--image-size", "16", "--dry-run")
        self.assertIn("not used: speaker; --group-column keeps the rows of a speaker", self.expect(0, *dry).out)
        out = self.expect(0, *dry, "--group-column", "speaker").out
        self.assertIn("groups: speaker", out)
        self.assertNotIn("not used", out)
        sizes = [int(size) for size in re.search(r"(\d+) training, (\d+) validation, (\d+) test", out).groups()]
        self.assertEqual((sum(sizes), [size % 5 for size in sizes]), (60, [0, 0, 0]))
        self.refused(1, ['expected a column "patient"', "speaker"], *dry, "--group-column", "patient")

    def test_a_test_split_that_lacks_a_modality_is_tested_on_the_others(self):
        manifest = self.manifest(change=lambda rows: [{**row, "sequence:walk": "" if row["split"] == "test" else row["sequence:walk"]} for row in rows])
        out = self.expect(0, "manifest", "--data", manifest, "--smoke", "--methods", "joint", "g2d", "--encoders", "small-cnn", "gru", "mlp",
                          "--image-size", "16", "--out", "run").out
        self.assertIn('warning: no test sample has the modality "walk": tested on the others', out)
        rows = {row["name"]: row for row in read_results(self.folder / "run")}
        self.assertEqual(rows["walk teacher"]["accuracy"], "")
        for name in ("teachers' mean", "joint", "g2d"):
            self.assertGreaterEqual(float(rows[name]["accuracy"]), 0)
        self.assertEqual((rows["joint"]["walk_alone"], rows["joint"]["table_alone"] != ""), ("", True))
        json.loads((self.folder / "run" / "results.json").read_text(), parse_constant=self.fail)


class Endings(Runs):
    """Runs that lose their output, their time or their folder."""

    small = ("--image-size", "16", "--threads", "1", "--methods", "joint")

    def command(self, *options):
        return [PROGRAMS["train_features"], "manifest", "--data", str(self.manifest()), *self.small, *map(str, options)]

    def endless(self, out, *options):
        """A started run whose teachers are finished."""
        process = subprocess.Popen(self.command("--teacher-epochs", "1", "--epochs", "1000000", "--out", out, *options), cwd=self.folder,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        while not process.stdout.readline().startswith("  rho, held-out"):
            self.assertIsNone(process.poll())
        return process

    def test_output_that_cannot_be_written_ends_no_run(self):
        gone_reader, pipe = os.pipe()
        os.close(gone_reader)
        self.addCleanup(os.close, pipe)
        full = open("/dev/full", "w")
        self.addCleanup(full.close)
        closed = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh"]
        for name, before, streams in (("full", [], {"stdout": full, "stderr": full}), ("pipe", [], {"stdout": pipe, "stderr": pipe}),
                                      ("closed", closed, {})):
            with self.subTest(name):
                done = subprocess.run([*before, *self.command("--smoke", "--out", name)], cwd=self.folder, check=False, **streams)
                self.assertEqual(done.returncode, 0)
                self.assertEqual([row["name"] for row in read_results(self.folder / name)][-1], "joint")
                json.loads((self.folder / name / "results.json").read_text())

    def test_a_terminal_that_is_gone_ends_no_run(self):
        ours, terminal = os.openpty()
        process = subprocess.Popen(self.command("--smoke", "--out", "run"), cwd=self.folder, stdout=terminal, stderr=terminal)
        os.close(terminal)
        os.close(ours)
        self.assertEqual(process.wait(), 0)
        self.assertEqual(read_results(self.folder / "run")[-1]["name"], "joint")

    def test_rows_are_kept_when_a_run_is_killed(self):
        process = self.endless("run")
        process.kill()
        process.communicate()
        rows = read_results(self.folder / "run")
        self.assertEqual([row["name"] for row in rows], ["picture teacher", "walk teacher", "table teacher", "teachers' mean"])
        report = json.loads((self.folder / "run" / "results.json").read_text())
        self.assertEqual((report["interrupted"], len(report["results"])), (True, 4))

        # What the dead run left is no obstacle, and is not left.
        (self.folder / "run" / f"student.safetensors.{process.pid}-3.part").touch()
        (self.folder / "run" / f"mine.{os.getpid()}-3.part").touch()
        (self.folder / "run" / "student.part").touch()
        (self.folder / "run" / "teacher-picture-seed7.safetensors").touch()
        self.expect(0, "manifest", "--data", "manifest.csv", *self.small, "--smoke", "--out", "run")
        teachers = [f"teacher-{name}-seed0.safetensors" for name in ("picture", "table", "walk")]
        self.assertEqual(sorted(os.listdir(self.folder / "run")),
                         sorted([f"mine.{os.getpid()}-3.part", "student.part", "results.csv", "results.json", "student.safetensors", *teachers]))

    def test_a_second_run_in_the_folder_is_refused(self):
        process = self.endless("run")
        files = self.files()
        err = self.expect(1, "manifest", "--data", "manifest.csv", *self.small, "--smoke", "--out", "run").err
        self.assertRegex(err, rf"--out run: expected a folder that no other run writes to.*process {process.pid}, started \d{{4}}-\d\d-\d\d \d\d:")
        self.assertEqual(self.files(), files)

    def test_signals_end_a_run_by_their_number(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            process = self.endless(f"run-{number}")
            process.send_signal(number)
            _, err = process.communicate(timeout=3000)
            self.assertEqual(process.returncode, 128 + number)
            self.assertIn("stopping after this step", err)
            self.assertNotIn("run.lock", os.listdir(self.folder / f"run-{number}"))

    def test_signals_are_heeded_while_data_load(self):
        rows = "".join(f"{i},{('train', 'validation', 'test')[i % 3]},{'ab'[i % 2]},{i % 7},{i % 5}\n" for i in range(500_000))
        (self.folder / "long.csv").write_text("id,split,label,table:mass,category:shape\n" + rows)
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                process = subprocess.Popen([PROGRAMS["train_features"], "manifest", "--data", "long.csv", "--out", "run"], cwd=self.folder, stdout=subprocess.PIPE,
                                           stderr=subprocess.PIPE, text=True)
                process.stdout.readline()
                process.send_signal(number)
                process.communicate(timeout=3000)
                self.assertEqual(process.returncode, 128 + number)
                self.assertFalse((self.folder / "run").exists())

    def test_a_diverged_run_is_a_failed_run(self):
        rows = lambda out: {row["name"]: row for row in read_results(self.folder / out)}
        data = ("--data", self.manifest(), "--image-size", "16", "--threads", "1", "--smoke")
        for out, options in (("rate", ("--learning-rate", "1e30", "--optimizer", "sgd")), ("adam", ("--learning-rate", "1e30", "--optimizer", "adam"))):
            with self.subTest(out):
                err = self.expect(1, "manifest", *data, "--methods", "joint", "--out", out, *options).err
                self.assertIn("has diverged", err)
                row = list(rows(out).values())[-1]
                self.assertEqual((row["status"], row["accuracy"]), ("diverged", ""))
        self.expect(0, "manifest", *data, "--methods", "joint", "--out", "teachers")
        err = self.expect(1, "manifest", *data, "--teachers", "teachers", "--out", "weight", "--methods", "joint", "g2d-loss", "--logit-weight", "3e38", "--feature-weight", "3e38").err
        self.assertIn("g2d-loss has diverged", err)
        self.assertEqual([rows("weight")[name]["status"] for name in ("joint", "g2d-loss")], ["finished", "diverged"])
        self.assertGreater(int(rows("weight")["g2d-loss"]["skipped_steps"]), 0)

    def test_idle_threads_wait_passively_unless_told_otherwise(self):
        for given, expected in (({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE"), ({"GOMP_SPINCOUNT": "10"}, None)):
            environment = {key: value for key, value in os.environ.items() if key not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
            done = subprocess.run(self.command("--dry-run"), cwd=self.folder, capture_output=True, text=True, check=False,
                                  env={**environment, **given, "OMP_DISPLAY_ENV": "true"})
            self.assertEqual(done.returncode, 0, done.stderr)
            shown = re.findall(r"OMP_WAIT_POLICY = '(\w+)'", done.stderr)
            if expected:
                self.assertEqual(shown[-1], expected)
            self.assertEqual(len(shown), 1 if given else 2)  # it starts anew once


class Houses(Runs):
    photographs = ("bathroom", "bedroom", "frontal", "kitchen")

    def setUp(self):
        super().setUp()
        self.data = pathlib.Path(os.environ.get("G2D_DATA", "")) / "houses"
        if not os.environ.get("G2D_DATA") or not (self.data / "HousesInfo.txt").exists():
            self.skipTest("G2D_DATA does not name a folder with houses/HousesInfo.txt")

    def test_two_three_and_five_modalities_train(self):
        for modalities, options in ((("frontal", "table"), ()), (("frontal", "kitchen", "table"), ("--missing-files", "drop")),
                                    ((*self.photographs, "table"), ("--shared-encoder", *self.photographs))):
            with self.subTest(modalities):
                out = self.expect(0, "houses", "--data", self.data, "--modalities", *modalities, "--methods", "g2d", "--smoke", "--out", "run",
                                  *options).out
                self.assertIn(f"321 training, 107 validation, 107 test samples of ({', '.join(modalities)})", out)
                self.assertIn("rmse in USD", out)
                row = read_results(self.folder / "run")[-1]
                self.assertEqual(row["name"], "g2d")
                self.assertTrue(100_000 < float(row["mae"]) < float(row["rmse"]) < 2_000_000, row)
                self.assertTrue(all(row[f"{name}_alone"] for name in modalities))

    def test_a_shared_encoder_is_one_encoder(self):
        common = ("--data", self.data, "--modalities", "frontal", "kitchen", "table", "--methods", "joint", "--smoke", "--out", "run")
        for options, count in (((), 2), (("--shared-encoder", "frontal", "kitchen"), 1)):
            self.assertEqual(self.expect(0, "houses", *common, *options, "--dry-run").out.count("shared encoder"), 2 * (2 - count))
            self.expect(0, "houses", *common, *options)
            tensors = read_tensors(self.folder / "run" / "student.safetensors")
            first_layers = [tensors[name] for name in sorted(tensors) if name.endswith("conv1.weight")]
            self.assertEqual((len(first_layers), len(set(first_layers))), (2, count))

    def test_what_cannot_work_is_refused_before_training(self):
        for words, options in ((["distillation", "regression", "choose mse"], ("--logit-distillation", "kl")),
                               (["--methods ogm", "classification"], ("--methods", "ogm")),
                               (["--encoders", "frontal", "gru"], ("--encoders", "gru")),
                               (["--shared-encoder", '"frontal"', '"table"'], ("--shared-encoder", "frontal", "table")),
                               (["two to five", "frontal"], ("--modalities", "frontal")),
                               (["two to five", "garden"], ("--modalities", "frontal", "garden")),
                               (["stage_epochs", "[1, 1, 1]", "3"], ("--stage-epochs", "1", "1", "1"))):
            with self.subTest(options=options):
                modalities = () if "--modalities" in options else ("--modalities", "frontal", "table")
                self.refused(1, words, "houses", "--data", self.data, *modalities, *options)


GROUPS = {"command_line": CommandLine, "config": Config, "plan": Plan, "inspect": Inspect, "manifest": Manifest, "loading": Loading,
          "regression": Regression, "files": Files, "endings": Endings, "houses": Houses}


def main(group, *programs):
    PROGRAMS.update({path.name: str(path) for path in map(pathlib.Path.absolute, map(pathlib.Path, programs))})
    tests = unittest.defaultTestLoader.loadTestsFromTestCase(GROUPS[group])
    result = unittest.TextTestRunner(verbosity=2).run(tests)
    if not result.wasSuccessful():
        return 1
    for _, reason in result.skipped[:1]:
        print(f"skipped: {reason}")
    return 77 if len(result.skipped) == result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
