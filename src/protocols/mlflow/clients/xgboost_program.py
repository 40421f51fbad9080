"""Autologging of XGBoost: a curve for each measure, importances as files, and the model registered, loaded back by its alias, deleted and restored."""
import os

os.environ["MLFLOW_AUTOLOGGING_TESTING"] = "true"  # what goes wrong in autologging is thrown, not warned of

import mlflow
import numpy
import xgboost
from mlflow import MlflowClient

client = MlflowClient()
random = numpy.random.default_rng(7)
X = random.normal(size=(300, 4))
data = xgboost.DMatrix(X, (X[:, 0] - X[:, 1] > 0).astype(int))

mlflow.set_experiment("xgboost")
mlflow.xgboost.autolog(registered_model_name="leaves", model_format="json")
with mlflow.start_run() as active:
    booster = xgboost.train({"objective": "binary:logistic", "eval_metric": ["logloss", "auc"], "max_depth": 3}, data, 12, evals=[(data, "train")])
run = client.get_run(active.info.run_id)

assert (run.info.status, run.data.params["max_depth"], run.data.params["num_boost_round"]) == ("FINISHED", "3", "12")
losses = [point.value for point in client.get_metric_history(run.info.run_id, "train-logloss")]
assert len(losses) == 12 and losses == sorted(losses, reverse=True) and run.data.metrics["train-logloss"] == losses[-1]
assert "feature_importance_weight.json" in [file.path for file in client.list_artifacts(run.info.run_id)]
assert {tag.value for i in run.inputs.dataset_inputs for tag in i.tags if tag.key == "mlflow.data.context"} == {"train", "eval"}

client.set_registered_model_alias("leaves", "champion", "1")
for uri in ("models:/leaves@champion", f"models:/{run.outputs.model_outputs[0].model_id}"):
    assert (mlflow.xgboost.load_model(uri).predict(data) == booster.predict(data)).all(), uri
assert client.get_model_version_by_alias("leaves", "champion").run_id == run.info.run_id
client.delete_run(run.info.run_id)
assert client.search_runs([run.info.experiment_id]) == []
client.restore_run(run.info.run_id)
assert [found.info.run_id for found in client.search_runs([run.info.experiment_id], "metrics.`train-auc` > 0.9 AND params.max_depth = '3'")] == [run.info.run_id]
