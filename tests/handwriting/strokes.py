"""Digits drawn by code, as a pen would: strokes through a few points, of any size, width and place.

They are nobody's handwriting, and no part of MNIST. The example pictures in resources/handwriting come from here:
python -m tests.handwriting.strokes
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

# The strokes of each digit, parted by "|": points x,y in hundredths of its height, y downwards.
STROKES = {
    0: "35,0 10,20 4,55 14,90 35,100 56,85 65,45 55,12 35,0",
    1: "22,0 17,50 10,100",
    2: "5,20 20,2 45,3 55,22 42,50 10,92 | 10,92 35,90 65,97",
    3: "5,10 30,0 50,12 45,35 22,47 | 22,47 50,55 58,78 40,97 2,94",
    4: "12,2 6,30 4,50 | 4,50 30,52 60,46 | 55,0 50,50 47,100",
    5: "58,0 15,3 | 15,3 10,42 | 10,42 40,42 55,65 42,92 2,98",
    6: "42,0 15,30 4,70 20,98 45,92 52,70 36,56 10,70",
    7: "0,8 30,6 60,2 | 60,2 42,40 30,100",
    8: "52,12 28,0 8,15 20,40 45,60 50,85 26,100 6,84 18,60 42,40 52,12",
    9: "50,20 28,0 5,20 14,45 36,44 50,20 | 50,20 47,60 40,100",
}


def drawn(
    digit: int,
    field: tuple[int, int] = (280, 280),
    height: float = 180,
    width: float = 20,
    middle: tuple[float, float] | None = None,
    slant: float = 0.0,
) -> np.ndarray:
    """Ink (255 on 0) of a digit, its edges smooth. Sizes in pixels: of the field, the digit, and the pen's width.

    `middle` is where the middle of the digit's box comes, by default the middle of the field.
    """
    strokes = [
        smooth(np.array([pair.split(",") for pair in text.split()], float) / 100) for text in STROKES[digit].split("|")
    ]
    points = np.concatenate(strokes)
    box = (points.min(axis=0) + points.max(axis=0)) / 2
    middle = middle or (field[1] / 2, field[0] / 2)
    y, x = np.mgrid[: field[0], : field[1]] + 0.5
    distance = np.full(field, np.inf)
    for stroke in strokes:
        placed = (stroke - box) * height
        placed[:, 0] -= slant * placed[:, 1]
        placed += middle
        for (ax, ay), (bx, by) in pairwise(placed.tolist()):
            dx, dy = bx - ax, by - ay
            along = np.clip(((x - ax) * dx + (y - ay) * dy) / (dx**2 + dy**2), 0, 1)  # the nearest point's place
            np.minimum(distance, np.hypot(x - ax - along * dx, y - ay - along * dy), out=distance)
    return np.rint(255 * np.clip(width / 2 - distance + 0.5, 0, 1)).astype(np.uint8)


def smooth(points: np.ndarray, pieces: int = 6) -> np.ndarray:
    """A curve through the points (Catmull and Rom's spline), as many short lines."""
    if len(points) < 3:
        return points
    p = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, pieces, endpoint=False)[:, np.newaxis]
    curves = [
        b + t / 2 * (c - a) + t**2 / 2 * (2 * a - 5 * b + 4 * c - d) + t**3 / 2 * (3 * b - a - 3 * c + d)
        for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True)
    ]
    return np.concatenate([*curves, points[-1:]])


def on_paper(ink: np.ndarray, shade: float = 0.5, noise: float = 0.02, pen: float = 0.75, seed: int = 0) -> np.ndarray:
    """A photograph of ink: brightness of 0 to 1, the light falling off by `shade` from one corner to the other."""
    y, x = np.meshgrid(*(np.linspace(0, 1, length) for length in ink.shape), indexing="ij")
    light = 0.95 - shade * (x + y) / 2 - 0.1 * (x - 0.4) ** 2
    grain = np.random.default_rng(seed).normal(0, noise, ink.shape)
    return np.clip(light * (1 - pen * ink / 255) + grain, 0, 1)


def bytes_of(brightness: np.ndarray) -> Image.Image:
    return Image.fromarray(np.rint(brightness * 255).astype(np.uint8))


def examples(directory: Path) -> None:
    """The pictures in resources/handwriting: what a drawing program, a phone and a board make of digits."""
    Image.fromarray(255 - drawn(2, (240, 320), 90, 11, (90, 70))).save(directory / "two.png")
    photograph = on_paper(drawn(3, (480, 360), 230, 16, (200, 250), slant=0.15))
    tinted = np.stack([photograph, photograph * 0.96, photograph * 0.87], axis=-1)
    Image.fromarray(np.rint(tinted * 255).astype(np.uint8)).save(directory / "three.jpg", quality=70)
    five = drawn(5, (200, 200), 150, 26)
    blue = np.broadcast_to(np.array([20, 60, 200], np.uint8), (*five.shape, 3))
    Image.fromarray(np.dstack([blue, five])).save(directory / "five.png")
    bytes_of(0.15 + 0.7 * drawn(7, (300, 260), 200, 30, slant=0.2) / 255.0).save(directory / "seven.png")
    bytes_of(on_paper(drawn(8, (260, 260), 170, 6), shade=0.2, noise=0.0, pen=0.5)).save(directory / "eight.png")


if __name__ == "__main__":
    examples(Path(__file__).parents[2] / "resources" / "handwriting")
