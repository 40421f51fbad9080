"""Models of each framework: how one is saved, loaded and asked. Frameworks are imported only when a model of theirs is at hand.

A saved model is a folder with `millwright.json`, which says how to read the rest. Rows are a dictionary from a feature's name to a vector: of float64, where
NaN is missing, or of texts, where "" is missing. Answers are float64 [rows, outputs]: in classification of two classes the probability of the second, of
more classes those of all in the order of the job's, in regression the value.
"""

import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path

DESCRIPTION = "millwright.json"
OUTPUTS = ("probabilities", "logits", "value")


def save(model, folder, *, task, classes, features, output=None):
    """Writes `model` to `folder`; its description. `output` says what a network gives: "probabilities", "logits" or "value".

    ValueError says what cannot be saved, and what to do.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if output not in (None, *OUTPUTS):
        raise ValueError(f'output="{output}" is not known: give one of {", ".join(OUTPUTS)}')
    names = [feature["name"] for feature in features]
    framework = framework_of(model, task)
    about = {"framework": framework.name, "output": "value" if task == "regression" else output or "probabilities"}
    about |= {"columns": names, "texts": [feature["name"] for feature in features if feature["kind"] == "text"], "places": None}
    about |= framework.save(model, folder, {**about, "asked": output, "task": task, "classes": list(classes)})
    (folder / DESCRIPTION).write_text(json.dumps(about))
    return about


def describe(folder, names=(), texts=(), task=None):
    """The description of a folder; one that a script wrote as `model.onnx` alone has none of its own. ValueError: there is no model."""
    folder = Path(folder)
    if (folder / DESCRIPTION).exists():
        return json.loads((folder / DESCRIPTION).read_text())
    if (folder / "model.onnx").exists():
        output = "value" if task == "regression" else "probabilities"
        return {"framework": "onnx", "file": "model.onnx", "output": output, "columns": list(names), "texts": list(texts), "places": None}
    raise ValueError("the script saved no model: call job.save(model), or write model.onnx to job.output")


def load(folder, *, task, classes, features, threads=1):
    """A function from rows to answers."""
    texts = [feature["name"] for feature in features if feature["kind"] == "text"]
    about = describe(folder, [feature["name"] for feature in features], texts, task)
    found = next(framework for framework in FRAMEWORKS if framework.name == about["framework"])
    ask = found.load(Path(folder) / about["file"], about, threads)

    def predict(rows):
        return answers(ask({name: rows[name] for name in about["columns"]}), about, task, len(classes))

    return predict


def framework_of(model, task):
    found = next((framework for framework in FRAMEWORKS if framework.owns(model)), None)
    if found is None:
        raise ValueError(
            f"a model of {type(model).__module__}.{type(model).__name__} cannot be saved: give a model of scikit-learn, XGBoost, LightGBM, PyTorch or Keras, "
            "an ONNX file, or an object with predict_proba or predict"
        )
    if found.asks_proba and task != "regression" and not hasattr(model, "predict_proba"):
        raise ValueError(
            f"{type(model).__name__} has no predict_proba: a classifier must give probabilities (in scikit-learn, CalibratedClassifierCV around it does)"
        )
    return found


def answers(raw, about, task, count):
    """What a model gave, as float64 [rows, outputs]."""
    import numpy

    raw = numpy.asarray(raw, dtype=numpy.float64)
    raw = raw.reshape(len(raw), -1)
    if task == "regression":
        if raw.shape[1] != 1:
            raise ValueError(f"a regression gives one value for each row, and not {raw.shape[1]}")
        return raw
    width = raw.shape[1]
    if about["output"] == "logits":
        raw = 1 / (1 + numpy.exp(-raw)) if width == 1 else softmax(raw)
    if about["places"] is not None:
        every = numpy.zeros((len(raw), count))
        every[:, about["places"]] = raw
        raw, width = every, count
    if count == 2:
        return raw[:, -1:] if width <= 2 else refuse_width(width, count)
    return raw if width == count else refuse_width(width, count)


def softmax(scores):
    import numpy

    powers = numpy.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def refuse_width(width, count):
    raise ValueError(f"the model gives {width} columns for {count} classes")


def matrix(rows, dtype="float32"):
    """Rows as one matrix; ValueError when there are texts among them."""
    import numpy

    for name, values in rows.items():
        if values.dtype == object:
            raise ValueError(f'the feature "{name}" holds texts, which a model of one matrix of numbers cannot read')
    return numpy.stack(list(rows.values()), axis=1).astype(dtype)


def frame(rows, text_type=object):
    import pandas

    return pandas.DataFrame({name: values if values.dtype != object else pandas.Series(values, dtype=text_type) for name, values in rows.items()})


def columns_of(names, about):
    """The features that the model names as its own, else all of them."""
    names = None if names is None else [str(name) for name in names]
    return names if names and set(names) <= set(about["columns"]) else about["columns"]


def places_of(labels, classes):
    """For each of the model's classes its place among the job's: a number is a place, a text is a name. None: they are the same."""
    places = []
    for label in labels:
        is_name = isinstance(label, str)
        place = classes.index(label) if is_name and label in classes else -1 if is_name else int(label)
        if not 0 <= place < len(classes):
            raise ValueError(f"the model knows a class {label!r}, which the job does not have: fit it on job.y")
        places.append(place)
    return None if places == list(range(len(classes))) else places


def is_of(model, *packages):
    return any(base.__module__.split(".")[0] in packages for base in type(model).__mro__)


class Onnx:
    name = "onnx"
    asks_proba = False

    def owns(self, model):
        return (isinstance(model, (str, os.PathLike)) and str(model).endswith(".onnx")) or is_of(model, "onnx")

    def save(self, model, folder, about):
        target = folder / "model.onnx"
        if not isinstance(model, (str, os.PathLike)):
            target.write_bytes(model.SerializeToString())
        elif Path(model).resolve() != target.resolve():
            shutil.copyfile(model, target)
        return {"file": "model.onnx"}

    def load(self, path, about, threads):
        import numpy
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        types = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(int64)": "int64", "tensor(string)": object}
        inputs = session.get_inputs()

        def ask(rows):
            if len(inputs) == 1 and len(rows) > 1:
                feeds = {inputs[0].name: matrix(rows, types[inputs[0].type])}
            else:
                feeds = {each.name: rows[each.name].reshape(-1, 1).astype(types[each.type]) for each in inputs}
            found = session.run(None, feeds)
            return next(each for each in reversed(found) if isinstance(each, numpy.ndarray) and each.dtype.kind == "f")

        return ask


class Xgboost:
    name = "xgboost"
    asks_proba = False

    def owns(self, model):
        return is_of(model, "xgboost")

    def save(self, model, folder, about):
        booster = model.get_booster() if hasattr(model, "get_booster") else model
        best = booster.attr("best_iteration")
        if best is not None:
            booster = booster[: int(best) + 1]
        objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
        if objective == "multi:softmax" and hasattr(model, "get_booster"):
            booster.set_param({"objective": "multi:softprob"})
        elif about["task"] != "regression" and objective not in ("binary:logistic", "multi:softprob", "binary:logitraw"):
            raise ValueError(f"the objective {objective} gives no probabilities: use binary:logistic or multi:softprob")
        booster.save_model(folder / "model.xgboost.json")
        output = {"output": "logits"} if objective == "binary:logitraw" else {}
        return {"file": "model.xgboost.json", "columns": columns_of(booster.feature_names, about), **output}

    def load(self, path, about, threads):
        import xgboost

        booster = xgboost.Booster({"nthread": threads})
        booster.load_model(path)

        def ask(rows):
            if about["texts"]:
                data = xgboost.DMatrix(frame(rows, "category"), enable_categorical=True)
            else:
                data = xgboost.DMatrix(matrix(rows), feature_names=booster.feature_names, feature_types=booster.feature_types)
            return booster.predict(data)

        return ask


class Lightgbm:
    name = "lightgbm"
    asks_proba = False

    def owns(self, model):
        return is_of(model, "lightgbm")

    def save(self, model, folder, about):
        booster = getattr(model, "booster_", model)
        booster.save_model(folder / "model.lightgbm.txt")
        places = places_of(model.classes_, about["classes"]) if about["task"] != "regression" and hasattr(model, "classes_") else None
        return {"file": "model.lightgbm.txt", "columns": columns_of(booster.feature_name(), about), "places": places}

    def load(self, path, about, threads):
        import lightgbm

        booster = lightgbm.Booster(model_file=path)

        def ask(rows):
            data = frame(rows, "category") if about["texts"] else matrix(rows, "float64")
            return booster.predict(data, num_threads=threads)

        return ask


class Pytorch:
    """A module takes float32 [rows, features] and gives logits, unless it is told otherwise. It is kept as a graph: the script's classes are not needed."""

    name = "pytorch"
    asks_proba = False

    def owns(self, model):
        return is_of(model, "torch")

    def save(self, model, folder, about):
        import torch

        if about["texts"]:
            raise ValueError(f"a PyTorch module reads numbers: make numbers of {', '.join(about['texts'])} with features, or use a scikit-learn pipeline")
        if not isinstance(model, torch.export.ExportedProgram):
            example = torch.zeros(3, len(about["columns"]))
            try:
                model = torch.export.export(model.cpu().eval(), (example,), dynamic_shapes=({0: torch.export.Dim("rows")},))
            except Exception as error:
                raise ValueError(f"torch.export cannot make a graph of the module for [rows, {example.shape[1]}]: {error}") from error
        torch.export.save(model, str(folder / "model.pt2"))
        return {"file": "model.pt2", "output": "value" if about["task"] == "regression" else about["asked"] or "logits"}

    def load(self, path, about, threads):
        import torch

        torch.set_num_threads(threads)
        module = torch.export.load(str(path)).module()

        def ask(rows):
            with torch.no_grad():
                return module(torch.from_numpy(matrix(rows))).numpy()

        return ask


