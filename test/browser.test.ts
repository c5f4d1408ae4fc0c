// The browser client beside Amplitude's: random sequences of all that a caller, a server and a page
// may do; the same answers, requests, exposures and stored texts.

import type { EvaluationFlag } from "halyard/engine";
import { expect, test } from "vitest";
import {
  type AnyClient,
  bothSides,
  flag,
  meaningOf,
  outcomeOf,
  type Side,
} from "./browser-clients.ts";
import { openPage, settled, type TestPage } from "./browser-page.ts";
import { type Random, seededRandom } from "./random.ts";

const SEQUENCES = 2000;

const when = (selector: string[], op: string, ...values: string[]) => [
  [{ selector: ["context", ...selector], op, values }],
];
const LOCAL = { evaluationMode: "local", experimentKey: "exp-1", deployed: true };
const FLAGS: readonly EvaluationFlag[] = [
  flag("by-user", LOCAL, when(["user", "user_id"], "is", "u1")),
  flag("by-page", LOCAL, when(["page", "url"], "contains", "checkout")),
  flag("by-cookie", LOCAL, when(["user", "cookie", "theme"], "is", "dark")),
  flag("by-parameter", LOCAL, when(["user", "url_param", "ref"], "set contains any", "a", "c")),
  flag("by-property", LOCAL, when(["user", "user_properties", "plan"], "is", "pro")),
  flag("by-group", LOCAL, when(["groups", "org", "group_name"], "is", "acme")),
  flag("by-browser", LOCAL, when(["user", "browser"], "is", "Chrome")),
  flag("by-landing", LOCAL, when(["user", "landing_url"], "contains", "start"), ""),
  flag("quiet", { ...LOCAL, trackExposure: false }, when(["user", "platform"], "is", "Web")),
  flag("web", { ...LOCAL, deliveryMethod: "web" }, when(["user", "platform"], "is", "Web")),
  flag("named", { ...LOCAL, exposureEvent: "Seen" }, when(["user", "platform"], "is", "Web")),
  flag("remote", { evaluationMode: "remote" }, when(["user", "user_id"], "is", "u1")),
  {
    ...flag("child", LOCAL, [
      [{ selector: ["result", "by-user", "key"], op: "is", values: ["on"] }],
    ]),
    dependencies: ["by-user"],
  },
];
const KEYS = [...FLAGS.map(({ key }) => key), "only-stored", "only-initial", "unknown"];

const VARIANTS: readonly unknown[] = [
  { key: "on", value: "on" },
  {
    key: "treatment",
    value: "treatment",
    payload: { price: 9 },
    metadata: { experimentKey: "e2" },
  },
  { key: "off", metadata: { default: true, experimentKey: "e3" } },
  { key: "off", value: "off", metadata: { default: true } },
  { value: "only-value" },
  { key: "k", value: "v", payload: ["list"], metadata: { trackExposure: false } },
  { key: "k", value: "v", metadata: { trackExposure: true, deliveryMethod: "web" } },
  { key: "n", value: 5 },
  {},
];
const STORED: readonly unknown[] = [
  ...["text", { value: "v1", payload: 5 }, { value: "v1", expKey: "old" }],
  ...[
    { key: "k", value: "v", expKey: "e", metadata: { experimentKey: "newer" } },
    5,
    null,
    [],
    true,
  ],
  ...VARIANTS,
];
const FALLBACKS: readonly unknown[] = [
  ...[undefined, undefined, null, "text", "", { key: "inline", value: "inline" }],
  ...[{ value: "inline", expKey: "e9" }, { key: "x", metadata: { default: true } }, {}],
];
const USERS: readonly unknown[] = [
  ...[
    undefined,
    null,
    {},
    { user_id: "u1" },
    { user_id: "u2", device_id: "d2" },
    { device_id: "d3" },
  ],
  ...[
    { user_id: "u1", user_properties: { plan: "pro" } },
    { user_properties: { plan: "free", n: 1 } },
  ],
  ...[{ user_id: "u3", groups: { org: ["acme"] }, group_properties: { org: { acme: { a: 1 } } } }],
  ...[{ cookie: { theme: "light" }, browser: "Lynx", platform: "TV" }, { library: "mine/1.0" }],
];
const PAGES = ["https://shop.example/start?ref=a,b", "https://shop.example/checkout?ref=c&ref=d"];

