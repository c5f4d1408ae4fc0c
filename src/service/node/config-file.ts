// The file of `--config`: YAML or JSON, checked, with secrets from the environment.

import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import * as v from "valibot";
import { type Document, parseDocument } from "yaml";
import { LOG_LEVELS, type ServeOptions } from "./serve-options.ts";

/** A configuration that cannot be used: what, where, expected, got. */
export class ConfigFileError extends Error {
  override readonly name = "ConfigFileError";
}

const text = v.pipe(v.string(), v.nonEmpty("expected a text, got an empty one"));
const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const millis = v.pipe(v.number(), v.minValue(1));
const analytics = v.looseObject({ apiKey: text, cacheCapacity: v.optional(count) });
const cohortKeys = v.strictObject({ apiKey: text, secretKey: text });
const deploymentKey = v.strictObject({ key: text, kind: v.picklist(["server", "client"]) });

/** In capitals, as Amplitude's SDKs of other languages have it, too. */
const zone = v.pipe(
  v.picklist(["us", "eu", "US", "EU"]),
  v.transform((name) => name.toLowerCase() as "us" | "eu"),
);

const upstream = v.strictObject({
  deploymentKey: text,
  serverZone: v.optional(zone),
  serverUrl: v.optional(text),
  streamUpdates: v.optional(v.boolean()),
  streamServerUrl: v.optional(text),
  streamFlagConnTimeoutMillis: v.optional(millis),
  flagConfigPollingIntervalMillis: v.optional(millis),
  flagConfigPollerRequestTimeoutMillis: v.optional(millis),
  cohortSyncConfig: v.optional(
    v.strictObject({
      ...cohortKeys.entries,
      cohortServerUrl: v.optional(text),
      maxCohortSize: v.optional(count),
      cohortPollingIntervalMillis: v.optional(millis),
    }),
  ),
});

const deployment = {
  name: v.optional(text),
  keys: v.optional(v.array(v.union([text, deploymentKey]))),
  cohortKeys: v.optional(v.array(cohortKeys)),
  flags: v.optional(text),
  cohorts: v.optional(text),
  upstream: v.optional(upstream),
  snapshotPath: v.optional(text),
  exposureConfig: v.optional(analytics),
  assignmentConfig: v.optional(
    v.looseObject({ ...analytics.entries, sendEvaluatedProps: v.optional(v.boolean()) }),
  ),
};

const schema = v.strictObject({
  ...deployment,
  deployments: v.optional(v.pipe(v.array(v.strictObject(deployment)), v.minLength(1))),
  redis: v.optional(
    v.strictObject({
      url: v.union([text, v.pipe(v.array(text), v.minLength(1))]),
      prefix: v.optional(text),
    }),
  ),
  port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535))),
  host: v.optional(text),
  workers: v.optional(count),
  logLevel: v.optional(v.picklist(LOG_LEVELS)),
  graceMillis: v.optional(v.pipe(v.number(), v.minValue(0))),
  ui: v.optional(v.boolean()),
  streamKeepAliveMillis: v.optional(millis),
  limits: v.optional(
    v.strictObject({
      bodyBytes: v.optional(count),
      headerBytes: v.optional(count),
      userDepth: v.optional(count),
      flagKeys: v.optional(count),
      streams: v.optional(count),
      requestMillis: v.optional(count),
    }),
  ),
});

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a configuration. `${NAME}` within a text is the environment's; paths are relative to the
 * file.
 *
 * @throws {@link ConfigFileError}
 */
export async function readConfig(file: string, environment: Environment): Promise<ServeOptions> {
  const document = parseDocument(await read(file), { prettyErrors: true });
  const [fault] = document.errors;
  if (fault) {
    const { line, col } = fault.linePos?.[0] ?? { line: 1, col: 1 };
    const [reason] = fault.message.split("\n");
    throw new ConfigFileError(`${file}:${line}:${col}: ${reason.replace(/ at line .*$/, "")}`);
  }
  const filled = fill(rootOf(document, file), "", (path, name) => {
    const value = environment[name];
    if (value !== undefined) return value;
    throw new ConfigFileError(`${file}: ${path}: expected ${name} in the environment, got none`);
  });
  if (Array.isArray(filled)) {
    throw new ConfigFileError(`${file}: expected options, got a list (of flags? then --flags)`);
  }
  const parsed = v.safeParse(schema, filled ?? {});
  if (!parsed.success) throw new ConfigFileError(`${file}: ${describe(parsed.issues[0])}`);
  return withPaths(parsed.output, dirname(file));
}

/** The error of an alias is not among those of the document, and may name what is a key. */
function rootOf(document: Document, file: string): unknown {
  try {
    const value: unknown = document.toJS();
    // It throws for what contains itself.
    JSON.stringify(value);
    return value;
  } catch {
    throw new ConfigFileError(`${file}: expected aliases of few anchors, got others`);
  }
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigFileError(`${file}: expected a readable file, got ${code}`);
  }
}

/** Puts the environment in place of `${NAME}`, in all texts. */
function fill(value: unknown, path: string, find: (path: string, name: string) => string): unknown {
  if (typeof value === "string") {
    return value.replace(/\$\{(\w+)\}/g, (_, name: string) => find(path, name));
  }
  if (Array.isArray(value)) return value.map((item, at) => fill(item, `${path}[${at}]`, find));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => {
    return [key, fill(item, path === "" ? key : `${path}.${key}`, find)];
  });
  return Object.fromEntries(entries);
}

/** Where and what; never the value, which may be a secret. */
function describe(issue: v.BaseIssue<unknown>): string {
  const keys = issue.path?.map(({ key }) => key) ?? [];
  const path = keys.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`)).join("");
  const place = path.replace(/^\./, "") || "the whole";
  if (issue.expected === "never") return `${place}: expected no such option`;
  if (issue.received === "undefined") return `${place}: expected ${wordsOf(issue)}, got nothing`;
  const isOfKind = issue.kind === "schema" && issue.expected !== null;
  return isOfKind ? `${place}: expected ${wordsOf(issue)}` : `${place}: ${issue.message}`;
}

function wordsOf({ expected }: v.BaseIssue<unknown>): string {
  return expected === "Object" ? "an object" : `${expected}`;
}

type Options = v.InferOutput<typeof schema>;

function withPaths(options: Options, folder: string): Options {
  const { deployments } = options;
  return {
    ...located(options, folder),
    ...(deployments && { deployments: deployments.map((one) => located(one, folder)) }),
  };
}

function located<Some extends Pick<Options, "flags" | "cohorts" | "snapshotPath">>(
  options: Some,
  folder: string,
): Some {
  const paths = (["flags", "cohorts", "snapshotPath"] as const)
    .filter((name) => options[name] !== undefined)
    .map((name) => [name, resolve(folder, options[name]!)]);
  return { ...options, ...Object.fromEntries(paths) };
}
