// What every peer's adapter offers: the same questions about the same flags and users.
import type { LogicalFlag, LogicalUser } from "../logical.ts";

/** Loads a package that bench/peers/package.json names. */
export type Load = <Module>(name: string) => Module;

/** One peer with flags loaded. Users are in the peer's own form and made beforehand. */
export interface PeerEngine<User> {
  user(user: LogicalUser): User;
  /** Whether a flag is on; a promise where the peer gives nothing else. */
  isOn(user: User, key: string): boolean | Promise<boolean>;
  /** All flags, by whatever the peer has for it. The answer is as the peer gives it. */
  all(user: User): unknown;
  /** Keys of the flags that are on in an answer of `all`, in any order. */
  onKeys(answer: unknown): string[];
  close?(): void | Promise<void>;
}

export interface Peer<User = never> {
  name: string;
  package: string;
  /** What is asked, and what is not as for the others. */
  note: string;
  /** Whether the peer answers by promises only. */
  async?: boolean;
  open(flags: readonly LogicalFlag[], load: Load): Promise<PeerEngine<User>>;
}

/** For peers without lists: ids that a search for one of them finds whole. */
export function cohortText(ids: readonly string[]): string {
  return `,${ids.join(",")},`;
}
