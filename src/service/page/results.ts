// The table of variants: a row a flag, of which one at a time is open.

import type { EngineWarning, Explanation } from "../../engine/index.ts";
import type { FlagOverview } from "../overview.ts";
import { byId, element, moveFocus, setText } from "./element.ts";
import { explanationView, reasonOf } from "./explanation-view.ts";

interface Row {
  row: HTMLTableRowElement;
  button: HTMLButtonElement;
  variant: HTMLElement;
  value: HTMLElement;
  reason: HTMLElement;
  /** undefined = never open so far */
  details?: HTMLTableRowElement;
}

export class Results {
  readonly #body = byId("results");
  readonly #nothing = byId("nothing");
  readonly #rows = new Map<string, Row>();
  readonly #opened: (flagKey: string | undefined) => void;
  #flags = new Map<string, FlagOverview>();
  #warnings: readonly EngineWarning[] = [];
  #explanations = new Map<string, Explanation>();
  #isShown = (_flagKey: string) => true;
  #open: string | undefined;
  #made = 0;
  #isLoaded = false;

  /** @param opened - is told which flag is open */
  constructor(opened: (flagKey: string | undefined) => void) {
    this.#opened = opened;
    this.#body.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#open !== undefined) {
        this.#rows.get(this.#open)?.button.focus();
        this.open(undefined);
      } else moveFocus(event, this.#buttons);
    });
    this.#body.addEventListener("focusin", ({ target }) => this.#hold(target as HTMLElement));
  }

  get openKey(): string | undefined {
    return this.#open;
  }

  get #buttons(): HTMLButtonElement[] {
    const shown = [...this.#rows.values()].filter(({ row }) => !row.hidden);
    return shown.map(({ button }) => button);
  }

  /** Flags in the order in which they are shown. */
  showFlags(flags: readonly FlagOverview[], warnings: readonly EngineWarning[]): void {
    this.#isLoaded = true;
    this.#flags = new Map(flags.map((flag) => [flag.key, flag]));
    this.#warnings = warnings;
    for (const [key, row] of this.#rows) {
      if (this.#flags.has(key)) continue;
      row.row.remove();
      row.details?.remove();
      this.#rows.delete(key);
    }
    let before: Element | null = null;
    for (const { key } of flags) {
      const { row, details } = this.#rowOf(key);
      const there: Element | null = before
        ? before.nextElementSibling
        : this.#body.firstElementChild;
      if (there !== row) this.#body.insertBefore(row, there);
      if (details) row.after(details);
      before = details ?? row;
    }
    this.#refresh();
  }

  /** @returns keys of the flags that now have another variant, or gained or lost one */
  showAnswers(explanations: readonly Explanation[]): string[] {
    const old = this.#explanations;
    this.#explanations = new Map(explanations.map((one) => [one.flagKey, one]));
    this.#refresh();
    const keys = new Set([...old.keys(), ...this.#explanations.keys()]);
    return [...keys].filter(
      (key) => variantJson(old.get(key)) !== variantJson(this.#explanations.get(key)),
    );
  }

  /** Draws attention to flags that an edit changed. */
  highlight(flagKeys: readonly string[]): void {
    for (const { row } of this.#rows.values()) row.classList.remove("changed");
    // Read, so that an animation that is still running starts again.
    void this.#body.offsetWidth;
    for (const key of flagKeys) this.#rows.get(key)?.row.classList.add("changed");
  }

  filter(isShown: (flagKey: string) => boolean): void {
    this.#isShown = isShown;
    this.#refresh();
  }

  /** Opens a flag and closes the one that was open. */
  open(flagKey: string | undefined): void {
    this.#open = flagKey;
    this.#refresh();
    this.#opened(flagKey);
  }

  /** As {@link open}, and goes there. */
  reveal(flagKey: string): void {
    this.open(flagKey);
    this.#rows.get(flagKey)?.button.focus({ preventScroll: true });
    this.scrollToOpen();
  }

  scrollToOpen(): void {
    const { row, details } = this.#rows.get(this.#open ?? "") ?? {};
    details?.scrollIntoView({ block: "nearest" });
    // Of details that do not fit, the beginning is to be seen.
    row?.scrollIntoView({ block: "nearest" });
  }

  #rowOf(flagKey: string): Row {
    const known = this.#rows.get(flagKey);
    if (known) return known;
    const id = `details-${this.#made++}`;
    const attributes = { type: "button", tabindex: -1, "aria-expanded": "false" };
    const button = element("button", { ...attributes, "aria-controls": id }, flagKey);
    button.addEventListener("click", () => {
      this.open(this.#open === flagKey ? undefined : flagKey);
    });
    const [variant, value, reason] = ["variant", "value", "reason"].map((name) =>
      element("td", { class: name }),
    );
    const name = element("th", { scope: "row" }, button);
    const row = element("tr", {}, name, variant, value, reason);
    const made: Row = { row, button, variant, value, reason };
    this.#rows.set(flagKey, made);
    return made;
  }

  #refresh(): void {
    let shown = 0;
    for (const [key, row] of this.#rows) {
      row.row.hidden = !this.#isShown(key);
      if (!row.row.hidden) shown++;
      this.#fill(row, key);
      this.#showDetails(row, key);
    }
    this.#nothing.hidden = shown > 0 || !this.#isLoaded;
    const isEmpty = this.#rows.size === 0;
    setText(this.#nothing, isEmpty ? "No flags." : "No key has what is searched for.");
    this.#hold(this.#buttons.find((button) => button.tabIndex === 0) ?? this.#buttons[0]);
  }

  #fill({ row, variant, value, reason }: Row, flagKey: string): void {
    const explanation = this.#explanations.get(flagKey);
    const answer = explanation?.variant;
    row.classList.toggle("plain", !answer || answer.metadata?.default === true);
    setText(variant, answer ? String(answer.key ?? answer.value ?? "(no key)") : "none");
    const values: string[] = [];
    if (answer?.value !== undefined && answer.value !== answer.key) {
      values.push(JSON.stringify(answer.value));
    }
    if (answer?.payload !== undefined) values.push(JSON.stringify(answer.payload));
    setText(value, values.join(" "));
    value.title = values.join(" ");
    setText(reason, this.#reasonOf(explanation, flagKey));
  }

  #reasonOf(explanation: Explanation | undefined, flagKey: string): string {
    const flag = this.#flags.get(flagKey);
    if (!flag?.isLive) return this.#warningsOf(flagKey)[0] ?? "cannot evaluate";
    if (!explanation) return "";
    const segment = explanation.segments[explanation.segmentIndex];
    return segment ? reasonOf(segment) : "no segment matches";
  }

  #warningsOf(flagKey: string): string[] {
    const own = this.#warnings.filter((warning) => warning.flagKey === flagKey);
    return own.map(({ code, message }) => `${code}: ${message}`);
  }

  #showDetails(row: Row, flagKey: string): void {
    const isOpen = this.#open === flagKey && !row.row.hidden;
    row.button.setAttribute("aria-expanded", String(isOpen));
    row.row.classList.toggle("open", isOpen);
    if (!isOpen) {
      row.details?.remove();
      row.details = undefined;
      return;
    }
    const cell = element("td", { colspan: 4 }, this.#detailsOf(flagKey));
    const id = row.button.getAttribute("aria-controls")!;
    const details = element("tr", { id, class: "open-details" }, cell);
    const focused = focusedIn(row.details);
    if (row.details) row.details.replaceWith(details);
    else row.row.after(details);
    row.details = details;
    details.querySelectorAll("button")[focused]?.focus();
  }

  #detailsOf(flagKey: string): HTMLElement {
    const dependents = [...this.#flags.values()].filter((it) => it.dependencies.includes(flagKey));
    return explanationView({
      flag: this.#flags.get(flagKey)!,
      explanation: this.#explanations.get(flagKey),
      warnings: this.#warningsOf(flagKey),
      dependents: dependents.map(({ key }) => key),
      variantOf: (key) => this.#explanations.get(key)?.variant?.key ?? "none",
      open: (key) => this.reveal(key),
    });
  }

  #hold(target: HTMLElement | undefined): void {
    const { button } = [...this.#rows.values()].find((row) => row.button === target) ?? {};
    if (!button) return;
    for (const row of this.#rows.values()) row.button.tabIndex = row.button === button ? 0 : -1;
  }
}

/** Where the focus is among an element's buttons; -1 = not there. */
function focusedIn(parent: HTMLElement | undefined): number {
  if (!parent) return -1;
  const buttons: Element[] = Array.from(parent.querySelectorAll("button"));
  return document.activeElement ? buttons.indexOf(document.activeElement) : -1;
}

function variantJson(explanation: Explanation | undefined): string {
  return JSON.stringify(explanation?.variant) ?? "";
}
