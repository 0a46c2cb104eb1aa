"""The page and its API (api.py) over HTTP, and the rules that keep everybody else out.

A server on this machine is reachable by every web site that this machine's browser has open. So it answers only to its
own host name (which stops DNS rebinding), takes commands only as JSON from its own pages (which no other site can send
without a permission that is never given), and takes nothing longer or larger than it needs.
"""

import mimetypes
import socket
from collections.abc import Iterator, Sequence
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    HTTPException,
    LengthRequired,
    RequestEntityTooLarge,
    UnsupportedMediaType,
)
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from nn_from_scratch.errors import BadInput, one_line
from nn_from_scratch.web import api
from nn_from_scratch.web.hub import TooManyWatchers, Watch
from nn_from_scratch.web.trainer import Trainer

LARGEST_BODIES = {route.name: route.largest_body for route in api.ROUTES}
LONGEST_REFUSAL = 450  # characters: a refusal quotes what was wrong, and that may be anything
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
        TRUSTED_HOSTS=list(trusted_hosts), MAX_CONTENT_LENGTH=api.LARGEST_BODY, PROVIDE_AUTOMATIC_OPTIONS=False
    )
    _add_rules(app)
    _add_page(app, trainer)
    for route in api.ROUTES:
        _add_route(app, trainer, route)
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
        most = LARGEST_BODIES.get(request.endpoint or "", api.LARGEST_BODY)
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


# ---- what is answered ----


def _add_page(app: Flask, trainer: Trainer) -> None:
    @app.get("/")
    def page() -> Response:
        return app.send_static_file("index.html")

    @app.get("/api/events")
    def events() -> Response:
        watch = trainer.hub.watch(PATIENCE)
        response = Response(_stream(trainer, watch), mimetype="text/event-stream")
        response.call_on_close(watch.leave)
        return response


def _add_route(app: Flask, trainer: Trainer, route: api.Route) -> None:
    def answer(**numbers: int) -> dict[str, Any] | Response:
        values = request.args.to_dict() | {name: str(number) for name, number in numbers.items()}
        found = route.function(trainer, api.Asked(values, request.get_data(cache=False)))
        if not isinstance(found, api.File):
            return found
        headers = {"Content-Disposition": f"attachment; filename={found.name}"}
        return Response(found.content, mimetype="application/json", headers=headers)

    app.add_url_rule(route.path, route.name, answer, methods=[route.method])


def _stream(trainer: Trainer, watch: Watch) -> Iterator[str]:
    """Server-Sent Events: the present, then what is new, as soon as it is; or a sign of life."""
    trainer.ask(trainer.publish, whole=True)
    while (events := watch.next(HEARTBEAT)) is not None:
        yield "".join(f"event: {kind}\ndata: {text}\n\n" for kind, text in events) or ":\n\n"
