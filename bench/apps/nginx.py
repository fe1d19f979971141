"""Write nginx a configuration for the work that it can do without an application, and become nginx: `nginx.py PORT`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

BUILD = Path(__file__).resolve().parents[2] / "build" / "bench"

CONFIGURATION = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log stderr error;
events {{ worker_connections 1024; }}
http {{
  access_log off; server_tokens off; default_type text/plain; keepalive_requests 1000000000; keepalive_timeout 75s;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location = / {{ return 200 "Hello, World!"; }}
    location = /json {{ default_type application/json; return 200 '{{"message": "Hello, World!"}}'; }}
    location = /download {{ default_type application/octet-stream; alias {folder}/big; }}
  }}
}}
"""


def main(port: int) -> None:
    folder = BUILD / "nginx"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "big").write_bytes(b"x" * (1 << 20))
    (folder / "nginx.conf").write_text(CONFIGURATION.format(folder=folder, port=port))
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/local/sbin:/usr/sbin:/sbin")
    if program is None:
        sys.exit("nginx is not installed")
    os.execv(program, [program, "-c", str(folder / "nginx.conf"), "-e", "stderr"])


if __name__ == "__main__":
    main(int(sys.argv[1]))
