"""Uploaded files as values of parameters."""

from fenrir.kit.uploads import UploadFile

__all__ = ["UploadFile"]
