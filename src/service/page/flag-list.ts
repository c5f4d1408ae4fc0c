// The list of flags at the side.

import type { FlagOverview } from "../overview.ts";
import { byId, byKey, countOf, element, moveFocus, setText } from "./element.ts";

interface Entry {
  item: HTMLLIElement;
  button: HTMLButtonElement;
  key: HTMLElement;
  facts: HTMLElement;
}

/** What is known of a flag besides its key, in a few words. */
export function factsOf(flag: FlagOverview): string {
  const { type, version, isDeployed, isLive } = flag;
  const facts = [type, version && `v${version}`];
  if (!isLive) facts.push("cannot evaluate");
  else if (!isDeployed) facts.push("not deployed");
  return facts.filter((fact) => fact).join(" · ");
}

export class FlagList {
  readonly #list = byId("flags");
  readonly #search = byId<HTMLInputElement>("search");
  readonly #matches = byId("match-count");
  readonly #entries = new Map<string, Entry>();
  readonly #open: (flagKey: string) => void;
  readonly #filter: (isShown: (flagKey: string) => boolean) => void;

  constructor(
    open: (flagKey: string) => void,
    filter: (isShown: (flagKey: string) => boolean) => void,
  ) {
    this.#open = open;
    this.#filter = filter;
    this.#search.addEventListener("input", () => this.search());
    this.#search.addEventListener("keydown", (event) => this.#onSearchKey(event));
    this.#list.addEventListener("keydown", (event) => {
      if (event.key === "ArrowUp" && event.target === this.#buttons[0]) {
        event.preventDefault();
        this.#search.focus();
      } else moveFocus(event, this.#buttons);
    });
    this.#list.addEventListener("focusin", ({ target }) => this.#hold(target as HTMLElement));
  }

  get #buttons(): HTMLButtonElement[] {
    const shown = [...this.#entries.values()].filter(({ item }) => !item.hidden);
    return shown.map(({ button }) => button);
  }

  /** Flags in the order in which they are shown. */
  show(flags: readonly FlagOverview[]): void {
    const gone = new Set(this.#entries.keys());
    const entries = flags.map((flag): [string, Entry] => {
      gone.delete(flag.key);
      const entry = this.#entries.get(flag.key) ?? this.#entryOf(flag.key);
      setText(entry.facts, factsOf(flag));
      entry.button.classList.toggle("dead", !flag.isLive);
      return [flag.key, entry];
    });
    for (const key of gone) this.#entries.get(key)?.item.remove();
    this.#entries.clear();
    for (const [at, [key, entry]] of entries.entries()) {
      this.#entries.set(key, entry);
      const there = this.#list.children[at];
      if (there !== entry.item) this.#list.insertBefore(entry.item, there ?? null);
    }
    this.search();
  }

  /** Shows the flags that are searched for. */
  search(): void {
    const words = this.#search.value.toLowerCase().split(/\s+/);
    const isShown = (key: string) => words.every((word) => key.toLowerCase().includes(word));
    let shown = 0;
    for (const [key, { item }] of this.#entries) {
      item.hidden = !isShown(key);
      if (!item.hidden) shown++;
    }
    const all = this.#entries.size;
    setText(this.#matches, shown === all ? countOf(all, "flag") : `${shown} of ${all}`);
    this.#filter(isShown);
    this.#hold(this.#buttons.find((button) => button.tabIndex === 0) ?? this.#buttons[0]);
  }

  /** Marks the flag that is open. */
  mark(flagKey: string | undefined): void {
    for (const [key, { button, item }] of this.#entries) {
      if (key !== flagKey) button.removeAttribute("aria-current");
      else {
        button.setAttribute("aria-current", "true");
        item.scrollIntoView({ block: "nearest" });
        this.#hold(button);
      }
    }
  }

  #entryOf(flagKey: string): Entry {
    const key = element("span", { class: "key" }, flagKey);
    const facts = element("span", { class: "facts" });
    const button = element("button", { type: "button", tabindex: -1 }, key, facts);
    button.addEventListener("click", () => this.#open(flagKey));
    return { item: element("li", {}, button), button, key, facts };
  }

  #hold(target: HTMLElement | undefined): void {
    for (const { button } of this.#entries.values()) button.tabIndex = button === target ? 0 : -1;
  }

  #onSearchKey(event: KeyboardEvent): void {
    if (event.key === "ArrowDown") {
      event.preventDefault();
      this.#buttons[0]?.focus();
    } else if (event.key === "Enter") {
      const [first] = this.#buttons;
      first?.click();
    } else if (event.key === "Escape" && this.#search.value !== "") {
      event.preventDefault();
      this.#search.value = "";
      this.search();
    }
  }
}

/** Flags as people look for them. */
export function sorted(flags: readonly FlagOverview[]): FlagOverview[] {
  return [...flags].sort((one, other) => byKey.compare(one.key, other.key));
}
