"""Socket.IO in a mount and around the application, by polling."""

import json

import socketio
from fastapi import FastAPI
from fastapi.testclient import TestClient


def server():
    sio = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")

    @sio.on("ask")
    async def ask(sid, data):
        await sio.emit("answer", {"got": data}, to=sid)

    return sio


def talk(client, path):
    opened = client.get(path, params={"EIO": 4, "transport": "polling"})
    assert opened.status_code == 200, opened.text
    where = {"EIO": 4, "transport": "polling", "sid": json.loads(opened.text[1:])["sid"]}
    assert client.post(path, params=where, content="40").status_code == 200
    assert client.get(path, params=where).text.startswith("40")
    assert client.post(path, params=where, content='42["ask",[1]]').status_code == 200
    return client.get(path, params=where).text


def test_in_a_mount():
    app = FastAPI()

    @app.get("/api")
    def api():
        return 1

    app.mount("/ws", socketio.ASGIApp(server(), socketio_path="ws/socket.io"))
    client = TestClient(app)
    assert talk(client, "/ws/socket.io/") == '42["answer",{"got":[1]}]'
    assert client.get("/api").json() == 1


def test_around_the_application():
    client = TestClient(socketio.ASGIApp(server(), FastAPI()))
    assert talk(client, "/socket.io/") == '42["answer",{"got":[1]}]'
    assert client.get("/docs").status_code == 200
