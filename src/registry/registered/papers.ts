/**
 * The papers of a version: under what licence it stands, what goes in and comes out, on what it depends, of which code it is. Those of a bundle stand in its
 * manifest; those of what somebody registered in the files that it names (`MLmodel`, `requirements.txt`, an example) and in its run. What nothing states is null.
 */
import { type Json, MillError } from "../../base/index.ts";
import { type Objects, readJson } from "../../ports/objects/index.ts";
import type { Lock } from "../../ports/python/index.ts";
import type { Records } from "../../ports/records/index.ts";
import type { Artifacts, Tracking } from "../../train/index.ts";
import { readManifest } from "../bundle.ts";
import { type Signature, signatureOf } from "../signature.ts";
import { type MlModel, readMlModel } from "./mlmodel.ts";
import type { RegisteredModels, RegisteredVersion } from "./registered.ts";

export interface VersionPapers {
  /** As somebody said of the version; else of the model or of its data. */
  readonly license: string | null;
  readonly signature: Signature | null;
  /** An input that it takes. */
  readonly example: Json;
  /** Requirements, one each; none: it needs nothing beside the platform. */
  readonly dependencies: readonly string[] | null;
  /** The commit of git that the run's code was. */
  readonly code: string | null;
}

export interface PapersResources {
  readonly records: Records;
  readonly objects: Objects;
  readonly artifacts: Pick<Artifacts, "find" | "read">;
  readonly tracking: Pick<Tracking, "run">;
  readonly registered: Pick<RegisteredModels, "version">;
}

/** Errors: those of `RegisteredModels.version`, `registry.bundle-format`. */
export type ReadPapers = (name: string, version: number) => Promise<VersionPapers>;

/** What is longer is no signature that people read. */
const FILE_BYTES_MAX = 1 << 20;

export function createPapers({ records, objects, artifacts, tracking, registered }: PapersResources): ReadPapers {
  return async (name, number) => {
    const version = await registered.version(name, number);
    const papers = version.bundle === null ? await ofFiles(version) : await ofBundle(version.bundle);
    return { ...papers, license: (await said(version)) ?? papers.license };
  };

  async function ofBundle(bundle: NonNullable<RegisteredVersion["bundle"]>): Promise<VersionPapers> {
    const manifest = await readManifest(bundle, objects);
    const { python, dataset } = manifest;
    const lock = python && (await readJson<Lock>(objects, python.lock).catch(() => null));
    return {
      license: python?.license ?? dataset.license,
      signature: signatureOf(manifest),
      example: null,
      dependencies: python === undefined ? [] : (lock?.packages.map((one) => `${one.name}==${one.version}`) ?? null),
      code: null,
    };
  }

  async function ofFiles(version: RegisteredVersion): Promise<VersionPapers> {
    const root = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.+)$/.exec(version.location ?? "")?.[1];
    const read = (path: string) => (root === undefined ? null : textAt(`${root}/${path}`));
    const [model, requirements] = await Promise.all([read("MLmodel"), read("requirements.txt")]);
    const { signature, examplePath, license }: MlModel = readMlModel(model ?? "");
    const example = examplePath === null ? null : await read(examplePath);
    const lines = requirements?.split(/\r?\n/).map((line) => line.trim());
    return {
      ...{ license, signature },
      example: jsonIn(example),
      dependencies: lines?.filter((line) => line !== "" && !line.startsWith("#")) ?? null,
      code: version.runId === null ? null : await commitOf(version.runId),
    };
  }

  /** null: there is no such file, or no text that could be shown. */
  async function textAt(path: string): Promise<string | null> {
    try {
      const artifact = await artifacts.find(path);
      if (artifact.sizeBytes > FILE_BYTES_MAX) return null;
      const chunks: Uint8Array[] = [];
      for await (const chunk of artifacts.read(artifact)) chunks.push(chunk);
      return Buffer.concat(chunks).toString("utf8");
    } catch (thrown) {
      if (thrown instanceof MillError && thrown.code.startsWith("artifact.")) return null;
      throw thrown;
    }
  }

  /** The run may be gone. */
  async function commitOf(runId: string): Promise<string | null> {
    const run = await tracking.run(runId).catch((thrown) => {
      if (thrown instanceof MillError && thrown.code === "tracking.unknown-run") return null;
      throw thrown;
    });
    return run?.tags["mlflow.source.git.commit"] ?? null;
  }

  async function said({ name, version }: RegisteredVersion): Promise<string | null> {
    const [row] = await records.query<{ content: string }>("SELECT content FROM version_papers WHERE model = ? AND version = ?", [
      name,
      version,
    ]);
    return row ? (JSON.parse(row.content) as { license: string | null }).license : null;
  }
}

function jsonIn(text: string | null): Json {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
