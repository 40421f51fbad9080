"""Boosted trees of scikit-learn, LightGBM and XGBoost on the rows that Millwright wrote: same rows, same parameters.

    python boosting_peers.py FOLDER scikit-learn|lightgbm|xgboost

FOLDER has `task.json` (rows, testRows, isText, trees, threads, maxBins, loss, quantile, power, groups), the columns one after the other as doubles (`train`, `test`;
texts as codes, NaN for missing) and labels (`train.y`). Writes its predictions of `test` to `test.p` and prints the seconds that training took and those of processor time, binning included.
"""

import json
import sys
import time

import numpy as np

folder, peer = sys.argv[1:3]
task = json.load(open(f"{folder}/task.json"))
threads, trees, loss = task["threads"], task["trees"], task["loss"]
texts = [index for index, text in enumerate(task["isText"]) if text]


def now():
    return np.array([time.perf_counter(), time.process_time()])


def columns(name, rows):
    return np.ascontiguousarray(np.fromfile(f"{folder}/{name}", dtype=np.float64).reshape(-1, rows).T)


train, y = columns("train", task["rows"]), np.fromfile(f"{folder}/train.y", dtype=np.float64)
test = columns("test", task["testRows"])


def scikit_learn():
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    common = dict(max_iter=trees, max_leaf_nodes=31, learning_rate=0.1, min_samples_leaf=20, max_bins=task["maxBins"], early_stopping=False, random_state=0)
    common["categorical_features"] = texts or None
    names = {"squared": "squared_error", "absolute": "absolute_error"}
    if loss == "log-loss":
        model = HistGradientBoostingClassifier(**common)
    else:
        quantile = task["quantile"] if loss == "quantile" else None
        model = HistGradientBoostingRegressor(loss=names.get(loss, loss), quantile=quantile, **common)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(threads):
        start = now()
        model.fit(train, y)
        seconds = now() - start
    return seconds, model.predict_proba(test)[:, 1] if loss == "log-loss" else model.predict(test)


def lightgbm():
    import lightgbm as lgb

    names = {"log-loss": "binary", "squared": "l2", "absolute": "l1", "ranking": "lambdarank"}
    params = dict(objective=names.get(loss, loss), num_leaves=31, learning_rate=0.1, min_data_in_leaf=20, max_bin=task["maxBins"], num_threads=threads, verbose=-1, seed=0)
    params.update(alpha=task["quantile"], tweedie_variance_power=task["power"], lambdarank_truncation_level=30)
    start = now()
    data = lgb.Dataset(train, y, categorical_feature=texts or "auto", group=task["groups"])
    model = lgb.train(params, data, trees)
    seconds = now() - start
    return seconds, model.predict(test)


def xgboost():
    import xgboost as xgb

    names = {"log-loss": "binary:logistic", "squared": "reg:squarederror", "absolute": "reg:absoluteerror", "quantile": "reg:quantileerror", "poisson": "count:poisson", "gamma": "reg:gamma", "tweedie": "reg:tweedie", "ranking": "rank:ndcg"}
    params = dict(objective=names[loss], tree_method="hist", grow_policy="lossguide", max_leaves=31, max_depth=0, eta=0.1, max_bin=task["maxBins"] + 1, nthread=threads, min_child_weight=0.001, reg_lambda=0)
    if loss == "quantile":
        params["quantile_alpha"] = task["quantile"]
    if loss == "tweedie":
        params["tweedie_variance_power"] = task["power"]
    kinds = ["c" if text else "q" for text in task["isText"]]
    start = now()
    data = xgb.QuantileDMatrix(train, y, feature_types=kinds, enable_categorical=True, nthread=threads, max_bin=task["maxBins"] + 1, group=task["groups"])
    model = xgb.train(params, data, trees)
    seconds = now() - start
    return seconds, model.predict(xgb.DMatrix(test, feature_types=kinds, enable_categorical=True))


seconds, predictions = {"scikit-learn": scikit_learn, "lightgbm": lightgbm, "xgboost": xgboost}[peer]()
np.asarray(predictions, dtype=np.float64).tofile(f"{folder}/test.p")
print(json.dumps({"seconds": seconds[0], "cpuSeconds": seconds[1]}))
