// What a local client asks for: flags and cohorts, as a server answers.
import type { EvaluationFlag, LocalEvaluationConfig, LoggerProvider } from "halyard";
import { type Answer, jsonOf, type Lane } from "./evaluation-server.ts";

/** A cohort's JSON, as Amplitude's server writes it unless told otherwise. */
export function cohortOf(
  memberIds: readonly unknown[],
  fields: { groupType?: unknown; lastModified?: unknown; size?: unknown } = {},
) {
  const { groupType = "User", lastModified = 1_700_000_000_000, size = memberIds.length } = fields;
  return {
    cohortId: "c",
    groupType,
    groupTypeId: 0,
    lastComputed: 1,
    lastModified,
    size,
    memberIds,
  };
}

export const cohort = (memberIds: readonly unknown[], fields?: object): Answer =>
  jsonOf(cohortOf(memberIds, fields));

/** By the cohort's id, in order; the last answer is for all further requests. */
export function byCohort(answers: Readonly<Record<string, readonly Answer[]>>): Answer {
  const counts = new Map<string, number>();
  return (response, request) => {
    const id = cohortIdOf(request.path);
    const count = counts.get(id) ?? 0;
    counts.set(id, count + 1);
    answers[id][Math.min(count, answers[id].length - 1)](response, request);
  };
}

export function cohortIdOf(path: string): string {
  return decodeURIComponent(/\/sdk\/v1\/cohort\/([^?]*)/.exec(path)?.[1] ?? "");
}

/** A part now, and the rest when told. */
export function held(body: string, until: () => Promise<unknown>): Answer {
  return (response) => {
    response.writeHead(200, { "Content-Type": "application/json" });
    response.write(body.slice(0, body.length / 2));
    void until().then(() => response.end(body.slice(body.length / 2)));
  };
}

/** A flag whose variant says which version of it is live. */
export function versioned(version: string, more: Partial<EvaluationFlag> = {}): EvaluationFlag {
  const variants = { [version]: { key: version, value: version } };
  return { key: "flag", variants, segments: [{ variant: version }], ...more };
}

export class Lines implements LoggerProvider {
  readonly all: string[] = [];
  error = (line: string) => void this.all.push(`error ${line}`);
  warn = (line: string) => void this.all.push(`warn ${line}`);
  info = (line: string) => void this.all.push(`info ${line}`);
  debug = (line: string) => void this.all.push(`debug ${line}`);
  verbose = (line: string) => void this.all.push(`verbose ${line}`);
}

/** For a client of a lane of flags, and one of cohorts. */
export function configOf(flags: Lane, cohorts?: Lane): LocalEvaluationConfig {
  const keys = { apiKey: "the api key", secretKey: "the secret key" };
  return {
    serverUrl: flags.url,
    flagConfigPollingIntervalMillis: 30,
    flagConfigPollerRequestTimeoutMillis: 5_000,
    logLevel: 0,
    ...(cohorts && { cohortSyncConfig: { ...keys, cohortServerUrl: cohorts.url } }),
  };
}
