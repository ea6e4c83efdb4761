import { XebecError } from "@xebec/core-errors";
import type { ChannelTarget } from "@xebec/platform-grpc";
import type { EnvoyNode } from "../node.ts";
import { PilotStream, type PilotUpdate } from "./pilot-stream.ts";
import { textAt } from "./wire.ts";

const TYPE = "type.googleapis.com/xebec.agent.v1.PullSecret";
const DOCKER_CONFIG = 1;
const WAIT_MS = 5_000;

/** The credentials of registries that the plugins of a proxy name. Pilot gives them to who has proved who it is. */
export class PullSecrets {
  readonly #stream: PilotStream;
  readonly #known = new Map<string, string>();
  readonly #waiting = new Set<() => void>();
  readonly #waitMs: number;

  constructor(target: ChannelTarget, node: EnvoyNode, waitMs = WAIT_MS) {
    this.#waitMs = waitMs;
    this.#stream = new PilotStream({ target, node, typeUrl: TYPE, take: async (update) => this.#take(update) });
  }

  /**
   * @param secret `NAMESPACE/NAME`
   * @returns a Docker configuration
   * @throws XebecError unavailable when pilot has none
   */
  async get(secret: string): Promise<string> {
    this.#stream.want([secret]);
    if (!this.#known.has(secret)) await this.#arrival(secret);
    const found = this.#known.get(secret);
    if (found !== undefined) return found;
    throw new XebecError(
      "unavailable",
      `pilot has no credentials of the Secret ${secret}: it is not there, or has no .dockerconfigjson, or this proxy is connected without a certificate`,
    );
  }

  close(): void {
    this.#stream.close();
    for (const done of [...this.#waiting]) done();
  }

  #arrival(secret: string): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      const look = (): void => {
        if (this.#known.has(secret)) done();
      };
      const timer = setTimeout(done, this.#waitMs);
      this.#waiting.add(look);
    });
  }

  #take({ resources, removed }: PilotUpdate): undefined {
    for (const name of removed) this.#known.delete(name);
    for (const { name, value } of resources) this.#known.set(name, textAt(value, DOCKER_CONFIG));
    for (const look of [...this.#waiting]) look();
  }
}
