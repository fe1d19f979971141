"""Upstream's module of blueprints."""

from fenrir.flask.blueprints import Blueprint, BlueprintSetupState

__all__ = ["Blueprint", "BlueprintSetupState"]
