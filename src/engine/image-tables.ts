// The tables of a whole image: beside those by which flags are evaluated one by one, those of
// cohorts and of the sweep, and all that the host reads of it.

import * as L from "../../assembly/layout.ts";
import type { Place } from "./check.ts";
import type { EngineWarning } from "./errors.ts";
import { writeFlagTexts } from "./flag-texts.ts";
import type { ImageWriter } from "./image-writer.ts";
import { JsonTexts } from "./json-texts.ts";
import {
  cohortIndexes,
  cohortSourceOf,
  isLazy,
  namedCohortsOf,
  writeSlotCohorts,
} from "./slot-cohorts.ts";
import { comparePredicates, Sweep, writeRuns } from "./sweep.ts";
import {
  type CohortNaming,
  type FlagEntry,
  type PredicateEntry,
  type SlotEntry,
  sourceOf,
  Tables,
} from "./tables.ts";

export class ImageTables extends Tables {
  sweep: Sweep | undefined;
  readonly #json = new JsonTexts();
  /** Pointers of their atoms, by cohort. */
  readonly #cohortAtoms: number[] = [];
  #cohortCount = 0;

  override json(value: unknown, place: Place): string {
    return this.#json.of(value, place);
  }

  protected override newSlot(selector: readonly string[]): SlotEntry {
    return { ...super.newSlot(selector), cohortSource: cohortSourceOf(selector) };
  }

  override add(flag: FlagEntry): void {
    super.add(flag);
    for (const naming of flag.namings) this.#nameCohorts(naming);
  }

  /** The condition may ask for these where the context has no list. */
  #nameCohorts({ slot, values, flagKey, place }: CohortNaming): void {
    const { groupType, member } = slot.cohortSource!;
    slot.cohorts ??= { groupType, member: this.slot(member), places: new Map(), start: 0 };
    const { places } = slot.cohorts;
    for (const [index, id] of values.entries()) {
      if (places.has(id)) continue;
      places.set(id, { flagKey, path: `${place()}.values[${index}]`, index: places.size });
    }
  }

  /** Writes warnings too. */
  writeAll(writer: ImageWriter, warnings: readonly EngineWarning[]): void {
    this.write(writer);
    writer.setU32(L.IMAGE_MAGIC, L.MAGIC);
    writer.setU32(L.IMAGE_VERSION, L.LAYOUT_VERSION);
    const { slots, flags } = this;
    const names = {
      flagKeys: this.flagKeys,
      enabled: flags.map((flag) => Number(flag.enabled)),
      selectors: slots.map((slot) => slot.selector),
      sources: slots.map(sourceOf),
      warnings,
      cohorts: slots.flatMap(namedCohortsOf),
    };
    writer.setSpan(L.IMAGE_NAMES, writer.text(JSON.stringify(names)));
    writer.setTable(L.IMAGE_COHORTS, this.#cohortAtoms, this.#cohortAtoms.length);
    this.sweep = Sweep.of(flags, slots);
    this.sweep?.write(writer, this.predicates);
  }

  protected override numberPredicates(slot: SlotEntry): void {
    if (slot.cohorts) {
      slot.cohorts.start = this.#cohortCount;
      this.#cohortCount += slot.cohorts.places.size;
    }
    slot.predicates.sort(comparePredicates);
    super.numberPredicates(slot);
  }

  protected override writeFlag(writer: ImageWriter, at: number, flag: FlagEntry): void {
    super.writeFlag(writer, at, flag);
    writeFlagTexts(writer, at, flag);
  }

  protected override writePredicate(
    writer: ImageWriter,
    at: number,
    predicate: PredicateEntry,
  ): void {
    super.writePredicate(writer, at, predicate);
    const { name, spec, slot } = predicate;
    writer.setSpan(at + L.PREDICATE_NAME, writer.text(name));
    if (spec.kind !== L.KIND_SET_ANY || !slot.cohorts) return;
    const indexes = cohortIndexes(slot.cohorts, spec.values);
    writer.setTable(at + L.PREDICATE_OPERAND, indexes, indexes.length);
  }

  protected override writeSlot(
    writer: ImageWriter,
    at: number,
    slot: SlotEntry,
  ): ReadonlyMap<string, number> {
    const atoms = super.writeSlot(writer, at, slot);
    if (slot.cohorts && isLazy(slot, slot.cohorts)) {
      writer.setU32(at + L.SLOT_NEEDS, writer.u32(at + L.SLOT_NEEDS) | L.NEEDS_MEMBER);
    }
    writeRuns(writer, at, slot);
    this.#cohortAtoms.push(...writeSlotCohorts(writer, at, slot, atoms));
    return atoms;
  }
}
