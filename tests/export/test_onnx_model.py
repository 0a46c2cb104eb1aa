"""ONNX models: what onnxruntime answers with them is what the network here answers, for every layer there is."""

import json
import sys

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch.classes import predicted_classes
from nn_from_scratch.data.batches import inputs
from nn_from_scratch.layers import LAYERS
from nn_from_scratch.training import predict
from tests.new_parts import LeakyReLU
from tests.other_software import name, network_of, stacks
from tests.scripts import ROOT, refusal, run

onnx = pytest.importorskip("onnx", reason='ONNX is not installed: pip install "nn-from-scratch-numpy[onnx]"')
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install onnxruntime")

from nn_from_scratch.export import onnx_model  # noqa: E402

PRETRAINED = sorted((ROOT / "resources" / "pretrained").glob("*.json"))


def answers(model, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, {"input": x.astype(np.float32)})
    return answer


def numbers(network: nn.Network) -> nn.SavedNetwork:
    return nn.SavedNetwork(network, classes=())


def test_every_layer_has_its_operators():
    assert onnx_model.STEPS.keys() == set(LAYERS.values())


@pytest.mark.parametrize("stack", stacks(), ids=name)
def test_every_layer_computes_there_what_it_computes_here(stack, rng):
    network = network_of(stack)
    x = rng.normal(size=(6, *network.input_shape)).astype(np.float32)
    model = onnx_model.model_of(numbers(network))
    np.testing.assert_allclose(answers(model, x), network.forward(x), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(answers(model, x[:1]), network.forward(x[:1]), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("file", PRETRAINED, ids=lambda file: file.stem)
def test_on_1000_images_it_answers_as_the_network_does(file):
    saved = nn.load(file)
    images = nn.load_dataset("digits").train.images[:1000]
    p = predict(saved.network, images)
    there = answers(onnx_model.model_of(saved), inputs(images, saved.network.input_shape))
    assert p.shape == there.shape == (1000, *saved.network.output_shape)
    assert np.abs(p - there).max() <= 1e-5
    assert (predicted_classes(p) == predicted_classes(there)).all()


def test_on_1000_images_of_mnist_the_ensemble_answers_as_here(mnist):
    saved = nn.load(ROOT / "resources" / "pretrained" / "cnn-ensemble.json")
    images = mnist.test.images[:1000]
    p, there = predict(saved.network, images), answers(onnx_model.model_of(saved), inputs(images, (1, 28, 28)))
    assert np.abs(p - there).max() <= 1e-5
    assert (predicted_classes(p) == predicted_classes(there)).all()


# ---- what stands in the model ----


def test_its_names_and_shapes_are_those_of_the_layers():
    network = network_of(
        (["conv2d:4:3", "batch-norm", "relu", "global-average-pool2d", "dense:3", "softmax"], (2, 6, 7))
    )
    model = onnx_model.model_of(nn.SavedNetwork(network, (4, 5, 9)))
    assert onnx_model.summary(model) == "input (N, 2, 6, 7) → probabilities (N, 3)"
    assert [node.name for node in model.graph.node] == [
        *("conv2d_0", "batch_norm_1", "relu_2"),
        *("global_average_pool2d_3.GlobalAveragePool", "global_average_pool2d_3", "dense_4", "softmax_5"),
    ]
    arrays = {array.name: tuple(array.dims) for array in model.graph.initializer}
    weights = {"conv2d_0.W": (4, 2, 3, 3), "conv2d_0.b": (4,), "dense_4.W": (3, 4), "dense_4.b": (3,)}
    assert arrays == weights | {f"batch_norm_1.{array}": (4,) for array in ("gamma", "beta", "mean", "variance")}
    shapes = {
        value.name: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in model.graph.value_info
    }
    assert shapes["conv2d_0.y"] == ["N", 4, 4, 5]
    assert shapes["global_average_pool2d_3.y"] == ["N", 4]
    assert (model.ir_version, model.opset_import[0].version) == (7, 13)  # which onnxruntime 1.6 of 2020 runs


@pytest.mark.parametrize(
    ("layers", "classes", "output", "said"),
    [
        (["dense:3", "softmax"], (4, 5, 9), "probabilities", "one probability for each of the classes, in their order"),
        (
            ["dense:3", "sigmoid"],
            tuple(np.array([4, 5, 9])),
            "outputs",
            "one output for each of the classes, in their order",
        ),
        (["dense:1", "sigmoid"], (4, 9), "probabilities", "the probability of class 9; that of class 4 is 1 minus it"),
        (["dense:3"], (), "outputs", "numbers"),
        (["dense:1", "sigmoid"], (), "outputs", "numbers"),
    ],
)
def test_it_says_what_goes_in_and_what_comes_out(layers, classes, output, said):
    training = {"seed": 3, "command": "python train.py"}
    saved = nn.SavedNetwork(network_of((layers, (5,))), classes, training, {"test_accuracy": 0.5})
    model = onnx_model.model_of(saved)
    known = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(known["classes"]) == list(classes)
    assert json.loads(known["class_names"]) == [str(label) for label in classes]
    assert json.loads(known["training"]) == training
    assert json.loads(known["metrics"]) == {"test_accuracy": 0.5}
    assert known["output"] == said
    assert model.graph.output[0].name == output
    assert (model.producer_name, model.producer_version) == ("nn_from_scratch", nn.__version__)


def test_it_calls_the_classes_by_their_names():
    saved = nn.SavedNetwork(network_of((["dense:1", "sigmoid"], (5,))), (7, 9), class_names=("sneaker", "ankle boot"))
    known = {entry.key: entry.value for entry in onnx_model.model_of(saved).metadata_props}
    assert json.loads(known["class_names"]) == ["sneaker", "ankle boot"]
    assert known["output"] == "the probability of class ankle boot; that of class sneaker is 1 minus it"


def test_an_ensemble_is_one_graph_of_its_members_and_their_mean(rng):
    stack = (["dense:4", "relu", "dense:3", "softmax"], (5,))
    members = [nn.SavedNetwork(network_of(stack, seed=seed), (0, 1, 2)) for seed in range(3)]
    saved = nn.SavedEnsemble(members)
    model = onnx_model.model_of(saved)
    assert onnx_model.summary(model) == "input (N, 5) → probabilities (N, 3)"
    assert model.graph.node[-1].op_type == "Mean"
    assert list(model.graph.node[-1].input) == [f"member_{i}.probabilities" for i in (1, 2, 3)]
    x = rng.normal(size=(20, 5)).astype(np.float32)
    np.testing.assert_allclose(answers(model, x), saved.network.forward(x), atol=1e-6)
    alone = nn.SavedEnsemble(members[:1])
    np.testing.assert_allclose(answers(onnx_model.model_of(alone), x), alone.network.forward(x), atol=1e-6)


def test_the_same_network_is_the_same_bytes(tmp_path):
    saved = nn.load(ROOT / "resources" / "pretrained" / "784-10-10.json")
    for file in ("a.onnx", "b.onnx"):
        onnx_model.save(onnx_model.model_of(saved), tmp_path / file)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_float64_is_rounded_and_what_float32_can_not_hold_is_refused(rng):
    network = network_of((["dense:4", "sigmoid", "dense:3", "softmax"], (5,)), np.float64)
    x = rng.normal(size=(20, 5))
    there = answers(onnx_model.model_of(numbers(network)), x)
    assert there.dtype == np.float32
    np.testing.assert_allclose(there, network.forward(x), atol=1e-6)
    network.layers[2].W[1, 2] = 1e39
    with pytest.raises(ValueError, match=r"a number of dense_2\.W is too large for float32"):
        onnx_model.model_of(numbers(network))


def test_a_layer_that_onnx_does_not_have_is_refused_and_one_that_is_derived_from_another_is_not_taken_for_it():
    class Doubled(nn.Dense):
        def forward(self, x, training=False):
            return 2 * super().forward(x, training)

    for layer in (LeakyReLU(), Doubled(4)):
        network = nn.Network([nn.Dense(5), layer], (5,), seed=0)
        with pytest.raises(ValueError, match=rf"layers\[1\] is a {type(layer).__name__}, which ONNX doesn't have"):
            onnx_model.model_of(numbers(network))


# ---- the command ----


def test_the_command_writes_the_model_of_the_weights_that_are_named(tmp_path):
    weights, file = ROOT / "resources" / "pretrained" / "lenet.json", tmp_path / "new" / "lenet.onnx"
    result = run("nn_from_scratch.export", file, "--weights", weights)
    assert (result.returncode, result.stderr) == (0, "")
    size = file.stat().st_size
    assert result.stdout == f"saved {file} ({size:,} bytes)\ninput (N, 1, 28, 28) → probabilities (N, 10)\n"
    onnx.checker.check_model(str(file), full_check=True)
    assert file.read_bytes() == onnx_model.model_of(nn.load(weights)).SerializeToString(deterministic=True)


def test_the_command_says_that_numbers_are_rounded(tmp_path):
    nn.save(numbers(network_of((["dense:3"], (5,)), np.float64)), tmp_path / "double.json")
    result = run("nn_from_scratch.export", tmp_path / "n.onnx", "--weights", tmp_path / "double.json")
    assert result.returncode == 0
    assert result.stderr == f"note: the float64 numbers of {tmp_path}/double.json are rounded to float32\n"


def test_the_command_refuses_in_one_line(tmp_path):
    huge = network_of((["dense:3"], (5,)), np.float64)
    huge.parameters[...] = 1e300
    nn.save(numbers(huge), tmp_path / "huge.json")
    (tmp_path / "text.json").write_text("{}")
    for arguments, said in (
        (["network.json"], "network.json: expected a name that ends in .onnx"),
        ([tmp_path / "n.onnx", "--weights", tmp_path / "no.json"], "no.json: No such file"),
        ([tmp_path / "n.onnx", "--weights", tmp_path / "text.json"], "text.json: not a network of this package"),
        ([tmp_path / "n.onnx", "--weights", tmp_path / "huge.json"], "huge.json: a number of dense_0.W is too large"),
        ([tmp_path / "text.json" / "n.onnx"], "can't be written"),
    ):
        assert said in refusal(run("nn_from_scratch.export", *arguments))
    assert not (tmp_path / "n.onnx").exists()


def test_an_own_layer_is_refused_in_one_line(tmp_path, monkeypatch):
    from nn_from_scratch.export import __main__ as command

    monkeypatch.setitem(LAYERS, "leaky-relu", LeakyReLU)
    network = nn.Network([nn.Dense(3), LeakyReLU()], (5,), seed=0)
    nn.save(numbers(network), tmp_path / "own.json")
    monkeypatch.setattr(sys, "argv", ["export", str(tmp_path / "n.onnx"), "--weights", str(tmp_path / "own.json")])
    with pytest.raises(nn.BadInput, match=r"own\.json: layers\[1\] is a LeakyReLU, which ONNX doesn't have"):
        command.main()
