"""The texts and objects that the scripts print, against numbers worked out here."""

import csv
import io
import json

import numpy as np
import pytest

from nn_from_scratch import BadInput, Dataset, Network, ReLU, SavedEnsemble, SavedNetwork, Softmax, Split, metrics
from nn_from_scratch.inspection import evaluation, members, parameters
from nn_from_scratch.inspection.answers import Answers, answers
from nn_from_scratch.layers import Dense

# Class 9 is never predicted.
CALIBRATION = metrics.calibration(np.array([0.95, 0.99, 0.5, 0.51, 0.1]), np.array([1, 1, 0, 1, 0]))
FOUND = evaluation.Evaluation((4, 7, 9), np.array([[8, 2, 0], [1, 9, 0], [3, 1, 0]]), CALIBRATION)
PERFECT = evaluation.Evaluation((4, 7), np.diag([3, 1]), CALIBRATION)


def dataset(images, labels):
    split = Split(np.array(images, np.uint8).reshape(-1, 1, 2), np.array(labels, np.uint8))
    return Dataset("made up", split, split, "here")


def rows_of(text):
    return [line.split() for line in text.splitlines()]


# ---- evaluation ----


def test_the_members_of_an_ensemble_are_counted_by_hand():
    together, actual = np.array([0, 1, 1, 0]), np.array([0, 1, 1, 1])
    of_members = np.array([[0, 1, 1, 0], [0, 0, 1, 1], [1, 1, 1, 0]])  # (members, images)
    found = Answers(np.eye(2)[together], together, actual, np.arange(4), "probability", of_members)
    counted = members.members_of(found)
    assert (counted.right, counted.disagreed) == ([3, 3, 2], 3)  # only on the third image do all agree
    assert counted.mean == pytest.approx(8 / 3)
    assert counted.deviation == pytest.approx(np.sqrt(1 / 3))
    assert rows_of(members.members_text(counted, 4))[1:] == [
        ["1", "75.00", "%"],
        ["2", "75.00", "%"],
        ["3", "50.00", "%"],
        ["mean", "66.67", "%", "±", "14.43", "%"],
        "the members disagree on 75.00 % of the images (3)".split(),
    ]
    as_object = members.members_object(counted, 4)
    assert json.loads(json.dumps(as_object, allow_nan=False)) == as_object
    assert as_object["accuracies"] == [0.75, 0.75, 0.5]
    assert as_object["disagreement"] == 0.75


def test_a_single_member_has_no_spread():
    counted = members.Members([3], 0)
    assert "±" not in members.members_text(counted, 4)
    assert members.members_object(counted, 4)["accuracy_deviation"] is None


def test_the_answers_of_an_ensemble_are_those_of_the_mean_of_its_members_outputs():
    networks = [Network([Dense(3), Softmax()], (2,), seed) for seed in (1, 2)]
    saved = SavedEnsemble([SavedNetwork(network, (0, 1, 2)) for network in networks])
    data = dataset([[255, 0], [0, 255], [90, 80]], [0, 1, 2])
    found = answers(saved, data.test)
    p = [network.forward(data.test.images.reshape(3, 2).astype(np.float32) / 255) for network in networks]
    np.testing.assert_allclose(found.scores, (p[0] + p[1]) / 2, rtol=1e-6)
    assert found.of_members.tolist() == [output.argmax(axis=1).tolist() for output in p]
    assert found.score_name == "probability"


def test_a_member_whose_answer_is_no_number_is_refused():
    networks = [Network([Dense(3), Softmax()], (2,), seed) for seed in (1, 2)]
    networks[1].parameters[...] = np.finfo(np.float32).max
    saved = SavedEnsemble([SavedNetwork(network, (0, 1, 2)) for network in networks])
    with pytest.raises(BadInput, match="the network's answer to image 0 is not a finite number"):
        answers(saved, dataset([[255, 255]], [0]).test)


def test_evaluation_counts_the_networks_answers():
    network = Network([Softmax()], (2,), np.random.default_rng(0))
    data = dataset([[9, 1], [9, 1], [1, 9], [1, 9], [1, 9]], [0, 1, 1, 1, 0])
    found = evaluation.summary(answers(SavedNetwork(network, (4, 7)), data.test), (4, 7))
    assert found.classes == (4, 7)
    assert found.confusion.tolist() == [[1, 1], [1, 2]]
    assert (found.right, found.images, found.accuracy) == (3, 5, 0.6)


@pytest.mark.parametrize(
    ("right", "wrong", "text"),
    [
        (1, 2, "accuracy 33.33 % (1 of 3)"),
        (9753, 247, "accuracy 97.53 % (9,753 of 10,000)"),
        (99_999, 1, "accuracy 99.999 % (99,999 of 100,000)"),
        (5, 0, "accuracy 100.00 % (5 of 5)"),
    ],
)
def test_accuracy_is_printed_with_its_fraction_and_no_mistake_is_rounded_away(right, wrong, text):
    found = evaluation.Evaluation((0, 1), np.array([[right, wrong], [0, 0]]), CALIBRATION)
    assert evaluation.evaluation_text(found, details=False).startswith(f"{text}\n")


