// Served to browsers too: nothing is imported.

/** Where a text stops being JSON. Line and column count from 1. */
export interface Fault {
  line: number;
  column: number;
  expected: string;
  got: string;
}

const mark = /([{}[\],:])/.source;
const text = /("(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*")/u.source;
const scalar = /(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/.source;
const token = new RegExp(`[ \\t\\n\\r]*(?:${mark}|${text}|${scalar})`, "uy");

type State = "value" | "first value" | "first key" | "key" | "colon" | "next" | "end";

const wanted: Record<State, string> = {
  value: "a JSON value",
  "first value": 'a JSON value or "]"',
  "first key": 'a key in double quotes or "}"',
  key: "a key in double quotes",
  colon: '":"',
  next: '"," or the closing bracket',
  end: "the end of the document",
};

function after(stack: string[]): State {
  return stack.length === 0 ? "end" : "next";
}

/** The next state, or undefined if `text` is not allowed in this one. */
function step(state: State, text: string, stack: string[]): State | undefined {
  const open = stack.at(-1);
  const closes = (text === "}" && open === "{") || (text === "]" && open === "[");
  if (closes && (state === "next" || state === `first ${text === "}" ? "key" : "value"}`)) {
    stack.pop();
    return after(stack);
  }
  switch (state) {
    case "value":
    case "first value":
      if (text === "{" || text === "[") {
        stack.push(text);
        return text === "{" ? "first key" : "first value";
      }
      return /^[}\],:]$/.test(text) ? undefined : after(stack);
    case "first key":
    case "key":
      return text.startsWith('"') ? "colon" : undefined;
    case "colon":
      return text === ":" ? "value" : undefined;
    case "next":
      if (text !== ",") return undefined;
      return open === "{" ? "key" : "value";
    default:
      return undefined;
  }
}

/**
 * Finds the first place at which a text is not JSON. `JSON.parse` names no position for most
 * faults, so this walks the tokens again, once a parse has failed.
 */
export function findFault(text: string): Fault | undefined {
  const stack: string[] = [];
  let state: State | undefined = "value";
  let at = 0;
  for (;;) {
    token.lastIndex = at;
    const match: RegExpExecArray | null = token.exec(text);
    const found: string | undefined = match?.[1] ?? match?.[2] ?? match?.[3];
    const following: State | undefined =
      found === undefined ? undefined : step(state, found, stack);
    if (following === undefined) break;
    state = following;
    at = token.lastIndex;
  }
  while (at < text.length && " \t\n\r".includes(text[at])) at++;
  if (at >= text.length && state === "end") return undefined;
  const line = text.slice(0, at).split("\n").length;
  const column = at - text.lastIndexOf("\n", at - 1);
  const rest = text.slice(at, at + 80).match(/^(?:"[^\n]*|[\w.+-]+|[\s\S]?)/)![0];
  const shown = rest.length > 24 ? `${rest.slice(0, 23)}…` : rest;
  const got = at >= text.length ? "the end of the text" : JSON.stringify(shown);
  return { line, column: at === 0 ? 1 : column, expected: wanted[state], got };
}
