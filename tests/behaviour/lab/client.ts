import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { Agent, request as request1 } from "node:http";
import { type ClientHttp2Stream, connect as connect2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { Arrival, Connection, HttpAnswer, HttpRequest, TcpAnswer } from "./calls.ts";

const split = (text: string): [string, number] => [
  text.slice(0, text.lastIndexOf(":")),
  Number(text.split(":").at(-1)),
];

/** Opens a connection as it is described. @throws when it is refused or cut off */
export async function open(connection: Connection): Promise<Socket> {
  const { at, from, meant, source = "10.1.0.77", tunnel, tls, idleMs } = connection;
  const [host, port] = split(at);
  const socket = at.startsWith("/") ? connect(at) : connect({ port, host, ...(from ? { localAddress: from } : {}) });
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  if (meant) {
    const [address, number] = split(meant);
    socket.write(`PROXY TCP4 ${source} ${address} 40000 ${number}\r\n`);
  }
  if (idleMs) await sleep(idleMs);
  if (tunnel) {
    socket.write(`CONNECT ${tunnel} HTTP/1.1\r\nhost: ${tunnel}\r\n\r\n`);
    const [answer] = (await once(socket, "data")) as [Buffer];
    if (!answer.toString().startsWith("HTTP/1.1 200")) {
      socket.destroy();
      throw new Error(`the tunnel was refused: ${answer.toString().split("\r\n")[0]}`);
    }
  }
  if (!tls) return socket;
  const secure = connectTls({
    ...{ socket, rejectUnauthorized: false, ALPNProtocols: [...(tls.alpn ?? [])] },
    ...(tls.sni ? { servername: tls.sni } : {}),
    ...(tls.version ? { minVersion: tls.version, maxVersion: tls.version } : {}),
    ...(tls.cert && tls.key ? { cert: tls.cert, key: tls.key } : {}),
    ...(tls.version ? { minVersion: tls.version, maxVersion: tls.version } : {}),
    ...(tls.ciphers ? { ciphers: tls.ciphers } : {}),
  });
  // A server of TLS 1.3 refuses a client's certificate only after the handshake.
  secure.on("error", () => secure.destroy());
  await once(secure, "secureConnect");
  return secure;
}

function peerOf(socket: Partial<TLSSocket>): string {
  return socket.getPeerCertificate?.()?.subjectaltname ?? "";
}

/** Makes one HTTP request on a connection of its own. */
export async function http(connection: Connection, request: HttpRequest): Promise<HttpAnswer> {
  const began = performance.now();
  const failed = (error: unknown): HttpAnswer => ({
    ...{ status: 0, headers: {}, trailers: {}, body: "", by: "" },
    error: error instanceof Error ? error.message : String(error),
    ms: performance.now() - began,
  });
  let socket: Socket;
  try {
    socket = await open(connection);
  } catch (error) {
    return failed(error);
  }
  const { getPeerCertificate, getCipher } = socket as Partial<TLSSocket>;
  const handshake = getPeerCertificate
    ? { peer: peerOf(socket as TLSSocket), cipher: getCipher?.call(socket).name ?? "" }
    : {};
  const late = setTimeout(() => socket.destroy(new Error(`no answer in ${request.timeoutMs} ms`)), request.timeoutMs);
  try {
    const ways = { "1.0": plain, "1.1": http1, "2": http2 };
    const { status, headers, trailers, body } = await ways[request.version](socket, request);
    const by = headers["x-by"] ?? "";
    const got = by && body.startsWith("{") ? { got: JSON.parse(body) as Arrival } : {};
    return { status, headers, trailers, body, by, ...got, ...handshake, error: "", ms: performance.now() - began };
  } catch (error) {
    return failed(error);
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
}

type Plain = Pick<HttpAnswer, "status" | "headers" | "trailers" | "body">;

const texts = (headers: object): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : String(value)]),
  );

function http1(socket: Socket, { method, target, authority, headers, body }: HttpRequest): Promise<Plain> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false });
    agent.createConnection = () => socket;
    const req = request1({ method, path: target, headers: { host: authority, ...headers }, agent, setHost: false });
    req.on("error", reject);
    req.on("upgrade", (res) =>
      resolve({ status: res.statusCode ?? 0, headers: texts(res.headers), trailers: {}, body: "" }),
    );
    req.on("response", (res) => {
      let text = "";
      res.on("data", (chunk: Buffer) => (text += chunk.toString()));
      res.on("error", reject);
      res.on("end", () =>
        resolve({
          status: res.statusCode ?? 0,
          headers: texts(res.headers),
          trailers: texts(res.trailers),
          body: text,
        }),
      );
    });
    req.end(body);
  });
}

/** HTTP/1.0, which node's client does not speak. */
async function plain(socket: Socket, { method, target, authority, headers, body }: HttpRequest): Promise<Plain> {
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const lines = Object.entries({ ...(authority ? { host: authority } : {}), ...headers }).map(
    ([k, v]) => `${k}: ${v}\r\n`,
  );
  socket.write(`${method} ${target} HTTP/1.0\r\n${lines.join("")}\r\n${body}`);
  await new Promise((resolve) => socket.on("close", resolve));
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [first = "", ...fields] = head.split("\r\n");
  const pairs = fields.map((line) => [line.split(":", 1)[0]?.toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]);
  if (!first.startsWith("HTTP/1")) throw new Error(text ? `not HTTP: ${text.slice(0, 100)}` : "cut off");
  return {
    ...{ status: Number(first.split(" ")[1]), headers: Object.fromEntries(pairs), trailers: {} },
    body: rest.join("\r\n\r\n"),
  };
}

