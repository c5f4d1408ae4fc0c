import { JSONParser, type ParsedElementInfo } from "@streamparser/json";
import { CohortTooLarge } from "./cohort-api.ts";

const PATHS = ["$.memberIds.*", "$.cohortId", "$.groupType", "$.lastModified", "$.size"];

/** A body is no cohort, or not all of one. */
export class CohortBodyError extends Error {
  override readonly name = "CohortBodyError";
  /** Of which type the members are, if that is what is wrong. */
  readonly groupType: string | undefined;

  constructor(message: string, options?: { groupType?: string; cause?: unknown }) {
    super(`cohort: ${message}`, options?.cause === undefined ? undefined : options);
    this.groupType = options?.groupType;
  }
}

/**
 * Reads a cohort's JSON while it comes, without ever having it whole: gives the members as they
 * come. To be closed in any case.
 */
export class CohortBody implements AsyncIterable<string> {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #sizeMax: number;
  readonly #parser: JSONParser;
  readonly #fields: Record<string, unknown> = Object.create(null);
  #members: string[] = [];
  #count = 0;
  #groupType: string | undefined;

  /** @param sizeMax - more members than these are an error as soon as they come */
  constructor(chunks: AsyncIterable<Uint8Array>, sizeMax = Number.POSITIVE_INFINITY) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#sizeMax = sizeMax;
    // Nothing but these, or the parser would keep the list of all members for its end.
    this.#parser = new JSONParser({ paths: PATHS, keepStack: false });
    this.#parser.onValue = (element) => this.#take(element);
  }

  /**
   * What the members are: "User" or a type of group. A body may tell only behind them; then it is
   * what is expected, and the iteration ends with an error if it turns out otherwise.
   *
   * @throws as the iteration
   */
  async groupType(expected: string): Promise<string> {
    while (this.#fields.groupType === undefined && this.#members.length === 0) {
      if (!(await this.#readOn())) break;
    }
    this.#groupType = this.#saidGroupType ?? expected;
    return this.#groupType;
  }

  /** As the server says, in ms; known when all members have come. */
  get lastModified(): number | undefined {
    const { lastModified } = this.#fields;
    return Number.isSafeInteger(lastModified) ? (lastModified as number) : undefined;
  }

  /** As the body says; known when all members have come. */
  get cohortId(): string | undefined {
    const { cohortId } = this.#fields;
    return typeof cohortId === "string" ? cohortId : undefined;
  }

  /** @throws {@link CohortBodyError}, {@link CohortTooLarge}, or what the chunks throw */
  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    do yield* this.#members.splice(0);
    while (await this.#readOn());
    this.#check();
  }

  /** Lets go of where the bytes come from. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  get #saidGroupType(): string | undefined {
    const { groupType } = this.#fields;
    return typeof groupType === "string" && groupType !== "" ? groupType : undefined;
  }

  async #readOn(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (done) return false;
    try {
      this.#parser.write(value);
    } catch (error) {
      // The parser's own errors may quote what has come, which is members.
      if (error instanceof CohortBodyError || error instanceof CohortTooLarge) throw error;
      throw new CohortBodyError("expected JSON");
    }
    return true;
  }

  #check(): void {
    if (!this.#parser.isEnded) throw new CohortBodyError("expected JSON, got a part of it");
    const groupType = this.#saidGroupType;
    if (groupType === undefined) throw new CohortBodyError("expected a groupType");
    if (groupType !== this.#groupType) {
      const message = `expected the groupType "${this.#groupType}", got "${groupType}"`;
      throw new CohortBodyError(message, { groupType });
    }
    // An answer that is something else must not empty a cohort.
    if (this.#count === 0 && this.#fields.size !== 0) {
      throw new CohortBodyError("expected memberIds, or the size 0");
    }
  }

  #take({ value, key, parent, stack }: ParsedElementInfo): void {
    if (stack.length < 2) {
      this.#fields[String(key)] = value;
      return;
    }
    if (typeof value !== "string" || !Array.isArray(parent)) {
      throw new CohortBodyError("expected memberIds to be a list of texts");
    }
    if (++this.#count > this.#sizeMax) throw new CohortTooLarge(this.#sizeMax);
    this.#members.push(value);
  }
}
