import { createServer as createHttp, type IncomingMessage, type ServerResponse } from "node:http";
import {
  constants,
  createServer as createHttp2,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Stream,
} from "node:http2";
import { connect, createServer, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { type Arrival, CALL_HEADER, DO_HEADER, type Upstream } from "./calls.ts";

/** Arrived requests by call. */
const arrived = new Map<string, Arrival[]>();

export function arrivalsOf(call: string): readonly Arrival[] {
  return arrived.get(call) ?? [];
}

/** What is known of a connection beneath its protocol. */
type Origin = Pick<Arrival, "from" | "tls">;

/** Starts a server. @throws what `listen` says when the address is taken */
export async function startUpstream(spec: Upstream): Promise<() => Promise<void>> {
  const origins = new WeakMap<object, Origin>();
  const open = new Set<Socket>();
  const respond = (req: IncomingMessage | Http2ServerRequest, res: ServerResponse | Http2ServerResponse): void => {
    if (spec.tunnels) {
      (res as ServerResponse).writeHead(200).flushHeaders();
      // It leaves the end to its client: Envoy 1.40 does not survive an answer over HTTP/1 that ends before its request.
      req.once("data", (bytes) => (res as ServerResponse).write(tunnelAnswer(spec.name, req, String(bytes))));
    } else answer(spec.name, req, res, origins.get(req.socket) ?? { from: "" });
  };
  const http = createHttp({ keepAliveTimeout: 0 }, respond);
  http.on("upgrade", (req, socket: Socket) => {
    note(arrivalOf(spec.name, req, "", origins.get(socket) ?? { from: "" }));
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nx-by: ${spec.name}\r\n\r\n`,
    );
    socket.on("data", (text) => socket.write(`${spec.name}:${text}`));
    socket.on("error", () => socket.destroy());
  });
  http.on("connect", (req, socket: Socket) => {
    if (!spec.tunnels) return void socket.destroy();
    socket.write("HTTP/1.1 200 Connected\r\n\r\n");
    socket.once("data", (bytes) => socket.end(tunnelAnswer(spec.name, req, String(bytes))));
    return undefined;
  });
  const http2 = createHttp2(respond);
  http2.on("sessionError", () => {});
  const serve = (socket: Socket, origin: Origin): void => {
    origins.set(socket, origin);
    if (spec.silent && (!spec.tls || origin.tls)) return void socket.resume();
    if (spec.relay) {
      const far = connect(spec.relay);
      far.on("error", () => socket.destroy());
      far.on("close", () => socket.destroy());
      socket.on("close", () => far.destroy());
      return void socket.pipe(far).pipe(socket);
    }
    if (spec.greets) return void socket.end(tcpAnswer(spec.name, "", origin));
    socket.once("data", (first: Buffer) => {
      socket.pause();
      socket.unshift(first);
      if (first[0] === 0x16 && spec.tls && !origin.tls) return handshake(socket, spec.tls, origin, serve);
      const text = first.toString("latin1");
      if (text.startsWith("PRI * HTTP/2")) http2.emit("connection", socket);
      else if (/^[A-Z]+ \S+ HTTP\/1/.test(text)) http.emit("connection", socket);
      else {
        socket.read();
        socket.end(tcpAnswer(spec.name, text, origin));
      }
      process.nextTick(() => socket.resume());
      return undefined;
    });
  };
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => socket.destroy());
    serve(socket, { from: socket.remoteAddress ?? "" });
  });
  const [host, port] = [spec.at.slice(0, spec.at.lastIndexOf(":")), Number(spec.at.split(":").at(-1))];
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    if (spec.at.startsWith("/")) server.listen(spec.at, resolve);
    else server.listen(port, host, resolve);
  });
  return async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
}

function handshake(
  socket: Socket,
  { cert, key }: NonNullable<Upstream["tls"]>,
  origin: Origin,
  serve: (socket: Socket, origin: Origin) => void,
): void {
  const secure = new TLSSocket(socket, {
    ...{ isServer: true, cert, key, requestCert: true, rejectUnauthorized: false },
    ALPNCallback: ({ protocols }) => (protocols.includes("h2") ? "h2" : protocols[0]),
  });
  secure.on("error", () => socket.destroy());
  secure.on("secure", () => {
    const tls = {
      sni: String((secure as { servername?: string | false }).servername || ""),
      alpn: secure.alpnProtocol || "",
      client: secure.getPeerCertificate().subjectaltname ?? "",
    };
    serve(secure, { ...origin, tls });
  });
}

function tcpAnswer(server: string, body: string, origin: Origin): string {
  const got: Arrival = { server, protocol: "TCP", method: "", path: "", headers: {}, body, ...origin };
  return `${JSON.stringify(got)}\n`;
}

function tunnelAnswer(
  server: string,
  { method = "", headers }: IncomingMessage | Http2ServerRequest,
  body: string,
): string {
  return `${JSON.stringify({ server, method, host: headers.host, body })}\n`;
}

function note(arrival: Arrival): number {
  const call = arrival.headers[CALL_HEADER] ?? "";
  const list = arrived.get(call) ?? [];
  list.push(arrival);
  arrived.set(call, list);
  return list.length;
}

function arrivalOf(server: string, req: IncomingMessage | Http2ServerRequest, body: string, origin: Origin): Arrival {
  const headers = Object.fromEntries(Object.entries(req.headers).map(([name, value]) => [name, String(value)]));
  const protocol = `HTTP/${req.httpVersion === "2.0" ? "2" : req.httpVersion}` as Arrival["protocol"];
  return { server, protocol, method: req.method ?? "", path: req.url ?? "", headers, body, ...origin };
}

/** Of ext_authz by gRPC: who is asked so is an authorizer. */
const CHECK_PATH = "/envoy.service.auth.v3.Authorization/Check";

async function answerAsAuthorizer(
  server: string,
  req: IncomingMessage | Http2ServerRequest,
  res: Http2ServerResponse,
  origin: Origin,
): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of req) parts.push(part as Buffer);
  // Loaded where a lab has one: protobuf takes its time.
  const { answerCheck, readCheck } = await import("./authorizer.ts");
  const asked = readCheck(Buffer.concat(parts));
  const { method, path, headers, body } = asked;
  note({ server, protocol: "HTTP/2", method: `Check ${method}`, path, headers, body, ...origin });
  answerCheck(asked, res);
}

function answer(
  server: string,
  req: IncomingMessage | Http2ServerRequest,
  res: ServerResponse | Http2ServerResponse,
  origin: Origin,
): void {
  const stream: ServerHttp2Stream | undefined = "stream" in res ? res.stream : undefined;
  res.on("error", () => {});
  if (req.headers["x-stream"]) {
    note(arrivalOf(server, req, "", origin));
    (res as ServerResponse).writeHead(200, { "x-by": server }).flushHeaders();
    req.on("data", (text: Buffer) => (res as ServerResponse).write(`${server}:${text}`));
    req.on("end", () => res.end());
    return;
  }
  if (req.url === CHECK_PATH) return void answerAsAuthorizer(server, req, res as Http2ServerResponse, origin);
  let body = "";
  req.on("data", (text: Buffer) => (body += text.toString()));
  req.on("end", () => {
    const got = arrivalOf(server, req, body, origin);
    const count = note(got);
    const list = (got.headers[DO_HEADER] ?? "200").split(",");
    const parts = (list[Math.min(count, list.length) - 1] as string).split("+").map((each) => each.trim());
    const value = (name: string): string | undefined =>
      parts.find((each) => each.startsWith(`${name}:`))?.slice(name.length + 1);
    if (parts.includes("hang")) return;
    const end = (): void => {
      if (parts.includes("reset"))
        return void (stream ? stream.close(constants.NGHTTP2_INTERNAL_ERROR) : req.socket.destroy());
      if (parts.includes("refuse")) return void stream?.close(constants.NGHTTP2_REFUSED_STREAM);
      const status = Number(parts.find((each) => /^\d{3}$/.test(each)) ?? 200);
      const headers: Record<string, string> = { "x-by": server, "content-type": "application/json" };
      for (const each of parts.filter((part) => part.startsWith("header:"))) {
        const [name = "", text = ""] = each.slice("header:".length).split("=");
        headers[name] = text;
      }
      const grpc = value("grpc");
      if (grpc !== undefined) {
        (res as ServerResponse).writeHead(200, { ...headers, "content-type": "application/grpc" });
        res.addTrailers({ "grpc-status": grpc });
        res.end();
        return;
      }
      (res as ServerResponse).writeHead(status, headers);
      if (parts.includes("drip")) return void (res as ServerResponse).write("begun");
      (res as ServerResponse).end(status === 204 || status === 304 ? undefined : JSON.stringify(got));
    };
    const delay = Number(value("delay") ?? 0);
    if (delay > 0) setTimeout(end, delay);
    else end();
  });
}
