import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import { ALL_BUCKETS, type Bucket, type BusUser, SIGNED_BUCKETS, SUBJECTS, writersOf } from "@xebec/model-bus";
import { checkBucket } from "./bucket-names.ts";
import type { Bus } from "./bus.ts";
import type { KeyValue } from "./key-value.ts";
import { type BucketSecurity, NatsKeyValue } from "./nats-key-value.ts";
import { type LinkOptions, NatsLink } from "./nats-link.ts";
import { NatsMessages } from "./nats-messages.ts";
import { NatsSharedTable } from "./nats-shared-table.ts";
import { NatsWorkQueue } from "./nats-work-queue.ts";
import { Provisioner } from "./provision.ts";
import { EntrySigner, EntryVerifier } from "./signature.ts";

export interface NatsBusOptions extends LinkOptions {
  /** Creates buckets that do not exist (true without a seed; with one, only citadel and the supervisor may). */
  readonly provision?: boolean;
  /** How many servers hold each bucket that it creates (1). */
  readonly replicas?: number;
  /** Public nkeys of the users; with them, entries of signed buckets are believed only from their writers. */
  readonly publicKeys?: Partial<Readonly<Record<BusUser, string>>> | undefined;
  readonly metrics?: Metrics;
}

const log = logger("bus");
/** Between two messages about writes that the server does not acknowledge. */
const STALL_PAUSE_MS = 2_000;

/**
 * Makes the bus over NATS with JetStream. `start` returns at once: the connection is made when the server is there, and again
 * after each outage.
 */
export function createNatsBus(options: NatsBusOptions): Bus {
  const { seed, metrics, provision = seed === undefined } = options;
  const link = new NatsLink(options);
  const messages = new NatsMessages(link);
  const work = new NatsWorkQueue(link);
  const buckets = new Map<string, NatsKeyValue>();
  const signer = seed === undefined ? undefined : new EntrySigner(seed);
  let provisioner: Provisioner | undefined;
  let stallSentAt = Number.NEGATIVE_INFINITY;
  metrics?.gauge("xebec_bus_connected", "1 while the bus can be reached.", [], () => (link.connected ? 1 : 0));

  /** Notifies whoever looks after the server; messages pass although its store has failed. */
  const stalled = (bucket: string): void => {
    if (performance.now() - stallSentAt < STALL_PAUSE_MS) return;
    stallSentAt = performance.now();
    messages.publish(SUBJECTS.stalls, Buffer.from(bucket));
  };
  const securityOf = (bucket: string): BucketSecurity => {
    const { publicKeys } = options;
    if (!SIGNED_BUCKETS.some((each) => each === bucket)) return {};
    const keys = publicKeys ? writersOf(bucket as Bucket).flatMap((user) => publicKeys[user] ?? []) : undefined;
    return { signer, verifier: keys && (() => new EntryVerifier(keys)) };
  };

  return {
    name: `bus ${options.name}`,
    work,
    get connected() {
      return link.connected;
    },
    async start() {
      if (provision) provisioner = new Provisioner(link, [...ALL_BUCKETS, ...buckets.keys()], options.replicas);
      link.ready().catch((error: unknown) => log.debug({ err: error }, "the bus was closed before it was reached"));
    },
    /** Writes that the server does not take: whoever waits for them is not well, whatever the server says of itself. */
    missing: () => [...buckets.values()].flatMap((each) => each.missing()),
    async close() {
      await provisioner?.close();
      await link.close();
    },
    bucket(name): KeyValue {
      let bucket = buckets.get(name);
      if (!bucket) {
        checkBucket(name);
        bucket = new NatsKeyValue(link, name, securityOf(name), stalled);
        buckets.set(name, bucket);
        provisioner?.bucket(name);
      }
      return bucket;
    },
    table(name) {
      checkBucket(name);
      provisioner?.bucket(name);
      return new NatsSharedTable(link, name);
    },
    publish: (subject, data) => messages.publish(subject, data),
    subscribe: (subject, handler) => messages.subscribe(subject, handler),
    requestAll: (subject, data, requestOptions) => messages.requestAll(subject, data, requestOptions),
    request: (subject, data, requestOptions) => messages.request(subject, data, requestOptions),
    respond: (subject, handler, respondOptions) => messages.respond(subject, handler, respondOptions),
  };
}
