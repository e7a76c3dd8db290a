# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""A report as blocks, which Markdown and HTML write each in its way."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Heading:
    text: str
    level: int


@dataclass(frozen=True)
class Paragraph:
    text: str


@dataclass(frozen=True)
class Bullets:
    items: list[str]


@dataclass(frozen=True)
class Code:
    text: str


@dataclass(frozen=True)
class Table:
    """The first column is text, the others are numbers unless named in `text_columns`."""

    header: list[str]
    rows: list[list[str]]
    text_columns: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Figure:
    """SVG, and what it shows in words. Markdown leaves it out."""

    svg: str
    caption: str


@dataclass(frozen=True)
class Fold:
    """What few will read: closed at first in HTML."""

    title: str
    blocks: list[Block] = field(default_factory=list)


Block = Heading | Paragraph | Bullets | Code | Table | Figure | Fold
