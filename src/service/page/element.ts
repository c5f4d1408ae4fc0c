// Elements and words of the page. Whatever comes from flags and users is set as text only.

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;
type Child = Node | string | undefined;

/** An element that the page's HTML has. */
export function byId<Type extends HTMLElement = HTMLElement>(id: string): Type {
  return document.getElementById(id) as Type;
}

/** A new element; false and undefined leave an attribute out. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  return filled(document.createElement(tag), attributes, children);
}

/** As {@link element}, for pictures. */
export function shape(tag: string, attributes: Attributes, ...children: Child[]): SVGElement {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag) as SVGElement;
  return filled(made, attributes, children);
}

function filled<Made extends Element>(
  made: Made,
  attributes: Attributes,
  children: readonly Child[],
): Made {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) {
      made.setAttribute(name, value === true ? "" : String(value));
    }
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** Leaves alone what has the text already: what is selected stays selected. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

const UNITS = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
] as const;

/** A span of time, of its largest unit. */
export function spanOf(millis: number): string {
  const seconds = Math.round(millis / 1000);
  for (const [unit, size] of UNITS) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return `${seconds} s`;
}

/** A value of a user as people read it. */
export function wordsOf(value: unknown): string {
  return value === undefined || value === null ? "absent" : JSON.stringify(value);
}

/** Sorts keys as people do: flag-2 before flag-10. */
export const byKey = new Intl.Collator("en", { numeric: true });

/**
 * Moves the focus among the buttons of a list, of which one at a time can be reached by Tab.
 *
 * @returns whether the key was for that
 */
export function moveFocus(event: KeyboardEvent, buttons: readonly HTMLElement[]): boolean {
  const at = buttons.indexOf(event.target as HTMLElement);
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    Home: 0,
    End: buttons.length - 1,
  };
  if (at < 0 || !Object.hasOwn(steps, event.key)) return false;
  event.preventDefault();
  buttons[Math.min(Math.max(steps[event.key], 0), buttons.length - 1)].focus();
  return true;
}
