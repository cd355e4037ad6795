"""The alarms: whatever may stop has one, it counts what the code really logs, and a document says what to do."""

import re
from fnmatch import fnmatch
from typing import Any

import pytest

from hkreach.domain.message import TIME_TO_SEND
from hkreach.domain.meta_outcome import Accepted, Halted, NotSent, Refused, Uncertain, in_a_word
from tests.builders import ERROR
from tests.template import ROOT, resources

ALARMS = resources("AWS::CloudWatch::Alarm")
FILTERS = resources("AWS::Logs::MetricFilter")
FUNCTIONS = resources("AWS::Serverless::Function")
PACKAGE = "layers/hkreach/python/hkreach"
BATCH = f"{PACKAGE}/edge/queue_batch.py"
LOGGED = {
    "UnknownOutcomes": ("SendMessageLogs", f"{PACKAGE}/usecases/send_message_give_up.py"),
    "UnknownUploads": ("FetchMediaLogs", f"{PACKAGE}/usecases/send_message_give_up.py"),
    "MinutesDone": ("WakeDueLogs", "functions/wake_due/handler.py"),
    "UnreadableItems": ("ReceiveMetaLogs", f"{PACKAGE}/usecases/receive_meta.py"),
    "WebhookFaults": ("DeliverWebhookLogs", f"{PACKAGE}/usecases/deliver_webhook_try.py"),
    "SendFaults": ("SendMessageLogs", BATCH),
    "FetchFaults": ("FetchMediaLogs", BATCH),
    "StatusFaults": ("ReceiveMetaLogs", BATCH),
    "LeadFaults": ("RelayEventsLogs", BATCH),
    "DeliverFaults": ("DeliverWebhookLogs", BATCH),
}
"""Where each line that is counted is logged."""
HALTED = {"HaltedAccounts": "SendMessageLogs", "HaltedUploads": "FetchMediaLogs", "LateHalts": "ReceiveMetaLogs"}


def _counted(name: str) -> tuple[str, str]:
    """The key and the value that a filter looks for."""
    found = re.fullmatch(r'{ \$\.(\w+) = "([^"]+)" }', FILTERS[name]["FilterPattern"])
    assert found is not None
    return found[1], found[2]


def _of(namespace: str, metric: str) -> dict[str, dict[str, Any]]:
    """The alarms on a metric of AWS, by the queue or function that they watch."""

    def watched(alarm: dict[str, Any]) -> str:
        (dimension,) = alarm["Dimensions"]
        value = dimension["Value"]
        return str(value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0])

    return {
        watched(alarm): alarm
        for alarm in ALARMS.values()
        if (namespace, metric) == (alarm["Namespace"], alarm["MetricName"])
    }


def _sources(kind: str) -> dict[str, list[dict[str, Any]]]:
    """The functions' sources of records of a kind."""
    found = {
        name: [source for source in function.get("Events", {}).values() if kind == source["Type"]]
        for name, function in FUNCTIONS.items()
    }
    return {name: sources for name, sources in found.items() if sources}


def test_all_that_is_counted_is_known_here() -> None:
    assert {*LOGGED, *HALTED, "WakeFaults"} == set(FILTERS)


