# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Writes small datasets that manifests describe, with nothing but the standard library."""

import csv
import json
import math
import random
import struct
import wave
import zlib

CLASSES = ("apple", "pear", "plum")


def write_png(path, rows):
    """8-bit RGB; `rows` of pixels (red, green, blue)."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 2, 0, 0, 0)
    lines = b"".join(b"\0" + bytes(value for pixel in row for value in pixel) for row in rows)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


def png_size(path):
    """Width and height, from the header."""
    head = path.read_bytes()[:24]
    assert head[:16] == b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", head
    return struct.unpack(">II", head[16:24])


def write_wav(path, frequency, rate=8000, seconds=0.25):
    """An 8-bit mono tone."""
    samples = bytes(int(128 + 100 * math.sin(2 * math.pi * frequency * i / rate)) for i in range(int(rate * seconds)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(rate)
        file.writeframes(samples)


def write_rows(path, rows):
    """As CSV or JSON, by the ending; an empty cell is null in JSON."""
    if path.suffix == ".json":
        path.write_text(json.dumps([{key: None if value == "" else value for key, value in row.items()} for row in rows]))
        return path
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def make_rows(folder, count=60):
    """Rows of a manifest and the files that they name: coloured pictures (image:picture), sequences of 2 to 5 steps
    (sequence:walk) and a table (table:mass, category:shape), which all say something about the label. One training row has
    no picture, another no walk; one mass is not known.
    """
    source = random.Random(1)
    (folder / "files").mkdir(exist_ok=True)
    rows = []
    for i in range(count):
        label = i % len(CLASSES)
        colour = [source.randrange(60) + (150 if channel == label else 40) for channel in range(3)]
        write_png(folder / "files" / f"{i}.png", [[[value + 4 * x for value in colour] for x in range(10)]] * 8)
        steps = [(f"{label + source.gauss(0, 1):.3f}", f"{source.gauss(0, 1):.3f}") for _ in range(2 + i % 4)]
        (folder / "files" / f"{i}.csv").write_text("x,y\n" + "".join(f"{x},{y}\n" for x, y in steps))
        rows.append({
            "id": f"fruit-{i}",
            "split": ("train", "train", "train", "validation", "test")[i // len(CLASSES) % 5],
            "label": CLASSES[label],
            "image:picture": "" if i == 1 else f"files/{i}.png",
            "sequence:walk": "" if i == 2 else f"files/{i}.csv",
            "table:mass": "" if i == 3 else f"{100 * label + source.gauss(0, 60):.1f}",
            "category:shape": source.choice(["round", "long"]),
        })
    return rows


def priced(rows):
    """The rows with a price to predict instead of the label."""
    source = random.Random(2)
    return [{**{key: value for key, value in row.items() if key != "label"},
             "target:price": f"{1000 * CLASSES.index(row['label']) + source.gauss(5000, 50):.2f}"} for row in rows]
