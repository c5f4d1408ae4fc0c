// What the browser client stores, where it can and where it cannot.
import { describe, expect, test } from "vitest";
import { flag, Side } from "./browser-clients.ts";
import { closePage, openPage, PageStorage, settled } from "./browser-page.ts";

const json = (value: unknown) => ({ status: 200, body: JSON.stringify(value) });
const ON = { key: "on", value: "on" };
const everyone = (key: string) => flag(key, { evaluationMode: "local" }, [[]]);

/** Requests of one kind. */
const asked = (side: Side, part: string) =>
  side.server.requests.filter(({ url }) => url.includes(part));

describe("storage", () => {
  const faults: Record<string, () => unknown> = {
    absent: () => openPage({ localStorage: undefined, sessionStorage: undefined }),
    full: () => {
      const page = openPage();
      page.localStorage!.isFull = true;
      page.sessionStorage!.isFull = true;
    },
    blocked: () => {
      const storage = new Proxy(new PageStorage(), {
        get() {
          throw new DOMException("access is denied", "SecurityError");
        },
      });
      openPage({ localStorage: storage, sessionStorage: storage });
    },
    "no page at all": closePage,
  };

  test.each(Object.entries(faults))("that is %s: nothing is thrown", async (_, make) => {
    make();
    const side = new Side(true);
    side.server.variants = json({ a: ON });
    side.server.flags = json([everyone("local")]);
    const client = side.open();
    client.addPlugin(
      side.plugin(
        () => ({}),
        () => false,
      ),
    );
    await client.start({ user_id: "u" });
    for (let count = 0; count < 3; count++) {
      expect(client.variant("a")).toEqual(ON);
      expect(client.variant("local").key).toBe("on");
    }
    await client.setTracksAssignment(true);
    await client.fetch({ user_id: "u" }, { flagKeys: ["a"] });
    client.clear();
    client.stop();
    expect(side.exposures).toHaveLength(2);
  });

  test("that is corrupt counts as empty, and is replaced", async () => {
    const page = openPage();
    for (const text of ["{", "5", "null", '"text"', "[1]"]) {
      const side = new Side(true);
      for (const suffix of ["", "-flags", "-variants-options"]) side.store(page, suffix, text);
      page.localStorage!.texts.set(`EXP_unsent_${side.instanceName}`, text);
      page.sessionStorage!.texts.set(`EXP_sent_v3_${side.instanceName}`, text);
      side.server.variants = json({ a: ON });
      const client = side.open();
      client.addPlugin(
        side.plugin(
          () => ({}),
          () => true,
        ),
      );
      await client.start({ user_id: "u" });
      expect(client.variant("a")).toEqual(ON);
      expect(side.events).toHaveLength(1);
      client.stop();
    }
  });

  test("is read and written by both clients", async () => {
    const page = openPage();
    for (const isOursFirst of [true, false]) {
      const [first, second] = [new Side(isOursFirst), new Side(!isOursFirst)];
      first.server.variants = json({
        a: { ...ON, payload: { n: 1 }, metadata: { experimentKey: "e" } },
      });
      first.server.flags = json([everyone("local")]);
      await first.open().start({ user_id: "u" });
      await first.client.setTracksAssignment(false);
      first.client.stop();
      for (const store of [page.localStorage!, page.sessionStorage!]) {
        for (const [key, text] of store.texts)
          store.texts.set(key.replace(first.instanceName, second.instanceName), text);
      }
      second.open();
      await settled();
      expect(second.client.all()).toEqual(first.client.all());
      await second.client.fetch({ user_id: "u" });
      expect(asked(second, "vardata")[0].headers["X-Amp-Exp-Track"]).toBe("no-track");
    }
  });

  test("of two tabs keeps what the other one has fetched", async () => {
    const page = openPage();
    const side = new Side(true);
    side.server.variants = json({ a: ON, b: ON });
    await side.open().fetch({ user_id: "u" });
    const other = { a: { key: "other" }, c: { key: "other" } };
    side.store(page, "", JSON.stringify(other));
    side.server.variants = json({ b: { key: "new" } });
    await side.client.fetch({ user_id: "u" }, { flagKeys: ["b"] });
    expect(page.localStorage!.read(`amp-exp-${side.instanceName}-nt-key`)).toMatchObject({
      ...other,
      b: { key: "new" },
    });
    expect(side.client.variant("a")).toEqual(ON);
  });
});
