import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const { EvaluationEngine, topologicalSort } = createRequire(import.meta.url)(
  "@amplitude/experiment-core",
) as typeof import("@amplitude/experiment-core");

const main = join("dist", "src", "cli", "main.js");
const flagsFile = join("examples", "flags.json");
const usersFile = join("examples", "users.json");
const folder = mkdtempSync(join(tmpdir(), "halyard-cli-"));
const evaluate = ["evaluate", "--flags", flagsFile, "--user"];

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function run(args: string[], input = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    input,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

function jsonLines(text: string) {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** One clear line, and nothing of the inside of the program. */
function expectFailure(args: string[], status: number, message: string, input = "") {
  const result = run(args, input);
  expect(result.stderr).toBe(`halyard: ${message}\n`);
  expect(result.status).toBe(status);
  return result;
}

describe("answers", () => {
  it("prints an aligned table with the segment that decided", () => {
    const { status, stdout, stderr } = run([...evaluate, usersFile, "--flag", "audit-log"]);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(9);
    const column = lines[0].indexOf("SEGMENT");
    const company = lines.find((line) => line.startsWith("u-47702"))!;
    expect(company.slice(column)).toBe("Large companies");
    expect(lines[1]).toMatch(/^qa-anna +audit-log +off +All Other Users$/);
  });

  it("agrees with the reference engine on every example", () => {
    const flags = JSON.parse(readFileSync(flagsFile, "utf8"));
    const byKey = Object.fromEntries(flags.map((flag: { key: string }) => [flag.key, flag]));
    const users = JSON.parse(readFileSync(usersFile, "utf8"));
    const lines = jsonLines(run([...evaluate, usersFile, "--json"]).stdout);
    expect(lines).toHaveLength(users.length);
    for (const [index, user] of users.entries()) {
      const { groups = {}, group_properties = {}, group_cohort_ids = {}, ...rest } = user;
      const contexts = Object.entries<string[]>(groups).map(([type, [name]]) => {
        const properties = group_properties[type]?.[name];
        const cohorts = group_cohort_ids[type]?.[name];
        return [type, { group_name: name, group_properties: properties, cohort_ids: cohorts }];
      });
      const context = { user: rest, groups: Object.fromEntries(contexts) };
      const expected = new EvaluationEngine().evaluate(context, topologicalSort(byKey));
      expect(lines[index].variants).toEqual(JSON.parse(JSON.stringify(expected)));
      expect(lines[index].user_id).toBe(user.user_id);
    }
  });

  it("answers only for the flags asked for", () => {
    const args = [...evaluate, '{"user_id":"u"}', "--flag", "realtime-sync"];
    const [line] = jsonLines(run([...args, "--flag", "checkout-redesign", "--json"]).stdout);
    expect(Object.keys(line.variants)).toEqual(["realtime-sync", "checkout-redesign"]);
  });

  it("explains in text and in JSON", () => {
    const args = [...evaluate, '{"user_id":"qa-anna"}', "--flag", "checkout-redesign", "--explain"];
    const text = run(args).stdout;
    expect(text).toContain("checkout-redesign → treatment");
    expect(text).toMatch(/1\. individual-inclusions: decides/);
    expect(text).toContain('✓ context.user.user_id is ["qa-anna","qa-boris"]');
    const [line] = jsonLines(run([...args, "--json"]).stdout);
    expect(line.explanations["checkout-redesign"].variant.key).toBe("treatment");
  });

  it("takes flags as an object by key", () => {
    const list = JSON.parse(readFileSync(flagsFile, "utf8"));
    const record = Object.fromEntries(list.map((flag: { key: string }) => [flag.key, flag]));
    const flags = file("record.json", JSON.stringify(record));
    const args = ["evaluate", "--flags", flags, "--user", usersFile, "--json"];
    expect(jsonLines(run(args).stdout)).toEqual(
      jsonLines(run([...evaluate, usersFile, "--json"]).stdout),
    );
  });
});

describe("users", () => {
  const ids = (text: string) => jsonLines(text).map((line) => line.user_id);
  const json = (user: string, input?: string) => {
    const { stdout, stderr, status } = run([...evaluate, user, "--json"], input);
    expect([stderr, status]).toEqual(["", 0]);
    return ids(stdout);
  };

  it("reads objects, lists and lines, from files, text and stdin", () => {
    const lines = '\ufeff{"user_id":"a"}\r\n\n{"user_id":"b"}';
    expect(json(file("lines.ndjson", lines))).toEqual(["a", "b"]);
    expect(json(file("pretty.json", '{\n  "user_id": "p"\n}\n'))).toEqual(["p"]);
    expect(json('[{"user_id":"x"},{"user_id":"y"}]')).toEqual(["x", "y"]);
    expect(json("-", '{"user_id":"a"}\n{"user_id":"b"}\n')).toEqual(["a", "b"]);
    expect(json("-", '\n[{"user_id":"a"},\n{"user_id":"b"}]\n')).toEqual(["a", "b"]);
  });

  it("answers a stream line by line, and ends on Ctrl-C", async () => {
    const child = spawn(process.execPath, [main, ...evaluate, "-", "--json"]);
    const end = new Promise((done) => child.on("close", done));
    const answers: string[] = [];
    for (const id of ["first", "second"]) {
      child.stdin.write(`{"user_id":"${id}"}\n`);
      // The next line is only sent after this answer came: nothing may be held back.
      const data = await new Promise<Buffer>((done) => child.stdout.once("data", done));
      answers.push(JSON.parse(data.toString()).user_id);
    }
    child.kill("SIGINT");
    expect(await end).toBe(130);
    expect(answers).toEqual(["first", "second"]);
  });

  it("ends quietly when the reader goes away", async () => {
    const lines = Array.from({ length: 20_000 }, (_, n) => `{"user_id":"u${n}"}\n`).join("");
    const path = file("many.ndjson", lines);
    const child = spawn(process.execPath, [main, ...evaluate, path, "--json"]);
    let stderr = "";
    child.stderr.on("data", (data) => (stderr += data));
    child.stdout.once("data", () => child.stdout.destroy());
    expect(await new Promise((done) => child.on("close", done))).toBe(0);
    expect(stderr).toBe("");
  });

  it("waits for a slow reader without losing lines", async () => {
    const lines = Array.from({ length: 3000 }, (_, n) => `{"user_id":"u${n}"}\n`).join("");
    const args = [...evaluate, "-", "--json", "--flag", "realtime-sync"];
    const child = spawn(process.execPath, [main, ...args]);
    child.stdin.end(lines);
    let text = "";
    setTimeout(() => child.stdout.on("data", (data) => (text += data)), 300);
    expect(await new Promise((done) => child.on("close", done))).toBe(0);
    expect(ids(text)).toHaveLength(3000);
  });
});

describe("mistakes", () => {
  const withFlags = (path: string) => ["evaluate", "--flags", path, "--user", "{}"];

  it("names the place in a bad flags file", () => {
    const missing = join(folder, "none.json");
    expectFailure(withFlags(missing), 1, `${missing}: expected a readable file, got no such file`);
    expectFailure(withFlags(folder), 1, `${folder}: expected a readable file, got a directory`);
    const empty = file("empty.json", " \n");
    expectFailure(
      withFlags(empty),
      1,
      `${empty}: expected a list or an object of flags, got an empty file`,
    );
    const broken = file("broken.json", '[\n  {"key": "a",}\n]');
    expectFailure(withFlags(broken), 1, `${broken}:2:15: expected a key in double quotes, got "}"`);
    const scalar = file("scalar.json", "5");
    expectFailure(
      withFlags(scalar),
      1,
      `${scalar}: expected a list or an object of flags, got the number 5`,
    );
    const bytes = run(withFlags(file("noise.bin", new Uint8Array([1, 0, 2, 3]))));
    expect(bytes.status).toBe(1);
    expect(bytes.stderr).toMatch(/^halyard: .*noise\.bin: .*expected [^\n]*, got [^\n]*\n$/);
  });

  it("names the place in bad users", () => {
    expectFailure([...evaluate, "[1]"], 1, "--user: [0]: expected a user object, got the number 1");
    expectFailure([...evaluate, "[]"], 1, "--user: expected at least one user, got an empty list");
    const inner = '[{},{"groups":{"company":"Acme"}}]';
    const got = 'got the text "Acme"';
    expectFailure(
      [...evaluate, inner, "--json", "--flag", "internal-tools"],
      1,
      `--user: [1].groups.company: expected a list of texts, ${got}`,
    );
    const damaged = file("damaged.ndjson", '{"user_id":"a"\n{"user_id":"b"}\n');
    expectFailure(
      [...evaluate, damaged],
      1,
      `${damaged}:1:15: expected "," or the closing bracket, got the end of the text`,
    );
    const binary = file("latin1.json", new Uint8Array([0x7b, 0x22, 0xe9, 0x22]));
    expectFailure(
      [...evaluate, binary],
      1,
      `${binary}: expected UTF-8 text, got bytes that are not UTF-8`,
    );
    mkdirSync(join(folder, "sub"), { recursive: true });
    const sub = join(folder, "sub");
    expectFailure([...evaluate, sub], 1, `${sub}: expected a readable file, got a directory`);
    expectFailure([...evaluate, "-"], 1, "stdin: expected at least one user, got no text at all");
  });

  it("gives the answers before a bad line of a stream", () => {
    const input = '{"user_id":"a"}\n7\n{"user_id":"c"}\n';
    const message = "stdin:2: expected a user object, got the number 7";
    const { stdout } = expectFailure([...evaluate, "-", "--json"], 1, message, input);
    expect(jsonLines(stdout).map((line) => line.user_id)).toEqual(["a"]);
  });

  it("suggests the nearest flag key", () => {
    expectFailure(
      [...evaluate, "{}", "--flag", "checkout-redesgin"],
      2,
      `${flagsFile}: no flag "checkout-redesgin"; did you mean "checkout-redesign"?`,
    );
  });

  it("answers wrong usage with 2 and help with 0", () => {
    expect(run(["evaluate", "--user", "{}"]).status).toBe(2);
    expect(run([...evaluate, "{}", "--fast"]).status).toBe(2);
    expect(run(["evalute"]).status).toBe(2);
    expect(run([]).status).toBe(2);
    const help = run(["evaluate", "--help"]);
    expect(help.status).toBe(0);
    expect(help.stdout).toContain("Exit codes:");
  });
});
