import { chmod } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { backoff, sleep } from "@xebec/core-async";
import { addressText, type HostPort } from "@xebec/core-config";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { type ClientTls, connectSecure, listenExactly } from "@xebec/platform-grpc";

const log = logger("agent");
/** The app may run as any user; nobody but the containers of the pod sees the volume. */
const SHARED = 0o666;
const MAX_CONNECTIONS = 100;
const RETRY = { baseMs: 100, maxMs: 2_000 };
const CONNECT_MS = 5_000;
/** After so long without a word pilot is asked whether it is still there; ten questions, one a second, are the end. */
const KEEPALIVE_MS = 15_000;

/** Where pilot is; plaintext without `tls`. */
interface Pilot {
  readonly address: HostPort;
  readonly tls?: ClientTls | undefined;
}

export interface XdsSocketOptions {
  /** Path of the Unix socket. */
  readonly path: string;
  readonly pilot: Pilot;
}

/**
 * A way to pilot for gRPC's own xDS clients in the pod, which have no credentials for it: what they say on a Unix socket goes to pilot
 * over the pod's mutual TLS, byte by byte. A client that comes while pilot is away is kept until it is there, since gRPC waits up to
 * two minutes between its own attempts.
 */
export function createXdsSocket({ path, pilot }: XdsSocketOptions): Component {
  const clients = new Set<Socket>();
  const stop = new AbortController();
  let isAway = false;
  const join = async (client: Socket): Promise<void> => {
    for (let attempt = 0; !client.destroyed && !stop.signal.aborted; attempt++) {
      try {
        const server = await openPilot(pilot);
        if (isAway) log.info({ pilot: addressText(pilot.address) }, "pilot is there again");
        isAway = false;
        return couple(client, server);
      } catch (error) {
        if (!isAway) log.warn({ err: error, pilot: addressText(pilot.address) }, "pilot cannot be reached");
        isAway = true;
        await sleep(backoff(attempt, RETRY), stop.signal).catch(() => undefined);
      }
    }
  };
  const server = createServer({ pauseOnConnect: true }, (client) => {
    clients.add(client);
    client.on("error", () => client.destroy());
    client.once("close", () => clients.delete(client));
    void join(client);
  });
  server.maxConnections = MAX_CONNECTIONS;
  return {
    name: "xDS socket",
    async start() {
      await listenExactly(server, { path }, "xDS socket");
      await chmod(path, SHARED);
    },
    async close() {
      stop.abort();
      for (const each of clients) each.destroy();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}

function openPilot({ address, tls }: Pilot): Promise<Socket> {
  const server = tls ? connectSecure(address, tls) : connect(address);
  server.setKeepAlive(true, KEEPALIVE_MS);
  const late = setTimeout(() => server.destroy(new Error(`no answer within ${CONNECT_MS} ms`)), CONNECT_MS);
  return new Promise<Socket>((resolve, reject) => {
    server.once("error", reject);
    server.once("close", () => reject(new Error("the connection was closed")));
    server.once(tls ? "secureConnect" : "connect", () => resolve(server));
  }).finally(() => clearTimeout(late));
}

function couple(client: Socket, server: Socket): void {
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    from.on("error", () => to.destroy());
    from.once("close", () => to.destroy());
    from.pipe(to);
  }
  if (client.destroyed) server.destroy();
}
