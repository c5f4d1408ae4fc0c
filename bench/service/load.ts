// Load from this machine: as much as a server can take, and a given rate.
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import autocannon from "autocannon";

const PATH = "/sdk/v2/vardata?v=0";
const CONNECTIONS = 64;
const run = promisify(execFile);

export interface Load {
  /** The address of a server. */
  url: string;
  /** Of `X-Amp-Exp-User`, one a request. */
  users: readonly string[];
  seconds: number;
}

/** What makes the load: wrk costs far less than it measures. */
export const tool: "wrk" | "autocannon" = hasWrk() ? "wrk" : "autocannon";

function hasWrk(): boolean {
  try {
    execFileSync("which", ["wrk"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Answers a second, with 64 connections that each ask as soon as they are answered. */
export function throughputOf(load: Load): Promise<number> {
  return tool === "wrk" ? byWrk(load) : byAutocannon(load);
}

async function byWrk({ url, users, seconds }: Load): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "halyard-wrk-"));
  const script = join(folder, "users.lua");
  const list = users.map((user) => `"${user}"`).join(",");
  writeFileSync(
    script,
    [
      `local users = {${list}}`,
      "local at = 0",
      "request = function()",
      "at = at % #users + 1",
      'return wrk.format("GET", nil, {["X-Amp-Exp-User"] = users[at]})',
      "end",
    ].join("\n"),
  );
  try {
    const scale = ["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "--timeout", "30s"];
    const { stdout } = await run("wrk", [...scale, "-s", script, url + PATH]);
    if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`wrk: expected answers\n${stdout}`);
    return Number(/Requests\/sec:\s*([\d.]+)/.exec(stdout)?.[1]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function byAutocannon({ url, users, seconds }: Load): Promise<number> {
  const requests = users.map((user) => ({ headers: { "x-amp-exp-user": user } }));
  const scale = { connections: CONNECTIONS, duration: seconds };
  const {
    requests: answers,
    non2xx,
    errors,
  } = await autocannon({
    url: url + PATH,
    ...scale,
    requests,
  });
  if (non2xx || errors)
    throw new Error(`autocannon: expected answers, got ${non2xx + errors} errors`);
  return answers.average;
}

/** Milliseconds of each answer, from when it should have been asked for. */
export async function latenciesOf(load: Load, perSecond: number): Promise<number[]> {
  const { url, users, seconds } = load;
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const count = Math.round(perSecond * seconds);
  const start = performance.now() + 50;
  const due = (at: number) => start + (at * 1000) / perSecond;
  const latencies: number[] = [];
  const answers: Promise<void>[] = [];
  for (let at = 0; at < count; at++) {
    // Timers are too coarse for what is measured here.
    while (performance.now() < due(at)) await new Promise((resume) => setImmediate(resume));
    const headers = { "x-amp-exp-user": users[at % users.length] };
    answers.push(
      new Promise((resolve, reject) => {
        get(url + PATH, { agent, headers }, (response) => {
          response.resume();
          response.once("end", () => {
            latencies.push(performance.now() - due(at));
            resolve();
          });
        }).once("error", reject);
      }),
    );
  }
  await Promise.all(answers);
  agent.destroy();
  return latencies.sort((a, b) => a - b);
}
