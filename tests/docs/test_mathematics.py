"""docs/mathematics.md: every listing is run, and every number in it is found anew and compared."""

import contextlib
import inspect
import io
import math
import re
from itertools import pairwise

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch import metrics, optimizers
from nn_from_scratch.data.augmentation import bells
from nn_from_scratch.data.batches import inputs
from nn_from_scratch.initializers import He, Initializer, Normal, ScaledNormal, Uniform
from tests import slow_convolution
from tests.docs.numbers import Document, agree
from tests.scripts import ROOT
from tests.slow_convolution import convolution

TEXT = Document.read(ROOT / "docs" / "mathematics.md")
says = TEXT.says
PRESET_NAMES = TEXT.names(r"\b784(?:-\d+)+(?:-[a-z]+)?\b")
CITATIONS = TEXT.names(r"([A-Z]\w+)(?:(?:,\s+[A-Z]\w+)*\s+and\s+[A-Z]\w+|\s+et\s+al\.)?\s+\(?(\d{4})(?:, section \S+)?")


def sigmoid(z: np.ndarray | float) -> np.ndarray:
    return 1 / (1 + np.exp(-np.asarray(z, float)))


# ---- the document as a whole ----


def test_every_number_is_checked():
    assert not TEXT.unclaimed()


def test_every_letter_of_a_formula_has_one_entry_in_the_notation():
    """Every letter has a meaning, and no letter has two, but that the chapter on convolution has letters of its own."""
    chapter = CHAPTER.search(TEXT.text)[0]
    general, own = explained("## Notation\n"), explained("## Convolutional networks\n")
    for twice in (general, own):
        assert {letter for letter in twice if twice.count(letter) > 1} <= {"i", "j"}  # the indices of δ
    assert used(TEXT.text.replace(chapter, "")) == set(general) | {"e", "\\pi"}
    assert set(own) <= used(chapter) <= set(general) | set(own) | {"e"}


CHAPTER = re.compile(r"^## Convolutional networks\n.*?(?=^## )", flags=re.DOTALL | re.MULTILINE)


def used(text: str) -> set[str]:
    formulas = re.findall(r"```math\n(.*?)```|\$([^$]+)\$", text, flags=re.DOTALL)
    return set().union(*(letters("".join(formula)) for formula in formulas))


def explained(heading: str) -> list[str]:
    """The letters in the tables of a chapter, up to its first section, and those that are said to be indices."""
    notation = re.split(r"\n###? ", TEXT.text.partition(heading)[2])[0]
    rows = [row for row in re.findall(r"^\| ([^|]*) \|", notation, flags=re.MULTILINE) if "$" in row]
    indices = " ".join(re.findall(r"Indices are ([^;]*);", notation))
    return [letter for row in [*rows, indices] for letter in letters(" ".join(re.findall(r"\$([^$]+)\$", row)))]


def letters(formula: str) -> set[str]:
    """The letters of a formula: a, \\alpha, but no words, commands or units of length."""
    formula = re.sub(r"\\text\{[^}]*\}|\\(?:begin|end)\{\w+\}|\[\d+ex\]|\\mathrm\{diag\}", " ", formula)
    greek = r"alpha|beta|gamma|delta|Delta|ell|eta|kappa|lambda|mu|phi|pi|rho|sigma|tau|theta|varepsilon|varphi|omega"
    found = set(re.findall(rf"\\(?:{greek})(?![A-Za-z])|\\mathbb\{{E\}}|\\mathrm\{{Var\}}", formula))
    formula = re.sub(r"\\mathbb\{E\}|\\mathrm\{Var\}|\\[A-Za-z]+", " ", formula)
    return found | set(re.findall(r"[A-Za-z]", formula))


def test_every_preset_that_is_named_exists():
    assert PRESET_NAMES
    assert {name[0] for name in PRESET_NAMES} <= set(nn.PRESETS)


def test_every_work_that_is_cited_is_among_the_sources_and_every_source_is_cited():
    text, _, sources = TEXT.text.partition("\n## Sources\n")
    listed = re.findall(r"^- (?:[A-Z]\. )+([A-Z]\w+).*?((?:19|20)\d\d)\.$", sources, flags=re.MULTILINE)
    assert len(listed) == sources.count("\n- ")
    cited = [name.groups() for name in CITATIONS if name.end() < len(text)]
    assert set(cited) == set(listed)
    assert len(re.findall(r"\b(?:19|20)\d\d\b", text)) == len(cited)


def test_every_listing_runs_and_prints_what_its_comments_say():
    assert TEXT.listings()
    for listing in TEXT.listings():
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(listing, {})  # as written
        said = [line.partition("  # ")[2] for line in listing.splitlines() if line.startswith("print(")]
        assert printed.getvalue().splitlines() == said


# ---- layers ----


@says("For $x = #$ the formula asks for $e^{#}$", r"$\sigma(#)$ rounds to 0 in any precision")
def test_the_sigmoid_far_below_zero(said):
    assert said == [-1000, 1000, -1000]
    layer = nn.Sigmoid()
    for dtype in (np.float32, np.float64):
        assert layer.forward(np.array([[-1000]], dtype)) == 0
        x = np.linspace(np.log(np.finfo(dtype).tiny), 20, 5001, dtype=dtype)[None]
        exact = 1 / (1 + np.exp(-x.astype(np.longdouble)))
        # "exact to the last digit or two": what e⁻ˣ is off by, and the two operations after it
        assert np.max(np.abs(layer.forward(x) - exact) / exact) < 4 * np.finfo(dtype).eps


def test_the_softmax_sends_back_how_much_worse_than_average_each_output_is(rng):
    layer, dy = nn.Softmax(), rng.normal(size=(1, 5))
    y = layer.forward(rng.normal(size=(1, 5)), training=True)
    dx = layer.backward_input(dy)
    np.testing.assert_array_equal(dx > 0, dy > (dy * y).sum())
    after = layer.forward(np.log(y) - 0.01 * dx)  # "a step against it raises the outputs that are better than average"
    assert (dy * after).sum() < (dy * y).sum()


