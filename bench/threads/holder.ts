// What holds cohorts: Halyard, or a Set each, as in the storage of Amplitude's client.
import { Engine } from "halyard/engine";
import { toFlag } from "../logical.ts";
import { type Crowd, flagsOfCohorts, membersOf } from "./crowd.ts";

export const HOLDERS = ["Halyard", "Sets"] as const;
export type HolderName = (typeof HOLDERS)[number];

export interface Holder {
  /** Gives all cohorts their members. */
  fill(): void;
  has(cohort: number, userId: string): boolean;
  /** Bytes of WebAssembly memory. */
  readonly coreBytes: number;
}

function halyard(crowd: Crowd): Holder {
  const engine = Engine.loadSync(flagsOfCohorts(crowd).map(toFlag));
  const { flagKeys } = engine;
  return {
    fill() {
      for (let cohort = 0; cohort < crowd.cohorts; cohort++) {
        engine.setCohort(`cohort-${cohort}`, "User", membersOf(cohort, crowd));
      }
    },
    has: (cohort, user_id) => engine.variant({ user: { user_id } }, flagKeys[cohort])?.key === "on",
    get coreBytes() {
      return engine.memoryBytes;
    },
  };
}

function sets(crowd: Crowd): Holder {
  const cohorts: Set<string>[] = [];
  return {
    fill() {
      for (let cohort = 0; cohort < crowd.cohorts; cohort++) {
        cohorts.push(new Set(membersOf(cohort, crowd)));
      }
    },
    has: (cohort, userId) => cohorts[cohort].has(userId),
    coreBytes: 0,
  };
}

export function makeHolder(name: HolderName, crowd: Crowd): Holder {
  return name === "Halyard" ? halyard(crowd) : sets(crowd);
}
