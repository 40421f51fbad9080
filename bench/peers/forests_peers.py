"""Forests of scikit-learn and LightGBM on rows that the bench wrote.

    python forests_peers.py FOLDER TRAIN HOLDOUT COLUMNS THREADS TREES NAME

FOLDER holds `x.f32` (row-major, TRAIN + HOLDOUT rows) and `y.f32`. Prints the seconds of `fit`, the processor's seconds of predicting, and the AUC, as JSON.
"""

import json
import sys
import time

import numpy as np
from sklearn.metrics import roc_auc_score

folder = sys.argv[1]
train, holdout, columns, threads, trees = map(int, sys.argv[2:7])
name = sys.argv[7]
x = np.fromfile(f"{folder}/x.f32", dtype=np.float32).reshape(train + holdout, columns)
y = np.fromfile(f"{folder}/y.f32", dtype=np.float32).astype(int)


def model():
    if name == "random-forest":
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(trees, n_jobs=threads, random_state=0)
    if name == "extra-trees":
        from sklearn.ensemble import ExtraTreesClassifier

        return ExtraTreesClassifier(trees, n_jobs=threads, random_state=0)
    from lightgbm import LGBMClassifier

    return LGBMClassifier(
        boosting_type="rf", n_estimators=trees, num_leaves=min(8192, max(31, train // 8)), histogram_pool_size=512, min_child_samples=1, min_child_weight=0, subsample=0.632, subsample_freq=1,
        colsample_bytree=1.0, feature_fraction_bynode=np.sqrt(columns) / columns, n_jobs=threads, random_state=0, verbose=-1,
    )


forest = model()
started = time.perf_counter()
forest.fit(x[:train], y[:train])
fitted = time.perf_counter()
before = time.process_time()
scores = forest.predict_proba(x[train:])[:, 1]
predicted = time.process_time()
print(json.dumps({"fit": fitted - started, "predict": predicted - before, "auc": roc_auc_score(y[train:], scores)}))
