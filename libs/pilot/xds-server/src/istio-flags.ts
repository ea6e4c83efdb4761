/** Istio's other names of flags that there are. */
const ALIASES: Readonly<Record<string, string>> = { secureGRPCAddr: "secureGrpcAddr", n: "namespace" };

/**
 * Flags of pilot-discovery 1.1 that change nothing of what proxies get (docs/reference/pilot.md §6.1); those that would
 * are refused.
 */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  ...["plugins", "resync", "clusterRegistriesNamespace", "keepaliveInterval", "keepaliveTimeout", "ctrlz_port"],
  ...["ctrlz_address", "log_target", "log_caller", "log_stacktrace_level", "log_rotate", "log_rotate_max_age"],
  ...["log_rotate_max_backups", "log_rotate_max_size"],
]);
/** The same, for flags that may stand without a value. */
const SWITCHES: ReadonlySet<string> = new Set(["disable-install-crds", "profile", "discoveryCache", "log_as_json"]);

/**
 * Reads the arguments of Istio's pilot-discovery as ours, so that its own command line starts this pilot.
 * @param argv with or without its subcommand `discovery`
 * @returns the arguments with our names, and the flags that were left out because they have no effect here
 */
export function istioArguments(argv: readonly string[]): { readonly argv: string[]; readonly ignored: string[] } {
  const rest = argv[0] === "discovery" ? argv.slice(1) : [...argv];
  const out: string[] = [];
  const ignored: string[] = [];
  for (let i = 0; i < rest.length; i++) {
    const text = rest[i] as string;
    const match = /^(?:--([^=]+)|-(n))(=.*)?$/s.exec(text);
    const name = match?.[1] ?? match?.[2] ?? "";
    if (SWITCHES.has(name)) ignored.push(`--${name}`);
    else if (WITHOUT_EFFECT.has(name)) {
      ignored.push(`--${name}`);
      // Its value is left out with it.
      if (match?.[3] === undefined) i++;
    } else out.push(Object.hasOwn(ALIASES, name) ? `--${ALIASES[name]}${match?.[3] ?? ""}` : text);
  }
  return { argv: out, ignored };
}
