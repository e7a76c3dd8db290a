# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
"""Blocks as one HTML file that needs nothing else."""

from __future__ import annotations

import html

from .document import Block, Bullets, Code, Figure, Fold, Heading, Paragraph, Table

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff; margin: 0 auto; max-width: 1100px;
  padding: 1rem; overflow-wrap: anywhere; }
h1, h2, h3 { line-height: 1.2; }
h2 { border-top: 2px solid #1b1f24; margin-top: 3rem; padding-top: .7rem; }
h3 { margin-top: 2rem; }
nav a { display: inline-block; margin-right: 1rem; }
pre { background: #f4f5f7; overflow-x: auto; padding: .7rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
th, td { border-bottom: 1px solid #d8dce1; padding: .25rem .6rem; text-align: right; vertical-align: top; white-space: nowrap; }
th { border-bottom: 2px solid #8b939d; }
th.text, td.text { text-align: left; }
tbody tr:hover { background: #f4f5f7; }
td:first-child, th:first-child { background: #fff; left: 0; position: sticky; }
figure { margin: 1rem 0; }
figure .wide svg { display: block; height: auto; max-width: 100%; min-width: min(100%, 520px); }
@media (max-width: 560px) { figure .wide svg { min-width: 520px; max-width: none; } }
figcaption { color: #57606a; font-size: .9rem; }
details { margin: 1rem 0; }
summary { cursor: pointer; font-weight: 600; }
"""


def _anchor(number: int) -> str:
    return f"part-{number}"


def table(block: Table) -> str:
    def row(cells: list[str], tag: str) -> str:
        written = (
            f"<{tag}{' class=text' if i in block.text_columns else ''}>{html.escape(cell)}</{tag}>"
            for i, cell in enumerate(cells)
        )
        return f"<tr>{''.join(written)}</tr>"

    body = "\n".join(row(cells, "td") for cells in block.rows)
    return f"<div class=wide><table><thead>{row(block.header, 'th')}</thead>\n<tbody>{body}</tbody></table></div>"


class _Writer:
    """Numbers the chapters, to which the list at the top points."""

    def __init__(self) -> None:
        self.chapters: list[str] = []

    def text(self, block: Block) -> str:
        match block:
            case Heading(text, 2):
                self.chapters.append(text)
                return f"<h2 id={_anchor(len(self.chapters))}>{html.escape(text)}</h2>"
            case Heading(text, level):
                return f"<h{level}>{html.escape(text)}</h{level}>"
            case Paragraph(text):
                return f"<p>{html.escape(text)}</p>"
            case Bullets(items):
                return f"<ul>{''.join(f'<li>{html.escape(item)}</li>' for item in items)}</ul>"
            case Code(text):
                return f"<pre>{html.escape(text)}</pre>"
            case Table():
                return table(block)
            case Figure(svg, caption):
                return f"<figure><div class=wide>{svg}</div><figcaption>{html.escape(caption)}</figcaption></figure>"
            case Fold(title, blocks):
                inside = "\n".join(map(self.text, blocks))
                return f"<details><summary>{html.escape(title)}</summary>\n{inside}</details>"
        raise TypeError(f"no HTML for {block!r}")


def render(blocks: list[Block]) -> str:
    writer = _Writer()
    title, *rest = blocks
    body = "\n".join(map(writer.text, rest))
    links = "".join(f"<a href=#{_anchor(i)}>{html.escape(text)}</a>" for i, text in enumerate(writer.chapters, 1))
    return (
        "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title.text)}</title><style>{STYLE}</style></head>\n"
        f"<body>{writer.text(title)}\n<nav>{links}</nav>\n{body}\n</body></html>\n"
    )
