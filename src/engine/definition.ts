// A flag's definition as a text to compare: whatever its answers depend on, but its parents'.

import * as L from "../../assembly/layout.ts";
import type { Config } from "./config.ts";

function definitionOf(config: Config, flag: number): string {
  const { flagKeys, enabled } = config.names;
  const record = config.record(L.IMAGE_FLAGS, flag, L.FLAG_SIZE);
  const parts: unknown[] = [enabled[flag], config.text(record + L.FLAG_METADATA)];
  for (const parent of config.parentsOf(flag)) parts.push(flagKeys[parent]);
  const segmentCount = config.u32(record + L.FLAG_SEGMENT_COUNT);
  for (let index = 0; index < segmentCount; index++) {
    const segment = config.segmentRecord(flag, index);
    parts.push("segment", config.text(segment + L.SEGMENT_METADATA));
    parts.push(config.u32(segment + L.SEGMENT_OUTCOME));
    const count = config.u32(segment + L.SEGMENT_CONDITION_COUNT);
    parts.push(count);
    const conditions = config.u32(segment + L.SEGMENT_CONDITIONS);
    for (let i = 0; count < L.CONDITIONS_NEVER && i < count; i++) {
      const word = config.u32(conditions + i * L.U32);
      parts.push(word & 1, config.condition(word >>> 1));
    }
    const bucket = config.u32(segment + L.SEGMENT_BUCKET);
    if (bucket) parts.push(config.bucket(bucket));
  }
  const outcomes = config.u32(record + L.FLAG_OUTCOMES);
  const outcomeCount = config.u32(record + L.FLAG_OUTCOME_COUNT);
  for (let i = 0; i < outcomeCount; i++) {
    const outcome = outcomes + i * L.OUTCOME_SIZE;
    parts.push(config.u32(outcome), config.text(outcome + L.OUTCOME_VARIANT));
  }
  return JSON.stringify(parts);
}

/** Keys of the flags that were added, removed, or whose definition differs. */
export function changedKeys(old: Config, next: Config): string[] {
  const changed: string[] = [];
  const { flagKeys } = next.names;
  for (const [flag, key] of flagKeys.entries()) {
    const before = old.flags.find(key);
    if (before < 0 || definitionOf(old, before) !== definitionOf(next, flag)) {
      changed.push(key);
    }
  }
  for (const key of old.names.flagKeys) {
    if (next.flags.find(key) < 0) changed.push(key);
  }
  return changed;
}
