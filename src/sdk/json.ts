import { InputError } from "./input-error.ts";
import { findFault } from "./json-fault.ts";

/**
 * Parses JSON, or throws an {@link InputError} that names line and column.
 *
 * @param firstLine - line number of the text's first line in its file
 */
export function parseJson(text: string, place: string, firstLine = 1): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const fault = findFault(text);
    if (fault === undefined) throw new InputError(place, "", "JSON", "something else");
    const { line, column, expected, got } = fault;
    throw new InputError(`${place}:${firstLine + line - 1}:${column}`, "", expected, got);
  }
}
