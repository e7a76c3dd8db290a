# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Blocks as Markdown."""

from __future__ import annotations

import re

from .document import Block, Bullets, Code, Figure, Fold, Heading, Paragraph, Table


def escape(text: str) -> str:
    """No character is taken for markup, and a cell stays a cell."""
    flat = " ".join(text.split())
    return re.sub(r"[\\`*|]|<(?=[A-Za-z/!?])|\](?=\()|(?<!\w)_|_(?!\w)", r"\\\g<0>", flat)


def table(block: Table) -> str:
    cells = [[escape(cell) for cell in row] for row in (block.header, *block.rows)]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(block.header))]
    is_text = [i in block.text_columns for i in range(len(widths))]

    def line(row: list[str]) -> str:
        padded = (cell.ljust(width) if left else cell.rjust(width) for cell, width, left in zip(row, widths, is_text))
        return f"| {' | '.join(padded)} |"

    rule = "|".join("-" * (width + 2) if left else "-" * (width + 1) + ":" for width, left in zip(widths, is_text))
    return "\n".join([line(cells[0]), f"|{rule}|", *map(line, cells[1:])])


def block_text(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {escape(text)}"
        case Paragraph(text):
            return escape(text)
        case Bullets(items):
            return "\n".join(f"- {escape(item)}" for item in items)
        case Code(text):
            fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
            return f"{fence}\n{text}\n{fence}"
        case Table():
            return table(block)
        case Fold(title, blocks):
            return "\n\n".join([f"**{escape(title)}**", *map(block_text, _written(blocks))])
    raise TypeError(f"no Markdown for {block!r}")


def _written(blocks: list[Block]) -> list[Block]:
    return [block for block in blocks if not isinstance(block, Figure)]


def render(blocks: list[Block]) -> str:
    return "\n\n".join(map(block_text, _written(blocks))) + "\n"