function http2(socket: Socket, { method, target, authority, headers, body }: HttpRequest): Promise<Plain> {
  return new Promise((resolve, reject) => {
    const session = connect2(`http://${authority}`, { createConnection: () => socket });
    session.on("error", reject);
    const stream = session.request(
      { ":method": method, ":path": target, ":authority": authority, ...headers },
      { endStream: body === "" },
    );
    let found: Record<string, string> = {};
    let trailers: Record<string, string> = {};
    let text = "";
    stream.on("response", (got) => (found = texts(got)));
    stream.on("trailers", (got) => (trailers = texts(got)));
    stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
    stream.on("error", reject);
    stream.on("close", () => {
      if (found[":status"] === undefined) reject(new Error("cut off"));
      resolve({ status: Number(found[":status"]), headers: found, trailers, body: text });
    });
    if (body !== "") stream.end(body);
  });
}

/** Sends bytes and takes what comes until the connection ends. @param send empty for a client that waits for the server */
export async function tcp(connection: Connection, send: string, timeoutMs: number): Promise<TcpAnswer> {
  let socket: Socket;
  try {
    socket = await open(connection);
  } catch (error) {
    return { by: "", text: "", peer: "", error: error instanceof Error ? error.message : String(error) };
  }
  const peer = peerOf(socket as Partial<TLSSocket>);
  let text = "";
  let error = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const late = setTimeout(() => {
    error = `no end in ${timeoutMs} ms`;
    socket.destroy();
  }, timeoutMs);
  if (send) socket.write(send, "latin1");
  await new Promise<void>((resolve) => {
    socket.on("close", resolve);
    // A whole answer is enough: some ends take their time.
    socket.on("data", () => ((text.startsWith("{") && text.includes("\n")) || isWholeAnswer(text)) && resolve());
    if (socket.closed) resolve();
  });
  socket.destroy();
  clearTimeout(late);
  const line = text.split("\n")[0] ?? "";
  if (!line.startsWith("{")) return { by: "", text, peer, error: error || "cut off" };
  const got = JSON.parse(line) as Arrival;
  return { by: got.server, got, text, peer, error };
}

/** True for an answer of HTTP/1.1 with its body. */
function isWholeAnswer(text: string): boolean {
  const head = /^HTTP\/1\.1 .*?\r\n\r\n/s.exec(text)?.[0];
  if (head === undefined) return false;
  const length = /^content-length: (\d+)/im.exec(head)?.[1];
  return length === undefined ? text.endsWith("\r\n0\r\n\r\n") : text.length >= head.length + Number(length);
}

interface Held {
  readonly say: (text: string) => Promise<string>;
  readonly closed: () => boolean;
  readonly close: () => void;
}

const held = new Map<string, Held>();

/** Opens a WebSocket or a stream of HTTP/2 that stays open. @returns its id and the answer's head */
export async function hold(
  connection: Connection,
  { target, authority, headers, version, timeoutMs }: HttpRequest,
): Promise<{ id: string; status: number; by: string }> {
  const socket = await open(connection);
  const id = randomUUID();
  let isClosed = false;
  socket.on("close", () => (isClosed = true));
  const keep = (stream: Socket | ClientHttp2Stream): void => {
    stream.on("close", () => (isClosed = true));
    stream.on("error", () => (isClosed = true));
    const say = async (text: string): Promise<string> => {
      const next = once(stream, "data", { signal: AbortSignal.timeout(10_000) }) as Promise<[Buffer]>;
      stream.write(text);
      return (await next)[0].toString();
    };
    held.set(id, { say, closed: () => isClosed, close: () => socket.destroy() });
  };
  if (version === "2") {
    const session = connect2(`http://${authority}`, { createConnection: () => socket });
    session.on("error", () => (isClosed = true));
    const stream = session.request({
      ":method": "POST",
      ":path": target,
      ":authority": authority,
      ...headers,
      "x-stream": "1",
    });
    const [found] = (await once(stream, "response", { signal: AbortSignal.timeout(timeoutMs) })) as [
      Record<string, unknown>,
    ];
    keep(stream);
    return { id, status: Number(found[":status"]), by: String(found["x-by"] ?? "") };
  }
  const lines = Object.entries({ host: authority, connection: "upgrade", upgrade: "websocket", ...headers });
  socket.write(`GET ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`);
  const [head] = (await once(socket, "data", { signal: AbortSignal.timeout(timeoutMs) })) as [Buffer];
  keep(socket);
  const text = head.toString();
  return { id, status: Number(text.split(" ")[1]), by: /x-by: (\S+)/.exec(text)?.[1] ?? "" };
}

/** What is held under an id. */
export function heldUnder(id: string): Held {
  const found = held.get(id);
  if (!found) throw new Error(`nothing is held under ${id}`);
  return found;
}
