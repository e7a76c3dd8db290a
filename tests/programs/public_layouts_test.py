# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Trains on small trees in the public layout of each dataset of the paper, as a user would: one command.

Usage: public_layouts_test.py TRAIN_AUDIO_VISUAL TRAIN_FEATURES TRAIN_IMAGE_TABULAR
"""

import array
import base64
import csv
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import zipfile

from made_data import png_size, write_wav

# 24 x 16 pixels, as Pillow writes them with quality 40.
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4x9lnN+gXz/"
    "2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHz/wAARCAAQABgDASIAAhEBAxEB/8QA"
    "FwAAAwEAAAAAAAAAAAAAAAAAAAQFBv/EABsQAAICAwEAAAAAAAAAAAAAAAAEA2EBAhEh/8QAFwEAAwEAAAAAAAAAAAAAAAAAAQMEBf/EABsRAAICAwEAAAAA"
    "AAAAAAAAAAACAQMEERIh/9oADAMBAAIRAxEAPwDOxqUNxp0UoVKHoU6J0bsVRl6JUaVAaDVbGvnO5ALNSs6afTYry55P/9k="
)
AUDIO_VISUAL, FEATURES, IMAGE_TABULAR = sys.argv[1:4]


def write_frames(folder, count):
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"frame_{number:05d}.jpg").write_bytes(JPEG)


def write_list(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows(rows)


def npy(shape, kind, values):
    """An array as NumPy's format 1.0 has it; kind: an array typecode with its NumPy name."""
    code, name = kind
    header = str({"descr": name, "fortran_order": False, "shape": tuple(shape)}).encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + array.array(code, values).tobytes()


FLOAT, INT64, UINT8 = ("f", "<f4"), ("q", "<i8"), ("B", "|u1")


def make_cremad(folder):
    emotions = ("NEU", "HAP", "SAD", "FEA", "DIS", "ANG")
    (folder / "AudioWAV").mkdir(parents=True)
    lists = {"train": [], "test": []}
    for i in range(30):
        name, emotion = f"{1001 + i}_DFA_{emotions[i % 6]}_XX", emotions[i % 6]
        write_wav(folder / "AudioWAV" / f"{name}.wav", 200 + 100 * (i % 6), rate=16000)
        write_frames(folder / "Image-01-FPS" / name, 2)
        lists["train" if i < 18 else "test"].append((name, emotion))
    for split, rows in lists.items():
        write_list(folder / f"{split}.csv", rows)


def make_vggsound(folder):
    rows = []
    for i in range(24):
        name, split, label = f"-a_{i:08d}X", "train" if i < 16 else "test", ("playing cello", "dog barking, near")[i % 2]
        rows.append((name, i, label, split))
        (folder / "audio" / split).mkdir(parents=True, exist_ok=True)
        write_wav(folder / "audio" / split / f"{name}_{i:06d}.wav", 300 + 300 * (i % 2), rate=16000)
        write_frames(folder / "video" / "frames" / split / "Image-01-FPS" / f"{name}_{i:06d}", 4)
    write_list(folder / "vggsound.csv", rows)


def make_av_mnist(folder):
    for kind, size in (("image", 28), ("audio", 112)):
        (folder / kind).mkdir(parents=True)
        for split, count in (("train", 40), ("test", 20)):
            draw = random.Random(f"{kind} {split}")
            values = draw.randbytes(count * size * size)
            (folder / kind / f"{split}_data.npy").write_bytes(npy((count, size, size), UINT8, values))
    for split, count in (("train", 40), ("test", 20)):
        (folder / f"{split}_labels.npy").write_bytes(npy((count,), INT64, [i % 10 for i in range(count)]))


