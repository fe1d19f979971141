"""Pages of a user interface beside an API, by `run_with`."""

from fastapi import FastAPI
from fastapi.testclient import TestClient


def test_nicegui():
    from nicegui import ui

    app = FastAPI()

    @app.get("/api")
    def api():
        return 1

    @ui.page("/page")
    def page():
        ui.label("Hello nicegui")

    ui.run_with(app, mount_path="/gui", storage_secret="x")
    with TestClient(app) as c:
        assert c.get("/api").json() == 1
        r = c.get("/gui/page")
        assert r.status_code == 200 and "Hello nicegui" in r.text
