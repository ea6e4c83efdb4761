import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { waitFor } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { startChild } from "./child.ts";
import { freePort, tempDir } from "./ports.ts";
import { findTool } from "./tools.ts";

export interface Envoy extends AsyncDisposable {
  readonly pid: number;
  readonly adminPort: number;
  readonly exited: boolean;
  output(): string;
  /** Asks the admin interface: `/config_dump`, `/clusters`, `/stats`. @returns the body */
  admin(path: string): Promise<string>;
  /** Waits until the server state is LIVE (its first configuration is complete). */
  ready(timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
}

export interface EnvoyOptions {
  /** The bootstrap in JSON form (proto3 JSON). An `admin` on a free loopback port is added unless it has one. */
  readonly bootstrap: Readonly<Record<string, unknown>>;
  readonly logLevel?: "trace" | "debug" | "info" | "warning" | "error" | "critical" | "off";
  readonly args?: readonly string[];
}

/**
 * Starts the real Envoy and waits for its admin interface.
 * @throws XebecError when the program is missing or ends, with what it said
 */
export async function startEnvoy({ bootstrap, logLevel = "warning", args = [] }: EnvoyOptions): Promise<Envoy> {
  const program = findTool("envoy");
  const folder = tempDir();
  const given = portOf(bootstrap.admin);
  const adminPort = given ?? (await freePort());
  const address = { socket_address: { address: "127.0.0.1", port_value: adminPort } };
  const file = folder.file("bootstrap.json");
  writeFileSync(file, JSON.stringify(given === undefined ? { ...bootstrap, admin: { address } } : bootstrap));
  const child = startChild(program, [
    ...["-c", file, "--use-dynamic-base-id", "--concurrency", "1", "-l", logLevel, "--disable-hot-restart"],
    ...args,
  ]);
  const close = async (): Promise<void> => {
    await child.stop("SIGKILL");
    folder.remove();
  };
  const admin = async (path: string): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${adminPort}${path}`);
    return response.text();
  };
  const alive = (): void => {
    if (child.exited) throw new XebecError("failed_precondition", `Envoy ended: ${child.output()}`);
  };
  try {
    await waitFor("Envoy's admin interface", 20_000, async () => child.exited || (await admin("/server_info")) !== "");
    alive();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    pid: child.pid,
    adminPort,
    get exited() {
      return child.exited;
    },
    output: child.output,
    admin,
    async ready(timeoutMs = 20_000) {
      await waitFor("Envoy is live", timeoutMs, async () => child.exited || (await admin("/ready")).startsWith("LIVE"));
      alive();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * Loads a bootstrap with `envoy --mode validate`.
 * @returns undefined when Envoy accepts it, else what it said
 */
export async function validateWithEnvoy(bootstrap: Readonly<Record<string, unknown>>): Promise<string | undefined> {
  using folder = tempDir();
  const file = folder.file("bootstrap.json");
  writeFileSync(file, JSON.stringify(bootstrap));
  try {
    await promisify(execFile)(findTool("envoy"), ["-c", file, "--mode", "validate", "-l", "warning"], {
      timeout: 60_000,
    });
    return undefined;
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    return stderr || message;
  }
}

function portOf(admin: unknown): number | undefined {
  if (typeof admin !== "object" || admin === null) return undefined;
  const { address } = admin as { address?: { socket_address?: { port_value?: number } } };
  return address?.socket_address?.port_value;
}
