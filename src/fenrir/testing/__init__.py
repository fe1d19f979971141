"""Testing an application without a server: a client over both doors, sync and async."""

from fenrir.testing.client import AsyncClient, Client, WebSocketSession
from fenrir.testing.exchange import MemoryChannel, MemoryExchange
from fenrir.testing.response import ClientResponse

__all__ = ["AsyncClient", "Client", "ClientResponse", "MemoryChannel", "MemoryExchange", "WebSocketSession"]
