// The values random flags and users are drawn from. Both sides draw from the same small pools, so
// that conditions match often; each pool holds the spellings an evaluator is likely to get wrong.

export const TEXTS: readonly string[] = [
  ...["a", "b", "A", "abc", "ABC", "aBc", "xabcx", "", " ", "(none)", "constructor", "length"],
  ...["true", "TRUE", "True", "false", "False", "null", "undefined", "[object Object]"],
  // Case folding: dotted I grows on lower casing, a final sigma depends on its neighbours.
  ...["İ", "i̇", "I", "ı", "ß", "SS", "ss", "ΟΔΥΣΣΕΥΣ", "οδυσσευς", "οδυσσευσ", "ΣΑΣ.", "Σ"],
  ...["K", "k", "É", "é", "e\u0301", "ǅ", "ǆ", "Ω", "ω", "Å", "å", "ﬀ", "\u0130x\u0130"],
  // Lone surrogates and astral characters (Deseret has case pairs above the BMP).
  ...["\ud800", "\udc00", "a\ud83d", "\ude00", "😀", "😀x", "𐐀", "𐐨", "\uffff", "\ue000"],
  ...["\u0000", "\t", '"', "\\", "/", "\u2028", "a/b", "日本語", "naïve", "é".repeat(9)],
];

export const NUMBERS: readonly string[] = [
  ...["0", "1", "2", "5", " 5 ", "5.0", "10", "-1", "-0", "31", "0x1F", "0X1f", "0b11", "0o17"],
  ...["1e21", "1E21", "1e-7", "1e+21", "1e400", "-Infinity", "Infinity", "NaN", ".5", "5.", "."],
  ...["1_000", "1,5", "+5", "--5", "0.1", "0.30000000000000004", "0.3", "9007199254740993"],
  ...["9007199254740992", "5e-324", "2.5e-324", "1.7976931348623159e308", "", " ", "\u00a05\ufeff"],
  ...["123456789012345678901234567890", "-0x10", "1e", "e1", "00012", "5\n", "0x", "\u20285"],
];

export const VERSIONS: readonly string[] = [
  ...["1.2", "1.2.0", "1.2.3", "1.2.3-beta.1", "1.2.3-beta.2", "1.2.3-", "1.2.3-a..b", "01.2"],
  ...["v1.2", "1", "1.", "1.2.", "1.2.3.4", "1.10.0", "1.9.0", "2.0.0", "0.0.0", "1.2-beta"],
  ...["1.2.3-alpha", "1.2.3-10", "1.2.3-9", "1.2.3--", "1.2.3-.", "1.2.3-a_b", "1.2.3-a+b"],
  ...[" 1.2.3", "1.2.3\n", "1.2.3-é", "1.2.03", "1.2.3-Beta", "1.2.3+build", "١.٢", "", "1..2"],
  ...["1234567890123456789012345.2.3", "1.1234567890123456789012345", "1.2.9007199254740993"],
  ...["1.2.9007199254740992", `1.${"9".repeat(400)}`, `${"9".repeat(400)}.1.0`],
];

export const LISTS: readonly string[] = [
  ...["[1,2]", '["a","b"]', "[", "[]", "[[]]", '["a"', '["true",false]', "[null]", '[""]'],
  ...['["a","a"]', ' ["a"]', '["a"] ', '[{"a":1}]', "[1e21,0.0000001]", "[-0]", '["(none)"]'],
  ...['["\\u0061"]', '["\\ud800"]', "[1,]", '["5","1"]', "[[1,[2]]]", '[{"toJSON":1}]'],
];

export const PATTERNS: readonly string[] = [
  ...["^a", "b$", "^$", "", ".", "a|b", "[aA]bc", "^\\d+$", "(?:x)", "^.$", "\\u{1}", "\\babc\\b"],
  ...["^\\s*5", "true|false", "^\\[", "(?=a)", "(a)\\1?", "[^a]", "\\ud83d", "^1\\.2", "😀", "$^"],
];

export const OPERATORS: readonly string[] = [
  ...["is", "is not", "contains", "does not contain"],
  ...["less", "less or equal", "greater", "greater or equal"],
  ...["version less", "version less or equal", "version greater", "version greater or equal"],
  ...["set is", "set is not", "set contains", "set does not contain"],
  ...["set contains any", "set does not contain any", "regex match", "regex does not match"],
];

const sparse: unknown[] = ["a"];
sparse[3] = "b";

/** What a context can hold and JSON text often cannot. Shared and frozen by the harness. */
export const ODD_VALUES: readonly unknown[] = [
  ...[null, undefined, true, false, Number.NaN, -0, 0, 1, 5, 31, 1e21, 1e-7, 0.1 + 0.2, -1, 1.5],
  ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53, 5e-324, 123456789012345680000],
  ...[10n, -5n, 2n ** 80n, new Date(0), new Date(Number.NaN), () => "a", function named() {}],
  ...[[], [[]], ["a"], ["a", "b"], ["b", "a", "a"], [1, 2], [null], [undefined], [""], [true]],
  ...[[null, "", false, 0, "a", { a: 1 }, ["a"]], ["TRUE", "False"], [true, "false"], sparse],
  ...[[["a", "b"], "c"], [new Date(0)], [() => 1], [Number.NaN, -0, 1e21], ["[1,2]"], [5n]],
  ...[["İ", "ß", "ς"], ["\ud800", "😀"], ["1.2.3", "1.2"], ["5", " 5 "], ["(none)"], ["x", "y"]],
  ...[{}, { a: 1 }, { a: { b: { c: "a" } } }, { "": "a" }, { a: undefined, b: null, c: () => 1 }],
  ...[{ z: 1, 1: "one", a: [1, { b: -0 }] }, { toJSON: () => "a" }, { toJSON: () => undefined }],
  ...[new String("a"), new String("[1]"), new Number(5), new Boolean(false), /a/, new Map()],
  ...[new Error("a"), { a: "\ud800", "\udc00": "😀" }, { a: Number.NaN, b: new Date(0) }],
];

export const LONG_TEXTS: readonly string[] = [
  "x".repeat(10_000),
  `${"x".repeat(9_990)}abc`,
  "é😀".repeat(3_400),
  `[${'"a",'.repeat(2_500)}"b"]`,
  "9".repeat(10_000),
];
