"""MLflow's client as its users call it: experiments, runs, what is logged to them, searches, and what is refused."""
import math
import time

import mlflow
import pandas
from mlflow import MlflowClient, MlflowException
from mlflow.entities import Metric, Param, RunTag, ViewType

client = MlflowClient()


def refusal(call, *args, **more):
    try:
        call(*args, **more)
    except MlflowException as error:
        return error.error_code, error.get_http_status_code(), error.message
    raise AssertionError("was not refused")


def experiments():
    made = mlflow.create_experiment("flights", tags={"team": "a"})
    assert client.get_experiment("0").name == "Default"
    assert client.get_experiment_by_name("flights").experiment_id == made
    assert client.get_experiment_by_name("nothing") is None
    client.set_experiment_tag(made, "note", "x")
    client.rename_experiment(made, "flights, renamed")
    found = client.get_experiment(made)
    assert (found.name, found.tags, found.lifecycle_stage) == ("flights, renamed", {"team": "a", "note": "x"}, "active")
    assert found.artifact_location == f"mlflow-artifacts:/{made}" and found.creation_time <= found.last_update_time
    client.delete_experiment_tag(made, "note")
    client.delete_experiment(made)
    assert client.get_experiment(made).lifecycle_stage == "deleted"
    assert [e.experiment_id for e in client.search_experiments(view_type=ViewType.DELETED_ONLY)] == [made]
    client.restore_experiment(made)
    assert [e.name for e in client.search_experiments(filter_string="tags.team = 'a' AND name ILIKE 'FLIGHTS%'")] == ["flights, renamed"]
    for n in range(5):
        mlflow.create_experiment(f"page {n}")
    page = client.search_experiments(max_results=3, order_by=["name ASC"])
    rest = client.search_experiments(max_results=100, order_by=["name ASC"], page_token=page.token)
    names = [e.name for e in [*page, *rest]]
    assert names == sorted(names) and len(names) == 7 and rest.token is None, names
    code, status, message = refusal(mlflow.create_experiment, "page 1")
    assert (code, status) == ("RESOURCE_ALREADY_EXISTS", 400) and message.startswith("RESOURCE_ALREADY_EXISTS: Experiment(name=page 1) already exists")
    assert refusal(client.get_experiment, "999")[:2] == ("RESOURCE_DOES_NOT_EXIST", 404)
    return made


def runs(experiment):
    mlflow.set_experiment(experiment_id=experiment)
    with mlflow.start_run(run_name="parent", description="words") as parent:
        mlflow.log_param("depth", 3)
        mlflow.log_params({"rate": 0.1, "längd": "å"})
        mlflow.log_metric("loss", 0.5, step=1)
        mlflow.log_metrics({"acc": 0.9, "nan": math.nan, "inf": math.inf}, step=2)
        mlflow.set_tag("stage", "draft")
        mlflow.set_tags({"a": 1, "b": "2"})
        with mlflow.start_run(nested=True, run_name="child") as child:
            mlflow.log_metric("loss", 0.1)
        data = mlflow.data.from_pandas(pandas.DataFrame({"a": [1.0, 2.0]}), name="frame")
        mlflow.log_input(data, context="training", tags={"k": "v"})
    run = client.get_run(parent.info.run_id)
    assert (run.info.status, run.info.run_name, run.info.lifecycle_stage) == ("FINISHED", "parent", "active")
    assert run.info.end_time >= run.info.start_time
    assert run.data.params == {"depth": "3", "rate": "0.1", "längd": "å"}
    assert (run.data.metrics["loss"], run.data.metrics["acc"], run.data.metrics["inf"]) == (0.5, 0.9, 1.7976931348623157e308)
    assert math.isnan(run.data.metrics["nan"])
    assert run.data.tags["stage"] == "draft" and run.data.tags["mlflow.note.content"] == "words"
    assert client.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert client.get_parent_run(child.info.run_id).info.run_id == parent.info.run_id
    dataset = run.inputs.dataset_inputs[0]
    assert (dataset.dataset.name, dataset.dataset.digest) == ("frame", data.digest)
    assert {tag.key: tag.value for tag in dataset.tags} == {"mlflow.data.context": "training", "k": "v"}
    client.delete_tag(run.info.run_id, "stage")
    assert "stage" not in client.get_run(run.info.run_id).data.tags
    client.delete_run(run.info.run_id)
    assert client.get_run(run.info.run_id).info.lifecycle_stage == "deleted"
    code, status, message = refusal(client.log_metric, run.info.run_id, "loss", 1)
    assert (code, status) == ("INVALID_PARAMETER_VALUE", 400) and "must be in the 'active' state" in message
    client.restore_run(run.info.run_id)
    client.update_run(run.info.run_id, status="FAILED", name="again")
    run = client.get_run(run.info.run_id)
    assert (run.info.status, run.info.run_name, run.data.tags["mlflow.runName"]) == ("FAILED", "again", "again")
    return run.info.run_id


