"""Fills a server (EXCHANGE=fill), or holds what two of them answer against each other (EXCHANGE=compare, OTHER_URI), by MLflow's own client."""

import os
import sys
import tempfile

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelOutput, Metric, Param, RunTag, ViewType


def fill(client):
    flights = client.create_experiment("flights", tags={"team": "delays"})
    run = client.create_run(flights, start_time=1700000000000, run_name="parent", tags={"a": "1"}).info.run_id
    metrics = [Metric("loss", 1 / (i + 1), 1700000000000 + i, i) for i in range(1500)]
    client.log_batch(run, metrics=metrics[:900])
    client.log_batch(run, metrics=metrics[900:] + [Metric("odd", float("nan"), 1700000000005, 0), Metric("val/acc", 0.5, 1, -3)])
    client.log_batch(run, params=[Param("depth", "3"), Param("multi", "a\nb: 'c' \"d\" ü")], tags=[RunTag("team", "x")])
    data = Dataset("d1", "abc123", "local", '{"uri": "x"}', schema='{"a": 1}', profile='{"rows": 2}')
    client.log_inputs(run, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(os.path.join(folder, "sub dir"))
        with open(os.path.join(folder, "sub dir", "ü.bin"), "wb") as file:
            file.write(bytes(range(256)) * 20000)
        open(os.path.join(folder, "empty"), "w").close()
        client.log_artifacts(run, folder)
        model = client.create_logged_model(flights, name="net", source_run_id=run, params={"lr": "0.1"}, tags={"k": "v"})
        client.log_model_artifacts(model.model_id, folder)
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run, [LoggedModelOutput(model.model_id, 2)])
    client.log_metric(run, "auc", 0.9, timestamp=9, step=4, model_id=model.model_id, dataset_name="d1", dataset_digest="abc123")
    client.set_terminated(run, "FINISHED", 1700000009000)
    child = client.create_run(flights, run_name="child", tags={"mlflow.parentRunId": run}).info.run_id
    client.log_metric(child, "loss", 2.0, timestamp=7, step=1)
    client.set_terminated(child, "FAILED", 1700000009500)
    client.delete_run(client.create_run(flights, run_name="gone").info.run_id)
    deleted = client.create_experiment("deleted one")
    client.create_run(deleted, run_name="in deleted")
    client.delete_experiment(deleted)
    client.create_registered_model("delay", tags={"owner": "b"}, description="predicts delays")
    client.create_model_version("delay", f"models:/{model.model_id}", run_id=run, tags={"q": "1"}, model_id=model.model_id)
    client.create_model_version("delay", f"runs:/{run}/sub dir", run_id=run)
    client.create_model_version("delay", f"runs:/{run}/sub dir", run_id=run, description="third")
    client.delete_model_version("delay", "2")
    client.set_registered_model_alias("delay", "best", "3")


def seen(uri):
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    experiments = client.search_experiments(view_type=ViewType.ALL)
    found = {one.name: experiment(client, one) for one in experiments if one.name != "Default"}
    models = {}
    for model in client.search_registered_models():
        versions = {int(one.version): version(one) for one in client.search_model_versions(f"name = '{model.name}'")}
        models[model.name] = [model.description, model.tags, {k: int(v) for k, v in model.aliases.items()}, versions]
    return {"experiments": found, "models": models}


def experiment(client, one):
    runs = client.search_runs([one.experiment_id], run_view_type=ViewType.ALL)
    models = client.search_logged_models([one.experiment_id]) if one.lifecycle_stage == "active" else []
    return [
        one.lifecycle_stage,
        one.tags,
        {run.info.run_id: run_seen(client, run) for run in runs},
        {model.model_id: model_seen(client, model) for model in models},
    ]


def run_seen(client, run):
    info, data = run.info, run.data
    histories = {
        key: sorted([repr(p.value), p.timestamp, p.step] for p in client.get_metric_history(info.run_id, key))
        for key in data.metrics
        if key != "auc"  # the folder of MLflow's own writer loses its step: the data set stands where it looks for it
    }
    inputs = [
        [i.dataset.name, i.dataset.digest, i.dataset.source, i.dataset.schema, i.dataset.profile, [[t.key, t.value] for t in i.tags]]
        for i in run.inputs.dataset_inputs
    ]
    times = [info.run_name, info.user_id, info.status, info.start_time, info.end_time, info.lifecycle_stage]
    outputs = [[o.model_id, o.step] for o in run.outputs.model_outputs] if run.outputs else []
    return [times, data.params, data.tags, histories, inputs, outputs, sorted(files(client, info.run_id, None))]


def model_seen(client, model):
    tags = {key: value for key, value in model.tags.items() if key != "mlflow.modelVersions"}
    metrics = [[m.key, m.value, m.timestamp, m.step, m.run_id, m.dataset_name, m.dataset_digest] for m in model.metrics or []]
    return [model.name, model.model_type or None, model.source_run_id, str(model.status), model.params, tags, metrics]


def version(one):
    return [one.source, one.run_id, one.current_stage, one.description or None, one.tags, one.creation_timestamp]


def files(client, run, path):
    found = []
    for file in client.list_artifacts(run, path):
        found += files(client, run, file.path) if file.is_dir else [[file.path, file.file_size or 0]]
    return found


def differences(one, other, at=""):
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(set(one) | set(other), key=str):
            yield from differences(one.get(key), other.get(key), f"{at}/{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other)):
            yield from differences(left, right, f"{at}/{index}")
    elif one != other:
        yield f"{at}: {str(one)[:300]} and {str(other)[:300]}"


if os.environ["EXCHANGE"] == "fill":
    fill(MlflowClient(tracking_uri=os.environ["OTHER_URI"], registry_uri=os.environ["OTHER_URI"]))
else:
    here, there = seen(os.environ["MLFLOW_TRACKING_URI"]), seen(os.environ["OTHER_URI"])
    assert here["experiments"]["flights"][2], "there are runs"
    different = list(differences(here, there))
    sys.exit("\n".join(different) if different else 0)
