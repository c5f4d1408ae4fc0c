// The words that flags and users are made of, with their weights.
import type { LogicalUser, Operator } from "./logical.ts";

type Pool = readonly [property: keyof LogicalUser, values: readonly string[]];

/** Items with the weight with which each is drawn. */
export type Weighted<Item> = readonly (readonly [Item, number])[];

export const WEIGHTED_COUNTRIES = weighted(
  "us 40,ca 8,gb 8,de 7,fr 6,br 6,in 8,jp 5,au 3,mx 3,es 2,it 2,nl 1,se 1",
);
export const COUNTRIES = WEIGHTED_COUNTRIES.map(([country]) => country);
export const CITIES = words(
  "new york,san francisco,london,berlin,paris,tokyo,sao paulo,mumbai,toronto,sydney,austin,madrid",
);
export const LANGUAGES = words("en,fr,de,es,pt,ja,hi");
export const PLATFORMS = words("ios,android,web");
export const SYSTEMS = words(
  "ios 16.7,ios 17.2,android 13,android 14,windows 11,macos 14,chrome 120",
);
const PHONES = words("iphone 12,iphone 13,iphone 14,iphone 15 pro,pixel 6,pixel 7");
export const DEVICES = [...PHONES, ...words("galaxy s22,galaxy s23,macbook pro,surface 9")];
export const PLANS = words("free,pro,enterprise");
export const DOMAINS = words("gmail.com,example.com,corp.io,acme-inc.com,outlook.com,bigbank.com");
export const COMPANIES = words(
  "acme,globex,initech,umbrella,stark,wayne,hooli,piedpiper,wonka,tyrell",
);
export const FIRST_NAMES = words("alex,sam,jo,kim,lee,max,pat,ray,sky,vic");
export const TOPICS = words(
  "checkout,onboarding,search,pricing,profile,upload,export,paywall,ranking",
);
export const OPERATORS = weighted<Operator>(
  "is 30,is not 12,contains 13,version greater 15,less 15,set contains any 15",
);
export const IS_NOT_POOLS: readonly Pool[] = [
  ["country", COUNTRIES],
  ["platform", PLATFORMS],
  ["plan", PLANS],
  ["company", COMPANIES],
];
export const IS_POOLS: readonly Pool[] = [
  ...IS_NOT_POOLS,
  ["language", LANGUAGES],
  ["os", SYSTEMS],
  ["device_model", DEVICES],
  ["city", CITIES],
];
function words(text: string): string[] {
  return text.split(",");
}

function weighted<Word extends string = string>(text: string): Weighted<Word> {
  return words(text).map((entry) => {
    const space = entry.lastIndexOf(" ");
    return [entry.slice(0, space) as Word, Number(entry.slice(space + 1))] as const;
  });
}
