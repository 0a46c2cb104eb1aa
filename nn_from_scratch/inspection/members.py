"""The members of an ensemble: how good each is by itself, and how often they don't agree.

An ensemble is better than its members only where they make different mistakes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from nn_from_scratch.inspection.answers import Answers
from nn_from_scratch.inspection.tables import percentage


@dataclass(frozen=True)
class Members:
    """What the members of an ensemble answer to the test images."""

    right: list[int]  # of each member, how many of its answers
    disagreed: int  # the number of images to which not all of them give the same answer

    @property
    def mean(self) -> float:
        """Of the numbers of right answers."""
        return float(np.mean(self.right))

    @property
    def deviation(self) -> float:
        """Their sample standard deviation; NaN for a single member, of which nobody can tell."""
        return float(np.std(self.right, ddof=1)) if len(self.right) > 1 else float("nan")


def members_of(found: Answers) -> Members | None:
    """What is known about the members, where the answers are those of an ensemble."""
    if found.of_members is None:
        return None
    right = (found.of_members == found.actual).sum(axis=1).tolist()
    return Members(right, int((found.of_members != found.of_members[0]).any(axis=0).sum()))


def members_text(found: Members, images: int, samples: str = "images") -> str:
    """A line for each member, their mean with its spread, and how often they disagree."""
    lines = [f"{number:>5}  {percentage(right, images)}" for number, right in enumerate(found.right, 1)]
    spread = f" ± {percentage(found.deviation, images)}" if len(found.right) > 1 else ""
    return "\n".join(
        [
            "accuracy of each member",
            *lines,
            f" mean  {percentage(found.mean, images)}{spread}",
            f"the members disagree on {percentage(found.disagreed, images)} of the {samples} ({found.disagreed:,})",
        ]
    )


def members_object(found: Members, images: int) -> dict[str, Any]:
    """The same as plain Python values, for JSON."""
    return {
        "accuracies": [right / images for right in found.right],
        "right": found.right,
        "mean_accuracy": found.mean / images,
        "accuracy_deviation": found.deviation / images if len(found.right) > 1 else None,
        "disagreement": found.disagreed / images,
        "disagreed": found.disagreed,
    }
