"""When the local build starts anew, and what makes two builds equal."""

import subprocess
from pathlib import Path

import pytest

from local.build import SOURCES, drop_irreproducible, files_under, precompile, source_digest, tree_digest
from local.commands import ROOT, run_logged
from local.progress import CommandError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in SOURCES:
        path = tmp_path / name / "file.py" if not Path(name).suffix else tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("changed", ["template.yaml", "functions/file.py", "layers/new/file.txt"])
def test_a_changed_source_builds_anew(root: Path, changed: str) -> None:
    before = source_digest(root, "arm64")
    (root / changed).parent.mkdir(exist_ok=True)
    (root / changed).write_text("x = 2\n", encoding="utf-8")
    assert before != source_digest(root, "arm64")


def test_what_nobody_wrote_does_not(root: Path) -> None:
    before = source_digest(root, "arm64")
    (root / "functions/__pycache__").mkdir()
    (root / "functions/__pycache__/file.cpython-313.pyc").write_bytes(b"compiled")
    assert before == source_digest(root, "arm64")


def test_another_architecture_is_another_build(root: Path) -> None:
    assert source_digest(root, "arm64") != source_digest(root, "x86_64")


def test_trees_are_equal_by_names_modes_and_bytes(tmp_path: Path) -> None:
    digests = []
    for name, mode, content in (("a", 0o644, "1"), ("a", 0o755, "1"), ("a", 0o644, "2"), ("b", 0o644, "1")):
        tree = tmp_path / f"{name}{mode}{content}"
        tree.mkdir()
        (tree / name).write_text(content, encoding="utf-8")
        (tree / name).chmod(mode)
        digests.append(tree_digest(files_under(tree), relative_to=tree))
    assert len(set(digests)) == 4


def test_modules_are_compiled_under_their_names_on_lambda_and_alike_each_time(tmp_path: Path) -> None:
    digests = []
    for number in range(2):
        artifact = tmp_path / str(number)
        (artifact / "python/hkreach").mkdir(parents=True)
        (artifact / "python/hkreach/module.py").write_text("def f():\n    return {'a', 'b'}\n", encoding="utf-8")
        precompile(artifact, tmp_path / "log")
        compiled = (artifact / "python/hkreach/__pycache__/module.cpython-313.pyc").read_bytes()
        # Flags 1: found by hash; the hash is not checked against the source.
        assert compiled[4:8] == b"\x01\x00\x00\x00"
        assert b"/opt/python/hkreach/module.py" in compiled
        digests.append(tree_digest(files_under(artifact), relative_to=artifact))
    assert digests[0] == digests[1]


def test_notes_of_pip_and_caches_are_dropped(tmp_path: Path) -> None:
    info = tmp_path / "python/x-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: x", encoding="utf-8")
    (info / "direct_url.json").write_text("{}", encoding="utf-8")
    (tmp_path / "python/__pycache__").mkdir()
    drop_irreproducible(tmp_path)
    assert [info / "METADATA"] == files_under(tmp_path)


def test_a_tool_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"^sh -c failed$") as caught:
        run_logged(["sh", "-c", "echo because; exit 3"], tmp_path / "log", environment={})
    assert caught.value.detail == "because"


def test_a_tool_that_hangs_is_ended(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="did not end within 0 s"):
        run_logged(
            ["sh", "-c", "sleep 60 & wait"], tmp_path / "log", environment={"PATH": "/usr/bin:/bin"}, timeout=0.2
        )


def test_the_dependencies_layer_takes_what_is_locked() -> None:
    command = [".venv/bin/uv", "export", "--quiet", "--frozen", "--package", "hkreach"]
    command += ["--no-emit-project", "--no-emit-workspace", "--no-header"]
    exported = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    kept = (ROOT / "layers/dependencies/requirements.txt").read_text(encoding="utf-8")
    stale = "layers/dependencies/requirements.txt is stale: make lock"
    assert exported == "".join(line for line in kept.splitlines(keepends=True) if not line.startswith("#")), stale
