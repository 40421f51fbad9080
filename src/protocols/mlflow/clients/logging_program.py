"""What goes beside a script: batches in the background, measures of the machine, tables, figures, and a file larger than a server may hold in memory."""
import filecmp
import os
import tempfile
import time

import mlflow
import pandas
from matplotlib.figure import Figure
from mlflow import MlflowClient

client = MlflowClient()
folder = tempfile.mkdtemp()
LARGE_BYTES = 100 << 20


def peak_bytes():
    """The most memory that the server has had."""
    with open(f"/proc/{os.environ['MILL_PID']}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) << 10


def in_background():
    mlflow.config.enable_async_logging()
    with mlflow.start_run() as active:
        for step in range(300):
            mlflow.log_metrics({"loss": 1 / (step + 1), "acc": step / 300}, step=step)
        mlflow.log_params({"rate": 0.1})
        mlflow.set_tag("kind", "async")
    mlflow.flush_async_logging()
    mlflow.config.enable_async_logging(False)
    run = client.get_run(active.info.run_id)
    assert [point.step for point in client.get_metric_history(run.info.run_id, "loss")] == list(range(300))
    assert (run.data.params, run.data.tags["kind"], run.data.metrics["acc"]) == ({"rate": "0.1"}, "async", 299 / 300)


def of_the_machine():
    mlflow.set_system_metrics_sampling_interval(0.1)
    mlflow.set_system_metrics_samples_before_logging(1)
    with mlflow.start_run(log_system_metrics=True) as active:
        while "system/cpu_utilization_percentage" not in client.get_run(active.info.run_id).data.metrics:
            time.sleep(0.1)
    found = client.search_runs([active.info.experiment_id], "metrics.`system/cpu_utilization_percentage` >= 0")
    assert [run.info.run_id for run in found] == [active.info.run_id]


def files():
    with mlflow.start_run() as active:
        run = active.info.run_id
        mlflow.log_table({"question": ["a", "ü"], "answer": [1, 2]}, "answers.json")
        mlflow.log_table({"question": ["c"], "answer": [3]}, "answers.json")
        figure = Figure()
        figure.subplots().plot([1, 2])
        mlflow.log_figure(figure, "plots/line.png")
        mlflow.log_text("words", "notes/a.txt")
    assert list(mlflow.load_table("answers.json", run_ids=[run])["question"]) == ["a", "ü", "c"]
    assert mlflow.artifacts.load_text(f"runs:/{run}/notes/a.txt") == "words"
    with open(client.download_artifacts(run, "plots/line.png"), "rb") as png:
        assert png.read(8) == b"\x89PNG\r\n\x1a\n"


def large():
    with open(f"{folder}/large", "wb") as file:
        for _ in range(LARGE_BYTES >> 20):
            file.write(os.urandom(1 << 20))
    before = peak_bytes()
    with mlflow.start_run() as active:
        mlflow.log_artifact(f"{folder}/large")
    fetched = client.download_artifacts(active.info.run_id, "large")
    assert filecmp.cmp(fetched, f"{folder}/large", shallow=False)
    assert peak_bytes() - before < LARGE_BYTES / 2


def frames():
    frame = mlflow.search_runs(search_all_experiments=True, filter_string="tags.kind = 'async'")
    assert isinstance(frame, pandas.DataFrame) and list(frame["metrics.acc"]) == [299 / 300] and list(frame["params.rate"]) == ["0.1"]


mlflow.set_experiment("logged beside")
in_background()
of_the_machine()
files()
large()
frames()
