"""scikit-learn's linear models on columns of doubles in a folder: x.f64 (column-major), label.f64 (0 or 1), value.f64. Prints {solver: {seconds, cpu, quality}}."""

import json
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.svm import LinearSVC, LinearSVR

folder, case = Path(sys.argv[1]), sys.argv[2]
label = np.fromfile(folder / "label.f64")
value = np.fromfile(folder / "value.f64")
X = np.ascontiguousarray(np.fromfile(folder / "x.f64").reshape(-1, len(label)).T)

SOLVERS = {
    "linear-regression": {"LinearRegression": LinearRegression(), "Ridge cholesky": Ridge(alpha=1e-6, solver="cholesky")},
    "ridge": {s: Ridge(alpha=1.0, solver=s) for s in ("cholesky", "svd", "lsqr")},
    "lasso": {"Lasso": Lasso(alpha=0.01), "Lasso precompute": Lasso(alpha=0.01, precompute=True)},
    "elastic-net": {"ElasticNet precompute": ElasticNet(alpha=0.01, precompute=True)},
    "logistic-regression": {s: LogisticRegression(solver=s, tol=1e-5) for s in ("lbfgs", "newton-cholesky")},
    "linear-svm": {"LinearSVC primal": LinearSVC(dual=False), "SGDClassifier": SGDClassifier()},
    "linear-svr": {"LinearSVR": LinearSVR(dual="auto", epsilon=0.5, loss="squared_epsilon_insensitive")},
}

results = {}
for name, model in SOLVERS[case].items():
    y = label if case in ("logistic-regression", "linear-svm") else value
    started, used = time.perf_counter(), time.process_time()
    model.fit(X, y)
    seconds, cpu = time.perf_counter() - started, time.process_time() - used
    if case == "logistic-regression":
        quality = log_loss(y, model.predict_proba(X))
    elif case == "linear-svm":
        quality = roc_auc_score(y, model.decision_function(X))
    else:
        quality = model.score(X, y)
    results[name] = {"seconds": seconds, "cpu": cpu, "quality": quality}
print(json.dumps(results))
