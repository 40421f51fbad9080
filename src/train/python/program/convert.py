"""Makes one ONNX graph of a saved model: `convert.py FOLDER JOB.json OUT`, in an environment that has the framework's converter.

Leaves OUT/model.onnx and OUT/converted.json: `matrix`, whether the graph reads one matrix of the columns instead of one input for each; or `why` there is none.
Where the converter lets us say so, operators are those that today's runtimes all read.
"""

import json
import os
import sys
import traceback
from pathlib import Path

sys.path.append(os.path.dirname(os.path.abspath(__file__)))
OPSETS = {"": 17, "ai.onnx.ml": 3}
ONNXMLTOOLS_OPSET = 15  # its newest


def main(folder, job, out):
    import frameworks

    names = [feature["name"] for feature in job["features"]]
    texts = [feature["name"] for feature in job["features"] if feature["kind"] == "text"]
    about = frameworks.describe(folder, names, texts, job["task"])
    try:
        converted = CONVERTERS[about["framework"]](Path(folder) / about["file"], about, out / "model.onnx")
    except BaseException as error:
        traceback.print_exc()
        converted = {"why": f"{type(error).__name__}: {error}".splitlines()[0][:500]}
    (out / "converted.json").write_text(json.dumps({**about, **converted}))


def from_scikit_learn(path, about, onnx):
    from frameworks import undump
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    model = undump(path)
    repair_booleans()
    repair_missing()
    register_boosters(model)
    columns, texts = about["columns"], set(about["texts"])
    matrix = not texts & set(columns) and not any(type(part).__name__ == "ColumnTransformer" for part in parts_of(model))
    if matrix:
        types = [("X", FloatTensorType([None, len(columns)]))]
    else:
        types = [(name, (StringTensorType if name in texts else FloatTensorType)([None, 1])) for name in columns]
    options = {id(model): {"zipmap": False}} if hasattr(model, "classes_") else None
    return written(to_onnx(model, initial_types=types, options=options, target_opset=OPSETS), onnx, matrix)


def repair_booleans():
    """skl2onnx 1.20 gives booleans as integers for histogram boosting, and protobuf takes them no more."""
    from onnx import helper

    make = helper.make_attribute

    def as_integers(key, value, *rest, **named):
        if isinstance(value, (list, tuple)) and any(type(each).__name__ in ("bool", "bool_") for each in value):
            value = [int(each) for each in value]
        return make(key, value, *rest, **named)

    helper.make_attribute = as_integers


def repair_missing():
    """skl2onnx 1.20 forgets which way a missing value goes in trees other than those of histogram boosting."""
    from skl2onnx.operator_converters import decision_tree, gradient_boosting, random_forest

    add = random_forest.add_tree_to_attribute_pairs

    def with_missing(attributes, is_classifier, tree, *rest, **named):
        add(attributes, is_classifier, tree, *rest, **named)
        goes_left = getattr(tree, "missing_go_to_left", None)
        if goes_left is not None:
            nodes = zip(goes_left, tree.children_left)
            attributes["nodes_missing_value_tracks_true"][-tree.node_count :] = [int(left and child >= 0) for left, child in nodes]

    for module in (decision_tree, gradient_boosting, random_forest):
        module.add_tree_to_attribute_pairs = with_missing


def parts_of(model):
    """A pipeline's steps, at any depth, and the model itself."""
    nested = [step[1] for name in ("steps", "transformers", "transformers_", "estimators") for step in pairs(getattr(model, name, ()))]
    return [model, *(part for step in nested for part in parts_of(step))]


def pairs(steps):
    return [step for step in steps if isinstance(step, tuple) and len(step) > 1] if isinstance(steps, list) else []


def register_boosters(model):
    """Boosters as the last step of a pipeline: skl2onnx asks their converters where they are installed."""
    from skl2onnx import update_registered_converter

    for part in parts_of(model):
        package = type(part).__module__.split(".")[0]
        if package not in ("xgboost", "lightgbm"):
            continue
        from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes as classes
        from skl2onnx.common.shape_calculator import calculate_linear_regressor_output_shapes as value

        if package == "xgboost":
            from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost as convert
        else:
            from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm as convert
        is_classifier = hasattr(part, "predict_proba")
        options = {"nocl": [True, False], "zipmap": [True, False, "columns"]} if is_classifier else {"split": None}
        shapes = classes if is_classifier else value
        update_registered_converter(type(part), package + type(part).__name__, shapes, convert, options=options)


def from_xgboost(path, about, onnx):
    import xgboost
    from onnxmltools.convert import convert_xgboost

    booster = xgboost.Booster(model_file=path)
    booster.feature_names = None  # the converter knows columns by their number alone
    return written(convert_xgboost(booster, initial_types=one_matrix(about), target_opset=ONNXMLTOOLS_OPSET), onnx, True)


def from_lightgbm(path, about, onnx):
    import lightgbm
    from onnxmltools.convert import convert_lightgbm

    booster = lightgbm.Booster(model_file=path)
    return written(convert_lightgbm(booster, initial_types=one_matrix(about), zipmap=False, target_opset=ONNXMLTOOLS_OPSET), onnx, True)


def one_matrix(about):
    from onnxmltools.convert.common.data_types import FloatTensorType

    if about["texts"]:
        raise ValueError("the converter reads no texts")
    return [("X", FloatTensorType([None, len(about["columns"])]))]


def from_pytorch(path, about, onnx):
    import torch

    program = torch.export.load(str(path))
    torch.onnx.export(program, dynamo=True, external_data=False, optimize=True).save(str(onnx), external_data=False)
    return {"matrix": True}


def from_keras(path, about, onnx):
    import keras
    import tensorflow
    import tf2onnx
    from onnx import numpy_helper

    model = keras.models.load_model(path, compile=False)
    shape = [None, *model.input_shape[1:]]
    asked = tensorflow.function(lambda X: model(X, training=False), input_signature=[tensorflow.TensorSpec(shape, tensorflow.float32, name="X")])
    graph, _ = tf2onnx.convert.from_function(asked, input_signature=asked.input_signature, opset=OPSETS[""])
    wanted = {value.name for value in graph.graph.input}
    for value, inner in asked.get_concrete_function().graph.captures:  # what layers hold besides variables: the converter makes inputs of it
        if inner.name in wanted:
            graph.graph.initializer.append(numpy_helper.from_array(value.numpy(), inner.name))
    return written(graph, onnx, True)


def as_it_is(path, about, onnx):
    onnx.write_bytes(path.read_bytes())
    return {"matrix": None}


def written(model, onnx, matrix):
    onnx.write_bytes(model.SerializeToString())
    return {"matrix": matrix}


def refuse(path, about, onnx):
    raise ValueError("nothing makes an ONNX graph of this object")


CONVERTERS = {
    "scikit-learn": from_scikit_learn,
    "xgboost": from_xgboost,
    "lightgbm": from_lightgbm,
    "pytorch": from_pytorch,
    "keras": from_keras,
    "onnx": as_it_is,
    "object": refuse,
}

if __name__ == "__main__":
    with open(sys.argv[2]) as file:
        main(sys.argv[1], json.load(file), Path(sys.argv[3]))
