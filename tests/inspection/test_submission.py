"""The answers to a file of pixels without labels, as a table of numbers and digits."""

import numpy as np
import pytest

from nn_from_scratch import BadInput, Dense, Network, SavedNetwork, Sigmoid, Softmax
from nn_from_scratch.inspection.submission import predicted_labels, submission_rows
from nn_from_scratch.storage import files


def brightest(classes: tuple[int, ...] = (4, 7, 9)) -> SavedNetwork:
    """A network for images of 8 × 8 pixels that answers with the class of the brightest of the first three pixels."""
    layer = Dense(3)
    network = Network([layer, Softmax()], (64,), 0)
    layer.W[...] = np.eye(3, 64)
    layer.b[...] = 0
    return SavedNetwork(network, classes)


def write(path, images):
    names = ",".join(f"pixel{i}" for i in range(images[0].size))
    lines = [",".join(map(str, image.ravel().tolist())) for image in images]
    path.write_text("\n".join([names, *lines]) + "\n")
    return path


def test_every_image_is_answered_with_its_number_from_1_and_a_label(tmp_path):
    images = np.zeros((2500, 8, 8), np.uint8)
    chosen = np.random.default_rng(0).integers(0, 3, len(images))
    images[np.arange(len(images)), 0, chosen] = 255
    labels = predicted_labels(brightest(), write(tmp_path / "test.csv", images))
    assert labels == [(4, 7, 9)[k] for k in chosen]
    files.save_rows(submission_rows(labels), tmp_path / "submission.csv")
    lines = (tmp_path / "submission.csv").read_text().splitlines()
    assert lines[:2] == ["ImageId,Label", f"1,{labels[0]}"]
    assert lines[-1] == f"2500,{labels[-1]}"
    assert len(lines) == 2501


def test_a_single_output_answers_with_one_of_two_labels(tmp_path):
    layer = Dense(1)
    saved = SavedNetwork(Network([layer, Sigmoid()], (64,), 0), (3, 8))
    layer.W[...], layer.b[...] = 10, -5
    images = np.stack([np.zeros((8, 8), np.uint8), np.full((8, 8), 255, np.uint8)])
    assert predicted_labels(saved, write(tmp_path / "test.csv", images)) == [3, 8]


def test_images_of_another_size_and_labels_are_refused(tmp_path):
    path = write(tmp_path / "test.csv", np.zeros((2, 9, 9), np.uint8))
    with pytest.raises(BadInput, match=f"{path}: its images have 9 × 9 = 81 pixels, but the network takes 64 inputs"):
        predicted_labels(brightest(), path)
    path.write_text("7" + ",0" * 64)
    with pytest.raises(BadInput, match=f"{path}: its samples have 65 numbers, but the network takes 64 inputs"):
        predicted_labels(brightest(), path)


def test_names_are_a_third_column():
    rows = submission_rows([9, 0], {0: "T-shirt", 9: "ankle boot"})
    assert rows == [["ImageId", "Label", "Name"], [1, 9, "ankle boot"], [2, 0, "T-shirt"]]
