"""The routes between the page and the trainer, and the rules that keep everybody else out.

A server on this machine is reachable by every web site that this machine's browser has open. So it answers only to its
own host name (which stops DNS rebinding), takes commands only as JSON from its own pages (which no other site can send
without a permission that is never given), and takes nothing longer or larger than it needs.
"""

import binascii
import mimetypes
import socket
import tempfile
from base64 import b64decode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from flask import Flask, Request, Response, request
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    HTTPException,
    LengthRequired,
    RequestEntityTooLarge,
    UnsupportedMediaType,
)
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from nn_from_scratch import storage
from nn_from_scratch.errors import BadInput, one_line
from nn_from_scratch.web import limits
from nn_from_scratch.web.hub import TooManyWatchers, Watch
from nn_from_scratch.web.trainer import Trainer

LARGEST_BODY = 4_000  # bytes of a command
LARGEST_BODIES = {"predict": 120_000, "upload": limits.LARGEST_UPLOAD}  # a drawing; a network
LONGEST_REFUSAL = 450  # characters: a refusal quotes what was wrong, and that may be anything
PAD = 280  # pixels of the drawing pad's sides
HEARTBEAT = 1.0  # seconds after which a silent stream is written to: that is how a closed page is noticed
PATIENCE = 2.5  # seconds that a new page waits for the place of one just closed
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# Windows may have it otherwise in its registry, and a browser runs no module that calls itself plain text.
mimetypes.add_type("text/javascript", ".js")


def create_app(trainer: Trainer, trusted_hosts: Sequence[str] = ("127.0.0.1", "localhost")) -> Flask:
    """The page and everything it asks for, as a WSGI application that answers to these host names only."""
    app = Flask(__name__)
    app.config.update(
        TRUSTED_HOSTS=list(trusted_hosts), MAX_CONTENT_LENGTH=LARGEST_BODY, PROVIDE_AUTOMATIC_OPTIONS=False
    )
    _add_rules(app)
    _add_questions(app, trainer)
    _add_commands(app, trainer)
    return app


class Handler(WSGIRequestHandler):
    """Handles one connection, in a thread of its own."""

    timeout = 30  # seconds that a page may take to read or write: one that stands still gives up its place
    # Of the answers that http.server gives by itself, before the application sees a request: also they have headers,
    # even where the request names no version of HTTP, and they are plain text.
    default_request_version = "HTTP/1.1"
    error_content_type = "text/plain; charset=utf-8"
    error_message_format = "%(code)d %(message)s\n"

    def version_string(self) -> str:
        """What the Server header says: no versions, they would only tell a stranger what to try."""
        return "nn_from_scratch"

    def send_response(self, code: int, message: str | None = None) -> None:
        """Begin any answer, whoever gives it."""
        super().send_response(code, message)
        for name, value in HEADERS.items():
            self.send_header(name, value)

    def log(self, type: str, message: str, *arguments: object) -> None:
        """Nothing: a line for every request would say little and hide the rest."""


def make_http_server(app: Flask, listening: socket.socket) -> BaseWSGIServer:
    """The application behind a socket that listens already."""
    host, port = listening.getsockname()[:2]
    return make_server(host, port, app, threaded=True, request_handler=Handler, fd=listening.fileno())


# ---- the rules ----


def _add_rules(app: Flask) -> None:
    @app.before_request
    def refuse_strangers() -> None:
        """Before anything is read: where does the request come from, and is it what it should be?"""
        if "Host" not in request.headers:  # werkzeug would take it for one to our own name
            raise BadRequest("expected a Host header")
        origin = request.headers.get("Origin")
        if origin is not None and origin != request.host_url.rstrip("/"):
            raise Forbidden("only pages of this server may ask")
        # A browser that loads our address as another site's image sends no Origin, but says this.
        if request.path.startswith("/api/") and request.headers.get("Sec-Fetch-Site", "none") not in (
            "none",
            "same-origin",
        ):
            raise Forbidden("only pages of this server may ask")
        if request.method == "POST" and request.mimetype != "application/json":
            raise UnsupportedMediaType("expected application/json")
        if request.method == "POST" and request.content_length is None:  # in chunks: how long it gets, nobody knows
            raise LengthRequired("expected a Content-Length")
        most = LARGEST_BODIES.get(request.endpoint or "", LARGEST_BODY)
        if (request.content_length or 0) > most:
            raise RequestEntityTooLarge(f"{request.content_length:,} bytes are too many: expected at most {most:,}")
        request.max_content_length = most

    @app.after_request
    def keep_fresh(response: Response) -> Response:
        if request.path.startswith("/api/"):
            response.headers["Cache-Control"] = "no-store"
        return response

    @app.errorhandler(BadInput)
    def bad_input(problem: BadInput) -> tuple[dict[str, str], int]:
        return {"error": one_line(problem, LONGEST_REFUSAL)}, 400

    @app.errorhandler(TooManyWatchers)
    def too_many(problem: TooManyWatchers) -> tuple[dict[str, str], int]:
        return {"error": "four pages are already watching: close one of them, then reload this one"}, 503

    @app.errorhandler(HTTPException)
    def refused(problem: HTTPException) -> tuple[dict[str, str], int]:
        return {"error": one_line(problem.description or problem.name, LONGEST_REFUSAL)}, problem.code or 500

    @app.errorhandler(Exception)
    def unforeseen(problem: Exception) -> tuple[dict[str, str], int]:
        app.logger.error("a mistake in the server", exc_info=problem)
        return {"error": "a mistake in the server; the terminal in which it runs shows it"}, 500


# ---- what the page can ask ----


