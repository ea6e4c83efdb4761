import type { ManagedProcess } from "./managed-process.ts";
import { chooseContainer, findPod } from "./pod-lookup.ts";
import type { PodRunner } from "./pod-runner.ts";

/** Finds what commands ask of a pod or service by its name. */
export class ProcessLookup {
  readonly #services: readonly ManagedProcess[];
  readonly #pods: readonly PodRunner[];

  constructor(services: readonly ManagedProcess[], pods: readonly PodRunner[]) {
    this.#services = services;
    this.#pods = pods;
  }

  /**
   * The environment and directory of a pod's container, for `exec`. @returns undefined when there is no such pod
   * @throws XebecError not_found for a container that it has not
   */
  execContext(
    name: string,
    container?: string,
  ): { readonly env: Readonly<Record<string, string>>; readonly cwd: string } | undefined {
    const processes = this.#containersOf(name);
    if (!processes) return undefined;
    const spec = processes.get(chooseContainer(name, [...processes.keys()], container))?.spec;
    return spec && { env: spec.env, cwd: spec.cwd };
  }

  /** Where the proxy of a pod has its admin interface. @returns undefined when there is no such pod */
  proxyAdmin(name: string): { readonly proxy: string; readonly host: string; readonly port: number } | undefined {
    const pod = findPod(this.#pods, (each) => each.state, name);
    if (!pod) return undefined;
    const { host, adminPort } = pod.proxyPlace;
    return { proxy: `${pod.state.name}.${pod.state.namespace}`, host, port: adminPort };
  }

  /** Log files of a pod or service, by container. @returns undefined when there is no such pod or service */
  logFiles(name: string): Record<string, string> | undefined {
    const service = this.#services.find((each) => each.spec.name === `service/${name}`);
    if (service) return { [name]: service.spec.logFile };
    const processes = this.#containersOf(name);
    return (
      processes && Object.fromEntries([...processes].map(([container, managed]) => [container, managed.spec.logFile]))
    );
  }

  #containersOf(name: string): Map<string, ManagedProcess> | undefined {
    const pod = findPod(this.#pods, (each) => each.state, name);
    return pod && new Map(pod.processes.map((managed) => [managed.spec.name.split("/").at(-1) as string, managed]));
  }
}
