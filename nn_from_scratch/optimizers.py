"""How parameters follow their gradients downhill.

An optimizer sees one vector θ with all parameters of the network and one vector g with their gradients. It updates θ in
place: after the first step it creates no array of their size. The learning rate η is an argument, so that a schedule
can change it at every step. In order of difficulty: SGD, Adam.
"""

from math import isfinite, sqrt

import numpy as np

from nn_from_scratch.words import Table

# With β = 0.6 or more, a value that is not below TINY is still a normal float32 after FORGET_EVERY more steps:
# 10⁻³⁰ · 0.6³² = 8 · 10⁻³⁸.
TINY = 1e-30
FORGET_EVERY = 32


class Optimizer:
    """θ ← θ − η · (a direction computed from g and from a memory of earlier g).

    `state` holds the memory: arrays of θ's shape, made at the first step. With `steps` and θ, it is everything that is
    needed to continue later with the same result.

    Weight decay λ is decoupled, a separate step that does not enter the memory: θ ← θ − ηλθ. (Loshchilov and Hutter,
    2019) It also shrinks biases: on held-out images, leaving them out made no clear difference.

    Maths: docs/mathematics.md, "Optimizers".
    """

    remembers: tuple[str, ...] = ()
    usual_rate = 0.01  # a good first η
    follows_size = False  # whether gradients that are K times smaller need a K times higher rate

    def __init__(self, weight_decay: float = 0.0):
        if not 0 <= weight_decay < np.inf:
            raise ValueError(f"weight_decay must be a finite number from 0 up, not {weight_decay}")
        self.weight_decay = weight_decay
        self.steps = 0
        self.state: dict[str, np.ndarray] = {}
        self.scratch = np.empty(0)

    def step(self, parameters: np.ndarray, gradients: np.ndarray, learning_rate: float) -> bool:
        """Update `parameters` in place, once. If the step is not finite, returns False and leaves them unchanged."""
        if not self.state:
            self.state = {name: np.zeros_like(parameters) for name in self.remembers}
        if self.scratch.size != parameters.size:
            self.scratch = np.empty_like(parameters)
        self.steps += 1
        self.find_step(gradients, learning_rate)
        # One dot product instead of a check of each number. It also overflows if a step is finite but absurdly long.
        # A decay of ηλ ≥ 2 would not make the parameters smaller.
        if not (isfinite(self.scratch @ self.scratch) and learning_rate * self.weight_decay < 2):
            return False
        if self.weight_decay:
            parameters *= 1 - learning_rate * self.weight_decay
        parameters -= self.scratch
        if self.steps % FORGET_EVERY == 0:
            self.forget_the_tiny()
        return True

    def forget_the_tiny(self) -> None:
        """Set faded values of the memory to 0.

        If a gradient stays 0, as for a pixel that is rarely lit, the memory of it shrinks at every step. Below 10⁻³⁸ a
        float32 is "denormal", and computing with it takes a hundred times as long: a third of a long training's time.
        """
        for memory in self.state.values():
            np.abs(memory, out=self.scratch)
            memory[self.scratch < TINY] = 0

    def find_step(self, gradients: np.ndarray, learning_rate: float) -> None:
        """The optimizer's own rule: write the step, which is subtracted from θ, into `scratch`."""
        raise NotImplementedError


class SGD(Optimizer):
    """Stochastic gradient descent, plain (μ = 0), with momentum, or with Nesterov's momentum.

    v ← μv + g        θ ← θ − ηv        Nesterov: θ ← θ − η(g + μv), with the new v

    (Polyak, 1964; Sutskever et al., 2013, in the form that needs the gradient only at θ)

    momentum: μ, from 0 to below 1, the share of its velocity that is kept
    nesterov: Nesterov's momentum, which looks ahead
    weight_decay: λ, from 0 up
    """

    follows_size = True

    def __init__(self, momentum: float = 0.0, nesterov: bool = False, weight_decay: float = 0.0):
        super().__init__(weight_decay)
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must be from 0 up to, not including, 1, not {momentum}")
        if nesterov and not momentum:
            raise ValueError("Nesterov's method needs a momentum above 0")
        self.momentum = momentum
        self.nesterov = nesterov
        self.remembers = ("velocity",) if momentum else ()
        # Of 0.03, 0.1, 0.3 and 1, this rate suits all presets. A velocity adds up about 1 / (1 − μ) gradients.
        self.usual_rate = 0.3 * (1 - momentum)

    def find_step(self, gradients: np.ndarray, learning_rate: float) -> None:
        direction = gradients
        if self.momentum:
            v = self.state["velocity"]
            v *= self.momentum
            v += gradients
            direction = v
        if self.nesterov:
            np.multiply(v, self.momentum, out=self.scratch)
            self.scratch += gradients
            direction = self.scratch
        np.multiply(direction, learning_rate, out=self.scratch)


class Adam(Optimizer):
    """Every parameter has its own step: the mean of its gradients, divided by the root of the mean of their squares.

    m₁ ← β₁m₁ + (1 − β₁)g        m̂₁ = m₁ / (1 − β₁^τ)
    m₂ ← β₂m₂ + (1 − β₂)g²       m̂₂ = m₂ / (1 − β₂^τ)        θ ← θ − η m̂₁ / (√m̂₂ + ε)

    at the step τ = 1, 2, … (Kingma and Ba, 2015, who call the two means m and v)

    Each pass over θ takes time, so the arrays hold the sums M = m₁ / (1 − β₁) and V = m₂ / (1 − β₂), which saves two
    passes. The factors that M and V leave out go into the two numbers η and ε instead. With
    r = √((1 − β₂) / (1 − β₂^τ)), so that √m̂₂ = r√V, the step is  η (1 − β₁) / (1 − β₁^τ) / r · M / (√V + ε/r).

    beta1: β₁, from 0 to below 1, its memory of the gradients
    beta2: β₂, from 0 to below 1, its memory of their squares
    epsilon: ε, above 0, prevents a division by 0
    weight_decay: λ, from 0 up
    """

    remembers = ("gradient_sum", "square_sum")
    usual_rate = 0.001

    def __init__(self, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8, weight_decay: float = 0.0):
        super().__init__(weight_decay)
        if not (0 <= beta1 < 1 and 0 <= beta2 < 1):
            raise ValueError(f"beta1 and beta2 must be from 0 up to, not including, 1, not {beta1} and {beta2}")
        if not epsilon > 0:
            raise ValueError(f"epsilon must be above 0, not {epsilon}")
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon

    def find_step(self, gradients: np.ndarray, learning_rate: float) -> None:
        M, V, scratch = self.state["gradient_sum"], self.state["square_sum"], self.scratch
        M *= self.beta1
        M += gradients
        V *= self.beta2
        np.square(gradients, out=scratch)
        V += scratch

        r = sqrt((1 - self.beta2) / (1 - self.beta2**self.steps))
        np.sqrt(V, out=scratch)
        scratch += self.epsilon / r
        np.divide(M, scratch, out=scratch)
        scratch *= learning_rate * (1 - self.beta1) / (1 - self.beta1**self.steps) / r


# The optimizers a recipe can name. A new optimizer is a class and its name here.
OPTIMIZERS: Table[Optimizer] = Table("optimizer", SGD, Adam)
