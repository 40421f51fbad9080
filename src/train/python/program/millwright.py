"""What a training script knows of Millwright.

    import millwright
    job = millwright.job()
    model = RandomForestClassifier(**job.params, random_state=job.seed).fit(job.X, job.y)
    job.save(model)

Nothing heavy is imported before it is asked for.
"""

import importlib.util
import json
import math
import os
import time
from functools import cached_property
from pathlib import Path

__all__ = ["Job", "job"]


class Job:
    """The data, the parameters, and where the results go."""

    def __init__(self, told):
        self.params = told["params"]
        self.seed = told["seed"]
        self.task = told["task"]
        """`binary-classification`, `multiclass-classification` or `regression`."""
        self.classes = told["classes"]
        self.features = [feature["name"] for feature in told["features"]]
        self.threads = told["threads"]
        self.data = Path(told["data"])
        """Parquet: a column for each feature, and `job.label`."""
        self.label = told["label"]
        self.output = Path(told["output"])
        """The folder that the model's files go to; `job.save` writes them, or the script itself writes `model.onnx`."""
        self._told = told
        self._events = None

    @cached_property
    def frame(self):
        """All columns, as pandas: numbers as float64 with NaN for missing, texts as objects with "" for missing."""
        import pandas

        table = pandas.read_parquet(self.data)
        texts = [feature["name"] for feature in self._told["features"] if feature["kind"] == "text"]
        return table.astype({name: object for name in texts})

    @property
    def X(self):
        """The features, as pandas."""
        return self.frame[self.features]

    @property
    def y(self):
        """What is to be learnt, as pandas: a class by its place in `job.classes`, or a number in regression."""
        return self.frame[self.label]

    def save(self, model, **options):
        """Writes the model to `job.output`: of scikit-learn, XGBoost, LightGBM, PyTorch, Keras or ONNX, or an object with predict_proba or predict.

        `output` says what a network gives: "probabilities", "logits" or "value". ValueError says what cannot be saved.
        """
        features, classes = self._told["features"], self.classes
        return _beside("frameworks").save(model, self.output, task=self.task, classes=classes, features=features, **options)

    def log(self, metrics=None, step=None, **more):
        """Numbers by name, at a step: the last of each is kept with the model, and all of them as curves where runs are tracked."""
        values = {name: _number(name, value) for name, value in {**(metrics or {}), **more}.items()}
        if values:
            self._tell({"metrics": values, "step": None if step is None else int(step), "at": int(time.time() * 1000)})

    def progress(self, done, total, note=None):
        """How much of the work is done."""
        self._tell({"progress": {"done": float(done), "total": float(total), "note": None if note is None else str(note)[:200]}})

    def _tell(self, event):
        if self._events is None:
            self._events = os.open(self._told["events"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(self._events, json.dumps(event).encode() + b"\n")


def _number(name, value):
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"the metric {name} must be a number, and not {value!r}") from None
    return number if math.isfinite(number) else str(number)


def _beside(name):
    """A module of Millwright that no module of the script's can stand in for."""
    spec = importlib.util.spec_from_file_location(f"millwright_{name}", Path(__file__).resolve().parent / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_job = None


def job():
    """The job that this script was started for. RuntimeError: it was not started by Millwright."""
    global _job
    if _job is None:
        path = os.environ.get("MILL_JOB")
        if path is None:
            raise RuntimeError("this script was not started by Millwright: name it in python({ script }) of mill.ts, and run `mill run`")
        with open(path, encoding="utf-8") as file:
            _job = Job(json.load(file))
    return _job
