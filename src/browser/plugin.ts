import type { ExperimentConfig } from "./config.ts";
import type { Client } from "./contract.ts";
import type { ExperimentUser } from "./user.ts";

export type ExperimentPluginType = "integration";

/** Extends a client. */
export interface ExperimentPlugin {
  name?: string;
  type?: ExperimentPluginType;
  setup?(config: ExperimentConfig, client: Client): Promise<void>;
  teardown?(): Promise<void>;
}

/** An event for an analytics SDK. */
export interface ExperimentEvent {
  eventType: string;
  eventProperties?: Record<string, unknown>;
}

/** Connects a client with an analytics SDK: it knows the user, and takes events. */
export interface IntegrationPlugin extends ExperimentPlugin {
  type: ExperimentPluginType;
  getUser(): ExperimentUser;
  /** Answers whether it has taken the event; if not, it is offered again. */
  track(event: ExperimentEvent): boolean;
}
