// Runs inside a network namespace: listens on addresses, makes connections as traffic capture would hand them to a proxy, and
// prints where each one arrived. The first argument is a `CapturePlan` as JSON.
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export interface CapturedCall {
  /** The proxy's port that traffic is redirected to. */
  readonly via: number;
  /** `ADDRESS:PORT` that the client meant. */
  readonly to: string;
  /** What is sent: an HTTP request for this host, a handshake for this server, or some bytes. */
  readonly http?: string;
  readonly sni?: string;
}

export interface CapturePlan {
  /** `ADDRESS:PORT` of every server. */
  readonly servers: readonly string[];
  readonly calls: Readonly<Record<string, CapturedCall>>;
}

const CUT_OFF = "(cut off)";
const split = (text: string): [string, number] => [
  text.slice(0, text.lastIndexOf(":")),
  Number(text.split(":").at(-1)),
];

let arrived = CUT_OFF;

async function listen(at: string): Promise<void> {
  const [host, port] = split(at);
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", () => {
      arrived = at;
      socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    });
  }).listen(port, host);
  await once(server, "listening");
}

async function call({ via, to, http, sni }: CapturedCall): Promise<string> {
  arrived = CUT_OFF;
  const socket: Socket = connect(via, "127.0.0.1");
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  // A connection that is cut off is an answer too.
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  const [host, port] = split(to);
  socket.write(`PROXY TCP4 10.1.0.77 ${host} 40000 ${port}\r\n`);
  if (sni) connectTls({ socket, servername: sni, rejectUnauthorized: false }).on("error", () => socket.destroy());
  else {
    socket.write(http ? `GET / HTTP/1.1\r\nhost: ${http}\r\nconnection: close\r\n\r\n` : "hello");
    socket.resume();
  }
  await closed;
  return arrived;
}

const { servers, calls } = JSON.parse(process.argv[2] ?? "") as CapturePlan;
for (const each of servers) await listen(each);
const results: Record<string, string> = {};
for (const [name, each] of Object.entries(calls)) results[name] = await call(each);
console.log(JSON.stringify(results));
process.exit(0);