def test_in_a_square_layer_the_shapes_do_not_tell_which_factor_is_transposed(rng):
    W, dy = rng.normal(size=(4, 4)), rng.normal(size=(3, 4))
    assert (dy @ W).shape == (dy @ W.T).shape
    assert not np.allclose(dy @ W, dy @ W.T)


def test_a_dead_unit_of_the_first_layer_stays_dead_and_one_of_a_later_layer_can_revive():
    digits = nn.load_dataset("digits").train
    network = nn.Network([nn.Dense(32), nn.ReLU(), nn.Dense(32), nn.ReLU(), nn.Dense(10), nn.Softmax()], (784,), 0)
    batches = nn.Batches(digits, 32, (784,), 10, 0)
    first, second = [], []
    for _ in nn.fit(network, nn.CrossEntropy(), nn.SGD(), nn.Constant(0.5), batches, 10):
        y = network.layers[1].forward(network.layers[0].forward(inputs(digits.images, (784,))))
        first.append(~(y > 0).any(axis=0))
        second.append(~(network.layers[3].forward(network.layers[2].forward(y)) > 0).any(axis=0))
    assert first[0].any()
    assert all((after >= before).all() for before, after in pairwise(first))
    assert any((after < before).any() for before, after in pairwise(second))


# ---- convolutional networks ----


def test_a_dense_layer_does_not_mind_if_the_pixels_are_shuffled(rng):
    shuffled, x = rng.permutation(20), rng.normal(size=(30, 20))
    t = np.eye(3)[rng.integers(0, 3, 30)]
    straight, mixed = (nn.Network([nn.Dense(8), nn.ReLU(), nn.Dense(3), nn.Softmax()], (20,), 0, float) for _ in "12")
    mixed.layers[0].W[...] = straight.layers[0].W[:, shuffled]
    sgd, other = nn.SGD(), nn.SGD()
    for _ in range(20):
        p, _ = nn.train_step(straight, nn.CrossEntropy(), sgd, 0.1, x, t)
        np.testing.assert_allclose(nn.train_step(mixed, nn.CrossEntropy(), other, 0.1, x[:, shuffled], t)[0], p)


def test_the_definition_of_a_convolution_is_the_one_that_the_layer_is_tested_against():
    (listing,) = (listing for listing in TEXT.listings() if "def convolution" in listing)
    assert inspect.getsource(slow_convolution.convolution) in listing


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_the_gradient_of_an_image_is_a_convolution_with_the_flipped_kernel(size, stride, padding, rng):
    W, x = rng.normal(size=(3, 2, size, size)), rng.normal(size=(2, 2, 7, 8))
    p = (size - 1) // 2 if padding == "same" else 0
    dy = rng.normal(size=convolution(x, W, np.zeros(3), stride, padding).shape)
    _, _, dx = slow_convolution.gradients(x, W, dy, stride, padding)

    rows, columns = x.shape[2:]
    spread = np.zeros((2, 3, rows + size - 1, columns + size - 1))  # k − 1 − p zeros before, and enough behind
    before = size - 1 - p
    spread[:, :, before::stride, before::stride][:, :, : dy.shape[2], : dy.shape[3]] = dy
    flipped = W.swapaxes(0, 1)[:, :, ::-1, ::-1]
    np.testing.assert_allclose(convolution(spread, flipped, np.zeros(2), 1, "valid"), dx, rtol=0, atol=1e-12)


def test_at_each_place_a_convolution_is_the_same_dense_layer(rng):
    """With its gradients: dW = Σ dy seenᵀ."""
    conv = nn.Conv2D(3, 2, 2)
    nn.Network([conv], (2, 6, 5), 0, np.float64)
    x = rng.normal(size=(4, 2, 6, 5))
    y = conv.forward(x, training=True)
    dy, W = rng.normal(size=y.shape), conv.W.reshape(3, -1)
    conv.backward_parameters(dy)
    dW = np.zeros_like(W)
    for h, w in np.ndindex(y.shape[2:]):
        seen = x[:, :, 2 * h : 2 * h + 2, 2 * w : 2 * w + 2].reshape(4, -1).T
        np.testing.assert_allclose(y[:, :, h, w].T, W @ seen + conv.b[:, None], rtol=0, atol=1e-13)
        dW += dy[:, :, h, w].T @ seen.T
    np.testing.assert_allclose(conv.dW.reshape(3, -1), dW, rtol=0, atol=1e-13)


@says(
    "a grey image of # × # pixels",
    "| `Conv2D(#, #)` | # · # · # = # | # · # + # = # | # · # = # |",
    "| `Dense(#)` | # | # · # + # = # | # · # = # |",
)
def test_how_few_weights_a_convolution_has(said):
    rows, columns, filters, size, *said = map(int, said)
    conv = nn.Network([nn.Conv2D(filters, size)], (1, rows, columns), 0)
    pixels, (_, *places) = rows * columns, conv.output_shape
    outputs = math.prod(conv.output_shape)
    weights = np.abs(conv.forward(np.eye(pixels, dtype=np.float32).reshape(-1, 1, rows, columns)))
    multiplications = int(np.count_nonzero(weights))  # of the dense layer that it is, those that are not held at 0
    assert outputs * size**2 == multiplications
    assert len(np.unique(weights[weights > 0])) == filters * size**2 == conv.layers[0].W.size
    conv_row = [filters, *places, outputs, filters, size**2, filters, conv.parameters.size, outputs, size**2]
    dense = nn.Dense(outputs).parameter_shapes((pixels,))
    parameters = sum(map(math.prod, dense.values()))
    dense_row = [outputs, outputs, outputs, pixels, outputs, parameters, outputs, pixels, outputs * pixels]
    assert said == [*conv_row, multiplications, *dense_row]


def test_an_image_that_is_moved_gives_outputs_that_are_moved(rng):
    conv = nn.Conv2D(2, 3, padding="same")
    network = nn.Network([conv], (1, 8, 9), 0, np.float64)
    x = rng.normal(size=(1, 1, 8, 9))
    moved = network.forward(np.roll(x, (1, 1), axis=(2, 3)))
    expected = np.roll(network.forward(x), (1, 1), axis=(2, 3))
    inner = (slice(None), slice(None), slice(2, -1), slice(2, -1))
    np.testing.assert_allclose(moved[inner], expected[inner], rtol=0, atol=1e-14)
    assert not np.allclose(moved, expected)  # "except at the edge"


