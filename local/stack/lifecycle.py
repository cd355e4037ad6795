"""Brings a stack up, finds one that is up, and takes it down."""

import contextlib
import dataclasses
import fcntl
import hashlib
import ipaddress
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from local.build import Build, build, machine_architecture, source_files, tree_digest
from local.commands import ROOT
from local.progress import Progress
from local.stack.deployment import GRAPH_VERSION, Deployed, deploy
from local.stack.description import REGION, Stack, read_stack
from local.stack.ministack import is_ready, start_ministack
from local.stack.ports import ANY_FREE, Ports, choose_port, refuse_taken
from local.stack.processes import Process, Processes, first_json_line, wait_until
from local.stack.tenants import APP_NAMES, configure_inbox, configure_meta, create_app, set_meta_app

READY_SECONDS = 30.0
# What the running programs were made from, besides the build.
PROGRAMS = ("uv.lock", "local/meta", "local/inbox", "local/stack", "local/serving.py")


@dataclass(frozen=True)
class Wanted:
    """What the user asked for. An address given for Meta or the inbox takes the place of ours."""

    state_dir: Path = ROOT / ".local"
    ports: Ports = field(default_factory=Ports)
    graph_url: str | None = None
    webhook_url: str | None = None

    def fingerprint(self, made: Build) -> str:
        """Equal as long as a running stack is what bringing it up anew would give."""
        programs = tree_digest(source_files(ROOT, PROGRAMS), relative_to=ROOT)
        addresses = repr((self.graph_url, self.webhook_url))
        return hashlib.sha256(f"{made.source} {programs} {addresses}".encode()).hexdigest()


@contextlib.contextmanager
def running_stack(
    state_dir: Path,
    ports: Ports = Ports(ANY_FREE, ANY_FREE, ANY_FREE),  # noqa: B008 - frozen
    graph_url: str | None = None,
    webhook_url: str | None = None,
    progress: Progress | None = None,
) -> Iterator[Stack]:
    """A stack of one's own for the length of the block, beside any other; all of it has ended after the block."""
    told = progress or Progress(sys.stderr)
    wanted = Wanted(state_dir.resolve(), ports, graph_url, webhook_url)
    with locked(wanted.state_dir, told):
        processes = Processes(wanted.state_dir)
        end_stack(wanted.state_dir, processes)
        made = build(machine_architecture(), told)
        try:
            yield start_stack(wanted, made, processes, told)
        finally:
            end_stack(wanted.state_dir, processes)


def bring_up(wanted: Wanted, progress: Progress) -> tuple[Stack, bool]:
    """The wanted stack, and whether it was up already. On failure and on Ctrl-C nothing is left running."""
    with locked(wanted.state_dir, progress):
        processes = Processes(wanted.state_dir)
        if not any(process.is_running for process in processes.started):
            # Told now, not after a build; a stack of our own that runs may well hold the named ports.
            refuse_taken(wanted.ports)
        made = build(machine_architecture(), progress)
        if processes.started:
            found = read_stack(wanted.state_dir / "stack.json")
            reason = why_not_reusable(found, processes, wanted, made)
            if found and not reason:
                progress.say(f"stack reused: it is up at {found.aws_endpoint_url} with the same code and parameters")
                return found, True
            progress.say(f"{reason}: starting it anew")
            end_stack(wanted.state_dir, processes)
        try:
            return start_stack(wanted, made, processes, progress), False
        except BaseException:
            end_stack(wanted.state_dir, processes)
            raise


def take_down(state_dir: Path, progress: Progress) -> list[Process]:
    """End everything of the stack, and return what was ended; nothing where nothing ran."""
    with locked(state_dir, progress):
        return end_stack(state_dir, Processes(state_dir))


def end_stack(state_dir: Path, processes: Processes) -> list[Process]:
    """End its programs, and withdraw the description: whoever reads one finds a stack."""
    (state_dir / "stack.json").unlink(missing_ok=True)
    return processes.stop_all()


