"""`python -m fenrir.flask`."""

from fenrir.flask.cli import main

main()
