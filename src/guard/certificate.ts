/** The certificate with which doors speak https: PEM files, read again when they change, so that one that is renewed needs no restart. */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { MillError } from "../base/index.ts";

export interface CertificateFiles {
  /** Of the chain, the own one first. */
  readonly cert: string;
  readonly key: string;
}

/** PEM, and the oldest protocol that is spoken. */
export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly minVersion: "TLSv1.2";
}

export interface Certificate {
  readonly files: CertificateFiles;
  current(): TlsMaterial;
  /** Whom it stands for: names and addresses, `*.` included. */
  names(): readonly string[];
  /** Told of each that follows. */
  onChange(listener: (material: TlsMaterial) => void): void;
  close(): void;
}

export interface CertificateOptions {
  /** How often the files are looked at. */
  readonly everyMs?: number;
  /** Told when what the files hold now is none: the one before stays in force. */
  onFault?(error: MillError): void;
}

const EVERY_MS = 5_000;

/** Errors: `config.value` for files that cannot be read, are no certificate and key, or do not belong together. */
export async function openCertificate(
  files: CertificateFiles,
  { everyMs = EVERY_MS, onFault = () => undefined }: CertificateOptions = {},
): Promise<Certificate> {
  let material = await readMaterial(files);
  let told = "";
  const listeners: ((material: TlsMaterial) => void)[] = [];
  const look = async () => {
    try {
      const found = await readMaterial(files);
      told = "";
      if (found.cert.equals(material.cert) && found.key.equals(material.key)) return;
      material = found;
      for (const listener of listeners) listener(material);
    } catch (thrown) {
      const error = thrown as MillError;
      if (error.message !== told) onFault(error);
      told = error.message;
    }
  };
  const timer = setInterval(() => void look(), everyMs);
  timer.unref();
  return {
    files,
    current: () => material,
    names: () => namesOf(new X509Certificate(material.cert)),
    onChange: (listener) => void listeners.push(listener),
    close: () => clearInterval(timer),
  };
}

export interface CertificateFacts {
  readonly names: readonly string[];
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** What stands in the files now. Errors: as `openCertificate`. */
export async function inspectCertificate(files: CertificateFiles): Promise<CertificateFacts> {
  const certificate = new X509Certificate((await readMaterial(files)).cert);
  return { names: namesOf(certificate), expiresAt: certificate.validToDate.getTime() };
}

async function readMaterial({ cert, key }: CertificateFiles): Promise<TlsMaterial> {
  const material = { cert: await read(cert), key: await read(key), minVersion: "TLSv1.2" } as const;
  try {
    createSecureContext(material);
    return material;
  } catch (cause) {
    throw unfit(cert, `The files hold no certificate with its key: ${(cause as Error).message}`, cause);
  }
}

const read = (path: string): Promise<Buffer> =>
  readFile(path).catch((cause: Error) => {
    throw unfit(path, `A file of the certificate cannot be read: ${cause.message}`, cause);
  });

const namesOf = ({ subjectAltName = "" }: X509Certificate): readonly string[] =>
  subjectAltName.split(", ").flatMap((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1]?.toLowerCase() ?? []);

const unfit = (at: string, message: string, cause?: unknown) =>
  new MillError("config.value", message, {
    at,
    expected: "PEM files of a certificate chain, and of the key that belongs to its first",
    fix: "Correct the paths, the files, or their rights.",
    cause,
  });
