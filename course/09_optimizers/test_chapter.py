"""Five steps beside the package's own optimizers, in float64; and the results of the usual mistakes."""

import numpy as np

import nn_from_scratch as nn
from course.checking import attempt, expect, mine, same

RNG = np.random.default_rng(9)
START, SLOPES = RNG.normal(size=20), RNG.normal(size=(5, 20))
RATE = 0.05


def after(optimizer, steps=5):
    """The parameters after some steps."""
    parameters = START.copy()
    for gradients in SLOPES[:steps]:
        kept = gradients.copy()
        attempt(
            lambda gradients=gradients: optimizer.step(parameters, gradients, RATE),
            "(parameters and gradients are (20,).)",
        )
        expect(np.array_equal(gradients, kept), "the optimizer changes the gradients: other code may need them.")
    return parameters


def by_rule(rule, steps=5):
    """The parameters after some steps of rule(parameters, gradients, memory, step) → what is subtracted."""
    parameters, memory = START.copy(), {"m": np.zeros(20), "v": np.zeros(20)}
    for step, gradients in enumerate(SLOPES[:steps], start=1):
        parameters = parameters - rule(parameters, gradients, memory, step)
    return parameters


def adam(corrected=True, inside=False, squared=True, coupled=0.0, decay=0.0):
    """Adam's rule, right or with one of the usual mistakes."""

    def rule(parameters, g, memory, step):
        pull = RATE * decay * parameters
        g = g + coupled * parameters
        memory["m"] = 0.9 * memory["m"] + 0.1 * g
        memory["v"] = 0.999 * memory["v"] + 0.001 * (g * g if squared else np.abs(g))
        m, v = memory["m"], memory["v"]
        if corrected:
            m, v = m / (1 - 0.9**step), v / (1 - 0.999**step)
        return RATE * m / (np.sqrt(v + 1e-8) if inside else np.sqrt(v) + 1e-8) + pull

    return rule


def momentum(share_new=1.0, coupled=0.0, decay=0.0):
    """SGD's rule, likewise."""

    def rule(parameters, g, memory, step):
        memory["v"] = 0.9 * memory["v"] + share_new * (g + coupled * parameters)
        return RATE * memory["v"] + RATE * decay * parameters

    return rule


def test_momentum():
    """SGD with momentum keeps its velocity"""
    found = after(mine("optimizers.SGD")(momentum=0.9))
    mistakes = {
        "SGD forgets its velocity: keep v from step to step, on self.": START - RATE * SLOPES.sum(axis=0),
        "SGD adds (1 − μ) g to its velocity: here it is v ← μ v + g.": by_rule(momentum(0.1)),
        "SGD changes nothing that others can see: write parameters -= …": START,
    }
    same(found, after(nn.SGD(momentum=0.9)), "the parameters after five steps of SGD(momentum=0.9)", mistakes, 1e-12)
    same(after(mine("optimizers.SGD")()), after(nn.SGD()), "the parameters after five steps of SGD()", tolerance=1e-12)


def test_adam_first_step():
    """Adam's first step is as long as the rate, whatever the slopes are"""
    found = after(mine("optimizers.Adam")(), steps=1)
    mistakes = {
        "Adam has no bias correction: divide m by 1 − β₁^τ and v by 1 − β₂^τ, with τ = 1 at the first step.": by_rule(
            adam(corrected=False), 1
        ),
        "Adam changes nothing that others can see: write parameters -= …": START,
        "Adam goes uphill: subtract.": START + RATE * np.sign(SLOPES[0]),
    }
    same(found, after(nn.Adam(), steps=1), "the parameters after Adam's first step", mistakes, 1e-12)


def test_adam():
    """Adam takes the same five steps as the package's Adam"""
    mistakes = {
        "Adam has no bias correction: divide m by 1 − β₁^τ and v by 1 − β₂^τ.": by_rule(adam(corrected=False)),
        "Adam puts ε under the root: it is √v̂ + ε.": by_rule(adam(inside=True)),
        "Adam's v is a mean of the slopes' absolute values: it should be the mean of their squares.": by_rule(
            adam(squared=False)
        ),
    }
    found = after(mine("optimizers.Adam")())
    same(found, after(nn.Adam()), "the parameters after five steps of Adam", mistakes, 1e-12)
    found = after(mine("optimizers.Adam")(beta1=0.7, beta2=0.95, epsilon=0.1))
    right = after(nn.Adam(beta1=0.7, beta2=0.95, epsilon=0.1))
    same(found, right, "the same with beta1=0.7, beta2=0.95, epsilon=0.1", tolerance=1e-12)


def test_weight_decay():
    """weight decay is a separate step"""
    missing = "weight_decay does nothing: subtract learning_rate · weight_decay · parameters, too."
    added = "the decay is added to the gradients: make it a separate step, θ ← θ − ηλθ, outside of m and v."
    whole = "the decay leaves out the learning rate: it is η λ θ."
    SGD, Adam = mine("optimizers.SGD"), mine("optimizers.Adam")
    same(
        after(SGD(momentum=0.9, weight_decay=0.5)),
        after(nn.SGD(momentum=0.9, weight_decay=0.5)),
        "the parameters after five steps of SGD(momentum=0.9, weight_decay=0.5)",
        {
            missing: by_rule(momentum()),
            added: by_rule(momentum(coupled=0.5)),
            whole: by_rule(momentum(decay=0.5 / RATE)),
        },
        1e-12,
    )
    same(
        after(Adam(weight_decay=0.5)),
        after(nn.Adam(weight_decay=0.5)),
        "the parameters after five steps of Adam(weight_decay=0.5)",
        {missing: by_rule(adam()), added: by_rule(adam(coupled=0.5)), whole: by_rule(adam(decay=0.5 / RATE))},
        1e-12,
    )


def test_cosine():
    """Cosine starts at the peak and ends at 0"""
    schedule = mine("schedules.Cosine")(0.3, 100)
    same(schedule(0), 0.3, "Cosine(0.3, 100) at the step 0", {"Cosine should start at the peak: cos 0 = 1.": 0})
    same(schedule(50), 0.15, "Cosine(0.3, 100) at the step 50")
    same([schedule(s) for s in (10, 90, 99)], [nn.Cosine(0.3, 100)(s) for s in (10, 90, 99)], "Cosine at 10, 90 and 99")
    same(schedule(100), 0, "Cosine(0.3, 100) at the step 100")
    expect(abs(schedule(150)) < 1e-12, "Cosine(0.3, 100) should stay at 0 after the step 100, and not rise again.")
