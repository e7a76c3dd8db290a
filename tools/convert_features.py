#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Converts pickled features of three modalities to train.npz, validation.npz and test.npz, which g2d reads.

INPUT is one of
  a pickle  {train, valid, test: {text, audio, vision: [N, T, D], labels: [N, ...], id}}, the form of MultiBench
            (humor.pkl, sarcasm.pkl, mosi_raw.pkl) and of the Multimodal Transformer (iemocap_data.pkl,
            iemocap_data_noalign.pkl). Rows of zeros before and behind a sequence are padding and are cut away.
  a folder  of the UR-Funny release: data_folds.pkl, humor_label_sdk.pkl, covarep_features_sdk.pkl,
            openface_features_sdk.pkl, word_embedding_list.pkl, and language_sdk.pkl (version 2) or
            word_embedding_indexes_sdk.pkl (version 1).

Each output file holds, for N samples and each modality of text, audio and vision:
  <modality>          float32 [N, T, D]  the sequence from step 0 on, then zeros
  <modality>_lengths  int64 [N]          its steps; 0 where the sample lacks the modality
  labels              int64 [N] classes; float32 [N, C] of 0 and 1 for several labels at once (IEMOCAP's pairs of
                      numbers for each emotion are such); float32 [N, 1] where labels are no classes
  ids                 uint8 [N, W]       UTF-8, then zeros
NaN and infinity become 0 and are counted. Nothing in a pickle is run: it may hold arrays, numbers, text and plain
containers; whatever else it names is refused.
"""

import argparse
import collections
import functools
import os
import pathlib
import pickle
import re
import sys

try:
    import numpy as np
except ImportError:
    sys.exit("g2d: convert_features: expected numpy in this Python, got none; pip install numpy")

MODALITIES = ("text", "audio", "vision")
SPLITS = {"train": ("train",), "validation": ("validation", "valid", "val", "dev"), "test": ("test",)}


class ConversionError(Exception):
    """Expected ..., got ...: ends the program."""


# --- pickles, of which nothing is run ---


class RefusedError(Exception):
    """The pickle asks for more than is read."""


class PickledDtype:
    """What a pickle says of a dtype. numpy's own would take flags from the file that make it read addresses."""

    def __init__(self, code, *_):
        self.code = code.decode() if isinstance(code, bytes) else code
        self.byte_order = "|"
        if not re.fullmatch(r"b1|[iu][1248]|f[248]|[SU]\d+|O\d?", self.code):
            raise RefusedError(f"arrays of dtype {self.code} are not read")

    def __setstate__(self, state):
        _, self.byte_order, subarray, names = state[:4]
        if subarray is not None or names is not None:
            raise RefusedError("arrays of records are not read")

    def numpy(self):
        if self.code[0] == "O":
            return np.dtype(object)
        return np.dtype(self.code).newbyteorder(self.byte_order)


class PickledArray(np.ndarray):
    """An array that only takes dtypes that were looked at."""

    def __setstate__(self, state):
        shape, dtype, is_fortran, data = state[-4:]
        data = data.encode("latin1") if isinstance(data, str) else data
        super().__setstate__((1, shape, dtype.numpy(), is_fortran, data))


def reconstruct_array(*_):
    return np.ndarray.__new__(PickledArray, (0,), "b")


def array_of_buffer(buffer, dtype, shape, order, axis_order=None):
    flat = np.frombuffer(buffer, dtype.numpy())
    return flat.reshape(shape).transpose(axis_order) if order == "K" else flat.reshape(shape, order=order)


def scalar(dtype, data):
    return np.frombuffer(data.encode("latin1") if isinstance(data, str) else data, dtype.numpy())[0]


def encode(text, encoding):
    if encoding != "latin1":
        raise RefusedError(f"bytes in {encoding} are not read")
    return text.encode("latin1")


def no_bytes():
    return b""


READ = {
    ("numpy", "ndarray"): None,  # only ever an argument of _reconstruct
    ("numpy", "dtype"): PickledDtype,
    ("multiarray", "_reconstruct"): reconstruct_array,
    ("multiarray", "scalar"): scalar,
    ("numeric", "_frombuffer"): array_of_buffer,
    ("_codecs", "encode"): encode,
    ("builtins", "bytes"): no_bytes,
    ("builtins", "set"): set,
    ("builtins", "frozenset"): frozenset,
    ("collections", "OrderedDict"): collections.OrderedDict,
}


class PlainUnpickler(pickle.Unpickler):
    def find_class(self, module, name):
        # numpy 2 and Python 3 have moved what old pickles name.
        place = re.sub(r"^numpy\._?core\.", "", module).replace("__builtin__", "builtins"), name
        if place in READ:
            return READ[place]
        raise RefusedError(f"it names {module}.{name}, and only arrays and plain containers are read")


