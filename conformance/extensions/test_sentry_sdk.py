"""Errors and traces of an application, with the route's path as their name."""

from fastapi import FastAPI
from fastapi.testclient import TestClient


def test_sentry():
    import sentry_sdk
    from sentry_sdk.transport import Transport

    events = []

    class T(Transport):
        def capture_envelope(self, envelope):
            for item in envelope.items:
                if item.type in ("event", "transaction"):
                    events.append((item.type, item.payload.json))

    sentry_sdk.init(dsn="http://k@localhost/1", transport=T(), traces_sample_rate=1.0, default_integrations=True)
    app = FastAPI()

    @app.get("/items/{n}")
    async def read(n: int):
        return n

    @app.get("/sync/{n}")
    def read2(n: int):
        return n

    @app.get("/boom")
    def boom():
        raise RuntimeError("boom")

    @app.post("/body")
    async def body(b: dict):
        sentry_sdk.capture_message("said")
        return b

    c = TestClient(app, raise_server_exceptions=False)
    assert c.get("/items/3").json() == 3
    assert c.get("/sync/3").json() == 3
    assert c.get("/boom").status_code == 500
    assert c.post("/body", json={"a": 1}).json() == {"a": 1}
    sentry_sdk.flush()
    tx = [
        (e.get("transaction"), e["contexts"]["trace"].get("op"), e.get("transaction_info", {}).get("source"))
        for t, e in events
        if t == "transaction"
    ]
    assert ("/items/{n}", "http.server", "route") in tx, tx
    assert ("/sync/{n}", "http.server", "route") in tx
    errs = [e for t, e in events if t == "event"]
    raised = [e for e in errs if "exception" in e]
    assert raised and raised[0]["transaction"] == "/boom", [e.get("transaction") for e in errs]
    said = [e for e in errs if e.get("message") == "said" or e.get("logentry", {}).get("message") == "said"]
    assert said and said[0]["transaction"] == "/body" and said[0]["request"]["method"] == "POST"
    assert said[0]["request"].get("data") == {"a": 1}, said[0]["request"]
