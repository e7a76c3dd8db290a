# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Files that NumPy itself wrote, for the cases tagged [python]: `numpy_files.py FOLDER`; without it, whether NumPy is there."""
import sys

import numpy as np

DTYPES = "b1 u1 i1 i2 i4 i8 u2 u4 u8 f2 f4 f8 c8 c16".split()


def values(dtype):
    return (np.arange(24) % 2 if dtype == "b1" else np.arange(24)).reshape(2, 3, 4).astype(dtype)


def main(folder):
    arrays = {dtype: values(dtype) for dtype in DTYPES}
    for dtype, array in arrays.items():
        np.save(f"{folder}/{dtype}.npy", array)
        np.save(f"{folder}/{dtype}.fortran.npy", np.asfortranarray(array))
    for version in (1, 2, 3):
        with open(f"{folder}/version{version}.npy", "wb") as file:
            np.lib.format.write_array(file, arrays["f4"], version=(version, 0))
    np.save(f"{folder}/scalar.npy", np.float64(7.5))
    np.save(f"{folder}/vector.npy", np.arange(5))
    np.save(f"{folder}/empty.npy", np.zeros((0, 3), "f4"))
    np.save(f"{folder}/big_endian.npy", arrays["f4"].astype(">f4"))
    np.save(f"{folder}/objects.npy", np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
    np.save(f"{folder}/texts.npy", np.array(["one", "two"]))
    np.save(f"{folder}/records.npy", np.zeros(3, dtype=[("x", "f4"), ("y", "i4")]))
    np.save(f"{folder}/times.npy", np.zeros(3, dtype="M8[s]"))
    np.savez(f"{folder}/stored.npz", **arrays, **{"deep/name": np.asfortranarray(arrays["f4"])})
    np.savez_compressed(f"{folder}/deflated.npz", **arrays, **{"deep/name": np.asfortranarray(arrays["f4"])})
    np.savez(f"{folder}/unnamed.npz", np.arange(3), np.zeros(0))
    np.savez(f"{folder}/none.npz")
    np.savez(f"{folder}/objects.npz", sound=np.arange(3), bad=np.array([None], dtype=object))


if len(sys.argv) > 1:
    main(sys.argv[1])
