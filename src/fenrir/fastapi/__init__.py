"""FastAPI's dialect: `from fenrir.fastapi import FastAPI, Depends, Query, ...`. See PARITY.md for what differs."""

from fenrir.fastapi import status
from fenrir.fastapi.applications import FastAPI
from fenrir.fastapi.background import BackgroundTasks
from fenrir.fastapi.datastructures import UploadFile
from fenrir.fastapi.door import FastAPIDoor
from fenrir.fastapi.exceptions import HTTPException, WebSocketException
from fenrir.fastapi.param_functions import Body, Cookie, Depends, File, Form, Header, Path, Query, Security
from fenrir.fastapi.requests import Request
from fenrir.fastapi.responses import Response
from fenrir.fastapi.routing import APIRouter
from fenrir.fastapi.websockets import WebSocket, WebSocketDisconnect

__all__ = [
    "APIRouter",
    "BackgroundTasks",
    "Body",
    "Cookie",
    "Depends",
    "FastAPI",
    "FastAPIDoor",
    "File",
    "Form",
    "HTTPException",
    "Header",
    "Path",
    "Query",
    "Request",
    "Response",
    "Security",
    "UploadFile",
    "WebSocket",
    "WebSocketDisconnect",
    "WebSocketException",
    "status",
]

__version__ = "0.165.0"
"""Of the original whose behaviour this is: packages choose their code by it."""
