"""`python -m local.meta --port PORT [--host HOST] [--config FILE]`: runs the simulated Meta."""

import argparse
import json
from pathlib import Path

from local.meta.app import make_app
from local.serving import serve


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(prog="python -m local.meta", description="A simulated WhatsApp Cloud API.")
    parser.add_argument("--port", type=int, required=True, help="the port to listen on; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--config", type=Path, help="a JSON file with the configuration; see local/meta/README.md")
    options = parser.parse_args()
    try:
        app = make_app(json.loads(options.config.read_text("utf-8")) if options.config else {})
    except (OSError, ValueError) as problem:
        parser.error(f"cannot use {options.config}: {problem}")
    serve(app, options.host, options.port, "graphUrl")


if __name__ == "__main__":
    main()
