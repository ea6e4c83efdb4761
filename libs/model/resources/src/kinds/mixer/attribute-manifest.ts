import { enumeration, field, map, message, type Static, string } from "@xebec/model-schema";

/** The numbers of istio.policy.v1beta1.ValueType; 0, VALUE_TYPE_UNSPECIFIED, is not a type of an attribute. */
const ValueType = enumeration({
  STRING: 1,
  INT64: 2,
  DOUBLE: 3,
  BOOL: 4,
  TIMESTAMP: 5,
  IP_ADDRESS: 6,
  EMAIL_ADDRESS: 7,
  URI: 8,
  DNS_NAME: 9,
  DURATION: 10,
  STRING_MAP: 11,
});

const AttributeInfo = message("AttributeManifest.AttributeInfo", {
  valueType: field(ValueType, "The type of the attribute. Required."),
  description: field(string(), "What the attribute means, for readers."),
});

/** Attributes that expressions may use besides the standard ones (docs/reference/mixer.md §7.1). */
export const AttributeManifestSpec = message("AttributeManifest", {
  revision: field(string(), "A version of the manifest, for readers."),
  name: field(string(), "The name of what sends the attributes, for readers."),
  attributes: field(map(AttributeInfo), "The attributes, by name."),
});
export type AttributeManifestSpec = Static<typeof AttributeManifestSpec>;
