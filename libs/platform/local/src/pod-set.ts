import { hash } from "node:crypto";
import { freeSlot } from "./address-plan.ts";
import { wantsInjection } from "./injection.ts";
import type { Deployment } from "./manifest-objects.ts";
import type { PodHost } from "./pod-host.ts";
import { newPodState, PodRunner } from "./pod-runner.ts";
import type { PodState } from "./state-file.ts";
import type { UnitBefore } from "./unit.ts";

/**
 * The pods of all Deployments. A Deployment that changes gets new pods first; the old ones end when the new ones are ready.
 */
export class PodSet {
  readonly #host: PodHost;
  readonly #namespaceLabels: (namespace: string) => Readonly<Record<string, string>>;
  readonly #pods = new Map<string, PodRunner>();
  readonly #ending = new Map<PodRunner, Promise<void>>();
  #wanted: readonly Deployment[] = [];

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
   * @param before what is known of a unit, by its name
   */
  adopt(states: readonly PodState[], before: (unit: string) => UnitBefore): void {
    for (const state of states) {
      const pod = this.#add(state, true, before);
      if (state.deletedAt !== undefined) this.#end(pod);
    }
  }

  /** Makes the pods be those of these Deployments. */
  reconcile(deployments: readonly Deployment[]): void {
    this.#wanted = deployments;
    const byName = new Map(deployments.map((each) => [`${each.metadata.namespace}/${each.metadata.name}`, each]));
    for (const pod of this.pods) if (!byName.has(`${pod.state.namespace}/${pod.state.deployment}`)) this.#end(pod);
    for (const deployment of deployments) this.#reconcileOne(deployment);
  }

  /** Called when a pod's readiness changed: a replacement may go on. */
  step(): void {
    for (const deployment of this.#wanted) this.#reconcileOne(deployment);
  }

  #reconcileOne(deployment: Deployment): void {
    const { name, namespace } = deployment.metadata;
    const template = hash("sha1", JSON.stringify(deployment.template), "hex");
    const all = this.pods.filter((pod) => pod.state.namespace === namespace && pod.state.deployment === name);
    const current = all.filter((pod) => pod.state.hash === template);
    const old = all.filter((pod) => pod.state.hash !== template);
    for (const extra of current.slice(deployment.replicas)) this.#end(extra);
    for (let i = current.length; i < deployment.replicas; i++)
      current.push(this.#add(newPodState(deployment.metadata, template, this.#slot(), deployment.template), false));
    const ready = current.filter((pod) => pod.ready).length;
    // As many old pods may go as new ones are ready.
    for (const pod of old.slice(0, old.length - Math.max(0, deployment.replicas - ready))) this.#end(pod);
  }

  #slot(): number {
    return freeSlot(new Set(this.all.map((pod) => pod.state.slot)));
  }

  #add(state: PodState, admitted: boolean, before?: (unit: string) => UnitBefore): PodRunner {
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

  #end(pod: PodRunner): void {
    this.#pods.delete(`${pod.state.namespace}/${pod.state.name}`);
    const ending = pod.end().finally(() => {
      this.#ending.delete(pod);
      void this.#host.stateChanged();
    });
    this.#ending.set(pod, ending);
  }

  async endAll(): Promise<void> {
    // A pod that goes would be replaced.
    this.#wanted = [];
    for (const pod of this.pods) this.#end(pod);
    await Promise.all(this.#ending.values());
  }

  releaseAll(): void {
    this.#wanted = [];
    for (const pod of this.pods) pod.release();
  }
}