def why_not_reusable(found: Stack | None, processes: Processes, wanted: Wanted, made: Build) -> str | None:
    """The reason why the stack that was found will not do, or None if it will."""
    if found is None:
        return "an earlier start did not come to its end"
    if ended := [process.name for process in processes.started if not process.is_running]:
        return f"of the stack, {' and '.join(ended)} ended"
    if not is_ready(found.aws_endpoint_url):
        return "the local AWS does not answer"
    if found.fingerprint != wanted.fingerprint(made):
        return "the stack that is up has other code or addresses"
    wishes = (wanted.ports.aws, wanted.ports.meta, wanted.ports.inbox)
    urls = (found.aws_endpoint_url, found.graph_url, found.inbox_url)
    if any(wish and wish != urlsplit(url).port for wish, url in zip(wishes, urls, strict=True)):
        return "the stack that is up has other ports"
    return None


def start_stack(wanted: Wanted, made: Build, processes: Processes, progress: Progress) -> Stack:
    """Start the programs, deploy, create the apps, and describe it all in stack.json."""
    port = choose_port("AWS_PORT", wanted.ports.aws, progress)
    with progress.step("start the local AWS"):
        endpoint_url = start_ministack(processes, wanted.state_dir, port)
    graph_url, inbox_url = wanted.graph_url, wanted.webhook_url
    if graph_url is None:
        port = choose_port("META_PORT", wanted.ports.meta, progress)
        with progress.step("start the simulated Meta"):
            graph_url = start_program(processes, "meta", port, "graphUrl")
    if inbox_url is None:
        port = choose_port("INBOX_PORT", wanted.ports.inbox, progress)
        with progress.step("start the inbox"):
            inbox_url = start_program(processes, "inbox", port, "inboxUrl")
    parameters = {
        "Stage": "local",
        "Arch": machine_architecture(),
        "GraphUrl": graph_url,
        "GraphVersion": GRAPH_VERSION,
        "LocalTargets": local_target(inbox_url),
    }
    with progress.step("deploy to the local AWS"):
        deployed = deploy(made.template, endpoint_url, parameters, wanted.state_dir / "logs/deploy.log")
    with progress.step(f"create the apps {' and '.join(APP_NAMES)}"):
        stack = introduce(wanted, deployed, endpoint_url, graph_url, inbox_url)
    stack = dataclasses.replace(stack, fingerprint=wanted.fingerprint(made))
    stack.write(wanted.state_dir / "stack.json")
    return stack


def start_program(processes: Processes, name: str, port: int, url_name: str) -> str:
    """Start our own program `local.NAME`, and return the address it says that it serves."""
    process = processes.start(name, [sys.executable, "-m", f"local.{name}", "--port", str(port)], cwd=ROOT)
    ready = wait_until(process, lambda: first_json_line(process.log), READY_SECONDS)
    return str(ready[url_name])


def introduce(wanted: Wanted, deployed: Deployed, endpoint_url: str, graph_url: str, inbox_url: str) -> Stack:
    """Create the apps in the deployed stack, and make Meta, the inbox and the stack known to each other."""
    stack = Stack(
        api_url=deployed.api_url,
        meta_callback_url=deployed.meta_callback_url,
        graph_url=graph_url,
        inbox_url=inbox_url,
        meta_app_secret=secrets.token_hex(16),
        verify_token=secrets.token_urlsafe(24),
        aws_endpoint_url=endpoint_url,
        aws_region=REGION,
        stack_name=deployed.stack_name,
        apps=[],
        outputs=deployed.outputs,
    )
    set_meta_app(stack)
    apps = [create_app(stack, name, wanted.webhook_url or f"{inbox_url}/hooks/{name}") for name in APP_NAMES]
    stack = dataclasses.replace(stack, apps=apps)
    if wanted.graph_url is None:
        configure_meta(stack)
    if wanted.webhook_url is None:
        configure_inbox(stack)
    return stack


def local_target(url: str) -> str:
    """The host:port of an address on loopback, which the guarded client is then allowed to call; else nothing."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not is_loopback(host):
        return ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, by number or by its usual name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextlib.contextmanager
def locked(state_dir: Path, progress: Progress) -> Iterator[None]:
    """One start or stop at a time for one folder; the next waits, and says so."""
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / "stack.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say(f"waiting for another command that holds {state_dir}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
