"""What is done every minute, at once: no job waits for another, nor fails with it."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from aws_lambda_powertools import Logger

logger = Logger(service="hkreach", child=True)


def do_all(jobs: Mapping[str, Callable[[], int]]) -> dict[str, int]:
    """Do them at once; returns what each says. One that fails is logged; the first's error is raised when all ended."""
    with ThreadPoolExecutor(len(jobs), thread_name_prefix="job") as threads:
        work = {name: threads.submit(job) for name, job in jobs.items()}
    faults = {name: fault for name, one in work.items() if (fault := one.exception()) is not None}
    for name, fault in faults.items():
        logger.error("a job of the minute failed", job=name, exc_info=fault)
    if faults:
        raise next(iter(faults.values()))
    return {name: one.result() for name, one in work.items()}
