import { FlagProblem, type Place } from "./check.ts";

/** JSON text of a value, "" for none. @throws {@link FlagProblem} at `place` if it has none. */
export function jsonText(value: unknown, place: Place, write = JSON.stringify): string {
  if (value === undefined || value === null) return "";
  try {
    return write(value);
  } catch (error) {
    throw new FlagProblem(place(), "JSON", error instanceof RangeError ? "too deep" : "no JSON");
  }
}
