/** Makes text safe for one line of a terminal: control characters are escaped. */
export function printable(text: string): string {
  return text.replace(
    // Bidirectional overrides and separators can also rearrange or break a line.
    /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    (char) => `\\u${char.codePointAt(0)!.toString(16).padStart(4, "0")}`,
  );
}
