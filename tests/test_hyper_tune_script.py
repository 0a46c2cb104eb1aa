"""hyper-tune.py as a user runs it."""

import csv

import pytest

from tests.scripts import refusal, run

QUICK = ("--data", "digits", "--preset", "784-10-10", "--epochs", 1, "--batch-size", 64, "--validation", 300)


def test_a_sweep_prints_a_table_and_the_best_rate_and_writes_figure_and_numbers(tmp_path):
    result = run(
        "hyper-tune.py", *QUICK, "--optimizer", "sgd", "--learning-rates", 0.01, 0.1, 1e30, "--output", tmp_path / "s"
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert "1,137 training images, 300 held out for validation" in lines[0]
    assert "diverged" in next(line for line in lines if line.lstrip().startswith("1e+30"))
    assert lines[-1] == "best learning rate: 0.1"
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader((tmp_path / "s.csv").read_text().splitlines()))
    assert {(row["learning_rate"], row["seed"]) for row in rows} == {
        (rate, seed) for rate in ("0.01", "0.1", "1e+30") for seed in ("0", "1")
    }
    assert {row["diverged"] for row in rows if row["learning_rate"] == "1e+30"} == {"1"}


@pytest.mark.parametrize("options", [("--learning-rates", 0.001, 0.01, "--repeats", 1), ("--range-test", "--num", 5)])
def test_a_convolutional_network_is_swept_like_any_other(tmp_path, options):
    layers = ("--layers", "conv2d:2:5", "batch-norm", "max-pool2d", "relu", "flatten", "dropout", "dense:10", "softmax")
    result = run("hyper-tune.py", *QUICK, *layers, *options, "--output", tmp_path / "s")
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")


def test_each_run_is_told_as_soon_as_it_ends_and_a_repeated_rate_is_one_rate(tmp_path):
    rates = ("--learning-rates", 0.1, 0.01, 0.1, "--optimizer", "sgd", "--repeats", 1)
    result = run("hyper-tune.py", *QUICK, *rates, "--output", tmp_path / "s")
    assert result.returncode == 0, result.stderr
    told = [line.split() for line in result.stdout.splitlines() if line.startswith("run ")]
    assert [line[1:4] for line in told] == [["1", "of", "2:"], ["2", "of", "2:"]]
    assert {line[6] for line in told} == {"0.1,", "0.01,"}
    assert "±" not in result.stdout  # one run has no spread


def test_its_own_example_finds_that_plain_sgd_needs_a_high_rate(tmp_path):
    options = ("--optimizer", "sgd", "--learning-rates", 0.01, 0.03, 0.1, 0.3, "--repeats", 1, "--data", "digits")
    result = run("hyper-tune.py", *options, "--output", tmp_path / "s")
    assert result.stdout.splitlines()[-1] == "best learning rate: 0.3"


def test_the_rate_is_what_is_looked_for_and_no_option():
    assert "--learning-rate" in refusal(run("hyper-tune.py", "--learning-rate", 0.1))
    help = " ".join(run("hyper-tune.py", "--help").stdout.split())
    assert "--epochs N passes over the training images (default: 3) --" in help


def test_the_range_test_says_why_a_sweep_may_come_to_another_rate(tmp_path):
    result = run("hyper-tune.py", *QUICK, "--range-test", "--output", tmp_path / "r")
    assert "a rate several times as high can be best. A sweep shows it" in result.stdout.replace("\n", " ")


def test_one_job_and_two_write_the_same_numbers(tmp_path):
    for jobs in (1, 2):
        run("hyper-tune.py", *QUICK, "--num", 2, "--jobs", jobs, "--output", tmp_path / f"{jobs}")
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()
    assert (tmp_path / "1.png").read_bytes() == (tmp_path / "2.png").read_bytes()


def test_the_range_test_prints_its_suggestion_last(tmp_path):
    result = run("hyper-tune.py", *QUICK, "--range-test", "--output", tmp_path / "r")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1].startswith("suggested learning rate: ")
    assert (tmp_path / "r.png").exists()
    assert len((tmp_path / "r.csv").read_text().splitlines()) > 50


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--learning-rates", "0"), "'0' is not a number above 0"),
        (("--num", "1"), "'1' is not a whole number from 2 up"),
        (("--jobs", "0"), "'0' is not a whole number from 1 up"),
        (("--range-test", "--jobs", "2"), "--range-test is a single run: expected neither --jobs nor --scheduler"),
        (("--lr-min", "1", "--lr-max", "0.1"), "--lr-max 0.1: expected a rate above --lr-min 1"),
        (("--output", "/dev/null/x"), "/dev/null/x.png: can't be written"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, message, tmp_path):
    output = () if "--output" in arguments else ("--output", tmp_path / "never")
    assert message in refusal(run("hyper-tune.py", *QUICK, *output, *arguments))