def histories(experiment):
    run = client.create_run(experiment, start_time=1).info.run_id
    for first in range(0, 3000, 1000):
        steps = range(first, first + 1000)
        client.log_batch(run, metrics=[Metric("loss", 1 / (step + 1), 10_000 + step, step) for step in steps])
    client.log_batch(run, metrics=[Metric("loss", 1.0, 10_000, 0)], params=[Param("p", "1")], tags=[RunTag("t", "1")])
    history = client.get_metric_history(run, "loss")
    assert [(m.step, m.value, m.timestamp) for m in history] == [(step, 1 / (step + 1), 10_000 + step) for step in range(3000)]
    assert client.get_metric_history(run, "nothing") == []
    with mlflow.start_run(run_id=run):
        for step in range(50):
            mlflow.log_metric("later", step, step=step, synchronous=False)
        mlflow.flush_async_logging()
    assert sorted(m.step for m in client.get_metric_history(run, "later")) == list(range(50))
    client.set_terminated(run, "KILLED", end_time=int(time.time() * 1000))
    assert client.get_run(run).info.status == "KILLED"


def searches():
    experiment = mlflow.create_experiment("searched")
    for n in range(12):
        run = client.create_run(experiment, run_name=f"run {n:02}", start_time=n + 1, tags={"kind": "even" if n % 2 == 0 else "odd"})
        client.log_param(run.info.run_id, "depth", n // 4)
        if n != 11:
            client.log_metric(run.info.run_id, "loss", n / 10)
    names = lambda filter="", **more: [r.info.run_name for r in client.search_runs([experiment], filter, **more)]
    assert names("metrics.loss < 0.25") == ["run 02", "run 01", "run 00"]
    assert names("metrics.loss >= 0.8 and params.depth = '2' AND tags.kind = 'even'") == ["run 10", "run 08"]
    assert names("attributes.run_name LIKE 'run 0%' AND tags.kind != 'even'", order_by=["metrics.loss ASC"]) == [f"run {n:02}" for n in (1, 3, 5, 7, 9)]
    assert names(order_by=["metrics.loss DESC"])[:2] == ["run 10", "run 09"] and names(order_by=["metrics.loss DESC"])[-1] == "run 11"
    assert names("attributes.start_time > 10") == ["run 11", "run 10"]
    found, token = [], None
    while True:
        page = client.search_runs([experiment], max_results=5, page_token=token)
        found += [r.info.run_name for r in page]
        token = page.token
        if token is None:
            break
    assert found == [f"run {n:02}" for n in reversed(range(12))]
    frame = mlflow.search_runs([experiment], order_by=["attributes.start_time ASC"])
    assert list(frame["tags.mlflow.runName"]) == [f"run {n:02}" for n in range(12)]
    code, status, _ = refusal(names, "metrics.loss ~ 1")
    assert (code, status) == ("INVALID_PARAMETER_VALUE", 400)


def refusals(run):
    assert refusal(client.log_param, run, "depth", 4)[:2] == ("INVALID_PARAMETER_VALUE", 400)
    assert "was already logged with value='3'" in refusal(client.log_param, run, "depth", 4)[2]
    assert refusal(client.get_run, "0" * 32)[:2] == ("RESOURCE_DOES_NOT_EXIST", 404)
    assert refusal(client.delete_tag, run, "nothing")[:2] == ("RESOURCE_DOES_NOT_EXIST", 404)
    assert refusal(client.create_run, "999")[:2] == ("RESOURCE_DOES_NOT_EXIST", 404)
    assert refusal(client.search_runs, ["0"], page_token="garbage")[:2] == ("INVALID_PARAMETER_VALUE", 400)


experiment = experiments()
run = runs(experiment)
histories(experiment)
searches()
refusals(run)
