"""safetensors: PyTorch loads what is written here, its files are read here, and JSON comes back to the byte."""

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nn_from_scratch as nn
from nn_from_scratch.layers import LAYERS
from nn_from_scratch.storage import SavedNetwork, load, safetensors_file, save, sequential
from nn_from_scratch.storage.network_file import network_record
from tests.new_parts import LeakyReLU
from tests.other_software import described, name, network_of, stacks
from tests.scripts import ROOT, refusal, run

pytest.importorskip(
    "safetensors", reason='safetensors is not installed: pip install "nn-from-scratch-numpy[safetensors]"'
)
from safetensors.numpy import load_file, save_file

PRETRAINED = sorted((ROOT / "resources" / "pretrained").glob("*.json"))
SMALL = (["dense:4", "batch-norm", "relu", "dense:3", "softmax"], (5,))
WORDS, SHAPE = SMALL
examples = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def small(dtype: type = np.float32, seed: int = 0, **known) -> SavedNetwork:
    return SavedNetwork(network_of(SMALL, dtype, seed), (0, 1, 2), **known)


def torch_or_skip():
    return pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")


def model_in_torch(text: str):
    return eval(text, {"nn": torch_or_skip().nn})


def answer_in_torch(model, x: np.ndarray) -> np.ndarray:
    torch = torch_or_skip()
    model.eval()
    with torch.no_grad():
        return model(torch.from_numpy(x)).numpy()


# ---- to PyTorch and back ----


def test_every_layer_has_its_modules():
    assert sequential.MODULES.keys() == set(LAYERS.values())


even_kernels_are_slow_there = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")


@even_kernels_are_slow_there
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("stack", stacks(), ids=name)
def test_pytorch_takes_the_file_and_answers_as_here(stack, dtype, tmp_path, rng):
    torch = torch_or_skip()
    from safetensors.torch import load_file as load_tensors

    network = network_of(stack, dtype)
    save(SavedNetwork(network, ()), tmp_path / "n.safetensors")
    model = model_in_torch(sequential.text(network)).to(getattr(torch, network.dtype.name))
    model.load_state_dict(load_tensors(tmp_path / "n.safetensors"), strict=True)
    x = rng.normal(size=(6, *network.input_shape)).astype(dtype)
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(answer_in_torch(model, x), network.forward(x), rtol=tolerance, atol=tolerance)


@even_kernels_are_slow_there
@pytest.mark.parametrize("stack", stacks(), ids=name)
def test_a_network_trained_in_pytorch_answers_here_as_there(stack, tmp_path, rng):
    torch = torch_or_skip()
    from safetensors.torch import save_file as save_tensors

    words, input_shape = stack
    torch.manual_seed(0)
    model = model_in_torch(sequential.text(network_of(stack)))
    x = torch.from_numpy(rng.normal(size=(8, *input_shape)).astype(np.float32))
    parameters = list(model.parameters())
    optimizer = torch.optim.SGD(parameters or [torch.zeros(1)], lr=0.1)
    for _ in range(3):  # which moves weights and running statistics
        optimizer.zero_grad()
        loss = (model(x) ** 2).mean()
        if parameters:
            loss.backward()
            optimizer.step()
    save_tensors(model.state_dict(), tmp_path / "torch.safetensors")
    saved = safetensors_file.read_as(tmp_path / "torch.safetensors", words, input_shape)
    assert described(saved.network)[0] == described(network_of(stack))[0]
    np.testing.assert_allclose(
        saved.network.forward(x.numpy()), answer_in_torch(model, x.numpy()), rtol=1e-5, atol=1e-5
    )


