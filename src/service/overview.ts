// What the page at `/` shows of a deployment, apart from a user's variants.

import type { EngineWarning, EvaluationFlag } from "../engine/index.ts";
import type { Deployment, DeploymentStatus } from "./deployment.ts";
import type { CohortFile, SourceState } from "./source.ts";

/** A flag's definition in short. */
export interface FlagOverview {
  key: string;
  /** False for one that cannot evaluate: there is a warning that says why. */
  isLive: boolean;
  type?: string;
  version?: string;
  evaluationMode?: string;
  isDeployed: boolean;
  variants: string[];
  /** Names; null = the segment has none. */
  segments: (string | null)[];
  dependencies: string[];
}

export interface Overview {
  deployment: string;
  status: DeploymentStatus;
  source: Pick<SourceState, "kind" | "place" | "lastError" | "fleet">;
  digest: string | undefined;
  /** Since the flags were confirmed; undefined = there are none yet. */
  ageMillis: number | undefined;
  warnings: readonly EngineWarning[];
  cohorts: Pick<CohortFile, "cohortId" | "groupType" | "size" | "lastModified">[];
  /** Of the flags: another one when they change. */
  revision: string;
  /** Left out for whoever knows this revision. */
  flags?: FlagOverview[];
}

/** @param knownRevision - of the flags that whoever asks has */
export function overviewOf(deployment: Deployment, knownRevision: string | null): Overview {
  const { name, status, ageMillis, source } = deployment;
  const { kind, place, digest, lastError, ...state } = source.state;
  const document = deployment.flagsFor("server");
  const revision = `${source.engine.digest} ${document?.etag ?? ""}`;
  return {
    deployment: name,
    status,
    source: { kind, place, lastError, fleet: state.fleet },
    digest,
    ageMillis,
    warnings: state.warnings,
    // Where the members are is nobody's business.
    cohorts: state.cohorts.map(({ cohortId, groupType, size, lastModified }) => {
      return { cohortId, groupType, size, lastModified };
    }),
    revision,
    flags: revision === knownRevision ? undefined : flagsOf(deployment, document?.text ?? "[]"),
  };
}

function flagsOf({ source }: Deployment, text: string): FlagOverview[] {
  const live = new Set(source.engine.flagKeys);
  const flags = (JSON.parse(text) as Partial<EvaluationFlag>[]).filter(
    (flag) => typeof flag?.key === "string",
  );
  // Of two flags with one key the later one counts, as when they are loaded.
  const byKey = new Map(flags.map((flag) => [flag.key!, flag]));
  return Array.from(byKey, ([key, flag]) => flagOverview(key, flag, live.has(key)));
}

/** Also of a malformed flag: nothing but its key is taken for granted. */
function flagOverview(key: string, flag: Partial<EvaluationFlag>, isLive: boolean): FlagOverview {
  const { metadata, variants, segments, dependencies } = flag;
  return {
    key,
    isLive,
    type: textOf(metadata?.flagType),
    version: textOf(metadata?.flagVersion),
    evaluationMode: textOf(metadata?.evaluationMode),
    isDeployed: metadata?.deployed !== false,
    variants: Object.keys(variants ?? {}),
    segments: listOf(segments).map((segment) => textOf(segment?.metadata?.segmentName) ?? null),
    dependencies: listOf(dependencies).filter((parent) => typeof parent === "string"),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

function listOf<Item>(list: Item[] | undefined): Item[] {
  return Array.isArray(list) ? list : [];
}
