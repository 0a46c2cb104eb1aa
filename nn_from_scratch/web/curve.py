"""The learning curve, never longer than a page can draw: a point for every step, later for every 2nd, 4th, 8th …"""

from typing import NamedTuple

MOST_POINTS = 4000


class Point(NamedTuple):
    """One step, with the loss and the accuracy on its batch before the update."""

    step: int
    epoch: float
    loss: float
    accuracy: float
    learning_rate: float


class Curve:
    """`points[i]` belongs to the step (i + 1) · `every`; when there are too many, every other one is dropped."""

    def __init__(self, most: int = MOST_POINTS):
        self.most = most
        self.every = 1
        self.points: list[Point] = []

    def add(self, point: Point) -> None:
        if point.step % self.every:
            return
        self.points.append(point)
        if len(self.points) > self.most:
            self.every *= 2
            self.points = [kept for kept in self.points if kept.step % self.every == 0]
