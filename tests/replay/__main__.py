"""`make replay`: outages, bursts and campaigns in simulated time; 0 if nothing was lost, doubled or late."""

import argparse
import sys
from pathlib import Path

from tests.commit import commit
from tests.replay.report import OUTAGES, other_lines, outage_lines, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.replay", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--outage", choices=OUTAGES, action="append", help="only this one; can be repeated")
    parser.add_argument("--chart", type=Path, help="draw it as a PNG; needs matplotlib: make chart")
    wanted = parser.parse_args()
    tested = commit()
    outages, expiring, bursting, waits = run(wanted.seed, wanted.outage or list(OUTAGES))
    lines = [f"seed {wanted.seed}, commit {tested}, simulated time"]
    for name, replayed in outages.items():
        lines += outage_lines(name, replayed)
    lines += other_lines(expiring, bursting, waits)
    sys.stdout.write("\n".join(lines) + "\n")
    if wanted.chart:
        from tests.replay.chart import draw  # noqa: PLC0415 - its environment has matplotlib, the others have not

        draw(wanted.chart, outages)
    ours = [expiring, *(replayed[0] for replayed in outages.values())]
    return 0 if all(run.is_valid for run in ours) and not bursting.pair_refusals else 1


if __name__ == "__main__":
    sys.exit(main())
