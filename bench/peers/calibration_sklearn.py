"""Reference values of scikit-learn for src/learn/calibration/calibration.test.ts: the same rows, made by the same generator.

    pip install scikit-learn==1.9.0 && python bench/peers/calibration_sklearn.py
"""

import json

import numpy as np
from sklearn.calibration import _SigmoidCalibration, calibration_curve
from sklearn.isotonic import IsotonicRegression

ROWS = 600


def uniform(count, seed):
    state, values = seed, []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state / 2**32)
    return np.array(values)


u = uniform(2 * ROWS, seed=1)
p = np.round(u[:ROWS], 3)
y = (u[ROWS:] < p * 0.8 + 0.05).astype(float)
w = uniform(ROWS, seed=11) + 0.25
scores = p * 6 - 2
at = np.array([-3, -2, -1.5, 0, 0.123, 1, 2.5, 3.999, 5])


def isotonic(weights):
    fitted = IsotonicRegression(out_of_bounds="clip").fit(scores, y, sample_weight=weights)
    return {"values": fitted.predict(at).tolist(), "knots": len(fitted.X_thresholds_)}


def platt(weights):
    fitted = _SigmoidCalibration().fit(scores, y, sample_weight=weights)
    return [fitted.a_, fitted.b_]


observed, stated = calibration_curve(y, p, n_bins=5, strategy="uniform")
print(json.dumps({
    "isotonic": isotonic(None), "weighedIsotonic": isotonic(w),
    "platt": platt(None), "weighedPlatt": platt(w),
    "observed": observed.tolist(), "stated": stated.tolist(),
}, indent=2))
