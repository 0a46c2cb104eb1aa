"""docs/other-software.md: its commands and listings run in order, as they stand there, and print what they say."""

import contextlib
import io
import re
import shlex

import numpy as np
import pytest

import nn_from_scratch as nn
from tests.docs.numbers import Document, agree
from tests.scripts import ROOT, run

TEXT = Document.read(ROOT / "docs" / "other-software.md")
NEEDED = {"ONNX": ("onnx", "onnxruntime"), "PyTorch": ("safetensors", "torch"), "scikit-learn": ("sklearn",)}
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def section(title: str) -> str:
    return TEXT.text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def printed_by(listing: str, names: dict) -> list[str]:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(listing, names)
    return printed.getvalue().splitlines()


@pytest.mark.parametrize("title", NEEDED)
def test_each_section_runs_from_top_to_bottom_as_written(title, tmp_path, monkeypatch):
    for package in NEEDED[title]:
        pytest.importorskip(package, reason=f"{package} is not installed")
    (tmp_path / "resources").symlink_to(ROOT / "resources")
    for script in ROOT.glob("*.py"):
        (tmp_path / script.name).symlink_to(script)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    outputs = []
    for kind, block in re.findall(r"```(sh|python)\n(.*?)```", section(title), flags=re.DOTALL):
        if kind == "python":
            said = [line.partition("  # ")[2] for line in block.splitlines() if line.startswith("print(")]
            found = printed_by(block, names)
            assert [NUMBER.sub("N", line) for line in found] == [NUMBER.sub("N", line) for line in said]
            numbers = [[float(number) for line in text for number in NUMBER.findall(line)] for text in (found, said)]
            # Another BLAS rounds sums differently, and training amplifies that.
            assert numbers[0] == pytest.approx(numbers[1], rel=0.02, abs=0.011)
            continue
        for command in block.splitlines():
            program, *arguments = shlex.split(command)
            if program == "pip":
                assert re.fullmatch(r"\.\[(onnx|safetensors|sklearn)\]", arguments[-1])
                continue
            script = arguments.pop(0)
            result = run(arguments.pop(0) if script == "-m" else script, *arguments, cwd=tmp_path, PYTHONPATH=str(ROOT))
            assert result.returncode == 0, result.stderr
            outputs.append(result.stdout)
    if title == "PyTorch":
        listing = re.findall(r"```python\n(.*?)```", section(title), flags=re.DOTALL)[0]
        assert outputs[0].endswith(f"in PyTorch:\n\n{listing}")
        assert (tmp_path / "network.json").read_bytes() == (ROOT / "resources" / "weights_and_biases.json").read_bytes()
        x = np.random.default_rng(0).random((4, 784), np.float32)
        there = names["model"](__import__("torch").from_numpy(x)).softmax(dim=1).detach().numpy()
        here = nn.load(tmp_path / "from_pytorch.json").network.forward(x)
        np.testing.assert_allclose(here, there, atol=1e-6)


@TEXT.says("# bytes for the default network, whose JSON takes #")
def test_the_sizes_of_the_files(said, tmp_path):
    pytest.importorskip("safetensors", reason="safetensors is not installed")
    saved = ROOT / "resources" / "weights_and_biases.json"
    nn.save(nn.load(saved), tmp_path / "n.safetensors")
    agree(said, [(tmp_path / "n.safetensors").stat().st_size, saved.stat().st_size])


@TEXT.says("those of opset # (#)")
def test_the_operators_are_as_old_as_it_says(said):
    pytest.importorskip("onnx", reason="onnx is not installed")
    from nn_from_scratch.export.onnx_model import OPSET

    assert said == [OPSET, 2020]


def test_the_tables_name_every_layer_with_what_it_is_in_pytorch():
    from nn_from_scratch.storage import sequential
    from tests.other_software import network_of, stacks

    table = section("PyTorch")
    for layer in sequential.MODULES:
        assert f"`{layer.__name__}`" in table
    for stack in stacks():
        for several in sequential.modules(network_of(stack).places):
            for module in several:
                assert re.match(r"nn\.\w+", module.text)[0] in table
