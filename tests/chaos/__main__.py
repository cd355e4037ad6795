"""`make chaos SEED=1 FAULTS=20000`: the Outbox under faults, in simulated time; 0 if nothing was lost or doubled."""

import argparse
import logging
import sys

from tests.chaos.report import POLICIES, caught, lines, strike

SEEDS_FOR_A_BUG = 40


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=int, default=20_000, help="under each policy")
    wanted = parser.parse_args()
    logging.disable(logging.CRITICAL)
    totals = [strike(wanted.seed, wanted.faults, policy) for policy in POLICIES]
    bugs = dict(caught(wanted.seed, SEEDS_FOR_A_BUG))
    for line in lines(totals, bugs):
        sys.stdout.write(line + "\n")
    return 0 if all(total.is_valid for total in totals) and None not in bugs.values() else 1


if __name__ == "__main__":
    sys.exit(main())
