"""A login elsewhere: the redirect and what the session keeps."""

from fastapi import FastAPI, Request
from fastapi.testclient import TestClient


def test_authlib():
    from authlib.integrations.starlette_client import OAuth
    from starlette.middleware.sessions import SessionMiddleware

    app = FastAPI()
    app.add_middleware(SessionMiddleware, secret_key="x")
    oauth = OAuth()
    oauth.register(
        "g",
        client_id="i",
        client_secret="s",
        authorize_url="http://idp/auth",
        access_token_url="http://idp/token",
        client_kwargs={"scope": "a"},
    )

    @app.get("/login")
    async def login(request: Request):
        return await oauth.g.authorize_redirect(request, request.url_for("cb"))

    @app.get("/cb")
    async def cb(request: Request):
        return dict(request.session)

    c = TestClient(app, follow_redirects=False)
    r = c.get("/login")
    assert r.status_code == 302 and "redirect_uri=http%3A%2F%2Ftestserver%2Fcb" in r.headers["location"]
    assert any(k.startswith("_state_g_") for k in c.get("/cb").json())
