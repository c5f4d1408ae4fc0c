// What a user agent says of browser, system and device, in the names that Amplitude's SDK has for
// them. Only what is in wide use is known; the rest is undefined.

export interface BrowserName {
  name?: string;
  /** The first number of the version. */
  major?: string;
}

type DeviceCategory = "mobile" | "tablet" | "wearable" | "console" | "smarttv";

/** The first that fits counts: many browsers also say that they are others. */
const BROWSERS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["Facebook", /\bFBAV\/(\d+)/],
  ["Instagram", /\bInstagram (\d+)/],
  ["GSA", /\bGSA\/(\d+)/],
  ["Edge", /\bEdg(?:e|A|iOS)?\/(\d+)/],
  ["Opera", /\bOPR\/(\d+)/],
  ["Samsung Browser", /\bSamsungBrowser\/(\d+)/],
  ["Vivaldi", /\bVivaldi\/(\d+)/],
  ["Yandex", /\bYaBrowser\/(\d+)/],
  ["DuckDuckGo", /\bDuckDuckGo\/(\d+)/],
  ["Silk", /\bSilk\/(\d+)/],
  ["MIUI Browser", /\bMiuiBrowser\/(\d+)/],
  ["UCBrowser", /\bUCBrowser\/(\d+)/],
  ["Huawei Browser", /\bHuaweiBrowser\/(\d+)/],
  ["Oculus Browser", /\bOculusBrowser\/(\d+)/],
  ["Electron", /\bElectron\/(\d+)/],
  ["Chrome Headless", /\bHeadlessChrome\/(\d+)/],
  ["Chrome WebView", /; wv\).* Chrome\/(\d+)/],
  ["Chrome", /\b(?:Chrome|CriOS)\/(\d+)/],
  ["Firefox", /\b(?:Firefox|FxiOS)\/(\d+)/],
  ["Android Browser", /\bAndroid\b.* Version\/(\d+)/],
  ["Mobile Safari", /\bVersion\/(\d+).* Mobile\/\w+ Safari/],
  ["Safari", /\bVersion\/(\d+).* Safari/],
  ["IE", /\bMSIE (\d+)/],
  ["IE", /\bTrident\/.* rv:(\d+)/],
  ["WebKit", /\bAppleWebKit\/(\d+)/],
];

const SYSTEMS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["Xbox", /\bXbox\b/],
  ["Windows Phone", /\bWindows Phone\b/],
  ["Windows", /\bWindows\b/],
  ["iOS", /\biP(?:hone|ad|od)\b/],
  ["Mac OS", /\bMac OS X\b/],
  ["HarmonyOS", /\bHarmonyOS\b/],
  ["Android", /\bAndroid\b/],
  ["Chromium OS", /\bCrOS\b/],
  ["Tizen", /\bTizen\b/],
  ["webOS", /\bWeb[0O]S\b/],
  ["PlayStation", /\bPlayStation\b/],
  ["Nintendo", /\bNintendo\b/],
  ["Ubuntu", /\bUbuntu\b/],
  ["Fedora", /\bFedora\b/],
  ["FreeBSD", /\bFreeBSD\b/],
  ["Linux", /\bLinux\b/],
];

const CATEGORIES: readonly (readonly [category: DeviceCategory, pattern: RegExp])[] = [
  ["console", /\b(?:Xbox|PlayStation|Nintendo)\b/],
  ["smarttv", /\b(?:SMART-TV|SmartTV|Web0S)\b/],
  ["wearable", /\bQuest\b/],
  ["tablet", /\b(?:iPad|Tablet)\b/],
  ["mobile", /\b(?:Mobile|iPhone|iPod)\b/],
  ["tablet", /\bAndroid\b/],
];

/** Vendors' variants of a browser are the browser. */
const COMMON_NAMES: readonly (readonly [part: string, name: string])[] = [
  ["Chrom", "Chrome"],
  ["Firefox", "Firefox"],
  ["Safari", "Safari"],
  ["Edge", "Edge"],
  ["Opera", "Opera"],
];

/** The browser of a user agent. */
export function browserOf(agent: string): BrowserName {
  for (const [name, pattern] of BROWSERS) {
    const match = pattern.exec(agent);
    if (match) return { name, major: match[1] };
  }
  return {};
}

/** The operating system of a user agent. */
export function systemOf(agent: string): string | undefined {
  return SYSTEMS.find(([, pattern]) => pattern.test(agent))?.[0];
}

/** The kind of device of a user agent; undefined for what stands on a desk, and the unknown. */
export function categoryOf(agent: string): DeviceCategory | undefined {
  return CATEGORIES.find(([, pattern]) => pattern.test(agent))?.[0];
}

/** "Chrome" for "Chrome WebView", and so on. */
export function commonNameOf(browser: string): string {
  return COMMON_NAMES.find(([part]) => browser.includes(part))?.[1] ?? browser;
}
