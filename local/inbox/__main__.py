"""`python -m local.inbox --port PORT [--host HOST]`: runs the inbox until it is stopped."""

import argparse

from local.inbox.app import make_app
from local.serving import serve


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(prog="python -m local.inbox", description="Receives and shows webhooks.")
    parser.add_argument("--port", type=int, required=True, help="the port to listen on; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    options = parser.parse_args()
    serve(make_app(), options.host, options.port, "inboxUrl")


if __name__ == "__main__":
    main()
