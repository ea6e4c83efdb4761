import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { XebecError } from "@xebec/core-errors";
import { createGrpcChannel } from "@xebec/platform-grpc";
import { AdsClient, type AskedType } from "@xebec/platform-xds-client";
import { type FromProxies, type ProxiesOrder, type Sign, sharedClock, type ToProxies } from "./protocol.ts";

const PROXIES_PER_CONNECTION = 50;
/** So many kinds of workloads: pilot may share what it makes only among the proxies of one. */
const KINDS = 10;

/**
 * The process of the synthetic proxies: it has one of its own, so that their time on a processor is not the mesh's. The first line that
 * it reads is the order; it ends with its input, that is, with the comparison.
 */
export async function runProxies(input: Readable, output: Writable): Promise<void> {
  const say = (message: FromProxies): void => {
    output.write(`${JSON.stringify(message)}\n`);
  };
  let order: ProxiesOrder | undefined;
  let sign: Sign | undefined;
  let arrived = new Map<number, number>();
  const take = (proxy: number, bytes: Buffer, type: AskedType): void => {
    if (!order || !sign || arrived.has(proxy)) return;
    // In large meshes the virtual hosts of a table come one by one.
    const asked = type === "virtualhost" ? "route" : type;
    if (sign.type !== undefined && sign.type !== asked) return;
    if (sign.text !== undefined && !bytes.includes(sign.text)) return;
    arrived.set(proxy, sharedClock());
    if (arrived.size < order.count) return;
    sign = undefined;
    say({ arrived: [...arrived.values()] });
  };
  for await (const line of createInterface({ input })) {
    if (!order) {
      order = JSON.parse(line) as ProxiesOrder;
      void connect(order, take).then(
        () => say({ connected: true }),
        (error) => say({ failed: XebecError.from(error).message }),
      );
      continue;
    }
    sign = (JSON.parse(line) as ToProxies).watch;
    arrived = new Map();
    say({ watching: true });
  }
}

function connect(
  { address, count, routes, extensions, labels }: ProxiesOrder,
  take: (proxy: number, bytes: Buffer, type: AskedType) => void,
): Promise<unknown> {
  const channels = Array.from({ length: Math.ceil(count / PROXIES_PER_CONNECTION) }, () =>
    createGrpcChannel({ address }),
  );
  const clients = Array.from({ length: count }, (_, i) => {
    const kind = i % KINDS;
    return new AdsClient(channels[i % channels.length] as (typeof channels)[number], {
      id: `sidecar~10.99.${i >> 8}.${i & 255}~compare-${i}.default~default.svc.cluster.local`,
      ...{ delta: true, labels: { ...labels, kind: String(kind) }, routes, extensions },
      onMessage: (bytes, type) => take(i, bytes, type),
    });
  });
  return Promise.all(clients.map((each) => each.complete));
}
