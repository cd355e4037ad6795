"""What a figure was measured on."""

import subprocess

from local.commands import ROOT


def commit() -> str:
    """The commit that is tested, with a plus if there are changes that it has not."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or "unknown"
