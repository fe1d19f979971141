"""`python -m asteri` is the same as `asteri`."""

import sys

from asteri.cli import main

sys.exit(main())
