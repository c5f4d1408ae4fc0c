// What every runtime does: the same cases, each compared with an answer that was computed before.

const decoder = new TextDecoder();

/** A call that answers or says what it has thrown; as texts, in which the order of keys shows. */
function answerOf(call) {
  try {
    return JSON.stringify(call());
  } catch (error) {
    return `thrown: ${error.message}`;
  }
}

/** The first answer that is another one than expected. */
function faultOf(engine, { flagKeys, users }) {
  for (const { context, expected } of users) {
    const text = JSON.stringify(expected);
    const answers = [answerOf(() => engine.evaluate(context, flagKeys))];
    if (!flagKeys && engine.evaluateAll) {
      answers.push(answerOf(() => engine.evaluateAll(context).toObject()));
      const bytesOf = () => engine.evaluateAll(context).toJsonBytes();
      answers.push(answerOf(() => JSON.parse(decoder.decode(bytesOf()))));
      answers.push(answerOf(() => engine.pin(context).evaluateAll().toObject()));
    }
    const wrong = answers.find((answer) => answer !== text);
    if (wrong !== undefined) return `expected ${text.slice(0, 200)}, got ${wrong.slice(0, 200)}`;
  }
  return undefined;
}

/** Flags asked alone: those of `cold` declare what they read. */
function answersAlone(engine, context) {
  const all = engine.evaluate(context);
  const isSame = (key) => JSON.stringify(engine.variant(context, key)) === JSON.stringify(all[key]);
  return engine.flagKeys.every(isSame);
}

/** Members of cohorts lie in the core's memory, and are hashed there. */
async function hasCohorts(Engine, options) {
  const selector = ["context", "user", "cohort_ids"];
  const conditions = [[{ selector, op: "set contains any", values: ["c1"] }]];
  const segments = [{ conditions, variant: "on" }];
  const flag = { key: "f", variants: { on: { key: "on" } }, segments };
  const engine = await Engine.load([flag], options());
  const members = ["u1", "ß".repeat(100), "x".repeat(1000)];
  engine.setCohort("c1", "User", members);
  const answers = [...members, "u2"].map(
    (id) => engine.variant({ user: { user_id: id } }, "f")?.key,
  );
  return answers.join() === "on,on,on," && engine.cohortsOf("User", "u1").join() === "c1";
}

/** Whether an engine on the memory of another one answers as that does. */
function sharesMemory(Engine, owner, context) {
  if (!owner.shared) return false;
  const guest = Engine.attach(owner.handle());
  return JSON.stringify(guest.evaluate(context)) === JSON.stringify(owner.evaluate(context));
}

/** Of a module: the whole engine, or the compact one. */
const engineOf = ({ Engine, CompactEngine }) => Engine ?? CompactEngine;

/**
 * @param load - gives a module with an engine
 * @param options - for `Engine.load`, anew for each engine
 */
export async function conform(load, { cases, cold }, options = () => ({})) {
  const Engine = engineOf(await load());
  const isWhole = "attach" in Engine;
  const wrong = [];
  for (const { name, text } of cases) {
    // A text, because it may say 1e999.
    const entry = JSON.parse(text);
    const { flags, flagKeys, contexts: users = [entry] } = entry;
    const engine = await Engine.load(flags, options());
    const again = isWhole ? await Engine.load(engine.toImage(), options()) : engine;
    const fault = faultOf(engine, { flagKeys, users }) ?? faultOf(again, { flagKeys, users });
    if (fault) wrong.push(`${name}: ${fault}`);
  }
  const alone = await Engine.load(cold.flags, options());
  if (!answersAlone(alone, cold.context)) wrong.push("variant: not as evaluate");
  const { backend } = alone;
  if (!isWhole) return { backend, shared: false, passed: cases.length + 1 - wrong.length, wrong };
  if (!(await hasCohorts(Engine, options))) wrong.push("cohorts: not as they were set");
  const engine = await Engine.load(cold.flags, { ...options(), shared: true });
  const shared = sharesMemory(Engine, engine, cold.context);
  return { backend, shared, passed: cases.length + 2 - wrong.length, wrong };
}

/** Milliseconds from nothing to the first answer. */
export async function start(load, { cold }, options = () => ({})) {
  const begin = performance.now();
  const Engine = engineOf(await load());
  const engine = await Engine.load(cold.flags, options());
  engine.evaluate(cold.context);
  return { ms: performance.now() - begin };
}
