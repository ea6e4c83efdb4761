import { randomBytes } from "node:crypto";
import type { CheckResult, Handler, HandlerContext, Instance, QuotaArgs, QuotaResult } from "@xebec/mixer-sdk";
import {
  decodeCheckResult,
  decodeOutput,
  decodeQuotaResult,
  encodeRequest,
  type HandleRequest,
  type WireTemplate,
} from "@xebec/mixer-wire";
import type { AttributeValue } from "@xebec/model-attributes";
import type { Channel } from "./channel.ts";

type ConfigOf = (config: object, context: HandlerContext) => HandleRequest["config"];

/** A handler whose adapter runs elsewhere: each call is one request. */
export class RemoteHandler implements Handler {
  readonly #templates: ReadonlyMap<string, WireTemplate>;
  readonly #channel: Channel;
  readonly #configOf: ConfigOf | undefined;
  #config: HandleRequest["config"];
  #calls = randomBytes(8).readBigUInt64BE();

  /** @param configOf what calls carry of a new configuration; absent: another one needs another handler */
  constructor(
    templates: readonly WireTemplate[],
    channel: Channel,
    config: HandleRequest["config"],
    configOf?: ConfigOf,
  ) {
    this.#templates = new Map(templates.map((each) => [each.template.name, each]));
    this.#channel = channel;
    this.#config = config;
    this.#configOf = configOf;
  }

  start(): Promise<void> {
    return this.#channel.start(this.#config?.value);
  }

  /** From now on calls carry the new one; where the adapter runs its handler takes it over, or another one is made. */
  reconfigure(config: never, context: HandlerContext): boolean {
    if (!this.#configOf) return false;
    this.#config = this.#configOf(config, context);
    return true;
  }

  async check(instance: Instance, template: string): Promise<CheckResult> {
    const wire = this.#wire(template);
    return decodeCheckResult(await this.#call(wire, { instances: [instance], dedupId: this.#next() }), wire);
  }

  async report(instances: readonly Instance[], template: string): Promise<void> {
    await this.#call(this.#wire(template), { instances, dedupId: this.#next() });
  }

  async quota(instance: Instance, args: QuotaArgs): Promise<QuotaResult> {
    const wire = [...this.#templates.values()].find((each) => each.template.variety === "quota");
    if (!wire) throw new TypeError("the adapter has no template of variety quota");
    const dedupId = args.deduplicationId;
    return decodeQuotaResult(await this.#call(wire, { instances: [instance], dedupId, quota: args }), instance.name);
  }

  async attributes(instance: Instance, template: string): Promise<Readonly<Record<string, AttributeValue>>> {
    const wire = this.#wire(template);
    return decodeOutput(await this.#call(wire, { instances: [instance], dedupId: this.#next() }), wire);
  }

  /** Moves the clock of an adapter in a worker that was given one: for tests. */
  async advance(ms: number): Promise<void> {
    await this.#channel.advance?.(ms);
  }

  close(): void | Promise<void> {
    return this.#channel.close();
  }

  #wire(template: string): WireTemplate {
    const wire = this.#templates.get(template);
    if (!wire) throw new TypeError(`the adapter does not take the template ${template}`);
    return wire;
  }

  #call(wire: WireTemplate, request: Omit<HandleRequest, "config">): Promise<Uint8Array> {
    return this.#channel.call(wire.path, encodeRequest(wire, { ...request, config: this.#config }));
  }

  /** A number that no other call of this handler has. */
  #next(): string {
    this.#calls = BigInt.asUintN(64, this.#calls + 1n);
    return this.#calls.toString();
  }
}
