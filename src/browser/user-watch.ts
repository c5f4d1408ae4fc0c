import type { ExperimentUser } from "./user.ts";

type Fields = Record<string, unknown>;

/** Tells whether a user is still as it was, by its content: providers may write to theirs. */
export class UserWatch {
  #fields: Fields | undefined;
  #properties: Fields | undefined;
  #isComparable = false;

  /** Whether the user is as it was when it was remembered; false if it cannot be told cheaply. */
  isSame(user: ExperimentUser | undefined): boolean {
    if (!this.#isComparable) return false;
    if (!user || !this.#fields) return !user && !this.#fields;
    const { user_properties } = user;
    if (!user_properties || !this.#properties) {
      if (user_properties || this.#properties) return false;
    } else if (!isCopy(this.#properties, user_properties, "")) return false;
    return isCopy(this.#fields, user as Fields, "user_properties");
  }

  remember(user: ExperimentUser | undefined): void {
    this.#fields = user && { ...user };
    this.#properties = user?.user_properties && { ...user.user_properties };
    this.#isComparable = isFlat(this.#fields, "user_properties") && isFlat(this.#properties, "");
  }
}

/** Whether nothing within the members can be written to. */
function isFlat(fields: Fields | undefined, except: string): boolean {
  for (const name in fields) {
    const value = fields[name];
    if (typeof value === "object" && value !== null && name !== except) return false;
  }
  return true;
}

function isCopy(copy: Fields, fields: Fields, except: string): boolean {
  let count = 0;
  for (const name in fields) {
    if (name !== except && copy[name] !== fields[name]) return false;
    count++;
  }
  for (const _ in copy) count--;
  return count === 0;
}
