// Headers that answers of several routes have.

export const JSON_TYPE = { "Content-Type": "application/json; charset=utf-8" };

export const UNCACHED = { "Cache-Control": "no-store" };

/** Pages of any origin may read the answer. */
export const READABLE = { "Access-Control-Allow-Origin": "*" };