const mapOf = (random: Random, values: readonly unknown[], chance: number) =>
  Object.fromEntries(
    KEYS.filter(() => random.chance(chance)).map((key) => [key, random.pick(values)]),
  );

const someFlags = (random: Random) => FLAGS.filter(() => random.chance(0.7));

/** One call, for either client; what it does besides is done before it. */
type Step = (client: AnyClient) => unknown;

function randomAnswer(random: Random, body: unknown) {
  const kind = random.int(10);
  if (kind === 0) return { status: random.pick([400, 429, 500]), body: "no" };
  if (kind === 1) return new Error("the network is down");
  if (kind === 2) return { status: 200, body: "{not json" };
  return { status: 200, body: JSON.stringify(body) };
}

function randomStep(random: Random, page: TestPage, sides: readonly Side[]): Step {
  const user = random.pick(USERS);
  const key = random.pick(KEYS);
  const fallback = random.pick(FALLBACKS);
  const flagKeys = random.pick([undefined, undefined, [], KEYS.filter(() => random.chance(0.3))]);
  const isTracked = random.chance(0.5);
  const variants = randomAnswer(random, mapOf(random, VARIANTS, 0.5));
  const flags = randomAnswer(random, someFlags(random));
  for (const { server } of sides) Object.assign(server, { variants, flags });
  if (random.chance(0.1)) page.location!.href = random.pick(PAGES);
  if (random.chance(0.1))
    page.document!.cookie = random.pick(["theme=dark", "theme=light; a=b", ""]);
  const steps: readonly Step[] = [
    ...new Array<Step>(10).fill((client) => client.variant(key, fallback)),
    ...new Array<Step>(4).fill((client) =>
      client.fetch(user, flagKeys && { flagKeys }).then(() => 1),
    ),
    ...new Array<Step>(3).fill((client) => client.all()),
    ...new Array<Step>(2).fill((client) => client.exposure(key)),
    ...new Array<Step>(2).fill((client) => client.setUser(user)),
    (client) => withoutNothing(client.getUser()),
    (client) => client.clear(),
    (client) => client.setTracksAssignment(isTracked),
    // A start that has failed may be repeated with ours only.
    (client) => started(client, user),
    () => undefined,
  ];
  return random.pick(steps);
}

/** Which of two errors it is depends on which comes first. */
async function started(client: AnyClient, user: unknown): Promise<void> {
  try {
    await client.start(user);
  } catch {
    throw new Error("it could not be started");
  } finally {
    client.stop();
  }
}

/** Amplitude's adds empty properties, if an earlier user had some. */
function withoutNothing(user: AnyClient): unknown {
  const { user_properties, ...fields } = user ?? {};
  const isEmpty = Object.keys(user_properties ?? {}).length === 0;
  return user && { ...fields, ...(!isEmpty && { user_properties }) };
}

function randomConfig(random: Random): Record<string, unknown> {
  const config: Record<string, unknown> = {
    source: random.pick([undefined, "localStorage", "initialVariants"]),
    fallbackVariant: random.pick([undefined, null, { key: "f", value: "f" }, "text", {}]),
    initialVariants: random.pick([
      undefined,
      null,
      mapOf(
        random,
        STORED.filter((it) => (typeof it === "object" ? it !== null : typeof it === "string")),
        0.4,
      ),
    ]),
    initialFlags: random.chance(0.5) ? JSON.stringify(someFlags(random)) : undefined,
    automaticExposureTracking: random.pick([undefined, true, true, false]),
    fetchOnStart: random.pick([undefined, true, false]),
    throwOnError: random.chance(0.5),
    fetchTimeoutMillis: random.pick([undefined, 700]),
    serverZone: random.pick([undefined, "US", "EU", "eu"]),
  };
  const provided = random.pick([{}, { language: "fr" }, { user_properties: { plan: "pro" } }]);
  // Who is not known at all is seen again with Amplitude's, see docs/browser.md.
  config.userProvider = { getUser: () => ({ device_id: "device", ...provided }) };
  return config;
}

