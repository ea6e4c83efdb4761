import { randomUUID } from "node:crypto";
import { XebecError } from "@xebec/core-errors";
import type { AdapterLog, CheckResult, Instance, QuotaArgs, QuotaResult, Variety } from "@xebec/mixer-sdk";
import type { AttributeBag, Layout } from "@xebec/model-attributes";
import type { CompiledExpression } from "@xebec/model-expr";
import { type CompiledRule, type ExplainedRule, explainRule } from "./explain.ts";
import type { HandlerSlot, HandlerTable } from "./handlers.ts";
import { type CheckOutcome, DEFAULT_OUTCOME, type HeaderOperation, joinErrors, ResultFold } from "./outcome.ts";
import { setOutput } from "./outputs.ts";
import { type Action, EMPTY_PLAN, type Group, type HeaderPlan, type IdentityReader, type Plan } from "./plan.ts";
import { applyOutput, type Output, type Preprocess } from "./preprocess.ts";
import type { Recorder } from "./recorder.ts";
import { ReportBatch } from "./report-batch.ts";
import type { ServiceApis } from "./service-apis.ts";
import type { ServiceQuotas } from "./service-quotas.ts";

export interface SnapshotParts {
  readonly layout: Layout;
  readonly identity: IdentityReader;
  /** Plans of the namespaces that have rules of their own. */
  readonly plans: ReadonlyMap<string, Plan>;
  /** The plan of all other namespaces: the rules of the default namespace. */
  readonly fallback: Plan;
  /** What the requests of services take from; absent in a service that has no quotas. */
  readonly quotas: ServiceQuotas | undefined;
  /** The attributes that requests of services get. */
  readonly apis: ServiceApis;
  /** Each rule by itself, for explanations. */
  readonly rules: readonly CompiledRule[];
  /** The namespace whose rules hold for all. */
  readonly defaultNamespace: string;
  readonly handlers: readonly HandlerSlot[];
  readonly table: HandlerTable;
  readonly log: AdapterLog;
  /** Who records requests, while somebody does. */
  readonly recorder: Recorder | undefined;
  /** Called with the name of each quota that is asked for by name. */
  readonly asked: (quota: string) => void;
}

const RESOURCE_EXHAUSTED = 8;
const ONE = { amount: 1, bestEffort: false };
const PROCESS = randomUUID();
let calls = 0;

/** One immutable configuration, compiled. Requests finish on the snapshot on which they began. */
export class Snapshot {
  readonly layout: Layout;
  readonly #parts: SnapshotParts;
  #epoch = 0;
  #users = 1;

  constructor(parts: SnapshotParts) {
    this.layout = parts.layout;
    this.#parts = parts;
  }

