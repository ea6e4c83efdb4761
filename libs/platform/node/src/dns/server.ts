import { createSocket, type Socket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { createServer, type Server } from "node:net";
import { logger } from "@xebec/core-log";
import { type Answer, parseQuery, type Question, RCODE, response, TYPE } from "./message.ts";
import { type DnsSource, lookUp } from "./records.ts";

const log = logger("node");
const MOST_UDP = 1_232;
const MOST_TCP = 65_535;
/** A client that says nothing is left. */
const IDLE_MS = 5_000;

/** The cluster's DNS server, on UDP and TCP. Names outside of the cluster's domain are asked of the host's servers, if any answers. */
export class DnsServer {
  readonly #source: DnsSource;
  readonly #udp: Socket = createSocket("udp4");
  readonly #tcp: Server;
  readonly #outside = new Resolver({ timeout: 1_000, tries: 1 });

  constructor(source: DnsSource) {
    this.#source = source;
    this.#udp.on("message", (bytes, from) => {
      void this.#answer(bytes, MOST_UDP).then((answer) => {
        if (answer) this.#udp.send(answer, from.port, from.address);
      });
    });
    this.#udp.on("error", (error) => log.error({ err: error }, "DNS over UDP has failed"));
    this.#tcp = createServer((socket) => {
      socket.setTimeout(IDLE_MS, () => socket.destroy());
      socket.on("error", () => socket.destroy());
      let rest = Buffer.alloc(0);
      socket.on("data", (bytes: Buffer) => {
        rest = Buffer.concat([rest, bytes]);
        while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
          const query = rest.subarray(2, 2 + rest.readUInt16BE(0));
          rest = rest.subarray(2 + query.length);
          void this.#answer(query, MOST_TCP).then((answer) => {
            if (!answer) return socket.destroy();
            const length = Buffer.alloc(2);
            length.writeUInt16BE(answer.length);
            socket.write(Buffer.concat([length, answer]));
          });
        }
      });
    });
  }

  async listen(host: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#udp.once("error", reject);
      this.#udp.bind(port, host, () => resolve());
    });
    await new Promise<void>((resolve, reject) => {
      this.#tcp.once("error", reject);
      this.#tcp.listen(port, host, () => resolve());
    });
  }

  close(): void {
    this.#udp.close();
    this.#tcp.close();
  }

  async #answer(bytes: Buffer, most: number): Promise<Buffer | undefined> {
    const question = parseQuery(bytes);
    if (!question) return undefined;
    const { name, type } = question;
    const isOwn = name.endsWith(`.${this.#source.domain}`) || name === this.#source.domain;
    const found = lookUp(name, type, this.#source);
    if (found || isOwn)
      return response(question, found ? RCODE.ok : RCODE.noName, await this.#follow(found ?? [], type), most);
    return this.#ask(question, most);
  }

  /** An alias is given with the addresses behind it. */
  async #follow(answers: readonly Answer[], type: number): Promise<readonly Answer[]> {
    const [first] = answers;
    if (answers.length !== 1 || first?.type !== TYPE.CNAME || type === TYPE.CNAME) return answers;
    const inside = lookUp(first.target.toLowerCase(), type, this.#source);
    if (inside) return [first, ...inside];
    if (type !== TYPE.A) return answers;
    const addresses = await this.#outside.resolve4(first.target).catch(() => []);
    return [first, ...addresses.map((address) => ({ name: first.target, type: TYPE.A, address }) as const)];
  }

  async #ask(question: Question, most: number): Promise<Buffer> {
    if (question.type !== TYPE.A || question.name === "") return response(question, RCODE.noName, [], most);
    try {
      const addresses = await this.#outside.resolve4(question.name);
      const answers = addresses.map((address) => ({ name: question.name, type: TYPE.A, address }) as const);
      return response(question, RCODE.ok, answers, most);
    } catch {
      return response(question, RCODE.noName, [], most); // a node without a way out knows no other names
    }
  }
}
