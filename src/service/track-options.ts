import type { TrackOptions } from "../tracking/tracker.ts";

/**
 * What a request says of tracking. `X-Amp-Exp-Track`: assignments are tracked unless it is
 * "no-track" or "read-only". `X-Amp-Exp-Exposure-Track`: exposures only if it is "track".
 */
export function trackOptionsOf(headers: Headers): TrackOptions {
  const assignment = headers.get("x-amp-exp-track");
  return {
    tracksAssignment: assignment !== "no-track" && assignment !== "read-only",
    tracksExposure: headers.get("x-amp-exp-exposure-track") === "track",
  };
}
