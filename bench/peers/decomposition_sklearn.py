"""scikit-learn's principal components of points that a bench wrote: row-major doubles. Prints the seconds of `fit` and the variances as JSON.

    decomposition_sklearn.py POINTS ROWS COLUMNS COMPONENTS --threads 2 [--single] [--solver covariance_eigh]
"""

import argparse
import json
import os

parser = argparse.ArgumentParser()
parser.add_argument("points")
for name in ("rows", "columns", "components"):
    parser.add_argument(name, type=int)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--single", action="store_true")
parser.add_argument("--solver", default="covariance_eigh")
given = parser.parse_args()
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = str(given.threads)

import time  # noqa: E402

import numpy as np  # noqa: E402
from sklearn.decomposition import PCA  # noqa: E402

X = np.fromfile(given.points).reshape(given.rows, given.columns)
X = X.astype(np.float32) if given.single else X
PCA(2, svd_solver=given.solver).fit(X[:1000])
model = PCA(given.components, svd_solver=given.solver)
started, used = time.perf_counter(), time.process_time()
model.fit(X)
seconds, processor = time.perf_counter() - started, time.process_time() - used
print(json.dumps({"seconds": seconds, "processor": processor, "variances": model.explained_variance_.tolist()}))
