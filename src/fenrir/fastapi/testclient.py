"""The test client, under upstream's module name."""

from fenrir.starlette.testclient import TestClient as TestClient
