/** Input that cannot be used. The message is the one line that people get to see. */
export class InputError extends Error {
  override readonly name = "InputError";

  /**
   * @param place - the file, followed by `:line:column` where that is known
   * @param path - where in the document, such as `[2].groups.company`; empty for all of it
   * @param expected - what would have been accepted
   * @param got - what was there instead
   */
  constructor(place: string, path: string, expected: string, got: string) {
    super(`${place}: ${path === "" ? "" : `${path}: `}expected ${expected}, got ${got}`);
  }
}

const systemErrors: Record<string, string> = {
  ENOENT: "no such file",
  EISDIR: "a directory",
  EACCES: "a file without read permission",
  EPERM: "a file without read permission",
  ENOTDIR: "a path through something that is not a directory",
  ELOOP: "a loop of symbolic links",
  ERR_STRING_TOO_LONG: "a JSON document too large for one string (use one user per line)",
  ERR_FS_FILE_TOO_LARGE: "a file over 2 GiB",
};

/** An {@link InputError} for a file that could not be read; other errors pass unchanged. */
export function readFailure(place: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === "ERR_ENCODING_INVALID_ENCODED_DATA") {
    return new InputError(place, "", "UTF-8 text", "bytes that are not UTF-8");
  }
  if (typeof code !== "string" || !(error instanceof Error) || error instanceof InputError) {
    return error;
  }
  return new InputError(place, "", "a readable file", systemErrors[code] ?? code);
}

/** Names a JSON value for an error message: `a list`, `the number 5`, `the text "abc"`. */
export function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object") return "an object";
  const text = JSON.stringify(value);
  const short = text.length > 40 ? `${text.slice(0, 36)}…"` : text;
  return `the ${typeof value === "string" ? "text" : typeof value} ${short}`;
}
