"""NetworkClassifier: all that scikit-learn asks of a classifier, and what it does with one."""

import os
import pickle
import subprocess
import sys
from copy import deepcopy
from importlib.util import find_spec

import numpy as np
import pytest

import nn_from_scratch as nn
from nn_from_scratch.data.batches import inputs
from nn_from_scratch.recipe import Recipe
from nn_from_scratch.training import predict
from tests.scripts import ROOT

sklearn = pytest.importorskip(
    "sklearn", minversion="1.6", reason='scikit-learn is not installed: pip install "nn-from-scratch-numpy[sklearn]"'
)
from sklearn.base import clone  # noqa: E402
from sklearn.datasets import load_iris  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

from nn_from_scratch.scikit_learn import NetworkClassifier  # noqa: E402

CHECKS = """
import sys, warnings
from sklearn.utils.estimator_checks import check_estimator
from nn_from_scratch.scikit_learn import NetworkClassifier
results = check_estimator(NetworkClassifier(**eval(sys.argv[1])), on_skip=None, on_fail=None)
for result in results:
    print(result["status"], result["check_name"], result["exception"] or "")
"""


@pytest.mark.parametrize(
    "parameters", [{}, {"loss": "binary-cross-entropy"}, {"loss": "mean-squared-error", "learning_rate": 0.03}], ids=str
)
def test_it_passes_every_check_of_scikit_learn(parameters):
    """None fails, and none is skipped. That of the array API only runs where this variable is set from the start, and
    one needs pandas, which comes with the extra "test".
    """
    result = subprocess.run(
        [sys.executable, "-c", CHECKS, str(parameters)],
        cwd=ROOT,
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) > 40
    without_pandas = "skipped check_classifier_data_not_an_array pandas is not installed"
    excused = () if find_spec("pandas") else (without_pandas,)
    assert [line for line in lines if not line.startswith(("passed ", *excused))] == []


def test_features_have_the_names_of_a_table(iris):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed: pip install pandas")
    table = pandas.DataFrame(iris[0], columns=["a", "b", "c", "d"])
    classifier = NetworkClassifier(epochs=1).fit(table, iris[1])
    assert classifier.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="feature names should match"):
        classifier.predict(table[["b", "a", "c", "d"]])


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


def scaled(**parameters):
    return make_pipeline(StandardScaler(), NetworkClassifier(**{"epochs": 60, "random_state": 0} | parameters))


def test_it_works_in_a_pipeline_a_search_and_a_cross_validation(iris):
    X, y = iris
    assert cross_val_score(scaled(), X, y, cv=3).mean() > 0.93
    grid = {
        "networkclassifier__layers": [(), ("dense:16", "relu")],
        "networkclassifier__optimizer": ["sgd:momentum=0.9", "adam"],
    }
    search = GridSearchCV(scaled(), grid, cv=3).fit(X, y)
    assert len(search.cv_results_["params"]) == 4
    assert search.best_score_ > 0.93
    assert search.predict(X[:3]).tolist() == y[:3].tolist()


def test_labels_are_what_they_are(iris):
    X, y = iris
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    classifier = scaled().fit(X, names)
    assert classifier.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert set(classifier.predict(X)) == set(names)
    assert classifier.score(X, names) > 0.93


def test_it_is_the_training_of_its_recipe_and_of_nothing_else(iris):
    X, y = iris
    classifier = NetworkClassifier(("dense:8", "relu"), epochs=3, batch_size=50, random_state=7).fit(X, y)
    recipe = Recipe(
        layers=("dense:8", "relu", "dense:3", "softmax"),
        loss="cross-entropy",
        optimizer="adam",
        learning_rate=0.01,
        schedule="one-cycle",
        batch_size=50,
        epochs=3,
        input_shape=(4,),
    )
    assert classifier.recipe_ == recipe
    streams = nn.random_streams(int(np.random.RandomState(7).randint(2**31)))
    network = recipe.make_network(streams.initialization)
    batches = recipe.make_batches(nn.Split(X.astype(np.float32), y.astype(np.uint8)), streams.shuffling)
    schedule = recipe.make_schedule(9)
    results = list(nn.fit(network, nn.CrossEntropy(), nn.Adam(), schedule, batches, 3, noise=streams.noise))
    assert classifier.network_.parameters.tobytes() == network.parameters.tobytes()
    assert [result.loss for result in classifier.history_] == [result.loss for result in results]


