import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Finds TCP ports that are free now. They are held together and released together, so they differ. */
export async function freePorts(count: number, host = "127.0.0.1"): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen({ host, port: 0, exclusive: true }, resolve);
      });
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Finds one free TCP port. */
export async function freePort(host?: string): Promise<number> {
  return (await freePorts(1, host))[0] as number;
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
