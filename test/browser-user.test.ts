// Who the browser client says that the user is.
import { describe, expect, test } from "vitest";
import { AGENTS } from "./browser-agents.ts";
import { type AnyClient, bothSides, copy, flag, meaningOf, Side } from "./browser-clients.ts";
import { openPage } from "./browser-page.ts";

describe("what a page tells of the user", () => {
  test("is what Amplitude's client tells", () => {
    for (const userAgent of AGENTS) {
      openPage({ navigator: { userAgent, language: "en", languages: [] } });
      const [ours, their] = bothSides().map((side) => side.open().getUserProvider().getUser());
      expect(ours, userAgent).toEqual(their);
    }
  });

  test("is evaluated as it is: the page and its cookies may change at any time", async () => {
    const page = openPage();
    const segments = (selector: string[], value: string) => [
      [{ selector: ["context", ...selector], op: "is", values: [value] }],
    ];
    const LOCAL = { evaluationMode: "local" };
    const flags = [
      flag("cookie", LOCAL, segments(["user", "cookie", "theme"], "dark")),
      flag("page", LOCAL, segments(["page", "url"], "https://shop.example/two")),
      flag("plan", LOCAL, segments(["user", "user_properties", "plan"], "pro")),
      flag("list", LOCAL, segments(["user", "user_properties", "list"], "x")),
    ];
    const provided = { user_properties: { plan: "free", list: [] as string[] } };
    const client = new Side(true).open({
      initialFlags: JSON.stringify(flags),
      userProvider: { getUser: () => provided },
    });
    await client.start({ user_id: "u" });
    client.stop();
    const all = () => flags.map(({ key }) => client.variant(key).key).join(" ");
    expect(all()).toBe("on off off off");
    page.document!.cookie = "theme=light";
    expect(all()).toBe("off off off off");
    page.location!.href = "https://shop.example/two";
    expect(all()).toBe("off on off off");
    // Amplitude's reads them time and again, so providers may write to them.
    provided.user_properties.plan = "pro";
    expect(all()).toBe("off on on off");
    provided.user_properties.list.push("x");
    expect(all()).toBe("off on on on");
    client.setUser({ user_id: "u", user_properties: { plan: "free" } });
    expect(all()).toBe("off on off on");
  });

  test("is left alone where there is no page", () => {
    const page = openPage({ location: undefined, document: undefined, navigator: undefined });
    page.localStorage = undefined;
    page.sessionStorage = undefined;
    const [ours, their] = bothSides().map((side) => copy(side.open().getUserProvider().getUser()));
    expect(ours).toEqual(their);
  });

  test("keeps what is undefined from hiding what is known", async () => {
    openPage();
    const side = new Side(true);
    const userProvider = { getUser: () => ({ device_id: "d", version: "1.0", language: "fr" }) };
    const client = side.open({ userProvider });
    client.addPlugin(
      side.plugin(
        () => ({ user_id: undefined, version: undefined }),
        () => true,
      ),
    );
    await client.fetch({ user_id: "u", language: undefined });
    const { user } = meaningOf(side.server.requests[0]) as AnyClient;
    expect(user).toMatchObject({ user_id: "u", device_id: "d", version: "1.0", language: "fr" });
  });
});
