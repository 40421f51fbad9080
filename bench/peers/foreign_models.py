"""Small tree and linear models of other libraries as ONNX files, for the test of their import: `python foreign_models.py FOLDER`.

Needs skl2onnx, onnxmltools, packaging and onnxconverter-common beside requirements.txt.
"""

import sys
from pathlib import Path

import numpy as np
from lightgbm import LGBMClassifier, LGBMRegressor
from onnxmltools.convert import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingClassifier, GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from xgboost import XGBClassifier, XGBRegressor

folder = Path(sys.argv[1])
seed = {"random_state": 0}
small = {"max_depth": 4, **seed}
DATA = {
    "breast-cancer": load_breast_cancer(return_X_y=True),
    "iris": load_iris(return_X_y=True),
    "diabetes": load_diabetes(return_X_y=True, scaled=False),
}
MODELS = {
    "breast-cancer": {
        "random-forest": RandomForestClassifier(8, **small),
        "gradient-boosting": GradientBoostingClassifier(n_estimators=8, **seed),
        "logistic-regression": LogisticRegression(max_iter=5000),
        "lightgbm": LGBMClassifier(n_estimators=8, verbose=-1, **small),
        "xgboost": XGBClassifier(n_estimators=8, **small),
    },
    "iris": {
        "random-forest": RandomForestClassifier(8, **small),
        "logistic-regression": LogisticRegression(max_iter=5000),
        "lightgbm": LGBMClassifier(n_estimators=8, verbose=-1, **small),
        "xgboost": XGBClassifier(n_estimators=8, **small),
    },
    "diabetes": {
        "extra-trees": ExtraTreesRegressor(8, **small),
        "gradient-boosting": GradientBoostingRegressor(n_estimators=8, **seed),
        "linear-regression": LinearRegression(),
        "lightgbm": LGBMRegressor(n_estimators=8, verbose=-1, **small),
        "xgboost": XGBRegressor(n_estimators=8, **small),
    },
}


def exported(name, model, X):
    types = [("input", FloatTensorType([None, X.shape[1]]))]
    if name == "lightgbm":
        return convert_lightgbm(model, initial_types=types, zipmap=False)
    if name == "xgboost":
        return convert_xgboost(model, initial_types=types)
    return to_onnx(model, X[:1], options={id(model): {"zipmap": False}} if hasattr(model, "classes_") else None)


for data, models in MODELS.items():
    X, y = DATA[data]
    X = X.astype(np.float32)
    for name, model in models.items():
        model.fit(X, y)
        (folder / f"{data}.{name}.onnx").write_bytes(exported(name, model, X).SerializeToString())
