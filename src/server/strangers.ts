/**
 * Keeps web pages from elsewhere out. A page's script can reach a server on this machine, under a name that its author points here (DNS rebinding)
 * or across origins; so only our own names are accepted as Host, and only our own pages as Origin.
 */
import { isIP } from "node:net";
import { hostname } from "node:os";
import { MillError } from "../base/index.ts";

export interface Doorkeeper {
  /** Errors: `request.stranger`. */
  admit(host: string | undefined, origin: string | undefined): void;
}

/** `certified` are names that the server's certificate stands for: a name that an author points here is none of them. */
export function createDoorkeeper(boundHost: string, certified: () => readonly string[] = () => []): Doorkeeper {
  const names = new Set(["localhost", "127.0.0.1", "[::1]", bracketed(boundHost).toLowerCase()]);
  const everywhere = boundHost === "0.0.0.0" || boundHost === "::";
  if (everywhere) names.add(hostname().toLowerCase());
  const isCertified = (name: string) => {
    const known = certified();
    return known.includes(name.replace(/^\[|\]$/g, "")) || known.includes(name.replace(/^[^.]+/, "*"));
  };
  /** An address cannot be pointed elsewhere: a server on all addresses answers to each of them. */
  const isOurs = (name: string) =>
    names.has(name) || isCertified(name) || (everywhere && isIP(name.replace(/^\[|\]$/g, "")) !== 0);

  return {
    admit(host = "", origin) {
      const name = host.toLowerCase().replace(/:\d+$/, "");
      if (!isOurs(name))
        throw stranger("Host", host, [...names].join(", "), "Use one of these names, or start the server with --host.");
      if (origin === undefined || origin === `http://${host}` || origin === `https://${host}`) return;
      throw stranger("Origin", origin, `http://${host}`, "A web page from elsewhere may not use this server.");
    },
  };
}

export const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);

const bracketed = (host: string) => (isIP(host) === 6 ? `[${host}]` : host);

const stranger = (header: string, got: string, expected: string, fix: string) =>
  new MillError("request.stranger", `The ${header} "${got.slice(0, 100)}" is not one of this server.`, {
    at: header,
    expected,
    got: got.slice(0, 100),
    fix,
  });
