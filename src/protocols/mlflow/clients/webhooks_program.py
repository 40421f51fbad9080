"""Webhooks by the client: made, tried, told in order of what happens to models, verified with MLflow's own code, changed, deleted, refused."""
import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from mlflow import MlflowClient, MlflowException
from mlflow.webhooks.constants import WEBHOOK_DELIVERY_ID_HEADER, WEBHOOK_SIGNATURE_HEADER, WEBHOOK_TIMESTAMP_HEADER
from mlflow.webhooks.delivery import _generate_hmac_signature

SECRET = "a secret of ours"
received = queue.Queue()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        delivery, at = self.headers[WEBHOOK_DELIVERY_ID_HEADER], self.headers[WEBHOOK_TIMESTAMP_HEADER]
        assert self.headers[WEBHOOK_SIGNATURE_HEADER] == _generate_hmac_signature(SECRET, delivery, at, body)
        self.send_response(200)
        self.end_headers()
        received.put(json.loads(body))

    def log_message(self, *_):
        pass


def refusal(call, *args, **more):
    try:
        call(*args, **more)
    except MlflowException as error:
        return error.error_code
    raise AssertionError("was not refused")


receiver = HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{receiver.server_port}/hook"
events = ["registered_model.created", "model_version.created", "model_version_tag.set", "model_version_tag.deleted", "model_version_alias.created", "model_version_alias.deleted"]

client = MlflowClient()
made = client.create_webhook("deploys", url, events, description="tells", secret=SECRET)
assert (made.name, made.url, made.description, made.status.value, made.secret) == ("deploys", url, "tells", "ACTIVE", None)
assert [str(event) for event in client.get_webhook(made.webhook_id).events] == events
tried = client.test_webhook(made.webhook_id, "model_version_alias.created")
assert (tried.success, tried.response_status) == (True, 200), tried
assert received.get()["data"] == {"name": "example_model", "version": "1", "alias": "example_alias"}

client.create_registered_model("told", tags={"a": "b"}, description="d")
client.create_model_version("told", "s3://bucket/model", tags={"k": "v"})
client.set_registered_model_alias("told", "best", "1")
client.set_model_version_tag("told", "1", "x", "y")
client.delete_model_version_tag("told", "1", "x")
client.delete_registered_model_alias("told", "best")
told = [received.get() for _ in range(6)]
assert [f"{one['entity']}.{one['action']}" for one in told] == [events[0], events[1], events[4], events[2], events[3], events[5]]
assert [one["data"] for one in told] == [
    {"name": "told", "tags": {"a": "b"}, "description": "d"},
    {"name": "told", "version": "1", "source": "s3://bucket/model", "run_id": None, "tags": {"k": "v"}, "description": None},
    {"name": "told", "version": "1", "alias": "best"},
    {"name": "told", "version": "1", "key": "x", "value": "y"},
    {"name": "told", "version": "1", "key": "x"},
    {"name": "told", "alias": "best"},
]

changed = client.update_webhook(made.webhook_id, name="renamed", events=["model_version.created"], status="DISABLED")
assert (changed.name, changed.status.value, len(changed.events), changed.url) == ("renamed", "DISABLED", 1, url)
assert [one.webhook_id for one in client.list_webhooks(max_results=1)] == [made.webhook_id]
assert refusal(client.create_webhook, "-", url, events) == "INVALID_PARAMETER_VALUE"
assert refusal(client.create_webhook, "files", "file:///etc/passwd", events) == "INVALID_PARAMETER_VALUE"
client.delete_webhook(made.webhook_id)
assert refusal(client.get_webhook, made.webhook_id) == "RESOURCE_DOES_NOT_EXIST"
client.delete_registered_model("told")
