import { hash } from "node:crypto";
import { sleep } from "@xebec/core-async";
import { freeHostNumber } from "./address-plan.ts";
import { wantsInjection } from "./injection.ts";
import type { Deployment } from "./manifest-objects.ts";
import { newPodState } from "./new-pod.ts";
import type { PodHost } from "./pod-host.ts";
import { PodRunner } from "./pod-runner.ts";
import type { ProcessBefore } from "./process-spec.ts";
import { planRollout, rolloutLimits } from "./rollout.ts";
import type { PodState } from "./state-file.ts";

/** How long pods may take when the mesh ends, in milliseconds. */
const DOWN_MS = 5_000;
const PROXY_MS = 2_500;

/** The pods of all Deployments, which change as their strategies say. */
export class PodSet {
  readonly #host: PodHost;
  readonly #namespaceLabels: (namespace: string) => Readonly<Record<string, string>>;
  readonly #pods = new Map<string, PodRunner>();
  readonly #ending = new Map<PodRunner, Promise<void>>();
  readonly #later = new Set<NodeJS.Timeout>();
  #desired: readonly Deployment[] = [];
  /** Nothing is made or ended any more: before the manifests are read, and when the supervisor goes. */
  #frozen = true;
  #stepping = false;
  #again = false;

  constructor(host: PodHost, namespaceLabels: (namespace: string) => Readonly<Record<string, string>>) {
    this.#host = host;
    this.#namespaceLabels = namespaceLabels;
  }

  /** Those that shall run. */
  get pods(): readonly PodRunner[] {
    return [...this.#pods.values()];
  }

  /** Also those that are ending. */
  get all(): readonly PodRunner[] {
    return [...this.#pods.values(), ...this.#ending.keys()];
  }

  /** What a next supervisor has to know of them. A pod that is ending has processes, too. */
  get states(): readonly PodState[] {
    return this.all.filter((pod) => pod.admitted).map((pod) => pod.current);
  }

  /**
   * Takes over the pods that an earlier supervisor left running; those that it was about to end are ended.
   * @param before what is known of a process, by its name
   */
  adopt(states: readonly PodState[], before: (name: string) => ProcessBefore): void {
    for (const state of states) {
      const pod = this.#add(state, true, before);
      if (state.deletedAt !== undefined) this.#end(pod);
    }
  }

  /** Makes the pods be those of these Deployments. */
  reconcile(deployments: readonly Deployment[]): void {
    this.#desired = deployments;
    this.#frozen = false;
    this.step();
  }

  /** Called when something of a pod changed: a rollout may go on. */
  step(): void {
    // What a step does to pods calls for a step again.
    this.#again = true;
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      while (this.#again) {
        this.#again = false;
        this.#stepOnce();
      }
    } finally {
      this.#stepping = false;
    }
  }

  #stepOnce(): void {
    if (this.#frozen) return;
    const names = new Set(this.#desired.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
    for (const pod of this.pods) if (!names.has(`${pod.state.namespace}/${pod.state.deployment}`)) this.#end(pod);
    for (const deployment of this.#desired) this.#reconcileOne(deployment);
  }

  #reconcileOne(deployment: Deployment): void {
    const { name, namespace } = deployment.metadata;
    const template = hash("sha1", JSON.stringify(deployment.template), "hex");
    const isOf = ({ state }: PodRunner): boolean => state.namespace === namespace && state.deployment === name;
    const least = (deployment.minReadySeconds ?? 0) * 1_000;
    const pods = this.pods.filter(isOf).map((pod) => {
      const { ready, readyForMs = Number.NEGATIVE_INFINITY } = pod;
      if (ready && readyForMs < least) this.#stepIn(least - readyForMs);
      return { pod, ready, available: readyForMs >= least, current: pod.state.hash === template };
    });
    const ending = [...this.#ending.keys()].filter((pod) => isOf(pod) && pod.state.hash !== template).length;
    const plan = planRollout(deployment.replicas, rolloutLimits(deployment), pods, ending);
    for (const { pod } of plan.end) this.#end(pod);
    for (let i = 0; i < plan.create; i++)
      this.#add(newPodState(deployment.metadata, template, this.#hostNumber(), deployment.template), false);
  }

  /** A pod becomes available by nothing but time. */
  #stepIn(ms: number): void {
    const timer = setTimeout(() => {
      this.#later.delete(timer);
      this.step();
    }, ms);
    this.#later.add(timer);
  }

  #hostNumber(): number {
    return freeHostNumber(new Set(this.all.map((pod) => pod.state.hostNumber)));
  }

  #add(state: PodState, admitted: boolean, before?: (name: string) => ProcessBefore): PodRunner {
    const pod = new PodRunner(
      this.#host,
      state,
      wantsInjection(this.#namespaceLabels(state.namespace), state.labels),
      admitted,
    );
    this.#pods.set(`${state.namespace}/${state.name}`, pod);
    // Of a new pod nothing can run.
    pod.start(before ?? (() => ({ found: [] })));
    return pod;
  }

  #end(pod: PodRunner, mostMs?: number): void {
    this.#pods.delete(`${pod.state.namespace}/${pod.state.name}`);
    const ending = pod.end(mostMs).finally(() => {
      this.#ending.delete(pod);
      void this.#host.stateChanged();
      this.step();
    });
    this.#ending.set(pod, ending);
  }

  #stopSteps(): void {
    // A pod that goes would be replaced.
    this.#frozen = true;
    for (const timer of this.#later) clearTimeout(timer);
  }

  async endAll(): Promise<void> {
    this.#stopSteps();
    for (const pod of this.pods) this.#end(pod, DOWN_MS);
    // Those that were ending before may have a long grace period; what is left of them is killed with the mesh.
    await Promise.race([Promise.all(this.#ending.values()), sleep(DOWN_MS + PROXY_MS)]);
  }

  releaseAll(): void {
    this.#stopSteps();
    for (const pod of this.all) pod.release();
  }
}
