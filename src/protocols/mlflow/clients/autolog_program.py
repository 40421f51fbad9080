"""Autologging of scikit-learn: what a fit leaves without a line of code, and the model loaded back."""
import os

os.environ["MLFLOW_AUTOLOGGING_TESTING"] = "true"  # what goes wrong in autologging is thrown, not warned of

import mlflow
import numpy
import pandas
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression

client = MlflowClient()
random = numpy.random.default_rng(7)
rows = pandas.DataFrame({"a": random.normal(size=200), "b": random.normal(size=200)})
label = (rows["a"] + 0.3 * rows["b"] > 0).astype(int)

mlflow.set_experiment("autolog")
mlflow.sklearn.autolog()
with mlflow.start_run() as active:
    model = LogisticRegression(C=0.5).fit(rows, label)
    model.score(rows, label)
run = client.get_run(active.info.run_id)

assert (run.info.status, run.data.params["C"], run.data.params["max_iter"]) == ("FINISHED", "0.5", "100")
assert run.data.tags["estimator_name"] == "LogisticRegression"
assert 0.9 < run.data.metrics["training_accuracy_score"] <= 1 and "training_log_loss" in run.data.metrics
assert [i.dataset.source_type for i in run.inputs.dataset_inputs] == ["code"]
logged = run.outputs.model_outputs[0].model_id
found = client.search_logged_models(experiment_ids=[run.info.experiment_id])
assert [m.model_id for m in found] == [logged]
assert {m.key for m in client.get_logged_model(logged).metrics} >= {"training_accuracy_score"}
loaded = mlflow.sklearn.load_model(f"models:/{logged}")
assert (loaded.predict(rows) == model.predict(rows)).all()
assert (mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model").predict(rows) == model.predict(rows)).all()
