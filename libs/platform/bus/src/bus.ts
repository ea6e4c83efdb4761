import type { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import type { KeyValue } from "./key-value.ts";
import type { SharedTable } from "./shared-table.ts";
import type { Responder, Subscription } from "./subscription.ts";
import type { WorkQueue } from "./work-queue.ts";

/**
 * The bus: buckets, messages and requests. It starts without its server and goes on without it: readers keep what they know,
 * writers retry.
 */
export interface Bus extends Component {
  /** True while the server can be reached. */
  readonly connected: boolean;
  /** Work that the replicas of a service share; absent on a bus that keeps nothing after its process. */
  readonly work?: WorkQueue;
  /** @param name of the bucket, for example `config` */
  bucket(name: string): KeyValue;
  /** A bucket whose entries several writers change together. @param name of the bucket, for example `quotas` */
  table(name: string): SharedTable;
  /** Sends to everyone who listens now. Lost when the bus is down. */
  publish(subject: string, data: Uint8Array): void;
  /** Listens to a subject; `*` and `>` as in NATS. */
  subscribe(subject: string, handler: (data: Uint8Array, subject: string) => void): Subscription;
  /**
   * Asks everyone who responds to the subject; returns the responses that came in time, none when nobody listens.
   * @param options.failed called with each response that was an error, which is logged besides
   * @throws XebecError unavailable when the bus is down, permission_denied
   */
  requestAll(
    subject: string,
    data: Uint8Array,
    options: { readonly timeoutMs: number; readonly failed?: (error: XebecError) => void },
  ): Promise<Uint8Array[]>;
  /**
   * Asks one of those who respond to the subject.
   * @throws XebecError what the responder threw; unavailable when the bus is down or nobody responds, deadline_exceeded, permission_denied
   */
  request(subject: string, data: Uint8Array, options: { readonly timeoutMs: number }): Promise<Uint8Array>;
  /**
   * Responds to requests; what the handler throws is the response, too.
   * @param options.group each request goes to one only of those with the same name
   */
  respond(
    subject: string,
    handler: (data: Uint8Array) => Uint8Array | Promise<Uint8Array>,
    options?: { readonly group?: string },
  ): Responder;
}
