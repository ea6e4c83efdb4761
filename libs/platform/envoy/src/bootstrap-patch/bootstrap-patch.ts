import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { writeFileAtomic } from "@xebec/platform-files";
import type { ChannelTarget } from "@xebec/platform-grpc";
import { PilotStream, type PilotUpdate } from "../extensions/pilot-stream.ts";
import type { EnvoyNode } from "../node.ts";
import { refusedBootstrap } from "./check.ts";
import { mergedBootstrap } from "./merge.ts";

const log = logger("bootstrap");
const TYPE = "type.googleapis.com/envoy.config.bootstrap.v3.Bootstrap";
/** How long an agent that knows an earlier patch waits for pilot. */
const PATIENCE_MS = 5_000;

type Bootstrap = Readonly<Record<string, unknown>>;

export interface BootstrapPatchOptions {
  readonly pilot: ChannelTarget;
  readonly node: EnvoyNode;
  /** The Envoy program, which checks what it would be started with. */
  readonly program: string;
  /** Folder in which the last patch is kept. */
  readonly folder: string;
  readonly patienceMs?: number;
}

/**
 * The patches of EnvoyFilters for the bootstrap of a proxy: they are taken when the proxy is started, and hold until it is started anew.
 * One that Envoy refuses is left out, and pilot hears why.
 */
export class BootstrapPatch {
  readonly #options: BootstrapPatchOptions;
  readonly #stream: PilotStream;
  readonly #first = Promise.withResolvers<Bootstrap>();
  #bootstrap: Bootstrap = {};
  /** What the proxy is started with. */
  #taken: Buffer | undefined;
  /** Pilot's answer is late, and something else was taken. */
  #isLate = false;

  constructor(options: BootstrapPatchOptions) {
    this.#options = options;
    const { pilot: target, node } = options;
    this.#stream = new PilotStream({ target, node, typeUrl: TYPE, take: (update) => this.#take(update) });
  }

  /**
   * The bootstrap with the patches that pilot has now. While pilot does not answer: with those of an earlier start, or else not yet.
   * @param bootstrap in proto3 JSON
   */
  async applied(bootstrap: Bootstrap, signal: AbortSignal): Promise<Bootstrap> {
    this.#bootstrap = bootstrap;
    this.#stream.want(["*"]);
    const kept = await readFile(this.#file).catch(() => undefined);
    if (!kept) log.info("the bootstrap waits for its patches from pilot");
    const late = Promise.withResolvers<Bootstrap>();
    const timer = kept && setTimeout(() => late.resolve(this.#earlier(kept)), this.#options.patienceMs ?? PATIENCE_MS);
    const abort = (): void => late.reject(new XebecError("cancelled", "the agent ends"));
    signal.addEventListener("abort", abort, { once: true });
    try {
      return await Promise.race([this.#first.promise, late.promise]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    }
  }

  close(): void {
    this.#stream.close();
  }

  get #file(): string {
    return join(this.#options.folder, "bootstrap-patch.pb");
  }

  async #earlier(kept: Buffer): Promise<Bootstrap> {
    log.warn("pilot does not answer; the bootstrap has the patches of the last start");
    this.#isLate = true;
    this.#taken = kept;
    return this.#patched(kept).catch(() => this.#bootstrap);
  }

  /** @throws XebecError with what is wrong with the patch */
  async #patched(patch: Buffer): Promise<Bootstrap> {
    if (patch.length === 0) return this.#bootstrap;
    const { program, folder } = this.#options;
    const patched = await mergedBootstrap(this.#bootstrap, patch);
    const refused = await refusedBootstrap(program, patched, join(folder, "envoy-patched.json"));
    if (refused) throw new XebecError("failed_precondition", refused);
    return patched;
  }

  async #take({ resources }: PilotUpdate): Promise<string | undefined> {
    const patch = Buffer.from(resources[0]?.value ?? []);
    if (this.#taken) {
      if (!patch.equals(this.#taken))
        log.warn("the patches of the bootstrap have changed; they hold when the proxy is started anew");
      return undefined;
    }
    try {
      const patched = await this.#patched(patch);
      if (this.#isLate) return undefined;
      this.#taken = patch;
      await writeFileAtomic(this.#file, patch, { mode: 0o600 });
      this.#first.resolve(patched);
      return undefined;
    } catch (error) {
      const { message } = XebecError.from(error);
      log.error({ err: error }, "Envoy refuses the patches of its bootstrap; it is started without them");
      this.#taken ??= Buffer.alloc(0);
      this.#first.resolve(this.#bootstrap);
      return `the bootstrap: ${message}; the proxy is started without its patches`;
    }
  }
}
