"""The programs of others that judge what is ours: promtool, chromium, nginx, … `scripts/setup --test` installs them all.

A missing judge fails the test that needs it: a check that does not run proves nothing.
"""

import pathlib
import shutil
import subprocess
import sys

PLACES = [str(pathlib.Path(sys.executable).parent), "/usr/sbin", "/sbin"]


def judge(*names):
    """The path of the first of these programs that is installed."""
    for name in names:
        path = shutil.which(name) or next(filter(None, (shutil.which(name, path=place) for place in PLACES)), None)
        if path:
            return path
    raise AssertionError(f"no {' or '.join(names)} on this machine: scripts/setup --test installs it")


def ask(name, *arguments, patience=120.0, **options):
    """Runs a judge to its end and returns what it printed; fails with its output when it says no."""
    done = subprocess.run([judge(name), *map(str, arguments)], capture_output=True, text=True, timeout=patience, **options)
    if done.returncode != 0:
        raise AssertionError(f"{name} {' '.join(map(str, arguments))} ends with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
