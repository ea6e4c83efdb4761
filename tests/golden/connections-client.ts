// Runs inside a network namespace: listens on addresses, makes connections through a proxy, as traffic capture would hand them
// over or as its clients would, and prints where each one arrived. The first argument is a `ConnectionPlan` as JSON.
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export interface PlannedConnection {
  /** `ADDRESS:PORT` of the proxy. */
  readonly via: string;
  /** `ADDRESS:PORT` that the client meant, where traffic is captured. */
  readonly to?: string;
  /** `HOST:PORT` to tunnel to. */
  readonly tunnel?: string;
  /** What is sent: an HTTP request for this host, a handshake for this server, or some bytes. */
  readonly http?: string;
  readonly sni?: string;
}

export interface ConnectionPlan {
  /** `ADDRESS:PORT` of every server. */
  readonly servers: readonly string[];
  readonly calls: Readonly<Record<string, PlannedConnection>>;
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

async function call({ via, to, tunnel, http, sni }: PlannedConnection): Promise<string> {
  arrived = CUT_OFF;
  const [proxy, proxyPort] = split(via);
  const socket: Socket = connect(proxyPort, proxy);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  // A connection that is cut off is an answer too.
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  if (to) {
    const [host, port] = split(to);
    socket.write(`PROXY TCP4 10.1.0.77 ${host} 40000 ${port}\r\n`);
  }
  if (tunnel) {
    socket.write(`CONNECT ${tunnel} HTTP/1.1\r\nhost: ${tunnel}\r\n\r\n`);
    const [answer] = (await once(socket, "data")) as [Buffer];
    if (!answer.toString().startsWith("HTTP/1.1 200")) socket.destroy();
  }
  if (sni) connectTls({ socket, servername: sni, rejectUnauthorized: false }).on("error", () => socket.destroy());
  else {
    socket.write(http ? `GET http://${http}/ HTTP/1.1\r\nhost: ${http}\r\nconnection: close\r\n\r\n` : "hello");
    socket.resume();
  }
  await closed;
  return arrived;
}

const { servers, calls } = JSON.parse(process.argv[2] ?? "") as ConnectionPlan;
for (const each of servers) await listen(each);
const results: Record<string, string> = {};
for (const [name, each] of Object.entries(calls)) results[name] = await call(each);
console.log(JSON.stringify(results));
process.exit(0);
