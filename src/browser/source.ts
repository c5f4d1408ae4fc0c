/** Which variants `variant` and `all` prefer. */
export const Source = Object.freeze({
  /** Those that were fetched last, here or on a page before. */
  LocalStorage: "localStorage",
  /** Those of the configuration: for pages that a server has rendered. */
  InitialVariants: "initialVariants",
} as const);
export type Source = (typeof Source)[keyof typeof Source];

/** Where a variant has come from. */
export const VariantSource = Object.freeze({
  LocalStorage: "storage",
  InitialVariants: "initial",
  SecondaryLocalStorage: "secondary-storage",
  SecondaryInitialVariants: "secondary-initial",
  FallbackInline: "fallback-inline",
  FallbackConfig: "fallback-config",
  LocalEvaluation: "local-evaluation",
} as const);
export type VariantSource = (typeof VariantSource)[keyof typeof VariantSource];

const FALLBACKS: readonly (VariantSource | undefined)[] = [
  undefined,
  VariantSource.FallbackInline,
  VariantSource.FallbackConfig,
  VariantSource.SecondaryInitialVariants,
];

/** Whether a variant is one that nobody has assigned to the user. */
export function isFallback(source: VariantSource | undefined): boolean {
  return FALLBACKS.includes(source);
}
