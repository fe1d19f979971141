"""`python -m fenrir`."""

from fenrir.cli import main

if __name__ == "__main__":
    main(prog_name="fenrir")