def read_pickle(path):
    try:
        with open(path, "rb") as file:
            return PlainUnpickler(file, encoding="latin1").load()
    except OSError as error:
        raise ConversionError(f"{path}: {error.strerror}") from error
    except RefusedError as error:
        raise ConversionError(f"{path}: refused: {error}") from error
    except Exception as error:  # a damaged pickle raises whatever its bytes happen to ask for
        reason = str(error) or type(error).__name__
        raise ConversionError(f"{path}: expected a pickle, got a damaged file: {reason}") from error


def read_table(path):
    table = read_pickle(path)
    if not isinstance(table, dict):
        raise ConversionError(f"{path}: expected a dict by sample, got {type(table).__name__}")
    return table


def entry(container, keys, where):
    """The first of the keys that is there."""
    if not isinstance(container, dict):
        raise ConversionError(f"{where}: expected a dict, got {type(container).__name__}")
    for key in keys:
        if key in container:
            return container[key]
    wanted = " or ".join(f'"{key}"' for key in keys)
    there = [str(key) for key in list(container)[:20]] + ["..."] * (len(container) > 20)
    raise ConversionError(f"{where}: expected the key {wanted}, got {', '.join(there) or 'no keys'}")


def items(container, key, where):
    """An array or list with one item for each step or sample."""
    values = entry(container, (key,), where)
    is_array = isinstance(values, np.ndarray) and values.ndim > 0
    if not is_array and not isinstance(values, (list, tuple)):
        raise ConversionError(f"{where}: {key}: expected an array or a list, got {type(values).__name__}")
    return values


