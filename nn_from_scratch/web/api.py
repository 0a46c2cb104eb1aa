"""All questions and commands of the page, as one table of routes.

server.py carries them over HTTP; in a page without a server, the page's own worker does (in_browser.py). The code here
knows neither: an answer follows from the trainer, the address and the body. What can't be done raises BadInput.
"""

import binascii
import re
import tempfile
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from nn_from_scratch import storage
from nn_from_scratch.data import Split
from nn_from_scratch.errors import BadInput, one_line
from nn_from_scratch.web import limits
from nn_from_scratch.web.experiments import EXPERIMENTS
from nn_from_scratch.web.trainer import Trainer

LARGEST_BODY = 4_000  # bytes of a command
LARGEST_DRAWING = 120_000
DRAWINGS = 200  # at most, to keep and to learn from
LARGEST_DRAWINGS = 1200 * DRAWINGS
PAD = 280  # pixels of the drawing pad's sides
RECIPE = ("learning_rate", "batch_size", "optimizer", "weight_decay")  # can change during a training
WEIGHTS_FILE = "weights_and_biases.json"


class NoSuchRoute(BadInput):
    """No route has this method and address."""


class File(NamedTuple):
    """An answer to be saved as a file of this name; its content is JSON."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Asked:
    """What came with a request: the values in its address, and its body."""

    values: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number in the address."""
        text = self.values.get(name)
        if text is None and default is not None:
            return default
        if not (text and text.isascii() and text.isdigit() and len(text) < 10):
            raise BadInput(f"{name}: expected a whole number from 0 up")
        return int(text)

    def object(self, *names: str) -> dict[str, Any]:
        """The body: a JSON object that has no names but these."""
        return limits.parse_object(self.body, names)


Answer = dict[str, Any] | File


@dataclass(frozen=True)
class Route:
    """One question or command. In `path`, a number is written as in Flask: <int:name>."""

    method: str
    path: str
    function: Callable[[Trainer, Asked], Answer]
    largest_body: int = LARGEST_BODY

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def steers(self) -> bool:
        """Whether it is a command. `predict` only asks a question, but a drawing is too long for an address."""
        return self.method == "POST" and self.function is not predict

    def values_in(self, path: str) -> dict[str, str] | None:
        """The numbers in `path`; None if the path is not this route's."""
        pattern = re.sub(r"<int:(\w+)>", r"(?P<\1>[0-9]+)", self.path)
        found = re.fullmatch(pattern, path)
        return found.groupdict() if found else None


def answer(trainer: Trainer, method: str, address: str, body: bytes = b"") -> Answer:
    """Answer a request as the table says. Raises BadInput."""
    parts = urlsplit(address)
    for route in ROUTES:
        values = route.values_in(parts.path) if route.method == method else None
        if values is not None:
            if len(body) > route.largest_body:
                raise BadInput(f"{len(body):,} bytes are too many: expected at most {route.largest_body:,}")
            query = dict(reversed(parse_qsl(parts.query, keep_blank_values=True)))  # the first of a name given twice
            return route.function(trainer, Asked(query | values, body))
    raise NoSuchRoute(f"{one_line(method, 10)} {one_line(parts.path, 100)}: there is no such route")


# ---- what the page can ask ----


def state(trainer: Trainer, asked: Asked) -> dict[str, Any]:
    return trainer.ask(trainer.description)


def history(trainer: Trainer, asked: Asked) -> dict[str, Any]:
    return trainer.ask(trainer.history, asked.number("since", 0), asked.number("run", 0))


def neuron(trainer: Trainer, asked: Asked) -> dict[str, Any]:
    place = asked.number("layer"), asked.number("neuron"), asked.number("row", 0), asked.number("column", 0)
    return trainer.ask(trainer.neuron, *place)


def weight(trainer: Trainer, asked: Asked) -> dict[str, Any]:
    return trainer.ask(trainer.weight, asked.number("layer"), asked.number("neuron"), asked.number("input"))


