import { printable } from "../sdk/printable.ts";

/** Columns of text. Rows are held back until a width is known, then printed as they come. */
export class Table {
  readonly #widths: number[];
  readonly #hold: number;
  #rows: string[][] = [];

  /**
   * @param head - the column titles
   * @param hold - how many rows to look at before the first is printed; later rows that are
   *   wider widen their column from there on
   */
  constructor(head: string[], hold: number) {
    this.#widths = head.map(() => 0);
    this.#hold = hold;
    this.#measure(head);
    this.#rows.push(head);
  }

  #measure(cells: string[]): void {
    for (const [column, cell] of cells.entries()) {
      this.#widths[column] = Math.max(this.#widths[column], cell.length);
    }
  }

  /** Makes room for a cell that is known to come. */
  reserve(column: number, width: number): void {
    this.#widths[column] = Math.max(this.#widths[column], width);
  }

  /** Takes a row; returns the text that can be printed now, often none. */
  add(cells: string[]): string {
    const row = cells.map(printable);
    this.#measure(row);
    this.#rows.push(row);
    return this.#rows.length > this.#hold ? this.end() : "";
  }

  /** The rows still held back. */
  end(): string {
    const text = this.#rows.map((row) => this.#line(row)).join("");
    this.#rows = [];
    return text;
  }

  #line(row: string[]): string {
    const cells = row.map((cell, column) => cell.padEnd(this.#widths[column]));
    return `${cells.join("  ").trimEnd()}\n`;
  }
}
