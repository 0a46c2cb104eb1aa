"""Ensembles as a user has them: trained by train.py, and then taken wherever a network is."""

import csv
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import nn_from_scratch as nn
from tests.scripts import ROOT, refusal, run

SMALL = ("--data", "digits", "--sizes", 784, 16, 10, "--epochs", 2, "--validation", 100)
MEMBERS = ("--members", 3, "--seed", 4)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """An ensemble of three, in e.json, and what train.py printed."""
    directory = tmp_path_factory.mktemp("trained")
    result = run("train.py", *SMALL, *MEMBERS, "--output", directory / "e.json", "--history", directory / "e.csv")
    assert (result.returncode, result.stderr) == (0, "")
    return directory, result.stdout


@pytest.fixture(scope="module")
def weights(trained) -> Path:
    return trained[0] / "e.json"


# ---- training ----


def test_each_member_is_the_network_that_its_own_command_makes(trained, tmp_path):
    directory, _ = trained
    for kind in ("e.json", "e.best.json"):
        members = json.loads((directory / kind).read_text())["members"]
        for seed, member in zip((4, 5, 6), members, strict=True):
            command = shlex.split(member["training"]["command"])
            assert command[-2:] == ["--seed", str(seed)]
            assert run("train.py", *command[2:], "--output", tmp_path / "e.json").returncode == 0
            assert json.loads((tmp_path / kind).read_text()) == member


def test_the_command_in_the_file_makes_the_file_again_however_many_jobs_there_are(trained, tmp_path):
    directory, _ = trained
    command = shlex.split(json.loads((directory / "e.json").read_text())["training"]["command"])
    assert command[-4:] == ["--members", "3", "--seed", "4"]
    for jobs in (1, 3):
        assert run("train.py", *command[2:], "--jobs", jobs, "--output", tmp_path / "e.json").returncode == 0
        for kind in ("e.json", "e.best.json"):
            assert (tmp_path / kind).read_bytes() == (directory / kind).read_bytes()


def test_it_prints_a_line_for_each_epoch_of_each_member_and_what_they_come_to(trained):
    directory, output = trained
    lines = output.splitlines()
    assert "3 members, seeds 4 to 6" in lines
    for member in (1, 2, 3):
        own = [line for line in lines if line.startswith(f"member {member}/3  ")]
        assert [line.split()[2:4] for line in own[:2]] == [["epoch", "1/2"], ["epoch", "2/2"]]
        assert re.fullmatch(rf"member {member}/3  trained: test accuracy \d\d\.\d\d%", own[2])
    saved = nn.load(directory / "e.json")
    accuracies = [member.metrics["test_accuracy"] for member in saved.members]
    mean, spread = np.mean(accuracies), np.std(accuracies, ddof=1)
    assert f"test accuracy of the members {mean:.2%} ± {spread:.2%} (mean and standard deviation)" in lines
    assert f"test accuracy {saved.metrics['test_accuracy']:.2%} (360 images)" in lines
    assert lines[-1] == f"saved {directory / 'e.json'}"


def test_the_accuracies_that_it_stores_are_those_of_the_networks_that_it_saved(trained):
    directory, output = trained
    data = nn.load_dataset("digits")
    test, validation = data.test, data.train.hold_out(100)[1]
    saved, best = nn.load(directory / "e.json"), nn.load(directory / "e.best.json")
    assert nn.evaluate(saved.network, nn.CrossEntropy(), test) == (
        saved.metrics["test_loss"],
        saved.metrics["test_accuracy"],
    )
    for member in saved.members:
        assert nn.evaluate(member.network, nn.CrossEntropy(), test)[1] == member.metrics["test_accuracy"]
    for member in best.members:
        accuracy = nn.evaluate(member.network, nn.CrossEntropy(), validation)[1]
        assert accuracy == member.metrics["validation_accuracy"]
    together = nn.evaluate(best.network, nn.CrossEntropy(), validation)[1]
    assert best.metrics == {"validation_accuracy": together}
    assert (
        f"validation accuracy of the ensemble {nn.evaluate(saved.network, nn.CrossEntropy(), validation)[1]:.2%}"
        in output
    )


def test_the_history_has_a_row_for_each_epoch_of_each_member_and_a_picture(trained):
    directory, _ = trained
    rows = list(csv.DictReader((directory / "e.csv").read_text().splitlines()))
    assert [(row["seed"], row["epoch"]) for row in rows] == [(seed, epoch) for seed in "456" for epoch in "12"]
    assert (directory / "e.png").read_bytes().startswith(b"\x89PNG")


