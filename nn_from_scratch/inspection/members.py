"""The members of an ensemble: the accuracy of each, and how often they disagree.

An ensemble can be better than its members only if they make different mistakes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from nn_from_scratch.inspection.answers import Answers
from nn_from_scratch.inspection.tables import percentage


@dataclass(frozen=True)
class Members:
    """The counts of an ensemble's members on the test images."""

    right: list[int]  # the number of right answers of each member
    disagreed: int  # the number of images for which not all members give the same answer

    @property
    def mean(self) -> float:
        """The mean number of right answers."""
        return float(np.mean(self.right))

    @property
    def deviation(self) -> float:
        """The sample standard deviation of these numbers; NaN for a single member."""
        return float(np.std(self.right, ddof=1)) if len(self.right) > 1 else float("nan")


def members_of(found: Answers) -> Members | None:
    """The members' results if the answers are those of an ensemble, else None."""
    if found.of_members is None:
        return None
    right = (found.of_members == found.actual).sum(axis=1).tolist()
    return Members(right, int((found.of_members != found.of_members[0]).any(axis=0).sum()))


def members_text(found: Members, images: int, samples: str = "images") -> str:
    """A line for each member, their mean with its standard deviation, and how often they disagree."""
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
