// How a single figure is written.
import type { Allocation } from "./allocation.ts";
import type { Spread } from "./measure.ts";

export function time(ns: number): string {
  if (ns < 100) return `${ns.toFixed(1)} ns`;
  if (ns < 1e3) return `${ns.toFixed(0)} ns`;
  return ns < 1e6 ? `${(ns / 1e3).toFixed(2)} µs` : `${(ns / 1e6).toFixed(2)} ms`;
}

export function factor(ratio: number): string {
  if (ratio >= 100) return `${Math.round(ratio)}x`;
  return ratio < 0.1 ? `${ratio.toPrecision(2)}x` : `${ratio.toFixed(2)}x`;
}

export function bytes(allocation: Allocation | undefined): string {
  if (!allocation) return "";
  const text = Math.round(allocation.bytes).toLocaleString("en-US");
  return allocation.atLeast ? `at least ${text}` : text;
}

export function between({ low, high }: Spread, show: (value: number) => string): string {
  return `${show(low)} to ${show(high)}`;
}

/** Bytes, in powers of ten. */
export function size(amount: number): string {
  const magnitude = Math.abs(amount);
  if (magnitude < 1e6) return `${(amount / 1e3).toFixed(1)} kB`;
  return magnitude < 1e9 ? `${(amount / 1e6).toFixed(1)} MB` : `${(amount / 1e9).toFixed(2)} GB`;
}
