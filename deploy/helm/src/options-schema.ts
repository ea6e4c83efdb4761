import type { ConfigSpec, Option } from "@xebec/core-config";
import type { JsonSchema } from "./json-schema.ts";

/** Options that the chart alone sets: it mounts what they name, and opens their ports. */
const SET_BY_CHART = /^(bus(URL|SeedFile|KeysFile)|ca(Addr|RootFile|TokenFile)|stateDir)$/;

/**
 * The schema of `options` of a component: the options of the service itself, from its own configuration, without those that the chart
 * must set to work.
 */
export function optionsSchema(spec: ConfigSpec): JsonSchema {
  const options = Object.entries(spec.options).filter(([name]) => !SET_BY_CHART.test(name));
  return {
    description: `Options of ${spec.service} itself, as its flags; they win over those that the chart sets.`,
    type: "object",
    properties: Object.fromEntries(options.map(([name, option]) => [name, optionSchema(option)])),
    additionalProperties: false,
  };
}

function optionSchema(option: Option): JsonSchema {
  const description = option.help;
  if (option.kind === "list") return { description, type: "array", items: { type: "string" } };
  if (option.kind !== "string") return { description, type: option.kind };
  const values = /^one of (.*)$/.exec(option.type)?.[1]?.split(", ");
  return { description, type: "string", ...(values ? { enum: values } : {}) };
}
