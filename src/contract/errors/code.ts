export const EXIT = {
  done: 0,
  fault: 1,
  usage: 2,
  definitions: 3,
  data: 4,
  refused: 5,
  notFound: 6,
  conflict: 7,
  away: 8,
  interrupted: 130,
} as const;

export interface CodeInfo {
  readonly status: number;
  readonly exit: number;
  /** When it happens, in one sentence. */
  readonly about: string;
}