def test_quiet_prints_the_accuracy_alone(tmp_path):
    options = ("--data", "digits", "--sizes", 784, 10, "--epochs", 1, "--members", 2, "--quiet")
    result = run("train.py", *options, "--output", tmp_path / "e.json")
    accuracy = nn.load(tmp_path / "e.json").metrics["test_accuracy"]
    assert (result.stdout, result.stderr) == (f"test accuracy {accuracy:.2%} (360 images)\n", "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--members", 1), "--members: '1' is not a whole number from 2 up"),
        (("--members", 101), "members 101: expected from 2 to 100"),
        (("--jobs", 2), "--jobs is for the members of an ensemble, and this is a single network: expected --members N"),
        (("--members", 2, "--patience", 2), "--patience needs --validation N"),
        (("--members", 20, "--sizes", 784, 200, 10), "parameters in all are too many: expected at most 3,000,000"),
        (("--members", 2, "--output", "/dev/null/e.json"), "/dev/null/e.json: can't be written"),
    ],
)
def test_bad_input_is_one_line_before_the_first_step(options, message, tmp_path):
    line = refusal(run("train.py", "--data", "digits", "--output", tmp_path / "e.json", *options))
    assert message in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [
        ("--preset", "784-100-10"),
        ("--preset", "784-196-1"),
        ("--layers", "dense:8", "relu", "dense:2", "softmax", "--classes", 3, 5),
    ],
    ids=["several sigmoids", "a single sigmoid", "two classes"],
)
def test_every_kind_of_network_can_be_a_member(options, tmp_path):
    options = ("--data", "digits", *options, "--epochs", 1, "--members", 2, "--output", tmp_path / "e.json")
    assert run("train.py", *options).returncode == 0
    result = run("evaluate.py", "--weights", tmp_path / "e.json", "--json", "--figure", tmp_path / "f.png")
    assert (result.returncode, result.stderr) == (0, "")
    saved, found = nn.load(tmp_path / "e.json"), json.loads(result.stdout)
    assert found["accuracy"] == saved.metrics["test_accuracy"]
    assert found["members"]["accuracies"] == [member.metrics["test_accuracy"] for member in saved.members]


# ---- evaluation ----


@pytest.fixture(scope="module")
def expected(weights):
    """What each member answers to each test image, and what all of them do."""
    test = nn.load_dataset("digits").test
    x = test.images.reshape(-1, 784).astype(np.float32) / 255
    p = [member.network.forward(x) for member in nn.load(weights).members]
    return [output.argmax(axis=1) for output in p], sum(p).argmax(axis=1), test.labels


def test_evaluate_shows_members_mean_ensemble_and_how_often_they_disagree(weights, expected, tmp_path):
    answers, together, labels = expected
    result = run("evaluate.py", "--weights", weights, "--figure", tmp_path / "f.png")
    assert (result.returncode, result.stderr) == (0, "")
    right = [int((answer == labels).sum()) for answer in answers]
    assert (
        f"accuracy {(together == labels).mean() * 100:.2f} % ({(together == labels).sum()} of 360)\n" in result.stdout
    )
    disagreed = sum(len(set(each)) > 1 for each in zip(*answers, strict=True))
    assert disagreed > 0
    mean, spread = 100 * np.mean(right) / 360, 100 * np.std(right, ddof=1) / 360
    assert (
        "accuracy of each member\n"
        + "".join(f"    {number}  {100 * count / 360:.2f} %\n" for number, count in enumerate(right, 1))
        + f" mean  {mean:.2f} % ± {spread:.2f} %\n"
        f"the members disagree on {100 * disagreed / 360:.2f} % of the images ({disagreed})\n"
    ) in result.stdout


def test_json_has_these_too(weights, expected, tmp_path):
    answers, together, labels = expected
    found = json.loads(run("evaluate.py", "--weights", weights, "--json", "--figure", tmp_path / "f.png").stdout)
    assert found["accuracy"] == (together == labels).mean()
    members = found["members"]
    assert members["right"] == [(answer == labels).sum() for answer in answers]
    assert members["accuracies"] == [(answer == labels).mean() for answer in answers]
    assert members["mean_accuracy"] == pytest.approx(np.mean(members["accuracies"]))
    assert members["accuracy_deviation"] == pytest.approx(np.std(members["accuracies"], ddof=1))
    assert members["disagreed"] == (np.stack(answers) != answers[0]).any(axis=0).sum()
    assert members["disagreement"] == members["disagreed"] / 360


def test_mistakes_and_details_are_those_of_the_ensemble(weights, expected, tmp_path):
    _, together, labels = expected
    options = ("--figure", tmp_path / "f.png", "--errors", tmp_path / "errors", "--details")
    assert run("evaluate.py", "--weights", weights, *options).returncode == 0
    rows = list(csv.DictReader((tmp_path / "errors" / "mistakes.csv").read_text().splitlines()))
    assert sorted(int(row["index"]) for row in rows) == np.flatnonzero(together != labels).tolist()


