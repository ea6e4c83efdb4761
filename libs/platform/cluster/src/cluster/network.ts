import { readdirSync } from "node:fs";
import { XebecError } from "@xebec/core-errors";
import { processOf, signalProcess } from "@xebec/platform-process";
import { runProgram } from "../assets/run.ts";

const MOST_CLUSTERS = 250;
const NAMESPACES = "/run/netns";

/**
 * The network of a cluster's nodes: one namespace in which the control plane, the node agent and the rules of Services live, so that
 * the host's own network stays as it is. A link leads from the host to it; pods' namespaces hang on it.
 */
export class ClusterNetwork {
  /** Names the cluster on this machine: `xebec0`. Its namespace and the host's end of the link have this name. */
  readonly name: string;
  readonly #number: number;

  private constructor(number: number) {
    this.#number = number;
    this.name = `xebec${number}`;
  }

  /** The address of the nodes: the host and pods reach the API server and NodePorts there. */
  get nodeIp(): string {
    return `10.201.${this.#number}.2`;
  }

  /** What a command starts with to run in the namespace. */
  get prefix(): readonly string[] {
    return ["/usr/bin/nsenter", `--net=${NAMESPACES}/${this.name}`, "--"];
  }

  /**
   * Makes the network of one more cluster on this machine.
   * @param serviceCidr the addresses of Services
   * @throws XebecError failed_precondition without root or `ip`
   */
  static async create(serviceCidr: string): Promise<ClusterNetwork> {
    if (process.getuid?.() !== 0)
      throw new XebecError(
        "failed_precondition",
        "a cluster with nodes needs root, because pods get network namespaces; without root a control plane alone runs: --nodes 0",
      );
    for (let number = 0; number < MOST_CLUSTERS; number++) {
      const network = new ClusterNetwork(number);
      try {
        await ip(["netns", "add", network.name]);
      } catch (error) {
        // It is another cluster's.
        if (error instanceof XebecError && /exists/i.test(error.message)) continue;
        throw error;
      }
      try {
        await network.#connect(serviceCidr);
      } catch (error) {
        await network.remove();
        throw error;
      }
      return network;
    }
    throw new XebecError("resource_exhausted", `${MOST_CLUSTERS} clusters run on this machine; end one of them`);
  }

  /** The network of a cluster that an earlier process has started. */
  static named(name: string): ClusterNetwork {
    return new ClusterNetwork(Number(name.replace("xebec", "")));
  }

  async #connect(serviceCidr: string): Promise<void> {
    const { name, nodeIp } = this;
    const hostIp = nodeIp.replace(/2$/, "1");
    await batch(
      [],
      [
        `link add ${name} type veth peer name eth0 netns ${name}`,
        `addr add ${hostIp}/30 dev ${name}`,
        `link set ${name} up`,
      ],
    );
    await batch(
      ["-n", name],
      [
        "link set lo up",
        `addr add ${nodeIp}/30 dev eth0`,
        "link set eth0 up",
        // What starts here needs a way to Services before their rules give it another one; what only passes and is for none of
        // them is refused at once.
        `route add ${serviceCidr} dev eth0 table 100`,
        "rule add iif lo lookup 100",
        `route add unreachable ${serviceCidr}`,
      ],
    );
    await runProgram(this.prefix[0] as string, [
      ...this.prefix.slice(1),
      ...["/bin/sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv4/conf/all/forwarding"],
    ]);
  }

  /** The namespaces of the cluster: its own, and those of pods. */
  namespaces(): string[] {
    let found: string[];
    try {
      found = readdirSync(NAMESPACES);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
    return found.filter((each) => each === this.name || each.startsWith(`${this.name}-`));
  }

  /** Ends what still runs in the cluster's namespaces, and removes them with everything that hangs on them. */
  async remove(): Promise<void> {
    for (const namespace of this.namespaces().reverse()) {
      const pids = await ip(["netns", "pids", namespace]).catch(() => "");
      for (const pid of pids.split("\n").filter(Boolean)) {
        const found = processOf(Number(pid));
        if (found) signalProcess(found, "SIGKILL");
      }
      await ip(["netns", "del", namespace]);
    }
    // It goes with its namespace, unless that was never made.
    await ip(["link", "del", this.name]).catch(() => {});
  }
}

function ip(args: readonly string[]): Promise<string> {
  return runProgram("ip", args);
}

function batch(options: readonly string[], lines: readonly string[]): Promise<string> {
  return runProgram("ip", [...options, "-batch", "-"], { input: `${lines.join("\n")}\n` });
}
