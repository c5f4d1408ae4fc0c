// The user: as JSON, and the ids that most are looked for by.

import { findFault } from "../../sdk/json-fault.ts";
import { byId, setText } from "./element.ts";

type User = Record<string, unknown>;

const IDS = { user_id: "user-id", device_id: "device-id" } as const;
type Id = keyof typeof IDS;

const EXAMPLE: User = {
  user_id: "user-1",
  device_id: "device-1",
  country: "Germany",
  language: "de",
  platform: "iOS",
  version: "4.2.1",
  user_properties: { email: "anna@example.com", plan: "premium", lifetime_orders: 14 },
  groups: { company: ["Acme Corp"] },
  group_properties: { company: { "Acme Corp": { plan: "enterprise", seats: 640 } } },
};

/** What a text is instead of a user; undefined = it is one. */
function faultOf(text: string, user: unknown): string | undefined {
  if (user === undefined) {
    const fault = findFault(text);
    if (!fault) return "expected JSON, got something else";
    const { line, column, expected, got } = fault;
    return `${line}:${column}: expected ${expected}, got ${got}`;
  }
  const isUser = typeof user === "object" && user !== null && !Array.isArray(user);
  const got = Array.isArray(user) ? "a list" : user === null ? "null" : `a ${typeof user}`;
  return isUser ? undefined : `1:1: expected a user object, got ${got}`;
}

function parsed(text: string): unknown {
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export class UserEditor {
  readonly #json = byId<HTMLTextAreaElement>("user-json");
  readonly #fault = byId("user-fault");
  readonly #changed: () => void;
  #user: User = {};

  /** @param changed - is called when there is another user */
  constructor(changed: () => void) {
    this.#changed = changed;
    this.#json.addEventListener("input", () => this.#read());
    for (const id of Object.keys(IDS) as Id[]) {
      this.#input(id).addEventListener("input", () => this.#setId(id));
    }
    byId("example").addEventListener("click", () => this.#put(EXAMPLE));
    byId("clear").addEventListener("click", () => {
      this.#put({});
      this.#json.focus();
    });
  }

  /** The last user that was one, as JSON. */
  get json(): string {
    return JSON.stringify(this.#user);
  }

  /** Shows a text, such as that of a link; none = the example. */
  show(text: string | undefined): void {
    const user = text === undefined ? EXAMPLE : parsed(text);
    this.#json.value = user === undefined ? text! : JSON.stringify(user, null, 2);
    this.#read();
  }

  /** The service has evaluated the user. */
  accept(): void {
    if (faultOf(this.#json.value, parsed(this.#json.value)) === undefined) this.refuse(undefined);
  }

  /** Says why a user is not evaluated, in one line. */
  refuse(reason: string | undefined): void {
    setText(this.#fault, reason ?? "");
    byId("held").hidden = reason === undefined;
    this.#json.setAttribute("aria-invalid", String(reason !== undefined));
  }

  #put(user: User): void {
    this.#json.value = JSON.stringify(user, null, 2);
    this.#read();
  }

  #read(): void {
    const user = parsed(this.#json.value);
    const fault = faultOf(this.#json.value, user);
    for (const id of Object.keys(IDS) as Id[]) this.#input(id).disabled = fault !== undefined;
    this.refuse(fault);
    if (fault !== undefined) return;
    this.#user = user as User;
    for (const id of Object.keys(IDS) as Id[]) {
      const input = this.#input(id);
      const given = this.#user[id];
      const text = given === undefined || given === null ? "" : String(given);
      if (input.value !== text) input.value = text;
    }
    this.#changed();
  }

  #setId(id: Id): void {
    const text = this.#input(id).value;
    const { [id]: _, ...others } = this.#user;
    if (text === "") this.#put(others);
    // Where there was one it keeps its place, a new one goes first.
    else
      this.#put(
        Object.hasOwn(this.#user, id) ? { ...this.#user, [id]: text } : { [id]: text, ...others },
      );
  }

  #input(id: Id): HTMLInputElement {
    return byId<HTMLInputElement>(IDS[id]);
  }
}
