import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { XebecError } from "@xebec/core-errors";
import type { FromProxies, ProxiesOrder, Sign, ToProxies } from "./protocol.ts";

const CONNECT_MS = 120_000;

/** Many proxies that only subscribe, in a process of their own. */
export class SyntheticProxies {
  readonly count: number;
  readonly #child: ChildProcess;
  readonly #signal: AbortSignal;
  readonly #said: AsyncIterator<string>;

  private constructor(child: ChildProcess, count: number, signal: AbortSignal) {
    this.#child = child;
    this.count = count;
    this.#signal = signal;
    this.#said = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  }

  /**
   * Starts them, and waits until each has its configuration.
   * @param command what `xebec` is started with; `compare --proxies` of it is their process
   * @throws XebecError deadline_exceeded, unavailable
   */
  static async start(command: readonly string[], order: ProxiesOrder, signal: AbortSignal): Promise<SyntheticProxies> {
    const [program = process.execPath, ...rest] = command;
    const child = spawn(program, [...rest, "compare", "--proxies"], { stdio: ["pipe", "pipe", "ignore"] });
    child.stdin?.on("error", () => {});
    const proxies = new SyntheticProxies(child, order.count, signal);
    try {
      child.stdin?.write(`${JSON.stringify(order)}\n`);
      await proxies.#next("connected", CONNECT_MS);
      return proxies;
    } catch (error) {
      await proxies.end();
      throw error;
    }
  }

  /** From now on they wait for a change. */
  async watch(sign: Sign): Promise<void> {
    const message: ToProxies = { watch: sign };
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`);
    await this.#next("watching", CONNECT_MS);
  }

  /** @returns when the change came to each, by the clock of `sharedClock`, in milliseconds */
  async arrivals(timeoutMs: number): Promise<readonly number[]> {
    return (await this.#next("arrived", timeoutMs)).arrived;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }

  async #next<K extends "connected" | "watching" | "arrived">(
    wanted: K,
    timeoutMs: number,
  ): Promise<Extract<FromProxies, Record<K, unknown>>> {
    const over = AbortSignal.any([this.#signal, AbortSignal.timeout(timeoutMs)]);
    const aborted = once(over, "abort").then(() => undefined);
    const next = await Promise.race([this.#said.next(), aborted]);
    this.#signal.throwIfAborted();
    if (next === undefined)
      throw new XebecError(
        "deadline_exceeded",
        `after ${timeoutMs / 1_000} s not all of ${this.count} synthetic proxies have ${wanted === "arrived" ? "got the change" : "their configuration"}`,
      );
    if (next.done) throw new XebecError("unavailable", "the process of the synthetic proxies has ended");
    const said = JSON.parse(next.value) as FromProxies;
    if ("failed" in said) throw new XebecError("unavailable", `a synthetic proxy got no configuration: ${said.failed}`);
    return said as Extract<FromProxies, Record<K, unknown>>;
  }
}