def _add_questions(app: Flask, trainer: Trainer) -> None:
    @app.get("/")
    def page() -> Response:
        return app.send_static_file("index.html")

    @app.get("/api/state")
    def state() -> dict[str, Any]:
        return trainer.ask(trainer.description)

    @app.get("/api/history")
    def history() -> dict[str, Any]:
        return trainer.ask(trainer.history, _argument("since", 0), _argument("run", 0))

    @app.get("/api/events")
    def events() -> Response:
        watch = trainer.hub.watch(PATIENCE)
        response = Response(_stream(trainer, watch), mimetype="text/event-stream")
        response.call_on_close(watch.leave)
        return response

    @app.get("/api/neuron")
    def neuron() -> dict[str, Any]:
        return trainer.ask(trainer.neuron, _argument("layer"), _argument("neuron"))

    @app.get("/api/confusion/<int:actual>/<int:predicted>")
    def confusion_cell(actual: int, predicted: int) -> dict[str, Any]:
        return trainer.ask(trainer.confusion_cell, actual, predicted)

    @app.get("/api/weights")
    def download() -> Response:
        saved = trainer.ask(trainer.saved)
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "weights_and_biases.json"
            storage.save(saved, path)
            content = path.read_bytes()
        headers = {"Content-Disposition": f"attachment; filename={path.name}"}
        return Response(content, mimetype="application/json", headers=headers)


def _stream(trainer: Trainer, watch: Watch) -> Iterator[str]:
    """Server-Sent Events: the present, then what is new, as soon as it is; or a sign of life."""
    trainer.ask(trainer.publish, whole=True)
    while (events := watch.next(HEARTBEAT)) is not None:
        yield "".join(f"event: {kind}\ndata: {text}\n\n" for kind, text in events) or ":\n\n"


def _argument(name: str, default: int | None = None) -> int:
    """A whole number in the address."""
    text = request.args.get(name)
    if text is None and default is not None:
        return default
    if not (text and text.isascii() and text.isdigit() and len(text) < 10):
        raise BadInput(f"{name}: expected a whole number from 0 up")
    return int(text)


# ---- what the page can command ----


def _add_commands(app: Flask, trainer: Trainer) -> None:
    def done() -> dict[str, Any]:
        return {"state": trainer.ask(trainer.description)}

    @app.post("/api/start")
    def start() -> dict[str, Any]:
        _body(request)
        trainer.ask(trainer.start)
        return done()

    @app.post("/api/pause")
    def pause() -> dict[str, Any]:
        _body(request)
        trainer.ask(trainer.pause)
        return done()

    @app.post("/api/step")
    def step() -> dict[str, Any]:
        trainer.ask(trainer.step, _body(request, "unit").get("unit"))
        return done()

    @app.post("/api/rewind")
    def rewind() -> dict[str, Any]:
        _body(request)
        trainer.ask(trainer.rewind)
        return done()

    @app.post("/api/restart")
    def restart() -> dict[str, Any]:
        body = _body(request, "seed", "preset", "hidden", "activation", "optimizer", "batch_size")
        trainer.ask(trainer.restart, **_checked(body))
        return done()

    @app.post("/api/settings")
    def settings() -> dict[str, Any]:
        body = _body(request, "learning_rate", "batch_size", "speed", "epoch_target", "optimizer")
        trainer.ask(trainer.change, **_checked(body))
        return done()

    @app.post("/api/predict")
    def predict() -> dict[str, Any]:
        body = _body(request, "strokes_image", "centre")
        centre = body.get("centre", True)
        if not isinstance(centre, bool):
            raise BadInput("centre: expected true or false")
        return trainer.ask(trainer.guess, _ink(body.get("strokes_image")), centre)

    @app.post("/api/weights")
    def upload() -> dict[str, Any]:
        trainer.ask(trainer.adopt, _network_file(request.get_data(cache=False)))
        return done()


def _body(request: Request, *names: str) -> dict[str, Any]:
    return limits.parse_object(request.get_data(cache=False), names)


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    """The values of a command, each of its kind and in its range; null only where it says something."""
    checks = {
        "learning_rate": lambda v, n: limits.number(v, n, limits.LEARNING_RATE[0], limits.HIGHEST_LEARNING_RATE),
        "batch_size": lambda v, n: limits.whole(v, n, *limits.BATCH_SIZE),
        "speed": lambda v, n: None if v is None else limits.number(v, n, *limits.SPEED),
        "epoch_target": lambda v, n: None if v is None else limits.whole(v, n, 1, limits.EPOCHS),
        "seed": lambda v, n: None if v is None else limits.whole(v, n, *limits.SEED),
        "preset": lambda v, n: limits.preset(v),
        "hidden": lambda v, n: limits.hidden_units(v),
        "activation": lambda v, n: limits.one_of(v, n, limits.menus()["activations"]),
        "optimizer": lambda v, n: limits.one_of(v, n, limits.menus()["optimizers"]),
    }
    return {name: checks[name](value, name) for name, value in body.items()}


def _ink(text: Any) -> np.ndarray:
    """The drawing pad's pixels, (280, 280), out of base64."""
    try:
        content = b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        content = b""
    if len(content) != PAD * PAD:
        raise BadInput(f"strokes_image: expected the {PAD}·{PAD} bytes of the pad in base64")
    return np.frombuffer(content, np.uint8).reshape(PAD, PAD)


def _network_file(content: bytes) -> storage.SavedNetwork:
    """A network out of an uploaded file, checked as any file is."""
    limits.check_upload(content)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "the uploaded file"
        path.write_bytes(content)
        try:
            saved = storage.load(path)
        except BadInput as problem:
            raise BadInput(str(problem).replace(str(path), path.name)) from None
    if isinstance(saved, storage.SavedEnsemble):
        raise BadInput(f"{path.name}: is an ensemble of {len(saved.members)} networks, and the page shows a single one")
    return saved