async function compare(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const page = openPage();
  const sides = bothSides();
  const config = randomConfig(random);
  const stored = random.pick(["", "{not json", "[]", JSON.stringify(mapOf(random, STORED, 0.5))]);
  const flags = Object.fromEntries(someFlags(random).map((each) => [each.key, each]));
  const storedFlags = random.pick(["", JSON.stringify(flags)]);
  const options = random.pick(["", '{"trackingOption":"no-track"}']);
  const hasAnalytics = random.chance(0.3);
  const hasPlugin = random.chance(0.5);
  let isTaken = random.chance(0.8);
  const pluginUser = random.pick([{}, { user_properties: { plan: "x" } }, { version: "1.2.3" }]);
  for (const side of sides) {
    if (stored) side.store(page, "", stored);
    if (storedFlags) side.store(page, "-flags", storedFlags);
    if (options) side.store(page, "-variants-options", options);
    const analyticsProvider = hasAnalytics ? side.analyticsProvider() : undefined;
    side.open({ ...config, analyticsProvider });
    if (hasPlugin)
      side.client.addPlugin(
        side.plugin(
          () => pluginUser,
          () => isTaken,
        ),
      );
  }
  // The core loads by itself; its code has been loaded before.
  await settled();
  for (let count = 0; count < 12; count++) {
    if (random.chance(0.1)) isTaken = !isTaken;
    const step = randomStep(random, page, sides);
    const [ours, theirs] = [
      await outcomeOf(() => step(sides[0].client)),
      await outcomeOf(() => step(sides[1].client)),
    ];
    expect(ours, `seed ${seed}, step ${count}: ${step}`).toEqual(theirs);
  }
  const [ours, theirs] = sides.map((side) => ({
    exposures: side.exposures,
    analytics: side.analytics,
    events: side.events,
    requests: side.server.requests.map((request) => JSON.stringify(meaningOf(request))).sort(),
    stored: comparable(side.stored(page), hasPlugin),
  }));
  expect(
    ours.requests.map((it) => JSON.parse(it)),
    `seed ${seed}`,
  ).toEqual(theirs.requests.map((it) => JSON.parse(it)));
  expect({ ...ours, requests: 0 }, `seed ${seed}`).toEqual({ ...theirs, requests: 0 });
  await compareSwapped(sides, page, seed);
}

/** Each client goes on with what the other one has stored. */
async function compareSwapped(
  [ours, theirs]: readonly Side[],
  page: TestPage,
  seed: number,
): Promise<void> {
  const successors = bothSides();
  const names = [theirs.instanceName, ours.instanceName];
  for (const [index, side] of successors.entries()) {
    for (const { texts } of [page.localStorage!, page.sessionStorage!]) {
      for (const [key, text] of [...texts]) {
        if (!`${key}-`.includes(`${names[index]}-`)) continue;
        texts.set(key.replace(names[index], side.instanceName), text);
      }
    }
    side.open();
    side.client.setUser({ user_id: "u1" });
  }
  await settled();
  const [one, other] = successors.map(({ client }) => [
    client.all(),
    KEYS.map((key) => client.variant(key)),
  ]);
  expect(one, `seed ${seed}, swapped`).toEqual(other);
}

/** Without what only one of the two stores, see docs/browser.md. */
function comparable(stored: Record<string, unknown>, hasPlugin: boolean): Record<string, unknown> {
  const { EXP_sent_v3_name: sent, EXP_sent_provider_name: _, ...others } = stored;
  if (!hasPlugin) delete others.EXP_unsent_name;
  const { $identity: __, ...variants } = (sent ?? {}) as Record<string, unknown>;
  return { ...others, ...(Object.keys(variants).length > 0 && { variants }) };
}

test("random sequences give what Amplitude's client gives", async () => {
  openPage();
  const initialFlags = JSON.stringify(FLAGS);
  await bothSides()[0].open({ initialFlags, fetchOnStart: false }).start();
  const first = Number(process.env.SEED || 1);
  const count = process.env.SEED ? 1 : SEQUENCES;
  for (let seed = first; seed < first + count; seed++) await compare(seed);
});
