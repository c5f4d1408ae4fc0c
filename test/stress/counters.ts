// What owner and readers of a stress run tell each other, in shared memory of their own.

/** Publications that have surely happened, and that may have. */
const FLOOR = 0;
const CEILING = 1;
/** Never changes: to sleep upon. */
const NEVER = 2;
const HEADER_LENGTH = 3;
const EVALUATIONS = 0;
const STEPS = 1;
const LEAVE = 2;
const ATTACH_MICROSECONDS = 3;
const READER_LENGTH = 4;

/** How a reader is asked to end by itself. */
export const LEAVE_SEATS = 1;
export const LEAVE_NOTHING = 2;

export class StressCounters {
  readonly words: Int32Array<SharedArrayBuffer>;

  constructor(buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer);
  }

  static forReaders(readers: number): StressCounters {
    const length = HEADER_LENGTH + readers * READER_LENGTH;
    return new StressCounters(new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT));
  }

  get floor(): number {
    return Atomics.load(this.words, FLOOR);
  }

  get ceiling(): number {
    return Atomics.load(this.words, CEILING);
  }

  beginPublication(publication: number): void {
    Atomics.store(this.words, CEILING, publication);
  }

  endPublication(publication: number): void {
    Atomics.store(this.words, FLOOR, publication);
  }

  sleep(milliseconds: number): void {
    Atomics.wait(this.words, NEVER, 0, milliseconds);
  }

  countEvaluation(reader: number): void {
    Atomics.add(this.words, this.#at(reader, EVALUATIONS), 1);
  }

  evaluations(reader: number): number {
    return Atomics.load(this.words, this.#at(reader, EVALUATIONS)) >>> 0;
  }

  countStep(reader: number): void {
    Atomics.add(this.words, this.#at(reader, STEPS), 1);
  }

  steps(reader: number): number {
    return Atomics.load(this.words, this.#at(reader, STEPS));
  }

  /** Asks a reader to end; 0 = to go on. */
  setLeave(reader: number, way: number): void {
    Atomics.store(this.words, this.#at(reader, LEAVE), way);
  }

  leave(reader: number): number {
    return Atomics.load(this.words, this.#at(reader, LEAVE));
  }

  noteAttach(reader: number, milliseconds: number): void {
    const at = this.#at(reader, ATTACH_MICROSECONDS);
    const known = Atomics.load(this.words, at);
    Atomics.store(this.words, at, Math.max(known, Math.round(milliseconds * 1000)));
  }

  /** The slowest so far. */
  attachMilliseconds(reader: number): number {
    return Atomics.load(this.words, this.#at(reader, ATTACH_MICROSECONDS)) / 1000;
  }

  #at(reader: number, field: number): number {
    return HEADER_LENGTH + reader * READER_LENGTH + field;
  }
}
