// The commands of `xebec proxy-config`, with the names and flags of istioctl.
import { type Command, InvalidArgumentError, Option } from "commander";
import { FORMATS } from "./output.ts";

type Does = <A extends unknown[]>(action: (...args: A) => Promise<number | undefined>) => (...args: A) => Promise<void>;

const port = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError("It must be a port, from 0 to 65535.");
  return value;
};

const files = (text: string, before: readonly string[] = []): string[] => [...before, text];

/** istioctl calls the table `short`. */
const output = (standard: string): Option =>
  new Option("-o, --output <format>", "how to print")
    .choices([...FORMATS, "short"])
    .default(standard)
    .argParser((text) => {
      if (![...FORMATS, "short"].includes(text))
        throw new InvalidArgumentError(`Allowed choices are ${FORMATS.join(", ")}, short.`);
      return text === "short" ? "table" : text;
    });

const fqdn = () => new Option("--fqdn <text>", "only clusters of hosts that contain this text");
const subset = () => new Option("--subset <text>", "only clusters of subsets that contain this text");
const direction = () => new Option("--direction <direction>", "only clusters that are inbound, or outbound");
const address = (of: string) => new Option("--address <address>", `only ${of} at this address`);
const type = () => new Option("--type <type>", "only listeners for HTTP, TCP or HTTP+TCP");
const tableName = () => new Option("--name <name>", "only this route table");
/** A flag of istioctl that is true unless `--verbose=false`. */
const verbose = (text: string) =>
  new Option("--verbose [yes]", text).default(true).argParser((value: string) => {
    if (!["true", "false"].includes(value)) throw new InvalidArgumentError("It must be true or false.");
    return value === "true";
  });

const commands = () => import("./commands/proxy-config.ts");

/** Adds `proxy-config` to the command line. @param does makes the result of an action the exit code */
export function addProxyConfig(program: Command, does: Does): void {
  const parent = program
    .command("proxy-config")
    .alias("pc")
    .description("what the Envoy of a pod has: clusters, listeners, routes, endpoints, secrets, bootstrap");
  const command = (name: string, aliases: readonly string[], text: string, format = "table"): Command =>
    parent
      .command(name)
      .aliases(aliases)
      .description(text)
      .argument("[pod]", "[NAMESPACE/]POD or DEPLOYMENT, POD.NAMESPACE, or deploy/DEPLOYMENT")
      .option("-n, --namespace <name>", "the pod's, where its name does not say it")
      .option("-f, --file <file>", "a dump of Envoy's configuration, - for standard input, in place of a pod")
      .option("--offline", "what pilot would send, without any server: with --config, and POD or --proxy")
      .option("--config <dir>", "objects and manifests for --offline; may be repeated", files)
      .option("--proxy <file>", "the node of a proxy (JSON) for --offline, in place of a pod of the manifests")
      .addOption(output(format));

  command("clusters", ["cluster", "c"], "clusters: what Envoy can call")
    .addOption(fqdn())
    .option("--port <port>", "only this port of a service", port)
    .addOption(subset())
    .addOption(direction())
    .action(does(async (pod, options) => (await commands()).clusters(pod, options)));
  command("listeners", ["listener", "l"], "listeners: which connections Envoy takes, and where they go")
    .addOption(address("listeners"))
    .option("--port <port>", "only listeners at this port", port)
    .addOption(type())
    .addOption(verbose("a line for each filter chain (false: for each listener)"))
    .option("--no-verbose", "the same as --verbose=false")
    .action(does(async (pod, options) => (await commands()).listeners(pod, options)));
  command("routes", ["route", "r"], "routes: which requests go to which cluster")
    .addOption(tableName())
    .addOption(verbose("a line for each route (false: for each table)"))
    .option("--no-verbose", "the same as --verbose=false")
    .action(does(async (pod, options) => (await commands()).routes(pod, options)));
  for (const [name, aliases, text] of [
    [
      "endpoints",
      ["endpoint", "ep"],
      "endpoints, as Envoy sees them; a file holds the output of /clusters?format=json",
    ],
    ["eds", [], "endpoints, as they were sent"],
  ] as const)
    command(name, aliases, text)
      .addOption(address("endpoints"))
      .option("--port <port>", "only endpoints at this port", port)
      .option("--cluster <name>", "only endpoints of this cluster")
      .option("--status <status>", "healthy, unhealthy, ...")
      .action(does(async (pod, options) => (await commands())[name](pod, options)));
  command("secret", ["secrets", "s"], "certificates and roots").action(
    does(async (pod, options) => (await commands()).secrets(pod, options)),
  );
  command("ecds", ["ec"], "extension configurations").action(
    does(async (pod, options) => (await commands()).ecds(pod, options)),
  );
  command("bootstrap", ["b"], "the bootstrap; a summary with -o short", "json").action(
    does(async (pod, options) => (await commands()).bootstrap(pod, options)),
  );
  command("all", ["a"], "everything; as JSON Envoy's dump itself")
    .addOption(fqdn())
    .option("--port <port>", "only clusters, listeners and endpoints with this port", port)
    .addOption(subset())
    .addOption(direction())
    .addOption(address("listeners and endpoints"))
    .addOption(type())
    .addOption(tableName())
    .addOption(verbose("a line for each filter chain and route"))
    .option("--no-verbose", "the same as --verbose=false")
    .action(does(async (pod, options) => (await commands()).all(pod, options)));

  parent
    .command("log")
    .alias("o")
    .description("the levels of Envoy's loggers")
    .argument("<pod>")
    .option("-n, --namespace <name>", "the pod's, where its name does not say it")
    .option("--level <levels>", "LEVEL, or LOGGER:LEVEL, separated by commas: trace, debug, info, warning, error, off")
    .option("-r, --reset", "sets every logger to warning")
    .addOption(output("table"))
    .action(does(async (pod, options) => (await commands()).logLevels(pod, options)));
  parent
    .command("rootca-compare")
    .alias("rc")
    .description("compares the roots that two pods trust")
    .argument("<pod>")
    .argument("<other-pod>")
    .option("-n, --namespace <name>", "the pods', where their names do not say it")
    .action(does(async (first, second, options) => (await commands()).rootCaCompare(first, second, options)));
  parent
    .command("diff")
    .description("what pilot has sent against what Envoy has; exit code 1 when they differ")
    .argument("<pod>")
    .option("-n, --namespace <name>", "the pod's, where its name does not say it")
    .addOption(output("table"))
    .action(does(async (pod, options) => (await import("./commands/proxy-diff.ts")).proxyDiff(pod, options)));
}
