"""The send queue: send messages to Meta."""

import json
from collections import Counter
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from hkreach.adapters.aws import client
from hkreach.adapters.clock import now
from hkreach.adapters.dynamodb_apps import DynamoDBApps
from hkreach.adapters.dynamodb_messages import DynamoDBMessages
from hkreach.adapters.dynamodb_numbers import DynamoDBNumbers
from hkreach.adapters.kms_secrets import KMSSecrets
from hkreach.adapters.requests_meta import RequestsMeta
from hkreach.adapters.requests_session import session
from hkreach.adapters.s3_media import S3Media
from hkreach.adapters.sqs_queue import SQSSendQueue, SQSVisibility
from hkreach.domain.progress import Progress
from hkreach.edge.queue_batch import work_on_batch
from hkreach.settings import SendMessageSettings
from hkreach.usecases.send_message import SendMessage, Waits
from hkreach.usecases.send_message_admission import Admission
from hkreach.usecases.send_message_upload import UploadMedia

logger = Logger(service="hkreach", step="send_message")
settings = SendMessageSettings.from_environment()
dynamodb, sqs = client("dynamodb"), client("sqs")
numbers = DynamoDBNumbers(dynamodb, settings.numbers_table)
meta = RequestsMeta(
    session(), settings.graph_url, settings.graph_version, settings.call_seconds, settings.upload_seconds
)
send_message = SendMessage(
    messages=DynamoDBMessages(dynamodb, settings.messages_table, now),
    apps=DynamoDBApps(dynamodb, settings.apps_table, settings.app_cache_seconds),
    secrets=KMSSecrets(client("kms")),
    upload=UploadMedia(numbers, S3Media(client("s3"), settings.media_bucket), meta, now, settings.upload_milliseconds),
    meta=meta,
    now=now,
    admission=Admission(numbers, now, settings.limits),
    waits=Waits(
        claim=settings.claim_milliseconds,
        retry_base=settings.retry_base_seconds,
        retry_longest=settings.retry_longest_seconds,
        halted=settings.halted_seconds,
    ),
    queue=SQSSendQueue(sqs, settings.send_queue_urls),
)


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Records of one of the lanes in; the partial batch answer out."""
    records = event["Records"]
    of_app = Counter(record["attributes"].get("MessageGroupId") for record in records)
    visibility = SQSVisibility.beside(sqs, settings.send_now_queue_url, records[0]["eventSourceARN"])

    def work(record: SQSRecord) -> Progress:
        return send_message(
            json.loads(record.body)["messageId"],
            context.get_remaining_time_in_millis,
            receives=int(record.attributes.approximate_receive_count),
            batch=of_app[record.attributes.message_group_id],
        )

    return work_on_batch(event, context, work, visibility, settings.retry_base_seconds)
