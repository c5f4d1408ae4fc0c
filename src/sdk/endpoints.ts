/** Where Amplitude's data lie. */
export type ServerZone = "us" | "eu";

export interface Endpoints {
  /** Remote evaluation. */
  remote: string;
  flags: string;
  stream: string;
  cohorts: string;
}

const ENDPOINTS: Readonly<Record<ServerZone, Endpoints>> = {
  us: {
    remote: "https://api.lab.amplitude.com",
    flags: "https://api.lab.amplitude.com",
    stream: "https://stream.lab.amplitude.com",
    cohorts: "https://cohort-v2.lab.amplitude.com",
  },
  eu: {
    remote: "https://api.lab.eu.amplitude.com",
    flags: "https://flag.lab.eu.amplitude.com",
    stream: "https://stream.lab.eu.amplitude.com",
    cohorts: "https://cohort-v2.lab.eu.amplitude.com",
  },
};

/** The servers of a zone; letter case does not matter, what is not "eu" is "us". */
export function endpointsOf(zone: string | undefined): Endpoints {
  return ENDPOINTS[zone?.toLowerCase() === "eu" ? "eu" : "us"];
}

/** An address below a server's, which may have a path and end with a slash or not. */
export function addressOf(serverUrl: string, path: string): string {
  return serverUrl.replace(/\/+$/, "") + path;
}
