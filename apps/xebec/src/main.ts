// The command line: what there is to say, and which file does it. Each command is loaded only when it is called.
import { isXebecError } from "@xebec/core-errors";
import { escapeOutput, redactText, setLogLevel } from "@xebec/core-log";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { addExplain } from "./explain-command.ts";
import { addInject } from "./inject-command.ts";
import { addInstall } from "./install-command.ts";
import { DEFAULT_ADDRESS_BLOCK } from "./mesh-options.ts";
import { addMixer } from "./mixer-command.ts";
import { FORMATS } from "./output.ts";
import { packageVersion } from "./package-version.ts";
import { addProxyConfig } from "./proxy-config-command.ts";
import { usageError } from "./usage-error.ts";

const EXIT_USAGE = 2;
const EXIT_FAILED = 1;
const USAGE_CODES: ReadonlySet<string> = new Set(["invalid_argument", "failed_precondition"]);

const whole =
  (from: number, to: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < from || value > to)
      throw new InvalidArgumentError(`It must be a whole number from ${from} to ${to}.`);
    return value;
  };
const output = (): Option => new Option("-o, --output <format>", "how to print").choices(FORMATS).default("table");
const files = (text: string, before: readonly string[] | undefined): string[] => [...(before ?? []), text];
const filename = (): Option =>
  new Option("-f, --filename <file>", "file or directory, - for standard input; may be repeated")
    .argParser(files)
    .makeOptionMandatory();

let exitCode = 0;
/** Wraps a command: its result is the exit code. */
const does =
  <A extends unknown[]>(action: (...args: A) => Promise<number | undefined>) =>
  async (...args: A): Promise<void> => {
    exitCode = (await action(...args)) ?? -1;
  };

const program = new Command("xebec")
  .description("Istio 1.1's control plane as TypeScript services, with today's Envoy, on this machine")
  .enablePositionalOptions()
  .exitOverride()
  .option("--version", "the version of this command")
  .on("option:version", () => {
    process.stdout.write(`${packageVersion()}\n`);
    process.exit(0);
  })
  // Every usage error is one line and says where to read on; subcommands take this over.
  .configureOutput({ outputError: (text, write) => write(usageError(text, process.argv.slice(2), commandNames())) });

program
  .command("up")
  .description("run NATS, the six services and the pods of a directory of manifests, with one Envoy per pod")
  .option("-d, --detach", "leave the mesh running in the background")
  .option("--config <dir>", "directory of manifests and Istio objects (default: .run/config, with Bookinfo)")
  .option("--ingress-port <n>", "port of the ingress gateway on localhost", whole(1, 65_535), 8080)
  .option("--ingress-https-port <n>", "its port for HTTPS (default: 363 above the other one, 8443)", whole(1, 65_535))
  .addOption(
    new Option(
      "--adapter <dir>",
      "an adapter of Mixer's from outside: a folder or a package; loaded again when its files change; may be repeated",
    ).argParser(files),
  )
  .option("--monolith", "run the services as one process, istiod")
  .addOption(
    new Option(
      "--replicas <component=n>",
      "copies of pilot, mixer-policy, mixer-telemetry, or with --monolith of istiod; may be repeated",
    ).argParser(files),
  )
  .option("--bus-tls", "NATS and its clients speak TLS, with a certificate that is made for it")
  .option("--address-block <n>", "use the addresses 127.N.x.x", whole(1, 254), DEFAULT_ADDRESS_BLOCK)
  .option("--timeout <seconds>", "how long to wait until all is ready", whole(1, 3_600), 60)
  .addOption(
    new Option("--bus-address <component=address>", "a component's way to the bus; may be repeated")
      .argParser(files)
      .hideHelp(),
  )
  // For npm start, which has more to do before.
  .addOption(new Option("--check-only", "only look whether the flags are right and no mesh runs here").hideHelp())
  .action(does(async (options) => (await import("./commands/up.ts")).up(options)));
program
  .command("down")
  .description("end exactly what up has started")
  .action(does(async () => (await import("./commands/down.ts")).down()));
program
  .command("status")
  .description("what runs where, and what of the configuration is refused")
  .addOption(output())
  .action(does(async (options) => (await import("./commands/status.ts")).status(options)));
program
  .command("check")
  .description("look at everything, here or in a cluster, and say what is wrong; exit code 1 when something is")
  .option("-i, --istioNamespace <name>", "namespace of the control plane in a cluster", "istio-system")
  .option("--kubeconfig <file>", "kubeconfig of the cluster; KUBECONFIG when left out and no mesh runs here")
  .option("--context <name>", "context of the kubeconfig")
  .addOption(output())
  .action(does(async (options) => (await import("./commands/check.ts")).check(options)));
program
  .command("apply")
  .description("check objects and write them into the configuration directory")
  .addOption(filename())
  .option("--no-wait", "do not wait until services and proxies have taken it")
  .option("--timeout <seconds>", "how long to wait for that", whole(1, 3_600), 5)
  .action(does(async (options) => (await import("./commands/apply.ts")).apply(options)));