def test_at_a_glance_it_is_the_accuracy_the_confusion_matrix_and_what_is_confused():
    text = evaluation.evaluation_text(FOUND, details=False)
    for part in (evaluation.confusion_table, evaluation.confused_list):
        assert part(FOUND) in text
    for part in (evaluation.binary_table, evaluation.class_table):
        assert part(FOUND) not in text
    assert "--details" in text


def test_with_details_the_text_has_every_part():
    text = evaluation.evaluation_text(FOUND, details=True)
    for part in (evaluation.confusion_table, evaluation.binary_table, evaluation.class_table, evaluation.confused_list):
        assert part(FOUND) in text
    assert "rows actual, columns predicted" in text
    assert "[[TP, FN], [FP, TN]]" in text


def test_confusion_table():
    assert rows_of(evaluation.confusion_table(FOUND)) == [
        ["4", "7", "9"],
        ["4", "8", "2", "0"],
        ["7", "1", "9", "0"],
        ["9", "3", "1", "0"],
    ]
    big = evaluation.Evaluation((0, 1), np.array([[12345, 0], [1, 67]]), CALIBRATION)
    assert len({len(line) for line in evaluation.confusion_table(big).splitlines()}) == 1  # flush right


def test_binary_table_ends_with_the_sum():
    lines = evaluation.binary_table(FOUND).splitlines()
    assert [line.split(maxsplit=1)[0] for line in lines] == ["4", "7", "9", "sum"]
    assert [json.loads(line.split(maxsplit=1)[1]) for line in lines] == [
        [[8, 2], [4, 10]],
        [[9, 1], [3, 11]],
        [[0, 4], [0, 20]],
        [[17, 7], [7, 41]],
    ]


def test_class_table_shows_undefined_scores_as_a_dash():
    assert rows_of(evaluation.class_table(FOUND)) == [
        ["class", "precision", "recall", "F1", "support"],
        ["4", "0.6667", "0.8000", "0.7273", "10"],
        ["7", "0.7500", "0.9000", "0.8182", "10"],
        ["9", "–", "0.0000", "0.0000", "4"],
    ]


def test_confused_list():
    assert rows_of(evaluation.confused_list(FOUND)) == [
        ["3", "×", "9", "taken", "for", "4"],
        ["2", "×", "4", "taken", "for", "7"],
        ["1", "×", "7", "taken", "for", "4"],
        ["1", "×", "9", "taken", "for", "7"],
    ]
    assert evaluation.confused_list(PERFECT).strip() == "none: every answer was right"


def test_object_is_json_with_null_for_what_is_undefined():
    found = json.loads(json.dumps(evaluation.evaluation_object(FOUND), allow_nan=False))
    assert found["accuracy"] == 17 / 24
    assert (found["right"], found["images"], found["classes"]) == (17, 24, [4, 7, 9])
    assert found["confusion_matrix"] == FOUND.confusion.tolist()
    assert found["binary_confusion_matrix"] == [[17, 7], [7, 41]]
    assert found["per_class"][0] == {
        "accuracy": 0.8,
        "class": 4,
        "name": "4",
        "precision": 8 / 12,
        "recall": 8 / 10,
        "f1": 16 / 22,
        "support": 10,
        "binary_confusion_matrix": [[8, 2], [4, 10]],
    }
    assert found["per_class"][2]["precision"] is None
    assert found["most_confused"][0] == {
        "actual": 9,
        "actual_name": "9",
        "predicted": 4,
        "predicted_name": "4",
        "count": 3,
    }


CLOTHES = evaluation.Evaluation((0, 1, 9), FOUND.confusion, CALIBRATION, names=("T-shirt", "trousers", "ankle boot"))


def test_names_stand_where_labels_stood():
    assert evaluation.confusion_table(CLOTHES).splitlines() == [
        "            T-shirt  trousers  ankle boot",
        "   T-shirt        8         2           0",
        "  trousers        1         9           0",
        "ankle boot        3         1           0",
    ]
    assert evaluation.confused_list(CLOTHES).splitlines()[0] == "    3 × ankle boot taken for T-shirt"
    heads = [row.split("  [[")[0] for row in evaluation.binary_table(CLOTHES).splitlines()]
    assert heads == ["   T-shirt", "  trousers", "ankle boot", "       sum"]
    starts = [line.index("[[") for line in evaluation.binary_table(CLOTHES).splitlines()]
    assert len(set(starts)) == 1, "aligned"
    assert [line.split()[0] for line in evaluation.class_table(CLOTHES).splitlines()[1:3]] == ["T-shirt", "trousers"]


def test_the_names_of_a_large_table_stand_at_its_rows_with_their_labels_and_labels_at_its_columns():
    names = tuple(f"kind number {k}" for k in range(12))
    found = evaluation.Evaluation(tuple(range(12)), np.eye(12, dtype=int) * 1000, CALIBRATION, names=names)
    head, first, *_, last = evaluation.confusion_table(found).splitlines()
    assert head.split() == [str(k) for k in range(12)]
    assert first.split()[:5] == ["kind", "number", "0", "0", "1000"]
    assert last.split()[-1] == "1000"
    assert len(head) == len(first) == len(last) <= 100


