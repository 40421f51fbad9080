/** Where a step runs, where that is not the first engine: ` on slurm (job 17_0)`. */
export const placeText = ({ on, job }: { readonly on?: string | undefined; readonly job?: string | undefined }): string =>
  on === undefined ? "" : ` on ${on}${job === undefined ? "" : ` (job ${job})`}`;