def confusion_cell(trainer: Trainer, asked: Asked) -> dict[str, Any]:
    return trainer.ask(trainer.confusion_cell, asked.number("actual"), asked.number("predicted"))


def experiments(trainer: Trainer, asked: Asked) -> dict[str, Any]:
    return {"experiments": [experiment.as_shown() for experiment in EXPERIMENTS]}


def download(trainer: Trainer, asked: Asked) -> File:
    """The network as a file that every part of the package reads."""
    saved = trainer.ask(trainer.saved)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / WEIGHTS_FILE
        storage.save(saved, path)
        return File(path.name, path.read_bytes())


# ---- what the page can command ----


def start(trainer: Trainer, asked: Asked) -> dict[str, Any]:
    asked.object()
    trainer.ask(trainer.start)
    return _done(trainer)


def pause(trainer: Trainer, asked: Asked) -> dict[str, Any]:
    asked.object()
    trainer.ask(trainer.pause)
    return _done(trainer)


def step(trainer: Trainer, asked: Asked) -> dict[str, Any]:
    trainer.ask(trainer.step, asked.object("unit").get("unit"))
    return _done(trainer)


def rewind(trainer: Trainer, asked: Asked) -> dict[str, Any]:
    asked.object()
    trainer.ask(trainer.rewind)
    return _done(trainer)


def restart(trainer: Trainer, asked: Asked) -> dict[str, Any]:
    body = asked.object(*RECIPE, "seed", "preset", "layers", "hidden", "activation", "loss")
    trainer.ask(trainer.restart, **_checked(body))
    return _done(trainer)


def settings(trainer: Trainer, asked: Asked) -> dict[str, Any]:
    trainer.ask(trainer.change, **_checked(asked.object(*RECIPE, "speed", "epoch_target")))
    return _done(trainer)


def experiment(trainer: Trainer, asked: Asked) -> dict[str, Any]:
    """Begin a run of an experiment."""
    body = asked.object("name", "run")
    trainer.ask(trainer.begin_experiment, body.get("name"), limits.whole(body.get("run", 0), "run", 0, 99))
    return _done(trainer)


def set_weight(trainer: Trainer, asked: Asked) -> dict[str, Any]:
    body = asked.object("layer", "neuron", "input", "value")
    place = [limits.whole(body.get(name), name, 0, limits.SEED[1]) for name in ("layer", "neuron", "input")]
    trainer.ask(trainer.set_weight, *place, limits.number(body.get("value"), "value", *limits.WEIGHT))
    return _done(trainer)


def drawings(trainer: Trainer, asked: Asked) -> dict[str, Any]:
    """Learn from drawings as well: each is 28·28 bytes in base64, with a label."""
    body = asked.object("images", "labels")
    images, labels = body.get("images"), body.get("labels")
    if not isinstance(images, list) or not isinstance(labels, list) or not 0 < len(images) == len(labels) <= DRAWINGS:
        raise BadInput(f"drawings: expected 1 to {DRAWINGS} images and as many labels")
    pixels = np.stack([_bytes(image, "image", prod(limits.MNIST)) for image in images]).reshape(-1, *limits.MNIST)
    numbers = np.array([limits.whole(label, "label", 0, 255) for label in labels], np.uint8)
    trainer.ask(trainer.learn_drawings, Split(pixels, numbers))
    return _done(trainer)


def stage(trainer: Trainer, asked: Asked) -> dict[str, Any]:
    """Put another image on the stage."""
    body = asked.object("kind", "index", "strokes_image", "centre")
    index = body.get("index")
    if index is not None:
        index = limits.whole(index, "index", 0, limits.SEED[1])
    ink = _ink(body["strokes_image"]) if "strokes_image" in body else None
    trainer.ask(trainer.show, body.get("kind"), index, ink, _centre(body))
    return _done(trainer)


def predict(trainer: Trainer, asked: Asked) -> dict[str, Any]:
    body = asked.object("strokes_image", "centre")
    return trainer.ask(trainer.guess, _ink(body.get("strokes_image")), _centre(body))


