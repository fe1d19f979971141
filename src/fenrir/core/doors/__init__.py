"""Doors: how servers reach the engine. The direct door is the exchange itself (`Application.http`); here is ASGI."""
