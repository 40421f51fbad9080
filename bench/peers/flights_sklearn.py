"""scikit-learn on the training set that Millwright wrote: same rows, same features, same parameters.

    python flights_sklearn.py train.parquet holdout.parquet [--trees 200] [--only boosting|logistic]

Each file has the feature columns and `__label` (0 or 1). Prints one JSON object: per estimator the AUC and log loss on the
second file and the seconds that `fit` took.
"""

import argparse
import json
import time

import numpy as np
import pyarrow.parquet as pq
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def read(path, levels):
    """Columns as floats; texts as codes, in the order in which the training file first had them."""
    table = pq.read_table(path)
    columns = {}
    for name in table.column_names:
        column = table[name]
        if str(column.type) in ("string", "large_string") or str(column.type).startswith("dictionary"):
            texts = np.array(column.to_pylist(), dtype=object)
            known = levels.setdefault(name, {text: code for code, text in enumerate(dict.fromkeys(t for t in texts if t is not None))})
            columns[name] = np.array([known.get(text, np.nan) for text in texts], dtype=float)
        else:
            columns[name] = column.cast("double").to_numpy(zero_copy_only=False)
    label = columns.pop("__label")
    return np.column_stack(list(columns.values())), label.astype(int), list(columns)


def boosting(trees, is_text):
    return HistGradientBoostingClassifier(
        max_iter=trees, max_leaf_nodes=31, learning_rate=0.1, min_samples_leaf=20, l2_regularization=0.0,
        max_bins=255, early_stopping=False, categorical_features=is_text, random_state=0,
    )


def logistic(is_text):
    numbers = [i for i, text in enumerate(is_text) if not text]
    texts = [i for i, text in enumerate(is_text) if text]
    prepared = make_column_transformer(
        (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), numbers),
        (OneHotEncoder(min_frequency=10, handle_unknown="ignore"), texts),
    )
    return make_pipeline(prepared, LogisticRegression(C=1.0, max_iter=200))


def measure(model, train, holdout):
    start = time.perf_counter()
    model.fit(*train)
    seconds = time.perf_counter() - start
    scores = model.predict_proba(holdout[0])[:, 1]
    return {"auc": roc_auc_score(holdout[1], scores), "logLoss": log_loss(holdout[1], scores), "seconds": seconds}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("train")
    parser.add_argument("holdout")
    parser.add_argument("--trees", type=int, default=200)
    parser.add_argument("--only", choices=["boosting", "logistic"])
    arguments = parser.parse_args()
    levels = {}
    *train, names = read(arguments.train, levels)
    *holdout, _ = read(arguments.holdout, levels)
    is_text = [name in levels for name in names]
    models = {"boosting": lambda: boosting(arguments.trees, is_text), "logistic": lambda: logistic(is_text)}
    wanted = [arguments.only] if arguments.only else list(models)
    print(json.dumps({name: measure(models[name](), train, holdout) for name in wanted}))


if __name__ == "__main__":
    main()