def test_the_keys_and_the_shapes_are_those_of_a_sequential(tmp_path):
    words = ["conv2d:4:3", "batch-norm", "relu", "global-average-pool2d", "dropout", "dense:3:bias=false", "softmax"]
    network = network_of((words, (2, 6, 7)))
    save(SavedNetwork(network, (0, 1, 2)), tmp_path / "n.safetensors")
    tensors = load_file(tmp_path / "n.safetensors")
    shapes = {key: array.shape for key, array in tensors.items()}
    statistics = dict.fromkeys(("1.weight", "1.bias", "1.running_mean", "1.running_var"), (4,))
    # The mean of all pixels is two modules there, a pooling and a Flatten.
    expected = {"0.weight": (4, 2, 3, 3), "0.bias": (4,), "1.num_batches_tracked": (), "6.weight": (3, 4)}
    assert shapes == expected | statistics
    assert tensors["1.num_batches_tracked"].dtype == np.int64
    assert tensors["1.running_var"].tobytes() == network.layers[1].variance.tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_program_that_is_printed_loads_the_file(dtype, tmp_path, rng):
    torch = torch_or_skip()
    saved = small(dtype)
    ensemble = nn.SavedEnsemble([small(dtype, seed) for seed in range(3)])
    x = rng.normal(size=(6, 5)).astype(dtype)
    for what, together in (
        (saved, None),
        (ensemble, lambda models, x: sum(model(x) for model in models) / len(models)),
    ):
        path = tmp_path / "n.safetensors"
        save(what, path)
        names: dict = {}
        exec(safetensors_file.program(what, path), names)
        with torch.no_grad():
            tensor = torch.from_numpy(x)
            found = together(names["model"], tensor) if together else names["model"](tensor)
        np.testing.assert_allclose(found.numpy(), what.network.forward(x), rtol=1e-5)


# ---- nothing is lost ----


@pytest.mark.parametrize("file", PRETRAINED, ids=lambda file: file.stem)
def test_json_comes_back_to_the_byte_and_so_does_safetensors(file, tmp_path):
    save(load(file), tmp_path / "n.safetensors")
    save(load(tmp_path / "n.safetensors"), tmp_path / "n.json")
    assert (tmp_path / "n.json").read_bytes() == file.read_bytes()
    save(load(tmp_path / "n.json"), tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "n.safetensors").read_bytes()


@pytest.mark.parametrize("stack", stacks(), ids=name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_layer_comes_back_bit_for_bit(stack, dtype, tmp_path):
    network = network_of(stack, dtype)
    save(SavedNetwork(network, ()), tmp_path / "n.safetensors")
    after = load(tmp_path / "n.safetensors").network
    assert described(after) == described(network)
    assert after.snapshot().tobytes() == network.snapshot().tobytes()


def test_what_is_known_of_a_network_comes_back(tmp_path):
    before = small(training={"seed": 3, "recipe": {"layers": WORDS}}, metrics={"test_accuracy": 0.1 + 0.2})
    save(before, tmp_path / "n.safetensors")
    after = load(tmp_path / "n.safetensors")
    assert (after.classes, after.training, after.metrics) == (before.classes, before.training, before.metrics)


def test_the_file_takes_little_more_than_its_numbers(tmp_path):
    save(load(ROOT / "resources" / "weights_and_biases.json"), tmp_path / "n.safetensors")
    assert 0 < (tmp_path / "n.safetensors").stat().st_size - 4 * 109_386 < 2500


# ---- a file of PyTorch's ----


def tensors_of(network: nn.Network) -> dict[str, np.ndarray]:
    return sequential.arrays(network)


def file_of(tensors: dict[str, np.ndarray], path: Path) -> Path:
    save_file(tensors, path)
    return path


def test_without_classes_there_is_one_for_each_output(tmp_path):
    for words, classes in (
        (["dense:3", "softmax"], (0, 1, 2)),
        (["dense:3"], (0, 1, 2)),  # logits, as networks in PyTorch often put out
        (["dense:1", "sigmoid"], (0, 1)),
        (["dense:1"], ()),
    ):
        path = file_of(tensors_of(network_of((words, SHAPE))), tmp_path / "t.safetensors")
        saved = safetensors_file.read_as(path, words, SHAPE)
        assert saved.classes == classes
        save(saved, tmp_path / "t.json")
    assert safetensors_file.read_as(path, words, SHAPE, (4, 7)).classes == (4, 7)


def test_a_file_that_does_not_say_its_layers_is_refused_and_it_is_said_what_to_do(tmp_path):
    path = file_of(tensors_of(network_of(SMALL)), tmp_path / "t.safetensors")
    with pytest.raises(nn.BadInput, match=r"t\.safetensors: does not say what its layers are.*convert .*--layers"):
        load(path)


def damaged(**changes: np.ndarray | None) -> dict[str, np.ndarray]:
    tensors = tensors_of(network_of(SMALL))
    for key, value in changes.items():
        key = key.replace("_0_", "0.").replace("_1_", "1.")
        if value is None:
            del tensors[key]
        else:
            tensors[key] = value
    return tensors


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        (damaged(_0_weight=None), "0.weight is missing, the W of layers[0], a Dense: the file holds 0.bias, "),
        (damaged(_1_running_var=None), "1.running_var is missing, the variance of layers[1], a BatchNorm"),
        (damaged(_0_weight=np.ones((4, 6), "f4")), "0.weight has shape (4, 6): expected (4, 5), the W of layers[0]"),
        (damaged(_0_bias=np.ones(4)), "holds numbers of float32 and float64: expected one precision"),
        (damaged(_0_bias=np.ones(4, "f2")), "0.bias holds numbers of type F16: expected F32 or F64"),
        (damaged(_0_bias=np.ones(4, "i8")), "0.bias holds int64 numbers: expected float32"),
        (damaged(_0_bias=np.full(4, np.nan, "f4")), "0.bias[0] is not a finite float32"),
        (damaged(_1_running_var=-np.ones(4, "f4")), "variance[0] is -1: a variance is never below 0"),
        (damaged(other=np.ones(4, "f4")), "holds tensors that belong to none of these layers: other"),
        (
            {"fc.weight": np.ones((4, 5), "f4")},
            "0.weight is missing, the W of layers[0], a Dense: the file holds fc.weight",
        ),
        ({}, "the file holds nothing"),
    ],
)
def test_a_file_with_other_tensors_is_refused_and_the_tensor_named(tensors, said, tmp_path):
    path = file_of(tensors, tmp_path / "t.safetensors")
    with pytest.raises(nn.BadInput) as caught:
        safetensors_file.read_as(path, WORDS, SHAPE)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