@pytest.mark.parametrize(
    ("loss", "classes", "end"),
    [
        ("cross-entropy:smoothing=0.1", 2, ("dense:2", "softmax")),
        ("cross-entropy", 3, ("dense:3", "softmax")),
        ("binary-cross-entropy", 2, ("dense:1", "sigmoid")),
        ("binary-cross-entropy", 3, ("dense:3", "sigmoid")),
        ("mean-squared-error", 2, ("dense:1", "sigmoid")),
        ("mean-squared-error", 3, ("dense:3", "sigmoid")),
    ],
)
def test_the_last_layers_follow_from_the_classes_and_the_loss(loss, classes, end, iris):
    X, y = iris[0][iris[1] < classes], iris[1][iris[1] < classes]
    classifier = NetworkClassifier(loss=loss, epochs=2, random_state=0).fit(X, y)
    assert classifier.recipe_.layers[-2:] == end
    p = classifier.predict_proba(X)
    assert p.shape == (len(X), classes)
    assert p.dtype == np.float32
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    assert (classifier.predict(X) == classifier.classes_[p.argmax(axis=1)]).all()


def test_sigmoids_that_are_all_0_are_no_reason_for_a_nan():
    network = nn.Network([nn.Dense(3), nn.Sigmoid()], (1,), seed=0)
    network.layers[0].W[...] = 1e4
    classifier = NetworkClassifier.from_saved(nn.SavedNetwork(network, (0, 1, 2)))
    np.testing.assert_allclose(classifier.predict_proba([[-1.0]]), [[1 / 3] * 3], rtol=1e-6)


def test_convolutions_take_rows_of_pixels_in_their_input_shape():
    data = nn.load_dataset("digits").train
    X = inputs(data.images[:300], (784,))
    layers = ("average-pool2d", "conv2d:4:3", "relu", "max-pool2d", "dropout:rate=0.1", "flatten")
    classifier = NetworkClassifier(layers, input_shape=(1, 28, 28), epochs=12, random_state=0).fit(X, data.labels[:300])
    assert classifier.network_.input_shape == (1, 28, 28)
    assert classifier.score(X, data.labels[:300]) > 0.9


def test_the_same_random_state_is_the_same_network_and_another_is_another(iris):
    X, y = iris
    numbers = [
        NetworkClassifier(epochs=1, random_state=state).fit(X, y).network_.parameters.tobytes()
        for state in (3, np.random.RandomState(3), 4)
    ]
    assert numbers[0] == numbers[1] != numbers[2]
    moving = np.random.RandomState(3)
    twice = [NetworkClassifier(epochs=1, random_state=moving).fit(X, y).network_.parameters.tobytes() for _ in "ab"]
    assert twice[0] != twice[1]


def test_float64_is_rounded_to_float32(iris):
    X, y = iris
    one, other = (NetworkClassifier(epochs=1, random_state=0).fit(X.astype(kind), y) for kind in ("f4", "f8"))
    assert one.network_.dtype == np.float32
    assert one.network_.parameters.tobytes() == other.network_.parameters.tobytes()
    with pytest.raises(ValueError, match=r"value too large for dtype\('float32'\)"):
        one.predict(np.full((1, 4), 1e39))


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"layers": ("dens:4",)}, "unknown layer 'dens'"),
        ({"layers": ("conv2d:4:3", "relu"), "input_shape": (1, 2, 2)}, "does not fit into images"),
        ({"layers": ("conv2d:4:2", "relu"), "input_shape": (1, 2, 2)}, "Dense takes flat samples"),
        ({"input_shape": (5,)}, "input_shape (5,): expected one of 4 numbers, the features of X"),
        ({"loss": "hinge"}, "unknown loss 'hinge'"),
        ({"optimizer": "adam:beta=1"}, "optimizer adam:beta=1: expected adam"),
        ({"epochs": 0}, "epochs 0: expected 1 to a billion"),
        ({"batch_size": 0}, "batch_size 0"),
    ],
)
def test_parameters_that_do_not_fit_are_refused_by_fit(parameters, said, iris):
    with pytest.raises(nn.BadInput) as caught:
        NetworkClassifier(**parameters).fit(*iris)
    assert said in str(caught.value)


