"""A page as the server sees it, without a browser: it asks what is new, and says how far it has come."""

import http.client
import json
import secrets
from typing import Any


class Page:
    """One that watches. After each answer, `status` and `headers` are those of it."""

    def __init__(self, port: int, host: str = "127.0.0.1", cookie: str | None = None, token: str | None = None):
        self.connection = http.client.HTTPConnection(host, port, timeout=60)
        self.name = secrets.token_hex(16)
        self.seen = 0
        self.cookie = cookie
        self.headers = {"X-Token": token} if token else {}
        self.status = 0

    def ask(self, address: str, body: Any = None) -> bytes:
        headers = dict(self.headers)
        if self.cookie:
            headers["Cookie"] = self.cookie
        if body is not None:
            headers["Content-Type"] = "application/json"
        content = None if body is None else json.dumps(body).encode()
        self.connection.request("GET" if body is None else "POST", address, content, headers)
        response = self.connection.getresponse()
        self.status, found = response.status, response.read()
        if given := response.getheader("Set-Cookie"):
            self.given = given
            self.cookie = given.partition(";")[0]
        return found

    def command(self, name: str, **body: Any) -> dict[str, Any]:
        return json.loads(self.ask(f"/api/{name}", body))

    def next(self, tiles: bool = False) -> dict[str, Any]:
        """What is new: kind → its JSON. Of a refusal, {"error": why}."""
        text = self.ask(f"/api/next?viewer={self.name}&seen={self.seen}{'&tiles=1' * tiles}").decode()
        if self.status != 200:
            return json.loads(text)
        lines = [line.split("\t") for line in text.splitlines()]
        found = {kind: json.loads(data) for kind, data in lines}
        assert len(found) == len(lines), "of each kind only the newest"
        self.seen = found.pop("seen")
        return found

    def wait_for(self, kind: str, tiles: bool = False) -> Any:
        while kind not in (found := self.next(tiles)):
            assert self.status == 200, found
        return found[kind]

    def close(self) -> None:
        self.connection.close()
