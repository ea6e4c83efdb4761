import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { isXebecError, XebecError } from "@xebec/core-errors";

/** A name's addresses may change; they are looked up this often. In milliseconds. */
const LOOKUP_MS = 30_000;
/** Most bytes that may wait in a socket: what comes then is lost. */
const MAX_WAITING = 1 << 20;

export interface UdpOptions {
  /** A name or an IP address. */
  readonly host: string;
  readonly port: number;
  /** Says why an IP address may not be called; undefined when it may. */
  readonly refusal: (address: string) => string | undefined;
  /** Called with what keeps datagrams from being sent: once until it is well again. */
  readonly failed: (error: Error) => void;
  /** Looks a name up; a test gives its own. @returns IP addresses */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  /** Calls `work` every `ms` milliseconds until the returned function is called; a test gives its own. */
  readonly every?: (ms: number, work: () => void) => () => void;
}

/**
 * Sends datagrams to one address. UDP promises nothing: what cannot be sent is lost and counted. A name is looked up when it starts and
 * every half minute; each address is checked before anything is sent there.
 */
export class UdpSender {
  readonly #options: UdpOptions;
  #socket: Socket | undefined;
  #address = "";
  #stopLookups: () => void = () => undefined;
  #isClosed = false;
  #isFailing = false;
  #pending = 0;
  #idle: (() => void) | undefined;
  #lost = 0;

  constructor(options: UdpOptions) {
    this.#options = options;
  }

  /** How many datagrams could not be sent. */
  get lost(): number {
    return this.#lost;
  }

  /**
   * Looks the name up once and begins to send. A name that cannot be looked up is tried again: it is not a reason not to start.
   * @throws XebecError permission_denied when no address of the name may be called
   */
  async start(): Promise<void> {
    const error = await this.#lookUp();
    if (isXebecError(error) && error.code === "permission_denied") throw error;
    const { host, every = interval } = this.#options;
    if (isIP(host) === 0) this.#stopLookups = every(LOOKUP_MS, () => void this.#lookUp());
  }

  /** Sends a datagram, or loses it. */
  send(datagram: string): void {
    const socket = this.#socket;
    if (!socket || this.#isClosed || socket.getSendQueueSize() > MAX_WAITING) {
      this.#lost++;
      return;
    }
    this.#pending++;
    socket.send(datagram, this.#options.port, this.#address, (error) => {
      this.#pending--;
      if (error) this.#lost++;
      this.#reported(error ?? undefined);
      if (this.#pending === 0) this.#idle?.();
    });
  }

  /** Ends, once what was sent before is on its way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopLookups();
    if (this.#pending > 0)
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    this.#socket?.close();
    this.#socket = undefined;
  }

  /** @returns why there is no address to send to */
  async #lookUp(): Promise<Error | undefined> {
    const { host, refusal, resolve = addressesOf } = this.#options;
    try {
      const addresses = isIP(host) === 0 ? await resolve(host) : [host];
      const refusals = addresses.map((each) => refusal(each));
      const at = refusals.indexOf(undefined);
      if (at < 0)
        throw new XebecError("permission_denied", `${host} may not be called: ${refusals.join(", ") || "no address"}`);
      if (!this.#isClosed) this.#sendTo(addresses[at] as string);
      this.#reported(undefined);
      return undefined;
    } catch (error) {
      // A name that leads to something else now is followed; one that cannot be looked up keeps its address.
      if (isXebecError(error)) this.#sendTo(undefined);
      const shown = isXebecError(error) ? error : new Error(`${host} cannot be looked up: ${(error as Error).message}`);
      this.#reported(shown);
      return shown;
    }
  }

  #sendTo(address: string | undefined): void {
    if (address === this.#address && this.#socket) return;
    this.#socket?.close();
    this.#socket = undefined;
    this.#address = address ?? "";
    if (address === undefined) return;
    const socket = createSocket(isIP(address) === 6 ? "udp6" : "udp4");
    socket.on("error", (error) => this.#reported(error));
    // What the process does otherwise decides how long it lives.
    socket.unref();
    this.#socket = socket;
  }

  #reported(error: Error | undefined): void {
    if (error && !this.#isFailing && !this.#isClosed) this.#options.failed(error);
    this.#isFailing = error !== undefined;
  }
}

async function addressesOf(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map((each) => each.address);
}

function interval(ms: number, work: () => void): () => void {
  const timer = setInterval(work, ms);
  timer.unref();
  return () => clearInterval(timer);
}
