"""Optuna's samplers as a partner in conversation: reads {"ask": {...}} and {"tell": value} as lines of JSON, answers points. For `npm run bench tuning`."""

import json
import sys

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
study = trial = None


def suggest(name, dimension):
    if dimension["kind"] == "choice":
        return trial.suggest_categorical(name, dimension["values"])
    log = dimension["scale"] == "log"
    if dimension["kind"] == "integer":
        return trial.suggest_int(name, dimension["from"], dimension["to"], log=log)
    return trial.suggest_float(name, dimension["from"], dimension["to"], log=log)


SAMPLERS = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "tpe-multivariate": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}

for line in sys.stdin:
    said = json.loads(line)
    if "begin" in said:
        study = optuna.create_study(sampler=SAMPLERS[said["begin"]](said["seed"]))
        print("{}", flush=True)
    elif "ask" in said:
        trial = study.ask()
        print(json.dumps({name: suggest(name, dimension) for name, dimension in said["ask"].items()}), flush=True)
    else:
        study.tell(trial, said["tell"])
        print("{}", flush=True)
