import { spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { SpdyConnection, type SpdyStream } from "./spdy.ts";

/**
 * Connects its standard input and output with a port of the namespace that it was started in; says why when it cannot. What happens
 * to a connection later is between its two ends: kubectl gives up everything that it forwards when it is sent an error.
 */
const CONNECT = `
let connected = false;
const socket = require("node:net").connect({ port: Number(process.argv[1]), host: "127.0.0.1", allowHalfOpen: true });
socket.on("error", (error) => { if (!connected) process.stderr.write(error.message); process.exit(1); });
socket.on("connect", () => { connected = true; process.stdin.pipe(socket); socket.pipe(process.stdout); });
socket.on("close", () => process.exit(0));
`;

/**
 * Forwards connections to ports of a pod (protocol portforward.k8s.io on SPDY). Each connection of the client is a pair of streams,
 * one for data and one for errors.
 * @param netns the path of the pod's network namespace
 */
export function servePortForward(netns: string, socket: Duplex, head: Buffer): void {
  const pairs = new Map<string, { data?: SpdyStream; error?: SpdyStream }>();
  const connection = new SpdyConnection(socket, head, (stream) => {
    const { requestid = "", port = "", streamtype } = stream.headers;
    const pair = pairs.get(requestid) ?? {};
    pairs.set(requestid, pair);
    pair[streamtype === "error" ? "error" : "data"] = stream;
    if (!pair.data || !pair.error) return;
    pairs.delete(requestid);
    forward(netns, Number(port), pair.data, pair.error, connection);
  });
}

function forward(netns: string, port: number, data: SpdyStream, error: SpdyStream, connection: SpdyConnection): void {
  const args = [`--net=${netns}`, "--", process.execPath, "-e", CONNECT, String(port)];
  const child = spawn("/usr/bin/nsenter", args, { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (bytes: Buffer) => {
    said = (said + bytes).slice(-1_000);
  });
  child.on("error", (problem) => {
    said = problem.message;
  });
  child.stdin.on("error", () => {}); // the pod has closed; its end follows
  data.read((bytes) => (bytes ? child.stdin.write(bytes) : child.stdin.end()));
  error.read(() => {});
  child.stdout.on("data", (bytes: Buffer) => {
    if (data.write(bytes)) return;
    child.stdout.pause();
    void connection.drained().then(() => child.stdout.resume());
  });
  void connection.closed.then(() => child.kill("SIGKILL"));
  child.once("close", () => {
    if (said) error.write(Buffer.from(`port ${port} of the pod: ${said}`));
    data.end();
    error.end();
  });
}