def test_a_file_may_lack_the_counters(tmp_path):
    tensors = damaged()
    del tensors["1.num_batches_tracked"]
    path = file_of(tensors, tmp_path / "t.safetensors")
    assert (
        safetensors_file.read_as(path, WORDS, SHAPE).network.snapshot().tobytes()
        == network_of(SMALL).snapshot().tobytes()
    )


@pytest.mark.parametrize(
    ("words", "shape", "said"),
    [
        (["dense:4", "conv2d:3:3"], (5,), "layers[1]: Conv2D takes images"),
        (["dense:100000000", "relu"], (100_000,), "0.weight has shape (4, 5): expected (100000000, 100000)"),
        (["conv2d:3:3"], (1, 5, 5), "expected (3, 1, 3, 3)"),
    ],
)
def test_layers_that_do_not_fit_are_refused_before_anything_is_built(words, shape, said, tmp_path):
    path = file_of(tensors_of(network_of((["dense:4"], (5,)))), tmp_path / "t.safetensors")
    with pytest.raises(nn.BadInput) as caught:
        safetensors_file.read_as(path, words, shape)
    assert said in str(caught.value)


# ---- files that are not usable ----


def test_a_layer_that_pytorch_does_not_have_is_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(LAYERS, "leaky-relu", LeakyReLU)
    saved = SavedNetwork(nn.Network([nn.Dense(3), LeakyReLU()], (5,), seed=0), (0, 1, 2))
    with pytest.raises(ValueError, match=r"layers\[1\] is a LeakyReLU, which PyTorch doesn't have"):
        save(saved, tmp_path / "n.safetensors")
    record = json.dumps(network_record(saved))
    save_file({"0.weight": saved.network.layers[0].W}, tmp_path / "n.safetensors", {"nn_from_scratch": record})
    with pytest.raises(nn.BadInput, match=r"n\.safetensors: layers\[1\] is a LeakyReLU, which PyTorch doesn't have"):
        load(tmp_path / "n.safetensors")


