// JSON texts of what flags repeat: metadata, variants and allocations are mostly equal from flag to
// flag, and finding a known text is cheaper than writing it again.

import type { Place } from "./check.ts";
import { jsonText } from "./json-text.ts";

/** What values that begin alike have in common; after a whole value stands its text. */
class Node {
  readonly next = new Map<unknown, Node>();
  text: string | undefined;
}

// Steps that no value makes: with them different values never take the same path.
const OBJECT = Symbol("object");
const ARRAY = Symbol("array");
const END = Symbol("end");

/** Enough for what repeats. Where little does, not more than this is spent on looking for it. */
const NODE_COUNT_MAX = 2048;
const DEPTH_MAX = 16;

/** Finds or makes JSON texts; equal values get one text. */
export class JsonTexts {
  readonly #root = new Node();
  #nodeCount = 0;

  /** As {@link jsonText}. */
  of(value: unknown, place: Place): string {
    return jsonText(value, place, this.#write);
  }

  readonly #write = (value: unknown): string => {
    const node = this.#walk(this.#root, value, DEPTH_MAX);
    if (!node) return JSON.stringify(value);
    node.text ??= JSON.stringify(value);
    return node.text;
  };

  /** The node behind a value; undefined for what is not plain data, is too deep or does not fit. */
  #walk(start: Node, value: unknown, depth: number): Node | undefined {
    if (typeof value !== "object" || value === null) {
      const isPlain = value === null || typeof value === "string" || typeof value === "boolean";
      return isPlain || typeof value === "number" ? this.#step(start, value) : undefined;
    }
    if (depth === 0) return undefined;
    const prototype: unknown = Object.getPrototypeOf(value);
    let node: Node | undefined;
    if (prototype === Object.prototype) {
      node = this.#step(start, OBJECT);
      const object = value as Record<string, unknown>;
      const keys = Object.keys(object);
      for (let i = 0; node && i < keys.length; i++) {
        const member = this.#step(node, keys[i]);
        node = member && this.#walk(member, object[keys[i]], depth - 1);
      }
    } else if (prototype === Array.prototype && Array.isArray(value)) {
      node = this.#step(start, ARRAY);
      for (let i = 0; node && i < value.length; i++) node = this.#walk(node, value[i], depth - 1);
    }
    return node && this.#step(node, END);
  }

  #step(node: Node, by: unknown): Node | undefined {
    let next = node.next.get(by);
    if (!next && this.#nodeCount < NODE_COUNT_MAX) {
      next = new Node();
      node.next.set(by, next);
      this.#nodeCount++;
    }
    return next;
  }
}