@pytest.mark.parametrize("size", [1, 3, 5])
def test_how_often_a_pixel_is_copied(size):
    """It lies below the kernel at k² places: so often im2col copies it. They are in k rows: so often row buffers do."""
    x = np.zeros((1, 1, 9, 9))
    x[0, 0, 4, 4] = 1
    y = convolution(x, np.ones((1, 1, size, size)), np.zeros(1), 1, "valid")[0, 0]
    assert np.count_nonzero(y) == size**2
    assert np.count_nonzero(y.any(axis=1)) == size


def test_the_first_of_several_equals_is_a_subgradient_and_all_of_them_are_none(rng):
    layer = nn.MaxPool2D()
    x = np.array([[[[1.0, 3], [3, 3]]]])
    y = layer.forward(x, training=True)
    dx = layer.backward_input(np.ones_like(y))
    for other in x + rng.normal(size=(100, *x.shape)):
        assert layer.forward(other).item() >= y.item() + (dx * (other - x)).sum() - 1e-12
    all_equals = (x == y).astype(float)
    assert layer.forward(x + 1).item() < y.item() + all_equals.sum()


def test_pooling_before_relu_is_the_same_function_with_the_same_gradient(rng):
    x, dy = np.round(rng.normal(size=(20, 3, 6, 6))), rng.normal(size=(20, 3, 3, 3))  # many equals, many squares of 0
    found = []
    for layers in ([nn.ReLU(), nn.MaxPool2D()], [nn.MaxPool2D(), nn.ReLU()]):
        y, dx = x, dy
        for layer in layers:
            y = layer.forward(y, training=True)
        for layer in reversed(layers):
            dx = layer.backward_input(dx)
        found.append((y, dx))
    np.testing.assert_array_equal(*(y for y, _ in found))
    np.testing.assert_array_equal(*(dx for _, dx in found))


def test_the_gradient_of_batch_normalization_step_by_step_is_that_of_the_code(rng):
    epsilon = 0.1
    layer = nn.BatchNorm(epsilon=epsilon)
    network = nn.Network([layer], (1,), 0, np.float64)
    network.parameters[...] = gamma, _ = rng.normal(size=2)
    x, dy = rng.normal(1, 2, (9, 1)), rng.normal(size=(9, 1))
    layer.forward(x, training=True)
    layer.backward_parameters(dy)

    M, mu = len(x), x.mean()
    variance = np.square(x - mu).mean()
    deviation = np.sqrt(variance + epsilon)
    normalized = (x - mu) / deviation
    dnormalized = gamma * dy
    dvariance = (dnormalized * (x - mu)).sum() * -0.5 * (variance + epsilon) ** -1.5
    dmu = -(dnormalized / deviation).sum() - dvariance * 2 / M * (x - mu).sum()
    np.testing.assert_allclose(layer.dgamma, (dy * normalized).sum())
    np.testing.assert_allclose(layer.dbeta, dy.sum())
    np.testing.assert_allclose(dvariance, -gamma * layer.dgamma.item() / (2 * (variance + epsilon)))
    np.testing.assert_allclose(dmu, -gamma * dy.sum() / deviation)
    dx = dnormalized / deviation + dvariance * 2 * (x - mu) / M + dmu / M
    np.testing.assert_allclose(layer.backward_input(dy), dx, rtol=0, atol=1e-14)


def test_the_unbiased_variance_is_on_average_that_of_all_values(rng):
    layer = nn.BatchNorm(momentum=0)
    network = nn.Network([layer], (20_000,), 0, np.float64)
    network.forward(rng.normal(5, 3, (4, 20_000)), training=True)
    assert network.settle()
    assert layer.variance.mean() == pytest.approx(9, rel=0.02)
    assert layer.batch_variance.mean() == pytest.approx(9 * 3 / 4, rel=0.02)  # (M − 1)/M of it


def test_a_bias_before_batch_normalization_has_no_gradient_but_adam_moves_it():
    digits = nn.load_dataset("digits").train
    network = nn.Network([nn.Dense(32), nn.BatchNorm(), nn.ReLU(), nn.Dense(10), nn.Softmax()], (784,), 0)
    x, t = nn.Batches(digits, 64, (784,), 10, 0).batch(np.arange(64), 0)
    dense, before = network.layers[0], network.parameters.copy()
    nn.train_step(network, nn.CrossEntropy(), nn.Adam(), 0.001, x, t)
    moved = np.abs(network.parameters - before)
    of_weights, of_biases = moved[: dense.W.size].mean(), moved[dense.W.size : dense.W.size + 32].mean()
    assert np.abs(dense.db).mean() < 1e-4 * np.abs(dense.dW).mean()
    assert of_biases > 0.1 * of_weights


# ---- losses ----


@says(r"which is # for ten digits", r"A network that knows nothing has a loss of #, and")
def test_what_knowing_nothing_costs(said):
    p, t = np.full((1, 10), 0.1), np.eye(10)[:1]
    agree(said, [nn.CrossEntropy().value(p, t)] * 2)
    agree(said, [math.log(10)] * 2)


@says(
    "asks for a probability of #. No finite logits give it",
    r"With $\alpha = #$ and $K = #$ that is a probability of # for the right class and # for every other",
    r"the logits are then $\log # = #$ apart",
    "The smallest loss is no longer #, but",
    "which is # with these numbers",
)
def test_where_label_smoothing_is_smallest(said):
    asked, a, K, right, other, ratio, apart, no_longer, smallest = said
    loss, t = nn.CrossEntropy(a), np.eye(int(K))[:1]
    assert (asked, no_longer) == (t.max(), 0)
    best = np.full_like(t, other)
    best[0, 0] = right
    assert best.sum() == pytest.approx(1)
    np.testing.assert_allclose(loss.logit_gradient(best, t), 0, atol=1e-15)
    agree([ratio, apart, smallest], [right / other, math.log(right / other), loss.value(best, t)])


