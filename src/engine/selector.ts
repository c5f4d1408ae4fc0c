// What a selector finds in a context.

/** Finds a selector's value; null is as good as undefined. */
export type Reader = (context: unknown) => unknown;

type User = Record<string, unknown>;

/**
 * The user's own fields, each read by a function of its own, so that each keeps an inline cache
 * of its own: about a quarter of the time of a read by a name that varies.
 */
const USER_FIELDS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["user_id", (context) => userOf(context)?.user_id],
  ["device_id", (context) => userOf(context)?.device_id],
  ["country", (context) => userOf(context)?.country],
  ["city", (context) => userOf(context)?.city],
  ["region", (context) => userOf(context)?.region],
  ["dma", (context) => userOf(context)?.dma],
  ["language", (context) => userOf(context)?.language],
  ["platform", (context) => userOf(context)?.platform],
  ["version", (context) => userOf(context)?.version],
  ["os", (context) => userOf(context)?.os],
  ["device_manufacturer", (context) => userOf(context)?.device_manufacturer],
  ["device_brand", (context) => userOf(context)?.device_brand],
  ["device_model", (context) => userOf(context)?.device_model],
  ["carrier", (context) => userOf(context)?.carrier],
  ["library", (context) => userOf(context)?.library],
  ["ip_address", (context) => userOf(context)?.ip_address],
  ["cohort_ids", (context) => userOf(context)?.cohort_ids],
]);

/** Names that every object or array inherits: as a selector they mean own properties only. */
function isInherited(name: string): boolean {
  return name in Object.prototype || name in Array.prototype;
}

/** The value at `selector[start...]` below `root` (docs/evaluation.md, D3). */
export function select(root: unknown, selector: readonly string[], start: number): unknown {
  let value = root;
  for (let i = start; i < selector.length; i++) {
    const key = selector[i];
    if (key === "" || typeof value !== "object" || value === null) return undefined;
    if (isInherited(key) && !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value ?? undefined;
}

/** The context's `user`, if that is an object. */
function userOf(context: unknown): User | undefined {
  if (typeof context !== "object" || context === null) return undefined;
  const { user } = context as { user?: unknown };
  return typeof user === "object" && user !== null ? (user as User) : undefined;
}

function propertyReader(name: string): Reader {
  return (context) => {
    const properties = userOf(context)?.user_properties;
    if (typeof properties !== "object" || properties === null) return undefined;
    return (properties as Record<string, unknown>)[name];
  };
}

/** A reader for a selector that begins with "context". */
export function readerOf(selector: readonly string[]): Reader {
  const [, scope, name, property] = selector;
  if (scope === "user" && selector.length === 3) {
    const field = USER_FIELDS.get(name);
    if (field) return field;
  }
  const isProperty = scope === "user" && name === "user_properties" && selector.length === 4;
  if (isProperty && property !== "" && !isInherited(property)) return propertyReader(property);
  return (context) => select(context, selector, 1);
}
