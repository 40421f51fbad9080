/** Every job of ours is a task of an array, and is called `ARRAY_TASK`, as Slurm itself does. */
export const handleOf = (arrayId: number, task: number) => `${arrayId}_${task}`;

export const arrayOf = (handle: string) => Number(handle.split("_")[0]);

export const taskOf = (handle: string) => Number(handle.split("_")[1]);

export const isHandle = (handle: string) => /^\d+_\d+$/.test(handle);
