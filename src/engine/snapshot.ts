// A value as it reads now, whatever its owner does to it later.

import { listOf, textOf } from "./value.ts";
import { deepFreeze } from "./variant.ts";

/** Stands for an object of which no copy reads like it, e.g. for one with methods. */
class Reading {
  readonly #text: string | undefined;
  readonly #string: string | undefined;

  constructor(value: object) {
    this.#text = textOf(value);
    try {
      this.#string = String(value);
    } catch {
      // Neither has the reading a string, then.
    }
  }

  toJSON(): unknown {
    return this.#text === undefined ? undefined : JSON.parse(this.#text);
  }

  toString(): string {
    if (this.#string === undefined) throw new TypeError("expected an object that has a string");
    return this.#string;
  }
}

function readsAlike(a: object, b: object): boolean {
  return textOf(a) === textOf(b) && JSON.stringify(listOf(a)) === JSON.stringify(listOf(b));
}

/** A value that reads as this one does, and that the caller cannot change. */
export function snapshot(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const isList = Array.isArray(value);
  if (isList && value.every((item) => typeof item !== "object")) return Object.freeze([...value]);
  try {
    const copy: object = structuredClone(value);
    if (readsAlike(copy, value)) return deepFreeze(copy);
  } catch {
    // It has a function or a getter that throws: reading it tells.
  }
  return isList ? Object.freeze(value.map(readingOf)) : new Reading(value);
}

function readingOf(value: unknown): unknown {
  return typeof value === "object" && value !== null ? new Reading(value) : value;
}
