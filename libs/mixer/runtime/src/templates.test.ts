import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkInstanceParams } from "@xebec/mixer-config";
import type { Template, TemplateField } from "@xebec/mixer-sdk";
import { createVocabulary, Layout, MutableBag, parseIp, type ValueType } from "@xebec/model-attributes";
import { ISTIO_TEMPLATES } from "@xebec/model-mixer";
import { InstanceCompiler } from "./instance-plan.ts";

/** For each type an expression that reads an attribute, and the value that the request has for it. */
const SAMPLES: Readonly<Partial<Record<ValueType | "ANY", readonly [string, unknown]>>> = {
  STRING: ["source.name", "web-1"],
  INT64: ["destination.port", 9080],
  BOOL: ["connection.mtls", true],
  TIMESTAMP: ["request.time", { seconds: 7, nanos: 5 }],
  IP_ADDRESS: ["source.ip", parseIp("10.0.0.1")],
  ANY: ["response.duration", 1_500_000],
};

const REQUEST = Object.fromEntries(Object.values(SAMPLES).map(([name, value]) => [name, value]));

function sampleOf(type: ValueType | "ANY"): readonly [string, unknown] {
  const sample = SAMPLES[type];
  assert.ok(sample, `no sample of the type ${type}`);
  return sample;
}

/** What is configured for all fields of a template, and the instance that comes of it. */
function everything(fields: readonly TemplateField[]): {
  params: Record<string, unknown>;
  instance: Record<string, unknown>;
} {
  const params: Record<string, unknown> = {};
  const instance: Record<string, unknown> = {};
  for (const { name, key, form, type, fields: inner } of fields) {
    if (form === "message") {
      const nested = everything(inner);
      params[name] = nested.params;
      instance[key] = nested.instance;
    } else {
      const [text, value] = sampleOf(type);
      const valueType = type === "ANY" ? "DURATION" : type;
      params[name] = form === "leaf" ? text : { b: text, a: '"text"' };
      instance[key] =
        form === "leaf" ? value : { names: ["a", "b"], types: ["STRING", valueType], values: ["text", value] };
    }
  }
  return { params, instance };
}

function instanceOf(template: Template, params: object): Record<string, unknown> {
  const vocabulary = createVocabulary();
  const checked = checkInstanceParams(template, { params, paramsPath: ["spec"] }, vocabulary);
  assert.deepEqual(checked.violations, []);
  const layout = new Layout(vocabulary);
  const name = `i.${template.name}.default`;
  const plan = new InstanceCompiler(layout).compile({
    ...{ name, shortName: "i", template, params: checked.params },
    shape: { name, template: template.name, ...checked.shape },
  });
  const {
    name: _,
    types: __,
    ...fields
  } = plan.build(new MutableBag(layout, REQUEST as never), 1) as never as Record<string, unknown>;
  return fields;
}

describe("Istio's templates", () => {
  for (const template of ISTIO_TEMPLATES.values())
    it(`${template.name}: every field is evaluated, and what is left out or empty is not there`, () => {
      const { params, instance } = everything(template.fields);
      assert.deepEqual(instanceOf(template, params), instance);
      assert.deepEqual(instanceOf(template, {}), {});
      for (const { name, form } of template.fields)
        if (form === "leaf") assert.deepEqual(instanceOf(template, { [name]: "" }), {});
    });

  it("are those of Istio 1.1", () => {
    assert.deepEqual(
      [...ISTIO_TEMPLATES.keys()].sort(),
      "apikey authorization checknothing edge kubernetes listentry logentry metric quota reportnothing tracespan".split(
        " ",
      ),
    );
  });
});