def test_the_object_has_names_beside_the_labels():
    found = evaluation.evaluation_object(CLOTHES)
    assert (found["classes"], found["class_names"]) == ([0, 1, 9], ["T-shirt", "trousers", "ankle boot"])
    assert [row["name"] for row in found["per_class"]] == list(CLOTHES.names)
    assert found["most_confused"][0] == {
        "actual": 9,
        "actual_name": "ankle boot",
        "predicted": 0,
        "predicted_name": "T-shirt",
        "count": 3,
    }


def test_what_is_no_image_is_not_called_one():
    found = evaluation.Evaluation((0, 1), np.diag([3, 1]), CALIBRATION, members.Members([4], 0), samples="points")
    text = evaluation.evaluation_text(found, details=True)
    assert "image" not in text
    assert "0.00 % of the points (0)" in text


# ---- the record ----


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        ({"data": {"name": "mnist", "fingerprint": "abc"}}, ("mnist", "abc")),
        ({"data": {"name": "mnist"}}, ("mnist", None)),
        ({"data": {"name": 7, "fingerprint": ["abc"]}}, (None, None)),
        ({"data": "mnist"}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_recorded_data_takes_only_text(training, expected):
    saved = SavedNetwork(Network([Softmax()], (2,), np.random.default_rng(0)), (4, 7), training)
    assert evaluation.recorded_data(saved) == expected


def test_a_note_where_the_data_are_not_those_on_record():
    data = dataset([[9, 1], [1, 9]], [0, 1])
    saved = SavedNetwork(Network([Softmax()], (2,), np.random.default_rng(0)), (4, 7))
    assert evaluation.data_note(saved, data) is None  # nothing on record
    saved.training["data"] = {"name": "made up", "fingerprint": data.fingerprint()}
    assert evaluation.data_note(saved, data) is None
    note = evaluation.data_note(saved, dataset([[9, 1], [1, 8]], [0, 1]))
    assert note is not None
    assert data.fingerprint() in note
    assert "\n" not in note


# ---- parameters ----


def test_parameters_are_numbered_by_the_layers_that_have_any(rng):
    network = Network([ReLU(), Dense(5), ReLU(), Dense(3), Softmax()], (4,), rng)
    found = parameters.named_parameters(network)
    assert [(layer, kind, name, values.shape) for layer, kind, name, values in found] == [
        (1, "Dense", "W", (5, 4)),
        (1, "Dense", "b", (5,)),
        (2, "Dense", "W", (3, 5)),
        (2, "Dense", "b", (3,)),
    ]
    assert found[2].values is network.layers[3].W


def test_statistics_by_hand():
    found = parameters.statistics(np.array([[-3, 0, 0], [0, 0, 3]], np.float32), bins=3)
    assert found[:5] == (0, np.sqrt(3), -3, 3, 4 / 6)
    assert found.counts.tolist() == [1, 4, 1]
    assert found.edges.tolist() == [-3, -1, 1, 3]


def test_about_eight_percent_of_normally_distributed_values_are_near_zero(rng):
    assert parameters.statistics(rng.normal(0, 20, 100_000)).near_zero == pytest.approx(0.0797, abs=0.003)


def test_statistics_of_a_single_value():
    found = parameters.statistics(np.array([0.25]))
    assert found[:5] == (0.25, 0, 0.25, 0.25, 0)
    assert found.counts.sum() == 1


def test_many_float32_are_summed_without_losing_digits():
    values = np.full(1_000_000, 0.1, np.float32)
    assert parameters.statistics(values).mean == pytest.approx(float(np.float32(0.1)), rel=1e-12)


def test_statistics_table():
    table = [parameters.Parameter(1, "Dense", "W", np.array([[-1.5, 0.5], [0, 1]]))]
    head, line = parameters.statistics_table(table).splitlines()
    assert len(head) == len(line)
    assert line.split() == ["1", "Dense", "W", "2", "×", "2", "0.0000", "0.9354", "-1.5000", "1.0000", "25.0%"]


def test_statistics_csv_holds_the_histograms_at_full_precision(rng):
    network = Network([Dense(5), ReLU(), Dense(3), Softmax()], (4,), rng)
    text = parameters.statistics_csv(parameters.named_parameters(network))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["layer"], row["parameter"], row["values"]) for row in rows] == [
        ("1", "W", "20"),
        ("1", "b", "5"),
        ("2", "W", "15"),
        ("2", "b", "3"),
    ]
    W = network.layers[2].W.astype(float)
    row = rows[2]
    assert [float(row[name]) for name in ("mean", "sd", "min", "max")] == [W.mean(), W.std(), W.min(), W.max()]
    counts = [int(value) for name, value in row.items() if name.startswith("bin_")]
    edges = np.linspace(float(row["bins_from"]), float(row["bins_to"]), len(counts) + 1)
    assert counts == np.histogram(W, edges)[0].tolist()
