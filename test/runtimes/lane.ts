// One way to run the core somewhere, and what came of it.

/** What an entry (conformance.mjs) answers. */
export interface Conformance {
  backend: string;
  shared: boolean;
  passed: number;
  /** The cases that were answered otherwise than expected, and how. */
  wrong: string[];
}

/** The modules that have an engine. */
export type EngineName = "halyard/engine" | "halyard/engine/compact";

/** A runtime that has been started, or can be. */
export interface Runner extends AsyncDisposable {
  version: string;
  /** Bytes of what is loaded, compressed by gzip; undefined = nothing goes through a network. */
  size?: number;
  conform(): Promise<Conformance>;
  /** Milliseconds until the first answer, from nothing: another process, page or worker. */
  start(): Promise<number>;
}

export interface Lane {
  name: string;
  /** The build that has to be chosen here. */
  backend: "wasm-simd" | "wasm" | "js";
  /** Whether other threads must be able to attach. */
  shared: boolean;
  /** A text = why it cannot run. */
  open(project: string): Promise<Runner | string>;
}

export interface Row {
  lane: Lane;
  /** Why there is nothing else. */
  skipped?: string;
  /** What is not as it has to be. */
  faults: string[];
  version?: string;
  size?: number;
  conformance?: Conformance;
  startMs?: number;
}

const STARTS = 5;

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >>> 1];

function faultsOf(lane: Lane, { backend, shared, wrong }: Conformance): string[] {
  const faults = wrong.map((fault) => `case ${fault}`);
  if (backend !== lane.backend) faults.push(`backend: expected ${lane.backend}, got ${backend}`);
  if (shared !== lane.shared) faults.push(`shared: expected ${lane.shared}, got ${shared}`);
  return faults;
}

export async function runLane(lane: Lane, project: string): Promise<Row> {
  try {
    const runner = await lane.open(project);
    if (typeof runner === "string") return { lane, skipped: runner, faults: [] };
    await using opened = runner;
    const conformance = await opened.conform();
    const starts: number[] = [];
    for (let i = 0; i < STARTS; i++) starts.push(await opened.start());
    const { version, size } = opened;
    const faults = faultsOf(lane, conformance);
    return { lane, faults, version, size, conformance, startMs: median(starts) };
  } catch (error) {
    return { lane, faults: [`did not run: ${error instanceof Error ? error.message : error}`] };
  }
}
