import { createServer } from "node:net";

// Below the range from which the system takes ports for outgoing connections: one of those may be taken before it is used.
const FIRST = 10_000;
const COUNT = 20_000;
let next = (process.pid * 131) % COUNT;

/** Finds TCP ports of 127.0.0.1 that are free now; none is given twice by this process. */
export async function freePorts(count: 5): Promise<[number, number, number, number, number]>;
export async function freePorts(count: number): Promise<number[]>;
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tried = 0; ports.length < count && tried < COUNT; tried++) {
    const port = FIRST + (next++ % COUNT);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
