"""template.yaml: who may touch what, where failures go, and what is never deployed."""

import importlib
import inspect
import json
from typing import Any

import pytest
from moto.events.models import EventPattern

from hkreach.adapters.s3_expiry import expiry
from hkreach.domain.endpoint import EVENT_NAMES
from hkreach.domain.event import Event, news_event, received_event, status_event
from hkreach.domain.media import MEDIA_DAYS
from hkreach.domain.message import Status
from hkreach.settings_parts import FromEnvironment
from tests.builders import inbound, news, outbound
from tests.edge.test_settings import MODELS
from tests.template import ROOT, resources, template

FUNCTIONS = resources("AWS::Serverless::Function")
ROLES = resources("AWS::IAM::Role")
QUEUES = resources("AWS::SQS::Queue")


def _statements(role: str) -> list[dict[str, Any]]:
    return [
        statement for policy in ROLES[role].get("Policies", []) for statement in policy["PolicyDocument"]["Statement"]
    ]  # fmt: skip


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _actions(role: str) -> set[str]:
    """The actions on AWS: where the local AWS needs another name, it is the first of an Fn::If."""
    listed = [action for statement in _statements(role) for action in _list(statement["Action"])]
    return {action["Fn::If"][2] if isinstance(action, dict) else action for action in listed}


def _evaluate(node: Any, parameters: dict[str, str]) -> Any:
    """The few intrinsic functions that the template's rules use."""
    match node:
        case {"Ref": name}:
            return parameters[name]
        case {"Fn::Equals": [left, right]}:
            return _evaluate(left, parameters) == _evaluate(right, parameters)
        case {"Fn::Not": [inner]}:
            return not _evaluate(inner, parameters)
    return node


