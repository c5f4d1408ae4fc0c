// Which build of the core is chosen, where the choice is the runtime's: in processes of their own,
// with the conditions under which bundlers resolve. The runtimes themselves: npm run test:runtimes.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Engine } from "halyard/engine";
import { describe, expect, test } from "vitest";

/** Types see Node's file for `#core`: the others have to offer the same. */
type Source = typeof import("../src/engine/core-node.ts");
const offers = <Other extends Source>(): Other | undefined => undefined;
offers<typeof import("../src/engine/core-browser.ts")>();
offers<typeof import("../src/engine/core-workerd.ts")>();
type CompactSource = typeof import("../src/engine/compact/core-inline.ts");
const offersCompact = <Other extends CompactSource>(): Other | undefined => undefined;
offersCompact<typeof import("../src/engine/compact/core-workerd.ts")>();

const root = fileURLToPath(new URL("..", import.meta.url));
const BROWSER = ["--conditions=browser"];
const JITLESS = ["--jitless"];

const PREAMBLE = `
  import { readFileSync } from "node:fs";
  import { Engine } from "halyard/engine";
  const flags = [{ key: "f", variants: { on: { key: "on" } }, segments: [{ variant: "on" }] }];
  const found = [];
  const say = (engine) => found.push(engine.backend + " " + engine.variant({}, "f").key);
  const load = (options) => Engine.load(flags, options).then(say, fail);
  const loadSync = (options) => {
    try { say(Engine.loadSync(flags, options)); } catch (error) { fail(error); }
  };
  const fail = (error) => found.push((error.code ?? error.name) + ": " + error.message);
`;
const FORBID = `
  function refuse() { throw new WebAssembly.CompileError("refused"); }
  WebAssembly.compile = async () => refuse();
  WebAssembly.Module = refuse;
`;

/** What a script finds. */
function run(script: string, options: readonly string[] = []): unknown[] {
  const text = `${PREAMBLE}${script}\nconsole.log(JSON.stringify(found));`;
  const args = [...options, "--input-type=module", "--eval", text];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  // V8 says that --jitless means no WebAssembly.
  expect(stderr.replace(/^Warning: disabling flag .*\n/gm, "")).toBe("");
  return JSON.parse(stdout);
}

const unavailable = expect.stringMatching(/^unavailable: /);

describe("in Node", () => {
  test("JavaScript runs where there is no WebAssembly", () => {
    expect(run("await load(); loadSync(); loadSync({ shared: true });", JITLESS)).toEqual(
      Array(3).fill("js on"),
    );
  });

  test("JavaScript runs where WebAssembly must not be compiled", () => {
    expect(run(`${FORBID} await load(); loadSync(); loadSync({ simd: true });`)).toEqual(
      Array(3).fill("js on"),
    );
  });

  test("a build that was asked for, and is not to be had, is an error", () => {
    const script = 'await load({ backend: "wasm" }); loadSync({ backend: "wasm-simd" });';
    expect(run(FORBID + script)).toEqual([unavailable, unavailable]);
    expect(run(script, JITLESS)).toEqual([unavailable, unavailable]);
  });

  test("what is no refusal is not taken for one", () => {
    expect(run('await load({ module: Promise.reject(new TypeError("network")) });')).toEqual([
      "TypeError: network",
    ]);
  });
});

describe("in a browser", () => {
  test("the portable build is part of the bundle, whether compiled at once or not", () => {
    const script =
      'await load(); loadSync(); loadSync({ backend: "wasm" }); await load({ shared: true });';
    expect(run(script, BROWSER)).toEqual(Array(4).fill("wasm on"));
  });

  test("others are given as a module, also as one that is being compiled", () => {
    const script = `
      const bytes = readFileSync("dist/core.simd.wasm");
      await load({ module: WebAssembly.compile(bytes) });
      loadSync({ module: new WebAssembly.Module(bytes) });
      loadSync({ backend: "wasm-simd" });
    `;
    expect(run(script, BROWSER)).toEqual(["wasm-simd on", "wasm-simd on", unavailable]);
  });

  test("JavaScript is loaded where a policy forbids WebAssembly, and stays for loadSync", () => {
    const script = `${FORBID} loadSync(); await load(); loadSync();`;
    expect(run(script, BROWSER)).toEqual([unavailable, "js on", "js on"]);
  });

  test("JavaScript is loaded where a module that is given must not be compiled", () => {
    const script = `${FORBID} await load({ module: WebAssembly.compile(new Uint8Array(8)) });`;
    expect(run(script, BROWSER)).toEqual(["js on"]);
  });

  test("an old browser, which makes only the smallest instances on a page, runs JavaScript", () => {
    const script = `
      WebAssembly.Instance = function () { throw new RangeError("main thread"); };
      await load();
    `;
    expect(run(script, BROWSER)).toEqual(["js on"]);
  });
});

