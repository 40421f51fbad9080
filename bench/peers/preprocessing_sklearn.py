"""Reference values of scikit-learn for src/learn/preprocessing/reference.test.ts: rows, and what it makes of every 25th of them.

    .venv/bin/python preprocessing_sklearn.py > ../../src/learn/preprocessing/fixtures/scikit-learn.json
"""

import json
import warnings

import numpy as np
import sklearn
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.feature_selection import f_classif, f_regression
from sklearn.impute import SimpleImputer
from sklearn.metrics import mutual_info_score
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

warnings.filterwarnings("ignore")
ROWS = 300
SHOWN_EVERY = 25
PLACES = ["north", "south", "east", "west", "rare"]
WORDS = ["Late", "plane", "rain", "the", "of", "gate", "naïve", "engine's", "42"]


def uniform(count, seed):
    state, values = seed, []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state / 2**32)
    return np.array(values)


u = uniform(8 * ROWS, seed=1).reshape(8, ROWS)
amount = np.where(u[1] < 0.1, np.nan, np.floor(u[0] * 1000) / 8)
hour = np.floor(u[2] * 24)
place = np.array([PLACES[min(4, int(v * 4.1))] for v in u[3]], dtype=object)
label = (u[4] < 0.2 + 0.02 * hour).astype(int)
grade = np.minimum(2, np.floor(u[4] * 2 + hour / 24)).astype(int)
target = 3 * hour + np.floor(u[5] * 100) / 4
notes = [
    " ".join(WORDS[int(v * 1e6) % 9] if k < 1 + int(a * 6) else "" for k, v in enumerate(np.mod(u[6][i] * np.array([1, 3, 7, 11, 13, 17]), 1))).strip()
    for i, a in enumerate(u[7])
]


def rows(matrix):
    matrix = matrix.toarray() if hasattr(matrix, "toarray") else np.asarray(matrix, dtype=float)
    return [[None if np.isnan(v) else float(v) for v in row] for row in matrix[::SHOWN_EVERY]]


def fitted(transformer, X, y=None):
    return rows(transformer.fit(X, y).transform(X))


numbers = np.column_stack([amount, hour])
filled = np.column_stack([np.nan_to_num(amount), hour])
places = place.reshape(-1, 1)
hours = hour.reshape(-1, 1)

print(
    json.dumps(
        {
            "version": sklearn.__version__,
            "every": SHOWN_EVERY,
            "data": {
                "amount": [None if np.isnan(v) else v for v in amount],
                "hour": list(hour),
                "place": list(place),
                "note": notes,
                "label": label.tolist(),
                "grade": grade.tolist(),
                "target": list(target),
            },
            "impute": {
                choice: fitted(SimpleImputer(strategy=choice, add_indicator=True), numbers) for choice in ["mean", "median", "most_frequent"]
            },
            "standardScale": fitted(StandardScaler(), numbers),
            "minMaxScale": fitted(MinMaxScaler(), numbers),
            "robustScale": fitted(RobustScaler(), numbers),
            "oneHot": fitted(OneHotEncoder(min_frequency=20), places),
            "ordinal": fitted(OrdinalEncoder(), places),
            "targetEncode": {
                "binary": fitted(TargetEncoder(smooth=10, target_type="binary"), places, label),
                "classes": fitted(TargetEncoder(smooth=10, target_type="multiclass"), places, grade),
                "regression": fitted(TargetEncoder(smooth=0.5, target_type="continuous"), places, target),
            },
            "bin": {
                "quantile": fitted(KBinsDiscretizer(6, encode="ordinal", strategy="quantile", quantile_method="linear"), filled),
                "uniform": fitted(KBinsDiscretizer(6, encode="onehot", strategy="uniform"), filled),
            },
            "polynomial": fitted(PolynomialFeatures(3, include_bias=False), filled),
            "interactions": fitted(PolynomialFeatures(2, include_bias=False, interaction_only=True), filled),
            "hash": fitted(FeatureHasher(8), [{"place": text} for text in place]),
            "variances": [float(v) for v in StandardScaler().fit(filled).var_],
            "fClasses": [float(v) for v in f_classif(filled, grade)[0]],
            "fRegression": [float(v) for v in f_regression(filled, target)[0]],
            "information": float(mutual_info_score(place, grade)),
            "countWords": fitted(CountVectorizer(min_df=2, ngram_range=(1, 2)), notes),
            "tfIdf": fitted(TfidfVectorizer(min_df=2), notes),
            "hashWords": fitted(HashingVectorizer(n_features=16), notes),
        }
    )
)
