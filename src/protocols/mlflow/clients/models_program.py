"""Files of runs, a scikit-learn model logged by hand, and the registry: registered, loaded back by alias, described, moved, refused."""
import filecmp
import os
import tempfile

import mlflow
import numpy
from mlflow import MlflowClient, MlflowException
from sklearn.linear_model import LogisticRegression

client = MlflowClient()
folder = tempfile.mkdtemp()


def refusal(call, *args, **more):
    try:
        call(*args, **more)
    except MlflowException as error:
        return error.error_code
    raise AssertionError("was not refused")


def files(run):
    os.makedirs(f"{folder}/tree/sub/deep")
    for path, text in {"a.txt": "hello", "sub/ü n.json": "{}", "sub/deep/empty": ""}.items():
        with open(f"{folder}/tree/{path}", "w") as file:
            file.write(text)
    mlflow.log_artifact(f"{folder}/tree/a.txt")
    mlflow.log_artifacts(f"{folder}/tree", "tree")
    mlflow.log_dict({"a": 1}, "d.json")
    listed = [(f.path, f.is_dir, f.file_size) for f in client.list_artifacts(run)]
    assert listed == [("a.txt", False, 5), ("d.json", False, 12), ("tree", True, None)]
    assert [f.path for f in client.list_artifacts(run, "tree/sub")] == ["tree/sub/deep", "tree/sub/ü n.json"]
    fetched = client.download_artifacts(run, "tree")
    assert not filecmp.dircmp(fetched, f"{folder}/tree").diff_files
    assert open(f"{fetched}/sub/ü n.json").read() == "{}" and os.path.exists(f"{fetched}/sub/deep/empty")
    assert refusal(client.download_artifacts, run, "nothing") in ("INTERNAL_ERROR", "RESOURCE_DOES_NOT_EXIST")


def in_parts(run):
    """A file that the client sends in parts of 5 MiB at once."""
    with open(f"{folder}/big", "wb") as file:
        file.write(os.urandom(1 << 20) * 12)
    settings = {"ENABLE_PROXY_MULTIPART_UPLOAD": "true", "MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": "1000000", "MULTIPART_UPLOAD_CHUNK_SIZE": str(5 << 20)}
    os.environ.update({f"MLFLOW_{name}": value for name, value in settings.items()})
    mlflow.log_artifact(f"{folder}/big", "parts")
    for name in settings:
        del os.environ[f"MLFLOW_{name}"]
    assert filecmp.cmp(client.download_artifacts(run, "parts/big"), f"{folder}/big", shallow=False)


def models(run):
    X = numpy.random.default_rng(7).normal(size=(200, 3))
    model = LogisticRegression().fit(X, X[:, 0] > 0)
    info = mlflow.sklearn.log_model(model, name="linear", pip_requirements=["scikit-learn"], params={"C": 1.0}, tags={"k": "v"})
    mlflow.log_metric("auc", 0.9, model_id=info.model_id)
    found = mlflow.search_logged_models(filter_string="metrics.auc > 0.8 AND name = 'linear'", output_format="list")
    assert [(m.model_id, m.params, m.metrics[0].value) for m in found] == [(info.model_id, {"C": "1.0"}, 0.9)]
    mlflow.set_logged_model_tags(info.model_id, {"a": "b"})
    client.delete_logged_model_tag(info.model_id, "k")
    assert {k: v for k, v in client.get_logged_model(info.model_id).tags.items() if not k.startswith("mlflow.")} == {"a": "b"}
    assert [m.model_id for m in client.get_run(run).outputs.model_outputs] == [info.model_id]

    assert mlflow.register_model(info.model_uri, "churn", tags={"x": "1"}).version in (1, "1")
    client.set_registered_model_alias("churn", "best", "1")
    for uri in ("models:/churn@best", "models:/churn/1", "models:/churn/latest", info.model_uri):
        assert (mlflow.sklearn.load_model(uri).predict(X) == model.predict(X)).all(), uri
    assert client.get_model_version_by_alias("churn", "best").tags == {"x": "1"}
    return info


def registry(run, info):
    client.update_registered_model("churn", "who leaves")
    client.set_registered_model_tag("churn", "team", "a")
    client.update_model_version("churn", "1", "the first")
    client.set_model_version_tag("churn", "1", "k", "v")
    second = client.create_model_version("churn", "models:/churn/1", run_id=run)
    assert (str(second.version), second.source, second.status) == ("2", "models:/churn/1", "READY")
    assert client.get_model_version_download_uri("churn", "2") == client.get_logged_model(info.model_id).artifact_location
    versions = client.search_model_versions("name = 'churn'", order_by=["version_number ASC"])
    assert [(str(v.version), v.description, v.tags) for v in versions] == [("1", "the first", {"x": "1", "k": "v"}), ("2", None, {})]
    assert [m.name for m in client.search_registered_models("name LIKE 'ch%' AND tags.team = 'a'")] == ["churn"]
    client.transition_model_version_stage("churn", "1", "Production")
    client.transition_model_version_stage("churn", "2", "production", archive_existing_versions=True)
    latest = client.get_latest_versions("churn", stages=["Production", "Archived"])
    assert sorted((v.current_stage, str(v.version)) for v in latest) == [("Archived", "1"), ("Production", "2")]
    client.rename_registered_model("churn", "attrition")
    client.delete_model_version_tag("attrition", "1", "k")
    client.delete_registered_model_tag("attrition", "team")
    client.delete_registered_model_alias("attrition", "best")
    client.delete_model_version("attrition", "2")
    assert str(client.create_model_version("attrition", f"models:/{info.model_id}", model_id=info.model_id).version) == "3"
    client.copy_model_version("models:/attrition/1", "copied")
    found = client.get_registered_model("attrition")
    assert (found.description, found.tags, found.aliases) == ("who leaves", {}, {})

    assert refusal(client.get_registered_model, "churn") == "RESOURCE_DOES_NOT_EXIST"
    assert refusal(client.create_registered_model, "attrition") == "RESOURCE_ALREADY_EXISTS"
    assert refusal(client.get_model_version, "attrition", "77") == "RESOURCE_DOES_NOT_EXIST"
    for call, args in [
        (client.create_registered_model, ["a/b"]),
        (client.get_model_version_by_alias, ["attrition", "none"]),
        (client.create_model_version, ["attrition", "/etc/passwd"]),
        (client.create_model_version, ["attrition", "s3://b/%252e%252e/x"]),
        (client.set_registered_model_alias, ["attrition", "v1", "1"]),
        (client.transition_model_version_stage, ["attrition", "1", "Done"]),
        (client.search_model_versions, ["owner = 'a'"]),
    ]:
        assert refusal(call, *args) == "INVALID_PARAMETER_VALUE", args
    client.delete_registered_model("attrition")
    assert [m.name for m in client.search_registered_models()] == ["copied"]


mlflow.set_experiment("models")
with mlflow.start_run() as active:
    files(active.info.run_id)
    in_parts(active.info.run_id)
    registry(active.info.run_id, models(active.info.run_id))
