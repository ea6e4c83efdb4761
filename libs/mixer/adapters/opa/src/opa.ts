import {
  type Adapter,
  type CheckResult,
  type Instance,
  implementAdapter,
  RPC,
  renderValue,
  type StringMap,
  type ValueMap,
} from "@xebec/mixer-sdk";
import { type OpaParams, opa, problemOf } from "./info.ts";
import { compilePolicy, type Policy } from "./policy.ts";
import type { Value } from "./values.ts";

/** Validity is not set: an OK counts as no answer of its own (docs/reference/mixer.md §7.5). */
const ALLOWED: CheckResult = { code: RPC.OK, message: "", validMs: 0, validUses: 0 };
const DENIED: CheckResult = {
  code: RPC.PERMISSION_DENIED,
  message: "opa: request was rejected",
  validMs: 0,
  validUses: 0,
};

/** An instance of the template authorization. */
interface Asked extends Instance {
  readonly subject?: { readonly user?: string; readonly groups?: string; readonly properties?: ValueMap };
  readonly action?: {
    readonly namespace?: string;
    readonly service?: string;
    readonly method?: string;
    readonly path?: string;
    readonly properties?: ValueMap;
  };
}

/** Makes the adapter (docs/reference/mixer.md §6.9). */
export function createAdapter(): Adapter {
  return implementAdapter(opa, (config: OpaParams, { log, handler, health }) => {
    const { policy: modules = [], checkMethod = "", failClose = false } = config;
    const wrong = problemOf(config);
    const policy: Policy | undefined = wrong ? undefined : compilePolicy(modules, checkMethod);
    if (wrong) health("failing", `${wrong.path.join(".")}: ${wrong.message}; every request is denied`);
    const failed = (why: string): CheckResult => {
      log.warn(
        { handler, why },
        failClose ? "a policy failed; the request is denied" : "a policy failed; the request passes",
      );
      return failClose ? DENIED : ALLOWED;
    };
    return {
      check(instance: Asked): CheckResult {
        if (!policy) return DENIED;
        let values: readonly Value[];
        try {
          values = policy.evaluate(inputOf(instance));
        } catch (error) {
          return failed((error as Error).message);
        }
        const [value] = values;
        if (values.length !== 1 || typeof value !== "boolean")
          return failed("the query has not exactly one value that is a boolean");
        return value ? ALLOWED : DENIED;
      },
    };
  });
}

/** The document `input`; what is empty is left out. */
export function inputOf({ subject = {}, action = {} }: Asked): object {
  return filled({
    subject: filled({
      user: subject.user,
      groups: subject.groups ? [subject.groups] : undefined,
      properties: propertiesOf(subject.properties),
    }),
    action: filled({
      namespace: action.namespace,
      service: action.service,
      method: action.method,
      path: action.path,
      properties: propertiesOf(action.properties),
    }),
  });
}

function filled(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== ""));
}

function propertiesOf(map: ValueMap | undefined): Record<string, unknown> | undefined {
  if (!map || map.names.length === 0) return undefined;
  return Object.fromEntries(
    map.names.map((name, i) => {
      const [type, value] = [map.types[i] as ValueMap["types"][number], map.values[i] as ValueMap["values"][number]];
      if (type === "STRING_MAP") return [name, Object.fromEntries((value as StringMap).entries())];
      const isPlain = typeof value === "string" || typeof value === "boolean" || typeof value === "number";
      return [name, isPlain && type !== "DURATION" ? value : renderValue(type, value)];
    }),
  );
}
