import type { ExperimentUser } from "../engine/index.ts";
import { Log } from "./log.ts";

const OLD_PREFIX = "amp_";
const OLD_KEY_LENGTH = 6;
const NEW_PREFIX = "AMP_";
const NEW_KEY_LENGTH = 10;
/** The fields of an old cookie that only the browser fills in. */
const OLD_EMPTY_FIELDS = "..........";

/**
 * The identity cookie that Amplitude's browser SDKs set: of the old format by their JavaScript SDK,
 * of the new one by Browser SDK 2.0.
 */
// biome-ignore lint/complexity/noStaticOnlyClass: the shape of Amplitude's
export class AmplitudeCookie {
  /**
   * The name of the cookie.
   *
   * @param amplitudeApiKey - the analytics API key
   * @param newFormat - whether it is of Browser SDK 2.0; default: false
   * @throws Error for a key of fewer than 6 characters, of the new format than 10
   */
  static cookieName(amplitudeApiKey: string, newFormat = false): string {
    const length = newFormat ? NEW_KEY_LENGTH : OLD_KEY_LENGTH;
    if (!(amplitudeApiKey?.length >= length)) throw new Error("Invalid Amplitude API Key");
    return (newFormat ? NEW_PREFIX : OLD_PREFIX) + amplitudeApiKey.substring(0, length);
  }

  /**
   * The device id and the user id of a cookie, as far as it has them. Never throws: a cookie of the
   * new format that cannot be read gives no id and an error in the console, a user id of the old
   * format that cannot be read is left out.
   *
   * @param amplitudeCookie - the cookie's value, percent-encoded or not
   * @param newFormat - whether it is of Browser SDK 2.0; default: false
   */
  static parse(amplitudeCookie: string, newFormat = false): ExperimentUser {
    if (newFormat) return parseNew(amplitudeCookie);
    if (typeof amplitudeCookie !== "string") return {};
    const [device_id, encodedUserId] = amplitudeCookie.split(".");
    return { device_id, user_id: encodedUserId ? parseUserId(encodedUserId) : undefined };
  }

  /**
   * The value of a cookie that holds a device id, for the browser SDK to find.
   *
   * @param deviceId - for the old format without a dot
   * @param newFormat - whether it is for Browser SDK 2.0; default: false
   */
  static generate(deviceId: string, newFormat = false): string {
    if (!newFormat) return deviceId + OLD_EMPTY_FIELDS;
    return Buffer.from(encodeURIComponent(JSON.stringify({ deviceId }))).toString("base64");
  }
}

function parseNew(cookie: string): ExperimentUser {
  try {
    const session: unknown = JSON.parse(decodeURIComponent(textOf(cookie)));
    const { deviceId, userId } = session as Record<string, unknown>;
    return { device_id: idOf(deviceId), user_id: idOf(userId) };
  } catch {
    // The error itself would write what the cookie holds.
    new Log({}, []).error("Error parsing the Amplitude cookie: expected that of Browser SDK 2.0");
    return {};
  }
}

function parseUserId(encoded: string): string | undefined {
  try {
    return textOf(encoded);
  } catch {
    return undefined;
  }
}

/** Some frameworks write cookies percent-encoded, and some hand them out as they came. */
function textOf(encoded: string): string {
  const bytes = Buffer.from(decodeURIComponent(encoded), "base64");
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

function idOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
