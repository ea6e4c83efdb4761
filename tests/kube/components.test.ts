import { after, afterEach, before, describe, it } from "node:test";
import { clusterMissing, type TestCluster, useCluster } from "@xebec/testing-kube";
import { GuideShell, guideSteps } from "./guide.testkit.ts";
import { helm, helmMissing, installCrds } from "./helm.testkit.ts";

/** Each component by itself, by its own guide: the commands of its section, and what they print. */
const GUIDES = ["pilot", "citadel", "galley", "sidecar-injector", "mixer-policy", "mixer-telemetry"];

describe("one component alone, by its guide", { skip: clusterMissing() ?? helmMissing() }, () => {
  let cluster: TestCluster;
  let shell: GuideShell;
  const run = (...args: string[]): Promise<string> => helm([...args, "--namespace", "istio-system"], cluster);

  before(async () => {
    cluster = await useCluster();
    shell = new GuideShell(cluster);
    await installCrds(cluster);
  });
  afterEach(async () => {
    await run("uninstall", "xebec", "--ignore-not-found");
    const spaces = GUIDES.map((guide) => `shop-${guide}`);
    await cluster.kubectl(["delete", "namespace", ...spaces, "--ignore-not-found", "--wait=false"]);
  });
  after(async () => {
    if (!cluster) return;
    await run("uninstall", "xebec-crds");
    await cluster.kubectl(["wait", "pods", "--all", "-n", "istio-system", "--for=delete", "--timeout=60s"]);
    await cluster.close();
  });

  for (const guide of GUIDES)
    it(guide, async () => {
      // Nobody waits until the namespace of another guide is gone.
      const own = (text: string): string => text.replaceAll(/\bshop\b/g, `shop-${guide}`);
      // The definitions are there already.
      for (const { command, prints } of guideSteps(`${guide}.md`, "Alone on Kubernetes"))
        if (!command.includes("deploy/helm/crds"))
          await shell.run({ command: own(command), ...(prints ? { prints: own(prints) } : {}) });
    });
});
