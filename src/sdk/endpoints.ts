/** Where Amplitude's data lie. */
export type ServerZone = "us" | "eu";

export interface Endpoints {
  /** Remote evaluation. */
  remote: string;
  flags: string;
  stream: string;
  cohorts: string;
}

function isEurope(zone: string | undefined): boolean {
  return zone?.toLowerCase() === "eu";
}

/** A server of a zone; letter case does not matter, what is not "eu" is "us". */
export function serverAt(name: string, zone?: string): string {
  return `https://${name}.lab${isEurope(zone) ? ".eu" : ""}.amplitude.com`;
}

/** The servers of a zone, as Amplitude's server SDKs know them. */
export function endpointsOf(zone: string | undefined): Endpoints {
  return {
    remote: serverAt("api", zone),
    flags: serverAt(isEurope(zone) ? "flag" : "api", zone),
    stream: serverAt("stream", zone),
    cohorts: serverAt("cohort-v2", zone),
  };
}

/** An address below a server's, which may have a path and end with a slash or not. */
export function addressOf(serverUrl: string, path: string): string {
  return serverUrl.replace(/\/+$/, "") + path;
}
