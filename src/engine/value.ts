// A selected value as the reference engine reads it: null, text, list of texts, or neither.

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

/** Each element is read once: a getter or a proxy may answer otherwise the next time. */
function textsOf(values: readonly unknown[]): string[] {
  const texts: string[] = [];
  for (let i = 0; i < values.length; i++) {
    const text = textOf(values[i]);
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

/** Up to this length comparing each with each beats a set. */
const SHORT_LIST = 12;

/** Each text once. */
export function distinctOf(texts: string[]): string[] {
  if (texts.length > SHORT_LIST) return [...new Set(texts)];
  for (let i = 1; i < texts.length; i++) {
    if (texts.indexOf(texts[i]) < i) return [...new Set(texts)];
  }
  return texts;
}
