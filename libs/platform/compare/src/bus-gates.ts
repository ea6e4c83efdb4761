import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { XebecError } from "@xebec/core-errors";

const NATS_PORT = 4_222;

/** A way to the bus that can be blocked: what is sent stays on its way, and no connection ends, as when a network drops packets. */
class BusGate {
  readonly address: string;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #isOpen = true;

  constructor(host: string, nats: string) {
    this.address = `${host}:${NATS_PORT}`;
    // Who connects while it is blocked hears nothing.
    this.#server = createServer({ pauseOnConnect: true, noDelay: true }, (client) => this.#take(client, nats));
  }

  async listen(): Promise<void> {
    this.#server.listen({ host: this.address.split(":")[0], port: NATS_PORT, exclusive: true });
    await once(this.#server, "listening");
  }

  #take(client: Socket, nats: string): void {
    const bus = connect({ host: nats, port: NATS_PORT, noDelay: true });
    const pair = [client, bus] as const;
    this.#pairs.add(pair);
    for (const [one, other] of [pair, [bus, client]] as const) {
      one.on("error", () => other.destroy());
      one.on("close", () => {
        this.#pairs.delete(pair);
        // What it has sent is still delivered.
        if (this.#isOpen) other.end();
        else other.destroy();
      });
    }
    if (this.#isOpen) join(pair);
  }

  block(): void {
    this.#isOpen = false;
    for (const pair of this.#pairs)
      for (const [i, each] of pair.entries()) {
        each.unpipe(pair[1 - i]);
        each.pause();
      }
  }

  open(): void {
    this.#isOpen = true;
    for (const pair of this.#pairs) join(pair);
  }

  close(): void {
    this.#server.close();
    for (const pair of this.#pairs) for (const each of pair) each.destroy();
  }
}

function join([one, other]: readonly [Socket, Socket]): void {
  one.pipe(other);
  other.pipe(one);
}

/** The components' ways to the bus, through this process. */
export class BusGates {
  readonly #gates = new Map<string, BusGate>();

  /**
   * @param components names; gate number N of them listens at `hostOf(N)`
   * @param nats address of nats-server
   * @throws Error EADDRINUSE
   */
  static async open(components: readonly string[], hostOf: (n: number) => string, nats: string): Promise<BusGates> {
    const gates = new BusGates();
    try {
      for (const [i, component] of components.entries()) {
        const gate = new BusGate(hostOf(i), nats);
        gates.#gates.set(component, gate);
        await gate.listen();
      }
      return gates;
    } catch (error) {
      gates.close();
      throw error;
    }
  }

  /** `COMPONENT=HOST:PORT` of each. */
  get addresses(): readonly string[] {
    return [...this.#gates].map(([component, { address }]) => `${component}=${address}`);
  }

  /** Cuts a component off. @returns ends that @throws XebecError invalid_argument for one that does not use the bus */
  cut(component: string): () => void {
    const gate = this.#gates.get(component);
    if (!gate) throw new XebecError("invalid_argument", `${component} cannot be cut off from the bus`);
    gate.block();
    return () => gate.open();
  }

  close(): void {
    for (const gate of this.#gates.values()) gate.close();
  }
}