def _is_refused(**given: str) -> bool:
    parameters = {name: str(node.get("Default", "")) for name, node in template()["Parameters"].items()} | given
    return any(
        _evaluate(rule["RuleCondition"], parameters)
        and not all(_evaluate(assertion["Assert"], parameters) for assertion in rule["Assertions"])
        for rule in template()["Rules"].values()
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_has_a_role_and_a_log_group_of_its_own(name: str) -> None:
    step = name.removesuffix("Function")

    assert {"Fn::GetAtt": [f"{step}Role", "Arn"]} == FUNCTIONS[name]["Role"]
    assert {"LogGroup": {"Ref": f"{step}Logs"}} == FUNCTIONS[name]["LoggingConfig"]
    assert resources("AWS::Logs::LogGroup")[f"{step}Logs"]["RetentionInDays"] > 0
    assert {"logs:CreateLogStream", "logs:PutLogEvents"} <= _actions(f"{step}Role")
    assert "ManagedPolicyArns" not in ROLES[f"{step}Role"]
    assert "Policies" not in FUNCTIONS[name], "nothing is added to the role by SAM"


@pytest.mark.parametrize("role", ROLES)
def test_no_role_may_do_anything_to_everything(role: str) -> None:
    for statement in _statements(role):
        assert "Allow" == statement["Effect"]
        assert "NotAction" not in statement
        assert not any("*" in json.dumps(action) for action in _list(statement["Action"]))
        for resource in _list(statement["Resource"]):
            text = json.dumps(resource)
            assert '"*"' not in text
            assert "Ref" in text or "GetAtt" in text or "${" in text, "an exact ARN of this stack"


def test_the_one_policy_of_amazons_is_the_gateways_for_its_log() -> None:
    policy = "arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"

    assert {"ApiLogsRole": [{"Fn::Sub": policy}]} == {
        name: role["ManagedPolicyArns"] for name, role in ROLES.items() if "ManagedPolicyArns" in role
    }
    assert [] == [name for name, role in ROLES.items() if not role.get("Policies") and name != "ApiLogsRole"]


def test_only_who_must_may_open_secrets_and_only_for_its_purpose() -> None:
    """Where the local AWS cannot evaluate the condition it is left out, there alone."""
    opened = {}
    for role in ROLES:
        for statement in _statements(role):
            of_secrets = {"Fn::GetAtt": ["SecretsKey", "Arn"]} in _list(statement["Resource"])
            if of_secrets and "kms:Decrypt" in _list(statement["Action"]):
                if_local, local, elsewhere = statement["Condition"]["Fn::If"]
                assert ("IsLocal", {"Ref": "AWS::NoValue"}) == (if_local, local)
                opened[role] = elsewhere["StringEquals"]

    through_ssm = {"kms:ViaService": {"Fn::Sub": "ssm.${AWS::Region}.amazonaws.com"}}
    assert {
        "SendMessageRole": {"kms:EncryptionContext:purpose": "access_token"},
        "FetchMediaRole": {"kms:EncryptionContext:purpose": "access_token"},
        "ManageAppRole": {"kms:EncryptionContext:purpose": "webhook_secret"},
        "DeliverWebhookRole": {"kms:EncryptionContext:purpose": "webhook_secret"},
        "ReceiveMetaRole": through_ssm,
        "AdministerRole": through_ssm,
    } == opened


def test_only_the_operators_function_reads_the_whole_table_and_takes_dead_letters() -> None:
    def may(action: str) -> dict[str, list[str]]:
        return {
            role: [resource["Fn::GetAtt"][0] for resource in _list(statement["Resource"])]
            for role in ROLES
            for statement in _statements(role)
            if action in json.dumps(statement["Action"]) and "DeadLetter" in json.dumps(statement["Resource"])
        }

    assert {"AdministerRole"} == {role for role in ROLES if "dynamodb:Scan" in _actions(role)}
    letters = ["SendDeadLetterQueue", "MediaDeadLetterQueue", "WebhookDeadLetterQueue", "LeadDeadLetterQueue"]
    letters.append("StatusDeadLetterQueue")
    assert {"AdministerRole": letters} == may("sqs:ReceiveMessage")
    assert {"sqs:DeleteMessage", "sqs:SendMessage", "dynamodb:UpdateItem"} <= _actions("AdministerRole")


def test_events_are_published_under_our_own_source_only() -> None:
    publishers = {role for role in ROLES if "events:PutEvents" in _actions(role)}
    statements = [s for role in ROLES for s in _statements(role) if "events:PutEvents" in _list(s["Action"])]

    assert {"RelayEventsRole", "DeliverWebhookRole"} == publishers
    assert ['"events:source": "hkreach"' in json.dumps(each["Condition"]) for each in statements] == [True, True]


@pytest.mark.parametrize("name", QUEUES)
def test_each_queue_has_dead_letters_or_is_for_them_with_an_alarm(name: str) -> None:
    if "DeadLetter" not in name:
        letters = {"SendNowQueue": "SendDeadLetterQueue", "SendBulkQueue": "SendDeadLetterQueue"}
        letters["WebhookRetryQueue"] = "WebhookDeadLetterQueue"
        target = letters.get(name, name.replace("Queue", "DeadLetterQueue"))
        assert {"Fn::GetAtt": [target, "Arn"]} == QUEUES[name]["RedrivePolicy"]["deadLetterTargetArn"]
        assert int(QUEUES[name]["RedrivePolicy"]["maxReceiveCount"]) <= 20
        return
    alarms = [
        alarm for alarm in resources("AWS::CloudWatch::Alarm").values()
        if {"Name": "QueueName", "Value": {"Fn::GetAtt": [name, "QueueName"]}} in alarm.get("Dimensions", [])
    ]  # fmt: skip
    (alarm,) = alarms
    assert ("ApproximateNumberOfMessagesVisible", 0, "GreaterThanThreshold") == (
        alarm["MetricName"], alarm["Threshold"], alarm["ComparisonOperator"],
    )  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_source_of_records_takes_partial_answers_and_knows_where_failures_go(name: str) -> None:
    for source in FUNCTIONS[name].get("Events", {}).values():
        properties = source["Properties"]
        if source["Type"] in {"SQS", "DynamoDB"}:
            assert ["ReportBatchItemFailures"] == properties["FunctionResponseTypes"]
        if source["Type"] == "DynamoDB":
            assert "Destination" in properties["DestinationConfig"]["OnFailure"]
            assert 0 < properties["MaximumRetryAttempts"] <= 10_000
        if source["Type"] == "SQS":
            queue = QUEUES[properties["Queue"]["Fn::GetAtt"][0]]
            timeout = FUNCTIONS[name].get("Timeout", template()["Globals"]["Function"]["Timeout"])
            assert queue["VisibilityTimeout"] >= 6 * timeout


def test_a_call_and_its_claim_fit_into_the_senders_time() -> None:
    send = FUNCTIONS["SendMessageFunction"]
    variables = send["Environment"]["Variables"]
    claim = int(variables["CALL_SECONDS"]) + 5

    assert int(variables["UPLOAD_SECONDS"]) + claim + 5 <= send["Timeout"], "an upload, a call, and all else"


def test_a_fetch_and_an_upload_fit_into_the_fetchers_time() -> None:
    fetch = FUNCTIONS["FetchMediaFunction"]
    variables = fetch["Environment"]["Variables"]

    assert int(variables["FETCH_SECONDS"]) + int(variables["UPLOAD_SECONDS"]) + 15 <= fetch["Timeout"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_gets_the_settings_it_reads(name: str) -> None:
    model: type[FromEnvironment] = MODELS[name.replace("Function", "Settings")]
    given = set(FUNCTIONS[name]["Environment"]["Variables"]) | set(
        template()["Globals"]["Function"]["Environment"]["Variables"]
    )
    known = {field.upper() for field in model.model_fields}
    needed = {field.upper() for field, info in model.model_fields.items() if info.is_required()}

    assert needed <= given
    assert set(FUNCTIONS[name]["Environment"]["Variables"]) <= known, "nothing is given that nobody reads"


def test_loopback_opens_on_a_developers_machine_only() -> None:
    assert not _is_refused(Stage="local", LocalTargets="127.0.0.1:9000")
    for stage in ("dev", "prod"):
        assert _is_refused(Stage=stage, LocalTargets="127.0.0.1:9000")
        assert not _is_refused(Stage=stage)


def test_a_domain_needs_its_certificate() -> None:
    assert _is_refused(Stage="prod", DomainName="api.example.com")
    assert not _is_refused(Stage="prod", DomainName="api.example.com", CertificateArn="arn:x")


def test_what_an_operator_may_set_has_the_promised_defaults() -> None:
    defaults = {name: node.get("Default") for name, node in template()["Parameters"].items()}

    assert ("arm64", "https://graph.facebook.com", "v25.0", "") == (
        defaults["Arch"], defaults["GraphUrl"], defaults["GraphVersion"], defaults["LocalTargets"],
    )  # fmt: skip


def test_an_operator_may_set_the_pace_of_a_backlog() -> None:
    pace = FUNCTIONS["WakeDueFunction"]["Environment"]["Variables"]["BACKLOG_PER_SECOND"]
    assert ({"Ref": "BacklogPerSecond"}, 5) == (pace, template()["Parameters"]["BacklogPerSecond"]["Default"])


def test_how_many_requests_the_api_takes_is_the_operators_choice_and_the_page_tells_the_default() -> None:
    (throttling,) = resources("AWS::Serverless::Api")["Api"]["MethodSettings"]
    rate, burst = (template()["Parameters"][name] for name in ("ApiRequestsPerSecond", "ApiBurst"))
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")

    assert ("/*", "*", {"Ref": "ApiRequestsPerSecond"}, {"Ref": "ApiBurst"}) == tuple(throttling.values())
    assert [("Number", 500, 1), ("Number", 1_000, 1)] == [
        (node["Type"], node["Default"], node["MinValue"]) for node in (rate, burst)
    ]
    assert f"{rate['Default']:,} requests a second, and {burst['Default']:,} at once" in page
    throttled = resources("AWS::Serverless::Api")["Api"]["GatewayResponses"]["THROTTLED"]
    assert ("'1'", True) == (throttled["ResponseParameters"]["Headers"]["Retry-After"], "`Retry-After: 1`" in page)


def test_the_gateways_own_answers_are_problems() -> None:
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    for name, response in resources("AWS::Serverless::Api")["Api"]["GatewayResponses"].items():
        text = response["ResponseTemplates"]["application/json"].replace("$context.requestId", "r")
        problem = json.loads(text.replace("$context.error.messageString", '"m"'))  # it comes with its quotes
        assert {"type", "title", "status", "detail", "code", "retryable", "requestId"} == set(problem), name
        assert response["StatusCode"] == problem["status"], name
        assert problem["retryable"] == (problem["status"] in {429, 503}), name
        assert f"| {problem['status']} | `{problem['code']}`" in page, name
        assert "'application/problem+json'" == response["ResponseParameters"]["Headers"]["Content-Type"]


def test_the_gateways_log_has_a_line_for_each_request_and_nothing_of_its_content() -> None:
    if_on_aws, setting, _ = resources("AWS::Serverless::Api")["Api"]["AccessLogSetting"]["Fn::If"]
    line = json.loads(setting["Format"])

    assert ("IsOnAws", {"Fn::GetAtt": ["ApiLogs", "Arn"]}) == (if_on_aws, setting["DestinationArn"])
    assert ("$context.requestId", "$context.resourcePath", "$context.status") == (
        line["requestId"], line["resource"], line["status"],
    )  # fmt: skip
    for content in ("path", "identity", "authorizer", "message", "messageString", "validationErrorString"):
        assert not [value for value in line.values() if content in value.split(".")]
    assert resources("AWS::Logs::LogGroup")["ApiLogs"]["RetentionInDays"] > 0


def test_everything_expires() -> None:
    for table in ("MessagesTable", "DeliveriesTable"):
        ttl = resources("AWS::DynamoDB::Table")[table]["TimeToLiveSpecification"]
        assert {"AttributeName": "expiresAt", "Enabled": True} == ttl
    everything, *sooner, unfinished = resources("AWS::S3::Bucket")["MediaBucket"]["LifecycleConfiguration"]["Rules"]
    *fewer, default = MEDIA_DAYS
    assert {"Id": "expire", "Status": "Enabled", "ExpirationInDays": default} == everything
    assert [(f"expire-{days}", "Enabled", days, expiry(days)["Tagging"]) for days in fewer] == [
        (rule["Id"], rule["Status"], rule["ExpirationInDays"], "{Key}={Value}".format(**tag))
        for rule in sooner
        for tag in rule["TagFilters"]
    ]
    assert {"DaysAfterInitiation": 1} == unfinished["AbortIncompleteMultipartUpload"]


def test_files_are_encrypted_and_never_public_and_travel_over_tls() -> None:
    bucket = resources("AWS::S3::Bucket")["MediaBucket"]
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    (tls,) = resources("AWS::S3::BucketPolicy")["MediaBucketPolicy"]["PolicyDocument"]["Statement"]

    assert {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Fn::GetAtt": ["MediaKey", "Arn"]}} == encryption[
        "ServerSideEncryptionByDefault"
    ]
    assert ({True}, 4) == (
        set(bucket["PublicAccessBlockConfiguration"].values()), len(bucket["PublicAccessBlockConfiguration"]),
    )  # fmt: skip
    assert ("Deny", "*", "s3:*") == (tls["Effect"], tls["Principal"], tls["Action"])
    assert {"Bool": {"aws:SecureTransport": {"Fn::If": ["IsLocal", "never", "false"]}}} == tls["Condition"]


def test_only_the_makers_of_files_write_them_and_only_to_their_folders() -> None:
    def may(action: str) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for role in ROLES:
            for statement in _statements(role):
                if action in _list(statement["Action"]):
                    places = {
                        each["Fn::Sub"].removeprefix("${MediaBucket.Arn}/") for each in _list(statement["Resource"])
                    }
                    found.setdefault(role.removesuffix("Role"), set()).update(places)
        return found

    outbound, received, incoming = "*/outbound/*", "*/inbound/*", {"*/expected/*", "*/uploads/*"}
    assert {
        "AcceptMessage": {outbound},
        "ManageMedia": {outbound, *incoming},
        "FetchMedia": {outbound, received, "*/fetched/*"},
    } == may("s3:PutObject")
    read = {"AcceptMessage": {outbound, *incoming}, "SendMessage": {outbound}}
    read["ManageMedia"] = {outbound, received, *incoming}
    assert read | {"FetchMedia": {outbound, "*/fetched/*"}} == may("s3:GetObject")
    assert {
        "AcceptMessage": {outbound, "*/uploads/*"},
        "ManageMedia": {outbound, *incoming},
        "FetchMedia": {outbound, received, "*/fetched/*"},
    } == may("s3:PutObjectTagging")


def test_whoever_reads_files_can_tell_one_that_is_gone_from_one_that_is_forbidden() -> None:
    def may(action: str) -> set[str]:
        return {role for role in ROLES for each in _statements(role) if action in _list(each["Action"])}

    assert may("s3:GetObject") == may("s3:ListBucket")


def test_the_archive_keeps_every_event_of_the_bus() -> None:
    archive = resources("AWS::Events::Archive")["EventArchive"]

    assert ({"Fn::GetAtt": ["EventBus", "Arn"]}, 30) == (archive["SourceArn"], archive["RetentionDays"])
    assert "EventPattern" not in archive


def test_the_rule_takes_the_events_that_webhooks_carry() -> None:
    pattern = resources("AWS::Events::Rule")["WebhookRule"]["EventPattern"]

    assert ["hkreach"] == pattern["source"]
    prefix, *names = pattern["detail-type"]
    assert {"prefix": "messages."} == prefix
    assert {name for name in EVENT_NAMES if not name.startswith("messages.")} == set(names)


@pytest.mark.parametrize(
    ("name", "logs", "usecase"),
    [
        ("UnreadableItems", "ReceiveMetaLogs", "receive_meta"),
        ("WebhookFaults", "DeliverWebhookLogs", "deliver_webhook_try"),
    ],
)
def test_what_the_operator_is_to_mend_is_counted_and_alarms(name: str, logs: str, usecase: str) -> None:
    counted = resources("AWS::Logs::MetricFilter")[name]
    (transformation,) = counted["MetricTransformations"]
    alarm = resources("AWS::CloudWatch::Alarm")[f"{name}Alarm"]

    assert {"Ref": logs} == counted["LogGroupName"]
    line = counted["FilterPattern"].removeprefix("{ $.message = ").removesuffix(" }")
    source = importlib.import_module(f"hkreach.usecases.{usecase}")
    assert line in inspect.getsource(source)
    assert (transformation["MetricNamespace"], transformation["MetricName"]) == (
        alarm["Namespace"],
        alarm["MetricName"],
    )
    assert ("Sum", 0, "GreaterThanThreshold") == (alarm["Statistic"], alarm["Threshold"], alarm["ComparisonOperator"])


@pytest.mark.parametrize("status", Status)
def test_what_meta_tells_of_an_account_goes_to_no_webhook(status: Status) -> None:
    properties = resources("AWS::Events::Rule")["WebhookRule"]["EventPattern"]
    pattern = EventPattern.load(json.dumps(properties))

    def goes_out(event: Event) -> bool:
        return bool(pattern.matches_event({"source": "hkreach", "detail-type": event["event"], "detail": event}))

    message = outbound(facts={status: 0})
    assert goes_out(status_event(message, status)), "the endpoints' filters decide"
    assert goes_out(received_event(inbound()))
    for field in ("messages", "errors", "account_update", "received", "status"):
        assert not goes_out(news_event(news(field=field, app_name="mystore", value={"status": status.value})))
