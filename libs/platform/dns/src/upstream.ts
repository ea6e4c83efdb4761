import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import type { HostPort } from "@xebec/core-config";
import { endOfQuestion, failure, SERVER_FAILURE } from "./answer.ts";
import { MessageReader, withLength } from "./tcp-messages.ts";

export interface UpstreamOptions {
  /** Asked one after the other until one answers. */
  readonly servers: readonly HostPort[];
  /** Asks all at once, and takes the first answer. */
  readonly parallel: boolean;
  /** How long one may take, in milliseconds. */
  readonly timeoutMs: number;
  /** How many questions may wait for an answer; those that come then fail at once. */
  readonly mostWaiting: number;
}

/** The resolvers to which questions are handed on as they are. */
export class Upstream {
  readonly #options: UpstreamOptions;
  #waiting = 0;
  /** Which server answered last: it is asked first, so that one that is away costs its time once. */
  #first = 0;

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  /** @returns the answer of a server, or the failure where none answers: it does not reject */
  async ask(query: Buffer, udp: boolean): Promise<{ readonly bytes: Buffer; readonly failed: boolean }> {
    const { servers, parallel, mostWaiting } = this.#options;
    const failed = { bytes: failure(query, SERVER_FAILURE), failed: true };
    if (this.#waiting >= mostWaiting) return failed;
    this.#waiting++;
    try {
      const one = (server: HostPort): Promise<Buffer> => this.#askOne(server, query, udp);
      if (parallel) return { bytes: await Promise.any(servers.map(one)), failed: false };
      for (let i = 0, first = this.#first; i < servers.length; i++) {
        const at = (first + i) % servers.length;
        const bytes = await one(servers[at] as HostPort).catch(() => undefined);
        if (!bytes) continue;
        this.#first = at;
        return { bytes, failed: false };
      }
      return failed;
    } catch {
      return failed;
    } finally {
      this.#waiting--;
    }
  }

  /** A question has a number and a port of its own there: who guesses neither cannot answer in the server's place. */
  async #askOne(server: HostPort, query: Buffer, udp: boolean): Promise<Buffer> {
    const sent = Buffer.from(query);
    sent.writeUInt16BE(randomInt(65_536), 0);
    const { timeoutMs } = this.#options;
    const answer = await (udp ? overUdp(server, sent, timeoutMs) : overTcp(server, sent, timeoutMs));
    query.copy(answer, 0, 0, 2);
    return answer;
  }
}

/** Says whether a message answers a question: the same number, and the same question where it is repeated. */
function isAnswer(message: Buffer, query: Buffer): boolean {
  if (message.length < 12 || !((message[2] ?? 0) & 0x80) || message.readUInt16BE(0) !== query.readUInt16BE(0))
    return false;
  const end = endOfQuestion(query);
  if (end === undefined || message.readUInt16BE(4) === 0) return true;
  return endOfQuestion(message) === end && text(message, end) === text(query, end);
}

/** Names are compared in lower case. */
function text(message: Buffer, end: number): string {
  return message.toString("latin1", 12, end).toLowerCase();
}

function overUdp({ host, port }: HostPort, query: Buffer, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
    const timer = setTimeout(() => end(new Error("the server does not answer")), timeoutMs);
    let isOver = false;
    const end = (result: Buffer | Error): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      socket.close();
      if (result instanceof Error) reject(result);
      else resolve(result);
    };
    socket.on("error", end);
    socket.on("message", (message) => {
      // A connected socket takes only what comes from the server.
      if (isAnswer(message, query)) end(message);
    });
    socket.connect(port, host, (error?: Error) => {
      if (error) end(error);
      else if (!isOver) socket.send(query);
    });
  });
}

function overTcp({ host, port }: HostPort, query: Buffer, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const timer = setTimeout(() => end(new Error("the server does not answer")), timeoutMs);
    const end = (result: Buffer | Error): void => {
      clearTimeout(timer);
      socket.destroy();
      if (result instanceof Error) reject(result);
      else resolve(result);
    };
    const reader = new MessageReader((message) => {
      if (isAnswer(message, query)) end(message);
    });
    socket.on("error", end);
    socket.once("close", () => end(new Error("the server has closed the connection")));
    socket.on("data", (bytes) => reader.read(bytes));
    socket.once("connect", () => socket.write(withLength(query)));
  });
}
