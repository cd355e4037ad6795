"""The built functions and layers: complete, for the right processor, compiled, and the same bytes each time."""

import struct
from pathlib import Path

import pytest

from local.build import build_into, files_under, machine_architecture, tree_digest
from tests.build.artifacts import FUNCTIONS, built, run_python, runtime_libraries, search_path

MACHINES = {"x86_64": 62, "arm64": 183}  # e_machine of ELF: EM_X86_64, EM_AARCH64
SETTINGS = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "STAGE": "local",
    "APPS_TABLE": "apps",
    "MESSAGES_TABLE": "messages",
    "MEDIA_BUCKET": "media",
    "NUMBERS_TABLE": "numbers",
    "LEADS_TABLE": "leads",
    "DELIVERIES_TABLE": "deliveries",
    "SEND_NOW_QUEUE_URL": "https://sqs.invalid/send-now",
    "SEND_BULK_QUEUE_URL": "https://sqs.invalid/send-bulk",
    "MEDIA_QUEUE_URL": "https://sqs.invalid/media",
    "WEBHOOK_QUEUE_URL": "https://sqs.invalid/webhooks",
    "WEBHOOK_RETRY_QUEUE_URL": "https://sqs.invalid/webhook-retries",
    "SEND_DEAD_LETTER_QUEUE_URL": "https://sqs.invalid/send-dead",
    "MEDIA_DEAD_LETTER_QUEUE_URL": "https://sqs.invalid/media-dead",
    "WEBHOOK_DEAD_LETTER_QUEUE_URL": "https://sqs.invalid/webhooks-dead",
    "LEAD_DEAD_LETTER_QUEUE_URL": "https://sqs.invalid/leads-dead",
    "LEAD_QUEUE_URL": "https://sqs.invalid/leads",
    "STATUS_QUEUE_URL": "https://sqs.invalid/statuses",
    "STATUS_DEAD_LETTER_QUEUE_URL": "https://sqs.invalid/statuses-dead",
    "EVENT_BUS_NAME": "bus",
    "GRAPH_URL": "https://graph.invalid",
    "GRAPH_VERSION": "v25.0",
    "SECRETS_KEY_ID": "key",
    "META_APP_PARAMETERS": "/stack/meta",
}


@pytest.mark.parametrize("arch", MACHINES)
def test_libraries_are_for_the_architecture_that_was_asked_for(arch: str) -> None:
    made = built(arch)
    libraries = [path for path in made.path.rglob("*.so*") if path.is_file()]
    assert libraries, "pydantic_core is a compiled library"
    assert {MACHINES[arch]} == {_machine(path) for path in libraries}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_imports_with_its_layers_and_boto3_alone(function: str, tmp_path: Path) -> None:
    path = search_path(built(machine_architecture()), function, runtime_libraries(tmp_path))
    code = f"import sys; sys.path[:0] = {path!r}; import handler, hkreach; print(handler.lambda_handler.__name__)"
    assert "lambda_handler\n" == run_python(code, SETTINGS)


def test_every_module_is_compiled_and_never_checked_at_run_time() -> None:
    made = built(machine_architecture())
    sources = [path for path in made.path.rglob("*.py") if "__pycache__" not in path.parts]
    assert sources
    for source in sources:
        (compiled,) = source.parent.glob(f"__pycache__/{source.stem}.cpython-313.pyc")
        flags = struct.unpack("<I", compiled.read_bytes()[4:8])[0]
        assert 0b01 == flags, f"{source}: hash-based and unchecked"  # PEP 552


def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    arch = machine_architecture()
    made = built(arch)
    build_into(tmp_path / "again", arch)
    first, again = (_digests(folder) for folder in (made.path, tmp_path / "again"))
    assert first == again


def _digests(build: Path) -> dict[str, str]:
    artifacts = sorted(path for path in build.iterdir() if path.is_dir())
    return {artifact.name: tree_digest(files_under(artifact), artifact) for artifact in artifacts}


def _machine(library: Path) -> int:
    header = library.read_bytes()[:20]
    assert header[:4] == b"\x7fELF", library
    return int(struct.unpack("<H", header[18:20])[0])
