/** The memory of one session; `region` may move when room is reserved. */
export interface SessionPlace {
  /** Of the seat in the store. */
  readonly address: number;
  readonly region: number;
  readonly regionSize: number;
  /** Makes it `size` bytes; `used` of them are kept. */
  reserve(size: number, used: number): void;
}
