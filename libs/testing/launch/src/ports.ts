import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

// Below the range from which the system takes ports for outgoing connections: one of those may be taken before it is used.
const FIRST = 10_000;
const COUNT = 20_000;
/** Test processes that run side by side begin at places of their own. */
let next = (process.pid * 97) % COUNT;

/** Finds TCP ports that are free now; none is given twice by this process. */
export async function freePorts(count: number, host = "127.0.0.1"): Promise<number[]> {
  const ports: number[] = [];
  for (let tried = 0; ports.length < count && tried < COUNT; tried++) {
    const port = FIRST + (next++ % COUNT);
    if (await isFree(host, port)) ports.push(port);
  }
  return ports;
}

function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(false);
      else reject(error);
    });
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Finds one free TCP port. */
export async function freePort(host?: string): Promise<number> {
  return (await freePorts(1, host))[0] as number;
}

/**
 * Finds a second octet of 127.0.0.0/8 in which nothing listens, for a whole mesh (`--address-block`).
 * @throws Error when there is none
 */
export function freeAddressBlock(): number {
  const sockets = readFileSync("/proc/net/tcp", "utf8");
  for (let block = 64 + (process.pid % 100); block < 254; block++)
    // The kernel writes addresses in reverse: 127.B.x.y is yyxxBB7F.
    if (!sockets.includes(`${block.toString(16).toUpperCase().padStart(2, "0")}7F:`)) return block;
  throw new Error("no free loopback block");
}

export interface TempDir extends Disposable {
  readonly path: string;
  /** The path of a file in the folder. */
  file(name: string): string;
  remove(): void;
}

/** Makes an empty folder for one test: `using folder = tempDir()`. */
export function tempDir(): TempDir {
  const path = mkdtempSync(join(tmpdir(), "xebec-test-"));
  const remove = (): void => rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  return { path, file: (name) => join(path, name), remove, [Symbol.dispose]: remove };
}
