"""Convolutional networks against PyTorch: each layer forward and backward, and 50 steps of whole networks.

As in test_parity_with_pytorch.py, whose networks are dense ones.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from nn_from_scratch.layers import (
    LAYERS,
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    MaxPool2D,
    ReLU,
    Softmax,
)
from nn_from_scratch.losses import CrossEntropy
from nn_from_scratch.network import Network, Place
from nn_from_scratch.optimizers import SGD, Adam, Optimizer
from nn_from_scratch.training import train_step

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")

STEPS, N, IMAGE, CLASSES = 50, 16, (2, 9, 8), 4


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several threads would only wait for each other on matrices this small
    yield
    torch.set_num_threads(threads)


# ---- the same network there ----


class SameDropout(torch.nn.Module):
    """Dropout that leaves out what the layer here has drawn last."""

    def __init__(self, layer: Dropout):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        if not self.training:
            return torch.nn.functional.dropout(x, self.layer.rate, training=False)
        ones = np.ones(x.shape, x.detach().numpy().dtype)
        kept = self.layer.forward(ones, training=True) > 0
        return x * torch.from_numpy(kept) / (1 - self.layer.rate)


def copied_to_torch(network: Network) -> "torch.nn.Sequential":
    """The same layers, with copies of the parameters."""
    modules = [module_like(place) for place in network.places]
    model = torch.nn.Sequential(*modules).to(getattr(torch, network.dtype.name))
    with torch.no_grad():
        for module, place in zip(model, network.places, strict=True):
            for parameter, name in zip(module.parameters(), place.parameters, strict=True):
                parameter.copy_(torch.from_numpy(getattr(place.layer, name).copy()))
    return model


def module_like(place: Place) -> "torch.nn.Module":
    match layer := place.layer:
        case Conv2D():
            k = layer.size
            before, after = ((k - 1) // 2, k // 2) if layer.padding == "same" else (0, 0)
            zeros = torch.nn.ZeroPad2d((before, after, before, after))
            convolution = torch.nn.Conv2d(place.input_shape[0], layer.filters, k, layer.stride, bias=layer.bias)
            return torch.nn.Sequential(zeros, convolution)
        case Dense():
            return torch.nn.Linear(*place.input_shape, layer.units, bias=layer.bias)
        case BatchNorm():
            of = torch.nn.BatchNorm1d if len(place.input_shape) == 1 else torch.nn.BatchNorm2d
            return of(place.input_shape[0], layer.epsilon, 1 - layer.momentum)
        case MaxPool2D():
            return torch.nn.MaxPool2d(layer.size)
        case AveragePool2D():
            return torch.nn.AvgPool2d(layer.size)
        case GlobalAveragePool2D():
            return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
        case Dropout():
            return SameDropout(layer)
        case Flatten():
            return torch.nn.Flatten()
        case ReLU():
            return torch.nn.ReLU()
        case Softmax():
            return torch.nn.Identity()  # PyTorch has it in the loss
    raise NotImplementedError(place.name)


def statistics(network: Network) -> Iterator[tuple[str, np.ndarray]]:
    for place in network.places:
        for name in place.state:
            yield name, getattr(place.layer, name)


def assert_same_statistics(network: Network, model, tolerance: float) -> None:
    kept = [buffer.numpy() for name, buffer in model.named_buffers() if "running" in name]
    for (name, ours), expected in zip(statistics(network), kept, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=0, atol=tolerance, err_msg=name)


# ---- one layer ----

CONVOLUTIONS = [
    f"conv2d:3:{size}:stride={stride}:padding={padding}"
    for size, stride in [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2), (3, 3), (4, 1), (4, 3), (5, 1), (5, 2), (5, 3)]
    for padding in ("valid", "same")
]
POOLS = [f"{pool}-pool2d:size={size}" for pool in ("max", "average") for size in (1, 2, 3, 4)]
OTHERS = ["conv2d:3:3:bias=false", "global-average-pool2d", "flatten", "batch-norm", "batch-norm:momentum=0.3",
          "batch-norm:epsilon=0.1", "dropout", "dropout:0.2"]  # fmt: skip


@pytest.mark.parametrize("numbers", ["all different", "many equal"])
@pytest.mark.parametrize("word", [*CONVOLUTIONS, *POOLS, *OTHERS])
def test_a_layer_is_the_same_forward_and_backward_as_in_pytorch(word, numbers, rng):
    network = Network([LAYERS.make(word)], IMAGE, 0, np.float64)
    network.parameters[...] = rng.normal(size=network.parameters.shape)
    network.draw(rng)
    model = copied_to_torch(network)
    x = rng.normal(size=(N, *IMAGE))
    if numbers == "many equal":
        x = np.maximum(np.round(x), 0)  # 0, 1 and 2, and most of them 0, as after a ReLU
    layer, place = network.layers[0], network.places[0]
    dy = rng.normal(size=(N, *place.output_shape))

    there = torch.from_numpy(x.copy()).requires_grad_()
    expected = model(there)
    expected.backward(torch.from_numpy(dy))
    y = layer.forward(x, training=True)
    layer.backward_parameters(dy)
    same = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(y, expected.detach().numpy(), **same)
    np.testing.assert_allclose(layer.backward_input(dy), there.grad.numpy(), **same)
    for name, parameter in zip(place.parameters, model.parameters(), strict=True):
        np.testing.assert_allclose(getattr(layer, f"d{name}"), parameter.grad.numpy(), **same, err_msg=name)

    assert network.settle()
    assert_same_statistics(network, model, 1e-13)
    np.testing.assert_allclose(layer.forward(x), model.eval()(there).detach().numpy(), **same)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_same_is_where_pytorch_puts_its_zeros(size, rng):
    network = Network([Conv2D(3, size, padding="same")], IMAGE, 0, np.float64)
    x = rng.normal(size=(N, *IMAGE))
    W, b = (torch.from_numpy(getattr(network.layers[0], name).copy()) for name in ("W", "b"))
    expected = torch.nn.functional.conv2d(torch.from_numpy(x), W, b, padding="same").numpy()
    np.testing.assert_allclose(network.forward(x), expected, rtol=0, atol=1e-12)


# ---- 50 steps ----

NETWORKS = {
    "two convolutions, ReLU before the pooling": "conv2d:4:3 relu max-pool2d conv2d:6:2 relu flatten dense:8 relu",
    "pooling before ReLU": "conv2d:4:3:padding=same max-pool2d relu conv2d:6:3 max-pool2d relu flatten",
    "strides and an even kernel": "conv2d:4:3:stride=2:padding=same relu conv2d:6:2:stride=2 relu flatten",
    "averages": "conv2d:4:5:padding=same relu average-pool2d conv2d:6:2:padding=same relu global-average-pool2d",
    # No bias before a batch normalization: its gradient is 0 but for rounding, and Adam makes a step of that.
    "batch normalization of images": "conv2d:4:3:padding=same:bias=false batch-norm relu max-pool2d:3 flatten "
    "dense:8 relu",
    "batch normalization of features": "flatten dense:12:bias=false batch-norm relu dense:8:bias=false "
    "batch-norm:momentum=0.7 relu",
    "dropout": "conv2d:4:3 relu dropout:0.2 max-pool2d flatten dropout dense:12 relu dropout:0.3",
    "all of it": "conv2d:4:3:padding=same:bias=false batch-norm relu conv2d:4:3:stride=2:padding=same:bias=false "
    "batch-norm relu average-pool2d dropout:0.3 flatten dense:12:bias=false batch-norm relu dropout",
}
OPTIMIZERS: dict[str, tuple[Callable[[], Optimizer], float, Callable]] = {
    "SGD": (lambda: SGD(0.9), 0.005, lambda parameters: torch.optim.SGD(parameters, lr=0.005, momentum=0.9)),
    "Adam": (Adam, 0.003, lambda parameters: torch.optim.Adam(parameters, lr=0.003)),
}


def data(dtype: type) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """50 batches of random images whose classes a fixed random rule decides, so that there is something to learn."""
    rng = np.random.default_rng(11)
    rule = rng.normal(size=(np.prod(IMAGE), CLASSES))
    for _ in range(STEPS):
        x = np.maximum(rng.normal(size=(N, *IMAGE)), 0)
        yield x.astype(dtype), np.eye(CLASSES, dtype=dtype)[(x.reshape(N, -1) @ rule).argmax(axis=1)]


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-12)], ids=["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("words", NETWORKS.values(), ids=NETWORKS)
def test_fifty_steps_lose_the_same_as_in_pytorch(words, optimizer, dtype, tolerance):
    ours, rate, theirs = OPTIMIZERS[optimizer]
    layers = [LAYERS.make(word) for word in [*words.split(), f"dense:{CLASSES}", "softmax"]]
    network, loss, our_optimizer = Network(layers, IMAGE, 2, dtype), CrossEntropy(), ours()
    model, noise = copied_to_torch(network), np.random.default_rng(5)
    their_optimizer = theirs(model.parameters())
    found, expected = [], []
    for x, t in data(dtype):
        found.append(train_step(network, loss, our_optimizer, rate, x, t, noise)[1])
        their_loss = torch.nn.functional.cross_entropy(model(torch.from_numpy(x)), torch.from_numpy(t))
        their_optimizer.zero_grad()
        their_loss.backward()
        their_optimizer.step()
        expected.append(their_loss.item())
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    assert np.mean(found[-10:]) < np.mean(found[:10])  # and both have learnt something

    weights = np.concatenate([parameter.detach().numpy().ravel() for parameter in model.parameters()])
    np.testing.assert_allclose(network.parameters, weights, rtol=0, atol=10 * tolerance)
    assert_same_statistics(network, model, 10 * tolerance)
    with torch.no_grad():
        p = torch.softmax(model.eval()(torch.from_numpy(x)), 1).numpy()
    np.testing.assert_allclose(network.forward(x), p, rtol=0, atol=10 * tolerance)
