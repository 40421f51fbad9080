"""Four clients log at once when the server is killed under them; once it is back, whatever was acknowledged is there."""
import os
import signal
import tempfile
import threading
import time

import mlflow
from mlflow import MlflowClient, MlflowException
from mlflow.entities import Metric, Param, RunTag

ENOUGH = 200
experiment = mlflow.create_experiment("killed")
note = os.path.join(tempfile.mkdtemp(), "note.txt")
with open(note, "w") as file:
    file.write("kept")
enough = threading.Event()
acknowledged = {}


def write(name):
    client = MlflowClient()
    client.create_registered_model(name)
    run = client.create_run(experiment, run_name=name).info.run_id
    steps, files, versions = acknowledged[run] = ([], [], [])
    try:
        for step in range(100_000):
            metrics = [Metric(f"loss {n}", step / 7 + n, step, step) for n in range(20)]
            client.log_batch(run, metrics, [Param(f"p{step}", str(step))] if step < 50 else [], [RunTag("newest", str(step))])
            steps.append(step)
            if step % 10 == 0:
                client.log_artifact(run, note, f"at {step}")
                files.append(step)
                versions.append(client.create_model_version(name, f"mlflow-artifacts:/{experiment}/{run}/artifacts/at {step}", run).version)
            if sum(len(written) for written, *_ in acknowledged.values()) >= ENOUGH:
                enough.set()
    except MlflowException as error:
        assert "Max retries exceeded" in str(error) or "Connection aborted" in str(error), error


writers = [threading.Thread(target=write, args=[f"writer {n}"]) for n in range(4)]
for writer in writers:
    writer.start()
enough.wait()
os.kill(int(os.environ["MILL_PID"]), signal.SIGKILL)
for writer in writers:
    writer.join()

while not os.path.exists(os.environ["BACK_AT"]):
    time.sleep(0.05)
with open(os.environ["BACK_AT"]) as file:
    mlflow.set_tracking_uri(file.read())
client = MlflowClient()
assert len(acknowledged) == 4
for run, (steps, files, versions) in acknowledged.items():
    found = client.get_run(run)
    assert steps and int(found.data.tags["newest"]) >= steps[-1]
    assert all(found.data.params[f"p{step}"] == str(step) for step in steps if step < 50)
    for n in (0, 19):
        history = {point.step: point.value for point in client.get_metric_history(run, f"loss {n}")}
        assert all(history[step] == step / 7 + n for step in steps)
    for step in files:
        with open(client.download_artifacts(run, f"at {step}/note.txt")) as file:
            assert file.read() == "kept"
    there = {version.version for version in client.search_model_versions(f"run_id = '{run}'")}
    assert there >= set(versions)
    client.log_metric(run, "after", 1)
