"""Ensembles: the mean of what the members put out, by hand, and members that don't belong together."""

import re
from collections.abc import Sequence

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch.layers import Dense, Layer, ReLU, Sigmoid, Softmax
from tests.conftest import random_split

OUTPUTS = {  # the last layers, and the loss that goes with them
    "softmax": ((Dense(3), Softmax()), nn.CrossEntropy()),
    "several sigmoids": ((Dense(3), Sigmoid()), nn.MeanSquaredError()),
    "a single sigmoid": ((Dense(1), Sigmoid()), nn.BinaryCrossEntropy()),
    "numbers": ((Dense(3),), nn.MeanSquaredError()),
}


def network(last: Sequence[Layer], seed: int, inputs: int = 16, dtype: type = np.float32) -> nn.Network:
    """Layers like `last` after a hidden one."""
    return nn.Network([Dense(4), ReLU(), *(type(layer)(**layer.config()) for layer in last)], (inputs,), seed, dtype)


def softmaxes(*seeds: int) -> list[nn.Network]:
    return [network((Dense(3), Softmax()), seed) for seed in seeds]


@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_answers_with_the_mean_of_its_members(kind, dtype, rng):
    members = [network(OUTPUTS[kind][0], seed, dtype=dtype) for seed in range(3)]
    ensemble = nn.Ensemble(members)
    x = rng.uniform(size=(6, 16)).astype(dtype)
    p = ensemble.forward(x)
    for n in range(6):
        for k in range(p.shape[1]):
            by_hand = sum(float(member.forward(x)[n, k]) for member in members) / 3
            assert p[n, k] == pytest.approx(by_hand, rel=1e-5 if dtype == np.float32 else 1e-14)
    assert (ensemble.input_shape, ensemble.output_shape, ensemble.dtype, p.dtype) == ((16,), p.shape[1:], dtype, dtype)


@pytest.mark.parametrize("kind", OUTPUTS)
def test_predict_and_evaluate_take_it_as_they_take_a_network(kind, rng):
    split = random_split(rng, classes=2)
    last, loss = OUTPUTS[kind]
    members = [network(last, seed) for seed in range(3)]
    p = nn.predict(nn.Ensemble(members), split.images)
    alone = [nn.predict(member, split.images) for member in members]
    np.testing.assert_allclose(p, (alone[0] + alone[1] + alone[2]) / 3, rtol=1e-5)
    value, accuracy = nn.evaluate(nn.Ensemble(members), loss, split)
    t = np.eye(3)[split.labels] if p.shape[1] == 3 else split.labels[:, None]
    assert value == pytest.approx(loss.value(p.astype(float), t), rel=1e-5)
    answers = p.argmax(axis=1) if p.shape[1] == 3 else p[:, 0] >= 0.5
    assert accuracy == np.mean(answers == split.labels)


def test_an_ensemble_of_one_is_that_network(rng):
    (member,) = softmaxes(0)
    x = rng.uniform(size=(5, 16)).astype(np.float32)
    assert nn.Ensemble([member]).forward(x).tobytes() == member.forward(x).tobytes()


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (network((Dense(3), Softmax()), 0, 9), "the input shape is (9,), but that of members[0] is (16,)"),
        (network((Dense(4), Softmax()), 0), "the output shape is (4,), but that of members[0] is (3,)"),
        (
            network((Dense(3), Softmax()), 0, dtype=np.float64),
            "the dtype is float64, but that of members[0] is float32",
        ),
        (network((Dense(3), Sigmoid()), 0), "the output layer is Sigmoid, but that of members[0] is Softmax"),
    ],
    ids=["inputs", "outputs", "dtype", "output layer"],
)
def test_members_that_do_not_belong_together_are_refused_and_named(other, difference):
    with pytest.raises(ValueError, match=re.escape(f"members[2]: {difference}: expected the same")):
        nn.Ensemble([*softmaxes(0, 1), other])


@pytest.mark.parametrize("members", [[], None, nn.Softmax()])
def test_no_members_are_refused(members):
    with pytest.raises(ValueError, match="an ensemble needs a list of at least one network"):
        nn.Ensemble(members)


def test_what_is_no_network_is_refused_and_named():
    with pytest.raises(ValueError, match=r"members\[1\]: expected a network, not 'b.json'"):
        nn.Ensemble([*softmaxes(0), "b.json"])


def test_a_step_of_training_takes_a_single_network(rng):
    split = random_split(rng)
    batches = nn.Batches(split, 8, (16,), 3, 0)
    with pytest.raises(TypeError, match="network: expected one such as Network"):
        list(nn.fit(nn.Ensemble(softmaxes(0, 1)), nn.CrossEntropy(), nn.Adam(), nn.Constant(0.01), batches, 1))
