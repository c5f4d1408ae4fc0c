import { SELECTOR_DEPTH_MAX } from "../../assembly/layout.ts";
import type { Slot } from "./config.ts";
import { ContextError, describe } from "./errors.ts";
import { select } from "./selector.ts";
import type { SlotValues } from "./slot-values.ts";

/** A column of values: an array, a typed array, or e.g. an Arrow vector. */
export type Column = ArrayLike<unknown> | { readonly length: number; get(row: number): unknown };

/**
 * Users by column: the keys are selectors with or without the leading `context`, written with dots
 * (`{ "user.user_properties.plan": [...] }`) or nested (`{ user: { country: [...] } }`).
 */
export interface Columns {
  readonly [name: string]: Column | Columns;
}

type Cell = (row: number) => unknown;

function isColumn(value: object): value is Column {
  return "length" in value && typeof value.length === "number";
}

function cellOf(column: Column): Cell {
  // A vector may be an array as well, but of its chunks: its own reader comes first.
  if ("get" in column && typeof column.get === "function") {
    const vector = column as { get(row: number): unknown };
    return (row) => vector.get(row);
  }
  const values = column as ArrayLike<unknown>;
  return (row) => values[row];
}

/** The users of a table, one row at a time. */
export class ColumnUsers implements SlotValues {
  /** Rows of every column. */
  readonly count: number;
  /** The row that is read now. */
  row = 0;
  readonly #cells: (Cell | undefined)[];

  /** @throws {@link ContextError} if there is no column, or they differ in length */
  constructor(columns: Columns, slots: readonly Slot[]) {
    const cells = new Map<string, Cell>();
    let count: number | undefined;
    for (const [name, column] of flatten(columns)) {
      count ??= column.length;
      if (column.length !== count) {
        const got = `${column.length} in ${JSON.stringify(name)}`;
        throw new ContextError(`columns: expected ${count} values each, got ${got}`);
      }
      if (cells.has(name)) {
        throw new ContextError(`columns: expected ${JSON.stringify(name)} once, got it twice`);
      }
      cells.set(name, cellOf(column));
    }
    if (count !== undefined && !(Number.isSafeInteger(count) && count >= 0)) {
      throw new ContextError(`columns: expected a length of 0 or more, got ${count}`);
    }
    if (count === undefined) throw new ContextError("columns: expected at least one, got none");
    this.count = count;
    this.#cells = slots.map(({ selector }) => cellFor(selector, cells));
  }

  value(slot: number): unknown {
    return this.#cells[slot]?.(this.row) ?? undefined;
  }
}

function* flatten(columns: Columns, prefix = "", depth = 1): Iterable<[string, Column]> {
  if (depth > SELECTOR_DEPTH_MAX) {
    throw new ContextError(`columns: expected at most ${SELECTOR_DEPTH_MAX} levels, got more`);
  }
  for (const [key, value] of Object.entries(columns)) {
    const name = prefix + key;
    if (typeof value !== "object" || value === null) {
      const got = describe(value);
      throw new ContextError(`columns: expected an array in ${JSON.stringify(name)}, got ${got}`);
    }
    if (isColumn(value)) yield [name.replace(/^context\./, ""), value];
    else yield* flatten(value, `${name}.`, depth + 1);
  }
}

/** The cell of the longest column name that begins the selector; what is left is selected in it. */
function cellFor(selector: readonly string[], cells: ReadonlyMap<string, Cell>): Cell | undefined {
  for (let end = selector.length; end > 1; end--) {
    const cell = cells.get(selector.slice(1, end).join("."));
    if (!cell) continue;
    return end === selector.length ? cell : (row) => select(cell(row), selector, end);
  }
  return undefined;
}
