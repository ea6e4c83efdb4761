// The command `xebec inject`, and its name in istioctl.
import type { Command } from "commander";

type Does = <A extends unknown[]>(action: (...args: A) => Promise<number | undefined>) => (...args: A) => Promise<void>;

/** Adds `inject` and `experimental check-inject` to the command line. @param does makes the result of an action the exit code */
export function addInject(program: Command, does: Does): void {
  program
    .command("inject")
    .alias("kube-inject")
    .description("give the pods of manifests their sidecar, as the webhook does; or say why a pod has one or none")
    .option("-f, --filename <file>", "file with objects, - for standard input")
    .option("-o, --output <file>", "where to write; standard output when left out")
    .option("--injectConfigFile <file>", "file with policy, selectors and templates (key config of the config map)")
    .option("--valuesFile <file>", "file with the values of the templates (key values of the config map)")
    .option("--meshConfigFile <file>", "file with the mesh configuration (key mesh of the config map istio)")
    .option("--injectConfigMapName <name>", "config map of the injector, read where no file is named")
    .option("--meshConfigMapName <name>", "config map of the mesh, read where no file is named", "istio")
    .option("-r, --revision <name>", "revision of the injector")
    .option("--native-sidecars", "proxies are native sidecars where a pod does not say it")
    .option("-i, --istioNamespace <name>", "namespace of the control plane", "istio-system")
    .option("-n, --namespace <name>", "namespace of objects that name none, and of --audit (default: all)")
    .option("--kubeconfig <file>", "kubeconfig of the cluster; KUBECONFIG when left out")
    .option("--context <name>", "context of the kubeconfig")
    .option("--explain <pod>", "NAMESPACE/POD of the cluster: each rule that decides about its proxy, in order")
    .option("--audit", "pods of the cluster that should have a proxy and have none, or an old one; exit code 1 for any")
    .action(does(async (options) => (await import("./commands/inject.ts")).inject(options)));
  program
    .command("experimental")
    .alias("x")
    .description("commands that istioctl has under this name")
    .command("check-inject")
    .description("which webhooks give a pod of a cluster its sidecar, and why not")
    .argument("[pod]", "[TYPE/]NAME[.NAMESPACE], TYPE being pod, deployment, statefulset, daemonset, replicaset or job")
    .option("-l, --labels <labels>", "a pod with these labels in place of one that is there: app=web,version=v1")
    .option("-n, --namespace <name>", "namespace of the pod, when its name has none", "default")
    .option("-i, --istioNamespace <name>", "namespace of the control plane", "istio-system")
    .option("--meshConfigMapName <name>", "config map of the mesh", "istio")
    .option("-r, --revision <name>", "revision of the injector whose config map is read")
    .option("--kubeconfig <file>", "kubeconfig of the cluster; KUBECONFIG when left out")
    .option("--context <name>", "context of the kubeconfig")
    .action(does(async (pod, options) => (await import("./commands/check-inject.ts")).checkInject(pod, options)));
}
