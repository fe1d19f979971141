"""Only the list of compiled modules; everything else is in pyproject.toml.

A `*_cy.py` file is ordinary Python in Cython's pure mode: compiled when a C compiler is there, interpreted otherwise.
`ASTERI_PURE=1` skips the build, `ASTERI_REQUIRE_EXT=1` makes a failed build fatal.
"""

import os
from pathlib import Path

from setuptools import Extension, setup

REQUIRED = os.environ.get("ASTERI_REQUIRE_EXT") == "1"


def extensions() -> list[Extension]:
    """Return one extension per `*_cy.py` below src, or none when the build is switched off."""
    if os.environ.get("ASTERI_PURE") == "1":
        return []
    from Cython.Build import cythonize

    modules = [
        Extension(".".join(path.relative_to("src").with_suffix("").parts), [path.as_posix()])
        for path in sorted(Path("src").glob("**/*_cy.py"))
    ]
    directives = {"language_level": "3", "boundscheck": False, "wraparound": False, "initializedcheck": False}
    compiled = list(cythonize(modules, compiler_directives=directives)) if modules else []
    for extension in compiled:
        # Set here: cythonize makes new Extension objects and does not hand `optional` on.
        extension.optional = not REQUIRED
    return compiled


setup(ext_modules=extensions())
