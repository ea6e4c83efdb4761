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
      .argument("[pod]", "[NAMESPACE/]POD or DEPLOYMENT, or POD.NAMESPACE")
      .option("-f, --file <file>", "a dump of Envoy's configuration, - for standard input, in place of a pod")
      .option("--offline", "what pilot would send, without any server: with --config, and POD or --proxy")
      .option("--config <dir>", "objects and manifests for --offline; may be repeated", files)
      .option("--proxy <file>", "the node of a proxy (JSON) for --offline, in place of a pod of the manifests")
      .addOption(output(format));

  command("clusters", ["cluster", "c"], "clusters: what Envoy can call")
    .option("--fqdn <text>", "only clusters of hosts that contain this text")
    .option("--port <port>", "only this port of a service", port)
    .option("--subset <name>", "only this subset")
    .option("--direction <direction>", "inbound or outbound")
    .action(does(async (pod, options) => (await commands()).clusters(pod, options)));
  command("listeners", ["listener", "l"], "listeners: which connections Envoy takes, and where they go")
    .option("--address <address>", "only listeners at this address")
    .option("--port <port>", "only listeners at this port", port)
    .option("--type <type>", "HTTP, TCP or HTTP+TCP")
    .option("--no-verbose", "a line for each listener instead of each filter chain")
    .action(does(async (pod, options) => (await commands()).listeners(pod, options)));
  command("routes", ["route", "r"], "routes: which requests go to which cluster")
    .option("--name <name>", "only this route table")
    .option("--no-verbose", "a line for each table instead of each route")
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
      .option("--address <address>", "only endpoints at this address")
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
  command("all", ["a"], "everything").action(does(async (pod, options) => (await commands()).all(pod, options)));

  parent
    .command("log")
    .alias("o")
    .description("the levels of Envoy's loggers")
    .argument("<pod>")
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
    .action(does(async (first, second) => (await commands()).rootCaCompare(first, second)));
  parent
    .command("diff")
    .description("what pilot has sent against what Envoy has; exit code 1 when they differ")
    .argument("<pod>")
    .addOption(output("table"))
    .action(does(async (pod, options) => (await import("./commands/proxy-diff.ts")).proxyDiff(pod, options)));
}