def test_a_single_network_has_no_members(tmp_path):
    weights = ROOT / "resources" / "pretrained" / "784-10-10.json"
    options = ("--weights", weights, "--data", "digits", "--figure", tmp_path / "f.png")
    assert "members" not in json.loads(run("evaluate.py", *options, "--json").stdout)
    assert "member" not in run("evaluate.py", *options).stdout


def test_networks_from_files_of_their_own_are_evaluated_together(tmp_path):
    names = ("784-128-64-10", "784-128-64-10-sigmoid")
    members = [nn.load(ROOT / "resources" / "pretrained" / f"{name}.json") for name in names]
    nn.save(nn.SavedEnsemble(members), tmp_path / "e.json")
    options = ("--weights", tmp_path / "e.json", "--data", "digits", "--json", "--figure", tmp_path / "f.png")
    found = json.loads(run("evaluate.py", *options).stdout)
    test = nn.load_dataset("digits").test
    p = sum(nn.predict(member.network, test.images) for member in members)
    assert found["accuracy"] == np.mean(p.argmax(axis=1) == test.labels)


# ---- wherever a network is taken ----


def test_pictures_are_read(weights, tmp_path):
    picture = "resources/handwriting/two.png"
    result = run("evaluate.py", "--weights", weights, "--image", picture, "--json", "--csv", tmp_path / "a.csv")
    assert (result.returncode, result.stderr) == (0, "")
    (found,) = json.loads(result.stdout)["pictures"]
    alone = []
    for number, member in enumerate(nn.load(weights).members):
        nn.save(member, tmp_path / f"{number}.json")
        own = json.loads(
            run("evaluate.py", "--weights", tmp_path / f"{number}.json", "--image", picture, "--json").stdout
        )
        alone.append(list(own["pictures"][0]["scores"].values()))
    assert list(found["scores"].values()) == pytest.approx(np.mean(alone, axis=0).tolist(), rel=1e-5)
    assert found["score"] == "probability"


def test_images_without_labels_are_answered(weights, expected, tmp_path):
    _, together, _ = expected
    images = nn.load_dataset("digits").test.images.reshape(-1, 784)
    lines = [",".join(f"pixel{i}" for i in range(784)), *(",".join(map(str, image)) for image in images.tolist())]
    (tmp_path / "test.csv").write_text("\n".join(lines))
    options = ("--predict", tmp_path / "test.csv", "--csv", tmp_path / "answers.csv", "--json")
    assert json.loads(run("evaluate.py", "--weights", weights, *options).stdout)["labels"] == together.tolist()


def test_plot_weights_draws_one_member_and_says_which(weights, tmp_path):
    result = run("plot_weights.py", "--weights", weights, "--member", 2, "--output-dir", tmp_path)
    line = f"{weights}: an ensemble of 3 networks; this shows the inside of member 2 (--member K: another)\n"
    assert (result.returncode, result.stderr) == (0, line)
    W = nn.load(weights).members[1].network.layers[0].W.astype(float)
    assert f"{W.mean():.4f}  {W.std():.4f}" in result.stdout
    first = run("plot_weights.py", "--weights", weights, "--output-dir", tmp_path)
    assert "this shows the inside of member 1 " in first.stderr


def test_the_dashboard_shows_the_answers_of_all_and_the_inside_of_one(weights, tmp_path):
    options = ("--weights", weights, "--member", 3, "--save", tmp_path / "d.svg")
    result = run("nn_from_scratch.dashboard", *options)
    assert (result.returncode, result.stdout) == (0, f"saved {tmp_path / 'd.svg'}\n")
    assert "this shows the inside of member 3" in result.stderr


@pytest.mark.parametrize("script", ["plot_weights.py", "nn_from_scratch.dashboard"])
@pytest.mark.parametrize("ensemble", [True, False])
def test_a_member_that_is_not_there_is_refused(script, ensemble, weights):
    path = weights if ensemble else ROOT / "resources" / "pretrained" / "784-10-10.json"
    expected = "is an ensemble of 3: expected 1 to 3" if ensemble else "is a single network: expected an ensemble"
    assert f"--member 4: {path} {expected}" in refusal(run(script, "--weights", path, "--member", 4))


def test_an_ensemble_in_the_default_place_is_known_by_the_data_of_its_members(tmp_path):
    (tmp_path / "resources").mkdir()
    members = [
        nn.SavedNetwork(nn.PRESETS["784-10-10"].make_network(seed), training={"data": {"name": "mnist"}})
        for seed in (0, 1)
    ]
    nn.save(nn.SavedEnsemble(members), tmp_path / "resources" / "weights_and_biases.json")
    before = (tmp_path / "resources" / "weights_and_biases.json").read_bytes()
    result = run("train.py", "--data", "digits", "--epochs", 1, cwd=tmp_path)
    assert "resources/weights_and_biases.json is kept, as it was trained on mnist" in result.stderr
    assert (tmp_path / "resources" / "weights_and_biases.json").read_bytes() == before
