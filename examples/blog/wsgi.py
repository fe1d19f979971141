"""The blog as it is deployed today; and, adopted, after the second step: `fenrir run --adopt flask wsgi:app`."""

from blog import create_app

app = create_app()
