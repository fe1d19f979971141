"""Flask's command line: `python -m fenrir.flask run`, `shell`, `routes`, and the commands of applications and plugins.

    @app.cli.command("create-user")
    @click.argument("name")
    def create_user(name): ...

`--app` or FLASK_APP names the application, or a factory with its arguments; `.env` and `.flaskenv` are read.
"""

from fenrir.flask.cli.group import FlaskGroup, cli, get_version, main, version_option
from fenrir.flask.cli.locate import NoAppException, find_app_by_string, find_best_app, locate_app, prepare_import
from fenrir.flask.cli.routes import routes_command
from fenrir.flask.cli.run import CertParamType, SeparatedPathType, _validate_key, run_command, show_server_banner
from fenrir.flask.cli.script import AppGroup, ScriptInfo, pass_script_info, with_appcontext
from fenrir.flask.cli.shell import shell_command
from fenrir.flask.flags import get_debug_flag, get_load_dotenv
from fenrir.flask.globals import current_app
from fenrir.flask.incidental import incidental
from fenrir.kit.dotenv import load_dotenv

__all__ = [
    "AppGroup",
    "CertParamType",
    "FlaskGroup",
    "NoAppException",
    "ScriptInfo",
    "SeparatedPathType",
    "_validate_key",
    "cli",
    "current_app",
    "find_app_by_string",
    "find_best_app",
    "get_debug_flag",
    "get_load_dotenv",
    "get_version",
    "load_dotenv",
    "locate_app",
    "main",
    "pass_script_info",
    "prepare_import",
    "routes_command",
    "run_command",
    "shell_command",
    "show_server_banner",
    "version_option",
    "with_appcontext",
]


__getattr__ = incidental(__name__)
