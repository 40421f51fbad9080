"""Forty steps that do nothing, each after the one before, in this process by Prefect or Dagster; their state is durable in SQLite below FOLDER.

    orchestrators.py prefect|dagster FOLDER [REPEATS]

Prints the seconds of each repetition as a JSON list; starting the library is not in them, the first repetition warms up and is left out.
"""

import json
import os
import sys
import time

STEPS = 40


def seconds_of(run, repeats):
    run()
    found = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        found.append(time.perf_counter() - started)
    return found


def prefect(folder, repeats):
    quiet = {"PREFECT_LOGGING_LEVEL": "ERROR", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
    os.environ.update(PREFECT_HOME=folder, PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="180", **quiet)
    from prefect import flow, task

    @task
    def nothing(before):
        return before + 1

    @flow
    def forty():
        count = 0
        for _ in range(STEPS):
            count = nothing(count)
        return count

    def run():
        assert forty() == STEPS

    return seconds_of(run, repeats)


def dagster(folder, repeats):
    os.environ["DAGSTER_HOME"] = folder
    with open(os.path.join(folder, "dagster.yaml"), "w") as file:
        file.write("telemetry:\n  enabled: false\n")
    import logging

    logging.disable(logging.CRITICAL)
    from dagster import DagsterInstance, in_process_executor, job, op

    @op
    def start():
        return 0

    @op
    def nothing(before):
        return before + 1

    @job(executor_def=in_process_executor)
    def forty():
        count = start()
        for step in range(STEPS - 1):
            count = nothing.alias(f"nothing_{step}")(count)

    instance = DagsterInstance.get()

    def run():
        assert forty.execute_in_process(instance=instance).success

    return seconds_of(run, repeats)


if __name__ == "__main__":
    peer, folder = sys.argv[1], sys.argv[2]
    repeats = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    found = prefect(folder, repeats) if peer == "prefect" else dagster(folder, repeats)
    print(json.dumps(found))
