import { Enum } from "@xebec/mixer-sdk";
import { Type } from "typebox";

const text = Type.Optional(Type.String());

const HeaderOperation = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    values: Type.Optional(Type.Array(Type.String())),
    operation: Type.Optional(Enum(["REPLACE", "REMOVE", "APPEND"])),
  },
  { additionalProperties: false },
);

/** Spec of a `rule` (istio.policy.v1beta1.Rule). `selector` is the old name of `match`; `sampling` is accepted and has no effect. */
export const RuleSpec = Type.Object(
  {
    match: text,
    selector: text,
    actions: Type.Optional(
      Type.Array(
        Type.Object(
          { handler: Type.String(), instances: Type.Optional(Type.Array(Type.String())), name: text },
          { additionalProperties: false },
        ),
      ),
    ),
    requestHeaderOperations: Type.Optional(Type.Array(HeaderOperation)),
    responseHeaderOperations: Type.Optional(Type.Array(HeaderOperation)),
    sampling: Type.Optional(Type.Any()),
  },
  { additionalProperties: false },
);

/** Spec of a `handler` (istio.policy.v1beta1.Handler). */
export const HandlerSpec = Type.Object(
  {
    name: text,
    adapter: text,
    compiledAdapter: text,
    params: Type.Optional(Type.Any()),
    connection: Type.Optional(Type.Any()),
  },
  { additionalProperties: false },
);

/** Spec of an `instance` (istio.policy.v1beta1.Instance). */
export const InstanceSpec = Type.Object(
  {
    name: text,
    template: text,
    compiledTemplate: text,
    params: Type.Optional(Type.Any()),
    attributeBindings: Type.Optional(Type.Record(Type.String(), Type.String())),
  },
  { additionalProperties: false },
);

/** Spec of an `attributemanifest`. */
export const ManifestSpec = Type.Object(
  {
    revision: text,
    name: text,
    attributes: Type.Optional(
      Type.Record(
        Type.String(),
        Type.Object(
          { description: text, valueType: Type.Optional(Type.Union([Type.String(), Type.Integer()])) },
          { additionalProperties: false },
        ),
      ),
    ),
  },
  { additionalProperties: false },
);
