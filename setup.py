"""Only the compiled modules; everything else is in pyproject.toml.

A `*_cy.py` file is ordinary Python in Cython's pure mode: compiled when a C compiler is there, interpreted otherwise.
`ASTERI_PURE=1` skips the build, `ASTERI_REQUIRE_EXT=1` makes a failed build fatal. They are built all or none: compiled
modules know each other in C and load only together (docs/adr/0010).
"""

import os
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

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


class BuildTogether(build_ext):
    """Leaves nothing compiled when not everything is."""

    def run(self) -> None:
        super().run()
        built = [Path(self.get_ext_fullpath(extension.name)) for extension in self.extensions]
        missing = [path for path in built if not path.exists()]
        if missing and len(missing) < len(built):
            print(f"warning: {', '.join(path.name for path in missing)} failed: nothing is compiled", file=sys.stderr)
            for path in built:
                path.unlink(missing_ok=True)


setup(ext_modules=extensions(), cmdclass={"build_ext": BuildTogether})
