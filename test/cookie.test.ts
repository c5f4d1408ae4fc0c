// Identity cookies beside Amplitude's own class.
import { createRequire } from "node:module";
import { afterEach, describe, expect, test, vi } from "vitest";
import { AmplitudeCookie } from "../src/sdk/cookie.ts";
import { seededRandom } from "./random.ts";
import { TEXTS } from "./random-values.ts";

type Amplitude = typeof import("@amplitude/experiment-node-server");
const { AmplitudeCookie: Theirs } = createRequire(import.meta.url)(
  "@amplitude/experiment-node-server",
) as Amplitude;

const FORMATS = [undefined, false, true] as const;
const KEYS = ["123456", "1234567890", "a1b2c3d4e5f6", "ключ-ключ-ключ", "😀😀😀😀😀"];
const IDS = [
  ...[
    "device-id",
    "0f3a2b1c-3e4d-4a5b-8c7d-9e0f1a2b3c4dR",
    "user@company.com",
    "ключ",
    "日本語 😀",
  ],
  ...["é".repeat(50), "a+b/c=d", "100%", "~~~???>>>ÿÿÿ", '"quoted"', "\ufefffirst", "a\u0000b"],
];

/** Texts without lone surrogates, which UTF-8 cannot hold. */
const WELL_FORMED = TEXTS.filter((text) => Buffer.from(text).toString() === text);

const base64 = (text: string) => Buffer.from(text).toString("base64");
const oldCookie = (deviceId: string, userId: string) =>
  `${deviceId}.${base64(userId)}..1gsmi9oh1.1gsmi9oh2.a.0.a`;
const newCookie = (session: unknown) => base64(encodeURIComponent(JSON.stringify(session)));

afterEach(() => vi.restoreAllMocks());

function listen() {
  return vi.spyOn(console, "error").mockImplementation(() => {});
}

describe("as Amplitude's", () => {
  test.each(FORMATS)("names, new format: %s", (format) => {
    for (const key of KEYS.filter(({ length }) => !format || length >= 10)) {
      expect(AmplitudeCookie.cookieName(key, format)).toBe(Theirs.cookieName(key, format));
    }
    for (const key of ["", "12345", ...(format ? ["123456789"] : [])]) {
      const error = new Error("Invalid Amplitude API Key");
      expect(() => AmplitudeCookie.cookieName(key, format)).toThrow(error);
      expect(() => Theirs.cookieName(key, format)).toThrow(error);
    }
  });

  test.each(FORMATS)("generated, and parsed again, new format: %s", (format) => {
    for (const id of [...IDS, ...(format ? TEXTS : [])]) {
      const cookie = AmplitudeCookie.generate(id, format);
      expect(cookie).toBe(Theirs.generate(id, format));
      if (!format && id.includes(".")) continue;
      expect(AmplitudeCookie.parse(cookie, format)).toEqual({ device_id: id });
      expect(Theirs.parse(cookie, format)).toEqual({ device_id: id });
    }
  });

  test("parsed: device and user ids", () => {
    for (const userId of [...IDS, ...WELL_FORMED]) {
      const old = oldCookie("device", userId);
      const expected = { device_id: "device", user_id: userId || undefined };
      expect(AmplitudeCookie.parse(old)).toEqual(expected);
      expect(AmplitudeCookie.parse(old)).toEqual(Theirs.parse(old));
      const session = newCookie({ deviceId: "device", userId, sessionId: 5, optOut: false });
      expect(AmplitudeCookie.parse(session, true)).toEqual({
        device_id: "device",
        user_id: userId,
      });
      expect(AmplitudeCookie.parse(session, true)).toEqual(Theirs.parse(session, true));
    }
  });

  test.each(["", ".", "device", "device.", "..", "a.b", "a.YQ", "a.YQ==.x"])(
    "parsed: %j",
    (text) => {
      const { user_id, ...device } = Theirs.parse(text);
      const isText = user_id === undefined || !user_id.includes("\ufffd");
      expect(AmplitudeCookie.parse(text)).toEqual(isText ? { ...device, user_id } : device);
    },
  );

  test.each(["", "x", "%", "bnVsbA==", base64("%"), base64("{"), newCookie(null)])(
    "not of the new format: %j",
    (text) => {
      const error = listen();
      expect(AmplitudeCookie.parse(text, true)).toEqual(Theirs.parse(text, true));
      expect(AmplitudeCookie.parse(text, true)).toEqual({});
      expect(error).toHaveBeenCalledTimes(3);
    },
  );

  test.each([{}, [], 5, "text", { deviceId: "d" }, { userId: "u" }])("a session %j", (session) => {
    const cookie = newCookie(session);
    expect(AmplitudeCookie.parse(cookie, true)).toEqual(Theirs.parse(cookie, true));
  });
});

describe("other than Amplitude's, see docs/remote.md", () => {
  test("a user id that is no UTF-8 is left out", () => {
    const cookie = `device.${Buffer.from([0xff, 0xfe]).toString("base64")}`;
    expect(AmplitudeCookie.parse(cookie)).toEqual({ device_id: "device" });
    expect(Theirs.parse(cookie).user_id).toBe("\ufffd\ufffd");
  });

  test("ids that are no texts are left out", () => {
    const cookie = newCookie({ deviceId: 5, userId: { id: "u" } });
    expect(AmplitudeCookie.parse(cookie, true)).toEqual({});
    expect(Theirs.parse(cookie, true)).toEqual({ device_id: 5, user_id: { id: "u" } });
  });

  test("a percent-encoded cookie is understood", () => {
    const encoded = encodeURIComponent(newCookie({ deviceId: "d", userId: "ab" }));
    expect(encoded).toContain("%3D");
    expect(AmplitudeCookie.parse(encoded, true)).toEqual({ device_id: "d", user_id: "ab" });
    expect(AmplitudeCookie.parse("d.YQ%3D%3D")).toEqual({ device_id: "d", user_id: "a" });
  });

  test.each(FORMATS)("what is no text throws in neither format: %s", (format) => {
    listen();
    for (const value of [undefined, null, 5, {}, []] as unknown as string[]) {
      expect(AmplitudeCookie.parse(value, format)).toEqual({});
    }
    const noKey = undefined as unknown as string;
    expect(() => AmplitudeCookie.cookieName(noKey, format)).toThrow("Invalid Amplitude API Key");
  });

  test("the error that is logged has nothing of the cookie in it", () => {
    const error = listen();
    AmplitudeCookie.parse(base64("alice is no JSON"), true);
    expect(error).toHaveBeenCalledOnce();
    expect(JSON.stringify(error.mock.calls)).not.toContain("alice");
  });

  test("parse never throws", () => {
    listen();
    const random = seededRandom(3);
    for (let round = 0; round < 2_000; round++) {
      const bytes = Buffer.from(random.times(random.int(40), () => random.int(256)));
      for (const text of [bytes.toString("latin1"), bytes.toString("base64")]) {
        for (const format of FORMATS) AmplitudeCookie.parse(text, format);
      }
    }
  });
});
