# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Writes golden/*.json, what librosa and Pillow make of small inputs.

    pip install librosa pillow numpy && python make_golden.py
"""

import json
import pathlib

import librosa
import numpy as np
import PIL
from PIL import Image

FOLDER = pathlib.Path(__file__).parent / "golden"
VERSIONS = {"librosa": librosa.__version__, "numpy": np.__version__, "pillow": PIL.__version__}


def write(name, content):
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / name).write_text(json.dumps({"versions": VERSIONS, **content}, separators=(",", ":")) + "\n")


def recording(length=4000, rate=16000):
    """Two tones, a click and noise, as 16-bit samples; the library divides them by 32768."""
    time = np.arange(length) / rate
    sound = 0.4 * np.sin(2 * np.pi * 440 * time) + 0.2 * np.sin(2 * np.pi * 3100 * time + 1)
    sound[length // 3] += 0.5
    sound += np.random.default_rng(0).normal(0, 0.03, length)
    return np.round(32767 * np.clip(sound, -1, 1)).astype(int)


def spectrograms(samples):
    sound = samples / 32768
    cases = []
    for n_fft, hop in ((512, 353), (256, 128)):
        for padding, pad_mode in (("zeros", "constant"), ("reflect", "reflect")):
            magnitude = np.abs(librosa.stft(sound, n_fft=n_fft, hop_length=hop, pad_mode=pad_mode))
            frames = [0, magnitude.shape[1] // 2, magnitude.shape[1] - 1]
            cases.append({
                "n_fft": n_fft, "hop": hop, "padding": padding, "log_offset": 1e-7, "shape": magnitude.shape,
                "largest": magnitude.max(), "frames": frames, "magnitude": magnitude[:, frames].T.tolist(),
                "log": np.log(magnitude[:, frames] + 1e-7).T.tolist(),
            })
    return cases


def mel_spectrograms(samples):
    sound = samples / 32768
    cases = []
    for rate, n_fft, hop, bands, f_min, f_max in ((16000, 512, 256, 40, 0, 8000), (22050, 512, 353, 24, 50, 7600)):
        stft = dict(n_fft=n_fft, hop_length=hop, pad_mode="constant")
        mel = dict(sr=rate, n_mels=bands, fmin=f_min, fmax=f_max)
        filters = librosa.filters.mel(n_fft=n_fft, dtype=np.float64, **mel)  # melspectrogram's own are rounded to float32
        power = filters @ np.abs(librosa.stft(sound, **stft)) ** 2
        np.testing.assert_allclose(power, librosa.feature.melspectrogram(y=sound, **stft, **mel), rtol=1e-6)
        frames = [0, power.shape[1] // 2, power.shape[1] - 1]
        cases.append({
            "sample_rate": rate, "n_fft": n_fft, "hop": hop, "bands": bands, "f_min": f_min, "f_max": f_max,
            "shape": power.shape, "filter_sums": filters.sum(1).tolist(), "frames": frames,
            "power": power[:, frames].T.tolist(),
        })
    return cases


def resized():
    """Noise over a gradient: every level and sharp edges."""
    height, width = 23, 31
    rows, columns = np.mgrid[0:height, 0:width]
    gradient = (rows * 7 + columns * 4)[..., None] + np.array([0, 40, 80])
    noise = np.random.default_rng(1).integers(-90, 90, (height, width, 3))
    colour = np.clip(gradient + noise, 0, 255).astype(np.uint8)
    images = {"rgb": colour, "grey": colour[..., :1]}
    sizes = ((10, 12), (7, 31), (23, 9), (40, 50), (11, 45), (64, 2))
    cases = []
    for name, pixels in images.items():
        image = Image.fromarray(pixels.squeeze())
        for target in sizes:
            out = np.asarray(image.resize(target[::-1], Image.BILINEAR)).reshape(*target, -1)
            cases.append({"image": name, "height": target[0], "width": target[1],
                          "pixels": out.transpose(2, 0, 1).ravel().tolist()})
    shown = {name: {"shape": [pixels.shape[2], height, width], "pixels": pixels.transpose(2, 0, 1).ravel().tolist()}
             for name, pixels in images.items()}
    return {"images": shown, "cases": cases}


samples = recording()
write("stft.json", {"samples": samples.tolist(), "cases": spectrograms(samples)})
write("mel.json", {"cases": mel_spectrograms(samples)})  # of the samples in stft.json
write("resize.json", resized())
