import { type Command, Option } from "commander";

type Does = <A extends unknown[]>(action: (...args: A) => Promise<number | undefined>) => (...args: A) => Promise<void>;
const several = (text: string, before: readonly string[] = []): string[] => [...before, text];

/** `xebec adapter …` and `xebec mixer …`: for those who write adapters, and for rules. */
export function addMixer(program: Command, does: Does): void {
  const adapter = program.command("adapter").description("write, test and look at Mixer's adapters");
  adapter
    .command("new")
    .description("make a package of an adapter in a new folder")
    .argument("<name>", "lower-case letters, digits and -")
    .option("--template <name>", "what it takes: metric, listentry, quota, ...", "metric")
    .option("--dir <folder>", "where it is made (default: ./NAME)")
    .action(does(async (name, options) => (await import("./mixer/adapter-new.ts")).adapterNew(name, options)));
  adapter
    .command("test")
    .description("run the cases of an adapter: cases.yaml in its folder")
    .argument("[dir]", "its folder, or the name of a package", ".")
    .option("-f, --filename <file>", "the cases (default: cases.yaml beside it)")
    .addOption(
      new Option("--transport <where>", "where the adapter runs")
        .choices(["process", "grpc", "bus", "worker"])
        .default("process"),
    )
    .option("--bus <url>", "a server of the bus, for --transport bus (default: one in memory)", several)
    .action(does(async (dir, options) => (await import("./mixer/adapter-test.ts")).adapterTest(dir, options)));
  adapter
    .command("serve")
    .description("run an adapter as a process of its own, which handlers reach by connection.address")
    .argument("[dir]", "its folder, or the name of a package", ".")
    .option("--address <address>", "HOST:PORT of Istio's gRPC protocol for adapters")
    .option("--tls-cert <file>", "PEM file of its certificate; absent: plaintext")
    .option("--tls-key <file>", "PEM file of the certificate's key")
    .option("--tls-client-ca <file>", "only clients with a certificate of this root may call")
    .option(
      "--bus <url>",
      "a server of the bus, on which copies share the calls to bus://NAME; may be repeated",
      several,
    )
    .option("--name <name>", "NAME of bus://NAME (default: the adapter's)")
    .option("--bus-seed-file <file>", "the seed of the bus' user adapter")
    .option("--bus-ca-file <file>", "PEM file of the roots of the bus' servers")
    .option("--monitoring <address>", "HOST:PORT of /metrics, /healthz and /readyz")
    .action(does(async (dir, options) => (await import("./mixer/adapter-serve.ts")).adapterServe(dir, options)));
  adapter
    .command("record")
    .description("write the attributes of requests of a running mesh into a file")
    .option("-o, --output <file>", "JSON lines {time, kind, attributes}; - for standard output", "recording.jsonl")
    .addOption(
      new Option("--from <service>", "whose requests")
        .choices(["mixer-telemetry", "mixer-policy"])
        .default("mixer-telemetry"),
    )
    .option(
      "--monitoring <address>",
      "HOST:PORT of its monitoring port (default: all copies of the mesh on this machine)",
      several,
    )
    .option("--count <n>", "requests at most, 10000 of them", Number, 100)
    .option("--duration <time>", "how long at most", "1m")
    .option("--size <bytes>", "length of the file at most", Number, 10 << 20)
    .option("--match <expression>", "only requests for which it is true")
    .option("--redact <name>", "leave out the value of a header, parameter or attribute, too; may be repeated", several)
    .option("--with-secrets", "leave nothing out: authorization, cookies, tokens, keys")
    .action(does(async (options) => (await import("./mixer/adapter-record.ts")).adapterRecord(options)));
  adapter
    .command("replay")
    .description("feed a recording to an adapter, and print what it gave")
    .argument("<file>", "what adapter record wrote")
    .argument("[dir]", "the adapter's folder, or the name of a package (default: Xebec's own adapters)")
    .requiredOption(
      "-f, --filename <file>",
      "handlers, instances and rules; without rules handlers get all instances",
      several,
    )
    .addOption(
      new Option("--transport <where>", "where the adapter runs")
        .choices(["process", "grpc", "bus", "worker"])
        .default("process"),
    )
    .option("--bus <url>", "a server of the bus, for --transport bus (default: one in memory)", several)
    .addOption(new Option("-o, --output <format>", "how to print").choices(["text", "json"]).default("text"))
    .action(
      does(async (file, dir, options) => (await import("./mixer/adapter-replay.ts")).adapterReplay(file, dir, options)),
    );
  adapter
    .command("list")
    .description("the adapters that there are")
    .option("--adapter <dir>", "one from outside, too; may be repeated", several)
    .addOption(new Option("-o, --output <format>", "how to print").choices(["table", "json"]).default("table"))
    .action(does(async (options) => (await import("./mixer/adapter-list.ts")).adapterList(options)));
  adapter
    .command("describe")
    .description("an adapter's templates, parameters, ports and metrics")
    .argument("<name>", "its name; of one from outside its folder")
    .addOption(
      new Option("-o, --output <format>", "how to print").choices(["markdown", "json", "crd"]).default("markdown"),
    )
    .action(does(async (name, options) => (await import("./mixer/adapter-list.ts")).adapterDescribe(name, options)));

  const mixer = program.command("mixer").description("ask Mixer's services, and evaluate expressions");
  mixer
    .command("eval")
    .description("evaluate an expression of Mixer's language")
    .option("--expr <expression>", "the expression")
    .option("--attributes <file>", "YAML or JSON: attributes by name")
    .option("--manifest <file>", "an attributemanifest with more attributes")
    .option(
      "--batch <file>",
      "JSON lines {expr?, attributes, manifest?}, for each of which it is evaluated; - for standard input",
    )
    .addOption(new Option("-o, --output <format>", "how to print").choices(["table", "json"]).default("table"))
    .action(does(async (options) => (await import("./mixer/eval.ts")).mixerEval(options)));
  for (const call of ["check", "report"] as const) {
    const command = mixer
      .command(call)
      .description(`send attributes to ${call === "check" ? "mixer-policy" : "mixer-telemetry"}, as Istio's mixc did`)
      .option("-m, --mixer <address>", "HOST:PORT", "localhost:9091")
      .option("-r, --repeat <n>", "number of requests", Number, 1)
      .option("-a, --attributes <list>", "attributes whose types are guessed: NAME=VALUE,...", several)
      .option("-s, --string_attributes <list>", "strings", several)
      .option("-i, --int64_attributes <list>", "integers", several)
      .option("-d, --double_attributes <list>", "doubles", several)
      .option("-b, --bool_attributes <list>", "bools", several)
      .option("-t, --timestamp_attributes <list>", "timestamps, RFC 3339", several)
      .option("--duration_attributes <list>", "durations", several)
      .option("--bytes_attributes <list>", "bytes, 0a:00:00:01", several)
      .option("--stringmap_attributes <list>", "maps, NAME=KEY:VALUE;KEY:VALUE", several)
      .option("--print_response <bool>", "print what came", "true");
    if (call === "check")
      command
        .option("-q, --quotas <list>", "quotas to ask for: NAME=AMOUNT,...", several)
        .option("--explain", "rule by rule: whether it matched, values, the handler's answer, time, who decides");
    else
      command
        .option("--report_batch_size <n>", "elements of a report", Number, 1)
        .option("--explain", "rule by rule: whether it matched, and the values that its handlers get");
    command.option("--monitoring <address>", "HOST:PORT of the service's monitoring port, for --explain (15014)");
    command.action(does(async (options) => (await import("./mixer/mixc.ts")).mixc(call, options)));
  }
}
