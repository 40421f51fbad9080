"""A notebook run by papermill: what it logs stands in the tracking, and itself, executed, beside the run."""
import os
import tempfile

import papermill
from mlflow import MlflowClient

notebook = os.path.join(os.path.dirname(__file__), "fixtures", "ridge.ipynb")
executed = os.path.join(tempfile.mkdtemp(), "ridge.ipynb")
cells = papermill.execute_notebook(notebook, executed, {"alphas": [100.0, 0.1, 10.0]}, progress_bar=False)["cells"]
assert cells[-1]["outputs"][-1]["data"]["text/plain"].strip("'") == "1", cells[-1]["outputs"]

client = MlflowClient()
experiment = client.get_experiment_by_name("notebook").experiment_id
runs = client.search_runs([experiment], order_by=["metrics.r2 DESC"])
assert [run.data.params.get("alpha") for run in runs] == ["0.1", "10.0", "100.0", None]
parent = runs[-1].info.run_id
assert {run.data.tags["mlflow.parentRunId"] for run in runs[:-1]} == {parent}
client.log_artifact(parent, executed, "notebooks")
assert [file.path for file in client.list_artifacts(parent, "notebooks")] == ["notebooks/ridge.ipynb"]
assert client.get_model_version_by_alias("ridge", "champion").run_id == runs[0].info.run_id
