// The cohorts that conditions name, while an image is compiled: whose they are, how a slot of
// theirs is written.

import * as L from "../../assembly/layout.ts";
import type { NamedCohort } from "./image-reader.ts";
import type { ImageWriter } from "./image-writer.ts";
import type { SlotEntry } from "./tables.ts";
import { foldBoolean } from "./text.ts";

/** Members are users, not groups. */
const USER_GROUP_TYPE = "User";

/** Where a cohort is first named. */
export interface CohortPlace {
  flagKey: string;
  /** Inside the flag. */
  path: string;
}

interface NumberedPlace extends CohortPlace {
  /** Among the slot's cohorts. */
  index: number;
}

export interface SlotCohortsEntry {
  groupType: string;
  /** The slot of the member's id. */
  member: SlotEntry;
  /** By cohort id. */
  places: Map<string, NumberedPlace>;
  /** Index of the first one in the image. */
  start: number;
}

/** Whose cohorts a slot is of, and the selector of their ids. */
export interface CohortSource {
  groupType: string;
  member: readonly string[];
}

/** Where the Amplitude SDKs fill cohorts in; undefined for other selectors. */
export function cohortSourceOf(selector: readonly string[]): CohortSource | undefined {
  if (selector[selector.length - 1] !== "cohort_ids") return undefined;
  const [root, scope, type] = selector;
  if (root !== "context") return undefined;
  if (scope === "user" && selector.length === 3) {
    return { groupType: USER_GROUP_TYPE, member: ["context", "user", "user_id"] };
  }
  if (scope === "groups" && selector.length === 4) {
    return { groupType: type, member: ["context", "groups", type, "group_name"] };
  }
  return undefined;
}

/** Whether each predicate can be decided by its own cohorts, without a list of all. */
export function isLazy(slot: SlotEntry, { places }: SlotCohortsEntry): boolean {
  if (slot.isBucket) return false;
  // Texts that fold to one ("TRUE", "true") match each other.
  const folded = new Set(Array.from(places.keys(), foldBoolean));
  if (folded.size !== places.size) return false;
  return slot.predicates.every(
    ({ spec }) =>
      spec.kind === L.KIND_NEVER ||
      // In no cohort: null for a group, an empty list for a user. Here both give the same.
      (spec.kind === L.KIND_SET_ANY && spec.matchesNull === spec.negated),
  );
}

/** Indices in the image of the cohorts with these ids, each once. */
export function cohortIndexes(
  { places, start }: SlotCohortsEntry,
  ids: readonly string[],
): number[] {
  const indexes: number[] = [];
  for (const id of ids.length > 1 ? new Set(ids) : ids) {
    // A predicate of flags that are left out names what is no cohort; nobody asks it.
    const place = places.get(id);
    if (place) indexes.push(start + place.index);
  }
  return indexes;
}

/** By cohort of the slot, for the names of the image. */
export function namedCohortsOf({ cohorts }: SlotEntry): NamedCohort[] {
  if (!cohorts) return [];
  const { groupType, places } = cohorts;
  return Array.from(places, ([cohortId, { flagKey, path }]) => ({
    cohortId,
    groupType,
    flagKey,
    path,
  }));
}

/** Writes a slot's cohorts; answers, by cohort, the pointer of its atom. */
export function writeSlotCohorts(
  writer: ImageWriter,
  at: number,
  { cohorts }: SlotEntry,
  atoms: ReadonlyMap<string, number>,
): number[] {
  if (!cohorts) return [];
  const { places, start, member } = cohorts;
  writer.setU32(at + L.SLOT_COHORTS, start);
  writer.setU32(at + L.SLOT_COHORT_END, start + places.size);
  writer.setU32(at + L.SLOT_MEMBER, member.index + 1);
  return Array.from(places.keys(), (id) => atoms.get(foldBoolean(id)) ?? 0);
}