@says(
    "Let the logits be $z = (0, #)$", "because $e^{-#}$ is smaller than the smallest number", "gives $dz = (-#, #)/N$"
)
def test_the_shortcut_is_right_where_the_long_way_loses_everything(said):
    z, t = np.array([[0, said[0]]], np.float32), np.array([[1, 0]], np.float32)
    assert said[0] == said[1]
    assert np.exp(-z[0, 1]) == 0
    layer, loss = nn.Softmax(), nn.CrossEntropy()
    p = layer.forward(z, training=True)
    assert p.tolist() == [[0, 1]]
    assert layer.backward_input(loss.gradient(p, t)).tolist() == [[0, 0]]
    assert loss.logit_gradient(p, t).tolist() == [[-said[2], said[3]]]


@says(
    "| logit $z$ | $p$ | $dz$, mean squared error | $dz$, binary cross-entropy |\n|---:|---:|---:|---:|"
    + "\n| # | # | # | # |" * 4,
    "the gradient of the squared error is # times smaller",
)
def test_the_two_losses_through_a_sigmoid(said):
    for z, *rest in zip(*[iter(said[:-1])] * 4, strict=True):
        layer, t = nn.Sigmoid(), np.ones((1, 1))
        p = layer.forward(np.array([[z]]), training=True)
        squared = layer.backward_input(nn.MeanSquaredError().gradient(p, t)).item()
        cross = nn.BinaryCrossEntropy().logit_gradient(p, t).item()
        agree(rest, [p.item(), squared, cross])
    agree(said[-1:], [cross / squared])


# ---- back-propagation ----


@pytest.fixture(scope="module")
def worked() -> dict:
    """What the listing of the worked example computes."""
    (listing,) = (listing for listing in TEXT.listings() if "dz1 = " in listing)
    values: dict = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(listing, values)
    return values


def matrix(rows: int, columns: int) -> str:
    inside = r" \\ ".join([" & ".join("#" * columns)] * rows)
    return rf"\begin{{pmatrix}} {inside} \end{{pmatrix}}"


@says(
    f"x &= {matrix(1, 2)} , &",
    f"W_1 &= {matrix(3, 2)} , &",
    f"b_1 &= {matrix(1, 3)} , \\\\",
    f"t &= {matrix(1, 2)} , &",
    f"W_2 &= {matrix(2, 3)} , &",
    f"b_2 &= {matrix(1, 2)} .",
)
def test_the_worked_example_begins_with_the_numbers_of_its_listing(said, worked):
    agree(said, flat(worked, "x", "W1", "b1", "t", "W2", "b2"))


@says(
    f"b_1 = {matrix(1, 3)} & & (1, 3)",
    rf"\max(0, z_1) = {matrix(1, 3)} & & (1, 3)",
    f"b_2 = {matrix(1, 2)} & & (1, 2)",
    r"\frac{\begin{pmatrix} e^{#} & e^{#} \end{pmatrix}}{e^{#} + e^{#}} = " + f"{matrix(1, 2)} & & (1, 2)",
    r"L &= -\log # = #",
)
def test_the_worked_example_forward(said, worked):
    x, W1, b1, W2, b2 = (worked[name] for name in ("x", "W1", "b1", "W2", "b2"))
    z1 = x @ W1.T + b1
    y1 = np.maximum(z1, 0)
    z2 = y1 @ W2.T + b2
    exponents = (z2 - z2.max()).ravel().tolist()
    p = np.exp(z2) / np.exp(z2).sum()
    agree(said[:8], flat(locals(), "z1", "y1", "z2"))
    agree(said[8:], [*exponents, *exponents, *p.ravel(), p[0, 1], -math.log(p[0, 1])])
    np.testing.assert_allclose(p, worked["p"], rtol=1e-14)


@says(
    f"p - t = {matrix(1, 2)} & & (1, 2)",
    rf"dz_2^\top\, y_1 = {matrix(2, 3)} & & (2, 3)",
    f"db_2 &= {matrix(1, 2)} & & (2)",
    rf"dz_2\, W_2 = # {matrix(1, 3)} = {matrix(1, 3)} & & (1, 3)",
    rf"[\,y_1 > 0\,] = {matrix(1, 3)} & & (1, 3)",
    rf"dz_1^\top\, x = {matrix(3, 2)} & & (3, 2)",
    f"db_1 &= {matrix(1, 3)} & & (3)",
    "$dx = dz_1 W_1 = (#, #)$",
)
def test_the_worked_example_backward(said, worked):
    dy1 = worked["dz2"] @ worked["W2"]
    dx = worked["dz1"] @ worked["W1"]
    factor = worked["dz2"][0, 0]
    parts = [*flat(worked, "dz2", "dW2", "db2"), factor, *(dy1 / factor).ravel(), *dy1.ravel()]
    agree(said, [*parts, *flat(worked, "dz1", "dW1", "db1"), *dx.ravel()])


def test_the_package_agrees_with_the_worked_example(worked):
    layers = [nn.Dense(3), nn.ReLU(), nn.Dense(2), nn.Softmax()]
    network = nn.Network(layers, (2,), 0, np.float64)
    network.parameters[...] = flat(worked, "W1", "b1", "W2", "b2")
    p = network.forward(worked["x"], training=True)
    network.backward(nn.CrossEntropy(), p, worked["t"])
    np.testing.assert_allclose(p, worked["p"], rtol=1e-14)
    np.testing.assert_allclose(network.gradients, flat(worked, "dW1", "db1", "dW2", "db2"), rtol=1e-13)


def flat(values: dict, *names: str) -> list[float]:
    return [float(value) for name in names for value in np.ravel(values[name])]


