"""Seconds that scikit-learn takes for measures of the same rows; `npm run bench metrics.bench` calls it.

    metrics_speed_sklearn.py FOLDER
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from sklearn import isotonic, metrics

folder = Path(sys.argv[1])
p, y, points = (np.fromfile(folder / name) for name in ("p", "y", "points"))
points = points.reshape(-1, 8)
lists = p[: len(p) // 10 * 10].reshape(-1, 10), y[: len(p) // 10 * 10].reshape(-1, 10)
labels = np.arange(len(points)) % 5

WORK = {
    "auc": lambda: metrics.roc_auc_score(y, p),
    "averagePrecision": lambda: metrics.average_precision_score(y, p),
    "logLoss": lambda: metrics.log_loss(y, p),
    "ndcg": lambda: metrics.ndcg_score(lists[1], lists[0]),
    "silhouette": lambda: metrics.silhouette_score(points, labels),
    "isotonic": lambda: isotonic.IsotonicRegression().fit(p, y).X_thresholds_.size,
}


def timed(work):
    start = time.perf_counter()
    value = work()
    return {"seconds": time.perf_counter() - start, "value": float(value)}


print(json.dumps({name: timed(work) for name, work in WORK.items()}))
