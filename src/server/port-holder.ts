/** Who holds a port, as far as the operating system tells: /proc/net/tcp gives the socket, /proc/PID/fd the process. */
import { once } from "node:events";
import { readdir, readFile, readlink } from "node:fs/promises";
import { createServer } from "node:net";
import { MillError } from "../base/index.ts";

const LISTENING = "0A";

/** Listens for a moment. Errors: `server.port-taken`, `server.not-listening`. */
export async function requireFreePort(host: string, port: number): Promise<void> {
  const probe = createServer();
  try {
    probe.listen({ host, port });
    await once(probe, "listening");
  } catch (error) {
    throw await listenFault(error as NodeJS.ErrnoException, host, port);
  } finally {
    probe.close();
  }
}

/** Errors a caller can act on, for a listen that failed. */
export async function listenFault(error: NodeJS.ErrnoException, host: string, port: number): Promise<MillError> {
  const at = `${host}:${port}`;
  if (error.code === "EADDRINUSE") {
    return new MillError("server.port-taken", `Port ${port} is taken${await holder(port)}.`, {
      at,
      expected: "a free port",
      got: "a port that another process listens on",
      fix: "Stop that process, or choose another port with --port (0 picks a free one).",
      cause: error,
    });
  }
  return new MillError("server.not-listening", `The server cannot listen on ${at}: ${error.message}`, {
    at,
    fix: error.code === "EACCES" ? "Use a port from 1024." : "Set --host to an address of this machine.",
    cause: error,
  });
}

/** ` by process 12 (node src/main.ts up)`, or nothing where it cannot be found. */
async function holder(port: number): Promise<string> {
  const sockets = (await Promise.all(["/proc/net/tcp", "/proc/net/tcp6"].map((table) => listeningSockets(table, port)))).flat();
  const pid = sockets.length === 0 ? null : await ownerOf(sockets);
  if (pid === null) return "";
  const command = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0").filter(Boolean).join(" ");
  return ` by process ${pid}${command ? ` (${command.slice(0, 120)})` : ""}`;
}

async function listeningSockets(table: string, port: number): Promise<string[]> {
  const text = await readFile(table, "utf8").catch(() => "");
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return text
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(`:${hex}`) && state === LISTENING)
    .map((fields) => `socket:[${fields[9]}]`);
}

async function ownerOf(sockets: readonly string[]): Promise<number | null> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => "");
      if (sockets.includes(target)) return Number(pid);
    }
  }
  return null;
}
