import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { waitFor } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { type Child, startChild } from "./child.ts";
import { freePort } from "./ports.ts";

/** Debian's packages of the server, with the libraries that a machine may lack. */
const PACKAGES = ["redis-server", "redis-tools", "libjemalloc2", "liblzf1", "libatomic1"];
const CACHE = join(homedir(), ".cache/xebec/redis");
const PROGRAM = join(CACHE, "usr/bin/redis-server");

export interface RedisServer extends AsyncDisposable {
  /** `127.0.0.1:<port>`. */
  readonly address: string;
  /** Ends the server at once with SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same port, empty. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Why there is no Redis for tests, a sentence; undefined when there is one. XEBEC_REDIS_SERVER and PATH come before Debian's package, which is kept. */
export function redisMissing(): string | undefined {
  try {
    program();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * Starts the real redis-server on a free port of 127.0.0.1; it stores nothing.
 * @throws XebecError when the program is missing or does not answer
 */
export async function startRedisServer(): Promise<RedisServer> {
  const port = await freePort();
  let child: Child | undefined;
  const start = async (): Promise<void> => {
    const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    const started = startChild(program(), args, { env: { ...process.env, LD_LIBRARY_PATH: libraries() } });
    child = started;
    await waitFor(
      `redis-server on port ${port}`,
      10_000,
      () => started.exited || started.output().includes("Ready to"),
    );
    if (started.exited) throw new XebecError("failed_precondition", `redis-server ended: ${started.output()}`);
  };
  const kill = async (): Promise<void> => child?.stop("SIGKILL");
  await start();
  return {
    address: `127.0.0.1:${port}`,
    kill,
    async restart() {
      await kill();
      await start();
    },
    close: kill,
    [Symbol.asyncDispose]: kill,
  };
}

function program(): string {
  const given = process.env.XEBEC_REDIS_SERVER;
  if (given) return given;
  const onPath = (process.env.PATH ?? "").split(delimiter).map((each) => join(each, "redis-server"));
  const found = [...onPath, PROGRAM].find(isExecutable);
  if (found) return found;
  try {
    download();
  } catch (error) {
    const why = String((error as { stderr?: unknown }).stderr ?? (error as Error).message).split("\n")[0];
    throw new XebecError("failed_precondition", `redis-server is not installed and apt-get cannot fetch it: ${why}`);
  }
  return PROGRAM;
}

/** Fetches Debian's packages and unpacks them, without installing anything. */
function download(): void {
  const folder = `${CACHE}.${process.pid}`;
  mkdirSync(folder, { recursive: true });
  try {
    const options = { cwd: folder, stdio: "pipe", timeout: 60_000 } as const;
    execFileSync("apt-get", ["download", ...PACKAGES], options);
    for (const file of readdirSync(folder))
      if (file.endsWith(".deb")) execFileSync("dpkg-deb", ["-x", file, "."], options);
    if (!existsSync(CACHE)) renameSync(folder, CACHE);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function libraries(): string {
  const folder = join(CACHE, "usr/lib");
  const own = existsSync(folder) ? readdirSync(folder).map((each) => join(folder, each)) : [];
  return [...own, ...(process.env.LD_LIBRARY_PATH ?? "").split(":")].filter(Boolean).join(":");
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // whatever the reason, it cannot be run from here
  }
}