def make_features(folder, classes, is_multi_label=False):
    """Labels are classes, or yes or no for each class."""
    folder.mkdir()
    for split, count in (("train", 24), ("validation", 12), ("test", 12)):
        draw = random.Random(split)
        with zipfile.ZipFile(folder / f"{split}.npz", "w", zipfile.ZIP_DEFLATED) as file:
            for modality, width in (("text", 6), ("audio", 4), ("vision", 5)):
                lengths = [draw.randint(1, 7) for _ in range(count)]
                steps = [draw.gauss(0, 1) if t < length else 0.0 for length in lengths for t in range(7) for _ in range(width)]
                file.writestr(f"{modality}.npy", npy((count, 7, width), FLOAT, steps))
                file.writestr(f"{modality}_lengths.npy", npy((count,), INT64, lengths))
            labels = [i % classes for i in range(count)]
            if is_multi_label:
                several = [float(c == label or c == 0) for label in labels for c in range(classes)]
                file.writestr("labels.npy", npy((count, classes), FLOAT, several))
            else:
                file.writestr("labels.npy", npy((count,), INT64, labels))


def make_mis_me(folder):
    (folder / "images").mkdir(parents=True)
    weather = ("air_temperature", "relative_humidity", "precipitation", "solar_flux_density", "wind_speed", "barometric_pressure",
               "tilt_north_south", "tilt_west_east")
    rows = [("image", "vwc", *weather)]
    draw = random.Random(5)
    for i in range(40):
        (folder / "images" / f"{i}.jpg").write_bytes(JPEG)
        numbers = [f"{draw.gauss(10, 3):.3f}" for _ in weather]
        numbers[i % len(weather)] = "" if i % 9 == 0 else numbers[i % len(weather)]
        rows.append((f"{i}.jpg", f"{draw.uniform(0.05, 0.4):.4f}", *numbers))
    write_list(folder / "labels.csv", rows)


def run(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, f"{arguments}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def check(program, dataset, folder, metrics, *options):
    """Looks at the tree, then trains on it; the results are those of every teacher and method."""
    out = folder.parent / f"{dataset}-results"
    common = (dataset, "--data", folder, "--out", out, "--threads", 1, *options)
    text = run(program, *common, "--inspect")
    assert "training:" in text and "cannot be read" not in text, text
    assert png_size(out / "samples.png")[0] > 100
    run(program, *common, "--smoke", "--methods", "joint", "g2d")
    results = json.loads((out / "results.json").read_text())
    assert results["dataset"] == dataset and not results["interrupted"], results
    names = [row["name"] for row in results["results"]]
    assert names[-2:] == ["joint", "g2d"] and names[-3] == "teachers' mean", names
    assert all(metric in row for row in results["results"] for metric in metrics), results["results"]
    print(f"{dataset}: {len(names)} rows")


with tempfile.TemporaryDirectory() as scratch:
    root = pathlib.Path(scratch)
    shares, errors = ("accuracy", "macro_f1"), ("rmse", "mae", "r2")
    make_cremad(root / "cremad")
    check(AUDIO_VISUAL, "cremad", root / "cremad", shares, "--image-size", 32, "--audio-seconds", 0.5, "--validation-fraction", 0.34)
    make_vggsound(root / "vggsound")
    check(AUDIO_VISUAL, "vggsound", root / "vggsound", shares, "--image-size", 32, "--classes", 2, "--validation-fraction", 0.25)
    make_av_mnist(root / "av_mnist")
    check(AUDIO_VISUAL, "av_mnist", root / "av_mnist", shares, "--validation-fraction", 0.25, "--encoders", "small-cnn")
    make_features(root / "ur_funny", 2)
    check(FEATURES, "ur_funny", root / "ur_funny", shares)
    make_features(root / "iemocap", 4)
    check(FEATURES, "iemocap", root / "iemocap", shares, "--encoders", "gru")
    make_features(root / "iemocap-labels", 4, is_multi_label=True)
    check(FEATURES, "iemocap", root / "iemocap-labels", shares, "--encoders", "gru")
    make_mis_me(root / "mis_me")
    check(IMAGE_TABULAR, "mis_me", root / "mis_me", errors, "--image-size", 32)