class Keras:
    """A model takes float32 [rows, features], or another shape of as many numbers; an activation at its end says what it gives."""

    name = "keras"
    asks_proba = False

    def owns(self, model):
        return is_of(model, "keras", "tf_keras")

    def save(self, model, folder, about):
        if about["texts"]:
            raise ValueError(f"a Keras model reads numbers: make numbers of {', '.join(about['texts'])} with features, or use a scikit-learn pipeline")
        model.save(folder / "model.keras")
        activation = getattr(getattr(model.layers[-1], "activation", None), "__name__", "")
        found = "probabilities" if activation in ("sigmoid", "softmax") else "logits"
        return {"file": "model.keras", "output": "value" if about["task"] == "regression" else about["asked"] or found}

    def load(self, path, about, threads):
        import keras

        model = keras.models.load_model(path, compile=False)
        shape = [-1, *model.input_shape[1:]]
        return lambda rows: keras.ops.convert_to_numpy(model(matrix(rows).reshape(shape), training=False))


class Pickled:
    """An object with predict_proba or predict; of scikit-learn, or whatever else the script made."""

    asks_proba = True

    def __init__(self, name, *packages):
        self.name = name
        self.packages = packages

    def owns(self, model):
        return is_of(model, *self.packages) if self.packages else hasattr(model, "predict_proba") or hasattr(model, "predict")

    def save(self, model, folder, about):
        dump(model, folder / "model.pickle")
        labels = getattr(model, "classes_", None) if about["task"] != "regression" else None
        places = None if labels is None else places_of(list(labels), about["classes"])
        names = getattr(model, "feature_names_in_", None)
        return {"file": "model.pickle", "columns": columns_of(names, about), "places": places, "named": names is not None or not self.packages}

    def load(self, path, about, threads):
        model = undump(path)
        if about["named"]:
            import pandas  # noqa: F401  here, and not with the first rows
        method = model.predict if about["output"] == "value" else model.predict_proba
        as_rows = (lambda rows: frame(rows)) if about["named"] else (lambda rows: matrix(rows, "float64"))
        return lambda rows: method(as_rows(rows))


def dump(model, path):
    """What the script itself defines comes along only with cloudpickle: in the worker there is no script."""
    if importlib.util.find_spec("cloudpickle"):
        import cloudpickle

        beside = os.getcwd() + os.sep
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None) or ""
            if file.startswith(beside) and "site-packages" not in file and module.__name__ != "__main__":
                cloudpickle.register_pickle_by_value(module)
        return path.write_bytes(cloudpickle.dumps(model))
    import pickle

    data = pickle.dumps(model, protocol=5)
    if b"__main__" in data:
        raise ValueError("the model holds classes or functions of the script, which only the script could load: add cloudpickle to the requirements")
    path.write_bytes(data)


def undump(path):
    import pickle

    with open(path, "rb") as file:
        return pickle.load(file)


FRAMEWORKS = [Onnx(), Xgboost(), Lightgbm(), Pytorch(), Keras(), Pickled("scikit-learn", "sklearn"), Pickled("object")]
