import { XebecError } from "@xebec/core-errors";
import { type AdapterInfo, type InstanceShape, withDefaults } from "@xebec/mixer-sdk";
import { readProtoJson, violationsText } from "@xebec/model-schema";

/** What a call says of its handler. */
export interface HandlerParams {
  /** As users see it: `denyall.istio-system`. */
  readonly handler: string;
  /** The service that calls: each has the instances of its own varieties. */
  readonly service: string;
  readonly instances: readonly InstanceShape[];
  /** Valid, with defaults. */
  readonly config: object;
}

/**
 * Reads the parameters that a call carries, which an older or newer service may have checked by another schema.
 * @param bytes JSON: `{handler, service, instances, params}`
 * @throws XebecError invalid_argument
 */
export function readParams(adapter: AdapterInfo, bytes: Uint8Array): HandlerParams {
  const wrong = (why: string): XebecError =>
    new XebecError("invalid_argument", `the handler's parameters are wrong: ${why}`);
  let given: Readonly<Record<string, unknown>>;
  try {
    given = JSON.parse(Buffer.from(bytes).toString("utf8")) as typeof given;
  } catch (error) {
    throw wrong((error as Error).message);
  }
  const { handler, service, instances, params } = given;
  if (
    typeof handler !== "string" ||
    typeof service !== "string" ||
    !Array.isArray(instances) ||
    !instances.every(isShape)
  )
    throw wrong("handler, service and instances are needed");
  const { value, violations } = readProtoJson(adapter.config, params ?? {});
  if (violations.length > 0) throw wrong(violationsText(violations));
  const config = withDefaults(adapter.config, adapter.defaults, value as object);
  const found = adapter.validate?.(config as never, { instances }) ?? [];
  if (found.length > 0) throw wrong(violationsText(found));
  return { handler, service, instances, config };
}

function isShape(value: unknown): value is InstanceShape {
  const { name, template, types, maps } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const isTable = (each: unknown): boolean => typeof each === "object" && each !== null;
  return typeof name === "string" && typeof template === "string" && isTable(types) && isTable(maps);
}