  /** Whether any request of some kind can need anything. */
  has(kind: keyof Plan): boolean {
    return [this.#parts.fallback, ...this.#parts.plans.values()].some((plan) => plan[kind].length > 0);
  }

  /** Keeps the handlers open until `release`, for work that does not end at once. */
  retain(): void {
    this.#users++;
  }

  /** Ends one use; after the last one, handlers that no newer snapshot has are closed. */
  async release(): Promise<void> {
    if (--this.#users === 0) await this.#parts.table.release(this.#parts.handlers);
  }

  planFor(bag: AttributeBag): Plan {
    const { identity, plans, fallback } = this.#parts;
    return plans.get(identity.namespaceOf(bag)) ?? fallback ?? EMPTY_PLAN;
  }

  /**
   * Decides about a request. Answers without a promise when all handlers do.
   * @throws XebecError internal when an instance cannot be evaluated or a handler fails
   */
  check(bag: AttributeBag): CheckOutcome | Promise<CheckOutcome> {
    const ready = this.preprocess(bag);
    if (!ready) return this.#check(bag);
    return this.#after(ready, () => this.#check(bag));
  }

  /**
   * Lays the attributes of HTTPAPISpecs, then those that handlers generate over a request (docs/reference/mixer.md §7.4). All of them see what the caller sent; the first
   * that binds an attribute wins.
   * @returns undefined when that is done, or when nothing was to be done
   * @throws XebecError internal when a handler fails or a binding cannot be evaluated
   */
  preprocess(bag: AttributeBag): Promise<void> | undefined {
    this.#parts.apis.apply(bag);
    const groups = this.planFor(bag).preprocess;
    if (groups.length === 0) return undefined;
    const epoch = ++this.#epoch;
    const errors: Error[] = [];
    const found: { readonly each: Preprocess; readonly output: Output | Promise<Output> }[] = [];
    let isLate = false;
    for (const { match, items } of groups) {
      if (!this.#holds(match, bag)) continue;
      for (const each of items)
        try {
          const output = attributesWith(each.handler, each.instance.build(bag, epoch), each.instance.template);
          if (output instanceof Promise) isLate = true;
          found.push({ each, output });
        } catch (error) {
          errors.push(asError(error));
        }
    }
    const finish = (outputs: readonly Output[]): void => {
      for (const [i, { each }] of found.entries())
        try {
          applyOutput(each, outputs[i] ?? {}, bag);
        } catch (error) {
          errors.push(asError(error));
        }
      if (errors.length > 0) throw new XebecError("internal", `preprocessing attributes failed: ${joinErrors(errors)}`);
    };
    if (!isLate) return void finish(found.map((each) => each.output as Output));
    const settled = found.map(async ({ output }) => {
      try {
        return await output;
      } catch (error) {
        errors.push(asError(error));
        return {};
      }
    });
    return Promise.all(settled).then(finish);
  }

  /** Goes on when something is ready; the handlers stay open meanwhile. */
  #after<T>(ready: Promise<unknown>, work: () => T | Promise<T>): Promise<T> {
    this.retain();
    return ready.then(work).finally(() => this.release());
  }

  #check(bag: AttributeBag): CheckOutcome | Promise<CheckOutcome> {
    const plan = this.planFor(bag);
    this.#parts.recorder?.note("check", bag);
    if (plan.check.length === 0 && plan.headers.length === 0) return DEFAULT_OUTCOME;
    const epoch = ++this.#epoch;
    const fold = new ResultFold();
    const errors: Error[] = [];
    let waiting: Promise<void>[] | undefined;
    for (const { match, items } of plan.check) {
      if (!this.#holds(match, bag)) continue;
      for (const { handler, instance, output } of items) {
        try {
          if (output) setOutput(bag, output, undefined);
          const result = checkWith(handler, instance.build(bag, epoch), instance.template);
          const take = (value: CheckResult): void => {
            fold.add(handler.name, value);
            if (output && value.code === 0) setOutput(bag, output, value.output);
          };
          if (!(result instanceof Promise)) take(result);
          else {
            waiting ??= [];
            waiting.push(
              result.then(take, (error: unknown) => {
                errors.push(asError(error));
              }),
            );
          }
        } catch (error) {
          errors.push(asError(error));
        }
      }
    }
    const finish = (): CheckOutcome => {
      if (errors.length > 0)
        throw new XebecError("internal", `performing check operation failed: ${joinErrors(errors)}`);
      return this.#withHeaders(fold.outcome(), plan.headers, bag);
    };
    if (!waiting) return finish();
    this.retain();
    return Promise.all(waiting)
      .then(finish)
      .finally(() => this.release());
  }

  /**
   * Decides about a request of a proxy, which is charged to the quotas that QuotaSpecs name when it may pass.
   * @returns a denial with RESOURCE_EXHAUSTED when a quota has too little left
   * @throws as `check`
   */
  admit(bag: AttributeBag): CheckOutcome | Promise<CheckOutcome> {
    const outcome = this.check(bag);
    const { quotas } = this.#parts;
    if (!quotas) return outcome;
    if (!(outcome instanceof Promise)) return this.#charge(outcome, quotas, bag);
    this.retain();
    return outcome.then((each) => this.#charge(each, quotas, bag)).finally(() => this.release());
  }

  #charge(outcome: CheckOutcome, quotas: ServiceQuotas, bag: AttributeBag): CheckOutcome | Promise<CheckOutcome> {
    if (outcome.code !== 0) return outcome;
    const asked = quotas.of(bag);
    if (asked.length === 0) return outcome;
    // All are asked, as the proxy of Istio 1.1 did in one call.
    const results = asked.map(({ name, charge }) =>
      this.#quota(bag, name, { amount: charge, bestEffort: false, deduplicationId: uniqueId() }),
    );
    const decide = (granted: readonly QuotaResult[]): CheckOutcome => {
      const exhausted = asked.filter(({ charge }, i) => (granted[i] as QuotaResult).amount < charge);
      if (exhausted.length === 0) return outcome;
      const message = `Quota is exhausted for: ${exhausted.map(({ name }) => name).join(", ")}`;
      return { ...DEFAULT_OUTCOME, code: RESOURCE_EXHAUSTED, message };
    };
    if (!results.some((each) => each instanceof Promise)) return decide(results as QuotaResult[]);
    return Promise.all(results).then(decide);
  }

  /**
   * Asks for units of a quota (docs/reference/mixer.md §7.6). A quota that no rule with a true condition has is granted in full.
   * @param name compared with the short names of instances, without case
   * @returns never rejects: a handler that fails grants nothing
   */
  quota(bag: AttributeBag, name: string, args: QuotaArgs): QuotaResult | Promise<QuotaResult> {
    this.#parts.asked(name);
    let ready: Promise<void> | undefined;
    try {
      ready = this.preprocess(bag);
    } catch (error) {
      return this.#refused(undefined, error);
    }
    if (!ready) return this.#quota(bag, name, args);
    return this.#after(ready, () => this.#quota(bag, name, args)).catch((error: unknown) =>
      this.#refused(undefined, error),
    );
  }

  #quota(bag: AttributeBag, name: string, args: QuotaArgs): QuotaResult | Promise<QuotaResult> {
    const wanted = name.toLowerCase();
    const epoch = ++this.#epoch;
    const results: (QuotaResult | Promise<QuotaResult>)[] = [];
    for (const { match, items } of this.planFor(bag).quota) {
      const meant = items.filter((item) => item.instance.shortName.toLowerCase() === wanted);
      if (meant.length === 0 || !this.#holds(match, bag)) continue;
      for (const { handler, instance } of meant) {
        try {
          results.push(quotaWith(handler, instance.build(bag, epoch), args));
        } catch (error) {
          results.push(this.#refused(handler, error));
        }
      }
    }
    if (results.length === 0) return { amount: args.amount, validMs: 60_000 };
    if (!results.some((each) => each instanceof Promise)) return firstGrant(results as QuotaResult[]);
    this.retain();
    const all = results.map(async (each) => {
      try {
        return await each;
      } catch (error) {
        return this.#refused(undefined, error);
      }
    });
    return Promise.all(all)
      .then(firstGrant)
      .finally(() => this.release());
  }

  /** Collects the instances of several requests for one report. */
  report(): ReportBatch {
    const { recorder } = this.#parts;
    return new ReportBatch(
      this,
      recorder && ((bag) => recorder.note("report", bag)),
      (match, bag) => this.#holds(match, bag),
      () => ++this.#epoch,
    );
  }

  /**
   * Says what each rule makes of a request: those of the default namespace, then those of the request's own. Handlers of checks are asked, one
   * after the other.
   * @param handsOver whether a unit of each quota is taken and reports are handed over, too (no)
   */
  async explain(
    bag: AttributeBag,
    handsOver = false,
  ): Promise<{ readonly namespace: string; readonly error?: string; readonly rules: readonly ExplainedRule[] }> {
    const { identity, defaultNamespace, rules } = this.#parts;
    this.retain();
    try {
      let wrong: string | undefined;
      try {
        await this.preprocess(bag);
      } catch (error) {
        wrong = asError(error).message;
      }
      const namespace = identity.namespaceOf(bag);
      const of = (name: string): CompiledRule[] => rules.filter((each) => each.namespace === name);
      const meant = [...of(defaultNamespace), ...(namespace === defaultNamespace ? [] : of(namespace))];
      const by = {
        epoch: () => ++this.#epoch,
        ask: async (variety: Variety, { handler, instance }: Action, built: Instance) => {
          if (variety === "check") return checkWith(handler, built, instance.template);
          if (!handsOver) return undefined;
          if (variety === "quota") return quotaWith(handler, built, { ...ONE, deduplicationId: uniqueId() });
          await handler.handler.report?.([built], instance.template);
          return {};
        },
      };
      const explained: ExplainedRule[] = [];
      for (const each of meant) explained.push(await explainRule(each, bag, by));
      return { namespace, ...(wrong === undefined ? {} : { error: wrong }), rules: explained };
    } finally {
      await this.release();
    }
  }

  #refused(handler: HandlerSlot | undefined, error: unknown): QuotaResult {
    this.#parts.log.warn({ err: error, handler: handler?.name }, "a quota could not be asked; nothing is granted");
    return { amount: 0, validMs: 0 };
  }

  /** A condition that cannot be evaluated does not hold. */
  #holds(match: CompiledExpression | undefined, bag: AttributeBag): boolean {
    if (!match) return true;
    try {
      return match.evaluate(bag) === true;
    } catch (error) {
      this.#parts.log.debug(
        { match: match.text, why: (error as Error).message },
        "a rule's condition failed; it counts as false",
      );
      return false;
    }
  }

  #withHeaders(outcome: CheckOutcome, groups: readonly Group<HeaderPlan>[], bag: AttributeBag): CheckOutcome {
    if (outcome.code !== 0 || groups.length === 0) return outcome;
    const requestHeaders: HeaderOperation[] = [];
    const responseHeaders: HeaderOperation[] = [];
    for (const { match, items } of groups) {
      if (!this.#holds(match, bag)) continue;
      for (const { name, operation, on, value } of items) {
        const text = value ? this.#headerValue(value, bag) : "";
        if (value && text === "") continue;
        (on === "request" ? requestHeaders : responseHeaders).push({ name, operation, value: text });
      }
    }
    return { ...outcome, requestHeaders, responseHeaders };
  }

  #headerValue(value: CompiledExpression, bag: AttributeBag): string {
    try {
      return value.evaluate(bag) as string;
    } catch (error) {
      this.#parts.log.warn({ value: value.text, why: (error as Error).message }, "a header operation was skipped");
      return "";
    }
  }
}