def test_too_few_and_too_many_classes_are_refused(iris):
    with pytest.raises(ValueError, match="y has one class only, 7: expected from 2 to 256"):
        NetworkClassifier().fit(iris[0], np.full(150, 7))
    with pytest.raises(ValueError, match="y has 300 classes: expected from 2 to 256"):
        NetworkClassifier().fit(np.ones((600, 2)), np.arange(600) // 2)


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_a_training_that_diverges_is_a_clear_error_and_a_search_goes_on(iris):
    X, y = iris
    rates = {"learning_rate": [1e30, 0.01]}
    sgd = NetworkClassifier(optimizer="sgd", schedule="constant", epochs=5, random_state=0)
    with pytest.raises(nn.Diverged, match=r"diverged at step \d+, at learning rate 1e\+30: .* is not a finite number"):
        clone(sgd).set_params(learning_rate=1e30).fit(X, y)
    with pytest.warns(sklearn.exceptions.FitFailedWarning, match="diverged at step"):
        search = GridSearchCV(sgd, rates, cv=2).fit(X, y)
    assert search.best_params_ == {"learning_rate": 0.01}


# ---- out, and in ----


@pytest.mark.parametrize("copy", [deepcopy, lambda it: pickle.loads(pickle.dumps(it))], ids=["deepcopy", "pickle"])
def test_a_copy_is_whole(copy, iris, tmp_path):
    X, y = iris
    layers = ("dense:5", "batch-norm", "relu")
    classifier = NetworkClassifier(layers, epochs=2, random_state=0).fit(X, y)
    copied = copy(classifier)
    assert copied.network_ is not classifier.network_
    assert copied.predict_proba(X).tobytes() == classifier.predict_proba(X).tobytes()
    copied.network_.check_views()
    assert copied.get_params() == classifier.get_params()
    assert [result.loss for result in copied.history_] == [result.loss for result in classifier.history_]
    unfitted = copy(NetworkClassifier(layers))
    assert not hasattr(unfitted, "network_")


def test_its_network_can_be_saved_and_a_saved_one_becomes_a_classifier(iris, tmp_path):
    X, y = iris
    classifier = NetworkClassifier(("dense:8", "relu"), epochs=5, random_state=0).fit(X, y)
    nn.save(nn.SavedNetwork(classifier.network_, classes=(0, 1, 2)), tmp_path / "iris.json")
    again = NetworkClassifier.from_saved(nn.load(tmp_path / "iris.json"))
    assert again.classes_.tolist() == [0, 1, 2]
    assert again.n_features_in_ == 4
    assert again.predict_proba(X).tobytes() == classifier.predict_proba(X).tobytes()
    with pytest.raises(ValueError, match="X has 3 features, but NetworkClassifier is expecting 4"):
        again.predict(X[:, :3])


@pytest.mark.parametrize("preset", ["784-10-10", "784-100-10", "784-196-1", "lenet-fast"])
def test_a_network_of_a_preset_becomes_a_classifier_with_the_parameters_of_its_recipe(preset):
    saved = nn.load(ROOT / "resources" / "pretrained" / f"{preset}.json")
    classifier, recipe = NetworkClassifier.from_saved(saved), nn.PRESETS[preset]
    assert classifier.classes_.tolist() == list(saved.classes)
    for name in ("loss", "optimizer", "learning_rate", "schedule", "batch_size", "epochs", "initializer"):
        assert getattr(classifier, name) == getattr(recipe, name)
    images = nn.load_dataset("digits").test.images[:50]
    X = inputs(images, (784,))
    p = predict(saved.network, images)
    expected = p.argmax(axis=1) if p.shape[1] > 1 else (p[:, 0] > 0.5).astype(int)
    assert (classifier.predict(X) == np.array(saved.classes)[expected]).all()
    rows = np.arange(len(X)) % len(saved.classes)
    refitted = clone(classifier).set_params(epochs=1, random_state=0).fit(X, np.array(saved.classes)[rows])
    assert [type(layer) for layer in refitted.network_.layers] == [type(layer) for layer in saved.network.layers]
    assert refitted.network_.parameters.shape == saved.network.parameters.shape


def test_what_is_no_classifier_does_not_become_one():
    ensemble = nn.load(ROOT / "resources" / "pretrained" / "cnn-ensemble.json")
    with pytest.raises(nn.BadInput, match="an ensemble: expected a single network"):
        NetworkClassifier.from_saved(ensemble)
    regression = nn.SavedNetwork(nn.Network([nn.Dense(1)], (3,), seed=0), classes=())
    with pytest.raises(nn.BadInput, match="expected a network with classes"):
        NetworkClassifier.from_saved(regression)
