import { XebecError } from "@xebec/core-errors";
import type { ConfigSpec, ConfigValues } from "./define.ts";

/**
 * The arguments that hand typed values to a process of their own, in which `loadConfig` reads them. Undefined values are left
 * out: the process has its own defaults.
 * @throws XebecError invalid_argument for an element of a list that holds a comma, which a flag cannot say
 */
export function configArguments<S extends ConfigSpec>(values: ConfigValues<S>): string[] {
  return Object.entries(values as Readonly<Record<string, unknown>>).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (!Array.isArray(value)) return [`--${name}=${String(value)}`];
    const comma = value.find((each) => String(each).includes(","));
    if (comma !== undefined)
      throw new XebecError(
        "invalid_argument",
        `--${name}: "${String(comma)}" holds a comma, which ends an element of a list`,
      );
    return [`--${name}=${value.join(",")}`];
  });
}
