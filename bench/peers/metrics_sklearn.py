"""Reference values of scikit-learn for src/learn/metrics/reference.test.ts: the same rows, made by the same generator.

    pip install scikit-learn==1.9.1 && python bench/peers/metrics_sklearn.py
"""

import json

import numpy as np
from sklearn import metrics
from sklearn.calibration import calibration_curve

ROWS = 600
Z95 = 1.959963984540054


def uniform(count, seed):
    state, values = seed, []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state / 2**32)
    return np.array(values)


def binary():
    u = uniform(2 * ROWS, seed=1)
    p, y = np.round(u[:ROWS], 3), (u[ROWS:] < np.round(u[:ROWS], 3) * 0.8 + 0.05).astype(int)
    decided = (p >= 0.6).astype(int)
    return {
        "auc": metrics.roc_auc_score(y, p),
        "logLoss": metrics.log_loss(y, np.clip(p, 1e-15, 1 - 1e-15)),
        "brier": metrics.brier_score_loss(y, p),
        "accuracy": metrics.accuracy_score(y, decided),
        "precision": metrics.precision_score(y, decided),
        "recall": metrics.recall_score(y, decided),
        "f1": metrics.f1_score(y, decided),
        "confusion": metrics.confusion_matrix(y, decided).tolist(),
        "aucInterval": delong(y, p),
        "calibrationErrorUntied": calibration_error(y, u[:ROWS]),
    }


def delong(y, p):
    up, down = p[y == 1], p[y == 0]
    wins = (up[:, None] > down[None, :]) + 0.5 * (up[:, None] == down[None, :])
    variance = wins.mean(1).var(ddof=1) / len(up) + wins.mean(0).var(ddof=1) / len(down)
    return [wins.mean() - Z95 * variance**0.5, wins.mean() + Z95 * variance**0.5]


def calibration_error(y, p):
    """Bins of equal count: the mean of the bins' distances."""
    observed, stated = calibration_curve(y, p, n_bins=15, strategy="quantile")
    return float(np.mean(np.abs(observed - stated)))


def multiclass():
    weights = uniform(3 * ROWS, seed=7).reshape(ROWS, 3) + 0.05
    p = weights / weights.sum(1, keepdims=True)
    y = np.minimum((uniform(ROWS, seed=9)[:, None] > np.cumsum(p, 1)).sum(1), 2)
    decided = p.argmax(1)
    return {
        "logLoss": metrics.log_loss(y, p),
        "accuracy": metrics.accuracy_score(y, decided),
        "macroF1": metrics.f1_score(y, decided, average="macro"),
        "macroPrecision": metrics.precision_score(y, decided, average="macro"),
        "macroRecall": metrics.recall_score(y, decided, average="macro"),
        "auc": metrics.roc_auc_score(y, p, multi_class="ovr", average="macro"),
        "calibrationError": calibration_error((y == decided).astype(int), p.max(1)),
        "confusion": metrics.confusion_matrix(y, decided).tolist(),
    }


def regression():
    u = uniform(2 * ROWS, seed=1)
    y, p = u[:ROWS] * 10, u[:ROWS] * 10 + u[ROWS:] - 0.4
    return {
        "rmse": metrics.root_mean_squared_error(y, p),
        "mae": metrics.mean_absolute_error(y, p),
        "r2": metrics.r2_score(y, p),
    }


print(json.dumps({"binary": binary(), "multiclass": multiclass(), "regression": regression()}, indent=2))
