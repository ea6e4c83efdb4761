import { connect, type NatsConnection, nkeyAuthenticator } from "@nats-io/transport-node";
import { XebecError } from "@xebec/core-errors";
import { type BusTls, tlsOptionsOf } from "./bus-tls.ts";
import { CONTROL_INBOX, RELOAD_REQUEST, STATE_REQUEST } from "./nats-config.ts";

/** How long servers may take to answer, in milliseconds. */
const ANSWER_MS = 2_000;
/** Nobody has more servers of one bus. */
const MAX_SERVERS = 64;

export interface NatsControlOptions {
  readonly servers: readonly string[];
  /** The seed of the user that may do this and nothing else. */
  readonly seed: string;
  readonly tls?: BusTls | undefined;
}

/** A server as it describes itself. */
export interface ServerState {
  readonly id: string;
  readonly name: string;
  /** When its certificate ends, milliseconds since 1970; undefined without TLS. */
  readonly certificateEnds: number | undefined;
}

/**
 * Has every server of the bus whose certificate does not end at a given time read its configuration again. Connections stay.
 * @param ends of the certificate that is in the servers' files, milliseconds since 1970
 * @returns the names of the servers that have another one still: their files are older, or they refuse them
 * @throws XebecError unavailable when no server answers
 */
export async function reloadServers(options: NatsControlOptions, ends: number): Promise<string[]> {
  const connection = await open(options);
  try {
    const isOld = ({ certificateEnds }: ServerState): boolean => certificateEnds !== ends;
    for (const { id } of (await statesOf(connection)).filter(isOld))
      await connection.request(RELOAD_REQUEST.replace("*", id), "", { timeout: ANSWER_MS });
    return (await statesOf(connection)).filter(isOld).map(({ name }) => name);
  } catch (error) {
    throw new XebecError("unavailable", "the servers of the bus do not answer", { cause: error });
  } finally {
    await connection.close();
  }
}

async function open({ servers, seed, tls }: NatsControlOptions): Promise<NatsConnection> {
  try {
    return await connect({
      servers: [...servers],
      name: "control",
      authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
      inboxPrefix: CONTROL_INBOX,
      ...(tls ? { tls: tlsOptionsOf(tls, servers) } : {}),
      reconnect: false,
      timeout: ANSWER_MS,
    });
  } catch (error) {
    throw new XebecError("unavailable", "no server of the bus can be reached", { cause: error });
  }
}

/** Every server of the cluster answers. */
async function statesOf(connection: NatsConnection): Promise<ServerState[]> {
  const states: ServerState[] = [];
  const options = { strategy: "stall", maxWait: ANSWER_MS, maxMessages: MAX_SERVERS } as const;
  for await (const message of await connection.requestMany(STATE_REQUEST, "", options)) {
    const { server, data } = message.json<{
      server?: { id?: string; name?: string };
      data?: { tls_cert_not_after?: string };
    }>();
    if (!server?.id || !/^\w+$/.test(server.id)) continue;
    const end = Date.parse(data?.tls_cert_not_after ?? "");
    states.push({ id: server.id, name: server.name ?? "", certificateEnds: Number.isNaN(end) ? undefined : end });
  }
  return states;
}
