import { type Command, InvalidArgumentError } from "commander";

type Does = <A extends unknown[]>(action: (...args: A) => Promise<number | undefined>) => (...args: A) => Promise<void>;

const list = (text: string, before: readonly string[] | undefined): string[] => [...(before ?? []), text];
const isCount = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("It must be a whole number above 0.");
  return value;
};
const what = (command: Command): Command =>
  command
    .option("-f, --filename <file>", "file with an IstioOperator, - for standard input; may be repeated", list)
    .option(
      "-s, --set <path=value>",
      "a field of its spec: profile=demo, values.pilot.replicaCount=2; may be repeated",
      list,
    );
const where = (command: Command): Command =>
  command
    .option("-c, --kubeconfig <file>", "the cluster (default: as kubectl)")
    .option("--context <name>", "context of the kubeconfig");

/** Commands for one control plane, wherever it is. */
const whose = (command: Command): Command =>
  where(command).option("-i, --istioNamespace <name>", "namespace of the control plane (default: istio-system)");

/** The commands that install on Kubernetes. */
export function addInstall(program: Command, does: Does): void {
  for (const name of ["install", "upgrade"])
    whose(what(program.command(name)))
      .description(
        `${name} on Kubernetes: definitions, control plane, gateways and addons of a profile, as releases of Helm`,
      )
      .option("--plan", "only show what would change")
      .option("--no-wait", "do not wait until everything is ready")
      .option("--readiness-timeout <duration>", "how long to wait for each release", "300s")
      .option("-y, --skip-confirmation", "accepted for scripts that were written for istioctl: nothing is asked")
      .action(does(async (options) => (await import("./commands/install.ts")).install(options)));
  whose(program.command("uninstall"))
    .description("remove from Kubernetes what install has installed; the definitions and their objects stay")
    .option("--plan", "only show what would be removed")
    .option("--purge", "the definitions and their objects, too")
    .option("-y, --skip-confirmation", "accepted for scripts that were written for istioctl: nothing is asked")
    .action(does(async (options) => (await import("./commands/install.ts")).uninstall(options)));
  const manifest = program.command("manifest").description("the manifests of an installation");
  what(manifest.command("generate"))
    .description("print them, for kubectl apply or a repository")
    .action(does(async (options) => (await import("./commands/install.ts")).generate(options)));
  manifest
    .command("diff")
    .description("compare two files of manifests object by object; exit code 1 when they differ")
    .argument("<before>")
    .argument("<after>")
    .action(does(async (a, b) => (await import("./commands/install.ts")).manifestsDiff(a, b)));
  const profile = program.command("profile").description("what can be installed");
  profile
    .command("list")
    .action(does(async () => (await import("./commands/profile.ts")).listProfiles()))
    .description("the profiles");
  what(profile.command("dump"))
    .description("all values of a profile")
    .argument("[name]", "default, minimal, demo, remote, ha, istiod, empty")
    .action(does(async (name, options) => (await import("./commands/profile.ts")).dumpProfile(name, options)));
  profile
    .command("diff")
    .description("what two profiles have different; exit code 1 when they differ")
    .argument("<a>")
    .argument("<b>")
    .action(does(async (a, b) => (await import("./commands/profile.ts")).diffProfiles(a, b)));
  whose(program.command("verify-install"))
    .description("whether everything that was installed on Kubernetes is there, and ready")
    .action(does(async (options) => (await import("./commands/verify-install.ts")).verifyInstall(options)));
  where(program.command("create-remote-secret"))
    .description("a Secret by which the control plane of another cluster reads this one")
    .requiredOption("--name <name>", "name of this cluster")
    .option("--server <url>", "address of its API server (default: the kubeconfig's)")
    .option("-n, --namespace <name>", "namespace of the service account", "istio-system")
    .option("--service-account <name>", "whose rights the other control plane has", "istio-reader-service-account")
    .action(does(async (options) => (await import("./commands/remote-secret.ts")).createRemoteSecret(options)));
  whose(program.command("bug-report"))
    .description("versions, states, objects and logs of a control plane on Kubernetes, in a folder")
    .option("--dir <dir>", "the folder", "./bug-report")
    .action(does(async (options) => (await import("./commands/bug-report.ts")).bugReport(options)));
  program
    .command("bus-keys")
    .description("a Secret with keys of the bus, for a control plane without citadel (nats.auth.existingSecret)")
    .option("--name <name>", "name of the Secret", "xebec-bus")
    .option("-n, --namespace <name>", "its namespace", "istio-system")
    .option("--servers <n>", "how many servers the bus has", isCount, 3)
    .action(does(async (options) => (await import("./commands/bus-keys.ts")).busKeys(options)));
  program
    .command("reach", { hidden: true })
    .description("wait until URLs answer 200")
    .argument("<url...>")
    .option("--timeout <seconds>", "how long", isCount, 60)
    .action(does(async (urls, options) => (await import("./commands/reach.ts")).reach(urls, options)));
}