@says(
    r"In the worked example, $\sum g_i^2 = #$. A step with $\eta = #$ should lower the loss by # to #",
    "In fact the loss is #",
)
def test_a_step_in_the_worked_example(said, worked):
    values = {name: np.array(value) for name, value in worked.items() if isinstance(value, np.ndarray)}
    squares = sum(float((values[f"d{name}"] ** 2).sum()) for name in ("W1", "b1", "W2", "b2"))
    eta = said[1]
    W1, b1, W2, b2 = (values[name] - eta * values[f"d{name}"] for name in ("W1", "b1", "W2", "b2"))
    z2 = np.maximum(values["x"] @ W1.T + b1, 0) @ W2.T + b2
    after = -float((z2 * values["t"]).sum() - np.log(np.exp(z2).sum()))
    before = float(worked["L"])
    agree(said, [squares, eta, eta * squares, before - eta * squares, after])


@says("That costs a forward pass for each of # parameters", "of # remembered gradients")
def test_the_number_of_parameters(said):
    agree(said, [nn.PRESETS["784-128-64-10"].make_network(0).parameters.size] * 2)


@says(
    "with a batch of # has eight such products",
    "| # → # | # · # + # = # | # | # | left out |" + "\n| # → # | # · # + # = # | # | # | # |" * 2,
    "| sum | # | # | # | # |",
    "a step takes # million flops",
    "would add another # million, # % on top",
)
def test_what_a_step_costs(said):
    N, *said = said
    places = [place for place in nn.PRESETS["784-128-64-10"].make_network(0).places if place.parameters]
    flops, rows = [], []
    for number, place in enumerate(places):
        (inputs,), (units,) = place.input_shape, place.output_shape
        product = 2 * int(N) * inputs * units
        flops.append([product] * (2 if number == 0 else 3))
        rows += [inputs, units, inputs, units, units, place.size, *flops[-1]]
    forward, total = sum(row[0] for row in flops), sum(map(sum, flops))
    sums = [sum(place.size for place in places), forward, forward, flops[1][0] + flops[2][0]]
    assert sum(map(len, flops)) == 8
    agree(said, [*rows, *sums, total / 1e6, flops[0][0] / 1e6, 100 * flops[0][0] / total])


# ---- initialization ----


@says(
    "Measured with # ReLU units on the small set of digits that comes with the package, all weights #, Adam at #, "
    "batches of #, in float64: if the weights of one unit are larger by $#$, its largest distance from the others is "
    "$#$ after one epoch and # after ten"
)
def test_twins_part_when_one_of_them_is_moved_a_little(said):
    units, weight, rate, batch_size, move, *distances = said
    digits = nn.load_dataset("digits").train
    layers = [nn.Dense(int(units)), nn.ReLU(), nn.Dense(10), nn.Softmax()]
    network = nn.Network(layers, (784,), 0, np.float64)
    layers[0].W[...], layers[2].W[...] = weight, weight
    layers[0].W[0] += move
    batches = nn.Batches(digits, int(batch_size), (784,), 10, 0, np.float64)
    found = []
    for _ in nn.fit(network, nn.CrossEntropy(), nn.Adam(), nn.Constant(rate), batches, 10):
        found.append(float(np.abs(layers[0].W - layers[0].W[0]).max()))
    agree(distances, [found[0], found[9]])


@says(
    "A stack of dense layers with ReLU, each # wide",
    "| weights | factor per layer | layer # | layer # | layer # | layer # |",
    r"| normal, $\mathrm{Var}(W) = 1/#$: scaled normal | # | # | # | # | # |",
    r"| normal, $\mathrm{Var}(W) = 2/#$: He | # | # | # | # | # |",
    r"| normal, $\mathrm{Var}(W) = 4/#$ | # | # | # | # | # |",
    r"| uniform on $[-1, #)$ | # | # | # | # | $#$ |",
)
def test_how_the_signal_grows_from_layer_to_layer(said, rng):
    width, *depths = map(int, said[:5])
    rows = np.array(said[5:], object).reshape(4, 6)
    weights = [(ScaledNormal(), 1 / width), (He(), 2 / width), (Normal(2 / 16), 4 / width), (Uniform(1), 1 / 3)]
    for (divisor, *row), (initializer, variance) in zip(rows, weights, strict=True):
        agree([divisor], [1 if initializer is weights[3][0] else width])
        first, factor = math.sqrt(width * variance), math.sqrt(width * variance / 2)
        agree(row, [factor, *(first * factor ** (depth - 1) for depth in depths)])
        stacks = [fifth_sum(initializer, width, rng) for _ in range(20)]  # and the formula holds
        assert math.sqrt(np.mean(np.square(stacks))) == pytest.approx(first * factor**4, rel=0.1)


def fifth_sum(initializer: Initializer, width: int, rng: np.random.Generator) -> np.ndarray:
    """z in the fifth layer of a stack with ReLU whose input has the mean square 1."""
    x = rng.normal(size=(50, width))
    for _ in range(5):
        z = x @ initializer((width, width), rng).T
        x = np.maximum(z, 0)
    return z


@says(
    r"ReLU halves the mean square, $\mathbb{E}[y^2] = \tfrac12 \mathbb{E}[z^2]$, and the factor # makes up for it",
    "Measured on # samples of normal inputs, with scaled normal weights and # units in each layer",
    "| activation | layer # | layer # | layer # | layer # |",
    "| sigmoid | # | # | # | # |\n| tanh | # | # | # | # |",
)
def test_how_far_the_samples_stay_apart(said):
    two, samples, width, *said = said
    depths, *rows = np.array(said, object).reshape(3, 4)
    for row, activation in zip(rows, (sigmoid, np.tanh), strict=True):
        rng = np.random.default_rng(0)
        x, spread = rng.normal(size=(int(samples), int(width))), {}
        for depth in range(1, 6):
            z = x @ ScaledNormal()((int(width), int(width)), rng).T
            spread[depth] = float(z.std(axis=0).mean())
            x = activation(z)
        agree(row, [spread[int(depth)] for depth in depths])
    y = np.maximum(np.random.default_rng(0).normal(size=100_000), 0)
    assert two * np.mean(y**2) == pytest.approx(1, rel=0.02)


@says("a recipe names them `normal:#` and `uniform:#`")
def test_the_words_for_fixed_scales(said):
    assert type(nn.initializers.as_initializer(f"normal:{said[0]:g}")) is Normal
    assert type(nn.initializers.as_initializer(f"uniform:{said[1]:g}")) is Uniform


