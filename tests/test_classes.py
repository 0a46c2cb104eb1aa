"""Which output stands for which class: the same everywhere, and for two classes with a single output, too."""

import numpy as np
import pytest

from nn_from_scratch import Dense, Network, ReLU, Sigmoid, Softmax
from nn_from_scratch.classes import (
    class_scores,
    labels_of_outputs,
    output_of,
    outputs_fit,
    predicted_classes,
    score_name,
    target_table,
)


@pytest.mark.parametrize(
    ("outputs", "classes", "fit"),
    [(2, 2, True), (10, 10, True), (1, 2, True), (1, 1, False), (1, 3, False), (2, 1, False), (10, 9, False)],
)
def test_there_is_an_output_for_each_class_or_a_single_one_for_two(outputs, classes, fit):
    assert outputs_fit(outputs, classes) is fit


def test_a_single_output_scores_two_classes():
    p = np.array([[0.25], [0.75]], np.float32)
    assert class_scores(p).tolist() == [[0.75, 0.25], [0.25, 0.75]]
    assert class_scores(p).dtype == np.float32


def test_several_outputs_are_the_scores():
    p = np.array([[0.7, 0.2, 0.1], [0.2, 0.3, 0.5]])
    assert class_scores(p) is p


def test_each_output_has_the_label_of_its_class():
    assert labels_of_outputs(3, (4, 7, 9)) == (4, 7, 9)
    assert labels_of_outputs(2, (2, 1)) == (2, 1)
    assert labels_of_outputs(1, (1, 2)) == (2,)  # a single output is the probability of the second class


@pytest.mark.parametrize(("outputs", "classes"), [(5, (4, 7, 9)), (2, (4, 7, 9)), (1, (4, 7, 9)), (3, ())])
def test_outputs_that_fit_no_classes_have_no_labels(outputs, classes):
    assert labels_of_outputs(outputs, classes) == ()


def test_each_class_is_decided_by_its_output_and_both_of_two_by_a_single_one():
    assert [output_of(k, 3) for k in range(3)] == [0, 1, 2]
    assert [output_of(k, 2) for k in range(2)] == [0, 1]
    assert [output_of(k, 1) for k in range(2)] == [0, 0]


@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_targets_scores_answers_and_labels_agree_about_every_class(outputs):
    classes = (7, 3, 5)[: max(outputs, 2)]
    targets = target_table(outputs)
    assert targets.shape == (len(classes), outputs)
    assert predicted_classes(targets).tolist() == list(range(len(classes)))
    assert class_scores(targets).tolist() == np.eye(len(classes)).tolist()
    for k in range(len(classes)):
        if targets[k, output_of(k, outputs)]:  # a single output is 0 for the first of two classes
            assert labels_of_outputs(outputs, classes)[output_of(k, outputs)] == classes[k]


@pytest.mark.parametrize(
    ("layers", "name"),
    [
        ([Dense(3), Softmax()], "probability"),
        ([Softmax()], "probability"),
        ([Dense(1), Sigmoid()], "probability"),
        ([Dense(2), Sigmoid()], "output"),  # two sigmoids need not add up to 1
        ([Dense(3), Sigmoid()], "output"),
        ([Dense(3), ReLU()], "output"),
        ([Dense(1), ReLU()], "output"),  # one number alone is no probability
        ([Dense(1)], "output"),
        ([Dense(3), Softmax(), Dense(3)], "output"),
        ([Dense(3), Softmax(), Dense(1), Sigmoid()], "probability"),
    ],
)
def test_scores_are_probabilities_where_they_add_up_to_1_by_construction(rng, layers, name):
    network = Network(layers, (4,), rng)
    assert score_name(network.layers[-1], *network.output_shape) == name
    if name == "probability":
        scores = class_scores(network.forward(rng.normal(0, 3, (20, 4)).astype(np.float32)))
        assert scores.sum(axis=1) == pytest.approx(np.ones(20), abs=1e-6)
        assert (scores >= 0).all()
