import { isRunning } from "@xebec/platform-process";
import type { MainProcess } from "./main-processes.ts";
import type { ManagedProcess } from "./managed-process.ts";
import type { LocalState } from "./state-file.ts";

/** What an earlier supervisor wrote down and nobody has taken over yet. */
export class Inherited {
  readonly pods: LocalState["pods"];
  readonly processes: Readonly<Record<string, MainProcess>>;
  readonly starting: Readonly<Record<string, string>>;

  /** Names of processes that were taken over. */
  readonly #taken = new Set<string>();

  constructor(state?: Pick<LocalState, "pods" | "processes" | "starting">) {
    this.pods = state?.pods ?? [];
    this.processes = { ...state?.processes };
    this.starting = { ...state?.starting };
  }

  /**
   * What a next supervisor has to know. Until this one has taken over what an earlier one left, that is still part of it: it may be
   * killed in between.
   * @param managed the processes of this supervisor @param pods its pods; undefined until they are adopted
   */
  stateWith(runId: string, managed: readonly ManagedProcess[], pods: LocalState["pods"] | undefined): LocalState {
    const own = managed.map(({ spec, record }) => [spec.name, record] as const);
    for (const [name] of own) this.#taken.add(name);
    const left = Object.entries(this.processes).filter(([name, id]) => !this.#taken.has(name) && isRunning(id));
    const leftStarting = Object.entries(this.starting).filter(([name]) => !this.#taken.has(name));
    const running = own.flatMap(([name, { process }]) => (process ? [[name, process] as const] : []));
    const starting = own.flatMap(([name, { starting }]) => (starting ? [[name, starting] as const] : []));
    return {
      runId,
      pods: pods ?? this.pods,
      processes: Object.fromEntries([...left, ...running]),
      starting: Object.fromEntries([...leftStarting, ...starting]),
    };
  }
}
