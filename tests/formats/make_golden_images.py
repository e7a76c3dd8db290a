# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Writes golden_images.hpp: small files that Pillow wrote, and what Pillow reads from them.

    python3 tests/formats/make_golden_images.py > tests/formats/golden_images.hpp
"""
import io
import sys

import numpy as np
from PIL import Image, features


def picture(height, width):
    """Smooth colours with edges, so that chroma is interpolated and clipped."""
    y, x = np.mgrid[0:height, 0:width]
    red = 127 + 120 * np.sin(x / 2.0 + y / 5.0)
    green = 255.0 * y / (height - 1)
    blue = np.where((x // 4 + y // 4) % 2 == 0, 250, 10)
    return np.stack([red, green, blue], -1).round().astype(np.uint8)


def encode(image, **settings):
    buffer = io.BytesIO()
    image.save(buffer, **settings)
    return buffer.getvalue()


def planes(data, mode):
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert(mode))
    return pixels.reshape(*pixels.shape[:2], -1).transpose(2, 0, 1).tobytes()


def text(data):
    digits = data.hex()
    lines = [digits[i : i + 110] for i in range(0, len(digits), 110)]
    return "\n".join(f'     "{line}"' for line in lines).lstrip()


def entry(name, height, width, data, rgb=None, grey=None):
    rgb = planes(data, "RGB") if rgb is None else rgb
    grey = planes(data, "L") if grey is None else grey
    return f'    {{"{name}", {height}, {width},\n     {text(data)},\n     {text(rgb)},\n     {text(grey)}}},'


def entries():
    colour = Image.fromarray(picture(13, 18))
    jpeg = dict(format="JPEG", quality=80, optimize=True)
    yield entry("JPEG 4:2:0", 13, 18, encode(colour, subsampling="4:2:0", **jpeg))
    yield entry("JPEG 4:4:4 progressive", 13, 18, encode(colour, subsampling="4:4:4", progressive=True, **jpeg))
    yield entry("JPEG grey", 13, 18, encode(colour.convert("L"), **jpeg))

    small = Image.fromarray(picture(5, 7))
    yield entry("PNG colour", 5, 7, encode(small, format="PNG"))
    yield entry("PNG grey", 5, 7, encode(small.convert("L"), format="PNG"))
    yield entry("PNG black and white", 5, 7, encode(small.convert("1"), format="PNG"))
    few = small.quantize(4)
    yield entry("PNG palette of 4", 5, 7, encode(few, format="PNG", bits=2))
    yield entry("PNG palette with a transparent colour", 5, 7, encode(few, format="PNG", bits=2, transparency=1))
    clear = small.copy()
    clear.putalpha(small.getchannel("R"))
    yield entry("PNG with alpha", 5, 7, encode(clear, format="PNG"))
    yield entry("PNG grey with alpha", 5, 7, encode(clear.convert("LA"), format="PNG"))


def depth_map():
    """Grey of 16 bits: 1000, 1004 ... 1252."""
    depths = np.arange(1000, 1256, 4, dtype=np.uint16).reshape(8, 8)
    return encode(Image.fromarray(depths), format="PNG")


print(f"""// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

// Made by tests/formats/make_golden_images.py with Pillow {sys.modules["PIL"].__version__} on libjpeg-turbo \
{features.version("libjpeg_turbo")}; do not edit.

#include <array>
#include <cstdint>
#include <string_view>

namespace g2d_test {{

/// A file, and what `Image.open(file).convert("RGB")` and `convert("L")` give, as [C, H, W]; all in hexadecimal.
struct GoldenImage {{
  std::string_view name;
  std::int64_t height;
  std::int64_t width;
  std::string_view file;
  std::string_view rgb;
  std::string_view grey;
}};

// clang-format off
inline constexpr std::array golden_images{{std::to_array<GoldenImage>({{""")
print("\n".join(entries()))
print(f"""}})}};

/// 1000, 1004 ... 1252 as an 8 x 8 PNG of 16 bits (Pillow's mode I;16).
inline constexpr std::string_view depth_map =
     {text(depth_map())};
// clang-format on

}}  // namespace g2d_test""")
