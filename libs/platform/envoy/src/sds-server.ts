import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import { createGrpcServer, type RawStream, rawDuplex } from "@xebec/platform-grpc";
import { decodeDeltaRequest, decodeStateRequest, encodeDeltaResponse, encodeStateResponse } from "./sds-messages.ts";
import type { EncodedSecret, Secrets } from "./secrets.ts";

const log = logger("sds");
const SERVICE = "/envoy.service.secret.v3.SecretDiscoveryService";
const MAX_REQUEST_BYTES = 1 << 20;

export interface SdsOptions {
  /** Path of the Unix socket; made with mode 0600, a stale one is replaced. */
  readonly path: string;
  readonly secrets: Secrets;
  /** What else is served there. */
  readonly services?: readonly ReturnType<typeof rawDuplex>[];
  /** Called when nothing is served any more. */
  readonly closed?: () => void;
  readonly metrics: Metrics;
}

/**
 * Serves secrets to the Envoy of the pod over a Unix socket, state-of-the-world and incremental (xDS protocol). A secret that is
 * not there yet is not answered: Envoy waits for it. Each change is pushed.
 */
export function createSdsServer({ path, secrets, services = [], closed, metrics }: SdsOptions): Component {
  const streams = new Set<() => void>();
  let unwatch: (() => void) | undefined;
  const opened = (push: () => void, stream: { onClose(handler: () => void): void }): void => {
    streams.add(push);
    stream.onClose(() => streams.delete(push));
  };
  const server = createGrpcServer({
    name: "SDS",
    address: { path },
    services: [
      rawDuplex(`${SERVICE}/StreamSecrets`, (stream) => serveState(stream, secrets, opened)),
      rawDuplex(`${SERVICE}/DeltaSecrets`, (stream) => serveDelta(stream, secrets, opened)),
      ...services,
    ],
    // Envoy's first request holds its node, with all extensions of its build.
    limits: { maxMessageBytes: MAX_REQUEST_BYTES, idleMs: 2_147_483_647 },
    metrics,
  });
  return {
    name: "SDS",
    async start(signal) {
      await server.start(signal);
      unwatch = secrets.onChange(() => {
        for (const push of [...streams]) push();
      });
    },
    async close() {
      unwatch?.();
      await server.close?.();
      closed?.();
      await secrets.close();
    },
  };
}

type Opened = (push: () => void, stream: { onClose(handler: () => void): void }) => void;

function serveState(stream: RawStream, secrets: Secrets, opened: Opened): void {
  let names: readonly string[] = [];
  let sent = "";
  let nonce = 0;
  const push = (): void => {
    const found = names.flatMap((name) => secrets.get(name) ?? []);
    const version = found.map((each) => `${each.name}=${each.version}`).join(",");
    if (found.length === 0 || version === sent) return;
    sent = version;
    nonce++;
    stream.write(encodeStateResponse(found.map((each) => each.version).join("-"), found, String(nonce)));
  };
  stream.onMessage((bytes) => {
    const { resourceNames, error, responseNonce } = decodeStateRequest(bytes);
    if (error !== undefined) log.error({ names, message: error }, "Envoy refused a secret");
    // An answer to what was sent before the last one says nothing about the names that are requested now.
    if (responseNonce !== "" && responseNonce !== String(nonce)) return;
    const requested = resourceNames.filter((name) => known(secrets, name));
    if (requested.join("\n") === names.join("\n")) return;
    names = requested;
    // What Envoy did not want for a while it has forgotten.
    sent = "";
    push();
  });
  stream.onEnd(() => stream.end());
  opened(push, stream);
}

function serveDelta(stream: RawStream, secrets: Secrets, opened: Opened): void {
  /** Version that the client has, by name; empty: none. */
  const has = new Map<string, string>();
  let nonce = 0;
  const push = (): void => {
    const due: EncodedSecret[] = [];
    for (const [name, version] of has) {
      const secret = secrets.get(name);
      if (secret && secret.version !== version) due.push(secret);
    }
    if (due.length === 0) return;
    for (const each of due) has.set(each.name, each.version);
    nonce++;
    stream.write(encodeDeltaResponse(due, String(nonce)));
  };
  stream.onMessage((bytes) => {
    const { subscribe, unsubscribe, initialVersions, error } = decodeDeltaRequest(bytes);
    if (error !== undefined) log.error({ message: error }, "Envoy refused a secret");
    for (const name of unsubscribe) has.delete(name);
    for (const name of subscribe) if (known(secrets, name)) has.set(name, initialVersions.get(name) ?? "");
    push();
  });
  stream.onEnd(() => stream.end());
  opened(push, stream);
}

function known(secrets: Secrets, name: string): boolean {
  if (secrets.want(name)) return true;
  log.warn({ secret: name.slice(0, 200) }, "Envoy asks for a secret that is not served here");
  return false;
}
