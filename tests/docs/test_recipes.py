"""docs/recipes.md: what it says about dead units and about the rule without σ′, as far as seconds suffice to find it.

The held-out accuracies and the trainings of a thousand iterations are too long to be repeated here.
"""

import math
import shlex

import numpy as np

import nn_from_scratch as nn
from nn_from_scratch.classes import predicted_classes
from nn_from_scratch.data.batches import inputs
from tests.docs.numbers import Document, agree
from tests.scripts import ROOT, run

TEXT = Document.read(ROOT / "docs" / "recipes.md")
says = TEXT.says


def dead_units(network: nn.Network, images: np.ndarray) -> list[np.ndarray]:
    """For each ReLU layer, which of its units put out 0 for every image."""
    dead = []
    x = inputs(images, network.input_shape)
    for layer in network.layers:
        x = layer.forward(x)
        if isinstance(layer, nn.ReLU):
            dead.append(~(x > 0).any(axis=0))
    return dead


@says(
    "`resources/pretrained/784-128-64-10.json`, on all # training images, # of the # units of the first layer and "
    "# of the # of the second are dead",
    "the largest weight is below #, while every other unit has one above #",
)
def test_the_default_network_has_dead_units(said, mnist):
    network = nn.load(ROOT / "resources" / "pretrained" / "784-128-64-10.json").network
    dead = dead_units(network, mnist.train.images)
    agree(said[:5], [len(mnist.train), *(int(count) for layer in dead for count in (layer.sum(), layer.size))])
    for layer, silent in zip((network.layers[0], network.layers[2]), dead, strict=True):
        largest = np.abs(layer.W).max(axis=1)
        assert largest[silent].max() < said[5] < said[6] < largest[~silent].min()


@says(
    "With these settings all # units are dead after # epochs, for each of the seeds #, # and #, and the loss is #, "
    "which is log #"
)
def test_a_rate_that_is_too_high_kills_units(said, tmp_path):
    units, epochs, *seeds, loss, classes = said
    command = TEXT.text.partition("With these settings all")[2].partition("```sh\n")[2].partition("\n```")[0]
    _, script, *arguments = shlex.split(command.replace("\\\n", ""))
    images = nn.load_dataset("digits").train
    for seed in map(int, seeds):
        output = tmp_path / "network.json"
        result = run(script, *arguments, "--seed", seed, "--output", output, "--history", tmp_path / "history.csv")
        assert result.returncode == 0, result.stderr
        assert f"epoch {int(epochs)}/{int(epochs)}" in result.stdout
        network = nn.load(output).network
        (dead,) = dead_units(network, images.images)
        assert dead.all()
        agree([units], [dead.size])
        agree([loss, loss], [nn.evaluate(network, nn.CrossEntropy(), images)[0], math.log(classes)])


@says(
    "whose factor here is #/#, a mean over the ten outputs",
    "| half the sum of the squares | p − t | # times the course's |\n| the sum of the squares | # (p − t) | # times |\n"
    "| the mean of the squares, as in this package | # (p − t) / # | # times |",
    "The rate of # above becomes #:",
)
def test_the_rule_without_the_slope_is_that_of_binary_cross_entropy(said, rng):
    K = 10
    p, t = rng.uniform(0.1, 0.9, (1, K)), np.eye(K)[:1]
    mean = nn.MeanSquaredError().gradient(p, t)
    cross = nn.BinaryCrossEntropy().logit_gradient(p, t)
    ratios = []
    for rule, factor in ((mean * K / 2, 1), (mean * K, said[3]), (mean, said[5] / said[6])):
        np.testing.assert_allclose(rule, factor * (p - t))
        ratios.append(float(np.unique((rule / cross).round(12)).item()))
    np.testing.assert_allclose(cross, (p - t) * said[0] / said[1])
    agree([said[2], said[4], said[7]], ratios)
    assert said[9] == said[8] * said[7]


@says(
    "**Why the squared error stays at # % so long.**",
    "bring all outputs near #, whatever the image shows",
    "that of the #, the most frequent digit: # % of the training images",
    "But where p is #, σ′ is #, so",
)
def test_where_the_squared_error_stays_so_long(said, mnist):
    rounded, output, digit, share, p, slope = said
    counts = np.bincount(mnist.train.labels)
    agree([digit, share, rounded], [int(counts.argmax()), *[100 * float(counts.max() / len(mnist.train))] * 2])
    assert p == output
    agree([slope], [float(p * (1 - p))])
    few = mnist.train.select(slice(0, 10_000))
    for loss, rate in (
        ("mean-squared-error", 5),
        ("binary-cross-entropy", 10),
    ):  # the commands, on a sixth of the images
        recipe = nn.PRESETS["784-100-10"].override(
            loss=loss,
            optimizer="sgd",
            batch_size=None,
            initializer="normal:0.01",
            learning_rate=rate,
            schedule="constant",
        )
        network = recipe.make_network(0)
        for _ in nn.fit(
            network, recipe.make_loss(), recipe.make_optimizer(), nn.Constant(rate), recipe.make_batches(few, 0), 5
        ):
            pass
        outputs = nn.predict(network, few.images)
        assert (predicted_classes(outputs) == digit).all()
        assert abs(outputs.mean(axis=0) - output).max() < 0.06


def test_the_listing_makes_an_ensemble_of_networks_that_exist_already(tmp_path, monkeypatch):
    (listing,) = TEXT.listings()
    assert "results/ensemble.json" in listing
    monkeypatch.chdir(ROOT)
    exec(listing.replace("results/", f"{tmp_path}/"), {})
    saved = nn.load(tmp_path / "ensemble.json")
    assert [member.training["recipe"]["layers"][1] for member in saved.members] == ["relu", "sigmoid"]
    assert saved.training["data"]["name"] == "mnist"
