import { COMPARED_TYPES, type Difference, differences, readConfigDump } from "@xebec/pilot-proxy-config";
import { podIn } from "@xebec/platform-local";
import { createTwoFilesPatch } from "diff";
import { type Format, listing, print } from "../output.ts";
import { askEnvoy, findProxy, pilotDumpOf } from "../proxy-source.ts";

const CONTEXT_LINES = 7;

/**
 * `xebec proxy-config diff POD`, and `proxy-status POD`: what pilot has sent against what Envoy has.
 * @returns 0 when both have the same, 1 when they differ
 */
export async function proxyDiff(
  pod: string,
  options: { readonly output: Format; readonly namespace?: string },
): Promise<number> {
  const admin = await findProxy(podIn(pod, options.namespace));
  const [sent, has] = await Promise.all([pilotDumpOf(admin), askEnvoy(admin, "/config_dump")]);
  const found = differences(readConfigDump(sent, "dynamic"), readConfigDump(has, "dynamic"));
  print(
    listing(options.output, found, () =>
      COMPARED_TYPES.map((type) => {
        const own = found.filter((each) => each.type === type);
        return own.length === 0 ? `${type} Match\n` : `${own.map(patchOf).join("")}${type} Don't Match\n`;
      }).join(""),
    ),
  );
  return found.length === 0 ? 0 : 1;
}

function patchOf({ type, name, pilot, envoy }: Difference): string {
  const text = (resource: unknown): string =>
    resource === undefined ? "" : `${JSON.stringify(sortedFields(resource), null, 2)}\n`;
  const file = `${type} ${name}`;
  return createTwoFilesPatch(`Pilot ${file}`, `Envoy ${file}`, text(pilot), text(envoy), "", "", {
    context: CONTEXT_LINES,
  });
}

/** The order of fields has no meaning, and each program has its own. */
function sortedFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedFields);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((field) => [field, sortedFields((value as Record<string, unknown>)[field])]),
  );
}
