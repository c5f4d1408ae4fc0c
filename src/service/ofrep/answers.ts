import type { EvaluationFlag, EvaluationVariant, ExperimentUser } from "../../engine/index.ts";
import type { Deployment } from "../deployment.ts";
import { type ReasonRule, reasonRuleOf } from "./reason.ts";
import { type ValueRule, valueRuleOf } from "./value.ts";

/** An evaluation as the protocol has it. */
export interface OfrepAnswer {
  /** As JSON. */
  readonly text: string;
  /** Whether it is an error: of a value that the protocol has no type for. */
  readonly isFailure: boolean;
}

/** What is the same for all variants of a flag. */
interface FlagRules {
  valueOf: ValueRule;
  reasonOf: ReasonRule;
}

/**
 * The answers of a deployment. A variant object is one outcome of one config, the segment that
 * decided included, so what is said of it is said once.
 */
export class OfrepAnswers {
  readonly #deployment: Deployment;
  #text: string | undefined;
  /** Of what has no rules yet: only flags that give variants are known to be well-formed. */
  #flags = new Map<string, EvaluationFlag>();
  #rules = new Map<string, FlagRules>();
  #answers = new WeakMap<EvaluationVariant, OfrepAnswer>();

  constructor(deployment: Deployment) {
    this.#deployment = deployment;
  }

  /** @param variant - that the user has just been given */
  answer(user: ExperimentUser, flagKey: string, variant: EvaluationVariant): OfrepAnswer {
    this.#follow();
    return this.#answers.get(variant) ?? this.#add(user, flagKey, variant);
  }

  #follow(): void {
    const { flags } = this.#deployment.source;
    if (flags === this.#text) return;
    const parsed = JSON.parse(flags ?? "[]") as EvaluationFlag[];
    this.#flags = new Map(parsed.map((flag) => [flag?.key, flag]));
    this.#rules = new Map();
    this.#answers = new WeakMap();
    this.#text = flags;
  }

  #add(user: ExperimentUser, flagKey: string, variant: EvaluationVariant): OfrepAnswer {
    const rules = this.#rulesOf(flagKey);
    const explanation = this.#deployment.explain(user, flagKey);
    // In a shared memory other flags may have gone live since.
    const isSame = explanation?.variant === variant;
    const reason = rules?.reasonOf(variant, isSame ? explanation.segmentIndex : undefined);
    const answer = answerOf(flagKey, variant, rules?.valueOf(variant), reason ?? "UNKNOWN");
    if (rules && isSame) this.#answers.set(variant, answer);
    return answer;
  }

  #rulesOf(flagKey: string): FlagRules | undefined {
    const flag = this.#flags.get(flagKey);
    if (flag) {
      this.#rules.set(flagKey, { valueOf: valueRuleOf(flag), reasonOf: reasonRuleOf(flag) });
      this.#flags.delete(flagKey);
    }
    return this.#rules.get(flagKey);
  }
}

function answerOf(
  key: string,
  variant: EvaluationVariant,
  value: unknown,
  reason: string,
): OfrepAnswer {
  if (Array.isArray(value)) {
    const errorDetails = "payload: expected no list, as the protocol has no such type, got one";
    const text = JSON.stringify({ key, errorCode: "GENERAL", errorDetails });
    return { text, isFailure: true };
  }
  const name = typeof variant.key === "string" ? variant.key : undefined;
  const metadata = flatOf(variant.metadata);
  const text = JSON.stringify({ key, reason, variant: name, value, metadata });
  return { text, isFailure: false };
}

/** What OpenFeature's SDKs take: booleans, texts and numbers; undefined = there are none. */
function flatOf(metadata: EvaluationVariant["metadata"]): object | undefined {
  const flat = Object.entries(metadata ?? {}).filter(([, value]) =>
    ["boolean", "string", "number"].includes(typeof value),
  );
  return flat.length === 0 ? undefined : Object.fromEntries(flat);
}
