"""Articles and plurals, against a list written by hand; and which names are a network's own."""

import pytest

from nn_from_scratch import Dense, Network, SavedNetwork, Softmax
from nn_from_scratch.classes import own_names
from nn_from_scratch.errors import plural
from nn_from_scratch.inspection.naming import with_article

A = "0 1 2 3 7 9 10 17 100 180 181 B C D U z T-shirt sneaker bag dress bus coat house unicorn uniform user euro one ki"
AN = "8 11 18 80 800 A E F H I L M N O R S X o X-ray ankle-boot apple umbrella uncle hour heir honest onion iris item"


@pytest.mark.parametrize("name", A.split())
def test_a(name):
    assert with_article(name) == f"a {name}"


@pytest.mark.parametrize("name", AN.split())
def test_an(name):
    assert with_article(name) == f"an {name}"


@pytest.mark.parametrize("name", ["trousers", "jeans", "scissors", "sandals"])
def test_what_is_several_has_no_article(name):
    assert with_article(name) == name


def test_plurals():
    nouns = ("digit", "fashion item", "item of clothing", "character", "box", "city", "toy", "dish")
    expected = "digits, fashion items, items of clothing, characters, boxes, cities, toys, dishes"
    assert ", ".join(map(plural, nouns)) == expected


def test_names_are_a_networks_own_where_they_are_not_its_labels():
    network = Network([Dense(2), Softmax()], (4,), seed=0)

    def own(*class_names: str) -> tuple[str, ...]:
        saved = SavedNetwork(network, (3, 8), class_names=class_names)
        return own_names(saved.names, saved.classes)

    assert own() == ()
    assert own("3", "8") == ()
    assert own("dress", "bag") == ("dress", "bag")