@says(
    "**Uniform on $[-1, 1)$ with # inputs.**",
    r"An MNIST training image has $\sum_j x_j^2 = #$ on average",
    r"\sqrt{\tfrac13 \cdot (# + 1)} = # ,",
    r"\sqrt{\tfrac13 \cdot \big( # \cdot \tfrac12 \cdot #^2 + 1 \big)} = # .",
    r"**Normal with the deviation # and # inputs** is the opposite: $z$ is about $# \cdot \sqrt{#} = #$",
)
def test_how_large_the_sums_over_an_image_are(said, mnist):
    x = mnist.train.images.reshape(len(mnist.train), -1)
    square = float((np.square(x, dtype=np.float32).sum(axis=1) / 255**2).mean())
    pixels, units, variance = x.shape[1], 10, 1 / 3
    first = math.sqrt(variance * (square + 1))
    second = math.sqrt(variance * (units * first**2 / 2 + 1))
    small = 0.01
    agree(said[:7], [pixels, square, square, first, units, first, second])
    agree(said[7:], [small, pixels, small, square, small * math.sqrt(square)])


@says(
    "Measured on the first # training images, the loss starts at # on average over # seeds",
    "with He's weights the loss starts at #. So",
    r"has # % of its inputs outside $\pm #$ (measured in the same way), where the derivative is below # instead of #",
)
def test_what_uniform_weights_start_with(said, mnist):
    images, _, seeds, *_ = said
    first = mnist.train.select(slice(0, int(images)))
    x, t = inputs(first.images, (784,)), np.eye(10, dtype=np.float32)[first.labels]
    uniform, he, outside = [], [], []
    for seed in range(int(seeds)):
        for initializer, bias, losses in ((Uniform(1), Uniform(1), uniform), (He(), "zeros", he)):
            layers = [nn.Dense(10, initializer, bias), nn.ReLU(), nn.Dense(10, initializer, bias), nn.Softmax()]
            losses.append(nn.CrossEntropy().value(nn.Network(layers, (784,), seed).forward(x), t))
            if losses is uniform:
                outside.append(np.mean(np.abs(layers[0].forward(x)) > 4))
    slope = lambda z: float(sigmoid(z) * (1 - sigmoid(z)))  # noqa: E731
    found = [len(first), float(np.mean(uniform)), len(uniform), float(np.mean(he))]
    agree(said, [*found, 100 * float(np.mean(outside)), 4, slope(4), slope(0)])


# ---- optimizers ----


@says(r"So $\mu = #$ goes ten times as fast")
def test_where_momentum_leads(said):
    assert 1 / (1 - said[0]) == pytest.approx(10)
    theta, sgd = np.zeros(1), nn.SGD(momentum=said[0])
    for _ in range(300):
        before = theta.copy()
        sgd.step(theta, np.ones(1), 0.1)
    assert before - theta == pytest.approx(10 * 0.1)


def test_the_two_forms_of_nesterovs_momentum_agree(rng):
    curvature, mu, eta = rng.uniform(0.5, 2, 4), 0.9, 0.1
    theta, v = rng.normal(size=4), np.zeros(4)
    ahead, sgd = theta.copy(), nn.SGD(momentum=mu, nesterov=True)
    for _ in range(20):
        v = mu * v + curvature * (theta - eta * mu * v)
        theta = theta - eta * v
        sgd.step(ahead, curvature * ahead, eta)
        np.testing.assert_allclose(ahead, theta - eta * mu * v, rtol=1e-12)


@says(
    r"\beta_1 = # \\",
    r"\beta_2 = # \end{aligned}",
    r"$\varepsilon = #$ prevents",
    "Multiply the loss by # and both",
    r"$(1 - \beta_1)/\sqrt{1 - \beta_2} = #$ times as much",
    "The correction of $m_1$ is below # % after # steps, and that of $m_2$ after #.",
)
def test_adam(said):
    (beta1, beta2), (factor, uncorrected, percent, *steps) = said[:2], said[3:]
    adam = nn.Adam()
    agree(said[:3], [adam.beta1, adam.beta2, adam.epsilon])
    agree([uncorrected], [(1 - beta1) / math.sqrt(1 - beta2)])
    below = lambda beta: next(s for s in range(1, 10_000) if 1 / (1 - beta**s) - 1 < percent / 100)  # noqa: E731
    agree(steps, [below(beta1), below(beta2)])
    theta, scaled, other = np.zeros(3), np.zeros(3), nn.Adam()
    for g in np.random.default_rng(0).normal(size=(5, 3)):
        adam.step(theta, g, 0.1)
        other.step(scaled, factor * g, 0.1)
    np.testing.assert_allclose(scaled, theta, rtol=1e-6)


def test_adam_in_the_letters_of_the_text_is_the_adam_of_the_code(rng):
    beta1, beta2, epsilon, eta = 0.8, 0.95, 1e-3, 0.1
    adam, theta, m1, m2 = nn.Adam(beta1, beta2, epsilon), np.zeros(4), np.zeros(4), np.zeros(4)
    expected = np.zeros(4)
    for tau, g in enumerate(rng.normal(size=(10, 4)), start=1):
        adam.step(theta, g, eta)
        m1, m2 = beta1 * m1 + (1 - beta1) * g, beta2 * m2 + (1 - beta2) * g**2
        expected -= eta * (m1 / (1 - beta1**tau)) / (np.sqrt(m2 / (1 - beta2**tau)) + epsilon)
        np.testing.assert_allclose(theta, expected, rtol=1e-12)


@says("**Biases too.** Some recipes let only the weights decay. Measured on # training images held out")
def test_where_weight_decay_was_measured(said):
    """The figures are in docs/recipes.md."""
    recipes = " ".join((ROOT / "docs" / "recipes.md").read_text(encoding="utf-8").split())
    assert f"on the last {int(said[0]):,} training images, which were held out" in recipes


# ---- the training loop, metrics ----


@says("steps: # for # images in batches of #")
def test_the_steps_of_an_epoch(said):
    _, images, batch_size = map(int, said)
    split = nn.Split(np.zeros((images, 1, 1), np.uint8), np.zeros(images, np.uint8))
    agree(said, [len(nn.Batches(split, batch_size, (1,), 1, 0)), images, batch_size])


