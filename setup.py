"""Put the workflow into the package when a wheel is built; all else about the package is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
# what grnformer/core/place.py looks for
INSIDE = "grnformer/_workflow"
PARTS = ("Snakefile", "workflow", "config", "profiles", "envs")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "*.source.json")


class BuildWithWorkflow(build_py):
    """`build_py`, then copies of the folders beside the package; an editable install takes them where they are."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return

        target = Path(self.build_lib) / INSIDE
        # what an earlier build left there may have gone since
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for part in PARTS:
            if (HERE / part).is_dir():
                shutil.copytree(HERE / part, target / part, ignore=LEFT_OUT)
            else:
                shutil.copy2(HERE / part, target / part)


setup(cmdclass={"build_py": BuildWithWorkflow})
