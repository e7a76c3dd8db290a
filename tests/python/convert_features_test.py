#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Runs tools/convert_features.py on generated pickles in every layout. Exit status 77 without numpy."""

import os
import pathlib
import pickle
import struct
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("skipped: this Python has no numpy")
    sys.exit(77)

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "convert_features.py"
WIDTHS = {"text": 6, "audio": 4, "vision": 5}


def convert(*arguments):
    """Exit status, what it printed, and its error."""
    command = [sys.executable, str(TOOL), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def converted(folder, source, *options):
    status, printed, error = convert(source, folder / "out", *options)
    assert status == 0, error
    splits = {name: dict(np.load(folder / "out" / f"{name}.npz")) for name in ("train", "validation", "test")}
    assert sorted(os.listdir(folder / "out")) == ["test.npz", "train.npz", "validation.npz"]
    return splits, printed


def error_of(source, folder, *options):
    status, _, error = convert(source, folder / "out", *options)
    assert status == 1, (status, error)
    assert "Traceback" not in error, error
    assert error.startswith("g2d: convert_features: "), error
    return error.strip().removeprefix("g2d: convert_features: ")


def save(path, value, protocol=pickle.DEFAULT_PROTOCOL):
    path.write_bytes(pickle.dumps(value, protocol))
    return path


def ids(split):
    return [bytes(row).rstrip(b"\0").decode() for row in split["ids"]]


def expect(actual, expected):
    assert actual == expected, f"\n     got {actual!r}\nexpected {expected!r}"


# --- pickles with three splits ---


def sequence(length, width, seed):
    return np.random.default_rng(seed).normal(size=(length, width)) + 3


def split_of(lengths, labels, num_steps=8, pad_before=True):
    split = {"labels": labels}
    for modality, width in WIDTHS.items():
        values = np.zeros((len(lengths), num_steps, width))
        for i, length in enumerate(lengths):
            begin = num_steps - length if pad_before else 0
            values[i, begin : begin + length] = sequence(length, width, i)
        split[modality] = values
    return split


def multibench():
    data = {
        "train": split_of([3, 8, 1], np.array([[[0]], [[1]], [[1]]])),
        "valid": split_of([2, 5], np.array([[[1]], [[0]]])),
        "test": split_of([4], np.array([[[0]]]), pad_before=False),
    }
    data["train"]["id"] = np.array([["a", "0.5"], ["bü", "1"], ["c", "2"]])
    data["valid"]["id"] = np.array([b"d", b"e"])
    return data


def test_padding_on_either_side_is_cut_and_moved_behind(folder):
    splits, printed = converted(folder, save(folder / "humor.pkl", multibench()))
    for name, lengths in (("train", [3, 8, 1]), ("validation", [2, 5]), ("test", [4])):
        for modality, width in WIDTHS.items():
            values, found = splits[name][modality], splits[name][f"{modality}_lengths"]
            expect((values.dtype, found.dtype), (np.float32, np.int64))
            expect(found.tolist(), lengths)
            expect(values.shape, (len(lengths), max(lengths), width))
            for i, length in enumerate(lengths):
                assert np.array_equal(values[i, :length], sequence(length, width, i).astype(np.float32))
                assert not values[i, length:].any()
    expect(splits["train"]["labels"].tolist(), [0, 1, 1])
    expect(splits["train"]["labels"].dtype, np.int64)
    expect(ids(splits["train"]), ["a:0.5", "bü:1", "c:2"])
    expect(splits["train"]["ids"].dtype, np.uint8)
    expect(ids(splits["validation"]), ["d", "e"])
    expect(ids(splits["test"]), ["test:0"])
    assert "train: 3 samples, classes 0 to 1" in printed, printed
    assert "audio  [2, 5, 4], lengths 2 to 5, 0 values not finite, set to 0" in printed, printed


def test_every_protocol_of_pickle_is_read(folder):
    expected, _ = converted(folder, save(folder / "data.pkl", multibench()))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        splits, _ = converted(folder, save(folder / "data.pkl", multibench(), protocol))
        for name, split in expected.items():
            for key, values in split.items():
                assert np.array_equal(splits[name][key], values), (protocol, name, key)


class Python2Pickler(pickle._Pickler):
    """Bytes as Python 2 wrote its text, and numpy where it stood then."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_bytes(self, value):
        self.write(b"T" + struct.pack("<i", len(value)) + value)

    dispatch[bytes] = save_bytes

    def save_text(self, value):
        self.save_bytes(value.encode())

    dispatch[str] = save_text


def test_a_pickle_of_python_2_is_read(folder):
    expected, _ = converted(folder, save(folder / "data.pkl", multibench()))
    data = multibench()
    data["train"]["id"] = data["train"]["id"].tolist()
    path = folder / "old.pkl"
    with open(path, "wb") as file:
        Python2Pickler(file, protocol=2).dump(data)
    path.write_bytes(path.read_bytes().replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    splits, _ = converted(folder, path)
    assert np.array_equal(splits["train"]["text"], expected["train"]["text"])
    assert np.array_equal(splits["train"]["labels"], expected["train"]["labels"])


def test_values_that_are_not_finite_become_zero_and_are_counted(folder):
    data = multibench()
    data["train"]["audio"][0, -1] = [np.nan, np.inf, -np.inf, 1e300]
    data["train"]["vision"][1, 2, 3] = np.nan
    data["train"]["audio"][2] = -np.inf
    splits, printed = converted(folder, save(folder / "data.pkl", data))
    assert all(np.isfinite(split[m]).all() for split in splits.values() for m in WIDTHS)
    expect(splits["train"]["audio_lengths"].tolist(), [2, 8, 0])
    expect(splits["train"]["vision"][1, 2, 3], 0)
    assert "audio  [3, 8, 4], lengths 0 to 8, 1 absent, 36 values not finite, set to 0" in printed, printed
    assert "vision [3, 8, 5], lengths 1 to 8, 1 values not finite, set to 0" in printed, printed


def test_sequences_may_be_lists_of_any_length(folder):
    data = multibench()
    for split in data.values():
        for modality in WIDTHS:
            split[modality] = [rows[rows.any(axis=1)] for rows in split[modality]]
    data["train"]["vision"] = np.array([*data["train"]["vision"], None], dtype=object)[:3]
    splits, _ = converted(folder, save(folder / "data.pkl", data))
    expect(splits["train"]["vision_lengths"].tolist(), [3, 8, 1])


def test_ids_that_occur_again_are_told_apart(folder):
    data = multibench()
    data["train"]["id"] = ["a", "b", "a"]
    data["valid"]["id"] = ["b", "c"]
    data["test"]["id"] = ["a"]
    splits, printed = converted(folder, save(folder / "data.pkl", data))
    expect([ids(splits[name]) for name in splits], [["a", "b", "a#2"], ["b#2", "c"], ["a#3"]])
    assert "3 ids occur again, 2 of them in another split: told apart by #2, #3, ..." in printed, printed


def test_max_steps_keeps_the_end(folder):
    splits, printed = converted(folder, save(folder / "data.pkl", multibench()), "--max-steps", 4)
    expect(splits["train"]["text_lengths"].tolist(), [3, 4, 1])
    assert np.array_equal(splits["train"]["text"][1], sequence(8, 6, 1)[4:].astype(np.float32))
    assert "lengths 1 to 4, 1 cut" in printed, printed


# --- labels ---


def with_labels(train, valid, test):
    data = multibench()
    data["train"]["labels"], data["valid"]["labels"], data["test"]["labels"] = train, valid, test
    return data


def test_pairs_for_each_emotion_become_several_labels(folder):
    def pairs(rows):
        return np.eye(2, dtype=np.int64)[np.array(rows)]

    train = pairs([[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    data = with_labels(train, pairs([[0, 1, 0, 0]] * 2), pairs([[1, 0, 0, 0]]))
    path = save(folder / "iemocap_data.pkl", data)
    splits, printed = converted(folder, path)
    expect(splits["train"]["labels"].tolist(), [[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    expect(splits["train"]["labels"].dtype, np.float32)
    assert "train: 3 samples, 4 labels a sample" in printed, printed
    splits, _ = converted(folder, path, "--single-label")
    expect(splits["train"]["labels"].tolist(), [0, 2, 3])
    expect(splits["train"]["labels"].dtype, np.int64)

    data["valid"]["labels"] = pairs([[0, 0, 0, 0], [1, 1, 0, 0]])
    expect(
        error_of(save(path, data), folder, "--single-label"),
        f"{path}: validation: labels: expected exactly one label a sample for --single-label, got another number in "
        "2 of 2 samples",
    )


def test_labels_of_minus_one_and_one_become_classes(folder):
    data = with_labels([-1, 1, 1], [-1, 1], [-1.0])
    splits, _ = converted(folder, save(folder / "sarcasm.pkl", data))
    expect(splits["train"]["labels"].tolist(), [0, 1, 1])
    expect(splits["test"]["labels"].tolist(), [0])


def test_labels_that_are_no_classes_stay_values(folder):
    data = with_labels(np.array([[[-2.5]], [[1]], [[3]]]), np.array([[[1]], [[0]]]), np.array([[[0]]]))
    splits, printed = converted(folder, save(folder / "mosi.pkl", data))
    expect(splits["train"]["labels"].tolist(), [[-2.5], [1], [3]])
    expect(splits["test"]["labels"].shape, (1, 1))
    expect(splits["test"]["labels"].dtype, np.float32)
    assert "values -2.5 to 3" in printed, printed


def test_labels_that_do_not_fit_are_refused(folder):
    path = folder / "data.pkl"
    expect(
        error_of(save(path, with_labels([0, 1, np.nan], [0, 1], [0])), folder),
        f"{path}: train: labels: expected finite numbers [N], [N, C] or [N, C, 2], got [3]",
    )
    assert "labels: expected numbers" in error_of(save(path, with_labels(["a", "b", "c"], [0, 1], [0])), folder)
    assert "expected one shape in all splits" in error_of(
        save(path, with_labels(np.zeros((3, 4)), np.zeros((2, 3)), np.zeros((1, 4)))), folder
    )
    expect(
        error_of(save(path, with_labels([], [0, 1], [0])), folder),
        f"{path}: train: labels: expected at least one, got none",
    )


# --- the release of UR-Funny ---


def ur_funny(folder, language="language_sdk"):
    folder.mkdir()
    embeddings = [np.full(6, 10.0 * i) for i in range(5)]
    folds = {"train": [1, 2, 3], "dev": [4], "test": [5]}
    words = {1: [1, 2, 3], 2: [4], 3: [], 4: [2, 2], 5: [0, 1]}
    context = {i: [[3], [4, 1]] for i in words}
    features = {"covarep_features_sdk": 4, "openface_features_sdk": 5}
    save(folder / "data_folds.pkl", folds)
    save(folder / "humor_label_sdk.pkl", {i: i % 2 for i in words})
    save(folder / "word_embedding_list.pkl", embeddings)
    save(
        folder / f"{language}.pkl",
        {i: {"punchline_embedding_indexes": words[i], "context_embedding_indexes": context[i]} for i in words},
    )
    for name, width in features.items():
        samples = {
            i: {
                "punchline_features": [[float(i)] * width for _ in words[i]],
                "context_features": [[[0.5] * width for _ in sentence] for sentence in context[i]],
            }
            for i in words
        }
        if name.startswith("openface"):
            del samples[2]
        save(folder / f"{name}.pkl", samples)
    return folder


def test_the_release_of_ur_funny_is_read(folder):
    for i, language in enumerate(("language_sdk", "word_embedding_indexes_sdk")):
        splits, printed = converted(folder, ur_funny(folder / f"release{i}", language))
        train = splits["train"]
        expect(train["text"].shape, (3, 3, 6))
        expect(train["text"][:, :, 0].tolist(), [[10, 20, 30], [40, 0, 0], [0, 0, 0]])
        expect(train["text_lengths"].tolist(), [3, 1, 0])
        expect(train["audio"][:, :, 3].tolist(), [[1, 1, 1], [2, 0, 0], [0, 0, 0]])
        expect(train["vision_lengths"].tolist(), [3, 0, 0])
        expect(train["labels"].tolist(), [1, 0, 1])
        expect(ids(train), ["1", "2", "3"])
        # A word whose embedding is all zeros is a word: nothing says padding here.
        expect(splits["test"]["text_lengths"].tolist(), [2])
        assert "vision [3, 3, 5], lengths 0 to 3, 2 absent" in printed, printed


def test_context_comes_before_the_punchline(folder):
    splits, _ = converted(folder, ur_funny(folder / "release"), "--context")
    expect(
        splits["train"]["text"][:, :, 0].tolist(),
        [[30, 40, 10, 10, 20, 30], [30, 40, 10, 40, 0, 0], [30, 40, 10, 0, 0, 0]],
    )
    expect(splits["train"]["audio_lengths"].tolist(), [6, 4, 3])


def test_a_release_that_is_not_whole_is_refused(folder):
    release = ur_funny(folder / "release")
    save(release / "humor_label_sdk.pkl", {1: 0, 2: 1, 3: 0, 4: 1})
    expect(
        error_of(release, folder),
        f"{release}/humor_label_sdk.pkl: test: expected a label for each of 1 samples, got none for [5]",
    )
    save(release / "humor_label_sdk.pkl", {i: 0 for i in range(6)})
    save(release / "word_embedding_list.pkl", [np.zeros(6)] * 3)
    expect(
        error_of(release, folder),
        f"{release}/language_sdk.pkl: sample 1: expected word indexes in [0, 3), got 1 to 3",
    )
    save(release / "covarep_features_sdk.pkl", [1, 2])
    save(release / "word_embedding_list.pkl", [np.zeros(6)] * 5)
    expect(
        error_of(release, folder), f"{release}/covarep_features_sdk.pkl: expected a dict by sample, got list"
    )
    save(release / "covarep_features_sdk.pkl", {1: {"punchline": []}})
    expect(
        error_of(release, folder),
        f'{release}/covarep_features_sdk.pkl: sample 1: expected the key "punchline_features", got punchline',
    )
    (release / "openface_features_sdk.pkl").unlink()
    (release / "language_sdk.pkl").unlink()
    expect(
        error_of(release, folder),
        f"{release}: expected the UR-Funny release, got a folder without language_sdk.pkl, openface_features_sdk.pkl",
    )
    path = save(folder / "data.pkl", multibench())
    expect(error_of(path, folder, "--context"), f"{path}: expected the folder of the UR-Funny release for --context")


# --- files that do not fit ---


def test_other_keys_are_named(folder):
    path = folder / "data.pkl"
    expect(
        error_of(save(path, {"train": {}, "eval": {}}), folder),
        f'{path}: train: expected the key "labels", got no keys',
    )
    data = multibench()
    data["evaluation"] = data.pop("valid")
    expect(
        error_of(save(path, data), folder),
        f'{path}: expected the key "validation" or "valid" or "val" or "dev", got train, test, evaluation',
    )
    data = multibench()
    data["test"]["visual"] = data["test"].pop("vision")
    expect(
        error_of(save(path, data), folder),
        f'{path}: test: expected the key "vision", got labels, text, audio, visual',
    )
    expect(error_of(save(path, [1, 2]), folder), f"{path}: expected a dict, got list")


def test_shapes_that_do_not_fit_are_named(folder):
    path = folder / "data.pkl"
    data = multibench()
    data["train"]["text"] = data["train"]["text"][:2]
    expect(error_of(save(path, data), folder), f"{path}: train: text: expected 3 samples as in labels, got 2")
    data = multibench()
    data["test"]["text"] = np.ones((1, 8))
    expect(error_of(save(path, data), folder), f"{path}: test: text: sample test:0: expected [T, D], got [8]")
    data["test"]["text"] = 5
    expect(error_of(save(path, data), folder), f"{path}: test: text: expected an array or a list, got int")
    data["test"]["text"] = np.ones((1, 8, 7))
    expect(error_of(save(path, data), folder), f"{path}: test: text: expected 6 features as in train, got 7")
    data["test"]["text"] = np.zeros((1, 8, 6))
    expect(
        error_of(save(path, data), folder),
        f"{path}: test: text: expected a sequence with at least one step, got none",
    )
    data["train"]["text"] = [np.ones((2, 6)), np.ones((2, 6)), np.ones((2, 7))]
    expect(
        error_of(save(path, data), folder),
        f"{path}: train: text: expected one number of features for every step, got 6 (sample a:0.5), 7 (sample c:2)",
    )
    data["train"]["text"] = [[[1, 2], [3]], [[1, 2]], [[1, 2]]]
    assert "text: sample a:0.5: expected numbers in rows of one length" in error_of(save(path, data), folder)
    data = multibench()
    data["train"]["id"] = ["a"]
    expect(error_of(save(path, data), folder), f"{path}: train: id: expected 3 ids as in labels, got 1")


class Runs:
    """Unpickling runs a command."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def test_a_malicious_pickle_is_refused_by_name_and_not_run(folder):
    path, marker = folder / "data.pkl", folder / "marker"
    for function, arguments in (
        (os.system, (f"touch {marker}",)),
        (eval, (f"open({str(marker)!r}, 'w')",)),
        (subprocess.check_output, (["touch", str(marker)],)),
        (np.load, (str(path),)),
        (getattr, ("text", "upper")),
    ):
        data = multibench()
        data["train"]["id"] = Runs(function, *arguments)
        for protocol in (0, 2, 4):
            error = error_of(save(path, data, protocol), folder)
            # Older protocols use the names of Python 2.
            assert error.startswith(f"{path}: refused: it names "), error
        name = f"{function.__module__}.{function.__name__}"
        expect(error, f"{path}: refused: it names {name}, and only arrays and plain containers are read")
    assert not marker.exists()
    assert not (folder / "out").exists()


def test_arrays_cannot_pass_addresses_off_as_objects(folder):
    """numpy's own unpickling of a dtype would believe flags that say: these bytes are no objects."""
    path = folder / "data.pkl"

    class Dtype:
        def __reduce__(self):
            return np.dtype, ("O8", False, True), (3, "|", None, None, None, -1, -1, 0)

    class Array:
        def __reduce__(self):
            reconstruct = np.zeros(1).__reduce__()[0]
            return reconstruct, (np.ndarray, (0,), b"b"), (1, (2,), Dtype(), False, b"\x41" * 16)

    data = multibench()
    data["train"]["id"] = Array()
    assert "damaged file" in error_of(save(path, data), folder)
    data["train"]["id"] = np.zeros(3, dtype=[("a", "f8"), ("b", "i4")])
    expect(error_of(save(path, data), folder), f"{path}: refused: arrays of dtype V12 are not read")


def test_damaged_files_are_named(folder):
    path = save(folder / "data.pkl", multibench())
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    for length in random.integers(0, len(whole), 25):
        path.write_bytes(whole[:length])
        assert error_of(path, folder).startswith(f"{path}: expected a pickle, got a damaged file: ")
    for _ in range(25):
        damaged = bytearray(whole)
        damaged[random.integers(0, 400)] ^= int(random.integers(1, 256))
        path.write_bytes(damaged)
        status, _, error = convert(path, folder / "out")
        assert status == 0 or (status == 1 and "Traceback" not in error), error
    missing = folder / "missing.pkl"
    expect(error_of(missing, folder), f"{missing}: No such file or directory")


def main():
    tests = [value for name, value in globals().items() if name.startswith("test_")]
    for test in tests:
        with tempfile.TemporaryDirectory() as folder:
            test(pathlib.Path(folder))
        print(f"passed: {test.__name__}", flush=True)


main()
