// What `halyard/browser` exports: what `@amplitude/experiment-js-client` does, and the types of it.

export { ConsoleLogger, type LoggerProvider as Logger, LogLevel } from "../sdk/log.ts";
export { AmplitudeIntegrationPlugin } from "./amplitude-plugin.ts";
export { ExperimentClient } from "./client.ts";
export { Defaults, type ExperimentConfig } from "./config.ts";
export type { Client, FetchOptions } from "./contract.ts";
export type { Exposure, ExposureTrackingProvider } from "./exposure.ts";
export {
  Experiment,
  initialize,
  initializeWithAmplitudeAnalytics,
} from "./factory.ts";
export {
  AmplitudeAnalyticsProvider,
  AmplitudeUserProvider,
} from "./legacy-amplitude.ts";
export type {
  ExperimentAnalyticsEvent,
  ExperimentAnalyticsProvider,
} from "./legacy-analytics.ts";
export type {
  ExperimentEvent,
  ExperimentPlugin,
  ExperimentPluginType,
  IntegrationPlugin,
} from "./plugin.ts";
export { Source, VariantSource } from "./source.ts";
export { MemoryStorage, type Storage } from "./storage.ts";
export { StubExperimentClient } from "./stub-client.ts";
export type { HttpClient, SimpleResponse } from "./transport.ts";
export type { ExperimentUser, ExperimentUserProvider } from "./user.ts";
export type { Variant, Variants } from "./variant.ts";
