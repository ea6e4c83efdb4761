import type { Socket } from "node:net";

export interface ConnectionLimits {
  /** Connections at a time. */
  readonly maxConnections: number;
  /** The same for those of one address. */
  readonly maxConnectionsPerAddress: number;
}

/** A connection in the table. */
export interface Held {
  /** A request begins: the connection makes room for nobody until it has ended. */
  begin(): void;
  end(): void;
}

class Entry implements Held {
  readonly address: string;
  readonly #tick: () => number;
  busy = 0;
  /** When it was in use last; the order counts, not the time. */
  used: number;

  constructor(address: string, tick: () => number) {
    this.address = address;
    this.#tick = tick;
    this.used = tick();
  }

  begin(): void {
    this.busy++;
  }

  end(): void {
    this.busy--;
    this.used = this.#tick();
  }
}

/**
 * Keeps a server reachable while somebody holds connections open: at a limit the connection that is idle for longest makes room, one of
 * the caller that has most of them. A connection with a request in flight is never ended for another one; the newcomer is.
 */
export class ConnectionTable {
  readonly #limits: ConnectionLimits;
  readonly #held = new Map<Socket, Entry>();
  readonly #counts = new Map<string, number>();
  #clock = 0;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /**
   * Takes a new connection in, before TLS; another one may be ended for it.
   * @returns undefined when nobody can make room: the socket is to be destroyed
   */
  admit(socket: Socket): Held | undefined {
    // Empty on a Unix socket.
    const address = socket.remoteAddress ?? "";
    if (!this.#hasRoom(address)) return undefined;
    const entry = new Entry(address, () => ++this.#clock);
    this.#held.set(socket, entry);
    this.#counts.set(address, (this.#counts.get(address) ?? 0) + 1);
    socket.once("close", () => this.#forget(socket));
    return entry;
  }

  /** The entry of a connection that was admitted. @param socket its own, or the one of TLS on it */
  of(socket: Socket): Held | undefined {
    // Node keeps the socket below TLS in the one above.
    return this.#held.get((socket as { readonly _parent?: Socket })._parent ?? socket);
  }

  #hasRoom(address: string): boolean {
    const { maxConnections, maxConnectionsPerAddress } = this.#limits;
    if (address !== "" && (this.#counts.get(address) ?? 0) >= maxConnectionsPerAddress)
      return this.#makeRoom((each) => each.address === address);
    if (this.#held.size < maxConnections) return true;
    const most = this.#greediest();
    return this.#makeRoom((each) => each.address === most) || this.#makeRoom(() => true);
  }

  #makeRoom(isOf: (each: Entry) => boolean): boolean {
    let victim: Socket | undefined;
    let oldest = Number.POSITIVE_INFINITY;
    for (const [socket, each] of this.#held)
      if (each.busy === 0 && each.used < oldest && isOf(each)) {
        victim = socket;
        oldest = each.used;
      }
    if (!victim) return false;
    this.#forget(victim);
    victim.destroy();
    return true;
  }

  #greediest(): string {
    let found = "";
    for (const [address, count] of this.#counts) if (count > (this.#counts.get(found) ?? 0)) found = address;
    return found;
  }

  #forget(socket: Socket): void {
    const known = this.#held.get(socket);
    if (!known) return;
    this.#held.delete(socket);
    const left = (this.#counts.get(known.address) ?? 1) - 1;
    if (left > 0) this.#counts.set(known.address, left);
    else this.#counts.delete(known.address);
  }
}
