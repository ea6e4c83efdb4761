import { logger } from "@xebec/core-log";
import { SUBJECTS } from "@xebec/model-bus";
import type { Bus, Subscription } from "@xebec/platform-bus";
import { decodeFacts, encodeFacts, type ReplicaFacts } from "./facts.ts";
import type { Replicas } from "./replicas.ts";

const log = logger("replicas");
const ANSWER_MS = 3_000;
const NOTHING = new Uint8Array();

/** What copies of pilot tell the leading one, so that it can speak for all of them. */
export class FactExchange {
  readonly #bus: Bus;
  readonly #replicas: Replicas;
  readonly #own: () => Promise<ReplicaFacts>;
  readonly #changed: () => void;
  readonly #subscriptions: Subscription[] = [];

  /**
   * @param own this copy's facts
   * @param changed called when another copy has other facts
   */
  constructor(bus: Bus, replicas: Replicas, own: () => Promise<ReplicaFacts>, changed: () => void) {
    this.#bus = bus;
    this.#replicas = replicas;
    this.#own = own;
    this.#changed = changed;
  }

  listen(): void {
    this.#subscriptions.push(
      this.#bus.respond(SUBJECTS.facts, async () => encodeFacts(this.#replicas.id, await this.#own())),
      this.#bus.subscribe(SUBJECTS.factsChanged, () => {
        if (this.#replicas.isLeader) this.#changed();
      }),
    );
  }

  end(): void {
    for (const each of this.#subscriptions.splice(0)) each.close();
  }

  /** This copy has other facts. */
  tell(): void {
    this.#bus.publish(SUBJECTS.factsChanged, Buffer.from(this.#replicas.id));
  }

  /** The facts of all other copies; `incomplete` while one that runs does not answer. */
  async ofOthers(): Promise<readonly ReplicaFacts[] | "incomplete"> {
    const { others, id } = this.#replicas;
    if (others.length === 0) return [];
    try {
      const answers = await this.#bus.requestAll(SUBJECTS.facts, NOTHING, { timeoutMs: ANSWER_MS });
      const found = new Map((await Promise.all(answers.map(decodeFacts))).map((each) => [each.replica, each]));
      found.delete(id);
      if (others.every((each) => found.has(each) || !this.#replicas.isAlive(each))) return [...found.values()];
      log.debug({ others, answered: [...found.keys()] }, "not all copies of pilot have answered");
    } catch (error) {
      log.debug({ err: error }, "the other copies of pilot could not be asked");
    }
    return "incomplete";
  }
}
