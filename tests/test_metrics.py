"""Every number against a hand calculation, and the relations that must hold between them for any answers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nn_from_scratch import metrics
from nn_from_scratch.classes import predicted_classes

# Worked by hand. Class 2 is never predicted, class 3 never occurs.
ACTUAL = np.array([0, 0, 0, 1, 1, 2, 2, 0], np.uint8)
PREDICTED = np.array([0, 1, 0, 1, 0, 0, 1, 3])
CONFUSION = np.array([[2, 1, 0, 1], [1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]])

confusions = st.integers(1, 6).flatmap(lambda K: arrays(np.int64, (K, K), elements=st.integers(0, 50)))


def samples_of(confusion):
    """Labels and answers that have this confusion matrix."""
    actual, predicted = np.indices(confusion.shape)
    return np.repeat(actual.ravel(), confusion.ravel()), np.repeat(predicted.ravel(), confusion.ravel())


def test_the_predicted_class_is_the_largest_output():
    p = np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3], [0.4, 0.4, 0.2]])
    assert predicted_classes(p).tolist() == [1, 0, 0]


def test_a_single_output_is_the_probability_of_the_second_class():
    p = np.array([[0.2], [0.5], [0.8], [np.nextafter(0.5, 0)]])
    assert predicted_classes(p).tolist() == [0, 1, 1, 0]


def test_accuracy_is_the_exact_share():
    assert metrics.accuracy(PREDICTED, ACTUAL) == 3 / 8
    assert metrics.accuracy(np.arange(10_000) < 9_838, np.ones(10_000, bool)) == 0.9838


def test_confusion_matrix_has_actual_classes_as_rows():
    assert metrics.confusion_matrix(ACTUAL, PREDICTED, 4).tolist() == CONFUSION.tolist()


def test_confusion_matrix_does_not_overflow_bytes():
    # 30 · 30 is far beyond a uint8 label
    assert metrics.confusion_matrix(np.array([29], np.uint8), np.array([28]), 30)[29, 28] == 1


def test_one_vs_rest_by_hand():
    assert metrics.one_vs_rest(CONFUSION).tolist() == [
        [[2, 2], [2, 2]],
        [[1, 1], [2, 4]],
        [[0, 2], [0, 6]],
        [[0, 0], [1, 7]],
    ]


def test_per_class_by_hand():
    reports = metrics.per_class(CONFUSION)
    assert reports[0] == (2 / 4, 2 / 4, 4 / 8, 4)
    assert reports[1] == (1 / 3, 1 / 2, 2 / 5, 2)
    assert math.isnan(reports[2].precision)  # never predicted: 0 / 0
    assert reports[2][1:] == (0, 0, 2)
    assert reports[3].precision == 0
    assert math.isnan(reports[3].recall)  # never there: 0 / 0
    assert reports[3][2:] == (0, 0)


def test_f1_of_a_class_that_neither_occurs_nor_is_predicted_is_undefined():
    scores = metrics.per_class(np.array([[3, 0], [0, 0]]))[1]
    assert all(math.isnan(score) for score in scores[:3])
    assert scores.support == 0


def test_most_confused_by_hand():
    confusion = np.array([[9, 0, 4], [7, 9, 0], [1, 7, 9]])
    assert metrics.most_confused(confusion) == [(1, 0, 7), (2, 1, 7), (0, 2, 4), (2, 0, 1)]
    assert metrics.most_confused(confusion, most=2) == [(1, 0, 7), (2, 1, 7)]
    assert metrics.most_confused(np.diag([5, 6])) == []


@given(confusions)
def test_confusion_matrix_counts_every_sample_where_it_belongs(confusion):
    actual, predicted = samples_of(confusion)
    assert np.array_equal(metrics.confusion_matrix(actual, predicted, len(confusion)), confusion)


@given(confusions)
def test_swapping_answers_and_labels_transposes(confusion):
    actual, predicted = samples_of(confusion)
    assert np.array_equal(metrics.confusion_matrix(predicted, actual, len(confusion)), confusion.T)


@given(confusions.filter(np.any))
def test_accuracy_is_the_diagonals_share(confusion):
    actual, predicted = samples_of(confusion)
    assert metrics.accuracy(predicted, actual) == confusion.trace() / confusion.sum()


@given(confusions)
def test_the_four_counts_of_each_class_cover_all_samples(confusion):
    binaries = metrics.one_vs_rest(confusion)
    assert (binaries >= 0).all()
    assert (binaries.sum(axis=(1, 2)) == confusion.sum()).all()
    (TP, FN), (FP, _) = binaries.sum(axis=0)
    right = confusion.trace()
    assert right == TP
    assert confusion.sum() - right == FN == FP  # every mistake is missed by one class and taken by another


@given(confusions)
def test_transposing_swaps_precision_and_recall(confusion):
    for report, mirrored in zip(metrics.per_class(confusion), metrics.per_class(confusion.T), strict=True):
        assert np.array_equal(report[:3], (mirrored.recall, mirrored.precision, mirrored.f1), equal_nan=True)


@given(confusions)
def test_f1_is_the_harmonic_mean(confusion):
    for precision, recall, f1, support in metrics.per_class(confusion):
        if precision > 0 and recall > 0:
            assert f1 == pytest.approx(2 / (1 / precision + 1 / recall), rel=1e-12)
            assert support > 0


@given(confusions)
def test_support_and_recall_count_the_right_answers(confusion):
    reports = metrics.per_class(confusion)
    assert [report.support for report in reports] == confusion.sum(axis=1).tolist()
    right = sum(report.recall * report.support for report in reports if report.support)
    assert right == pytest.approx(confusion.trace())


@given(confusions)
def test_all_confusions_together_are_all_mistakes(confusion):
    mistakes = metrics.most_confused(confusion, most=confusion.size)
    counts = [count for *_, count in mistakes]
    assert sum(counts) == confusion.sum() - confusion.trace()
    assert counts == sorted(counts, reverse=True)
    assert all(confusion[actual, predicted] == count > 0 for actual, predicted, count in mistakes)


# ---- calibration ----


def test_calibration_sorts_answers_into_bins_closed_on_the_right():
    confidence = np.array([0.0, 0.5, 0.51, 0.6, 0.95, 1.0])
    found = metrics.calibration(confidence, np.array([False, True, True, False, True, True]), bins=10)
    assert found.counts.tolist() == [1, 0, 0, 0, 1, 2, 0, 0, 0, 2]
    filled = found.counts > 0
    assert found.confidence[filled] == pytest.approx([0, 0.5, 0.555, 0.975])
    assert found.accuracy[filled] == pytest.approx([0, 1, 0.5, 1])
    assert np.isnan(found.accuracy[~filled]).all()
    assert found.error == pytest.approx((1 * 0 + 1 * 0.5 + 2 * 0.055 + 2 * 0.025) / 6)


def test_calibration_of_answers_that_are_as_often_right_as_they_say(rng):
    confidence = rng.random(200_000)
    assert metrics.calibration(confidence, rng.random(200_000) < confidence).error < 0.005
    assert metrics.calibration(confidence, np.ones(200_000, bool)).error == pytest.approx(0.5, abs=0.005)


def test_the_interval_of_a_bin_holds_its_accuracy_stays_within_0_and_1_and_shrinks_with_the_root_of_the_count():
    few, many = (
        metrics.Calibration(np.linspace(0, 1, 4), np.array([n, n, 0]), np.array([]), np.array([0.9, 1.0, np.nan]))
        for n in (100, 10_000)
    )
    low, high = few.interval()
    assert (low[0], high[0]) == pytest.approx((0.82563, 0.94477), abs=1e-5)  # E. B. Wilson's formula, by hand
    assert (low[1], high[1]) == (pytest.approx(100 / (100 + 1.96**2)), 1)
    assert np.isnan([low[2], high[2]]).all()
    assert (high - low)[0] == pytest.approx(10 * np.subtract(*many.interval()[::-1])[0], rel=0.05)
    assert (few.interval(z=0)[0][0], few.interval(z=0)[1][0]) == (0.9, 0.9)


def test_the_interval_is_right_19_times_in_20(rng):
    right = rng.binomial(50, 0.9, 20_000)
    made = metrics.Calibration(np.array([]), np.full(20_000, 50), np.array([]), right / 50)
    low, high = made.interval()
    assert np.mean((low <= 0.9) & (high >= 0.9)) == pytest.approx(0.95, abs=0.025)
