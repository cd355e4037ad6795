"""Draws the replay: the backlog of each outage above, what each rule lost or sent twice below."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hkreach.domain.time import HOUR
from tests.replay.outage import Replayed

# Okabe and Ito's colours: apart for every kind of colour vision, and in grey.
_OURS, _LOST, _TWICE, _OUT = "#0072B2", "#D55E00", "#F0E442", "#DDDDDD"


def draw(path: Path, outages: Mapping[str, Sequence[Replayed]]) -> None:
    """`outages`: what came of each, ours first. Needs matplotlib: `make chart`."""
    import matplotlib as mpl  # noqa: PLC0415 - in an environment of its own

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure, axes = plt.subplots(2, len(outages), figsize=(11, 6), height_ratios=[1.2, 1], layout="constrained")
    figure.suptitle(
        "WhatsApp is out; one message a second goes on coming in, and the number takes 1.6 a second.\n"
        "Simulated time. HK Reach: its production steps. The others: models of published retry rules.",
        fontsize=11,
    )
    for column, (name, replayed) in enumerate(outages.items()):
        _backlog(axes[0][column], name, replayed[0])
        _losses(axes[1][column], replayed)
    axes[0][0].set_ylabel("messages that wait (HK Reach)")
    axes[0][0].legend(loc="upper right", frameon=False, fontsize=8)
    axes[1][0].set_ylabel("rule for trying again")
    axes[1][-1].legend(loc="lower right", frameon=False, fontsize=8)
    figure.savefig(path, dpi=130, metadata={"Software": None})
    plt.close(figure)


def _backlog(axis: Any, name: str, ours: Replayed) -> None:
    end = ours.outage.lasts / HOUR
    axis.axvspan(0, end, color=_OUT, label="outage")
    axis.plot([at / HOUR for at, _ in ours.backlog], [count for _, count in ours.backlog], color=_OURS, label="backlog")
    axis.plot([end, end + ours.least_drain / HOUR], [ours.backlog_at_end, 0], "k:", label="fastest drain possible")
    drained = f"drained in {ours.drained_after / HOUR:.1f} h" if ours.drained_after is not None else "not drained"
    axis.set_title(f"outage of {name}: {drained}", fontsize=10)
    axis.set_xlabel("hours since it began")
    axis.set_xlim(0, ours.backlog[-1][0] / HOUR * 1.03)
    axis.set_ylim(0, max(count for _, count in ours.backlog) * 1.15)
    axis.yaxis.set_major_formatter("{x:,.0f}")


def _losses(axis: Any, replayed: Sequence[Replayed]) -> None:
    """Bars from the top: the peers' rules by horizon, then ours."""
    rules = [*replayed[1:], replayed[0]]
    rows = range(len(rules), 0, -1)
    most = max(1, *(rule.lost + rule.doubled for rule in rules))
    lost, doubled = [rule.lost for rule in rules], [rule.doubled for rule in rules]
    axis.barh(rows, lost, color=_LOST, label="lost")
    axis.barh(rows, doubled, left=lost, color=_TWICE, hatch="///", label="sent twice")
    for row, rule in zip(rows, rules, strict=True):
        text = f" {rule.lost:,} lost, {rule.doubled:,} twice"
        if rule.expired or rule.unknown:
            text += f", {rule.expired} expired, {rule.unknown} unknown"
        axis.text(rule.lost + rule.doubled, row, text, va="center", fontsize=8)
    axis.set_yticks(rows, [rule.rule for rule in rules])
    axis.set_xlim(0, most * 1.75)
    axis.set_xlabel("messages")
    axis.xaxis.set_major_locator(_few_ticks())
    axis.xaxis.set_major_formatter("{x:,.0f}")


def _few_ticks() -> Any:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    return MaxNLocator(4)