@says(
    "An example with # samples of three classes",
    f"C = {matrix(3, 3)} , \\quad {matrix(2, 2)} , \\quad",
    f"= {matrix(2, 2)} .",
    "The accuracy is $#/# = #$; the class in the middle has the precision $#/#$, the recall $#/#$ and $F_1 = #/#$",
)
def test_the_confusion_matrix(said):
    samples, *entries = map(int, said[:10])
    C = np.array(entries).reshape(3, 3)
    assert C.sum() == samples
    binary = metrics.one_vs_rest(C)
    (TP, FN), (FP, _) = middle = binary[1].tolist()
    right, wrong, K = int(np.trace(C)), int(samples - np.trace(C)), len(C)
    total = [[right, wrong], [wrong, (K - 1) * right + (K - 2) * wrong]]
    assert binary.sum(axis=0).tolist() == total
    agree(said[10:18], np.ravel([middle, total]).tolist())
    agree(said[18:], [right, samples, right / samples, TP, TP + FP, TP, TP + FN, 2 * TP, 2 * TP + FP + FN])
    report = metrics.per_class(C)[1]
    fractions = [said[i] / said[i + 1] for i in (21, 23, 25)]
    assert fractions == pytest.approx([report.precision, report.recall, report.f1])


@says("For # % on # images that is # percentage points")
def test_how_much_to_believe(said):
    accuracy = said[0] / 100
    agree(said[2:], [100 * math.sqrt(accuracy * (1 - accuracy) / said[1])])


# ---- ensembles ----


@says(
    "the right class the probability # and another gives #, their losses are # and #, with a mean of #",
    "The ensemble gives #, and its loss is #",
)
def test_the_loss_of_an_ensemble_is_below_the_mean_loss(said):
    first, second, *losses = said
    each = [-math.log(first), -math.log(second)]
    mean = nn.Ensemble.mean([np.array([[first]]), np.array([[second]])]).item()
    agree(losses, [*each, sum(each) / 2, mean, -math.log(mean)])


def test_the_squared_error_of_an_ensemble_is_the_mean_error_less_the_spread(rng):
    p, t = rng.uniform(size=(5, 20, 3)), rng.integers(0, 2, (20, 3))
    together = nn.Ensemble.mean(list(p))
    np.testing.assert_allclose((together - t) ** 2, ((p - t) ** 2).mean(axis=0) - ((p - together) ** 2).mean(axis=0))


@says("the probabilities #, # and #. Two of them are right, but the mean is #,")
def test_an_ensemble_can_be_wrong_where_most_members_are_right(said):
    *members, mean = said
    assert sum(p > 0.5 for p in members) == 2
    agree([mean], [sum(members) / 3])
    assert mean < 0.5


# ---- gradient checking ----


@says(
    r"has a derivative of zero at $h = (3\rho)^{1/3}$: $#$ for float64 and $#$ for float32",
    "median over # random inputs and directions",
    "| $h$ | float64, central | float64, one-sided | float32, central |\n|---:|---:|---:|---:|"
    + "\n| $#$ | $#$ | $#$ | $#$ |" * 4
    + "\n| $#$ | $#$ | $#$ | # |" * 2,
    "In float64 with $h = #$ there are ten digits to compare, and a tolerance of $#$ leaves",
    "fewer than five with the best $h$, and two with $h = #$",
)
def test_which_step_measures_a_slope_best(said):
    best, (draws, *table), (step, tolerance, other) = said[:2], said[2:27], said[27:]
    agree(best, [float(np.cbrt(3 * np.finfo(dtype).eps)) for dtype in (np.float64, np.float32)])
    rows = np.array(table, object).reshape(6, 4)
    found = slope_errors([float(h) for h in rows[:, 0]], int(draws))
    for row, errors in zip(rows, found, strict=True):
        agree(row[1:], errors, factor=1.5)
    central = found[:, [0, 2]]
    assert rows[central.argmin(axis=0), 0].tolist() == [10.0 ** round(math.log10(h)) for h in best]
    at = {float(h): errors for h, errors in zip(rows[:, 0], found, strict=True)}
    assert at[step][0] < 1e-10 < tolerance
    assert central[:, 1].min() > 1e-5
    assert at[other][2] > 1e-2


def slope_errors(steps: list[float], draws: int) -> np.ndarray:
    """The median relative errors of a softmax's slope: float64 central and one-sided, float32 central. (steps, 3)"""
    rng, softmax = np.random.default_rng(0), nn.Softmax()
    errors = np.empty((draws, len(steps), 3))
    for draw in range(draws):
        x, dy, u = rng.normal(size=(3, 1, 5))
        u /= np.linalg.norm(u)
        for column, dtype in ((0, np.float64), (2, np.float32)):
            x_, dy_, u_ = (array.astype(dtype) for array in (x, dy, u))
            phi = lambda h: float((softmax.forward(x_ + h * u_) * dy_).sum())  # noqa: B023, E731
            softmax.forward(x_.astype(np.float64), training=True)
            slope = float((softmax.backward_input(dy_.astype(np.float64)) * u_).sum())
            for row, h in enumerate(map(dtype, steps)):
                errors[draw, row, column] = abs((phi(h) - phi(-h)) / (2 * float(h)) / slope - 1)
                if dtype is np.float64:
                    errors[draw, row, 1] = abs((phi(h) - phi(dtype(0))) / h / slope - 1)
    return np.median(errors, axis=0)


# ---- augmentation ----


@says("would give the same correlations to within #, but takes far more")
def test_the_elastic_displacements_are_correlated_as_those_of_noise_in_every_pixel(said):
    (within,) = said
    for pixels, smoothness in ((28, 4.0), (28, 2.0), (28, 7.3), (8, 4.0)):
        shares = bells(pixels, smoothness).astype(float)
        distance = np.subtract.outer(np.arange(pixels), np.arange(pixels))
        assert np.abs(shares @ shares.T - np.exp(-((distance / (2 * smoothness)) ** 2))).max() < within


# ---- numerics ----


