// The samples of the documents of Amplitude's SDKs, on both packages, with only the import changed.
// The documents of other languages are read as they would stand in JavaScript.
import type { Variants } from "halyard";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { flagOf } from "./agree.ts";
import { EvaluationServer, jsonOf, statusOf } from "./evaluation-server.ts";
import { FlagServer } from "./flag-server.ts";
import { runBoth } from "./samples.ts";

let evaluation: EvaluationServer;
let server: FlagServer;
beforeAll(async () => {
  evaluation = await EvaluationServer.listen();
  server = await FlagServer.listen();
});
afterAll(() => {
  evaluation.close();
  server.close();
});

const VARIANTS = {
  on: { key: "on", value: "on", payload: { color: "red" } },
  off: { key: "off", metadata: { default: true } },
};
const off = { variant: "off", metadata: { segmentName: "All Other Users" } };
const inCohort = {
  selector: ["context", "user", "cohort_ids"],
  op: "set contains any",
  values: ["c1"],
};
const isPremium = {
  selector: ["context", "user", "user_properties", "premium"],
  op: "is",
  values: ["true"],
};
const more = { variants: VARIANTS, metadata: { flagVersion: 1, experimentKey: "exp-1" } };
const FLAGS = [
  flagOf("YOUR-FLAG-KEY", [{ variant: "on" }], more),
  flagOf("my-local-flag-1", [{ conditions: [[isPremium]], variant: "on" }, off], more),
  flagOf("my-local-flag-2", [off], more),
];
const COHORT_FLAG = flagOf("with-cohort", [{ conditions: [[inCohort]], variant: "on" }, off], more);

const evaluating = () =>
  evaluation.lane(jsonOf({ "YOUR-FLAG-KEY": VARIANTS.on, other: VARIANTS.off }));
const refusing = () => evaluation.lane(statusOf(404));
const serving = () => server.lane(FLAGS);
const servingCohorts = () => {
  const lane = server.lane([...FLAGS, COHORT_FLAG]);
  lane.cohorts = { c1: { groupType: "User", memberIds: ["user@company.com"] } };
  return lane;
};

const keysOf = (variants: Variants) =>
  Object.fromEntries(Object.entries(variants).map(([flagKey, { key }]) => [flagKey, key]));

describe("remote evaluation", () => {
  const user = {
    user_id: "user@company.com",
    device_id: "abcdefg",
    user_properties: {
      premium: true,
    },
  };

  test("initialize, fetch", async () => {
    const { result } = await runBoth(evaluating, async ({ Experiment }, servers) => {
      // (1) Initialize the experiment client
      const experiment = Experiment.initialize("<DEPLOYMENT_KEY>", {
        fetchTimeoutMillis: 500,
        fetchRetries: 1,
        fetchRetryBackoffMinMillis: 0,
        fetchRetryTimeoutMillis: 500,
        ...servers.api,
      });

      // (2) Fetch variants for a user
      const variants = await experiment.fetch(user);

      // (3) Access a flag's variant
      const variant = variants["YOUR-FLAG-KEY"];
      return { variants, isOn: variant?.value === "on" };
    });
    expect(result).toEqual({ variants: { "YOUR-FLAG-KEY": VARIANTS.on }, isOn: true });
  });

  test("initializeRemote, fetchV2", async () => {
    const { result, requests } = await runBoth(evaluating, async ({ Experiment }, servers) => {
      const experiment = Experiment.initializeRemote("<DEPLOYMENT_KEY>", servers.api);
      const variants = await experiment.fetchV2(user);
      const variant = variants["YOUR-FLAG-KEY"];
      return { keys: keysOf(variants), isOn: variant?.value === "on" };
    });
    expect(result).toEqual({ keys: { "YOUR-FLAG-KEY": "on", other: "off" }, isOn: true });
    expect(requests).toEqual(["GET /sdk/v2/vardata?v=0 Api-Key <DEPLOYMENT_KEY>"]);
  });

  test("fetch options, groups, a callback", async () => {
    const { result } = await runBoth(evaluating, async ({ Experiment }, servers) => {
      const experiment = Experiment.initializeRemote("<DEPLOYMENT_KEY>", servers.api);
      const grouped = { ...user, groups: { "org name": ["Amplitude"] } };
      const options = { tracksExposure: true, tracksAssignment: false };
      return new Promise((done) => {
        experiment.fetchV2(grouped, options).then((variants) => done(keysOf(variants)));
      });
    });
    expect(result).toEqual({ "YOUR-FLAG-KEY": "on", other: "off" });
  });

  test("a logger", async () => {
    const { result } = await runBoth(refusing, async ({ Experiment, LogLevel }, servers) => {
      const levels: string[] = [];
      const provider = (level: string) => () => void levels.push(level);
      const experiment = Experiment.initializeRemote("<DEPLOYMENT_KEY>", {
        logLevel: LogLevel.Error,
        loggerProvider: {
          error: provider("error"),
          warn: provider("warn"),
          info: provider("info"),
          debug: provider("debug"),
          verbose: provider("verbose"),
        },
        ...servers.api,
      });
      return { variants: await experiment.fetch(user), levels: [...new Set(levels)] };
    });
    expect(result).toEqual({ variants: {}, levels: ["error"] });
  });
});

