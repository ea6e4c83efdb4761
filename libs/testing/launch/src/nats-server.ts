import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { waitFor } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { type Child, startChild } from "./child.ts";
import { freePort, tempDir } from "./ports.ts";
import { findTool } from "./tools.ts";

export interface NatsServerOptions {
  /** Further text for the configuration file, for example `authorization { ... }`. */
  readonly config?: string;
  /** Where JetStream stores; absent: a folder that `close` removes. */
  readonly storeDir?: string;
}

export interface NatsServer extends AsyncDisposable {
  readonly port: number;
  /** `127.0.0.1:<port>` for the client's `servers`. */
  readonly address: string;
  readonly storeDir: string;
  output(): string;
  /** Ends the server at once with SIGKILL; the store stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port. @param fresh true: with an empty store, as after the loss of its disk */
  restart(fresh?: boolean): Promise<void>;
  /** Changes the further text of the configuration from the next start on. */
  configure(config: string): void;
  close(): Promise<void>;
}

/**
 * Starts the real nats-server with JetStream on a free port of 127.0.0.1.
 * @throws XebecError when the program is missing or does not answer, with what it said
 */
export async function startNatsServer({ config = "", storeDir }: NatsServerOptions = {}): Promise<NatsServer> {
  const program = findTool("nats-server");
  const folder = tempDir();
  const port = await freePort();
  let further = config;
  let round = 0;
  let child: Child | undefined;
  const store = (): string => storeDir ?? join(folder.path, `store-${round}`);
  const start = async (): Promise<void> => {
    mkdirSync(store(), { recursive: true });
    const file = folder.file("nats.conf");
    const text = [`listen: "127.0.0.1:${port}"`, `jetstream { store_dir: "${store()}" }`, further, ""].join("\n");
    writeFileSync(file, text, { mode: 0o600 });
    const started = startChild(program, ["-c", file]);
    child = started;
    await waitFor(`nats-server on port ${port}`, 10_000, () => started.exited || answers(port));
    if (started.exited) throw new XebecError("failed_precondition", `nats-server ended: ${started.output()}`);
  };
  const kill = async (): Promise<void> => child?.stop("SIGKILL");
  const close = async (): Promise<void> => {
    await kill();
    folder.remove();
  };
  try {
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    port,
    address: `127.0.0.1:${port}`,
    get storeDir() {
      return store();
    },
    output: () => child?.output() ?? "",
    kill,
    async restart(fresh = false) {
      await kill();
      if (fresh) round++;
      await start();
    },
    configure(text) {
      further = text;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

// A NATS server speaks first; its greeting means that it takes clients.
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (value: boolean): void => {
      socket.destroy();
      resolve(value);
    };
    socket.once("data", (bytes) => end(bytes.toString().startsWith("INFO")));
    socket.once("error", () => end(false));
    socket.setTimeout(1_000, () => end(false));
  });
}
