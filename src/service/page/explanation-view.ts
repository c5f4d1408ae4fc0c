// Why a flag answers as it does: its segments, from the first to the last.

import type { Explanation, SegmentExplanation } from "../../engine/index.ts";
import type { FlagOverview } from "../overview.ts";
import { element, shape, wordsOf } from "./element.ts";
import { factsOf } from "./flag-list.ts";

type Condition = NonNullable<SegmentExplanation["conditions"]>[number][number];
type Bucket = NonNullable<SegmentExplanation["bucket"]>;
type Allocation = Bucket["allocations"][number];

/** What is shown of a flag when it is open. */
export interface Details {
  flag: FlagOverview;
  /** undefined = the flag cannot evaluate. */
  explanation: Explanation | undefined;
  /** Of this flag. */
  warnings: readonly string[];
  /** Flags that depend on it. */
  dependents: readonly string[];
  variantOf: (flagKey: string) => string;
  open: (flagKey: string) => void;
}

const VALUES_SHOWN = 12;
const ALLOCATION_SLOTS = 100;
const DISTRIBUTION_SLOTS = 42_949_673;

const numbers = new Intl.NumberFormat("en");
const percents = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });

/** "2. Staff", or "2. (no name)". */
function titleOf({ index, name }: SegmentExplanation): string {
  return `${index + 1}. ${name ?? "(no name)"}`;
}

/** Which segment decided, and whether its bucket had no part in that. */
export function reasonOf(segment: SegmentExplanation): string {
  const { bucket } = segment;
  const isDefault = bucket !== undefined && hitOf(bucket) === undefined;
  return isDefault ? `${titleOf(segment)} · default` : titleOf(segment);
}

export function explanationView(details: Details): HTMLElement {
  const { explanation, warnings } = details;
  const view = element("div", { class: "details" }, factsView(details));
  for (const warning of warnings) view.append(element("p", { class: "warning" }, warning));
  if (!explanation) return view;
  const payload = explanation.variant?.payload;
  if (typeof payload === "object" && payload !== null) {
    view.append(element("pre", {}, JSON.stringify(payload, null, 2)));
  }
  const segments = explanation.segments.map(segmentView);
  view.append(element("ol", { class: "segments" }, ...segments));
  return view;
}

function factsView({ flag, dependents, variantOf, open }: Details): HTMLElement {
  const link = (key: string) => {
    const button = element("button", { type: "button", class: "link" }, key);
    button.addEventListener("click", () => open(key));
    return button;
  };
  const list = element("dl");
  const fact = (name: string, ...values: (Node | string)[]) => {
    const parts = values.flatMap((value, at) => (at === 0 ? [value] : [", ", value]));
    if (parts.length > 0) list.append(element("dt", {}, name), element("dd", {}, ...parts));
  };
  const facts = [factsOf(flag), flag.evaluationMode && `${flag.evaluationMode} evaluation`];
  fact("Flag", facts.filter((words) => words).join(" · "));
  fact("Variants", ...flag.variants);
  const parent = (key: string) => element("span", {}, link(key), ` = ${variantOf(key)}`);
  fact("Depends on", ...flag.dependencies.map(parent));
  fact("Needed by", ...dependents.map(link));
  return list;
}

function segmentView(segment: SegmentExplanation): HTMLElement {
  const { reached, matched, chosen, variantKey, conditions, bucket } = segment;
  const result = chosen
    ? `decides: ${variantKey ?? "a variant without a key"}`
    : matched
      ? "matches, but gives no variant"
      : reached
        ? "does not match"
        : "not reached";
  const state = chosen ? "chosen" : reached ? "reached" : "unreached";
  const head = element(
    "p",
    { class: "segment-head" },
    element("b", {}, titleOf(segment)),
    " ",
    element("span", { class: "result" }, result),
  );
  const view = element("li", { class: state }, head);
  if (!conditions) view.append(element("p", { class: "note" }, "every user matches"));
  else if (conditions.length === 0) view.append(element("p", { class: "note" }, "nobody matches"));
  for (const [at, group] of (conditions ?? []).entries()) {
    if (at > 0) view.append(element("p", { class: "or" }, "or"));
    view.append(element("ul", { class: "conditions" }, ...group.map(conditionView)));
  }
  if (bucket && reached && matched) view.append(bucketView(bucket, variantKey));
  return view;
}

/** Nearly all selectors begin with "context", which says nothing. */
function selectorWords(selector: readonly string[]): string {
  return selector.slice(selector[0] === "context" && selector.length > 1 ? 1 : 0).join(".");
}

