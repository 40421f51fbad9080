/** Runs and steps as OpenLineage run events, version 2-0-2 (https://openlineage.io/spec/2-0-2/OpenLineage.json). Pure. */
import type { ErrorJson, Json } from "../../base/index.ts";
import type { Schema } from "../../contract/index.ts";

export type EventType = "START" | "COMPLETE" | "FAIL" | "ABORT";

/** Who tells, and under which name: jobs and the data sets of ours are told apart by the namespace. */
export interface Teller {
  readonly namespace: string;
  readonly version: string;
}

export interface LineageDataset {
  readonly namespace: string;
  readonly name: string;
  readonly schema?: Schema;
  /** What its content is known by: the key of the step that made it. */
  readonly version?: string;
}

export interface Happening {
  readonly type: EventType;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly runId: string;
  readonly job: string;
  readonly jobType: "RUN" | "STEP";
  readonly parent: { readonly runId: string; readonly job: string } | null;
  readonly error: ErrorJson | null;
  readonly inputs: readonly LineageDataset[];
  readonly outputs: readonly LineageDataset[];
}

const SPEC = "https://openlineage.io/spec";

export function runEvent({ type, at, runId, job, jobType, parent, error, inputs, outputs }: Happening, teller: Teller): Json {
  const { namespace, version } = teller;
  const producer = `urn:millwright:${version}`;
  const facet = (name: string, number: string, fields: Readonly<Record<string, Json>>): Json => ({
    _producer: producer,
    _schemaURL: `${SPEC}/facets/${number}/${name}.json#/$defs/${name}`,
    ...fields,
  });
  const dataset = (one: LineageDataset): Json => ({
    namespace: one.namespace,
    name: one.name,
    facets: {
      ...(one.schema && { schema: facet("SchemaDatasetFacet", "1-2-0", { fields: fieldsOf(one.schema) }) }),
      ...(one.version !== undefined && {
        version: facet("DatasetVersionDatasetFacet", "1-0-1", { datasetVersion: one.version }),
      }),
    },
  });
  return {
    eventTime: new Date(at).toISOString(),
    eventType: type,
    run: {
      runId,
      facets: {
        processing_engine: facet("ProcessingEngineRunFacet", "1-1-1", { name: "millwright", version }),
        ...(parent && {
          parent: facet("ParentRunFacet", "1-2-0", { run: { runId: parent.runId }, job: { namespace, name: parent.job } }),
        }),
        ...(error && {
          errorMessage: facet("ErrorMessageRunFacet", "1-0-1", {
            message: `${error.message} [${error.code}]`,
            programmingLanguage: "TypeScript",
          }),
        }),
      },
    },
    job: {
      namespace,
      name: job,
      facets: {
        jobType: facet("JobTypeJobFacet", "2-0-4", { processingType: "BATCH", integration: "MILLWRIGHT", jobType }),
      },
    },
    inputs: inputs.map(dataset),
    outputs: outputs.map(dataset),
    producer,
    schemaURL: `${SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent`,
  };
}

const fieldsOf = (schema: Schema): Json =>
  Object.entries(schema).map(([name, { type, about }]) => ({ name, type, ...(about !== undefined && { description: about }) }));
