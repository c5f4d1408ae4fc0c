/** A parsed version; `prerelease` without its hyphen, undefined = none. */
export interface Version {
  major: number;
  minor: number;
  patch: number;
  prerelease: string | undefined;
}

const DOT = 46;
const HYPHEN = 45;

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function isWord(code: number): boolean {
  const lower = code | 32;
  return isDigit(code) || code === HYPHEN || code === 95 || (lower >= 97 && lower <= 122);
}

/** Digits that a number holds exactly, whatever they are. */
const EXACT_DIGITS = 15;

/** The number that {@link scanNumber} has read: a result object per number would cost more. */
let scanned = 0;

/** Reads digits; answers where they end. */
function scanNumber(text: string, start: number): number {
  let number = 0;
  let at = start;
  for (; isDigit(text.charCodeAt(at)); at++) number = number * 10 + text.charCodeAt(at) - 48;
  scanned = at - start <= EXACT_DIGITS ? number : Number(text.slice(start, at));
  return at;
}

/** Words of [-0-9A-Za-z_] parted by single dots, one dot allowed at the end, or nothing. */
function isPrerelease(text: string, start: number): boolean {
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (at === start || text.charCodeAt(at - 1) === DOT) return false;
    } else if (code > 127 || !isWord(code)) {
      return false;
    }
  }
  return true;
}

/**
 * Parses `major.minor[.patch[-prerelease]]` in one pass (docs/evaluation.md, D4): the same
 * language as the reference engine's pattern, without its backtracking.
 *
 * @returns undefined if the text is no version
 */
export function parseVersion(text: string): Version | undefined {
  const majorEnd = scanNumber(text, 0);
  if (majorEnd === 0 || text.charCodeAt(majorEnd) !== DOT) return undefined;
  const version: Version = { major: scanned, minor: 0, patch: 0, prerelease: undefined };
  const minorEnd = scanNumber(text, majorEnd + 1);
  if (minorEnd === majorEnd + 1) return undefined;
  version.minor = scanned;
  if (minorEnd === text.length) return version;
  if (text.charCodeAt(minorEnd) !== DOT) return undefined;
  const patchEnd = scanNumber(text, minorEnd + 1);
  if (patchEnd === minorEnd + 1) return undefined;
  version.patch = scanned;
  if (patchEnd === text.length) return version;
  if (text.charCodeAt(patchEnd) !== HYPHEN || !isPrerelease(text, patchEnd + 1)) return undefined;
  version.prerelease = text.slice(patchEnd + 1);
  return version;
}

/** Negative, 0 or positive as `a` sorts before, with or after `b`. */
export function compareVersions(a: Version, b: Version): number {
  if (a.major !== b.major) return a.major < b.major ? -1 : 1;
  if (a.minor !== b.minor) return a.minor < b.minor ? -1 : 1;
  if (a.patch !== b.patch) return a.patch < b.patch ? -1 : 1;
  if (a.prerelease === b.prerelease) return 0;
  if (a.prerelease === undefined) return 1;
  if (b.prerelease === undefined) return -1;
  return a.prerelease < b.prerelease ? -1 : 1;
}
