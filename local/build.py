"""Builds the functions and layers for one architecture: `sam build`, then every module precompiled.

`python -m local.build --arch arm64`. Same source, same bytes: `tree_digest` of two builds is equal.
"""

import argparse
import fcntl
import hashlib
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from local.commands import ROOT, run_logged
from local.progress import CommandError, Progress

BUILDS = ROOT / ".aws-sam"
SAM = ROOT / ".local/venvs/sam/bin/sam"
SOURCES = ("template.yaml", "samconfig.toml", "local/build.py", "functions", "layers")
ARCHITECTURES = ("arm64", "x86_64")
# Left over by tests and editors; none of it is source.
NOT_SOURCE = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".DS_Store"}


@dataclass(frozen=True)
class Build:
    """A finished build: `template` is what `sam deploy` takes, `source` the digest of what it was made from."""

    template: Path
    source: str
    reused: bool

    @property
    def path(self) -> Path:
        """The folder with one artifact for each function and layer."""
        return self.template.parent


def machine_architecture() -> str:
    """Return the architecture of this machine in Lambda's words: local functions run on it."""
    return "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"


def tree_digest(files: Iterable[Path], relative_to: Path) -> str:
    """One digest over names, executable bits and bytes, so equal digests mean equal trees."""
    digest = hashlib.sha256()
    for path in sorted(files):
        executable = "x" if path.stat().st_mode & 0o100 else "-"
        content = path.read_bytes()
        digest.update(f"{path.relative_to(relative_to)} {executable} {len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def files_under(root: Path) -> list[Path]:
    """The file itself, or every file below the folder."""
    return [root] if root.is_file() else [path for path in root.rglob("*") if path.is_file()]


def source_files(root: Path, names: Iterable[str]) -> list[Path]:
    """The files of these names and folders that a person wrote."""
    return [
        path
        for name in names
        for path in files_under(root / name)
        if not NOT_SOURCE.intersection(path.relative_to(root).parts) and path.suffix != ".pyc"
    ]


def source_digest(root: Path, arch: str) -> str:
    """Changes exactly when a build would come out different."""
    files = tree_digest(source_files(root, SOURCES), relative_to=root)
    return hashlib.sha256(f"{arch} {sys.version} {files}".encode()).hexdigest()


def build(arch: str, progress: Progress) -> Build:
    """Build for `arch` unless the same source was built before; builds wait for each other."""
    BUILDS.mkdir(exist_ok=True)
    with (BUILDS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        target, stamp = BUILDS / arch, BUILDS / f"{arch}.stamp"
        source = source_digest(ROOT, arch)
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == source and (target / "template.yaml").is_file():
            progress.say(f"build reused: .aws-sam/{arch} (no source changed)")
            return Build(target / "template.yaml", source, reused=True)
        # The stamp goes first and comes last: what stands between is no build.
        stamp.unlink(missing_ok=True)
        with progress.step(f"build the functions and layers for {arch}"):
            build_into(target, arch)
        stamp.write_text(source, encoding="utf-8")
        return Build(target / "template.yaml", source, reused=False)


def build_into(target: Path, arch: str) -> None:
    """Build from the source as it is, whatever stands at `target`."""
    shutil.rmtree(target, ignore_errors=True)
    log = ROOT / f".local/logs/build-{arch}.log"
    log.unlink(missing_ok=True)
    command = [str(SAM), "build", "--config-env", "local", "--build-dir", str(target)]
    command += ["--parameter-overrides", "Stage=local", f"Arch={arch}"]
    run_logged(command, log, environment=environment())
    for artifact in sorted(path for path in target.iterdir() if path.is_dir()):
        drop_irreproducible(artifact)
        precompile(artifact, log)


def drop_irreproducible(artifact: Path) -> None:
    """Remove what differs from build to build and nothing reads: pip's notes on where a wheel was found."""
    for name in ("direct_url.json", "REQUESTED", "INSTALLER"):
        for path in artifact.rglob(f"*.dist-info/{name}"):
            path.unlink()
    for cache in artifact.rglob("__pycache__"):
        shutil.rmtree(cache)


def precompile(artifact: Path, log: Path) -> None:
    """Compile now what Lambda would compile at each cold start; its tracebacks then name the paths on Lambda.

    Unchecked hashes, so that no time stamp enters the bytes and no source is read to check them; a process of its own
    with a fixed hash seed, so that nothing imported here leaves a mark in them.
    """
    # Lambda unpacks layers, and only layers have a folder `python`, at /opt, and functions at /var/task.
    place = "/opt" if (artifact / "python").is_dir() else "/var/task"
    options = ["-q", "-f", "--invalidation-mode", "unchecked-hash", "-s", str(artifact), "-p", place]
    command = [sys.executable, "-m", "compileall", *options, str(artifact)]
    run_logged(command, log, environment=environment(PYTHONHASHSEED="0"))


def environment(**more: str) -> dict[str, str]:
    """Ours, with the tools where sam looks for pip and for a python3.13 to ask."""
    # Without its compiled modules each sam command takes seconds longer.
    dropped = {"PATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    path = f"{SAM.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return kept | {"PATH": path, "SAM_CLI_TELEMETRY": "0"} | more


def main() -> int:
    """Build, or show the digest of what was built."""
    parser = argparse.ArgumentParser(prog="local.build", description="Build the functions and layers.")
    parser.add_argument("--arch", choices=ARCHITECTURES, default=machine_architecture())
    progress = Progress()
    try:
        made = build(parser.parse_args().arch, progress)
    except CommandError as failure:
        return progress.fail(failure)
    started = time.monotonic()
    digest = tree_digest(files_under(made.path), relative_to=made.path)
    progress.say(f"{made.path.relative_to(ROOT)} sha256 {digest} ({time.monotonic() - started:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