@says("A float32 has # significant bits, about seven decimal digits: neighbours near 1 are $#$ apart")
def test_a_float32(said):
    found = np.finfo(np.float32)
    agree(said, [found.nmant + 1, float(found.eps)])
    assert math.log10(2 ** (found.nmant + 1)) == pytest.approx(7, abs=0.5)


@says(
    "| $e^x$ overflows above | $x = #$ | $x = #$ |",
    "| smallest normal number | $#$ | $#$ |",
    r"| $\sigma(x)$ rounds to 1 above | $x = #$ | $x = #$ |",
    "| largest number below 1 | $1 - #$ | $1 - #$ |",
    "Logits of # do happen",
    r"costs at most $-\log(#) = #$ in float32, or # if $1 - p$ was rounded to 0",
)
def test_where_the_precisions_end(said):
    for column, dtype in enumerate((np.float32, np.float64)):
        found, layer = np.finfo(dtype), nn.Sigmoid()
        largest, below = math.log(found.max), 1 - float(np.nextafter(dtype(1), dtype(0)))
        rounded = -math.log(found.eps / 2)  # beyond, e⁻ˣ is too small to make 1 + e⁻ˣ any other number than 1
        agree(said[column:8:2], [largest, float(found.tiny), rounded, below])
        with np.errstate(over="ignore"):
            assert np.isfinite(np.exp(dtype(largest - 0.1)))
            assert np.isinf(np.exp(dtype(largest + 0.1)))
        assert layer.forward(np.array([[rounded - 0.1]], dtype)) < 1
        assert layer.forward(np.array([[rounded + 0.1]], dtype)) == 1
    zero, one = np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32)
    loss, tiny = nn.BinaryCrossEntropy(), float(np.finfo(np.float32).tiny)
    agree(said[8:], [int(math.log(np.finfo(np.float32).max)), tiny, loss.value(zero, one), loss.value(one, zero)])


@says(
    "shrinks by the factor # at each of them. A value of $#$ is denormal after # steps",
    "So every # steps the optimizers set all values below $#$ to 0",
    r"from # up, since $# \cdot #^{#} \approx #$ is still normal",
    r"with $\varepsilon = #$, such a memory moves a weight by less than $#$",
)
def test_numbers_that_fade(said):
    factor, start, steps, every, tiny, least, tiny_again, least_again, every_again, left, epsilon, moves = said
    smallest = float(np.finfo(np.float32).tiny)
    agree([factor], [nn.Adam().beta1])
    agree([steps], [next(n for n in range(2000) if start * factor**n < smallest)])
    agree([every, tiny, every_again, tiny_again], [optimizers.FORGET_EVERY, optimizers.TINY] * 2)
    assert least == least_again
    agree([left], [tiny * least ** int(every)])
    assert left > smallest
    agree([epsilon, moves], [nn.Adam().epsilon, tiny / epsilon])


class Unforgetting(nn.Adam):
    def forget_the_tiny(self) -> None:
        """Keep everything."""


@says("default layers and Adam, after # steps in batches of #, more than # of # remembered gradients were denormal")
def test_training_makes_numbers_that_fade(said, mnist):
    steps, batch_size, least, parameters = map(int, said)
    recipe = nn.PRESETS["784-128-64-10"].override(batch_size=batch_size)
    network, adam = recipe.make_network(0), Unforgetting()
    batches = recipe.make_batches(mnist.train, 0)
    assert network.parameters.size == parameters
    for epoch in range(-(-steps // len(batches))):
        for x, t in batches.epoch(epoch):
            if adam.steps < steps:
                nn.train_step(network, nn.CrossEntropy(), adam, 0.001, x, t)
    faded = np.abs(adam.state["gradient_sum"])
    assert adam.steps == steps
    assert np.count_nonzero((faded > 0) & (faded < np.finfo(np.float32).tiny)) > least


@says(
    "| `np.sqrt(# / n)` as a factor: since NumPy # a NumPy scalar counts like an array | `math.sqrt(# / n)` |",
    "`np.eye(#)`",
    "an array of #-bit integers as a factor",
)
def test_precision_that_leaks_in(said):
    assert said == [2, 2, 2, 10, 64]
    single = np.ones((10, 10), np.float32)
    names = {"np": np, "math": math, "n": 3, "rng": np.random.default_rng(0), "shape": single.shape}
    table = TEXT.text.partition("### Precision that leaks in")[2].partition("### ")[0]
    snippets = re.findall(r"`([^`]+\([^`]+\))`", table)
    assert len(snippets) == 5
    for snippet in snippets:
        expected = np.float32 if snippet.startswith("math.") else np.float64
        assert (single * eval(snippet, names)).dtype == expected, snippet
    assert (single * np.ones((10, 10), f"int{int(said[-1])}")).dtype == np.float64


@says(
    r"because $#^{#-1} \gt #^{#}$, and eight digits are not enough, because $#^{#-1} \lt #^{#}$",
    "same float32: `#`, where the same number converted to float64 first would be written `#`",
    "rounding twice can give a different result; # is an example. Such numbers, none among # drawn at random",
)
def test_numbers_in_a_file(said, rng):
    ten, nine, two, bits, ten_, eight, two_, bits_, short, long, beside, drawn = said
    assert ten ** (nine - 1) > two**bits
    assert ten_ ** (eight - 1) < two_**bits_
    assert bits == bits_ == np.finfo(np.float32).nmant + 1
    assert str(np.float32(short)) == str(float(short))
    assert str(float(np.float32(short))) == str(float(long))
    at_random = rng.integers(0, 2**32, 2 * int(drawn), dtype=np.uint32).view(np.float32)
    at_random = at_random[np.isfinite(at_random)][: int(drawn)]
    near = np.float32(beside)  # through float64, and so beside the one that is meant
    around = np.array([np.nextafter(near, np.float32(0)), np.nextafter(near, np.float32(1))])
    for values, expected in (around[around.astype(str) == f"{beside:.6e}"], 1), (at_random, 0):
        shortest = values.astype(str).astype(np.float64)
        assert np.count_nonzero(shortest.astype(np.float32) != values) == expected
