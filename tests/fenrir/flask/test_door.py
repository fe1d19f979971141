"""Flask's door of an application that speaks other dialects too."""

from __future__ import annotations

from typing import Any

import pytest

from fenrir import Fenrir
from fenrir.testing import Client


@pytest.mark.parametrize("door", ["direct", "asgi"])
@pytest.mark.parametrize("hooked", [False, True])
def test_hosts_that_are_not_trusted_are_refused(door: str, hooked: bool) -> None:
    app = Fenrir(__name__)
    called: list[str] = []
    if hooked:
        app.flask.before_request(lambda: None)

    @app.flask.route("/plain/<int:n>", defaults={"k": 1})
    def plain(n: int, k: int) -> Any:
        called.append("plain")
        return {"n": n, "k": k}

    @app.flask.get("/async")
    async def on_the_loop() -> str:
        called.append("async")
        return "here"

    with Client(app, door=door) as client:
        assert client.get("/plain/3", headers={"host": "evil.org"}).json() == {"n": 3, "k": 1}
        app.flask.config["TRUSTED_HOSTS"] = ["example.org"]
        for path in ("/plain/3", "/async"):
            assert client.get(path, headers={"host": "evil.org"}).status_code == 400
            assert client.get(path, headers={"host": "example.org"}).status_code == 200
    assert called == ["plain", "plain", "async"]