function conditionView({ selector, op, values, reached, value, matched }: Condition): HTMLElement {
  const [mark, words] = !reached ? ["–", "not reached"] : matched ? ["✓", "met"] : ["✗", "failed"];
  const shown = values.slice(0, VALUES_SHOWN).map((text) => JSON.stringify(text));
  const more = values.length - shown.length;
  if (more > 0) shown.push(`${numbers.format(more)} more`);
  const seen = reached ? element("span", { class: "seen" }, "value ", code(wordsOf(value))) : "";
  return element(
    "li",
    { class: words.replace(" ", "-") },
    element("span", { class: "mark", "aria-hidden": "true" }, mark),
    element("span", { class: "spoken" }, `${words}: `),
    element(
      "span",
      { class: "rule" },
      code(selectorWords(selector)),
      element("span", { class: "op" }, ` ${op} `),
      code(shown.join(", ")),
    ),
    seen,
  );
}

function code(text: string): HTMLElement {
  return element("code", {}, text);
}

function bucketView(bucket: Bucket, variantKey: string | undefined): HTMLElement {
  const { selector, salt, value, hash, allocations } = bucket;
  const by = element("p", {}, "bucket by ", code(selectorWords(selector)));
  const view = element("div", { class: "bucket" }, by);
  const { allocationSlot, distributionSlot } = bucket;
  if (hash === undefined || allocationSlot === undefined || distributionSlot === undefined) {
    by.append(": absent, so the segment's default");
    return view;
  }
  by.append(": ", code(JSON.stringify(`${salt}/${value}`)), ", hash ", figure(hash));
  const hit = hitOf(bucket);
  const held = allocations.find(({ range }) => holds(range, allocationSlot));
  const allocated = allocations.map(({ range }) => `${range[0]}–${range[1]}`).join(", ");
  view.append(
    element(
      "p",
      {},
      "allocation slot ",
      figure(allocationSlot),
      held ? ", inside " : ", outside ",
      element("span", { class: "figure" }, allocated || "no range"),
    ),
    barOf(
      allocations.map(({ range }) => ({ range, isHit: holds(range, allocationSlot) })),
      allocationSlot,
      ALLOCATION_SLOTS,
    ),
  );
  if (held) view.append(...distributionView(hit?.allocation ?? held, distributionSlot));
  if (!hit) {
    const rest = variantKey === undefined ? "" : `: ${variantKey}`;
    view.append(element("p", {}, `no distribution applies, so the segment's default${rest}`));
  }
  return view;
}

function distributionView(
  { distributions }: Allocation,
  slot: number,
): (HTMLElement | SVGElement)[] {
  const hit = distributions.find(({ range }) => holds(range, slot));
  const shares = distributions.map((distribution) => {
    const { variant, range } = distribution;
    const share = percents.format(Math.max(0, range[1] - range[0]) / DISTRIBUTION_SLOTS);
    return element(
      "span",
      { class: distribution === hit ? "share hit" : "share" },
      `${variant} ${share}`,
    );
  });
  const parts = distributions.map((one) => ({ range: one.range, isHit: one === hit }));
  return [
    element("p", {}, "distribution slot ", figure(slot), ": ", ...shares),
    barOf(parts, slot, DISTRIBUTION_SLOTS),
  ];
}

function figure(number: number): HTMLElement {
  return element("span", { class: "figure" }, String(number));
}

function holds([start, end]: readonly number[], slot: number): boolean {
  return slot >= start && slot < end;
}

/** The first range of each that holds the slots; undefined = none does, or there are no slots. */
function hitOf({ allocations, allocationSlot, distributionSlot }: Bucket) {
  if (allocationSlot === undefined || distributionSlot === undefined) return undefined;
  for (const allocation of allocations) {
    if (!holds(allocation.range, allocationSlot)) continue;
    const held = allocation.distributions.find(({ range }) => holds(range, distributionSlot));
    if (held) return { allocation, distribution: held };
  }
  return undefined;
}

const BAR_WIDTH = 1000;
const BAR_HEIGHT = 12;

/** Ranges of slots, and where the user's is. What it shows is said in words beside it. */
function barOf(
  parts: readonly { range: readonly number[]; isHit: boolean }[],
  slot: number,
  slots: number,
): SVGElement {
  const x = (at: number) => Math.round((at / slots) * BAR_WIDTH);
  const parted = parts.map(({ range: [start, end], isHit }) => {
    const width = Math.max(0, x(end) - x(start) - 2);
    return shape("rect", { x: x(start), y: 3, width, height: 6, class: isHit ? "hit" : "part" });
  });
  const size = { viewBox: `0 0 ${BAR_WIDTH} ${BAR_HEIGHT}`, preserveAspectRatio: "none" };
  return shape(
    "svg",
    { class: "bar", "aria-hidden": "true", ...size },
    shape("rect", { x: 0, y: 3, width: BAR_WIDTH, height: 6, class: "ground" }),
    ...parted,
    shape("rect", {
      x: Math.min(x(slot + 0.5), BAR_WIDTH - 4),
      y: 0,
      width: 3,
      height: BAR_HEIGHT,
      class: "slot",
    }),
  );
}
