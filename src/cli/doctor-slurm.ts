/** Whether the Slurm that is set answers, and whether its nodes see what steps need there. */
import { stat } from "node:fs/promises";
import type { Config } from "../contract/index.ts";
import { configuredSlurm, createSlurmDoor, probeSlurm } from "../ports/engines/index.ts";
import { type Finding, fault, finding } from "./findings.ts";
import { namedSecrets } from "./named-secrets.ts";

/** Nothing where no Slurm is set. */
export async function slurm(config: Config): Promise<Finding[]> {
  try {
    const cluster = configuredSlurm(config, namedSecrets(config));
    if (!cluster) return [];
    const version = await createSlurmDoor(cluster).version();
    return [finding("slurm", "ok", `${cluster.url} answers in ${version}`), await nodes(config, cluster)];
  } catch (thrown) {
    return [fault("slurm", thrown)];
  }
}

/** Runs a job in the workspace's folder. */
async function nodes({ workspace }: Config, cluster: NonNullable<ReturnType<typeof configuredSlurm>>): Promise<Finding> {
  const what = "slurm nodes";
  if (!(await stat(workspace).catch(() => null)))
    return finding(what, "warning", `not tried: there is no ${workspace} yet`, "mill doctor after the first run");
  try {
    const found = await probeSlurm({ ...cluster, folder: workspace });
    if (found.state === "shared")
      return finding(what, "ok", `${found.node} finds Node, Millwright and the workspace where they are here`);
    if (found.state === "waiting")
      return finding(what, "warning", "a job is still waiting for its turn", "see squeue and sinfo, then try again");
    const fix =
      "put the workspace, Millwright and Node on a file system that all nodes have under the same paths, for the user of the jobs";
    return finding(what, "fault", `a job left nothing in ${workspace}${found.why && `: ${found.why}`}`, fix);
  } catch (thrown) {
    return fault(what, thrown);
  }
}
