import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as SecureServer } from "node:https";
import type { Socket } from "node:net";

interface Held {
  /** The caller's address; empty on a Unix socket. */
  readonly address: string;
  /** Requests that are being answered. */
  busy: number;
  /** When it was last in use; the order counts, not the time. */
  used: number;
}

export interface ConnectionLimits {
  readonly maxConnections: number;
  /** Of one address. */
  readonly maxConnectionsPerAddress: number;
}

/**
 * Keeps a server reachable while somebody holds connections open: at a limit the connection that is idle for longest makes room, one of
 * the caller that has most of them. A connection with a request in flight is never ended for another one; the newcomer is.
 */
export function limitConnections(server: Server | SecureServer, limits: ConnectionLimits): void {
  const held = new Map<Socket, Held>();
  const counts = new Map<string, number>();
  let clock = 0;

  const forget = (socket: Socket): void => {
    const known = held.get(socket);
    if (!known) return;
    held.delete(socket);
    const left = (counts.get(known.address) ?? 1) - 1;
    if (left > 0) counts.set(known.address, left);
    else counts.delete(known.address);
  };
  const oldestIdle = (isOf: (each: Held) => boolean): Socket | undefined => {
    let found: Socket | undefined;
    let oldest = Number.POSITIVE_INFINITY;
    for (const [socket, each] of held)
      if (each.busy === 0 && each.used < oldest && isOf(each)) {
        found = socket;
        oldest = each.used;
      }
    return found;
  };
  /** @returns false when nobody can make room */
  const makeRoom = (isOf: (each: Held) => boolean): boolean => {
    const victim = oldestIdle(isOf);
    if (!victim) return false;
    forget(victim);
    victim.destroy();
    return true;
  };
  const greediest = (): string => {
    let found = "";
    for (const [address, count] of counts) if (count > (counts.get(found) ?? 0)) found = address;
    return found;
  };
  const admits = (address: string): boolean => {
    const isOwn = (each: Held): boolean => each.address === address;
    if (address !== "" && (counts.get(address) ?? 0) >= limits.maxConnectionsPerAddress) return makeRoom(isOwn);
    if (held.size < limits.maxConnections) return true;
    const most = greediest();
    return makeRoom((each) => each.address === most) || makeRoom(() => true);
  };

  server.on("connection", (socket: Socket) => {
    const address = socket.remoteAddress ?? "";
    if (!admits(address)) {
      socket.destroy();
      return;
    }
    held.set(socket, { address, busy: 0, used: ++clock });
    counts.set(address, (counts.get(address) ?? 0) + 1);
    socket.once("close", () => forget(socket));
  });
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const known = held.get(rawSocket(request.socket));
    if (!known) return;
    known.busy++;
    response.once("close", () => {
      known.busy--;
      known.used = ++clock;
    });
  });
}

/** Behind TLS a request's socket is another one than the connection's; Node keeps that one in it. */
function rawSocket(socket: Socket): Socket {
  return (socket as { readonly _parent?: Socket })._parent ?? socket;
}
