"""`jsonable_encoder`, under upstream's module name."""

from fenrir.kit.validation.encoder import ENCODERS_BY_TYPE, jsonable_encoder

__all__ = ["ENCODERS_BY_TYPE", "jsonable_encoder"]
