import type { Session } from "./session.ts";
import { ReadOnce } from "./slot-values.ts";

/** Not a type of groups. */
const USERS = "User";

/** The cohorts that have a user or a group, of those that a config names. */
export function cohortsOf(session: Session, groupType: string, memberId: string): string[] {
  session.mustHold();
  const { slots } = session.config;
  const group = { groups: { [groupType]: { group_name: memberId } } };
  const context = groupType === USERS ? { user: { user_id: memberId } } : group;
  session.beginValues(new ReadOnce(slots, context));
  const ids = slots.flatMap(({ cohorts }, slot) => (cohorts && session.value(slot)) ?? []);
  return [...new Set(ids as string[])];
}
