"""Runs the scripts as a user does: as processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run(script: str, *arguments: object, cwd: Path = ROOT, **environment: str | None) -> subprocess.CompletedProcess:
    """`python script arguments…` without a display, every warning an error; what it printed, and its exit code.

    A script is a file in the root, or a module of the package by its dotted name.

    `environment` is added to the present one; None takes a variable away.
    """
    variables = dict(os.environ) | {"DISPLAY": None, "MPLBACKEND": None} | environment
    return subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            *([ROOT / script] if script.endswith(".py") else ["-m", script]),
            *map(str, arguments),
        ],
        cwd=cwd,
        env={name: value for name, value in variables.items() if value is not None},
        capture_output=True,
        encoding=variables.get("PYTHONIOENCODING", "utf-8"),
        timeout=300,
        check=False,
    )


def imports(script: str, *arguments: object) -> set[str]:
    """The top-level modules that a script loads."""
    result = subprocess.run(
        [sys.executable, "-X", "importtime", ROOT / script, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in result.stderr.splitlines() if "|" in line}


def without(package: str, directory: Path) -> str:
    """A PYTHONPATH where a package is as good as not installed."""
    (directory / f"{package}.py").write_text(f"raise ModuleNotFoundError('no {package}', name='{package}')")
    return os.pathsep.join([str(directory), os.environ.get("PYTHONPATH", "")])


def refusal(result: subprocess.CompletedProcess) -> str:
    """The one line with which a script refused bad input; fails where it did anything else."""
    assert result.returncode == 2, result
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert ": error: " in lines[0]
    return lines[0]
