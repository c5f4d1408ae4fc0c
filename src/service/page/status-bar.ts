// How the service is doing: the line at the top.

import type { Overview } from "../overview.ts";
import { byId, countOf, element, setText, spanOf } from "./element.ts";

const STATUS = { ready: "ready", stale: "stale", "not-ready": "not ready" } as const;

export class StatusBar {
  readonly #status = byId("status");
  readonly #fault = byId("fault");
  #overview: Overview | undefined;
  #shownAt = 0;

  constructor() {
    setInterval(() => this.#showAge(), 1000);
    for (const panel of [
      byId<HTMLDetailsElement>("cohorts"),
      byId<HTMLDetailsElement>("warnings"),
    ]) {
      panel.addEventListener("keydown", ({ key }) => {
        if (key !== "Escape") return;
        panel.open = false;
        panel.querySelector("summary")?.focus();
      });
      panel.addEventListener("focusout", ({ relatedTarget }) => {
        if (relatedTarget && !panel.contains(relatedTarget as Node)) panel.open = false;
      });
    }
  }

  /** @param flagCount - of those that can evaluate */
  show(overview: Overview, flagCount: number): void {
    this.#overview = overview;
    this.#shownAt = performance.now();
    const { deployment, status, source, digest, cohorts, warnings } = overview;
    this.#say(STATUS[status], status);
    setText(byId("deployment"), deployment);
    setText(byId("place"), `${source.kind}: ${source.place}`);
    byId("place").title = source.place;
    setText(byId("digest"), digest ?? "no config");
    setText(byId("flag-count"), `${countOf(flagCount, "flag")} live`);
    this.#showAge();
    const last = source.lastError;
    this.#complain(last === undefined ? undefined : `Last attempt failed: ${last}`);
    list(
      "cohorts",
      countOf(cohorts.length, "cohort"),
      cohorts.map(({ cohortId, groupType, size }) => [
        cohortId,
        `${groupType}, ${countOf(size, "member")}`,
      ]),
    );
    list(
      "warnings",
      countOf(warnings.length, "warning"),
      warnings.map(({ code, path, message }) => [code, `${path}: ${message}`]),
    );
  }

  /** The service does not answer, or says why it cannot. */
  fail(reason: string): void {
    this.#say("no answer", "not-ready");
    this.#complain(reason);
  }

  #say(words: string, state: string): void {
    this.#status.dataset.state = state;
    setText(this.#status, words);
  }

  #complain(reason: string | undefined): void {
    this.#fault.hidden = reason === undefined;
    setText(this.#fault, reason ?? "");
  }

  #showAge(): void {
    const age = this.#overview?.ageMillis;
    const elapsed = performance.now() - this.#shownAt;
    const words = age === undefined ? "" : `confirmed ${spanOf(age + elapsed)} ago`;
    setText(byId("age"), words);
  }
}

/** A list that opens, if there is something in it; changed only when that changed. */
function list(id: string, title: string, lines: readonly (readonly [string, string])[]): void {
  const panel = byId<HTMLDetailsElement>(id);
  panel.classList.toggle("empty", lines.length === 0);
  if (lines.length === 0) panel.open = false;
  const summary = panel.querySelector("summary")!;
  setText(summary, title);
  summary.tabIndex = lines.length === 0 ? -1 : 0;
  const content = panel.querySelector("ul")!;
  const text = lines.map((line) => line.join(" ")).join("");
  if (content.textContent === text) return;
  const items = lines.map(([name, words]) =>
    element("li", {}, element("b", {}, name), ` ${words}`),
  );
  content.replaceChildren(...items);
}