program
  .command("delete")
  .description("take objects out of the configuration directory")
  .addOption(filename())
  .option("--no-wait", "do not wait until services and proxies have taken it")
  .option("--timeout <seconds>", "how long to wait for that", whole(1, 3_600), 5)
  .option("--ignore-not-found", "an object that is not there is no failure")
  .action(does(async (options) => (await import("./commands/apply.ts")).remove(options)));
program
  .command("get")
  .description("objects of the configuration directory, and what the services say of them")
  .argument("<kind>", "virtualservices, vs, destinationrules, services, svc, ... or all")
  .argument("[name]")
  .option("-n, --namespace <name>", "only objects of this namespace")
  .addOption(output())
  .action(does(async (kind, name, options) => (await import("./commands/get.ts")).get(kind, name, options)));
program
  .command("analyze")
  .description(
    "mistakes that concern several objects, in files, in the mesh that runs here or in a cluster, or in both",
  )
  .argument("[files...]", "files and directories, - for standard input")
  .addOption(new Option("-o, --output <format>", "how to print").choices(["log", "json", "yaml"]).default("log"))
  .addOption(
    new Option("-k, --use-kube [yes]", "with the objects of the mesh that runs here")
      .choices(["true", "false"])
      .default("true"),
  )
  .option("-n, --namespace <name>", "only objects of this namespace", "default")
  .option("-A, --all-namespaces", "objects of all namespaces")
  .option("-i, --istioNamespace <name>", "namespace of the control plane in a cluster", "istio-system")
  .option("--kubeconfig <file>", "kubeconfig of the cluster; KUBECONFIG when left out and no mesh runs here")
  .option("--context <name>", "context of the kubeconfig")
  .option(
    "--failure-threshold <level>",
    "exit with 79 for findings that are at least as grave: Info, Warning, Error",
    "Error",
  )
  .option("--output-threshold <level>", "print findings that are at least as grave", "Info")
  .option(
    "-S, --suppress <code=resource>",
    'leave these out, such as "IST0102=Namespace frod*"; may be repeated',
    files,
  )
  .option("--analyzer <name>", "run only this analyzer; may be repeated", files)
  .option("-L, --list-analyzers", "list the analyzers")
  .addOption(new Option("--color [yes]", "colors; the default is yes on a terminal").choices(["true", "false"]))
  .action(
    does(async (names, options) => {
      const { analyzeCommand, levelOf } = await import("./commands/analyze.ts");
      return analyzeCommand(names, {
        ...options,
        useKube: options.useKube !== "false",
        color: options.color === undefined ? process.stdout.isTTY === true : options.color !== "false",
        failureThreshold: levelOf(options.failureThreshold),
        outputThreshold: levelOf(options.outputThreshold),
      });
    }),
  );
program
  .command("compare")
  .description("six services against one process: runs scenarios with both, and writes what was measured and a report")
  .argument("[scenarios...]", "start, rest, change, traffic, failure, or files of your own; all when none is named")
  .option(
    "--shapes <list>",
    "what is compared, the first with each other: services, monolith, istiod=PATH",
    "services,monolith",
  )
  .option("--quick", "short steps and one repetition: a look in five minutes, not a measurement")
  .option("--repeat <n>", "repetitions (default: 5, with --quick 1)", whole(1, 100))
  .option(
    "--with-build <dir>",
    "folder of the build by which components are replaced, such as that of a release (default: another bundle of the same sources)",
  )
  .option("--out <dir>", "folder of results.json and report.html", "xebec-compare")
  .option("--resume", "go on with a comparison that was broken off")
  .option(
    "--summary <dir>",
    "measure nothing: print what the comparison in that folder found, and draw its report anew",
  )
  .addOption(new Option("-o, --output <format>", "of --summary").choices(["text", "markdown"]).default("text"))
  .addOption(new Option("--guard <dir>", "end the meshes of a folder when the comparison is gone").hideHelp())
  .addOption(new Option("--proxies", "be the synthetic proxies of a comparison").hideHelp())
  .action(does(async (scenarios, options) => (await import("./commands/compare.ts")).compare(scenarios, options)));
const cluster = program
  .command("cluster")
  .description("a Kubernetes cluster on this machine, whose pods are processes");
cluster
  .command("up")
  .description("start it in the background; with nodes it needs root")
  .option("--nodes <n>", "how many nodes; 0 is a control plane alone, without root", whole(0, 16), 1)
  .option("--timeout <seconds>", "how long to wait until it is ready", whole(1, 3_600), 120)
  .action(does(async (options) => (await import("./commands/cluster.ts")).clusterUp(options)));
cluster
  .command("down")
  .description("end it and remove everything of it")
  .action(does(async () => (await import("./commands/cluster.ts")).clusterDown()));
