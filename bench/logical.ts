// Flags and users as every engine could hold them, and the form that Amplitude's engine takes. The
// peers of bench/peers have forms of their own.
import type {
  EvaluationBucket,
  EvaluationCondition,
  EvaluationContext,
  EvaluationFlag,
  EvaluationSegment,
} from "halyard/engine";

export type Operator =
  | "is"
  | "is not"
  | "contains"
  | "version greater"
  | "less"
  | "set contains any";

export interface LogicalCondition {
  op: Operator;
  property: keyof LogicalUser;
  values: string[];
}

/** The first segment whose conditions all hold decides; without conditions it takes everyone. */
export interface LogicalSegment {
  name: string;
  conditions: LogicalCondition[];
  /** Share of users that get "on", by hash of the user's id; the others get "off". */
  percent: number;
  /** Written as a split of all users into on and off, instead of a roll-out to some. */
  split: boolean;
}

export interface LogicalFlag {
  key: string;
  salt: string;
  version: number;
  segments: LogicalSegment[];
}

export interface LogicalUser {
  user_id: string;
  device_id: string;
  country: string;
  city: string;
  language: string;
  platform: string;
  version: string;
  os: string;
  device_model: string;
  plan: string;
  age: number;
  email: string;
  company: string;
  cohort_ids: string[];
}

const DISTRIBUTION_SLOTS = 42949673;
/** These lie in the `user_properties` of Amplitude's users. */
const CUSTOM = new Set<string>(["plan", "age", "email", "company"]);

export function toContext(logical: LogicalUser): EvaluationContext {
  const { plan, age, email, company, cohort_ids, ...rest } = logical;
  return { user: { ...rest, user_properties: { plan, age, email, company }, cohort_ids } };
}

function toCondition({ op, property, values }: LogicalCondition): EvaluationCondition {
  const path = CUSTOM.has(property) ? ["user_properties", property] : [property];
  return { op, selector: ["context", "user", ...path], values };
}

function toBucket({ percent, split }: LogicalSegment, salt: string): EvaluationBucket {
  const middle = Math.round((DISTRIBUTION_SLOTS * percent) / 100);
  const allocation = split
    ? {
        range: [0, 100],
        distributions: [
          { range: [0, middle], variant: "on" },
          { range: [middle, DISTRIBUTION_SLOTS], variant: "off" },
        ],
      }
    : { range: [0, percent], distributions: [{ range: [0, DISTRIBUTION_SLOTS], variant: "on" }] };
  return { selector: ["context", "user", "user_id"], salt, allocations: [allocation] };
}

function toSegment(segment: LogicalSegment, salt: string): EvaluationSegment {
  const { name, conditions, percent } = segment;
  const made: EvaluationSegment = { metadata: { segmentName: name } };
  if (conditions.length > 0) made.conditions = [conditions.map(toCondition)];
  if (percent > 0 && percent < 100) made.bucket = toBucket(segment, salt);
  made.variant = percent === 100 ? "on" : "off";
  return made;
}

export function toFlag({ key, salt, version, segments }: LogicalFlag): EvaluationFlag {
  return {
    key,
    metadata: {
      deployed: true,
      evaluationMode: "local",
      flagType: "release",
      flagVersion: version,
    },
    segments: segments.map((segment) => toSegment(segment, salt)),
    variants: {
      off: { key: "off", metadata: { default: true } },
      on: { key: "on", value: "on" },
    },
  };
}