@pytest.mark.parametrize("name", LOGGED)
def test_what_is_counted_is_what_the_code_logs(name: str) -> None:
    logs, module = LOGGED[name]
    key, line = _counted(name)

    assert ("message", {"Ref": logs}) == (key, FILTERS[name]["LogGroupName"])
    assert re.search(rf'logger\.\w+\(\s*"{line}"', (ROOT / module).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", HALTED)
def test_a_halted_account_is_counted_and_nothing_else(name: str) -> None:
    key, pattern = _counted(name)
    others = [Accepted("wamid.1"), NotSent("131016"), Refused(ERROR), Uncertain("ReadTimeout")]

    assert ("outcome", {"Ref": HALTED[name]}) == (key, FILTERS[name]["LogGroupName"])
    assert [True, False, False, False, False] == [
        fnmatch(in_a_word(each), pattern) for each in (Halted("190"), *others)
    ]
    for module in ("send_message", "fetch_media", "receive_meta_senders"):
        assert "outcome=in_a_word(" in (ROOT / PACKAGE / f"usecases/{module}.py").read_text(encoding="utf-8")


def test_whatever_a_minute_leaves_undone_is_an_error_in_its_log_and_counted() -> None:
    assert ("level", "ERROR") == _counted("WakeFaults")
    assert {"Ref": "WakeDueLogs"} == FILTERS["WakeFaults"]["LogGroupName"]
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in [*(ROOT / PACKAGE).glob("usecases/wake_due*.py"), ROOT / PACKAGE / "adapters/sqs_batches.py"]
    )
    for line in ("queue refused due messages", "queue refused due deliveries", "endpoint was not looked after",
                 "reminder was not sent", "a job of the minute failed", "queue refused a record"):  # fmt: skip
        assert re.search(rf'logger\.(error|exception)\(\s*"{line}"', source), line


def test_each_count_has_its_alarm_and_each_alarm_of_ours_its_count() -> None:
    own = {"Ref": "AWS::StackName"}
    counts = [count for each in FILTERS.values() for count in each["MetricTransformations"]]

    assert [own] * len(counts) == [count["MetricNamespace"] for count in counts]
    assert {count["MetricName"] for count in counts} == {
        alarm["MetricName"] for alarm in ALARMS.values() if alarm["Namespace"] == own
    }
    for name, alarm in ALARMS.items():
        if alarm["Namespace"] == own:
            assert (f"{alarm['MetricName']}Alarm", "Sum") == (name, alarm["Statistic"])


def test_no_minute_without_its_jobs_is_an_alarm_too() -> None:
    alarm = ALARMS["MinutesDoneAlarm"]

    assert (1, "LessThanThreshold", "breaching") == (
        alarm["Threshold"], alarm["ComparisonOperator"], alarm["TreatMissingData"],
    )  # fmt: skip
    assert "DefaultValue" not in FILTERS["MinutesDone"]["MetricTransformations"][0], "nothing is less than one"


def test_each_queue_that_somebody_works_on_has_an_alarm_before_its_records_are_late() -> None:
    late = _of("AWS/SQS", "ApproximateAgeOfOldestMessage")
    worked_on = {source["Properties"]["Queue"]["Fn::GetAtt"][0] for each in _sources("SQS").values() for source in each}

    assert worked_on == set(late)
    assert {"Maximum"} == {alarm["Statistic"] for alarm in late.values()}
    assert late["SendNowQueue"]["Threshold"] * 1_000 <= TIME_TO_SEND["authentication"] / 2


def test_each_function_that_works_on_a_queue_has_its_failed_records_counted() -> None:
    failed = {logs.removesuffix("Logs") for logs, module in LOGGED.values() if module == BATCH}

    assert {name.removesuffix("Function") for name in _sources("SQS")} == failed


def test_each_relay_has_an_alarm_before_a_one_time_code_expires() -> None:
    behind = _of("AWS/Lambda", "IteratorAge")

    assert set(_sources("DynamoDB")) == set(behind)
    for alarm in behind.values():
        assert ("Maximum", True) == (alarm["Statistic"], alarm["Threshold"] <= TIME_TO_SEND["authentication"] / 5)


@pytest.mark.parametrize("name", ALARMS)
def test_each_alarm_reaches_the_operator_and_a_document_says_what_to_do(name: str) -> None:
    alarm = ALARMS[name]
    document = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    section = re.search(r'See docs/operations.md, "(.+)"\.$', alarm["AlarmDescription"])

    assert {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]} == alarm["AlarmActions"]
    assert section is not None
    assert f"\n## {section[1]}\n" in document or f"\n**{section[1]}.** " in document
    assert f"`{name.removesuffix('Alarm')}`" in document
