"""From the same first weights, on the same batches, PyTorch loses the same: 50 steps, step by step.

Two independent implementations of forward, backward and optimizer that agree to the last digits, in double precision
and within the rounding of single precision, leave little room for a mistake in ours.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pytest

from nn_from_scratch.layers import Dense, Layer, ReLU, Sigmoid, Softmax
from nn_from_scratch.losses import BinaryCrossEntropy, CrossEntropy, Loss, MeanSquaredError
from nn_from_scratch.network import Network
from nn_from_scratch.optimizers import SGD, Adam, Optimizer
from nn_from_scratch.training import train_step
from tests.conftest import small_network

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")

STEPS, N, INPUTS = 50, 32, 20


class Case(NamedTuple):
    """A network and its loss here, and the same loss of the last Dense layer's output there."""

    layers: Callable[[], list[Layer]]
    outputs: int
    loss: Loss
    torch_loss: Callable  # of (logits, targets)


CASES = {
    "relu, softmax, cross-entropy": Case(
        lambda: [Dense(16), ReLU(), Dense(12), ReLU(), Dense(5), Softmax()],
        5,
        CrossEntropy(),
        lambda z, t: torch.nn.functional.cross_entropy(z, t),
    ),
    "relu, softmax, label smoothing": Case(
        lambda: [Dense(16), ReLU(), Dense(5), Softmax()],
        5,
        CrossEntropy(smoothing=0.1),
        lambda z, t: torch.nn.functional.cross_entropy(z, t, label_smoothing=0.1),
    ),
    "sigmoid, mean squared error": Case(
        lambda: [Dense(16), Sigmoid(), Dense(5), Sigmoid()],
        5,
        MeanSquaredError(),
        lambda z, t: torch.nn.functional.mse_loss(torch.sigmoid(z), t),
    ),
    "sigmoid, binary cross-entropy": Case(
        lambda: [Dense(16), Sigmoid(), Dense(1), Sigmoid()],
        1,
        BinaryCrossEntropy(),
        lambda z, t: torch.nn.functional.binary_cross_entropy_with_logits(z, t),
    ),
    "softmax, mean squared error": Case(
        lambda: [Dense(16), ReLU(), Dense(5), Softmax()],
        5,
        MeanSquaredError(),
        lambda z, t: torch.nn.functional.mse_loss(torch.softmax(z, 1), t),
    ),
}

OPTIMIZERS: dict[str, tuple[Callable[[], Optimizer], Callable]] = {
    "SGD": (SGD, lambda parameters: torch.optim.SGD(parameters, lr=0.1)),
    "SGD with momentum": (lambda: SGD(0.9), lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9)),
    "Nesterov": (
        lambda: SGD(0.9, nesterov=True),
        lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True),
    ),
    "Adam": (Adam, lambda parameters: torch.optim.Adam(parameters, lr=0.1)),
    "AdamW": (
        lambda: Adam(0.8, 0.99, weight_decay=0.05),
        lambda parameters: torch.optim.AdamW(parameters, lr=0.1, betas=(0.8, 0.99), weight_decay=0.05),
    ),
}
RATES = {"SGD": 0.1, "SGD with momentum": 0.03, "Nesterov": 0.03, "Adam": 0.003, "AdamW": 0.003}


def data(case: Case, dtype: type) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """50 batches of random inputs whose targets a fixed random rule decides, so that there is something to learn."""
    rng = np.random.default_rng(11)
    rule = rng.normal(size=(INPUTS, case.outputs))
    for _ in range(STEPS):
        x = rng.normal(size=(N, INPUTS))
        t = (x @ rule > 0).astype(dtype) if case.outputs == 1 else np.eye(case.outputs)[(x @ rule).argmax(axis=1)]
        yield x.astype(dtype), t.astype(dtype)


def our_losses(case: Case, network: Network, optimizer: Optimizer, rate: float) -> list[float]:
    return [train_step(network, case.loss, optimizer, rate, x, t)[1] for x, t in data(case, network.dtype.type)]


def copied_to_torch(network: Network):
    """The same network without its last activation, which the losses of PyTorch contain."""
    modules = []
    for layer in network.layers[:-1]:
        if isinstance(layer, Dense):
            linear = torch.nn.Linear(layer.W.shape[1], layer.units, dtype=getattr(torch, network.dtype.name))
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(layer.W.copy()))
                linear.bias.copy_(torch.from_numpy(layer.b.copy()))
            modules.append(linear)
        else:
            modules.append(torch.nn.ReLU() if isinstance(layer, ReLU) else torch.nn.Sigmoid())
    return torch.nn.Sequential(*modules)


def their_losses(case: Case, model, optimizer, dtype: type) -> list[float]:
    losses = []
    for x, t in data(case, dtype):
        loss = case.torch_loss(model(torch.from_numpy(x)), torch.from_numpy(t))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several threads would only wait for each other on matrices this small
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-12)], ids=["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", CASES)
def test_fifty_steps_lose_the_same_as_in_pytorch(name, optimizer, dtype, tolerance):
    case, rate = CASES[name], RATES[optimizer]
    ours, theirs = OPTIMIZERS[optimizer]
    network = small_network(case.layers(), INPUTS, seed=2, dtype=dtype)
    model = copied_to_torch(network)
    torch_optimizer = theirs(model.parameters())
    for group in torch_optimizer.param_groups:
        group["lr"] = rate
    expected = their_losses(case, model, torch_optimizer, dtype)
    found = our_losses(case, network, ours(), rate)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    assert found[-1] < found[0]  # and both have learnt something

    weights = np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])
    np.testing.assert_allclose(network.parameters, weights, rtol=0, atol=10 * tolerance)
