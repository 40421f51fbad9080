/**
 * The script of an array whose tasks are attempts. What a task leaves in its attempt's folder, beside what the step itself does:
 *
 *     slurm-submitted   written by us before the submission: there may be a job
 *     slurm-job         a link to nothing, named by the first job that started here; any other of the same name ends at once
 *     stdout, stderr    the second is also where Slurm itself writes why it ended a job
 *     slurm-exit        the program's status, written last: Slurm forgets a job minutes after its end
 *     slurm-stopped     instead of it when Slurm had asked the job to end: only Slurm knows whether that is its end, or it runs again elsewhere
 */
import { fromShell } from "./exit-status.ts";

export const SUBMITTED = "slurm-submitted";
export const JOB_LINK = "slurm-job";
export const EXIT = "slurm-exit";
export const STOPPED = "slurm-stopped";
export const STDOUT = "stdout";
export const STDERR = "stderr";

export interface ScriptOptions {
  /** The program and what comes before `step FOLDER`. */
  readonly command: readonly string[];
  readonly memoryMb: number;
  /** Where the folders of attempts lie. */
  readonly folder: string;
  /** Where Slurm opens the standard error of each job, before the script knows its folder. */
  readonly spool: string;
  /** Of the attempts, by task. */
  readonly names: readonly string[];
}

/** Slurm asks the processes of a job to end, one after the other, the shell among them: it stays, and where the program was asked first waits for its own turn, to tell how the program ended. */
export function jobScript({ command, memoryMb, folder, spool, names }: ScriptOptions): string {
  const [program, ...programArguments] = command;
  const words = [program!, `--max-old-space-size=${memoryMb}`, ...programArguments, "step"].map(quote).join(" ");
  return `#!/bin/sh
set -- ${names.map(quote).join(" ")}
shift "$SLURM_ARRAY_TASK_ID"
folder=${quote(folder)}/$1
job=\${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
umask 077
cd "$folder" 2>/dev/null || { rm -f ${quote(spool)}/"$job"; exit 0; }
[ ! -e ${EXIT} ] && { ln -s "$job" ${JOB_LINK} 2>/dev/null || [ "$(readlink ${JOB_LINK})" = "$job" ]; } || { rm -f ${quote(spool)}/"$job"; exit 0; }
mv ${quote(spool)}/"$job" ${STDERR}
[ "\${SLURM_RESTART_COUNT:-0}" = 0 ] || printf '\\n{"log":"Slurm runs this job again from its start (%s)."}\\n' "$SLURM_RESTART_COUNT" >>${STDOUT}
rm -f ${STOPPED}
left=${EXIT}
trap 'left=${STOPPED}' TERM
${words} "$folder" </dev/null >>${STDOUT}
code=$?
[ "$code" != 143 ] || sleep 1
echo "$code" >$left.new && mv $left.new $left
exit "$code"
`;
}

export const parseExit = (text: string) => fromShell(Number(text));

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
