"""Reference values of scikit-learn for src/learn/metrics/reference.test.ts and families.test.ts: the same rows, made by the same generator.

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


def weights():
    return uniform(ROWS, seed=11) + 0.25


def decisions(with_weights):
    rows = uniform(3 * ROWS, seed=7).reshape(ROWS, 3) + 0.05
    p = rows / rows.sum(1, keepdims=True)
    y = np.minimum((uniform(ROWS, seed=9)[:, None] > np.cumsum(p, 1)).sum(1), 2)
    decided = p.argmax(1)
    w = weights() if with_weights else np.ones(ROWS)
    averaged = {
        f"{average}{name}": score(y, decided, average=average, sample_weight=w)
        for average in ("macro", "micro", "weighted")
        for name, score in (("Precision", metrics.precision_score), ("Recall", metrics.recall_score), ("F1", metrics.f1_score))
    }
    return averaged | {
        "accuracy": metrics.accuracy_score(y, decided, sample_weight=w),
        "balancedAccuracy": metrics.balanced_accuracy_score(y, decided, sample_weight=w),
        "kappa": metrics.cohen_kappa_score(y, decided, sample_weight=w),
        "linearKappa": metrics.cohen_kappa_score(y, decided, weights="linear", sample_weight=w),
        "quadraticKappa": metrics.cohen_kappa_score(y, decided, weights="quadratic", sample_weight=w),
        "matthews": metrics.matthews_corrcoef(y, decided, sample_weight=w),
        "macroF2": metrics.fbeta_score(y, decided, beta=2, average="macro", sample_weight=w),
        "macroFHalf": metrics.fbeta_score(y, decided, beta=0.5, average="macro", sample_weight=w),
        "top2": metrics.top_k_accuracy_score(y, p, k=2, sample_weight=w),
        "logLoss": metrics.log_loss(y, p, sample_weight=w),
        "brier": metrics.brier_score_loss(y, p, sample_weight=w, scale_by_half=False),
        "auc": metrics.roc_auc_score(y == 0, p[:, 0], sample_weight=w),
        "averagePrecision": metrics.average_precision_score(y == 0, np.round(p[:, 0], 2), sample_weight=w),
        "macroAuc": metrics.roc_auc_score(y, p, multi_class="ovr", average="macro"),
        "weightedAuc": metrics.roc_auc_score(y, p, multi_class="ovr", average="weighted"),
    }


def amounts(with_weights):
    u = uniform(2 * ROWS, seed=1)
    y, p = u[:ROWS] * 10 + 0.1, u[:ROWS] * 10 + u[ROWS:] + 0.05
    w = weights() if with_weights else np.ones(ROWS)
    return {
        "rmse": metrics.root_mean_squared_error(y, p, sample_weight=w),
        "mae": metrics.mean_absolute_error(y, p, sample_weight=w),
        "mape": metrics.mean_absolute_percentage_error(y, p, sample_weight=w),
        "medianAbsoluteError": metrics.median_absolute_error(y, p, sample_weight=w),
        "r2": metrics.r2_score(y, p, sample_weight=w),
        "explainedVariance": metrics.explained_variance_score(y, p, sample_weight=w),
        "pinball": metrics.mean_pinball_loss(y, p, alpha=0.3, sample_weight=w),
        **{f"tweedie{power}": metrics.mean_tweedie_deviance(y, p, power=power, sample_weight=w) for power in (-1, 0, 1, 1.5, 2, 3)},
        "poissonOfCounts": metrics.mean_poisson_deviance(np.floor(y / 4), p, sample_weight=w),
    }


def ranking():
    """60 lists of 10 rows; scores have ties."""
    u = uniform(2 * ROWS, seed=1)
    scores, grades = np.round(u[:ROWS], 1).reshape(-1, 10), np.floor(u[ROWS:] ** 2 * 4).reshape(-1, 10)
    kept = grades.max(1) > 0
    scores, grades = scores[kept], grades[kept]
    first = [1 / (s >= s[g > 0].max()).sum() for s, g in zip(scores, grades)]
    return {
        "lists": int(kept.sum()),
        "ndcg": metrics.ndcg_score(2**grades - 1, scores),
        "ndcg3": metrics.ndcg_score(2**grades - 1, scores, k=3),
        "linearNdcg5": metrics.ndcg_score(grades, scores, k=5),
        "meanAveragePrecision": np.mean([metrics.average_precision_score(g > 0, s) for s, g in zip(scores, grades)]),
        "meanReciprocalRank": np.mean(first),
    }


def clusterings():
    u = uniform(2 * ROWS, seed=1)
    a, b = np.floor(u[:ROWS] * 5), np.floor((u[:ROWS] * 0.7 + u[ROWS:] * 0.3) * 4)
    points = np.stack([u[:ROWS], u[ROWS:]], 1)
    return {
        "adjustedRand": metrics.adjusted_rand_score(a, b),
        "normalisedMutualInformation": metrics.normalized_mutual_info_score(a, b),
        "adjustedMutualInformation": metrics.adjusted_mutual_info_score(a, b),
        "silhouette": metrics.silhouette_score(points, a),
        "calinskiHarabasz": metrics.calinski_harabasz_score(points, a),
        "daviesBouldin": metrics.davies_bouldin_score(points, a),
    }


families = {
    "decisions": decisions(False),
    "weighedDecisions": decisions(True),
    "amounts": amounts(False),
    "weighedAmounts": amounts(True),
    "ranking": ranking(),
    "clusterings": clusterings(),
}
print(json.dumps({"binary": binary(), "multiclass": multiclass(), "regression": regression(), **families}, indent=2, default=float))
