import { join } from "node:path";
import { describe, it } from "node:test";
import {
  decide,
  injectContext,
  injectionPatch,
  type Pod,
  parseInjectConfig,
  withDefaults,
} from "@xebec/injector-template";
import { goldenCases } from "@xebec/testing-golden";
import jsonPatch, { type Operation } from "fast-json-patch";

interface Input {
  readonly pods: Readonly<Record<string, Pod>>;
  /** The key `config` of the config map, and its key `values`. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly values?: Readonly<Record<string, unknown>>;
  readonly nativeSidecars?: boolean;
  /** What of the injected pod matters: `spec.containers.istio-proxy.args`; elements of lists by name. All of it when absent. */
  readonly show?: readonly string[];
}

/** Pods, and what they are after injection, or why the injector leaves them alone. */
describe("injection: what becomes of a pod", () => {
  for (const each of goldenCases(join(import.meta.dirname, "injection")))
    it(each.name, () => {
      const { pods, show, config = {}, values = {}, nativeSidecars = false } = each.input as Input;
      const context = injectContext({
        config: parseInjectConfig(JSON.stringify(config)),
        values: withDefaults(values),
        nativeSidecars,
      });
      const results = Object.entries(pods).map(([name, pod]) => {
        const { inject, reason } = decide(pod, "default", context.config);
        if (!inject) return [name, { inject, reason }];
        const patch = injectionPatch({ pod, namespace: "default" }, context) as Operation[];
        const { newDocument } = jsonPatch.applyPatch(structuredClone(pod), patch, true);
        return [
          name,
          show ? Object.fromEntries(show.map((path) => [path, at(newDocument, path.split("."))])) : newDocument,
        ];
      });
      each.expect(Object.fromEntries(results));
    });
});

function at(value: unknown, [segment, ...rest]: readonly string[]): unknown {
  if (segment === undefined) return value;
  if (Array.isArray(value)) return at(value.find(({ name }: { name?: string }) => name === segment) ?? null, rest);
  return at((value as Record<string, unknown> | null)?.[segment] ?? null, rest);
}
