// The servers of Istio's task samples: `main.ts httpbin`, `main.ts helloworld VERSION`, `main.ts tcp-echo PORTS PREFIX`, `main.ts issuer`.
import { generateKeyPairSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createServer as createTcpServer } from "node:net";

const host = process.env.BIND_ADDRESS ?? "127.0.0.1";
const MAX_BODY = 1 << 20;

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify(body, undefined, 2)}\n`);
}

/** Says what it was asked: `/get`, `/post`, `/anything`, `/headers`, `/ip`, `/status/CODE`, `/delay/SECONDS`. */
const httpbin: Handler = (request, response, body) => {
  const scheme = "encrypted" in request.socket ? "https" : "http";
  const url = new URL(request.url ?? "/", `${scheme}://${request.headers.host ?? "httpbin"}`);
  const [, first = "", value = ""] = url.pathname.split("/");
  const asked = {
    ...{ args: Object.fromEntries(url.searchParams), headers: request.headers, method: request.method, url: url.href },
    ...(body ? { data: body } : {}),
  };
  const number = Number(value);
  if (first === "headers") answer(response, 200, { headers: request.headers });
  else if (first === "ip") answer(response, 200, { origin: request.headers["x-forwarded-for"] ?? "" });
  else if (first === "status" && number >= 200 && number < 600) response.writeHead(number).end();
  else if (first === "delay" && number >= 0 && number <= 10)
    setTimeout(() => answer(response, 200, asked), number * 1_000);
  else if (["get", "post", "put", "delete", "anything"].includes(first)) answer(response, 200, asked);
  else answer(response, 404, { error: `no page ${url.pathname}` });
};

/**
 * Signs tokens with a key of its own, made at its start. `/token?NAME=VALUE` is a token with these claims, a list where a value has
 * commas; `/jwks.json` is the key set.
 */
function issuer(name: string): Handler {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = { ...publicKey.export({ format: "jwk" }), kid: "lesson", use: "sig", alg: "ES256" };
  const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://issuer");
    if (pathname === "/jwks.json") return answer(response, 200, { keys: [key] });
    if (pathname !== "/token") return answer(response, 404, { error: "the pages are /token and /jwks.json" });
    const claims = [...searchParams].map(([claim, value]) => [claim, value.includes(",") ? value.split(",") : value]);
    const now = Math.floor(Date.now() / 1_000);
    const body = { iss: name, sub: "reader", iat: now, exp: now + 3_600, ...Object.fromEntries(claims) };
    const text = `${encoded({ alg: "ES256", typ: "JWT", kid: key.kid })}.${encoded(body)}`;
    const signature = sign("sha256", Buffer.from(text), { key: privateKey, dsaEncoding: "ieee-p1363" });
    response.end(`${text}.${signature.toString("base64url")}`);
  };
}

/** Says which version it is. */
const helloworld =
  (version: string): Handler =>
  (request, response) => {
    if (request.url?.startsWith("/hello"))
      response.end(`Hello version: ${version}, instance: ${process.env.HOSTNAME ?? ""}\n`);
    else answer(response, 404, { error: "the page is /hello" });
  };

function serveHttp(name: string, port: number, handler: Handler): void {
  const { HTTPS_CERT_FILE: cert, HTTPS_KEY_FILE: key } = process.env;
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    let body = "";
    response.on("finish", () => console.log(`${request.method} ${request.url} ${response.statusCode}`));
    request.on("data", (text: Buffer) => {
      body += text.toString();
      if (body.length > MAX_BODY) request.destroy();
    });
    request.on("end", () => handler(request, response, body));
  };
  const server =
    cert && key
      ? createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, listener)
      : createServer(listener);
  // Longer than the proxy's own idle time, so that the proxy is the one that closes.
  server.keepAliveTimeout = 75_000;
  server.listen(port, host, () => console.log(`${name} listens on ${host}:${port}`));
}

/** Sends every line back behind a prefix. */
function serveEcho(port: number, prefix: string): void {
  createTcpServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes: Buffer) => socket.write(`${prefix} ${bytes.toString()}`));
    socket.on("end", () => socket.end());
  }).listen(port, host, () => console.log(`tcp-echo listens on ${host}:${port}`));
}

const [service, first = "", second = ""] = process.argv.slice(2);
const port = (usual: number): number => Number(process.env.PORT ?? usual);
if (service === "httpbin") serveHttp(service, port(8080), httpbin);
else if (service === "helloworld") serveHttp(service, port(5000), helloworld(first || "v1"));
else if (service === "issuer") serveHttp(service, port(8080), issuer(first || "issuer@example.com"));
else if (service === "tcp-echo")
  for (const each of (first || "9000").split(",")) serveEcho(Number(each), second || "hello");
else {
  process.stderr.write(
    "usage: main.ts httpbin | helloworld [VERSION] | tcp-echo [PORT,PORT] [PREFIX] | issuer [NAME]\n",
  );
  process.exit(2);
}
process.on("SIGTERM", () => process.exit(0));
