"""How the client says who it is: by variables, and what it makes of a token that may only look, and of none that holds."""
import os

import mlflow
from mlflow import MlflowClient, MlflowException


def refusal(call, *args):
    try:
        call(*args)
    except MlflowException as error:
        return error.error_code, error.get_http_status_code()
    raise AssertionError("was not refused")


def client(**variables):
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"):
        os.environ.pop(name, None)
    os.environ.update(variables)
    mlflow.set_tracking_uri(os.environ["MILL_URL"])
    return MlflowClient()


token = os.environ["MILL_TOKEN"]
run = client(MLFLOW_TRACKING_TOKEN=token).create_run("0").info.run_id
client(MLFLOW_TRACKING_USERNAME="anybody", MLFLOW_TRACKING_PASSWORD=token).set_tag(run, "a", "b")

viewer = client(MLFLOW_TRACKING_TOKEN=os.environ["VIEWER_TOKEN"])
assert viewer.get_run(run).data.tags["a"] == "b"
assert refusal(viewer.set_tag, run, "a", "c") == ("PERMISSION_DENIED", 403)
assert refusal(viewer.create_experiment, "x") == ("PERMISSION_DENIED", 403)

nobody = client()
assert nobody.get_run(run).info.run_id == run
assert refusal(nobody.set_tag, run, "a", "c") == ("UNAUTHENTICATED", 401)
assert refusal(client(MLFLOW_TRACKING_TOKEN="mill_wrong").get_run, run) == ("UNAUTHENTICATED", 401)
