// A selected value as the reference engine reads it: null, text, list of texts, or neither.

/**
 * The value at `selector[start...]` below `root`; undefined for null and undefined.
 * Own properties only (docs/evaluation.md, D3).
 */
export function select(root: unknown, selector: readonly string[], start: number): unknown {
  let value = root;
  for (let i = start; i < selector.length; i++) {
    const key = selector[i];
    if (key === "" || typeof value !== "object" || value === null) return undefined;
    const object = value as Record<string, unknown>;
    value = object[key];
    if (value !== undefined && !Object.hasOwn(object, key)) return undefined;
  }
  return value ?? undefined;
}

/** The value as text; undefined if it has none. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (value === undefined || value === null) return undefined;
  try {
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  } catch (error) {
    // A cycle, a BigInt: JSON has no text for them (TypeError). What a getter throws goes on up.
    if (error instanceof TypeError || error instanceof RangeError) return undefined;
    throw error;
  }
}

function textsOf(values: readonly unknown[]): string[] {
  const texts: string[] = [];
  for (const value of values) {
    const text = textOf(value);
    if (text) texts.push(text);
  }
  return texts;
}

/**
 * The texts of a list: an array, or text of a JSON array; undefined for anything else, null for
 * what has no text at all (docs/evaluation.md, D6).
 */
export function listOf(value: unknown): string[] | undefined | null {
  if (Array.isArray(value)) return textsOf(value);
  if (typeof value === "number" || typeof value === "boolean") return undefined;
  let text: string;
  try {
    text = String(value);
  } catch {
    return null;
  }
  if (!text.startsWith("[") || text === "[object Object]") return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? textsOf(parsed) : undefined;
  } catch {
    return undefined;
  }
}