def numbers(values, dtype, where):
    """An array of its own."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.array(values, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise ConversionError(f"{where}: expected numbers in rows of one length, got others: {error}") from error


# --- one modality of one split ---


class Sequences:
    """The sequences of a split, and what had to be done to them."""

    def __init__(self, where):
        self.where = where
        self.steps = []
        self.num_not_finite = 0
        self.num_cut = 0

    def append(self, values, name):
        """`values`: rows of D numbers, or nothing at all."""
        rows = numbers(values, np.float32, f"{self.where}: sample {name}")
        if rows.size == 0:
            rows = np.zeros((0, 0), np.float32)
        if rows.ndim != 2:
            raise ConversionError(f"{self.where}: sample {name}: expected [T, D], got {list(rows.shape)}")
        not_finite = ~np.isfinite(rows)
        self.num_not_finite += int(not_finite.sum())
        rows[not_finite] = 0
        self.steps.append(rows)

    def strip(self):
        """Rows of zeros at either end are padding: the public files pad before the sequence or behind it."""
        for i, rows in enumerate(self.steps):
            used = np.flatnonzero(rows.any(axis=1))
            self.steps[i] = rows[used[0] : used[-1] + 1] if used.size else rows[:0]

    def keep_last(self, max_steps):
        for i, rows in enumerate(self.steps):
            if len(rows) > max_steps:
                self.steps[i] = rows[-max_steps:]
                self.num_cut += 1

    def width(self, name_of):
        """D, which all sequences share."""
        widths = {rows.shape[1]: i for i, rows in reversed(list(enumerate(self.steps))) if len(rows)}
        if not widths:
            raise ConversionError(f"{self.where}: expected a sequence with at least one step, got none")
        if len(widths) > 1:
            found = ", ".join(f"{width} (sample {name_of(i)})" for width, i in sorted(widths.items()))
            raise ConversionError(f"{self.where}: expected one number of features for every step, got {found}")
        return next(iter(widths))

    def padded(self, width):
        lengths = np.array([len(rows) for rows in self.steps], np.int64)
        values = np.zeros((len(lengths), max(1, lengths.max()), width), np.float32)
        for i, rows in enumerate(self.steps):
            if len(rows):
                values[i, : len(rows)] = rows
        return values, lengths


class Split:
    def __init__(self, sequences, labels, ids):
        self.sequences = sequences
        self.labels = labels
        self.ids = ids


# --- layout: one pickle with three splits ---


def text_of(part):
    return part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part)


def ids_of(split, name, count, where):
    """An id may be several parts: video, begin, end."""
    if "id" not in split:
        return [f"{name}:{i}" for i in range(count)]
    ids = items(split, "id", where)
    if len(ids) != count:
        raise ConversionError(f"{where}: id: expected {count} ids as in labels, got {len(ids)}")
    return [":".join(text_of(part) for part in np.ravel(np.asarray(row)).tolist()) for row in ids]


def read_split_pickle(path):
    data = read_pickle(path)
    splits = {}
    for name, keys in SPLITS.items():
        split = entry(data, keys, path)
        where = f"{path}: {name}"
        labels = items(split, "labels", where)
        if len(labels) == 0:
            raise ConversionError(f"{where}: labels: expected at least one, got none")
        ids = ids_of(split, name, len(labels), where)
        sequences = {}
        for modality in MODALITIES:
            values = items(split, modality, where)
            if len(values) != len(labels):
                raise ConversionError(
                    f"{where}: {modality}: expected {len(labels)} samples as in labels, got {len(values)}"
                )
            sequences[modality] = Sequences(f"{where}: {modality}")
            for row, sample in zip(values, ids):
                sequences[modality].append(row, sample)
            sequences[modality].strip()
        splits[name] = Split(sequences, labels, ids)
    return splits


# --- layout: the folder of the UR-Funny release ---


def with_context(sample, kind, where, use_context):
    """The steps of the punchline, after those of the sentences before it where they are wanted."""
    steps = list(items(sample, f"punchline_{kind}", where))
    if use_context:
        sentences = items(sample, f"context_{kind}", where)
        steps = [step for sentence in sentences for step in sentence] + steps
    return steps


def embedded(indexes, embeddings, where):
    indexes = numbers(indexes, np.int64, where).ravel()
    if indexes.size and not (0 <= indexes.min() and indexes.max() < len(embeddings)):
        raise ConversionError(
            f"{where}: expected word indexes in [0, {len(embeddings)}), got {indexes.min()} to {indexes.max()}"
        )
    return embeddings[indexes]


def read_ur_funny(folder, use_context):
    folds, labels = folder / "data_folds.pkl", folder / "humor_label_sdk.pkl"
    embeddings = folder / "word_embedding_list.pkl"
    text, first_version = folder / "language_sdk.pkl", folder / "word_embedding_indexes_sdk.pkl"
    if first_version.exists() and not text.exists():
        text = first_version
    audio, vision = folder / "covarep_features_sdk.pkl", folder / "openface_features_sdk.pkl"
    missing = [path.name for path in (folds, labels, embeddings, text, audio, vision) if not path.exists()]
    if missing:
        raise ConversionError(f"{folder}: expected the UR-Funny release, got a folder without {', '.join(missing)}")

    folds_read, labels_read = read_pickle(folds), read_table(labels)
    words = numbers(read_pickle(embeddings), np.float32, embeddings)
    splits = {}
    for name, keys in SPLITS.items():
        ids = list(entry(folds_read, keys, folds))
        without_label = [i for i in ids if i not in labels_read]
        if without_label or not ids:
            raise ConversionError(
                f"{labels}: {name}: expected a label for each of {len(ids)} samples, got none for {without_label[:5]}"
            )
        splits[name] = Split({}, [labels_read[i] for i in ids], ids)

    # One file after the other: together they would fill the memory of a small machine.
    for modality, path in (("text", text), ("audio", audio), ("vision", vision)):
        samples = read_table(path)
        kind = "embedding_indexes" if modality == "text" else "features"
        for name, split in splits.items():
            sequences = split.sequences[modality] = Sequences(f"{path}: {name}")
            for i in split.ids:
                where = f"{path}: sample {i}"
                steps = with_context(samples[i], kind, where, use_context) if i in samples else []
                sequences.append(embedded(steps, words, where) if modality == "text" else steps, i)
    for split in splits.values():
        split.ids = [text_of(i) for i in split.ids]
    return splits


def distinct_ids(splits):
    """A sample is known by its id in all splits together."""
    seen = {}
    num_again = num_elsewhere = 0
    for name, split in splits.items():
        for i, text in enumerate(split.ids):
            count, first_split = seen.get(text, (0, name))
            seen[text] = count + 1, first_split
            if count:
                split.ids[i] = f"{text}#{count + 1}"
                num_again += 1
                num_elsewhere += first_split != name
    if num_again:
        print(f"{num_again} ids occur again, {num_elsewhere} of them in another split: told apart by #2, #3, ...")


# --- labels ---


def plain_labels(split, where):
    """float64 [N] or [N, C]; pairs of numbers for each label become the place of the greater one."""
    labels = numbers(split.labels, np.float64, f"{where}: labels")
    shape = list(labels.shape)
    labels = labels.reshape([len(labels)] + [size for size in labels.shape[1:] if size != 1])
    if labels.ndim == 3 and labels.shape[2] == 2:
        labels = labels.argmax(axis=2).astype(np.float64)
    if labels.ndim > 2 or not np.isfinite(labels).all():
        raise ConversionError(f"{where}: labels: expected finite numbers [N], [N, C] or [N, C, 2], got {shape}")
    return labels


def convert_labels(splits, single_label, path):
    """One dtype and meaning for all splits."""
    labels = {name: plain_labels(split, f"{path}: {name}") for name, split in splits.items()}
    shapes = {label.shape[1:] for label in labels.values()}
    if len(shapes) > 1:
        raise ConversionError(f"{path}: labels: expected one shape in all splits, got {sorted(map(list, shapes))}")
    if single_label:
        return {name: class_numbers(label, f"{path}: {name}") for name, label in labels.items()}
    if shapes != {()}:
        return {name: label.astype(np.float32) for name, label in labels.items()}
    values = np.unique(np.concatenate(list(labels.values())))
    if set(values) == {-1.0, 1.0}:
        return {name: (label > 0).astype(np.int64) for name, label in labels.items()}
    if values[0] >= 0 and (values == np.round(values)).all():
        return {name: label.astype(np.int64) for name, label in labels.items()}
    return {name: label.astype(np.float32).reshape(-1, 1) for name, label in labels.items()}


def class_numbers(labels, where):
    if labels.ndim != 2:
        raise ConversionError(f"{where}: labels: expected [N, C] for --single-label, got {list(labels.shape)}")
    is_single = (np.isin(labels, (0.0, 1.0)).all(axis=1)) & (labels.sum(axis=1) == 1)
    if not is_single.all():
        raise ConversionError(
            f"{where}: labels: expected exactly one label a sample for --single-label, got another number in "
            f"{int((~is_single).sum())} of {len(labels)} samples"
        )
    return labels.argmax(axis=1)


# --- output ---


def fixed_width(texts):
    encoded = [text.encode() for text in texts]
    width = max(1, max(map(len, encoded)))
    return np.frombuffer(b"".join(text.ljust(width, b"\0") for text in encoded), np.uint8).reshape(-1, width)


def write(path, arrays):
    temporary = path.with_name(path.name + ".partial")
    with open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)
    os.replace(temporary, path)


def describe(modality, sequences, values, lengths):
    parts = [f"  {modality:<6} {list(values.shape)}, lengths {lengths.min()} to {lengths.max()}"]
    absent = int((lengths == 0).sum())
    if absent:
        parts.append(f"{absent} absent")
    if sequences.num_cut:
        parts.append(f"{sequences.num_cut} cut")
    parts.append(f"{sequences.num_not_finite} values not finite, set to 0")
    return ", ".join(parts)


def describe_labels(labels):
    if labels.dtype == np.int64:
        return f"classes 0 to {labels.max()}"
    if labels.shape[1] > 1:
        return f"{labels.shape[1]} labels a sample"
    return f"values {labels.min():g} to {labels.max():g}"


def write_splits(splits, labels, output, max_steps):
    output.mkdir(parents=True, exist_ok=True)
    widths = {}
    for name, split in splits.items():
        arrays = {"labels": labels[name], "ids": fixed_width(split.ids)}
        print(f"{name}: {len(split.ids)} samples, {describe_labels(labels[name])}")
        for modality in MODALITIES:
            sequences = split.sequences[modality]
            if max_steps:
                sequences.keep_last(max_steps)
            width = sequences.width(split.ids.__getitem__)
            if widths.setdefault(modality, width) != width:
                raise ConversionError(
                    f"{sequences.where}: expected {widths[modality]} features as in train, got {width}"
                )
            values, lengths = sequences.padded(width)
            arrays[modality], arrays[f"{modality}_lengths"] = values, lengths
            print(describe(modality, sequences, values, lengths))
        write(output / f"{name}.npz", arrays)


def parse_arguments():
    formatter = functools.partial(argparse.RawDescriptionHelpFormatter, width=100)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    parser.add_argument("input", type=pathlib.Path, help="a pickle, or the folder of the UR-Funny release")
    parser.add_argument("output", type=pathlib.Path, help="the folder for train.npz, validation.npz and test.npz")
    parser.add_argument("--context", action="store_true", help="UR-Funny: the sentences before the punchline as well")
    parser.add_argument("--max-steps", type=int, default=0, metavar="N", help="only the last N steps of a sequence")
    parser.add_argument("--single-label", action="store_true", help="[N, C] labels with one a sample: classes")
    arguments = parser.parse_args()
    if arguments.max_steps < 0:
        parser.error(f"expected --max-steps >= 1, got {arguments.max_steps}")
    return arguments


def main():
    arguments = parse_arguments()
    try:
        if arguments.input.is_dir():
            splits = read_ur_funny(arguments.input, arguments.context)
        elif arguments.context:
            raise ConversionError(f"{arguments.input}: expected the folder of the UR-Funny release for --context")
        else:
            splits = read_split_pickle(arguments.input)
        distinct_ids(splits)
        labels = convert_labels(splits, arguments.single_label, arguments.input)
        write_splits(splits, labels, arguments.output, arguments.max_steps)
    except (ConversionError, OSError) as error:
        sys.exit(f"g2d: convert_features: {error}")


if __name__ == "__main__":
    main()
