import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { EvaluationFlag } from "../engine/index.ts";
import { type Encoding, etagOf } from "./negotiation.ts";

const compress: Readonly<Record<Encoding, (text: string) => Promise<Uint8Array>>> = {
  gzip: promisify<string, Uint8Array>(gzip),
  br: (text) =>
    promisify(brotliCompress)(text, { params: { [constants.BROTLI_PARAM_QUALITY]: QUALITY } }),
};
/** The best that does not take many times as long as gzip. */
const QUALITY = 5;

/** Flags as they are downloaded: JSON with its ETag, compressed at most once per encoding. */
export class FlagDocument {
  readonly text: string;
  readonly etag: string;
  readonly #compressed = new Map<Encoding, Promise<Uint8Array>>();
  #event: Uint8Array | undefined;

  constructor(text: string) {
    this.text = text;
    this.etag = etagOf(text);
  }

  /**
   * What client keys may see: flags that clients evaluate themselves, and those that these depend
   * on, without which they could not.
   */
  static forClients(text: string): FlagDocument {
    const flags = JSON.parse(text) as EvaluationFlag[];
    // What is no flag at all is left out here as it is when flags are loaded.
    const byKey = new Map(flags.map((flag) => [flag?.key, flag]));
    const isLocal = (flag: EvaluationFlag) => flag?.metadata?.evaluationMode === "local";
    const seen = new Set(flags.filter(isLocal));
    for (const { dependencies } of seen) {
      // Of flags that cannot be used: these, too, are in the text.
      if (!Array.isArray(dependencies)) continue;
      for (const key of dependencies) {
        const flag = byKey.get(key);
        if (flag) seen.add(flag);
      }
    }
    return new FlagDocument(JSON.stringify(flags.filter((flag) => seen.has(flag))));
  }

  /** Of some flags only. */
  filtered(isAsked: (flag: EvaluationFlag) => boolean): FlagDocument {
    const flags = JSON.parse(this.text) as EvaluationFlag[];
    return new FlagDocument(JSON.stringify(flags.filter((flag) => flag && isAsked(flag))));
  }

  /** As a server-sent event, made once for all streams. */
  get event(): Uint8Array {
    // The end of a line ends a part of the data.
    const data = () => this.text.replace(/\r\n|\r|\n/g, "\ndata: ");
    this.#event ??= new TextEncoder().encode(`data: ${data()}\n\n`);
    return this.#event;
  }

  compressed(encoding: Encoding): Promise<Uint8Array> {
    const known = this.#compressed.get(encoding);
    if (known) return known;
    const compressed = compress[encoding](this.text);
    this.#compressed.set(encoding, compressed);
    return compressed;
  }
}
