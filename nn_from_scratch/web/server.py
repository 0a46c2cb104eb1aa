"""The page and its API (api.py) over HTTP, and the rules that keep everybody else out.

Every web site that is open in this machine's browser can reach a server on this machine. So this server answers only
requests to its own host names (this stops DNS rebinding), takes commands only as JSON from its own pages (another site
would need a permission to send JSON, and never gets it), and takes nothing longer or larger than it needs.
"""

import mimetypes
import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from io import BytesIO
from json import dumps
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
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.test import run_wsgi_app

from nn_from_scratch.errors import BadInput, extra, one_line
from nn_from_scratch.web import api
from nn_from_scratch.web.addresses import is_loopback
from nn_from_scratch.web.hub import TooManyWatchers
from nn_from_scratch.web.presenter import HEADER, REFUSAL, Presenter
from nn_from_scratch.web.pupils import COOKIE, Pupils, TooManyPupils
from nn_from_scratch.web.trainer import Trainer
from nn_from_scratch.web.viewers import SELDOM, Viewers

LARGEST_BODIES = {route.name: route.largest_body for route in api.ROUTES}
LONGEST_REFUSAL = 450  # characters: a refusal quotes the wrong input, which may be of any length
HEARTBEAT = 5.0  # seconds after which a question for news is answered, even if there are none
HOST = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?")
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# The registry of Windows may have another type for .js, and a browser runs no module that is sent as plain text.
mimetypes.add_type("text/javascript", ".js")


def create_app(
    trainings: Trainer | Pupils,
    trusted_hosts: Sequence[str] = ("127.0.0.1", "localhost"),
    presenter: Presenter | None = None,
    addresses: Sequence[str] = (),
) -> Flask:
    """The page and everything that it asks for, as a WSGI application that answers only under these host names.

    There is one training for all, or one for each pupil. With a `presenter`, nobody else may control the training.
    `addresses` are those at which others in the network find the page.
    """
    app = Flask(__name__)
    app.config.update(MAX_CONTENT_LENGTH=api.LARGEST_BODY, PROVIDE_AUTOMATIC_OPTIONS=False)
    house = House(trainings, presenter, addresses)
    _add_rules(app, frozenset(trusted_hosts))
    _add_page(app, house)
    for route in api.ROUTES:
        _add_route(app, house, route)
    return app


class House:
    """Which training a request is about, and what its sender may do."""

    def __init__(self, trainings: Trainer | Pupils, presenter: Presenter | None, addresses: Sequence[str]):
        self.presenter = presenter
        self.addresses = addresses
        self.pupils = trainings if isinstance(trainings, Pupils) else None
        self._shared = Viewers(trainings) if isinstance(trainings, Trainer) else None

    def viewers(self) -> Viewers:
        if self._shared is not None:
            return self._shared
        assert self.pupils is not None
        return self.pupils.of(request.cookies.get(COOKIE, ""))

    def may_steer(self) -> bool:
        return not self.presenter or self.presenter.sent(request.remote_addr, request.headers.get(HEADER))

    def pace(self) -> float:
        """Seconds that a page waits before it asks again: longer for an audience, which has many pages."""
        return 0.0 if self.may_steer() else SELDOM

    def access(self) -> dict[str, Any]:
        """What each page is told once. Only a page on this machine is told the addresses, to show on a projector."""
        invites = self.may_steer() and is_loopback(request.remote_addr or "")
        return {
            "steers": self.may_steer(),
            "pace": self.pace(),
            "pupil": self.pupils is not None,
            "addresses": list(self.addresses) if invites else [],
            "qr": find_spec("segno") is not None,
        }


class Handler(WSGIRequestHandler):
    """Handles one connection, in a thread of its own."""

    protocol_version = "HTTP/1.1"  # a page asks again and again on the same connection
    disable_nagle_algorithm = True  # an answer is written in one piece, so there is nothing more to wait for
    timeout = 30  # seconds that a page may take to read, to write or to ask again
    # For the answers that http.server gives itself, before the application sees a request: they have headers, too, even
    # if the request names no version of HTTP, and they are plain text.
    default_request_version = "HTTP/1.1"
    error_content_type = "text/plain; charset=utf-8"
    error_message_format = "%(code)d %(message)s\n"

    def version_string(self) -> str:
        """The text of the Server header. It has no versions: they would only tell an attacker what to try."""
        return "nn_from_scratch"

    def send_response(self, code: int, message: str | None = None) -> None:
        """Begin any answer, the application's or http.server's own."""
        super().send_response(code, message)
        for name, value in HEADERS.items():
            self.send_header(name, value)

    def run_wsgi(self) -> None:
        """Like the base class, except for questions without a body: after them, the connection stays open.

        After any other request it is closed, as usual: a part of a body that the application has not read would be
        taken for the next request.
        """
        if self.command != "GET" or {"Content-Length", "Transfer-Encoding", "Expect"} & set(self.headers):
            super().run_wsgi()
            return
        self.environ = self.make_environ()
        chunks, status, headers = run_wsgi_app(self.server.app, self.environ, buffered=True)
        body, number = b"".join(chunks), int(status.partition(" ")[0])
        self.send_response(number)
        for name, value in headers:
            self.send_header(name, value)
        if number != 304 and "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close" if self.close_connection else "keep-alive")
        self._headers_buffer.append(b"\r\n")  # and then all in one piece
        self.wfile.write(b"".join([*self._headers_buffer, body]))
        self._headers_buffer.clear()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: a line for every request would say little and hide the rest."""

    def log(self, type: str, message: str, *arguments: object) -> None:
        """Log nothing, for the same reason."""


class Server(ThreadedWSGIServer):
    """A thread for every connection; when the server ends, all connections end."""

    def __init__(self, *arguments: Any, **named: Any):
        self._open: set[socket.socket] = set()
        super().__init__(*arguments, **named)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def shutdown(self) -> None:
        super().shutdown()
        for connection in list(self._open):
            with suppress(OSError):  # closed meanwhile
                connection.shutdown(socket.SHUT_RDWR)


def make_http_server(app: Flask, listening: socket.socket) -> Server:
    """The application's server, on a socket that already listens."""
    host, port = listening.getsockname()[:2]
    return Server(host, port, app, Handler, fd=listening.fileno())


