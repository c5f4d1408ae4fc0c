import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import type { ExperimentUser } from "../engine/index.ts";
import { InputError, readFailure } from "../sdk/input-error.ts";
import { parseJson } from "../sdk/json.ts";
import { type Line, readLines } from "../sdk/lines.ts";
import { asUser } from "./user.ts";

/** A user, and how much of the input was used up once it had been read. */
export interface Arrival {
  user: ExperimentUser;
  done: number;
}

/** Users from one place. `total` is in the unit of `done`: bytes of a file, else users. */
export interface UserSource {
  kind: "file" | "inline" | "stream";
  total?: number;
  users: AsyncGenerator<Arrival>;
}

function isBlank(text: string): boolean {
  return text.trim() === "";
}

function* fromDocument(text: string, place: string, bytes: number): Generator<Arrival> {
  const value = parseJson(text, place);
  if (!Array.isArray(value)) {
    yield { user: asUser(value, place), done: bytes };
    return;
  }
  if (value.length === 0) throw new InputError(place, "", "at least one user", "an empty list");
  for (let index = 0; index < value.length; index++) {
    const done = (bytes * (index + 1)) / value.length;
    yield { user: asUser(value[index], place, `[${index}]`), done };
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether the whole input is one document. A list is. An object that goes on after its first
 * line is too, unless the second line stands on its own: then the first line is a damaged record.
 */
async function isDocument(first: Line, next: () => Promise<Line | undefined>): Promise<boolean> {
  const start = first.text.trimStart();
  if (start.startsWith("[")) return true;
  if (!start.startsWith("{") || parses(start)) return false;
  const second = await next();
  return second !== undefined && !parses(second.text);
}

/** Reads JSON or one user per line, whichever the text turns out to be. */
async function* fromText(source: Readable, place: string, streamed: boolean) {
  const lines = readLines(source);
  const seen: Line[] = [];
  const next = async (): Promise<Line | undefined> => {
    const { value, done } = await lines.next();
    if (done) return undefined;
    seen.push(value);
    return value;
  };
  let first = await next();
  while (first !== undefined && isBlank(first.text)) first = await next();
  if (first === undefined) throw new InputError(place, "", "at least one user", "no text at all");
  // A stream that starts with an object is never one document: its first line must not have to
  // wait for a second one.
  const whole = streamed ? first.text.trimStart().startsWith("[") : await isDocument(first, next);
  if (whole) {
    while (await next());
    yield* fromDocument(seen.map((line) => line.text).join("\n"), place, seen.at(-1)!.bytes);
    return;
  }
  const record = ({ text, number, bytes }: Line): Arrival => {
    const user = asUser(parseJson(text, place, number), `${place}:${number}`);
    return { user, done: bytes };
  };
  for (const line of seen) if (!isBlank(line.text)) yield record(line);
  for await (const line of lines) if (!isBlank(line.text)) yield record(line);
}

async function* guarded(users: AsyncGenerator<Arrival>, place: string): AsyncGenerator<Arrival> {
  try {
    yield* users;
  } catch (error) {
    throw readFailure(place, error);
  }
}

async function* inline(text: string): AsyncGenerator<Arrival> {
  yield* fromDocument(text, "--user", text.length);
}

/**
 * Opens the argument of `--user`: `-` is standard input, text that starts like JSON is taken as
 * it is, and everything else names a file.
 */
export async function openUsers(argument: string): Promise<UserSource> {
  if (argument === "-") {
    const users = guarded(fromText(process.stdin, "stdin", true), "stdin");
    return { kind: "stream", users };
  }
  if (/^\s*[{[]/.test(argument)) return { kind: "inline", users: inline(argument) };
  try {
    const file = await stat(argument);
    if (file.isDirectory()) throw Object.assign(new Error(), { code: "EISDIR" });
    const users = fromText(createReadStream(argument), argument, false);
    return { kind: "file", total: file.size, users: guarded(users, argument) };
  } catch (error) {
    throw readFailure(argument, error);
  }
}
