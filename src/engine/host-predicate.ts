// The predicates that only JavaScript can decide as the reference engine does: regular
// expressions, needles with half a surrogate pair, and the text order of what is no version.

import { OP_GREATER, OP_LESS, OP_LESS_OR_EQUAL } from "../../assembly/layout.ts";
import { operatorOf } from "./predicate.ts";
import { compareVersions, parseVersion, type Version } from "./version.ts";

/** Whether one text matches, before negation. */
export interface HostMatcher {
  negated: boolean;
  matches(text: string): boolean;
}

function ordered(sign: number, order: number): boolean {
  if (order === OP_LESS) return sign < 0;
  if (order === OP_LESS_OR_EQUAL) return sign <= 0;
  return order === OP_GREATER ? sign > 0 : sign >= 0;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function versionMatcher(order: number, values: readonly string[]): (text: string) => boolean {
  const versions = values.map(parseVersion).filter((value): value is Version => !!value);
  return (text) => {
    const version = versions.length > 0 ? parseVersion(text) : undefined;
    if (!version) return values.some((value) => ordered(compareTexts(text, value), order));
    return versions.some((value) => ordered(compareVersions(version, value), order));
  };
}

export function hostMatcher(op: string, values: readonly string[]): HostMatcher {
  const { negated, order } = operatorOf(op);
  if (op.startsWith("regex")) {
    const patterns = values.map((value) => new RegExp(value));
    return { negated, matches: (text) => patterns.some((pattern) => pattern.test(text)) };
  }
  if (op.startsWith("version")) return { negated, matches: versionMatcher(order, values) };
  const needles = values.map((value) => value.toLowerCase());
  return {
    negated,
    matches: (text) => {
      const lower = text.toLowerCase();
      return needles.some((needle) => lower.includes(needle));
    },
  };
}

/** Whether one of a slot's texts matches, the negation taken text by text. */
export function matchesAny(
  { negated, matches }: HostMatcher,
  texts: string | readonly string[] | undefined,
): boolean {
  if (typeof texts === "string") return matches(texts) !== negated;
  return texts?.some((text) => matches(text) !== negated) ?? false;
}
