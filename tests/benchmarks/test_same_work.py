"""All contenders do the same work: from the same parameters, on the same batches, they lose and learn the same.

What is measured is built here of the same functions as in the benchmarks.
"""

import numpy as np
import pytest

from benchmarks import elsewhere, steps
from benchmarks.contenders import KINDS, NO_COMPILE, NO_JAX, NO_SKLEARN, NO_TORCH
from benchmarks.plain import plain
from nn_from_scratch import Recipe, Split, load_dataset, predict, train_step
from nn_from_scratch.data.batches import inputs, matching

RECIPES = {
    name: (steps.recipes() | steps.convolutional_recipes())[name]
    for name in (
        "784-128-64-10, batch 64, Adam",
        "784-128-64-10-sigmoid, batch 1, SGD",
        "784-100-10, batch 64, Adam",  # mean squared error
        "784-196-1, batch 64, Adam",  # binary cross-entropy
        "LeNet, batch 64, Adam",
        "3×3 same, batch 64, Adam",
    )
}
# scikit-learn adds Adam's ε before it corrects the bias: to compare the rest, ε must be next to nothing.
WITHOUT_EPSILON = RECIPES["784-128-64-10, batch 64, Adam"].override(epsilon=1e-12)
STEPS, N = 5, 16
TOLERANCE = 2e-5  # of float32, after a few steps


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    if NO_TORCH:
        yield
        return
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(params=RECIPES)
def recipe(request) -> Recipe:
    return RECIPES.get(request.param, request.param)


@pytest.fixture
def split(recipe) -> Split:
    """Images with a background, as MNIST has one: its equal pixels tie in a pooling."""
    return matching(load_dataset("digits"), recipe.input_shape, recipe.classes).train.select(slice(0, 100))


@pytest.fixture
def chosen(split) -> list[np.ndarray]:
    return [np.random.default_rng(step).permutation(len(split))[:N] for step in range(STEPS)]


@pytest.fixture
def ours(recipe, split, chosen):
    """The parameters at first, layer by layer, the loss of each step, and the predictions after them."""
    network, loss, optimizer = recipe.make_network(1), recipe.make_loss(), recipe.make_optimizer()
    arrays = [getattr(place.layer, name).copy() for place in network.places for name in place.parameters]
    batches = recipe.make_batches(split, 0)
    losses = [train_step(network, loss, optimizer, recipe.learning_rate, *batches.batch(some))[1] for some in chosen]
    assert len(set(losses)) == STEPS
    return arrays, losses, predict(network, split.images)


def check(found_losses, found_predictions, ours) -> None:
    _, losses, predictions = ours
    np.testing.assert_allclose(found_losses, losses, rtol=TOLERANCE, atol=TOLERANCE)
    np.testing.assert_allclose(found_predictions, predictions, rtol=0, atol=10 * TOLERANCE)


def in_pytorch(recipe, split, chosen, ours, kind):
    import torch

    from benchmarks import pytorch

    simple = plain(recipe)
    model, loss = pytorch.make_model(simple, kind), pytorch.LOSSES[recipe.loss]()
    with torch.no_grad():
        for parameter, array in zip(model.parameters(), ours[0], strict=True):
            parameter.copy_(torch.from_numpy(array))
    optimizer = pytorch.make_optimizer(simple, model, kind)
    images, targets = pytorch.as_tensor(simple, split.images), pytorch.make_targets(simple, split.labels)
    losses = [
        pytorch.train_step(
            model,
            loss,
            optimizer,
            images.index_select(0, torch.from_numpy(some)).div(255),
            targets.index_select(0, torch.from_numpy(some)),
        )
        for some in chosen
    ]
    check(losses, pytorch.make_predict(simple, model)(images), ours)


@pytest.mark.skipif(bool(NO_TORCH), reason=NO_TORCH or "")
@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if "compiled" not in kind])
def test_pytorch_does_the_same(recipe, split, chosen, ours, kind):
    in_pytorch(recipe, split, chosen, ours, kind)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the compiler's own, of the rest of PyTorch
@pytest.mark.skipif(bool(NO_COMPILE), reason=NO_COMPILE or "")
@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if "compiled" in kind])
@pytest.mark.parametrize("recipe", ["784-128-64-10, batch 64, Adam", "LeNet, batch 64, Adam"], indirect=True)
def test_compiled_pytorch_does_the_same(recipe, split, chosen, ours, kind):
    in_pytorch(recipe, split, chosen, ours, kind)


@pytest.mark.skipif(bool(NO_JAX), reason=NO_JAX or "")
def test_jax_does_the_same(recipe, split, chosen, ours):
    check(*elsewhere.call(1, "tests.benchmarks.work", "jax_losses", plain(recipe), split, ours[0], chosen), ours)


@pytest.mark.skipif(bool(NO_SKLEARN), reason=NO_SKLEARN or "")
@pytest.mark.parametrize("recipe", [WITHOUT_EPSILON, "784-128-64-10-sigmoid, batch 1, SGD"], indirect=True)
def test_scikit_learn_does_the_same(recipe, split, chosen, ours):
    from benchmarks import scikit_learn

    classifier, x = scikit_learn.make(plain(recipe.override(batch_size=N)), N), inputs(split.images, recipe.input_shape)
    classifier.set_params(epsilon=WITHOUT_EPSILON.make_optimizer().epsilon)
    classifier.partial_fit(x[:N], split.labels[:N], classes=np.arange(10))  # it has no weights before
    for own, array in zip(classifier.coefs_ + classifier.intercepts_, ours[0][::2] + ours[0][1::2], strict=True):
        own[...] = array.T
    del classifier._optimizer  # and what it remembers of that step
    losses = []
    for some in chosen:
        classifier.partial_fit(x[some], split.labels[some])
        losses.append(classifier.loss_)
    check(losses, classifier.predict_proba(x), ours)