# ---- the rules ----


def _add_rules(app: Flask, trusted_hosts: frozenset[str]) -> None:
    @app.before_request
    def refuse_strangers() -> None:
        """Before the body is read: check where the request comes from, and what kind it is."""
        if "Host" not in request.headers:  # werkzeug would assume our own name
            raise BadRequest("expected a Host header")
        host = HOST.fullmatch(request.headers["Host"].lower())
        if not host or host[1] not in trusted_hosts:
            asked_for = one_line(request.headers["Host"], 100)
            raise BadRequest(f"this server does not answer to {asked_for!r}: use an address that its command prints")
        origin = request.headers.get("Origin")
        if origin is not None and origin != request.host_url.rstrip("/"):
            raise Forbidden("only pages of this server may ask")
        # If another site uses our address as that of an image, the browser sends no Origin, but it sends this.
        if request.path.startswith("/api/") and request.headers.get("Sec-Fetch-Site", "none") not in (
            "none",
            "same-origin",
        ):
            raise Forbidden("only pages of this server may ask")
        if request.method == "POST" and request.mimetype != "application/json":
            raise UnsupportedMediaType("expected application/json")
        if request.method == "POST" and request.content_length is None:  # in chunks, of unknown length
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
    @app.errorhandler(TooManyPupils)
    def too_many(problem: Exception) -> tuple[dict[str, str], int]:
        return {"error": str(problem)}, 503

    @app.errorhandler(HTTPException)
    def refused(problem: HTTPException) -> tuple[dict[str, str], int]:
        return {"error": one_line(problem.description or problem.name, LONGEST_REFUSAL)}, problem.code or 500

    @app.errorhandler(Exception)
    def unforeseen(problem: Exception) -> tuple[dict[str, str], int]:
        app.logger.error("an error in the server", exc_info=problem)
        return {"error": "an error in the server; the terminal in which it runs shows it"}, 500


# ---- what is answered ----


def _add_page(app: Flask, house: House) -> None:
    @app.get("/")
    def page() -> Response:
        return app.send_static_file("index.html")

    @app.get("/api/next")
    def next_events() -> Response | tuple[dict[str, str], int]:
        """The news, one line for each event: its kind, a tab, and its JSON. The first line has the next `seen`."""
        asked = api.Asked(request.args.to_dict())
        page, seen = asked.values.get("viewer", ""), asked.number("seen", 0)
        before = name = request.cookies.get(COOKIE, "")
        if house.pupils is not None:
            name, viewers = house.pupils.enter(before, page)
        else:
            viewers = house.viewers()
        found = viewers.next(page, seen, asked.values.get("tiles") == "1", HEARTBEAT, house.pace())
        if found is None:
            return {"error": "this training has ended"}, 503
        number, events = found
        first = [] if seen else [("access", dumps(house.access()))]
        lines = [("seen", str(number)), *first, *events]
        response = Response("".join(f"{kind}\t{text}\n" for kind, text in lines), mimetype="text/plain")
        if name != before:
            response.set_cookie(COOKIE, name, httponly=True, samesite="Strict")
        return response

    @app.post("/api/leave")
    def leave() -> dict[str, Any]:
        """A page was closed."""
        house.viewers().leave(request.args.get("viewer", ""))
        return {}

    @app.get("/api/qr")
    def qr() -> Response:
        """One of the page's addresses as a QR code, for telephones."""
        number = api.Asked(request.args.to_dict()).number("address", 0)
        if number >= len(house.addresses):
            raise BadInput(f"address {number}: there is no such address")
        return Response(_qr(house.addresses[number]), mimetype="image/svg+xml")


def _add_route(app: Flask, house: House, route: api.Route) -> None:
    def answer(**numbers: int) -> dict[str, Any] | Response:
        if route.steers and not house.may_steer():
            raise Forbidden(REFUSAL)
        values = request.args.to_dict() | {name: str(number) for name, number in numbers.items()}
        found = route.function(house.viewers().trainer, api.Asked(values, request.get_data(cache=False)))
        if not isinstance(found, api.File):
            return found
        headers = {"Content-Disposition": f"attachment; filename={found.name}"}
        return Response(found.content, mimetype="application/json", headers=headers)

    app.add_url_rule(route.path, route.name, answer, methods=[route.method])


def _qr(address: str) -> bytes:
    with extra("web"):
        import segno
    content = BytesIO()
    segno.make_qr(address).save(content, kind="svg", border=4, light="white", omitsize=True)
    return content.getvalue()