describe("local evaluation", () => {
  test("initializeLocal, start, evaluate", async () => {
    const { result, requests } = await runBoth(serving, async ({ Experiment }, servers) => {
      // (1) Initialize the local evaluation client with a server deployment key.
      const experiment = Experiment.initializeLocal("<DEPLOYMENT_KEY>", servers.api);

      // (2) Start the local evaluation client.
      await experiment.start();

      // (2) Evaluate a user.
      const user = { device_id: "abcdefg" };
      const variants = await experiment.evaluate(user);
      await experiment.stop();
      return variants;
    });
    expect(keysOf(result)).toEqual({ "YOUR-FLAG-KEY": "on" });
    expect(requests).toEqual(["GET /sdk/v2/flags Api-Key <DEPLOYMENT_KEY>"]);
  });

  test("all flags, and a specific subset of them", async () => {
    const { result } = await runBoth(serving, async ({ Experiment }, servers) => {
      const localClient = Experiment.initializeLocal("<DEPLOYMENT_KEY>", servers.api);
      await localClient.start();

      // The user to evaluate
      const user = { device_id: "abdc1234" };

      // Evaluate all flag variants
      const allVariants = localClient.evaluateV2(user);

      // Evaluate a specific subset of flag variants
      const specificVariants = localClient.evaluateV2(user, ["my-local-flag-1", "my-local-flag-2"]);
      await localClient.stop();
      return [allVariants, specificVariants];
    });
    const specific = { "my-local-flag-1": "off", "my-local-flag-2": "off" };
    expect(result.map(keysOf)).toEqual([{ "YOUR-FLAG-KEY": "on", ...specific }, specific]);
  });

  test("bootstrap", async () => {
    const { result, requests } = await runBoth(serving, ({ Experiment }, servers) => {
      const experiment = Experiment.initializeLocal("<DEPLOYMENT_KEY>", {
        bootstrap: { "YOUR-FLAG-KEY": FLAGS[0] },
        ...servers.api,
      });
      return experiment.evaluateV2({ device_id: "abcdefg" });
    });
    expect(keysOf(result)).toEqual({ "YOUR-FLAG-KEY": "on" });
    expect(requests).toEqual([]);
  });

  test("cohorts", async () => {
    const { result, requests } = await runBoth(servingCohorts, async ({ Experiment }, servers) => {
      const experiment = Experiment.initializeLocal("<DEPLOYMENT_KEY>", {
        // (Recommended) Enable local evaluation cohort targeting.
        cohortSyncConfig: { apiKey: "API_KEY", secretKey: "SECRET_KEY", ...servers.cohorts },
        ...servers.api,
      });
      await experiment.start();
      const user = {
        device_id: "abcdefg",
        user_id: "user@company.com",
        user_properties: {
          premium: true,
        },
      };
      const variants = experiment.evaluateV2(user);
      const others = experiment.evaluateV2({ user_id: "other@company.com" });
      await experiment.stop();
      return [variants, others];
    });
    const always = { "YOUR-FLAG-KEY": "on", "my-local-flag-2": "off" };
    expect(result.map(keysOf)).toEqual([
      { ...always, "my-local-flag-1": "on", "with-cohort": "on" },
      { ...always, "my-local-flag-1": "off", "with-cohort": "off" },
    ]);
    const keys = Buffer.from("API_KEY:SECRET_KEY").toString("base64");
    expect(requests).toContain(`GET /sdk/v1/cohort/c1?maxCohortSize=2147483647 Basic ${keys}`);
  });
});

