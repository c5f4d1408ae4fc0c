import type { ServiceOptions } from "./options.ts";
import { Service } from "./service.ts";
import { deploymentsOf } from "./sources.ts";

/**
 * An evaluation service to embed in another server: `fetch` takes a web-standard `Request`. To be
 * started.
 *
 * @example
 * const service = createService({ flags: "flags.json" });
 * await service.start();
 * serve({ fetch: service.fetch, port: 3546 });
 *
 * @throws Error for options that contradict each other
 */
export function createService(options: ServiceOptions): Service {
  return new Service({ ...options, deployments: deploymentsOf(options) });
}
