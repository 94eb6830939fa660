"""`pip install .` into a fresh virtual environment, without a network; what is installed is tested
there (package/), away from the source tree's own packages."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE_TESTS = pathlib.Path(__file__).parent / "package"


def test_the_installed_package(tmp_path):
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }

    def run(*command):
        done = subprocess.run(
            [*map(str, command)], env=environment, cwd=tmp_path, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(sys.executable, "-m", "venv", "--system-site-packages", "env")
    python = tmp_path / "env/bin/python"
    # Debian's packages do not all tell pip that they are there.
    run(python, "-m", "pip", "install", "--no-deps", ROOT)
    print(run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", PACKAGE_TESTS))
