"""The compiled modules under AddressSanitizer and UndefinedBehaviorSanitizer: `make fuzz SANITIZE=1`.

A copy of the tree is built with the sanitizers into build/sanitized, never over the extensions of the environment, and
used instead of them: by a campaign, and by the tests of the wire and the protocol. Every object has memory of its own
(PYTHONMALLOC=malloc), so that a byte read behind a `bytes` is seen. The first report ends the run with exit code 99.

Nothing is suppressed but the report of leaks at exit: CPython itself gives its static objects back to nobody.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

__all__ = ["FLAGS", "build", "environment"]

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "sanitized"
SITE = BUILD / "site"
FLAGS = "-O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all"
# All that reach a compiled module, but for those that measure time or memory (which are marked slow, or deadlines).
TESTS = [
    "tests/asteri/wire",
    "tests/asteri/protocol",
    "tests/asteri/gateway",
    "tests/contract",
    "--ignore=tests/asteri/protocol/test_h1_deadlines.py",
    "-m",
    "not slow",
]
REPORTED = 99  # the exit code of a process that a sanitizer has ended


def _sources() -> list[Path]:
    named = [ROOT / name for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE")]
    return [*named, *(path for path in sorted(ROOT.glob("src/**/*")) if path.suffix in (".py", ".pxd", ".typed"))]


def build() -> list[Path]:
    """Build the sanitized extensions unless they are there, and return them.

    Raises:
        SystemExit: the build failed, or an extension is not sanitized.
    """
    digest = hashlib.sha256(FLAGS.encode() + sys.version.encode())
    for path in _sources():
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    mark = BUILD / "made-from"
    if not mark.exists() or mark.read_text() != digest.hexdigest():
        shutil.rmtree(BUILD, ignore_errors=True)
        _build(BUILD / "tree")
        mark.write_text(digest.hexdigest())
    extensions = sorted(SITE.glob(f"**/*_cy{sysconfig.get_config_var('EXT_SUFFIX')}"))
    wanted = {path.stem for path in ROOT.glob("src/**/*_cy.py")}
    if {path.name.partition(".")[0] for path in extensions} != wanted:
        sys.exit(f"not all of {' '.join(sorted(wanted))} were built with the sanitizers")
    for path in extensions:
        code = path.read_bytes()
        if b"__asan_report" not in code or b"__ubsan_handle" not in code:
            sys.exit(f"{path.name} is not sanitized")
    return extensions


def _build(tree: Path) -> None:
    for path in _sources():
        copy = tree / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    (tree / "setup.cfg").write_text("[build_ext]\nparallel = 2\n")
    flags = {"CFLAGS": FLAGS, "LDFLAGS": FLAGS, "ASTERI_REQUIRE_EXT": "1"}
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "-qq", "--no-deps"]
    command = [*pip, "-w", str(BUILD), str(tree)]
    if subprocess.run(command, env={**os.environ, **flags}, stdin=subprocess.DEVNULL).returncode:
        sys.exit("the sanitized extensions could not be built (the compiler's message is above)")
    (wheel,) = BUILD.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(SITE)


def environment() -> dict[str, str]:
    """Return the environment in which Python uses the sanitized extensions.

    Raises:
        SystemExit: the compiler has no sanitizers.
    """
    libraries = []
    for name in ("libasan.so", "libubsan.so"):
        found = subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True).stdout.strip()
        if not Path(found).is_absolute():
            sys.exit(f"gcc has no {name}")
        libraries.append(found)
    return {
        **os.environ,
        "LD_PRELOAD": " ".join(libraries),
        "PYTHONPATH": str(SITE),
        "PYTHONMALLOC": "malloc",
        "PYTHONDONTWRITEBYTECODE": "1",
        "ASAN_OPTIONS": f"detect_leaks=0:exitcode={REPORTED}",
        "UBSAN_OPTIONS": f"print_stacktrace=1:halt_on_error=1:exitcode={REPORTED}",
    }


def main() -> int:
    """Build, then run a campaign and the tests; return the first exit code that is not 0."""
    parser = argparse.ArgumentParser(prog="fuzz.sanitized", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--no-tests", action="store_true", help="the campaign only")
    options, campaign = parser.parse_known_args()
    print(f"sanitized: {' '.join(path.name.partition('.')[0] for path in build())}", flush=True)
    env = environment()
    commands = [[sys.executable, "-m", "fuzz", *campaign]]
    if not options.no_tests:
        commands.append([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS])
    for command in commands:
        code = subprocess.run(command, cwd=ROOT, env=env).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