def test_an_ensemble_is_checked_like_its_members(tmp_path):
    save(nn.SavedEnsemble([small(seed=seed) for seed in range(2)]), tmp_path / "e.safetensors")
    from safetensors import safe_open

    with safe_open(tmp_path / "e.safetensors", "numpy") as file:
        record = file.metadata()["nn_from_scratch"]
    tensors = load_file(tmp_path / "e.safetensors")
    assert set(tensors) == {f"{i}.{key}" for i in range(2) for key in tensors_of(small().network)}
    for change, said in (
        ({"1.0.weight": np.ones((4, 4), "f4")}, "members[1]: 0.weight has shape (4, 4): expected (4, 5)"),
        ({"2.0.weight": np.ones((4, 5), "f4")}, "holds tensors that belong to no member: 2.0.weight"),
        (
            {"0.9.weight": np.ones((4, 5), "f4")},
            "members[0]: holds tensors that belong to none of these layers: 9.weight",
        ),
    ):
        save_file(tensors | change, tmp_path / "d.safetensors", {"nn_from_scratch": record})
        with pytest.raises(nn.BadInput) as caught:
            load(tmp_path / "d.safetensors")
        assert said in str(caught.value)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ("{", "the record in its header is not valid JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "not a network of this package"),
        ('{"format": "nn_from_scratch ensemble"}', "format_version is None"),
        ('{"format": "nn_from_scratch ensemble", "format_version": 1}', "an object named 'training'"),
        ("[" + "0," * 20_000_000 + "0]", "bytes of memory"),
    ],
)
def test_a_record_that_is_none_is_refused(record, said, tmp_path):
    save_file({"0.weight": np.ones((2, 2), "f4")}, tmp_path / "n.safetensors", {"nn_from_scratch": record})
    with pytest.raises(nn.BadInput) as caught:
        load(tmp_path / "n.safetensors")
    assert str(caught.value).startswith(f"{tmp_path / 'n.safetensors'}: ")
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "not a safetensors file"), (b"{}", "not a safetensors file"), (b"\xff" * 1000, "not a safetensors file")],
)
def test_what_is_no_such_file_is_refused(content, said, tmp_path):
    (tmp_path / "n.safetensors").write_bytes(content)
    with pytest.raises(nn.BadInput, match=rf"n\.safetensors: {said}"):
        load(tmp_path / "n.safetensors")


def test_a_directory_a_missing_file_and_a_name_that_is_none_are_refused(tmp_path):
    (tmp_path / "d.safetensors").mkdir()
    for path, said in (
        (tmp_path / "d.safetensors", "Is a directory"),
        (tmp_path / "no.safetensors", "No such file"),
        ("\0.safetensors", "null"),
    ):
        with pytest.raises(nn.BadInput, match=said):
            load(path)


@examples
@given(data=st.data())
def test_a_valid_file_with_bytes_exchanged_or_cut_loads_or_is_refused(data, tmp_path):
    path = tmp_path / "n.safetensors"
    save(small(training={"seed": 1}), path)
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    with suppress(nn.BadInput):
        assert np.isfinite(load(path).network.snapshot()).all()


