import type { ConfigSpec } from "@xebec/core-config";
import { logger } from "@xebec/core-log";

const log = logger("agent");

/** Leaves out flags that this agent does not know, as Istio's does, so that templates of other versions start it. */
export function knownFlags(spec: ConfigSpec, argv: readonly string[]): string[] {
  const result: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const text = argv[i] as string;
    const name = /^--([^=]+)/.exec(text)?.[1];
    if (name === undefined || name in spec.options || ["help", "config-file"].includes(name)) {
      result.push(text);
      continue;
    }
    log.warn({ flag: `--${name}` }, "an unknown flag is left out");
    const next = argv[i + 1];
    if (!text.includes("=") && next !== undefined && !next.startsWith("-")) i++;
  }
  return result;
}
