"""Docstrings as reStructuredText. They are plain text with Unicode formulas, so that `help()` reads well."""

import re
from collections.abc import Collection

SECTION = re.compile(r'docs/mathematics\.md, ("[^"]+"(?:(?:,| and) "[^"]+")*)')


def as_rst(text: str, parameters: Collection[str] = ()) -> list[str]:
    """The lines. Paragraphs of `name: what it is` become lists of the parameters, and what is aligned stays so."""
    lines: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        rows = paragraph.split("\n")
        told = [re.match(r"(\w+): (.*)", row) for row in rows]
        if told[0] and told[0][1] in parameters:
            for row, found in zip(rows, told, strict=True):
                named = found and found[1] in parameters
                lines.append(f":param {found[1]}: {_inline(found[2])}" if named else f"    {_inline(row.strip())}")
        elif any(re.search(r"\S {2,}\S|^ {2,}\S", row) for row in rows):
            lines += [f"| {_inline(row).replace('  ', 2 * chr(0xA0))}" for row in rows]
        else:
            lines += _inline(paragraph).split("\n")
        lines.append("")
    return lines


def _inline(text: str) -> str:
    """A line with its code as code, its pointers to the mathematics as links, and nothing else with a meaning."""
    parts = re.split(r"`([^`]+)`", text)
    parts[::2] = [_links(part) for part in parts[::2]]
    parts[1::2] = [f"\\ ``{part}``\\ " for part in parts[1::2]]  # with separators that are not seen
    return "".join(parts)


def _links(text: str) -> str:
    def link(found: re.Match[str]) -> str:
        return re.sub(
            r'"([^"]+)"', lambda title: f"`{title[1]} <../docs/mathematics.html#{_slug(title[1])}>`__", found[1]
        )

    pieces, position = [], 0
    for found in SECTION.finditer(text):
        pieces += [_escaped(text[position : found.start()]), link(found)]
        position = found.end()
    return "".join([*pieces, _escaped(text[position:])])


def _escaped(text: str) -> str:
    return re.sub(r"([\\*_|`])", r"\\\1", text)


def _slug(heading: str) -> str:
    """The anchor that GitHub, and MyST with it, makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