describe("the compact engine", () => {
  const PREAMBLE = `
    import { CompactEngine } from "halyard/engine/compact";
    const compact = (options) => CompactEngine.load(flags, options).then(say, fail);
    const compactSync = (options) => {
      try { say(CompactEngine.loadSync(flags, options)); } catch (error) { fail(error); }
    };
  `;
  const find = (script: string, options?: readonly string[]) => run(PREAMBLE + script, options);

  test("has WebAssembly in it, whether compiled at once or not", () => {
    expect(find('await compact(); compactSync(); compactSync({ backend: "wasm" });')).toEqual(
      Array(3).fill("wasm on"),
    );
    expect(find("compactSync(); await compact();", BROWSER)).toEqual(["wasm on", "wasm on"]);
  });

  test("runs JavaScript where it is asked to, or where there is no WebAssembly", () => {
    const script = "compactSync(); await compact(); compactSync();";
    for (const [prefix, options] of [
      [FORBID, []],
      [FORBID, BROWSER],
      ["", JITLESS],
    ] as const) {
      expect(find(prefix + script, options)).toEqual([unavailable, "js on", "js on"]);
    }
    const asked = 'await compact({ backend: "js" }); compactSync({ backend: "js" });';
    expect(find(`${asked} compactSync();`)).toEqual(["js on", "js on", "wasm on"]);
  });

  test("runs JavaScript in an old browser, which makes only the smallest instances", () => {
    const script = `
      WebAssembly.Instance = function () { throw new RangeError("main thread"); };
      await compact();
    `;
    expect(find(script)).toEqual(["js on"]);
  });

  test("goes on with WebAssembly that it has, though it was refused once", () => {
    const script = `
      const { compile } = WebAssembly;
      let count = 0;
      WebAssembly.compile = async (bytes) => {
        if (++count > 1) throw new RangeError("no more");
        return compile(bytes);
      };
      await Promise.all([compact(), compact()]);
      await compact();
      compactSync({ backend: "wasm" });
    `;
    expect(find(script).toSorted()).toEqual(["js on", "wasm on", "wasm on", "wasm on"]);
  });

  test("throws where WebAssembly was asked for, and is not to be had", () => {
    const script =
      'await compact({ backend: "wasm" }); await compact(); compactSync({ backend: "wasm" });';
    expect(find(FORBID + script)).toEqual([unavailable, "js on", unavailable]);
  });
});

describe("the browser client, where WebAssembly is refused", () => {
  const open = (config: string, load = "return next(url, context);") => `
    import { register } from "node:module";
    import { ExperimentClient } from "halyard/browser";
    ${FORBID}
    const hook = \`export async function load(url, context, next) {
      if (!url.endsWith("core-compact.js")) return next(url, context);
      ${load}
    }\`;
    register("data:text/javascript," + encodeURIComponent(hook));
    const answer = (url) => ({ status: 200, body: url.includes("/flags") ? "[]" : "{}" });
    flags[0].metadata = { evaluationMode: "local" };
    const client = new ExperimentClient("client-key", {
      initialFlags: JSON.stringify(flags),
      httpClient: { request: async (url) => answer(url) },
      pollOnStart: false, logLevel: 0, ${config}
    });
    const look = () => found.push(client.variant("f", "meanwhile").key);
    look();
    await client.start().catch((error) => found.push(error.name + ": " + error.message));
    look();
  `;

  test("gives fallbacks until the core as JavaScript is there, for which start waits", () => {
    expect(run(open(""))).toEqual(["meanwhile", "on"]);
  });

  test("goes on with fallbacks if it cannot be had, and says so if it is to throw", () => {
    const gone = 'throw new Error("gone");';
    expect(run(open("", gone))).toEqual(["meanwhile", "meanwhile"]);
    const thrown = ["meanwhile", expect.stringContaining("gone"), "meanwhile"];
    expect(run(open("throwOnError: true", gone))).toEqual(thrown);
  });

  // Node, and Chromium, remember a module that could not be loaded: other browsers do not.
  test("tries again when flags come again, also the same ones", () => {
    const config = "logLevel: 1, loggerProvider: { error: () => found.push('failed') }";
    const restart = "client.stop(); await client.start();";
    const script = `${open(config, 'throw new Error("gone");')} ${restart} ${restart}`;
    const failed = run(script).filter((each) => each === "failed");
    expect(failed.length).toBeGreaterThanOrEqual(3);
  });

  test("waits no longer than for a request", () => {
    const late = "await new Promise(() => setInterval(() => {}, 1000));";
    const config = "throwOnError: true, fetchTimeoutMillis: 50";
    const thrown = ["meanwhile", expect.stringMatching(/^TimeoutError: /), "meanwhile"];
    expect(
      run(`${open(config, late)} console.log(JSON.stringify(found)); process.exit();`),
    ).toEqual(thrown);
  });
});

test("long texts come into shared memory where the encoder refuses to write there", () => {
  const script = `
    const { encodeInto } = TextEncoder.prototype;
    TextEncoder.prototype.encodeInto = function (text, target) {
      if (target.buffer instanceof SharedArrayBuffer) throw new TypeError("must not be shared");
      return encodeInto.call(this, text, target);
    };
    const on = (value) => [[{ selector: ["context", "user", "name"], op: "is", values: [value] }]];
    for (const name of ["x".repeat(50), "ß".repeat(50), "\\ud800".repeat(50)]) {
      const [flag] = flags;
      flag.segments[0].conditions = on(name);
      const engine = await Engine.load(flags, { shared: true });
      found.push(engine.shared, engine.variant({ user: { name } }, "f")?.key);
    }
  `;
  expect(run(script)).toEqual([true, "on", true, "on", true, "on"]);
});

test("a module that is being compiled is awaited", async () => {
  const bytes = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
  const wrong = expect.objectContaining({ name: "CoreError", code: "wrong-module" });
  await expect(Engine.load([], { module: WebAssembly.compile(bytes) })).rejects.toThrow(wrong);
});
