import { Problem } from "./problem.ts";

/** What a request may ask for. */
export interface Limits {
  /** Of a body, in bytes. Default: 1 MiB. */
  bodyBytes: number;
  /** Of all headers together, in bytes; on Node. Default: 64 KiB. */
  headerBytes: number;
  /** Levels of objects and lists within a user. Default: 16. */
  userDepth: number;
  /** Flag keys in one request. Default: 10000. */
  flagKeys: number;
  /** Streams of flags at a time, in each thread. Default: 10000. */
  streams: number;
  /** For a whole request to come in, in ms; on Node. Default: 10000. */
  requestMillis: number;
}

export const LimitDefaults: Readonly<Limits> = Object.freeze({
  bodyBytes: 1024 * 1024,
  headerBytes: 64 * 1024,
  userDepth: 16,
  flagKeys: 10_000,
  streams: 10_000,
  requestMillis: 10_000,
});

/** Limits as they are given, the others by default. */
export function limitsOf(given: Partial<Limits> = {}): Limits {
  const present = Object.entries(given).filter(([, limit]) => limit !== undefined);
  return { ...LimitDefaults, ...Object.fromEntries(present) };
}

/**
 * A request's body as text.
 *
 * @throws {@link Problem} 413 for a longer one, 415 for a compressed one, 400 for what is not UTF-8
 */
export async function readBody(request: Request, bytesMax: number): Promise<string> {
  const encoding = request.headers.get("content-encoding") ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    const message = "body: expected one that is not compressed, got a Content-Encoding";
    throw Problem.json(415, { code: "invalid-body", message, path: "header Content-Encoding" });
  }
  const length = request.headers.get("content-length");
  if (length !== null && Number(length) > bytesMax) throw tooLarge(bytesMax);
  const bytes = await readBytes(request, bytesMax);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const message = "body: expected UTF-8, got other bytes";
    throw Problem.json(400, { code: "invalid-body", message, path: "body" });
  }
}

async function readBytes(request: Request, bytesMax: number) {
  const hasLength = request.headers.has("content-length");
  try {
    // With a length, no more than it says can come.
    return hasLength ? await request.arrayBuffer() : await readStream(request, bytesMax);
  } catch (error) {
    if (error instanceof Problem) throw error;
    // Of a client that goes: nobody reads this, and it is no fault of ours to be logged.
    const message = "body: expected all of it, got a part";
    throw Problem.json(400, { code: "invalid-body", message, path: "body" });
  }
}

async function readStream({ body }: Request, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (body) {
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > bytesMax) throw tooLarge(bytesMax);
      chunks.push(chunk);
    }
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function tooLarge(bytesMax: number): Problem {
  const message = `body: expected at most ${bytesMax} bytes, got more`;
  return Problem.json(413, { code: "too-large", message, path: "body" });
}

/** Whether a parsed value has more than so many levels; without recursion. */
export function isDeeper(value: unknown, depthMax: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; depth <= depthMax; depth++) {
    level = level.flatMap((item) =>
      typeof item === "object" && item !== null ? Object.values(item) : [],
    );
    if (level.length === 0) return false;
  }
  return level.some((item) => typeof item === "object" && item !== null);
}
