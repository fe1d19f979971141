"""Functions that upstream keeps here and that other packages import."""

from fenrir.fastapi.choices import deep_dict_update, get_value_or_default, is_body_allowed_for_status_code
from fenrir.fastapi.model_field import create_model_field
from fenrir.fastapi.unique_ids import generate_unique_id, get_path_param_names

__all__ = [
    "create_model_field",
    "deep_dict_update",
    "generate_unique_id",
    "get_path_param_names",
    "get_value_or_default",
    "is_body_allowed_for_status_code",
]
