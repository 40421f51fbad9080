import type { App } from "./cli/index.ts";

/** Endpoints are loaded when somebody first asks whether they are: a command that serves nothing loads none. */
/** `down`: the sentence of one that is loaded and does not answer for now; null: there is none. */
export function createReadiness(load: () => Promise<void>, down: () => string | null) {
  let state: ReturnType<App["ready"]> = { ready: false, why: "the endpoints are being loaded" };
  let loading: Promise<void> | undefined;
  const start = () =>
    load().then(
      () => {
        state = { ready: true };
      },
      (error: Error) => {
        state = { ready: false, why: error.message };
      },
    );
  return {
    ready: () => {
      loading ??= start();
      const why = down();
      return why === null ? state : { ready: false, why };
    },
    loaded: () => {
      loading ??= start();
      return loading;
    },
    settled: async () => loading,
  };
}