describe("tracking", () => {
  const user = { user_id: "user@company.com", device_id: "abcdefg" };

  test("exposures", async () => {
    const { events } = await runBoth(
      serving,
      async ({ Experiment }, servers) => {
        const experiment = Experiment.initializeLocal("<DEPLOYMENT_KEY>", {
          exposureConfig: { apiKey: "API_KEY", ...servers.analytics },
          ...servers.api,
        });
        await experiment.start();
        experiment.evaluateV2(user);
        experiment.evaluateV2(user, undefined, { tracksExposure: true });
        experiment.evaluateV2(user, undefined, { tracksExposure: true });
        await experiment.stop();
      },
      { count: 1 },
    );
    expect(events).toMatchObject([
      {
        event_type: "[Experiment] Exposure",
        event_properties: { "[Experiment] Flag Key": "YOUR-FLAG-KEY" },
      },
    ]);
  });

  test("assignments", async () => {
    const { events } = await runBoth(
      serving,
      async ({ Experiment }, servers) => {
        const experiment = Experiment.initializeLocal("<DEPLOYMENT_KEY>", {
          assignmentConfig: { apiKey: "API_KEY", cacheCapacity: 65536, ...servers.analytics },
          ...servers.api,
        });
        await experiment.start();
        experiment.evaluateV2(user);
        experiment.evaluateV2(user);
        await experiment.stop();
      },
      { count: 1 },
    );
    expect(events).toMatchObject([
      {
        event_type: "[Experiment] Assignment",
        event_properties: { "YOUR-FLAG-KEY.variant": "on", "my-local-flag-1.variant": "off" },
      },
    ]);
  });
});

describe("cookies", () => {
  const DEVICE_ID = "ce84f4c1-1e7b-4a6c-8a4d-3b5c4b0fb9c5";

  test.each([undefined, true])("new format: %s", async (newFormat) => {
    const { result } = await runBoth(serving, ({ AmplitudeCookie }) => {
      const cookies: Record<string, string> = {};
      const request = () => {
        // Get the cookie name for the Amplitude API key
        const ampCookieName = AmplitudeCookie.cookieName("amplitude-api-key", newFormat);
        let deviceId: string | undefined;

        // Try to get device ID from existing cookie
        if (cookies[ampCookieName]) {
          deviceId = AmplitudeCookie.parse(cookies[ampCookieName], newFormat).device_id;
        }

        // If no device ID found, generate a new one and set the cookie
        if (deviceId === undefined) {
          deviceId = DEVICE_ID;
          cookies[ampCookieName] = AmplitudeCookie.generate(deviceId, newFormat);
          return undefined;
        }
        return deviceId;
      };
      return { ids: [request(), request()], cookies };
    });
    expect(result.ids).toEqual([undefined, DEVICE_ID]);
    expect(Object.keys(result.cookies)).toEqual([newFormat ? "AMP_amplitude-" : "amp_amplit"]);
  });
});
