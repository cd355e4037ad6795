"""The media queue: fetch files from their addresses and from Meta, and give Meta the large ones."""

import json
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from hkreach.adapters.aws import client
from hkreach.adapters.clock import now
from hkreach.adapters.dynamodb_apps import DynamoDBApps
from hkreach.adapters.dynamodb_inbound import DynamoDBInbound
from hkreach.adapters.dynamodb_messages import DynamoDBMessages
from hkreach.adapters.dynamodb_numbers import DynamoDBNumbers
from hkreach.adapters.guarded_media import GuardedMedia
from hkreach.adapters.kms_secrets import KMSSecrets
from hkreach.adapters.requests_meta import RequestsMeta
from hkreach.adapters.requests_meta_files import RequestsMetaFiles
from hkreach.adapters.requests_session import session
from hkreach.adapters.s3_media import S3Media
from hkreach.adapters.s3_spool import S3Spool
from hkreach.adapters.sqs_queue import SQSSendQueue, SQSVisibility
from hkreach.domain.progress import Progress
from hkreach.edge.queue_batch import work_on_batch
from hkreach.settings import FetchMediaSettings
from hkreach.usecases.fetch_media import FetchMedia, FetchWaits
from hkreach.usecases.fetch_media_received import FetchReceived, ReceivedWaits
from hkreach.usecases.send_message_upload import UploadMedia

logger = Logger(service="hkreach", step="fetch_media")
settings = FetchMediaSettings.from_environment()
dynamodb, s3, sqs = client("dynamodb"), client("s3"), client("sqs")
numbers = DynamoDBNumbers(dynamodb, settings.numbers_table)
seconds = settings.upload_seconds  # it uploads, and sends nothing
meta = RequestsMeta(session(), settings.graph_url, settings.graph_version, seconds, seconds)
apps = DynamoDBApps(dynamodb, settings.apps_table, settings.app_cache_seconds)
secrets, spool = KMSSecrets(client("kms")), S3Spool(s3, settings.media_bucket)
fetch_media = FetchMedia(
    messages=DynamoDBMessages(dynamodb, settings.messages_table, now),
    apps=apps,
    secrets=secrets,
    fetcher=GuardedMedia(settings.local_targets, settings.fetch_seconds),
    spool=spool,
    upload=UploadMedia(numbers, S3Media(s3, settings.media_bucket), meta, now, settings.upload_milliseconds),
    queue=SQSSendQueue(sqs, settings.send_queue_urls),
    now=now,
    waits=FetchWaits(
        settings.fetch_milliseconds, settings.retry_base_seconds, settings.retry_longest_seconds,
        settings.give_up_seconds, settings.halted_seconds,
    ),
    received=FetchReceived(
        DynamoDBInbound(dynamodb, settings.messages_table, now), apps, secrets,
        RequestsMetaFiles(session(), settings.graph_url, settings.graph_version, settings.fetch_seconds), spool, now,
        ReceivedWaits(settings.fetch_milliseconds, settings.retry_base_seconds, settings.received_give_up_seconds),
    ),
)  # fmt: skip
visibility = SQSVisibility(sqs, settings.media_queue_url)


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Records of the media queue in; the partial batch answer out."""

    def work(record: SQSRecord) -> Progress:
        receives = int(record.attributes.approximate_receive_count)
        return fetch_media(json.loads(record.body)["messageId"], context.get_remaining_time_in_millis, receives)

    return work_on_batch(event, context, work, visibility, settings.retry_base_seconds)
