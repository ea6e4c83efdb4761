import { connect, type NatsConnection, nkeyAuthenticator } from "@nats-io/transport-node";
import { type BusTls, tlsOptionsOf } from "./bus-tls.ts";
import { HEALTH_INBOX, HEALTH_REQUEST } from "./nats-config.ts";

/** How long a connection and an answer may take, in milliseconds. */
const ANSWER_MS = 1_000;

/** Asks a nats-server how it is. */
export interface NatsHealth {
  /** @returns what is wrong, a clause; undefined when the server and its store are well */
  error(): Promise<string | undefined>;
  close(): Promise<void>;
}

export interface NatsHealthOptions {
  /** `nats://HOST:PORT` */
  readonly server: string;
  /** The seed of the user that may ask this and nothing else (`BusKeys.healthSeed`). */
  readonly seed: string;
  /** Absent: plaintext. */
  readonly tls?: BusTls | undefined;
}

/**
 * The server's own health check, over its client port: what its monitoring port would show to anybody. The connection is kept
 * while it lasts.
 */
export function createNatsHealth({ server, seed, tls }: NatsHealthOptions): NatsHealth {
  let connecting: Promise<NatsConnection> | undefined;
  const open = (): Promise<NatsConnection> => {
    connecting ??= connect({
      servers: server,
      name: "health",
      authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
      inboxPrefix: HEALTH_INBOX,
      ...(tls ? { tls: tlsOptionsOf(tls, [server]) } : {}),
      reconnect: false,
      timeout: ANSWER_MS,
    });
    return connecting;
  };
  const close = async (): Promise<void> => {
    const before = connecting;
    connecting = undefined;
    // Whoever waits for one that failed reports it.
    await before?.then((each) => each.close()).catch(() => {});
  };
  return {
    async error() {
      let connection: NatsConnection;
      try {
        connection = await open();
      } catch {
        await close();
        return "it does not accept connections yet";
      }
      try {
        const answer = await connection.request(HEALTH_REQUEST, "", { timeout: ANSWER_MS });
        const { data } = answer.json<{ data?: { status_code?: number; status?: string; error?: string } }>();
        if (data?.status_code === 200) return undefined;
        return `it says that it is not well: ${data?.error || data?.status || "for no reason that it gives"}`;
      } catch {
        await close();
        return "it does not say how it is";
      }
    },
    close,
  };
}
