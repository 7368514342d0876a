"""What a machine has of ours when it boots: the package, once more with a higher version, the tests, and what these
stand on. Both machines get the same, as a directory of files."""

import importlib.metadata
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "../..")
sys.path.append(os.path.join(TOP, "Tests/Bench"))
import harness  # noqa: E402

TESTS = "System", "Cells", "Probe"
SUFFIXES = {"first": "", "second": "+1"}
# What the tests import, and the official client; what these need says their metadata.
PYTHON = "pytest", "pytest-timeout", "mcp"
OUR_PYTHON = "{}.{}".format(*sys.version_info)
# What a machine is, and the Python that it has.
DEBIANS = {"bookworm": "3.11", "trixie": "3.13"}


def make(build, tree, arguments, debians, lacking=""):
    """For machines with one of these Debians; `lacking`: the walls that they cannot have, which drop-ins then say."""
    shutil.rmtree(tree, ignore_errors=True)
    _packages(build, f"{tree}/packages")
    ignore = shutil.ignore_patterns("__pycache__")
    for name in TESTS:
        shutil.copytree(os.path.join(TOP, "Tests", name), f"{tree}/Tests/{name}", ignore=ignore)
    # The machine has no compiler.
    subprocess.run([os.path.join(TOP, "Tests/Probe/build.sh"), f"{tree}/Tests/Probe/built"], check=True)
    _bench(Path(tree) / "Tests/Bench")
    for name in "accept", "begin":
        shutil.copy(os.path.join(HERE, name), tree)
    for version in (DEBIANS[debian] for debian in debians):
        _python(f"{tree}/python/{version}", version)
    for name, text in {"arguments": " ".join(arguments), "lacking": lacking}.items():
        with open(f"{tree}/{name}", "w") as file:
            file.write(text)


def _packages(build, directory):
    for name, suffix in SUFFIXES.items():
        made = subprocess.run(
            [os.path.join(TOP, "packaging/deb.sh"), build, f"{directory}/{name}", suffix], check=True,
            capture_output=True, text=True,
        )  # fmt: skip
        print(f"packed {os.path.basename(made.stdout.strip())}", flush=True)


def _bench(directory):
    """What measures, and what it says."""
    directory.mkdir(parents=True)
    for tool in "echo", "client":
        subprocess.run(harness.compiler(tool, directory), check=True)
    for name in "echo", "hello", "system_info":
        (directory / f"{name}.line").write_text(harness.LINES[name])


def _python(directory, version):
    """Of the environment that runs this, or the same for another version of Python: some of it is compiled."""
    distributions = _distributions()
    if version == OUR_PYTHON:
        for file in itertools.chain.from_iterable(each.files for each in distributions):
            if file.suffix != ".pyc" and ".." not in file.parts:
                os.makedirs(f"{directory}/{file.parent}", exist_ok=True)
                shutil.copy(file.locate(), f"{directory}/{file}")
    else:
        names = [f"{each.name}=={each.version}" for each in distributions]
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps",
             "--only-binary=:all:", f"--python-version={version}", f"--target={directory}", *names], check=True,
        )  # fmt: skip


def _distributions():
    """What the tests import, and all that it needs."""
    found, wanted = {}, [Requirement(name) for name in PYTHON]
    while wanted:
        need = wanted.pop()
        if (need.name, *need.extras) in found:
            continue
        distribution = importlib.metadata.distribution(need.name)
        found[need.name, *need.extras] = distribution
        for each in map(Requirement, distribution.requires or []):
            if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in need.extras or [""]):
                wanted.append(each)
    return found.values()
