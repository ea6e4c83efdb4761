import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, isIPv6, type Server, type Socket } from "node:net";
import { addressText, type HostPort } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { MessageReader, withLength } from "./tcp-messages.ts";

/** Answers a question; undefined for what gets no answer. It does not reject. */
export type Answerer = (query: Buffer, udp: boolean) => Promise<Buffer | undefined> | Buffer | undefined;

/** How many clients may be connected by TCP at once. */
const MOST_CONNECTIONS = 100;
/** A client that says nothing for so long is disconnected, in milliseconds. */
const IDLE_MS = 10_000;
/** Questions of one connection that wait: beyond, no more is read until some are answered. */
const MOST_PIPELINED = 16;

const log = logger("dns");

/** A DNS server at one address, over UDP and TCP. */
export class DnsServer {
  readonly #address: HostPort;
  readonly #answer: Answerer;
  readonly #connections = new Set<Socket>();
  #udp: UdpSocket | undefined;
  #tcp: Server | undefined;

  constructor(address: HostPort, answer: Answerer) {
    this.#address = address;
    this.#answer = answer;
  }

  /** @throws XebecError failed_precondition when the address cannot be had */
  async start(): Promise<void> {
    const { host, port } = this.#address;
    try {
      const udp = createSocket(isIPv6(host) ? { type: "udp6", ipv6Only: true } : { type: "udp4" });
      this.#udp = udp;
      udp.on("message", (query, { port: from, address }) => void this.#datagram(udp, query, from, address));
      udp.bind(port, host);
      await once(udp, "listening");
      udp.on("error", (error) => log.warn({ err: error }, "the UDP socket of the DNS proxy has an error"));
      const tcp = createServer((socket) => this.#connected(socket));
      this.#tcp = tcp;
      tcp.maxConnections = MOST_CONNECTIONS;
      tcp.listen(port, host);
      await once(tcp, "listening");
      tcp.on("error", (error) => log.warn({ err: error }, "the TCP socket of the DNS proxy has an error"));
    } catch (error) {
      await this.close();
      throw new XebecError("failed_precondition", `the DNS proxy cannot listen at ${addressText(this.#address)}`, {
        cause: error,
      });
    }
  }

  async close(): Promise<void> {
    const udp = this.#udp;
    this.#udp = undefined;
    udp?.close();
    for (const each of this.#connections) each.destroy();
    const tcp = this.#tcp;
    this.#tcp = undefined;
    if (tcp?.listening) await new Promise((resolve) => tcp.close(resolve));
  }

  async #datagram(udp: UdpSocket, query: Buffer, port: number, address: string): Promise<void> {
    const bytes = await this.#answer(query, true);
    // Who asked may be gone; nothing can be done about it.
    if (bytes && this.#udp === udp) udp.send(bytes, port, address, () => undefined);
  }

  #connected(socket: Socket): void {
    let waiting = 0;
    this.#connections.add(socket);
    const answer = async (query: Buffer): Promise<void> => {
      if (++waiting >= MOST_PIPELINED) socket.pause();
      const bytes = await this.#answer(query, false);
      if (!socket.destroyed) {
        if (bytes) socket.write(withLength(bytes));
        else socket.destroy();
      }
      if (--waiting < MOST_PIPELINED) socket.resume();
    };
    const reader = new MessageReader((query) => void answer(query));
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#connections.delete(socket));
    socket.on("data", (bytes) => reader.read(bytes));
  }
}
