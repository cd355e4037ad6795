#!/bin/sh
# Finds Python 3.13 and hands over to local/environments.py, which makes the environments.
# Shell, because nothing may be assumed here: `python3.13` can be a pyenv shim that refuses to run, or be missing.
set -eu
cd "$(dirname "$0")/.."
# A Python given with PYTHON=/path/to/python3.13 is taken; pyenv reads .python-version, which says 3.13.
for python in ${PYTHON:-} python3.13 python3 python; do
    if "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' >/dev/null 2>&1; then
        exec "$python" -P local/environments.py
    fi
done
echo "Python 3.13 is missing: install it (python.org, your package manager, or pyenv install 3.13)," \
    "or name it: make PYTHON=/path/to/python3.13" >&2
exit 1