def test_where_writing_fails_the_old_file_stays(tmp_path):
    path = tmp_path / "n.safetensors"
    save(small(), path)
    before, bad = path.read_bytes(), small(seed=1)
    bad.network.parameters[3] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        save(bad, path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["n.safetensors"]


# ---- the commands ----


def test_scripts_take_the_file_as_weights_and_train_writes_it(tmp_path):
    file = tmp_path / "n.safetensors"
    options = ("--data", "digits", "--sizes", 784, 8, 10, "--epochs", 1, "--quiet")
    for output in (file, tmp_path / "n.json"):
        assert run("train.py", *options, "--output", output).returncode == 0
    save(load(file), tmp_path / "back.json")
    one, other = (json.loads((tmp_path / f"{stem}.json").read_text()) for stem in ("n", "back"))
    one["training"].pop("command"), other["training"].pop("command")
    assert one == other
    result = run("evaluate.py", "--weights", file, "--json", "--figure", tmp_path / "f.png")
    assert json.loads(result.stdout)["accuracy"] == one["metrics"]["test_accuracy"]


def test_a_training_goes_on_to_the_file_that_it_was_meant_for(tmp_path):
    options = ("--data", "digits", "--sizes", 784, 4, 10, "--quiet")
    file = tmp_path / "n.safetensors"
    assert run("train.py", *options, "--epochs", 1, "--checkpoint-every", 1, "--output", file).returncode == 0
    first = file.read_bytes()
    assert run("train.py", "--resume", f"{file}.checkpoint.json", "--epochs", 2, "--quiet").returncode == 0
    assert file.read_bytes() != first
    assert load(file).training["recipe"]["epochs"] == 2


def test_layers_that_the_file_can_not_hold_are_refused_before_the_training(tmp_path, monkeypatch):
    from nn_from_scratch.storage.load_and_save import check_format

    monkeypatch.setitem(LAYERS, "leaky-relu", LeakyReLU)
    saved = SavedNetwork(nn.Network([nn.Dense(3), LeakyReLU()], (5,), seed=0), (0, 1, 2))
    check_format(saved, tmp_path / "n.json")
    with pytest.raises(nn.BadInput, match=r"n\.safetensors: layers\[1\] is a LeakyReLU"):
        check_format(saved, tmp_path / "n.safetensors")


def test_convert_goes_there_and_back(tmp_path):
    start, file, end = (
        ROOT / "resources" / "pretrained" / "784-10-10.json",
        tmp_path / "n.safetensors",
        tmp_path / "n.json",
    )
    result = run("nn_from_scratch.convert", start, file)
    assert (result.returncode, result.stderr) == (0, "")
    saved, *program = result.stdout.split("\n\n", 1)
    assert saved == f"saved {file} ({file.stat().st_size:,} bytes)\nin PyTorch:"
    assert program == [safetensors_file.program(load(file), file) + "\n"]
    result = run("nn_from_scratch.convert", file, end)
    assert result.stdout == f"saved {end} ({end.stat().st_size:,} bytes)\n"
    assert end.read_bytes() == start.read_bytes()


def test_convert_reads_a_file_of_pytorchs_by_its_layers_or_as_a_preset(tmp_path):
    lenet = load(ROOT / "resources" / "pretrained" / "lenet.json").network
    file = file_of(tensors_of(lenet), tmp_path / "t.safetensors")
    recipe = nn.PRESETS["lenet"]
    layers = ("--layers", *recipe.layers, "--input-shape", *recipe.input_shape, "--classes", *range(1, 11))
    for options, classes in ((("--preset", "lenet"), recipe.classes), (layers, tuple(range(1, 11)))):
        result = run("nn_from_scratch.convert", file, tmp_path / "t.json", *options)
        assert result.returncode == 0, result.stderr
        saved = load(tmp_path / "t.json")
        assert saved.classes == classes
        assert saved.network.parameters.tobytes() == lenet.parameters.tobytes()


def test_convert_refuses_in_one_line(tmp_path):
    foreign = file_of(tensors_of(network_of(SMALL)), tmp_path / "t.safetensors")
    save(small(), tmp_path / "n.json")
    save(small(), tmp_path / "n.safetensors")
    out, layers = tmp_path / "out.json", ("--layers", "dense:4", "--input-shape", 5)
    for arguments, said in (
        ([foreign, tmp_path / "out.txt"], "out.txt: expected a name that ends in .json or .safetensors"),
        ([foreign, out], "--layers"),
        ([foreign, out, "--layers", "dense:4"], "--layers and --input-shape: expected both of them, or a --preset"),
        ([foreign, out, "--classes", 1, 2], "--classes: expected it with --layers"),
        ([foreign, out, "--layers", "dens:4", "--input-shape", 5], "unknown layer 'dens'"),
        ([foreign, out, *layers], "t.safetensors: holds tensors that belong to none of these layers"),
        ([tmp_path / "n.safetensors", out, *layers], "n.safetensors: says itself what its layers are"),
        ([tmp_path / "n.json", out, *layers], "n.json: says itself what its layers are"),
        ([tmp_path / "n.json", tmp_path / "n.json"], "is used for IN and for OUT"),
    ):
        assert said in refusal(run("nn_from_scratch.convert", *arguments))
    assert not out.exists()
