"""The optional extras: nothing loads them before they are asked for, and one line names the extra that is missing."""

import os
import subprocess
import sys
import tomllib

import pytest

from tests.scripts import ROOT, refusal, run, without

OPTIONAL = {
    "onnx",
    "onnxruntime",
    "safetensors",
    "sklearn",
    "pandas",
    "torch",
    "flask",
    "dask",
    "distributed",
    "mpi4py",
}
DEFAULT = ROOT / "resources" / "weights_and_biases.json"


def python(program: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "program",
    [
        "import nn_from_scratch",
        "import nn_from_scratch.convert.__main__, nn_from_scratch.export.__main__",
        "import nn_from_scratch.command_line.training",
        f"import nn_from_scratch as nn; nn.load({str(DEFAULT)!r})",
    ],
)
def test_nothing_optional_is_loaded_before_it_is_asked_for(program):
    result = python(f"{program}; import sys; print(*sys.modules)")
    assert result.returncode == 0, result.stderr
    loaded = {name.partition(".")[0] for name in result.stdout.split()}
    assert "numpy" in loaded
    assert not loaded & OPTIONAL


@pytest.mark.parametrize(
    ("package", "extra", "command"),
    [
        ("onnx", "onnx", ("nn_from_scratch.export", "{out}.onnx", "--weights", DEFAULT)),
        ("safetensors", "safetensors", ("nn_from_scratch.convert", DEFAULT, "{out}.safetensors")),
        ("safetensors", "safetensors", ("evaluate.py", "--weights", "{out}.safetensors")),
        ("safetensors", "safetensors", ("train.py", "--data", "digits", "--output", "{out}.safetensors")),
    ],
)
def test_one_line_says_which_extra_to_install_before_any_work(package, extra, command, tmp_path):
    arguments = [str(part).format(out=tmp_path / "n") for part in command]
    line = refusal(run(*arguments, PYTHONPATH=without(package, tmp_path)))
    assert line.endswith(f': {package} is not installed: pip install "nn-from-scratch-numpy[{extra}]"')
    assert [entry.name for entry in tmp_path.iterdir() if entry.suffix not in (".py", "")] == []


def test_without_scikit_learn_its_module_says_which_extra_to_install(tmp_path):
    result = python("import nn_from_scratch.scikit_learn", PYTHONPATH=without("sklearn", tmp_path))
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last == 'ModuleNotFoundError: sklearn is not installed: pip install "nn-from-scratch-numpy[sklearn]"'


def test_the_extras_that_are_named_are_there():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {"onnx", "safetensors", "sklearn", "dask", "mpi"} <= extras.keys()
    assert "nn-from-scratch-numpy[onnx,safetensors,sklearn,dask,mpi]" in extras["test"]
