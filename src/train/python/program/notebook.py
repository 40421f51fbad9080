"""Runs a notebook as a script: `notebook.py NOTEBOOK OUT`, with papermill. The job's parameters take the place of those in the cell tagged `parameters`.

OUT is the notebook with what its cells gave, up to the cell that failed when one did: then the traceback ends what is printed, and the status is 1. Where runs
are tracked it becomes a file of the run too.
"""

import json
import os
import re
import sys
from base64 import b64encode
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

COLORS = re.compile(r"\x1b\[[0-9;]*m")
UPLOAD_S = 60


def main(notebook, out):
    os.environ["JUPYTER_PATH"] = kernel_folder(out)
    import papermill

    with open(os.environ["MILL_JOB"], encoding="utf-8") as file:
        params = json.load(file)["params"]
    printed = {"stdout_file": sys.stdout, "stderr_file": sys.stderr}
    try:
        papermill.execute_notebook(notebook, out, parameters=params, kernel_name="millwright", cwd=os.getcwd(), progress_bar=False, **printed)
    except papermill.PapermillExecutionError as error:
        print(COLORS.sub("", "\n".join(error.traceback)), file=sys.stderr)
        print(f"cell [{error.exec_count}] of {os.path.basename(notebook)} failed: {error.ename}: {error.evalue}", file=sys.stderr)
        return 1
    finally:
        track(out)
    return 0


def kernel_folder(out):
    """With a kernel of this very environment, whichever a notebook was written with: one of the user's would bring other packages."""
    folder = os.path.join(os.path.dirname(os.path.abspath(out)), "jupyter")
    spec = os.path.join(folder, "kernels", "millwright")
    os.makedirs(spec, exist_ok=True)
    with open(os.path.join(spec, "kernel.json"), "w") as file:
        json.dump({"argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], "display_name": "Millwright", "language": "python"}, file)
    return folder


def track(out):
    """Without MLflow's client, which the environment may not have. That it does not arrive fails nothing."""
    address, run = os.environ.get("MLFLOW_TRACKING_URI", ""), os.environ.get("MLFLOW_RUN_ID")
    if not address.startswith("http") or not run or not os.path.exists(out):
        return
    base = f"{address.rstrip('/')}/api/2.0"
    name, password = (os.environ.get(f"MLFLOW_TRACKING_{what}", "") for what in ("USERNAME", "PASSWORD"))
    headers = {"Authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()} if name else {}
    try:
        with urlopen(Request(f"{base}/mlflow/runs/get?run_id={run}", headers=headers), timeout=UPLOAD_S) as answer:
            root = urlsplit(json.load(answer)["run"]["info"]["artifact_uri"]).path.strip("/")
        with open(out, "rb") as file:
            request = Request(f"{base}/mlflow-artifacts/artifacts/{root}/{os.path.basename(out)}", file.read(), headers, method="PUT")
        urlopen(request, timeout=UPLOAD_S).close()
    except Exception as error:
        print(f"the notebook is not among the files of its run: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