cluster
  .command("status")
  .description("whether it runs, and where")
  .action(does(async () => (await import("./commands/cluster.ts")).clusterStatus()));
program
  .command("proxy-status")
  .alias("ps")
  .description("what each proxy was sent and has accepted; of one pod, what differs between pilot and Envoy")
  .argument("[pod]")
  .option("-n, --namespace <name>", "the pod's, where its name does not say it")
  .addOption(output())
  .action(
    does(async (pod, options) =>
      pod === undefined
        ? (await import("./commands/proxy-status.ts")).proxyStatus(options)
        : (await import("./commands/proxy-diff.ts")).proxyDiff(pod, options),
    ),
  );
addInstall(program, does);
addProxyConfig(program, does);
addExplain(program, does);
addMixer(program, does);
addInject(program, does);
program
  .command("logs")
  .description("the log of a pod or service")
  .argument(
    "<pod>",
    "[NAMESPACE/]POD or DEPLOYMENT, POD.NAMESPACE, deploy/DEPLOYMENT, or a service; also supervisor, watchdog",
  )
  .option("-n, --namespace <name>", "the pod's, where its name does not say it")
  .option("-c, --container <name>", "container (default: the first that is not the proxy)")
  .option("-f, --follow", "go on printing what comes")
  .option("--tail <lines>", "only the last lines (default: all)", whole(0, 1_000_000_000))
  .action(does(async (pod, options) => (await import("./commands/logs.ts")).logs(pod, options)));
program
  .command("exec")
  .description("run a command with a container's environment and directory")
  .argument("<pod>", "[NAMESPACE/]POD or DEPLOYMENT, POD.NAMESPACE, or deploy/DEPLOYMENT")
  .argument("<command...>", "the command, after --")
  .option("-n, --namespace <name>", "the pod's, where its name does not say it")
  .option("-c, --container <name>", "container (default: the first that is not the proxy)")
  .action(does(async (pod, command, options) => (await import("./commands/exec.ts")).exec(pod, command, options)));
program
  .command("run")
  .description("run one service in the foreground, alone, with flags of its own (see its --help)")
  .argument("<service>", "galley, pilot, citadel, sidecar-injector, mixer-policy, mixer-telemetry, istiod")
  .argument("[flags...]")
  .allowUnknownOption()
  .passThroughOptions()
  .action(
    does(async (service, flags) => {
      setLogLevel("info");
      await (await import("./commands/run.ts")).run(service, flags);
      return undefined;
    }),
  );
const ca = program.command("ca").description("the certificate authority");
ca.command("certificate")
  .description("let citadel sign a new key, as a workload does, and say what it has signed")
  .requiredOption("--ca-addr <host:port>", "citadel; its certificate must name the host")
  .option("--root <file>", "root to verify citadel with", "/var/run/secrets/istio/root-cert.pem")
  .option("--token <file>", "token that proves who asks", "/var/run/secrets/tokens/istio-token")
  .option("--lifetime <seconds>", "lifetime to ask for", whole(1, 31_536_000), 86_400)
  .option("-o, --output <dir>", "where to write cert-chain.pem, key.pem and root-cert.pem; nowhere when left out")
  .action(does(async (options) => (await import("./commands/ca-certificate.ts")).caCertificate(options)));
ca.command("token")
  .description("print a bootstrap token for a service account")
  .requiredOption("--namespace <name>")
  .requiredOption("--service-account <name>")
  .requiredOption("--storage-dir <dir>", "citadel's --storage-dir")
  .option("--lifetime <seconds>", "how long it is valid", whole(1, 31_536_000), 86_400)
  .action(does(async (options) => (await import("./commands/ca-token.ts")).caToken(options)));
program
  .command("version")
  .description("the version of this command and of the services that run")
  .addOption(output())
  .option("-i, --istioNamespace <name>", "namespace of the control plane (default: istio-system)")
  .action(does(async (options) => (await import("./commands/version.ts")).version(options)));

function commandNames(): ReadonlySet<string> {
  return new Set(program.commands.flatMap((each) => [each.name(), ...each.aliases()]));
}

// The libraries' logs are for services; a command says what it has to say itself.
setLogLevel("silent");
// What files, proxies and services say is seen on a terminal, and does nothing to it.
for (const stream of [process.stdout, process.stderr]) escapeOutput(stream);
// A reader such as `head` may close the pipe early.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : EXIT_FAILED));
try {
  await program.parseAsync();
  // A service that was started by `run` goes on and ends by itself.
  if (exitCode >= 0) process.exitCode = exitCode;
  if (exitCode >= 0) process.stdout.write("", () => process.exit(exitCode));
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : EXIT_USAGE);
  const known = isXebecError(error) ? error.code : undefined;
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(redactText(`xebec: ${known ? text : `an unexpected error: ${text}`}\n`));
  process.exit(known && USAGE_CODES.has(known) ? EXIT_USAGE : EXIT_FAILED);
}
