import { join, resolve } from "node:path";
import { asMillError, type MillError } from "../base/index.ts";
import { type Config, tlsFiles } from "../contract/index.ts";
import { type AccessLog, type Certificate, OWNER, openAccessLog, openCertificate } from "../guard/index.ts";
import { type AccessLine, createMetrics } from "../protocols/index.ts";
import type { App } from "./app.ts";
import type { Command, CommandContext } from "./command.ts";
import { COPY_TEXT } from "./copy-text.ts";
import { follow } from "./follow.ts";
import { errorText } from "./output.ts";
import { conclude } from "./run.ts";

/** Serves until stopped. A failed run does not keep the versions that were made before from being served. */
export const command: Command = async (context) => {
  const config = await context.config();
  const app = await context.factory.open(config);
  const metrics = createMetrics();
  let access: AccessLog | null = null;
  let certificate: Certificate | null = null;
  try {
    if (context.flags.run) {
      const { requireFreePort } = await import("../server/index.ts");
      await requireFreePort(config.host, config.port); // told now, not after the run
      const code = await runFirst(app, context, metrics);
      if (context.signal.aborted) return code;
    }
    const { createLog, isLoopback, startServer } = await import("../server/index.ts");
    const log = createLog(config.log, context.effects.stderr);
    access = await openAccess(config, (error) => log.warn("access-log", { message: error.message }));
    certificate = await openTls(config, ({ code, message }) => log.warn("certificate", { code, message }));
    const server = await startServer({
      call: app.call,
      tokens: app.tokens,
      login: app.login,
      oidc: app.oidc,
      certificate,
      limits: { strangers: config.strangerLimit, actors: config.actorLimit },
      host: config.host,
      port: config.port,
      version: context.factory.version,
      metrics,
      log,
      access: access?.note,
      ready: () => app.ready(),
    });
    try {
      await app.loaded();
      const isNews = createNews();
      await app.keep((endpoint, thrown) => {
        const { code, message } = asMillError(thrown);
        if (isNews(`${endpoint} ${code}`)) log.warn("keeper", { endpoint, code, message });
      });
      const s3 = await app.openS3({
        access: (line) => {
          log.debug("s3", { ...line });
          access?.note(s3Access(line));
        },
        error: (event, fields) => log.error(event, fields),
      });
      await app.lock.announce(server.url, s3.url, certificate && resolve(certificate.files.cert));
      if (certificate === null && !isLoopback(config.host)) context.output.say(IN_THE_CLEAR);
      if ((await app.call(OWNER, "getPauses", {})).copy) context.output.say(`this workspace was restored: ${COPY_TEXT}`);
      announce({ url: server.url, s3: s3.url }, app, context);
      await stopped(context.signal);
      await app.lock.announce(null, null);
    } finally {
      await server.stop();
    }
    return undefined;
  } finally {
    metrics.close();
    certificate?.close();
    await app.close();
    await access?.close();
  }
};

const IN_THE_CLEAR =
  "warning: passwords, tokens and rows cross the network in the clear; give a certificate with --tls-cert and --tls-key, or serve behind a proxy that has one";

/** null: none is wanted. Errors: `config.value`. */
const openTls = async (config: Config, onFault: (error: MillError) => void): Promise<Certificate | null> => {
  const files = tlsFiles(config);
  return files && openCertificate(files, { onFault });
};

/** null: none is wanted. */
const openAccess = async ({ workspace, accessLogMb }: Config, onFault: (error: Error) => void): Promise<AccessLog | null> =>
  accessLogMb === 0 ? null : openAccessLog(join(workspace, "access"), { bytesMax: accessLogMb * 2 ** 20, onFault });

const s3Access = ({ actor, method, bucket, key, ...line }: AccessLine) => ({
  ...line,
  actor: actor ?? null,
  verb: `s3 ${method}`,
  target: bucket === undefined ? null : key === undefined ? bucket : `${bucket}/${key}`,
});

/** The keeper looks each second: what keeps it from looking is told when it begins and now and then, not at every look. */
function createNews() {
  const toldAt = new Map<string, number>();
  return (what: string): boolean => {
    const at = performance.now();
    if (at - (toldAt.get(what) ?? Number.NEGATIVE_INFINITY) < SAME_FAULT_MS) return false;
    toldAt.set(what, at);
    return true;
  };
}

const SAME_FAULT_MS = 60_000;

async function runFirst(app: App, context: CommandContext, metrics: ReturnType<typeof createMetrics>): Promise<number> {
  const call = metrics.watching(app.call);
  try {
    const lines = call(OWNER, "run", { targets: [], reason: "mill up --run" }, { signal: context.signal });
    const finished = await follow(lines, "run-finished", context);
    return conclude(finished, {
      ...context,
      output: { ...context.output, result: (_, text) => context.output.say(text().trimEnd()) },
    });
  } catch (thrown) {
    if (context.signal.aborted) throw thrown;
    context.effects.stderr(errorText(asMillError(thrown)));
    return 0;
  }
}

/** The one line on standard output says that it is ready. The token is shown to a person at a terminal only, never to a log. */
function announce(
  { url, s3 }: { readonly url: string; readonly s3: string },
  app: App,
  { effects, output }: CommandContext,
): void {
  const { ready, why } = app.ready();
  if (!ready) output.say(`not ready: ${why ?? "an endpoint could not be loaded"}`);
  output.say(`S3 clients find the lake at ${s3}; mill key create makes a key`);
  output.result({ url, s3 }, () => `serving on ${url}\n`);
  if (!effects.isTTY) return;
  const { host, protocol } = new URL(url);
  output.say(
    `page and API: ${url}    MLflow and other clients that write: ${protocol}//mill:${app.tokens.current()}@${host}    stop: Ctrl-C`,
  );
}

const stopped = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