def upload(trainer: Trainer, asked: Asked) -> dict[str, Any]:
    trainer.ask(trainer.adopt, _network_file(asked.body, trainer.budget))
    return _done(trainer)


def _done(trainer: Trainer) -> dict[str, Any]:
    return {"state": trainer.ask(trainer.description)}


ROUTES = (
    Route("GET", "/api/state", state),
    Route("GET", "/api/history", history),
    Route("GET", "/api/neuron", neuron),
    Route("GET", "/api/weight", weight),
    Route("GET", "/api/confusion/<int:actual>/<int:predicted>", confusion_cell),
    Route("GET", "/api/experiments", experiments),
    Route("GET", "/api/weights", download),
    Route("POST", "/api/start", start),
    Route("POST", "/api/pause", pause),
    Route("POST", "/api/step", step),
    Route("POST", "/api/rewind", rewind),
    Route("POST", "/api/restart", restart),
    Route("POST", "/api/settings", settings),
    Route("POST", "/api/experiment", experiment),
    Route("POST", "/api/weight", set_weight),
    Route("POST", "/api/drawings", drawings, LARGEST_DRAWINGS),
    Route("POST", "/api/stage", stage, LARGEST_DRAWING),
    Route("POST", "/api/predict", predict, LARGEST_DRAWING),
    Route("POST", "/api/weights", upload, limits.LARGEST_UPLOAD),
)


# ---- the bodies ----


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    """The values of a command, each of the right type and in its range; null only where it has a meaning."""
    checks = {
        "learning_rate": lambda v, n: limits.number(v, n, limits.LEARNING_RATE[0], limits.HIGHEST_LEARNING_RATE),
        "batch_size": lambda v, n: None if v is None else limits.whole(v, n, *limits.BATCH_SIZE),
        "weight_decay": lambda v, n: limits.number(v, n, *limits.WEIGHT_DECAY),
        "layers": lambda v, n: limits.layer_words(v),
        "loss": lambda v, n: limits.one_of(v, n, limits.menus()["losses"]),
        "speed": lambda v, n: None if v is None else limits.number(v, n, *limits.SPEED),
        "epoch_target": lambda v, n: None if v is None else limits.whole(v, n, 1, limits.EPOCHS),
        "seed": lambda v, n: None if v is None else limits.whole(v, n, *limits.SEED),
        "preset": lambda v, n: limits.preset(v),
        "hidden": lambda v, n: limits.hidden_units(v),
        "activation": lambda v, n: limits.one_of(v, n, limits.menus()["activations"]),
        "optimizer": lambda v, n: limits.one_of(v, n, limits.menus()["optimizers"]),
    }
    return {name: checks[name](value, name) for name, value in body.items()}


def _centre(body: dict[str, Any]) -> bool:
    centre = body.get("centre", True)
    if not isinstance(centre, bool):
        raise BadInput("centre: expected true or false")
    return centre


def _ink(text: Any) -> np.ndarray:
    """The drawing pad's pixels, (280, 280), decoded from base64."""
    return _bytes(text, "strokes_image", PAD * PAD).reshape(PAD, PAD)


def _bytes(text: Any, name: str, length: int) -> np.ndarray:
    try:
        content = b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        content = b""
    if len(content) != length:
        raise BadInput(f"{name}: expected {length:,} bytes in base64")
    return np.frombuffer(content, np.uint8)


def _network_file(content: bytes, budget: limits.Budget) -> storage.SavedNetwork:
    """The network in an uploaded file, checked like any other file."""
    limits.check_upload(content, budget)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "the uploaded file"
        path.write_bytes(content)
        try:
            saved = storage.load(path)
        except BadInput as problem:
            raise BadInput(str(problem).replace(str(path), path.name)) from None
    if isinstance(saved, storage.SavedEnsemble):
        raise BadInput(f"{path.name}: is an ensemble of {len(saved.members)} networks, but the page shows single ones")
    return saved
