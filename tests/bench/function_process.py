"""One built function in a process of its own: an event a line in, its answer a line out. Arguments: its search path.

Run with `-I -S -B`, it has what Lambda gives a function and nothing else.
"""

import json
import sys
import time
from typing import Any


class _Context:
    function_name = memory_limit_in_mb = invoked_function_arn = aws_request_id = "bench"

    def __init__(self) -> None:
        self._until = time.monotonic() + 60

    def get_remaining_time_in_millis(self) -> int:
        return int((self._until - time.monotonic()) * 1000)


def _main() -> None:
    sys.path[:0] = sys.argv[1:]
    answers, sys.stdout = sys.stdout, sys.stderr  # the log must not come between the answers
    handler: Any = __import__("handler")
    for line in sys.stdin:
        answer = handler.lambda_handler(json.loads(line), _Context())
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    _main()
