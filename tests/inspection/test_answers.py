"""Single answers: their scores, their order, and the table of the mistakes, worked out by hand."""

import numpy as np
import pytest

from nn_from_scratch import BadInput, Dense, Network, ReLU, SavedNetwork, Sigmoid, Softmax, Split
from nn_from_scratch.inspection.answers import Answers, answers, first_and_second, mistake_rows

SCORES = np.array([[0.7, 0.2, 0.1], [0.2, 0.3, 0.5], [0.1, 0.8, 0.1], [0.4, 0.35, 0.25], [0.0, 0.9, 0.1]])
ACTUAL = np.array([0, 0, 2, 1, 0])  # right, then four mistakes


def made(score_name="probability"):
    return Answers(SCORES, SCORES.argmax(axis=1), ACTUAL, np.arange(10, 15), score_name)


def test_confidence_margin_and_loss():
    found = made()
    assert found.right.tolist() == [True, False, False, False, False]
    assert found.confidence == pytest.approx([0.7, 0.5, 0.8, 0.4, 0.9])
    assert found.margin == pytest.approx([0.5, 0.2, 0.7, 0.05, 0.8])
    assert found.loss[:4] == pytest.approx(-np.log([0.7, 0.2, 0.1, 0.35]))
    assert 700 < found.loss[4] < 720  # of a probability of 0: large, and finite
    squared = [0.09 + 0.04 + 0.01, 0.64 + 0.09 + 0.25, 0.01 + 0.64 + 0.81, 0.16 + 0.65**2 + 0.0625, 1 + 0.81 + 0.01]
    assert made("output").loss == pytest.approx(np.array(squared) / 3)


@pytest.mark.parametrize(
    ("order", "rows"), [("loss", [4, 2, 1, 3]), ("confidence", [4, 2, 1, 3]), ("uncertainty", [3, 1, 2, 4])]
)
def test_orders_of_the_mistakes(order, rows):
    assert made().mistakes(order).tolist() == rows


def test_confidence_and_loss_can_disagree():
    scores = np.array([[0.5, 0.49, 0.01], [0.45, 0.1, 0.45]])
    found = Answers(scores, np.array([0, 0]), np.array([1, 1]), np.arange(2), "probability")
    assert (found.mistakes("confidence").tolist(), found.mistakes("loss").tolist()) == ([0, 1], [1, 0])


def test_rows_name_labels_and_the_place_in_the_whole_set():
    head, worst, *_ = mistake_rows(made(), (3, 5, 8), "confidence")
    assert head == ["index", "actual", "predicted", "confidence", "score_of_actual", "margin", "loss"]
    assert worst[:6] == [14, 3, 5, "0.9", "0", "0.8"]


def test_the_index_counts_the_images_that_the_network_was_not_asked(rng):
    whole = Split(rng.integers(0, 255, (6, 2, 2), dtype=np.uint8), np.array([5, 1, 2, 1, 7, 2], np.uint8))
    network = Network([Dense(1), Sigmoid()], (4,), rng)
    found = answers(SavedNetwork(network, (2, 1)), whole.only_classes((2, 1)), whole)
    assert found.index.tolist() == [1, 2, 3, 5]
    assert found.actual.tolist() == [1, 0, 1, 0]
    p = network.forward(whole.images[found.index].reshape(-1, 4).astype(np.float32) / 255)
    assert found.predicted.tolist() == (p[:, 0] >= 0.5).astype(int).tolist()
    np.testing.assert_array_equal(found.scores, np.hstack([1 - p, p]))


@pytest.mark.parametrize(("last", "name"), [(Softmax, "probability"), (Sigmoid, "output")])
def test_answers_say_what_their_scores_are(rng, split, last, name):
    network = Network([Dense(3), last()], (16,), rng)
    assert answers(SavedNetwork(network, (4, 7, 9)), split).score_name == name


@pytest.mark.parametrize("layers", [[Dense(3), Softmax()], [Dense(4), ReLU(), Dense(3)]], ids=len)
def test_a_network_whose_weights_are_finite_and_its_outputs_are_not_is_refused_in_words(rng, split, layers):
    network = Network(layers, (16,), rng)
    network.parameters[...] = 3e38
    split.images[0] = 0
    network.layers[0].b[...] = 0
    with pytest.raises(BadInput, match="answer to image 1 is not a finite number: its weights are too large"):
        answers(SavedNetwork(network, (4, 7, 9)), split)


def test_outputs_as_far_apart_as_float32_allows_are_ranked_without_a_warning():
    scores = np.array([[-3e38, 3e38, -3e38], [3e38, 0, 0]], np.float32)
    found = Answers(scores, np.array([1, 0]), np.array([0, 1]), np.arange(2), "output")
    assert found.margin.tolist() == [np.inf, np.float32(3e38)]
    assert found.mistakes("loss").tolist() == [0, 1]
    assert mistake_rows(found, (3, 5, 8), "uncertainty")[1][1:3] == [5, 3]


def test_outputs_that_are_numbers_are_no_answers(rng, split):
    network = Network([Dense(3)], (16,), rng)
    with pytest.raises(BadInput, match="outputs are numbers, not classes: expected a network with classes"):
        answers(SavedNetwork(network, ()), split)


def test_first_and_second_guess():
    assert first_and_second(SCORES[1]) == (2, 1)
    assert first_and_second(np.array([0.5, 0.5])) == (0, 1)
