"""Imports point one way; the contracts stand in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

from tests.template import ROOT


def test_the_import_contracts_hold() -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    ran = subprocess.run([lint_imports, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert 0 == ran.returncode, ran.stdout + ran.stderr
