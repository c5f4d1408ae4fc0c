import type { EvaluationVariant, ExperimentUser } from "../engine/index.ts";

/** What an evaluation gave, by flag key. */
export type Results = Readonly<Record<string, EvaluationVariant>>;

/** The text of an id, a flag key or a variant key, without the blanks around it. */
function trimmed(value: unknown): string {
  if (value === null || value === undefined) return "";
  return (typeof value === "string" ? value : String(value)).trim();
}

/** Writes evaluations so that two with the same outcome for the same ids are the same text. */
export class CanonicalForm {
  // Nearly every evaluation is of the same flags as the one before: to compare the keys costs a
  // quarter of sorting them.
  #keys: readonly string[] = [];
  #sorted: readonly string[] = [];
  #texts: readonly string[] = [];

  /** `<user_id> <device_id> `, then `<flag key> <variant key> ` by flag key in UTF-16 order. */
  of({ user_id, device_id }: ExperimentUser, results: Results): string {
    this.#sort(Object.keys(results));
    let text = `${trimmed(user_id)} ${trimmed(device_id)} `;
    for (let i = 0; i < this.#sorted.length; i++) {
      const key = results[this.#sorted[i]]?.key;
      if (key) text += `${this.#texts[i]}${trimmed(key)} `;
    }
    return text;
  }

  #sort(keys: readonly string[]): void {
    const known = this.#keys;
    if (keys.length === known.length && keys.every((key, i) => key === known[i])) return;
    this.#keys = keys;
    this.#sorted = [...keys].sort();
    this.#texts = this.#sorted.map((key) => `${trimmed(key)} `);
  }
}

/** Java's hash of a text, over UTF-16 units; signed. */
export function hashCode(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) {
    hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  }
  return hash;
}

/**
 * Hashes texts that have the same end, without reading the end again.
 *
 * @returns of a beginning: {@link hashCode} of it and the end together
 */
export function hashCodeBefore(end: string): (beginning: string) => number {
  const hash = hashCode(end);
  let power = 1;
  for (let i = 0; i < end.length; i++) power = Math.imul(power, 31);
  return (beginning) => (Math.imul(hashCode(beginning), power) + hash) | 0;
}
