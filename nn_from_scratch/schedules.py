"""The learning rate as a function of the step.

Long steps find the valley, and short steps its floor, so most recipes start with a high rate and end with a low one. A
schedule is called with the number of steps already taken and returns the rate of the next step. In order of difficulty:
Constant, StepDecay, Cosine, OneCycle. Maths: docs/mathematics.md, "Learning-rate schedules".
"""

from math import cos, pi

from nn_from_scratch.words import Table


class Schedule:
    """η(s) for the step s = 0, 1, …, total_steps − 1. From s = total_steps on, it stays the same."""

    def __init__(self, peak: float, total_steps: int):
        if not 0 < peak < float("inf"):
            raise ValueError(f"a learning rate must be a finite number above 0, not {peak}")
        if total_steps < 1:
            raise ValueError(f"a schedule needs at least 1 step, not {total_steps}")
        self.peak = peak
        self.total_steps = total_steps

    def __call__(self, step: int) -> float:
        raise NotImplementedError


class Constant(Schedule):
    """η(s) = peak for all steps."""

    def __init__(self, peak: float, total_steps: int = 1):
        super().__init__(peak, total_steps)

    def __call__(self, step: int) -> float:
        return self.peak


class StepDecay(Schedule):
    """η(s) = peak · factor^⌊s · pieces / total⌋: pieces of equal length, each with a fraction of the rate before it.

    decay_factor: the rate of a piece as a share of the rate before it
    decay_pieces: the number of pieces
    """

    def __init__(self, peak: float, total_steps: int, decay_factor: float = 0.5, decay_pieces: int = 4):
        super().__init__(peak, total_steps)
        if not 0 < decay_factor <= 1:
            raise ValueError(f"a decay factor must be above 0 and at most 1, not {decay_factor}")
        if decay_pieces < 1:
            raise ValueError(f"a step decay needs at least 1 piece, not {decay_pieces}")
        self.decay_factor = decay_factor
        self.decay_pieces = decay_pieces

    def __call__(self, step: int) -> float:
        step = min(step, self.total_steps - 1)
        return self.peak * self.decay_factor ** (step * self.decay_pieces // self.total_steps)


class Cosine(Schedule):
    """η(s) = peak · (1 + cos(π s / total)) / 2: half a wave from the peak to zero. (Loshchilov and Hutter, 2017)"""

    def __call__(self, step: int) -> float:
        return self.peak * (1 + cos(pi * min(step, self.total_steps) / self.total_steps)) / 2


class OneCycle(Schedule):
    """A straight warm-up from peak/w to the peak in w steps, then half a cosine wave to zero. (After Smith, 2018)

    The warm-up lets Adam's averages settle before the steps become long. This makes a higher peak possible.

    warmup: the share of the steps in which the rate rises
    """

    def __init__(self, peak: float, total_steps: int, warmup: float = 0.2):
        super().__init__(peak, total_steps)
        if not 0 < warmup < 1:
            raise ValueError(f"warmup must be a fraction of the steps between 0 and 1, not {warmup}")
        self.warmup_steps = max(1, round(warmup * total_steps))
        self.decay = Cosine(peak, max(1, total_steps - self.warmup_steps))

    def __call__(self, step: int) -> float:
        if step < self.warmup_steps:
            return self.peak * ((step + 1) / self.warmup_steps)
        return self.decay(min(step, self.total_steps) - self.warmup_steps)


# The schedules a recipe can name. A new schedule is a class and its name here; the recipe gives peak and total_steps.
SCHEDULES: Table[Schedule] = Table("schedule", Constant, StepDecay, Cosine, OneCycle, given=("peak", "total_steps"))