/** No two requests of a proxy are one to a quota: what their callers send, such as `x-request-id`, must not decide that. */
function uniqueId(): string {
  return `${PROCESS}-${(calls++).toString(36)}`;
}

/** Several instances are all charged; the first that grants anything answers. */
function firstGrant(results: readonly QuotaResult[]): QuotaResult {
  return results.find((each) => each.amount > 0) ?? (results[0] as QuotaResult);
}

function attributesWith(
  { handler, name }: HandlerSlot,
  instance: Instance,
  template: string,
): Output | Promise<Output> {
  if (!handler.attributes) throw new XebecError("internal", `the handler ${name} generates no attributes`);
  return handler.attributes(instance, template);
}

function checkWith(
  { handler, name }: HandlerSlot,
  instance: Instance,
  template: string,
): CheckResult | Promise<CheckResult> {
  if (!handler.check) throw new XebecError("internal", `the handler ${name} does not check`);
  return handler.check(instance, template);
}

function quotaWith(
  { handler, name }: Action["handler"],
  instance: Instance,
  args: QuotaArgs,
): QuotaResult | Promise<QuotaResult> {
  if (!handler.quota) throw new XebecError("internal", `the handler ${name} has no quotas`);
  return handler.quota(instance, args);
}

/** Anything thrown as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
